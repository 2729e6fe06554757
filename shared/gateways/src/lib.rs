//! Other services, by the role they play: who takes the money, who carries the mail, where files lie,
//! who keeps the keys.

use aws_sdk_s3::{
    config::retry::{RetryPartition, TokenBucket},
    error::{ProvideErrorMetadata, SdkError},
};
use domain::{fault::chain, retry::BUDGET_TOKENS};

pub mod email;
pub mod objects;
pub mod payment;
pub mod secrets;

/// A call to another service that failed.
#[derive(Debug, thiserror::Error)]
#[error("{service} {operation} failed: {cause}")]
pub struct GatewayError {
    /// Which service.
    pub service: &'static str,
    /// Which of its operations.
    pub operation: &'static str,
    /// The service's or the transport's words.
    pub cause: String,
}

impl GatewayError {
    /// A call that failed: the service's own words if it has answered, the transport's if not.
    pub(crate) fn call<E, R>(
        service: &'static str,
        operation: &'static str,
        error: &SdkError<E, R>,
    ) -> Self
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
        R: std::fmt::Debug,
    {
        let code = error.code().unwrap_or("no answer");
        let message = error.message().map_or_else(|| chain(error), str::to_owned);
        Self {
            service,
            operation,
            cause: format!("{code}: {message}"),
        }
    }
}

/// A retry budget of a client's own.
pub(crate) fn retry_partition(name: &'static str) -> RetryPartition {
    let budget = TokenBucket::builder().capacity(BUDGET_TOKENS).build();
    RetryPartition::custom(name).token_bucket(budget).build()
}

impl From<GatewayError> for domain::fault::Failure {
    fn from(error: GatewayError) -> Self {
        Self::dependency(error, true)
    }
}

//! Clients of external services by role: payment, email, object storage, secrets.

use aws_sdk_s3::{
    config::retry::{RetryPartition, TokenBucket},
    error::{ProvideErrorMetadata, SdkError},
};
use domain::{fault::chain, retry::BUDGET_TOKENS};

pub mod email;
pub mod objects;
pub mod payments;
pub mod secrets;

/// A failed call to an external service.
#[derive(Debug, thiserror::Error)]
#[error("{service} {operation} failed: {cause}")]
pub struct GatewayError {
    /// Name of the service.
    pub service: &'static str,
    /// Name of the operation.
    pub operation: &'static str,
    /// Error of the service or the transport.
    pub cause: String,
}

impl GatewayError {
    /// Converts an SDK error: the service's message if it has responded, otherwise the transport's.
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

/// A retry budget that belongs to one client.
pub(crate) fn retry_partition(name: &'static str) -> RetryPartition {
    let budget = TokenBucket::builder().capacity(BUDGET_TOKENS).build();
    RetryPartition::custom(name).token_bucket(budget).build()
}

impl From<GatewayError> for domain::fault::Failure {
    fn from(error: GatewayError) -> Self {
        Self::dependency(error, true)
    }
}

//! Clients of external services by role: payment, challenges, email, object storage, secrets.

use aws_sdk_s3::{
    config::retry::{RetryPartition, TokenBucket},
    error::{ProvideErrorMetadata, SdkError},
};
use domain::{fault::reason, retry::BUDGET_TOKENS};

pub mod challenges;
pub mod email;
mod https;
pub mod objects;
pub mod payments;
pub mod secrets;

/// A failed call to an external service.
#[derive(Debug, thiserror::Error)]
#[error("{service} {operation} failed: {reason}")]
pub struct GatewayError {
    /// Name of the service.
    pub service: &'static str,
    /// Name of the operation.
    pub operation: &'static str,
    /// Code and message of the service, or what is wrong with its answer.
    pub reason: String,
    /// Error of the service or the transport. Without one where its words may name a customer.
    #[source]
    pub source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl GatewayError {
    /// Converts an SDK error: the service's message if it has responded, otherwise the transport's.
    pub(crate) fn call<E, R>(
        service: &'static str,
        operation: &'static str,
        error: SdkError<E, R>,
    ) -> Self
    where
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
        R: std::fmt::Debug + Send + Sync + 'static,
    {
        Self {
            service,
            operation,
            reason: reason(error.code(), error.message()),
            source: error.into_source().ok(),
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

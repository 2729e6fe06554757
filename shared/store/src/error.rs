//! Errors of the table.

use aws_sdk_dynamodb::{
    error::{ProvideErrorMetadata, SdkError},
    operation::update_item::UpdateItemError,
};
use domain::fault::{Failure, chain};

/// A failed access that the caller cannot correct.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The call failed, timed out or was throttled after the client's own retries.
    #[error("DynamoDB {operation} failed: {cause}")]
    Call {
        /// Name of the operation.
        operation: &'static str,
        /// Error code and message of the service, or the error of the transport.
        cause: String,
        /// Whether a retry may succeed.
        retryable: bool,
    },
    /// A stored item that this version of the code cannot read.
    #[error("item {entity} cannot be read: {cause}")]
    Corrupt {
        /// Type of the item.
        entity: &'static str,
        /// Reason why it cannot be read.
        cause: String,
    },
    /// Repeated version conflicts with other writers.
    #[error("version conflict: {operation} kept conflicting with other writers")]
    Contended {
        /// Name of the access pattern.
        operation: &'static str,
    },
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        let retryable = error.is_retryable();
        Self::dependency(error, retryable)
    }
}

impl StoreError {
    /// Whether a retry may succeed without any intervention.
    pub const fn is_retryable(&self) -> bool {
        match self {
            Self::Call { retryable, .. } => *retryable,
            Self::Corrupt { .. } => false,
            Self::Contended { .. } => true,
        }
    }

    /// An item, or data derived from it, is not valid.
    pub fn corrupt(entity: &'static str, cause: impl std::fmt::Display) -> Self {
        Self::Corrupt {
            entity,
            cause: cause.to_string(),
        }
    }

    pub(crate) fn call<E, R>(operation: &'static str, error: &SdkError<E, R>) -> Self
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
        R: std::fmt::Debug,
    {
        let code = error.code().unwrap_or("no answer");
        let message = error.message().map_or_else(|| chain(error), str::to_owned);
        // A rejected request would be rejected again; all other errors may be temporary.
        let refused = [
            "ValidationException",
            "AccessDeniedException",
            "ResourceNotFoundException",
            "UnrecognizedClientException",
        ];
        Self::Call {
            operation,
            cause: format!("{code}: {message}"),
            retryable: !refused.contains(&code),
        }
    }
}

/// Whether an update failed because its condition did not hold.
pub(crate) fn is_condition_failure(error: &SdkError<UpdateItemError>) -> bool {
    error
        .as_service_error()
        .is_some_and(|error| error.is_conditional_check_failed_exception())
}

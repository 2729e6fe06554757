//! What can go wrong with the table.

use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use domain::fault::{Failure, chain};

/// A call that failed for a reason the caller cannot mend.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The call failed, timed out or was throttled after the client's own retries.
    #[error("DynamoDB {operation} failed: {cause}")]
    Call {
        /// Which operation.
        operation: &'static str,
        /// The service's error code and message, or the transport's.
        cause: String,
        /// Whether the same call may succeed later.
        retryable: bool,
    },
    /// What is stored is not what this version of the code stores.
    #[error("item {entity} cannot be read: {cause}")]
    Corrupt {
        /// Which kind of item.
        entity: &'static str,
        /// What is wrong with it.
        cause: String,
    },
    /// Other writers were in the way again and again.
    #[error("{operation} met other writers again and again")]
    Contended {
        /// Which access pattern.
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
    /// Whether the same call may succeed later, without anybody mending anything.
    pub const fn is_retryable(&self) -> bool {
        match self {
            Self::Call { retryable, .. } => *retryable,
            Self::Corrupt { .. } => false,
            Self::Contended { .. } => true,
        }
    }

    /// What is stored, or made of it, is not what it should be.
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
        // A refused request will be refused again; everything else may pass.
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

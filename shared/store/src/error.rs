//! Errors of the table.

use aws_sdk_dynamodb::error::{BuildError, ProvideErrorMetadata, SdkError};
use domain::fault::{Code, Failure, Rejection, reason};

/// The cause of an error, for the log.
pub(crate) type Cause = Box<dyn std::error::Error + Send + Sync>;

/// A failed access that the caller cannot correct.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The call failed, timed out or was throttled after the client's own retries.
    #[error("DynamoDB {operation} failed: {reason}")]
    Call {
        /// Name of the operation.
        operation: &'static str,
        /// Code and message of the service, or that there was no answer.
        reason: String,
        /// Whether a retry may succeed.
        retryable: bool,
        /// Error of the service or of the transport.
        #[source]
        source: Option<Cause>,
    },
    /// A request that lacks a required part: a fault of this code.
    #[error("the request to DynamoDB cannot be built")]
    Unbuildable {
        /// The missing part.
        #[source]
        source: BuildError,
    },
    /// A record that cannot be converted to an item.
    #[error("item {entity} cannot be written")]
    Unwritable {
        /// Type of the item.
        entity: &'static str,
        /// Reason.
        #[source]
        source: Cause,
    },
    /// A stored item that this version of the code cannot read.
    #[error("item {entity} cannot be read")]
    Unreadable {
        /// Type of the item.
        entity: &'static str,
        /// Reason.
        #[source]
        source: Cause,
    },
    /// Stored items that contradict each other, or themselves.
    #[error("item {entity} is inconsistent: {reason}")]
    Inconsistent {
        /// Type of the item.
        entity: &'static str,
        /// The contradiction.
        reason: String,
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
        if let StoreError::Contended { .. } = error {
            let message = "Version conflict: what the request changes is being changed concurrently; send the same request again.";
            return Rejection::new(Code::Busy, message).into();
        }
        let retryable = error.is_retryable();
        Self::dependency(error, retryable)
    }
}

impl StoreError {
    /// Whether a retry may succeed without any intervention.
    pub const fn is_retryable(&self) -> bool {
        match self {
            Self::Call { retryable, .. } => *retryable,
            Self::Unbuildable { .. }
            | Self::Unwritable { .. }
            | Self::Unreadable { .. }
            | Self::Inconsistent { .. } => false,
            Self::Contended { .. } => true,
        }
    }

    /// A value that cannot be converted to an attribute of an item.
    pub(crate) fn unwritable(entity: &'static str, source: impl Into<Cause>) -> Self {
        Self::Unwritable {
            entity,
            source: source.into(),
        }
    }

    /// A stored item, or a value derived from one, that cannot be read.
    pub fn unreadable(entity: &'static str, source: impl Into<Cause>) -> Self {
        Self::Unreadable {
            entity,
            source: source.into(),
        }
    }

    pub(crate) fn inconsistent(entity: &'static str, reason: impl Into<String>) -> Self {
        Self::Inconsistent {
            entity,
            reason: reason.into(),
        }
    }

    pub(crate) fn call<E, R>(operation: &'static str, error: SdkError<E, R>) -> Self
    where
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
        R: std::fmt::Debug + Send + Sync + 'static,
    {
        // A rejected request would be rejected again; all other errors may be temporary.
        let refused = [
            "ValidationException",
            "AccessDeniedException",
            "ResourceNotFoundException",
            "UnrecognizedClientException",
        ];
        Self::Call {
            operation,
            reason: reason(error.code(), error.message()),
            retryable: !error.code().is_some_and(|code| refused.contains(&code)),
            source: error.into_source().ok(),
        }
    }
}

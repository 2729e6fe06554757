//! Other services, by the role they play: who takes the money, who carries the mail, where files lie.

pub mod email;
pub mod objects;
pub mod payment;

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

impl From<GatewayError> for domain::fault::Failure {
    fn from(error: GatewayError) -> Self {
        Self::dependency(error, true)
    }
}

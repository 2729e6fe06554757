//! The shop's AWS on a laptop: reads `template.yaml`, makes what it names in emulators, and runs the
//! real binaries behind a Lambda Runtime API of its own.
//!
//! `make dev` and the tests stand on it; nothing that is deployed does. `template.yaml` is the only
//! list: routes, queues, triggers, time limits and environments are read from it.
//!
//! - [`template`] understands as much of SAM and CloudFormation as the project uses.
//! - [`emulators`] starts DynamoDB (dynoxide, in this process) and SQS, S3 and SES (ministack, a
//!   child process).
//! - [`lambda`] is the Runtime API: processes, time limits, concurrency.
//! - [`gateway`] is the HTTP API and the CDN in front of it, on one address.
//! - [`triggers`] feeds the queue consumers and the reader of the table's stream.
//! - [`stack`] puts them together; its `Aws` is the emulators alone.
//! - [`environment`] writes the functions' environments for cargo-lambda.
//! - [`meter`] counts what the functions' calls cost.
//! - [`process`] reads what the kernel knows of a function's process.
//! - [`stripe`] stands in for the payment provider.

pub mod emulators;
pub mod environment;
pub mod gateway;
pub mod lambda;
pub mod meter;
pub mod process;
mod sdk;
pub mod stack;
pub mod stripe;
pub mod template;
pub mod triggers;

/// Region of everything local.
pub const REGION: &str = "us-east-1";
/// Account of everything local.
pub const ACCOUNT: &str = "000000000000";

/// Why the local stack cannot do what it was asked; says what to do next.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct LocalError(pub String);

impl LocalError {
    /// An error of `what`, caused by `cause`.
    pub fn new(what: impl std::fmt::Display, cause: impl std::fmt::Display) -> Self {
        Self(format!("{what}: {cause}"))
    }
}

/// What most of this crate returns.
pub type Result<T, E = LocalError> = std::result::Result<T, E>;

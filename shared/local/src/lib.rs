//! Runs the shop on one machine: reads the templates, creates their resources in emulators, and runs
//! the real binaries behind a Lambda Runtime API.
//!
//! Used by the tools and the tests, never deployed. The templates are the only source of routes,
//! queues, triggers, timeouts and environments.
//!
//! - [`template`] reads the subset of SAM and CloudFormation that the project uses.
//! - [`emulators`] starts DynamoDB (dynoxide, in this process) and SQS, S3 and SES (ministack, a
//!   child process).
//! - [`lambda`] is the Runtime API: processes, timeouts, concurrency.
//! - [`gateway`] is the HTTP API and the CDN in front of it, on one address.
//! - [`triggers`] polls for the queue consumers and the readers of the table's stream, whose records [`filter`] chooses.
//! - [`stack`] combines them; its `Aws` is the emulators alone.
//! - [`environment`] writes the functions' environments for cargo-lambda.
//! - [`meter`] measures the calls of functions to AWS.
//! - [`host`] refuses web pages of others.
//! - [`process`] reads the kernel's statistics of a process.
//! - [`stripe`] stands in for the payment provider.
//! - [`authenticator`] has passkeys, without a browser.
//! - [`event`] makes the HTTP API's events, for samples and measurements.
//!
//! What several tools need is here, too: [`series`], [`outcome`], [`project`], [`files`], [`executor`], [`signals`],
//! [`staff`] and [`catalogue`].

pub mod authenticator;
pub mod catalogue;
mod database;
mod dynamodb;
pub mod emulators;
pub mod environment;
pub mod event;
pub mod executor;
pub mod files;
pub mod filter;
pub mod gateway;
pub mod host;
pub mod lambda;
pub mod limits;
pub mod meter;
pub mod outcome;
mod policies;
pub mod process;
pub mod project;
mod sdk;
pub mod series;
pub mod signals;
pub mod stack;
pub mod staff;
pub mod stripe;
pub mod template;
pub mod triggers;

/// AWS region of all local resources.
pub const REGION: &str = "us-east-1";
/// AWS account of all local resources.
pub const ACCOUNT: &str = "000000000000";

/// An error of the local stack, with advice on how to fix it.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct LocalError(pub String);

impl LocalError {
    /// An error of `what`, caused by `cause`.
    pub fn new(what: impl std::fmt::Display, cause: impl std::fmt::Display) -> Self {
        Self(format!("{what}: {cause}"))
    }
}

/// Result of most functions in this crate.
pub type Result<T, E = LocalError> = std::result::Result<T, E>;

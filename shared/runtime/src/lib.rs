//! Runtime of every function: environment, AWS clients, logs, metrics, and the five kinds of
//! invocation.
//!
//! - [`serve`] runs an [`Endpoint`]: authenticates the caller, parses path, query and body, responds
//!   with JSON or a problem (RFC 9457), and logs one line per request.
//! - [`read_stream`] runs a [`StreamConsumer`], which processes the table's changes in order.
//! - [`consume`] runs a [`Consumer`]: processes a batch record by record, reports failed records, and
//!   delays their redelivery with exponential backoff.
//! - [`run_on_schedule`] runs a [`Task`] at regular intervals.
//! - [`run_command`] runs a [`Command`] that an operator invokes.
//!
//! Each of them opens a span for the invocation, and for each message or record of a batch, so that every
//! line logged inside it has the id of the request that it goes back to.

mod auth;
mod body;
mod call;
mod command;
mod consume;
mod deadline;
mod environment;
mod metric;
mod problem;
mod process;
mod reply;
mod request;
mod routes;
mod schedule;
mod sdk;
mod serve;
mod stream;
mod telemetry;
mod viewer;

use tracing::Instrument;

pub use auth::{
    Access, Authenticator, StaffClaims, TOKEN_AUDIENCE, TokenVerifier, invalid as invalid_token,
    sign_access_token, sign_staff_token,
};
pub use body::{Body, Json, MaybeJson, MergePatch, NoBody, RawBody};
pub use call::{NoPath, NoQuery, Request, version_mismatch};
pub use command::{Command, Invocation, run_command};
pub use consume::{
    BatchConsumer, ConsumeError, Consumer, Delivery, Later, consume, consume_batches,
};
pub use domain::fault::Failure;
pub use environment::{Environment, MissingVariable};
pub use metric::{Dimensions, metric, metric_by, metric_if_any};
pub use problem::{Problem, status_and_title};
pub use reply::{NoContent, Prepared, Reply, SignedIn};
pub use routes::{ApiPath, allowed_methods};
pub use schedule::{Task, Tick, run_on_schedule};
pub use sdk::SdkConfigError;
pub use serve::{Endpoint, serve, serve_with};
pub use stream::{Change, StreamConsumer, read_stream};
pub use telemetry::request_span;

/// The current time. The only place where a clock is read.
#[expect(
    clippy::disallowed_methods,
    reason = "the only place that reads the clock"
)]
pub fn now() -> jiff::Timestamp {
    jiff::Timestamp::now()
}

/// Begins work that the caller does not wait for, in the current span. Lambda suspends the process once it has
/// responded, and resumes it with its next request: the work may end late or never, so it must be an
/// optimization only.
pub fn after_response(work: impl Future<Output = ()> + Send + 'static) {
    // Its result is not needed, and a panic would be logged by the hook.
    drop(tokio::spawn(work.in_current_span()));
}

/// A random number, to spread load.
pub fn random_number() -> Result<u64, Failure> {
    let bits = u128::from_be_bytes(random()?);
    Ok(u64::try_from(bits >> 64).unwrap_or_default())
}

/// Unguessable random bits, for identifiers.
pub fn random() -> Result<[u8; 16], Failure> {
    random_bytes()
}

/// Unguessable random bytes, for secrets.
pub fn random_bytes<const N: usize>() -> Result<[u8; N], Failure> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes)
        .map_err(|error| Failure::internal(std::io::Error::other(error.to_string())))?;
    Ok(bytes)
}

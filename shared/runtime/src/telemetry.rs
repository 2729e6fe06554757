//! Logs: one JSON object a line on standard output, where Lambda collects them.

use tracing_subscriber::{
    filter::{LevelFilter, Targets},
    layer::SubscriberExt,
    util::SubscriberInitExt,
};

use crate::environment::Environment;

/// Crates of others that log, by how their names begin. Their warnings are shown. What they say at `debug` and
/// `trace` holds requests and responses, and so personal data.
const OTHERS: [&str; 5] = ["aws_", "h2", "hyper", "lambda_http", "rustls"];

/// Starts logging at `LOG_LEVEL`, `info` if it is not set. No filter language: plain levels cost
/// nothing at start.
///
/// The runtime's own span of each invocation is left out: no line shows it, and keeping it took a tenth
/// of a small function's instructions.
pub(crate) fn start(environment: &Environment) {
    let level = environment
        .get("LOG_LEVEL")
        .and_then(|level| level.parse::<LevelFilter>().ok())
        .unwrap_or(LevelFilter::INFO);
    let targets = Targets::new()
        .with_default(level)
        .with_target("lambda_runtime", level.min(LevelFilter::ERROR))
        .with_targets(OTHERS.map(|name| (name, level.min(LevelFilter::WARN))));
    tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        // Events name the request themselves.
        .with_current_span(false)
        .with_span_list(false)
        .with_target(false)
        .with_max_level(level)
        // CloudWatch stamps every line with its time.
        .without_time()
        .finish()
        .with(targets)
        .init();
}

//! Logging: one JSON object per line on standard output, where Lambda collects it.

use tracing_subscriber::{
    filter::{LevelFilter, Targets},
    layer::SubscriberExt,
    util::SubscriberInitExt,
};

use crate::environment::Environment;

/// Name prefixes of third-party crates that log. Only their warnings are shown: at `debug` and `trace`
/// they log requests and responses, and so personal data.
const OTHERS: [&str; 5] = ["aws_", "h2", "hyper", "lambda_http", "rustls"];

/// Starts logging at `LOG_LEVEL`, by default `info`. A plain level instead of a filter language, as it
/// costs nothing at start.
///
/// The runtime's span of each invocation is disabled: no line shows it, and it took a tenth of a small
/// function's instructions.
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
        // CloudWatch adds a timestamp to every line.
        .without_time()
        .finish()
        .with(targets)
        .init();
}

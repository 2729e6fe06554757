//! Figures for CloudWatch, as lines of the log (embedded metric format): no call, no round trip.

use std::sync::OnceLock;

use serde_json::json;

use crate::environment::Environment;

static NAMESPACE: OnceLock<String> = OnceLock::new();

/// Takes the namespace of all figures from `METRIC_NAMESPACE`; without one they are plain log lines.
pub(crate) fn start(environment: &Environment) {
    if let Some(namespace) = environment.get("METRIC_NAMESPACE") {
        // Set once: a process has one environment.
        let _ = NAMESPACE.set(namespace.to_owned());
    }
}

/// Reports a count unless it is 0: each hour in which a figure is reported costs, and an alarm takes
/// what is not reported for 0. For what the clock counts again and again; that it still does is told
/// by Lambda's own count of invocations, which costs nothing.
pub fn metric_if_any(name: &'static str, count: u64) {
    if count > 0 {
        metric(name, count);
    }
}

/// Reports a count. Alarms in infra/ go by `name`; docs/runbook.md says what to do about each.
#[expect(
    clippy::print_stdout,
    reason = "the line must be nothing but the figure"
)]
pub fn metric(name: &'static str, count: u64) {
    let Some(namespace) = NAMESPACE.get() else {
        tracing::info!(metric.name = name, metric.count = count, "metric");
        return;
    };
    let line = json!({
        "_aws": {
            "Timestamp": crate::now().as_millisecond(),
            "CloudWatchMetrics": [{
                "Namespace": namespace,
                "Dimensions": [[]],
                "Metrics": [{ "Name": name, "Unit": "Count" }],
            }],
        },
        (name): count,
    });
    println!("{line}");
}

//! Metrics for CloudWatch as log lines (embedded metric format), without any call.

use std::sync::OnceLock;

use serde_json::json;

use crate::environment::Environment;

static NAMESPACE: OnceLock<String> = OnceLock::new();

/// Sets the namespace of all metrics from `METRIC_NAMESPACE`; without it, they are plain log lines.
pub(crate) fn start(environment: &Environment) {
    if let Some(namespace) = environment.get("METRIC_NAMESPACE") {
        // Set once, as a process has one environment.
        let _ = NAMESPACE.set(namespace.to_owned());
    }
}

/// Reports a count unless it is 0, for functions on a schedule: CloudWatch charges for every hour with
/// a data point, and alarms treat missing data as 0. Lambda's free metric of invocations tells whether
/// the schedule still runs.
pub fn metric_if_any(name: &'static str, count: u64) {
    if count > 0 {
        metric(name, count);
    }
}

/// Reports a count. Alarms in infra/ refer to `name`; docs/runbook.md describes the response to each.
#[expect(
    clippy::print_stdout,
    reason = "the line must consist of the metric alone"
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

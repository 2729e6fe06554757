//! Metrics for CloudWatch as log lines (embedded metric format), without any call.

use std::sync::OnceLock;

use jiff::Timestamp;
use serde_json::{Value, json};

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
pub fn metric(name: &'static str, count: u64) {
    report(name, None, count);
}

/// The dimensions of a metric. CloudWatch charges for each pair of values: `xtask tidy` counts those that the sources name, so
/// both are literals where the metric is reported. What has many values, such as a route, is a field of a log line.
#[derive(Clone, Copy, Debug)]
pub struct Dimensions {
    /// Context that reports the metric, such as `orders`.
    pub context: &'static str,
    /// One of few classes, such as a projection.
    pub class: &'static str,
}

/// Reports a count of one class.
pub fn metric_by(name: &'static str, dimensions: Dimensions, count: u64) {
    report(name, Some(dimensions), count);
}

#[expect(
    clippy::print_stdout,
    reason = "the line must consist of the metric alone"
)]
fn report(name: &'static str, dimensions: Option<Dimensions>, count: u64) {
    let Some(namespace) = NAMESPACE.get() else {
        tracing::info!(
            metric.name = name,
            metric.context = dimensions.map(|it| it.context),
            metric.class = dimensions.map(|it| it.class),
            metric.count = count,
            "metric"
        );
        return;
    };
    let line = line(namespace, crate::now(), name, dimensions, count);
    println!("{line}");
}

/// A metric in the embedded format.
fn line(
    namespace: &str,
    now: Timestamp,
    name: &str,
    dimensions: Option<Dimensions>,
    count: u64,
) -> Value {
    let names: &[&str] = match dimensions {
        Some(_) => &["Context", "Class"],
        None => &[],
    };
    let mut line = json!({
        "_aws": {
            "Timestamp": now.as_millisecond(),
            "CloudWatchMetrics": [{
                "Namespace": namespace,
                "Dimensions": [names],
                "Metrics": [{ "Name": name, "Unit": "Count" }],
            }],
        },
        (name): count,
    });
    if let Some(Dimensions { context, class }) = dimensions {
        line["Context"] = context.into();
        line["Class"] = class.into();
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_metric_has_two_dimensions_or_none() {
        let now = Timestamp::UNIX_EPOCH;
        let plain = line("Stampede/shop", now, "StockDrift", None, 3);
        let format = |dimensions: Value, name: &str| {
            json!({
                "Timestamp": 0,
                "CloudWatchMetrics": [{
                    "Namespace": "Stampede/shop",
                    "Dimensions": [dimensions],
                    "Metrics": [{ "Name": name, "Unit": "Count" }],
                }],
            })
        };
        assert_eq!(
            plain,
            json!({ "_aws": format(json!([]), "StockDrift"), "StockDrift": 3 })
        );
        let dimensions = Dimensions {
            context: "orders",
            class: "list",
        };
        let classed = line("Stampede/shop", now, "Lag", Some(dimensions), 7);
        assert_eq!(
            classed,
            json!({
                "_aws": format(json!(["Context", "Class"]), "Lag"),
                "Context": "orders",
                "Class": "list",
                "Lag": 7,
            })
        );
    }
}

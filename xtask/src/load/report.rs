//! The format of `report.json`.

#![expect(clippy::float_arithmetic, reason = "rates and shares are not money")]

use std::{collections::BTreeMap, time::Duration};

use local::{
    lambda::Counts,
    meter::Operations,
    template::{Template, Trigger},
};
use serde::Serialize;

use super::{
    machine::{Machine, Observer, Used},
    record::{Orders, Summary, Tally, Times, float, rate},
    stock::StockCheck,
};

/// Delay in milliseconds above which the generator affects the measurement.
const LATE: f64 = 10.0;
/// Share of busy cores above which the machine affects the measurement.
const FULL: f64 = 0.9;

#[derive(Serialize)]
pub(super) struct Report {
    /// Start of the run.
    pub(super) at: String,
    pub(super) revision: String,
    pub(super) command: String,
    pub(super) seed: u64,
    /// The tested shop: `local`, or its URL.
    pub(super) shop: String,
    /// Build profile of the functions; null for a deployed shop.
    pub(super) functions_built: Option<&'static str>,
    /// Build profile of the generator and the emulators.
    pub(super) tools_built: &'static str,
    pub(super) machine: Machine,
    pub(super) products: usize,
    /// Duration of arrivals in seconds.
    pub(super) seconds: f64,
    pub(super) ended_early: bool,
    pub(super) shoppers: u64,
    pub(super) requests: u64,
    pub(super) requests_per_second: f64,
    pub(super) errors: u64,
    pub(super) orders: Orders,
    /// Milliseconds since the intended start.
    pub(super) latency_ms: Summary,
    /// Milliseconds since the actual start.
    pub(super) service_ms: Summary,
    /// Milliseconds from the response to an order until it was seen paid.
    pub(super) paid_after_ms: Summary,
    pub(super) generator_lag_ms: Summary,
    pub(super) routes: Vec<OfRoute>,
    /// Empty for a deployed shop.
    pub(super) functions: Vec<OfFunction>,
    /// Null for a deployed shop, and if nothing was ordered.
    pub(super) per_order: Option<PerOrder>,
    /// CPU seconds; null if not available.
    pub(super) cpu_seconds: Option<Used>,
    /// Null for a deployed shop.
    pub(super) stock: Option<StockCheck>,
    /// The first errors that functions logged.
    pub(super) log: Vec<String>,
    pub(super) over_time: Vec<Point>,
    pub(super) distribution: Vec<Percentile>,
    pub(super) cores_over_time: Vec<Cores>,
}

#[derive(Serialize)]
pub(super) struct OfRoute {
    pub(super) route: &'static str,
    pub(super) requests: u64,
    pub(super) requests_per_second: f64,
    pub(super) refused: u64,
    pub(super) statuses: BTreeMap<u16, u64>,
    pub(super) errors: BTreeMap<String, u64>,
    pub(super) latency_ms: Summary,
    pub(super) service_ms: Summary,
}

#[derive(Serialize)]
pub(super) struct OfFunction {
    pub(super) function: String,
    /// Whether it works asynchronously: on queues, the stream, or a schedule.
    pub(super) behind: bool,
    pub(super) invocations: u64,
    pub(super) errors: u64,
    /// Number of processes that ran it.
    pub(super) processes: u64,
    /// Null if not available.
    pub(super) cpu_ms: Option<f64>,
    pub(super) cpu_ms_per_invocation: Option<f64>,
    pub(super) memory_peak_bytes: Option<u64>,
    pub(super) per_invocation: Calls,
    /// Totals by operation.
    pub(super) operations: Operations,
}

/// Calls to AWS services.
#[derive(Default, Serialize)]
pub(super) struct Calls {
    pub(super) dynamodb_requests: f64,
    pub(super) read_units: f64,
    pub(super) write_units: f64,
    /// SQS, S3, SES, Secrets Manager.
    pub(super) other_requests: f64,
}

/// Cost of placing an order, with the work that it caused before the report.
#[derive(Default, Serialize)]
pub(super) struct PerOrder {
    pub(super) invocations: f64,
    pub(super) cpu_ms: f64,
    pub(super) read_units: f64,
    pub(super) write_units: f64,
}

/// An interval of the run, by intended start.
#[derive(Serialize)]
pub(super) struct Point {
    pub(super) second: f64,
    pub(super) wanted_per_second: f64,
    pub(super) answered_per_second: f64,
    pub(super) errors_per_second: f64,
    pub(super) latency_ms: Summary,
}

#[derive(Serialize)]
pub(super) struct Percentile {
    pub(super) percent: f64,
    pub(super) latency_ms: f64,
    pub(super) service_ms: f64,
}

#[derive(Serialize)]
pub(super) struct Cores {
    pub(super) second: f64,
    #[serde(flatten)]
    pub(super) used: Used,
}

impl Report {
    /// Reasons to doubt the times.
    pub(super) fn doubts(&self) -> Vec<String> {
        let mut doubts = Vec::new();
        let lag = self.generator_lag_ms.p99;
        if lag > LATE {
            doubts.push(format!(
                "The generator was late itself, {lag:.0} ms for one request in a hundred, and the latencies contain \
                 that. Drive fewer shoppers, or read the service times."
            ));
        }
        let cores = float(u64::try_from(self.machine.cores).unwrap_or(1));
        let during = self.cores_over_time.iter();
        let during = during.filter(|point| point.second <= self.seconds);
        let full = during
            .clone()
            .filter(|point| point.used.ours() + point.used.others > FULL * cores);
        let (points, full) = (during.count(), full.count());
        // A start-up or a single peak does not invalidate the whole run.
        if full * 5 > points {
            let time = self
                .cores_over_time
                .last()
                .map_or(1.0, |point| point.second);
            let others = self.cpu_seconds.map_or(0.0, |used| used.others) / time;
            let others = match others {
                ..0.2 => String::new(),
                _ => format!(" Other programs kept {others:.1} cores busy."),
            };
            doubts.push(format!(
                "All {} cores were busy at {full} of {points} looks at the machine.{others} The times show this \
                 machine's limit, not the shop's.",
                self.machine.cores
            ));
        }
        doubts
    }
}

/// Cost of an order: placing it, and all functions that shoppers do not call.
pub(super) fn per_order(functions: &[OfFunction], orders: Orders) -> Option<PerOrder> {
    if orders.placed == 0 {
        return None;
    }
    let mut sum = PerOrder::default();
    for of in functions {
        if of.behind || of.function == "place-order" {
            let calls = float(of.invocations + of.errors);
            sum.invocations += calls;
            sum.cpu_ms += of.cpu_ms.unwrap_or_default();
            sum.read_units += of.per_invocation.read_units * calls;
            sum.write_units += of.per_invocation.write_units * calls;
        }
    }
    let orders = float(orders.placed);
    Some(PerOrder {
        invocations: sum.invocations / orders,
        cpu_ms: sum.cpu_ms / orders,
        read_units: sum.read_units / orders,
        write_units: sum.write_units / orders,
    })
}

/// Results by route.
pub(super) fn routes(tally: &Tally, time: Duration) -> Vec<OfRoute> {
    let routes = tally.routes.iter();
    routes
        .map(|(route, times)| OfRoute {
            route: route.name(),
            requests: times.latency.count(),
            requests_per_second: rate(times.latency.count(), time),
            refused: times.refused,
            statuses: times.statuses.clone(),
            errors: times.errors.clone(),
            latency_ms: times.latency.summary(),
            service_ms: times.service.summary(),
        })
        .collect()
}

/// Results by function, if it was called.
pub(super) fn functions(
    template: &Template,
    before: &BTreeMap<String, Counts>,
    after: &BTreeMap<String, Counts>,
    usage: &BTreeMap<String, Operations>,
    observer: &Observer,
) -> Vec<OfFunction> {
    let mut found = Vec::new();
    for (name, counts) in after {
        let earlier = before.get(name).cloned().unwrap_or_default();
        let invocations = counts.invocations - earlier.invocations;
        let errors = counts.errors - earlier.errors;
        let calls = invocations + errors;
        if calls == 0 {
            continue;
        }
        let operations = usage.get(name).cloned().unwrap_or_default();
        let used = observer.of(name);
        let cpu_ms = observer.sees().then_some(used.cpu_seconds * 1000.0);
        found.push(OfFunction {
            function: name.clone(),
            behind: !answers(template, name),
            invocations,
            errors,
            processes: used.processes,
            cpu_ms,
            cpu_ms_per_invocation: cpu_ms.map(|cpu| cpu / float(calls)),
            memory_peak_bytes: observer.sees().then_some(used.memory_bytes),
            per_invocation: per_invocation(&operations, calls),
            operations,
        });
    }
    found
}

/// Whether a function handles HTTP requests.
fn answers(template: &Template, name: &str) -> bool {
    let function = template
        .functions
        .iter()
        .find(|function| function.binary == name);
    let triggers = function.into_iter().flat_map(|function| &function.triggers);
    triggers
        .into_iter()
        .any(|trigger| matches!(trigger, Trigger::Route { .. }))
}

fn per_invocation(operations: &Operations, calls: u64) -> Calls {
    let mut sum = Calls::default();
    for (operation, usage) in operations {
        if operation.starts_with("DynamoDB ") {
            sum.dynamodb_requests += float(usage.requests);
            sum.read_units += usage.read_units;
            sum.write_units += usage.write_units;
        } else {
            sum.other_requests += float(usage.requests);
        }
    }
    let calls = float(calls);
    Calls {
        dynamodb_requests: sum.dynamodb_requests / calls,
        read_units: sum.read_units / calls,
        write_units: sum.write_units / calls,
        other_requests: sum.other_requests / calls,
    }
}

/// The run as a curve over time.
pub(super) fn over_time(tally: &Tally) -> Vec<Point> {
    let width = float(tally.stretch_seconds);
    let mut second = 0.0;
    let points = tally.stretches.iter().map(|stretch| {
        let point = Point {
            second,
            wanted_per_second: float(stretch.latency.count()) / width,
            answered_per_second: float(stretch.answered) / width,
            errors_per_second: float(stretch.errors) / width,
            latency_ms: stretch.latency.summary(),
        };
        second += width;
        point
    });
    points.collect()
}

/// Percentiles of requests, with more detail for the slowest.
pub(super) fn distribution(latency: &Times, service: &Times) -> Vec<Percentile> {
    let mut points = Vec::new();
    let mut left = 100.0;
    // Eight points for each tenth of the rest, as long as it has more than one request.
    while left * float(latency.count()) >= 100.0 && left > 0.0005 {
        let percent = 100.0 - left;
        points.push(Percentile {
            percent,
            latency_ms: latency.at(percent),
            service_ms: service.at(percent),
        });
        left *= 0.1_f64.powf(0.125);
    }
    points
}

#[cfg(test)]
mod tests {
    use local::meter::Usage;

    use super::*;

    #[test]
    fn units_are_shared_out_over_the_calls() {
        let usage = |requests, read_units, write_units| Usage {
            requests,
            read_units,
            write_units,
            ..Usage::default()
        };
        let operations = Operations::from([
            ("DynamoDB GetItem".to_owned(), usage(10, 10.0, 0.0)),
            (
                "DynamoDB TransactWriteItems".to_owned(),
                usage(10, 0.0, 60.0),
            ),
            ("SQS SendMessageBatch".to_owned(), usage(5, 0.0, 0.0)),
        ]);
        let calls = per_invocation(&operations, 10);
        let figures = [
            calls.dynamodb_requests,
            calls.read_units,
            calls.write_units,
            calls.other_requests,
        ];
        assert_eq!(
            figures.map(f64::to_bits),
            [2.0, 1.0, 6.0, 0.5].map(f64::to_bits)
        );
    }

    #[test]
    fn the_distribution_ends_where_single_requests_begin() {
        let mut times = Times::new();
        for millis in 1..=1000 {
            times.add(Duration::from_millis(millis));
        }
        let points = distribution(&times, &times);
        assert!(
            points
                .windows(2)
                .all(|pair| pair[0].latency_ms <= pair[1].latency_ms)
        );
        let last = points.last().unwrap();
        assert!(
            last.percent > 99.8 && last.percent < 99.95,
            "{}",
            last.percent
        );
        assert!(distribution(&Times::new(), &Times::new()).is_empty());
    }
}

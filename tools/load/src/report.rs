//! The format of `report.json`.

#![expect(clippy::float_arithmetic, reason = "rates and shares are not money")]

use std::{collections::BTreeMap, time::Duration};

use local::{
    lambda::Counts,
    meter::Operations,
    template::{Template, Trigger},
};
use serde::Serialize;

use crate::{
    machine::{Machine, Observer, Used},
    record::{Orders, Summary, Tally, Times, float, rate},
    stock::StockCheck,
};

/// Delay in milliseconds above which the generator affects the measurement.
const LATE: f64 = 10.0;
/// Share of busy cores above which the machine affects the measurement.
const FULL: f64 = 0.9;

#[derive(Serialize)]
pub(crate) struct Report {
    /// Start of the run.
    pub(crate) at: String,
    pub(crate) revision: String,
    pub(crate) command: String,
    pub(crate) seed: u64,
    /// The tested shop: `local`, or its URL.
    pub(crate) shop: String,
    /// Build profile of the functions; null for a deployed shop.
    pub(crate) functions_built: Option<&'static str>,
    /// Build profile of the generator and the emulators.
    pub(crate) tools_built: &'static str,
    pub(crate) machine: Machine,
    pub(crate) products: usize,
    /// Duration of arrivals in seconds.
    pub(crate) seconds: f64,
    pub(crate) ended_early: bool,
    pub(crate) shoppers: u64,
    pub(crate) requests: u64,
    pub(crate) requests_per_second: f64,
    pub(crate) errors: u64,
    pub(crate) orders: Orders,
    /// Milliseconds since the intended start.
    pub(crate) latency_ms: Summary,
    /// Milliseconds since the actual start.
    pub(crate) service_ms: Summary,
    /// Milliseconds from the response to an order until it was seen paid.
    pub(crate) paid_after_ms: Summary,
    pub(crate) generator_lag_ms: Summary,
    pub(crate) routes: Vec<OfRoute>,
    /// Empty for a deployed shop.
    pub(crate) functions: Vec<OfFunction>,
    /// Null for a deployed shop, and if nothing was ordered.
    pub(crate) per_order: Option<PerOrder>,
    /// CPU seconds; null if not available.
    pub(crate) cpu_seconds: Option<Used>,
    /// Null for a deployed shop.
    pub(crate) stock: Option<StockCheck>,
    /// The first errors that functions logged.
    pub(crate) log: Vec<String>,
    pub(crate) over_time: Vec<Point>,
    pub(crate) distribution: Vec<Percentile>,
    pub(crate) cores_over_time: Vec<Cores>,
}

#[derive(Serialize)]
pub(crate) struct OfRoute {
    pub(crate) route: &'static str,
    pub(crate) requests: u64,
    pub(crate) requests_per_second: f64,
    pub(crate) refused: u64,
    pub(crate) statuses: BTreeMap<u16, u64>,
    pub(crate) errors: BTreeMap<String, u64>,
    pub(crate) latency_ms: Summary,
    pub(crate) service_ms: Summary,
}

#[derive(Serialize)]
pub(crate) struct OfFunction {
    pub(crate) function: String,
    /// Whether it works asynchronously: on queues, the stream, or a schedule.
    pub(crate) behind: bool,
    pub(crate) invocations: u64,
    pub(crate) errors: u64,
    /// Number of processes that ran it.
    pub(crate) processes: u64,
    /// Null if not available.
    pub(crate) cpu_ms: Option<f64>,
    pub(crate) cpu_ms_per_invocation: Option<f64>,
    pub(crate) memory_peak_bytes: Option<u64>,
    pub(crate) per_invocation: Calls,
    /// Totals by operation.
    pub(crate) operations: Operations,
}

/// Calls to AWS services.
#[derive(Default, Serialize)]
pub(crate) struct Calls {
    pub(crate) dynamodb_requests: f64,
    pub(crate) read_units: f64,
    pub(crate) write_units: f64,
    /// SQS, S3, SES, Secrets Manager.
    pub(crate) other_requests: f64,
}

/// Cost of placing an order, with the work that it caused before the report.
#[derive(Default, Serialize)]
pub(crate) struct PerOrder {
    pub(crate) invocations: f64,
    pub(crate) cpu_ms: f64,
    pub(crate) read_units: f64,
    pub(crate) write_units: f64,
}

/// An interval of the run, by intended start.
#[derive(Serialize)]
pub(crate) struct Point {
    pub(crate) second: f64,
    pub(crate) wanted_per_second: f64,
    pub(crate) answered_per_second: f64,
    pub(crate) errors_per_second: f64,
    pub(crate) latency_ms: Summary,
}

#[derive(Serialize)]
pub(crate) struct Percentile {
    pub(crate) percent: f64,
    pub(crate) latency_ms: f64,
    pub(crate) service_ms: f64,
}

#[derive(Serialize)]
pub(crate) struct Cores {
    pub(crate) second: f64,
    #[serde(flatten)]
    pub(crate) used: Used,
}

impl Report {
    /// Reasons to doubt the times.
    pub(crate) fn doubts(&self) -> Vec<String> {
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
pub(crate) fn per_order(functions: &[OfFunction], orders: Orders) -> Option<PerOrder> {
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
pub(crate) fn routes(tally: &Tally, time: Duration) -> Vec<OfRoute> {
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
pub(crate) fn functions(
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
pub(crate) fn over_time(tally: &Tally) -> Vec<Point> {
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
pub(crate) fn distribution(latency: &Times, service: &Times) -> Vec<Percentile> {
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

//! The format of `report.json`. docs/performance.md explains each figure. Fields that the cost model
//! does not use may be missing from a report that is read.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

/// One run of the benchmark.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Report {
    /// Version of this format.
    pub(crate) schema: u32,
    /// Date of the run, UTC.
    pub(crate) date: String,
    /// Revision of the code, with `+` if there were uncommitted changes.
    pub(crate) revision: String,
    /// The machine it ran on.
    pub(crate) machine: Machine,
    /// The baseline function.
    pub(crate) hello: Function,
    /// get-product in the style of the AWS documentation.
    #[serde(default)]
    pub(crate) stock: Option<Function>,
    /// All functions by name.
    pub(crate) functions: BTreeMap<String, Function>,
}

/// Description of a machine.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Machine {
    /// Model name of the processor.
    pub(crate) cpu: String,
    /// Number of cores.
    pub(crate) cores: usize,
    /// Physical memory in bytes.
    #[serde(default)]
    pub(crate) memory_bytes: u64,
    /// Version of the kernel.
    #[serde(default)]
    pub(crate) kernel: String,
}

/// Measurements of one function.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Function {
    /// Size of its binary.
    #[serde(default)]
    pub(crate) binary_bytes: u64,
    /// Size of the deployed archive.
    #[serde(default)]
    pub(crate) zip_bytes: u64,
    /// AWS services named by its policy, each with an SDK client.
    #[serde(default)]
    pub(crate) services: BTreeSet<String>,
    /// Whether it may call Stripe.
    #[serde(default)]
    pub(crate) calls_stripe: bool,
    /// Memory size from the template.
    #[serde(default)]
    pub(crate) memory_mb: u64,
    /// Time from the start of the process to its first request for an invocation, in microseconds.
    #[serde(default)]
    pub(crate) start_us: Spread,
    /// The same for hello, whose processes were started alternately.
    #[serde(default)]
    pub(crate) hello_start_us: Spread,
    /// CPU time until then.
    pub(crate) start_cpu_us: Spread,
    /// Time of the first invocation, including the TLS connection to DynamoDB.
    #[serde(default)]
    pub(crate) first_us: Spread,
    /// CPU time of that invocation.
    pub(crate) first_cpu_us: Spread,
    /// Peak memory of a process.
    #[serde(default)]
    pub(crate) peak_kb: u64,
    /// Growth of the memory from the first calls to the end.
    #[serde(default)]
    pub(crate) growth_kb: i64,
    /// Number of calls for which the memory was watched.
    #[serde(default)]
    pub(crate) growth_calls: u64,
    /// Measurements by scenario.
    pub(crate) scenarios: BTreeMap<String, Scenario>,
}

/// Distribution of a figure over several fresh processes.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Spread {
    /// Median of the figures.
    pub(crate) median: f64,
    /// Smallest figure.
    #[serde(default)]
    pub(crate) min: f64,
    /// Largest figure.
    #[serde(default)]
    pub(crate) max: f64,
}

/// Measurements of one scenario, per invocation of a warm process.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Scenario {
    /// Number of measured invocations.
    #[serde(default)]
    pub(crate) invocations: u64,
    /// Time from sending the event to receiving the response.
    #[serde(default)]
    pub(crate) warm_us: Percentiles,
    /// CPU time of the process according to the kernel.
    pub(crate) cpu_us: f64,
    /// The same for hello, which was called alternately.
    #[serde(default)]
    pub(crate) hello_cpu_us: f64,
    /// Requests to AWS by operation, such as `DynamoDB GetItem`.
    pub(crate) calls: BTreeMap<String, Calls>,
    /// Size of the event.
    pub(crate) event_bytes: u64,
    /// Size of the response.
    pub(crate) answer_bytes: u64,
    /// Size of the log output.
    pub(crate) logged_bytes: f64,
    /// Number of log lines.
    pub(crate) log_lines: f64,
}

/// Percentiles in microseconds.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Percentiles {
    /// Half of the calls were faster.
    pub(crate) p50: f64,
    /// 99 of 100 calls were faster.
    pub(crate) p99: f64,
}

/// Average usage of one operation per call of a function.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Calls {
    /// Number of requests.
    pub(crate) requests: f64,
    /// DynamoDB read units.
    #[serde(default)]
    pub(crate) read_units: f64,
    /// DynamoDB write units.
    #[serde(default)]
    pub(crate) write_units: f64,
    /// Bytes of request bodies.
    #[serde(default)]
    pub(crate) bytes_sent: f64,
    /// Bytes of response bodies.
    #[serde(default)]
    pub(crate) bytes_received: f64,
}

impl Spread {
    /// Computes the distribution of figures in any order; zeros if there are none.
    pub(crate) fn of(mut figures: Vec<f64>) -> Self {
        figures.sort_by(f64::total_cmp);
        let at = |index: usize| figures.get(index).copied().unwrap_or_default();
        Self {
            median: at(figures.len() / 2),
            min: at(0),
            max: at(figures.len().saturating_sub(1)),
        }
    }
}

impl Percentiles {
    /// Computes the percentiles of figures in any order; zeros if there are none.
    pub(crate) fn of(mut figures: Vec<f64>) -> Self {
        figures.sort_by(f64::total_cmp);
        let at = |percent: usize| {
            let index = (figures.len() * percent / 100).min(figures.len().saturating_sub(1));
            figures.get(index).copied().unwrap_or_default()
        };
        Self {
            p50: at(50),
            p99: at(99),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_is_the_middle_in_any_order() {
        let spread = Spread::of(vec![3.0, 1.0, 2.0]);
        assert_eq!([spread.median, spread.min, spread.max], [2.0, 1.0, 3.0]);
        let percentiles = Percentiles::of((0..1000).rev().map(f64::from).collect());
        assert_eq!([percentiles.p50, percentiles.p99], [500.0, 990.0]);
        assert_eq!(Percentiles::of(Vec::new()).p99, 0.0);
    }
}

//! The format of `report.json`. docs/performance.md explains each figure. Fields that the cost model
//! does not use may be missing from a report that is read.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

/// One run of the benchmark.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Report {
    /// Version of this format.
    pub schema: u32,
    /// Date of the run, UTC.
    pub date: String,
    /// Revision of the code, as `project::revision` names it.
    pub revision: String,
    /// The machine it ran on.
    pub machine: Machine,
    /// The baseline function.
    pub hello: Function,
    /// get-product in the style of the AWS documentation.
    #[serde(default)]
    pub stock: Option<Function>,
    /// All functions by name.
    pub functions: BTreeMap<String, Function>,
}

/// Description of a machine.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Machine {
    /// Model name of the processor.
    pub cpu: String,
    /// Number of cores.
    pub cores: usize,
    /// Physical memory in bytes.
    #[serde(default)]
    pub memory_bytes: u64,
    /// Version of the kernel.
    #[serde(default)]
    pub kernel: String,
}

/// Measurements of one function.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Function {
    /// Size of its binary.
    #[serde(default)]
    pub binary_bytes: u64,
    /// Size of the deployed archive.
    #[serde(default)]
    pub zip_bytes: u64,
    /// AWS services named by its policy, each with an SDK client.
    #[serde(default)]
    pub services: BTreeSet<String>,
    /// Whether it may call Stripe.
    #[serde(default)]
    pub calls_stripe: bool,
    /// Memory size from the template.
    #[serde(default)]
    pub memory_mb: u64,
    /// Time from the start of the process to its first request for an invocation, in microseconds.
    #[serde(default)]
    pub start_us: Spread,
    /// The same for hello, whose processes were started alternately.
    #[serde(default)]
    pub hello_start_us: Spread,
    /// CPU time until then.
    pub start_cpu_us: Spread,
    /// Time of the first invocation, including the TLS connection to DynamoDB.
    #[serde(default)]
    pub first_us: Spread,
    /// CPU time of that invocation.
    pub first_cpu_us: Spread,
    /// Peak memory of a process.
    #[serde(default)]
    pub peak_kb: u64,
    /// Growth of the memory from the first calls to the end.
    #[serde(default)]
    pub growth_kb: i64,
    /// Number of calls for which the memory was watched.
    #[serde(default)]
    pub growth_calls: u64,
    /// Measurements by scenario.
    pub scenarios: BTreeMap<String, Scenario>,
}

/// Distribution of a figure over several fresh processes.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub struct Spread {
    /// Median of the figures.
    pub median: f64,
    /// Smallest figure.
    #[serde(default)]
    pub min: f64,
    /// Largest figure.
    #[serde(default)]
    pub max: f64,
}

/// Measurements of one scenario, per invocation of a warm process.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Scenario {
    /// Number of measured invocations.
    #[serde(default)]
    pub invocations: u64,
    /// Time from sending the event to receiving the response.
    #[serde(default)]
    pub warm_us: Percentiles,
    /// CPU time of the process according to the kernel.
    pub cpu_us: f64,
    /// The same for hello, which was called alternately.
    #[serde(default)]
    pub hello_cpu_us: f64,
    /// Requests to AWS by operation, such as `DynamoDB GetItem`.
    pub calls: BTreeMap<String, Calls>,
    /// Size of the event.
    pub event_bytes: u64,
    /// Size of the response.
    pub answer_bytes: u64,
    /// Size of the log output.
    pub logged_bytes: f64,
    /// Number of log lines.
    pub log_lines: f64,
}

/// Percentiles in microseconds.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub struct Percentiles {
    /// Half of the calls were faster.
    pub p50: f64,
    /// 99 of 100 calls were faster.
    pub p99: f64,
}

/// Average usage of one operation per call of a function.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Calls {
    /// Number of requests.
    pub requests: f64,
    /// DynamoDB read units.
    #[serde(default)]
    pub read_units: f64,
    /// DynamoDB write units.
    #[serde(default)]
    pub write_units: f64,
    /// Bytes of request bodies.
    #[serde(default)]
    pub bytes_sent: f64,
    /// Bytes of response bodies.
    #[serde(default)]
    pub bytes_received: f64,
}

impl Spread {
    /// Computes the distribution of figures in any order; zeros if there are none.
    pub fn of(mut figures: Vec<f64>) -> Self {
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
    pub fn of(mut figures: Vec<f64>) -> Self {
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

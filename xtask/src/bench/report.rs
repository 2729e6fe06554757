//! What a run of the bench found out, as it is written to `report.json`. docs/performance.md explains
//! each figure. What the cost model does not count with may be missing from a report that is read.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

/// A whole run.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Report {
    /// Version of this format.
    pub(crate) schema: u32,
    /// Day of the run, UTC.
    pub(crate) date: String,
    /// Revision of the code, with `+` if it was changed since.
    pub(crate) revision: String,
    /// Where it ran.
    pub(crate) machine: Machine,
    /// The floor.
    pub(crate) hello: Function,
    /// get-product as the AWS documentation would have it.
    #[serde(default)]
    pub(crate) stock: Option<Function>,
    /// Every function, by name.
    pub(crate) functions: BTreeMap<String, Function>,
}

/// A machine.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Machine {
    /// Its processor's name.
    pub(crate) cpu: String,
    /// How many cores.
    pub(crate) cores: usize,
    /// Its memory.
    #[serde(default)]
    pub(crate) memory_bytes: u64,
    /// Its kernel's version.
    #[serde(default)]
    pub(crate) kernel: String,
}

/// One function.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Function {
    /// Size of its binary.
    #[serde(default)]
    pub(crate) binary_bytes: u64,
    /// Size of the archive that is deployed.
    #[serde(default)]
    pub(crate) zip_bytes: u64,
    /// AWS services that its policy names, each of them an SDK client.
    #[serde(default)]
    pub(crate) services: BTreeSet<String>,
    /// Whether it may call Stripe.
    #[serde(default)]
    pub(crate) calls_stripe: bool,
    /// Memory that the template gives it.
    #[serde(default)]
    pub(crate) memory_mb: u64,
    /// From the start of the process to its first `next`, in microseconds.
    #[serde(default)]
    pub(crate) start_us: Spread,
    /// The same of hello, whose processes were started in turn with these.
    #[serde(default)]
    pub(crate) hello_start_us: Spread,
    /// CPU until then.
    pub(crate) start_cpu_us: Spread,
    /// The first call after that, connecting to DynamoDB over TLS included.
    #[serde(default)]
    pub(crate) first_us: Spread,
    /// CPU of that call.
    pub(crate) first_cpu_us: Spread,
    /// Most memory that a process ever had.
    #[serde(default)]
    pub(crate) peak_kb: u64,
    /// How much more it had at the end than after its first calls.
    #[serde(default)]
    pub(crate) growth_kb: i64,
    /// After how many calls that was.
    #[serde(default)]
    pub(crate) growth_calls: u64,
    /// What it was called with.
    pub(crate) scenarios: BTreeMap<String, Scenario>,
}

/// Figures of several fresh processes.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Spread {
    /// The one in the middle.
    pub(crate) median: f64,
    /// The least.
    #[serde(default)]
    pub(crate) min: f64,
    /// The most.
    #[serde(default)]
    pub(crate) max: f64,
}

/// One way of calling a function, each figure for one call of a warm process.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Scenario {
    /// How many calls were measured.
    #[serde(default)]
    pub(crate) invocations: u64,
    /// From handing the call over to its answer.
    #[serde(default)]
    pub(crate) warm_us: Percentiles,
    /// CPU of the process, by the kernel's account.
    pub(crate) cpu_us: f64,
    /// The same of hello, which was called in turn with it.
    #[serde(default)]
    pub(crate) hello_cpu_us: f64,
    /// Calls to AWS, such as `DynamoDB GetItem`.
    pub(crate) calls: BTreeMap<String, Calls>,
    /// Size of the call.
    pub(crate) event_bytes: u64,
    /// Size of the answer.
    pub(crate) answer_bytes: u64,
    /// What it logged.
    pub(crate) logged_bytes: f64,
    /// In how many lines.
    pub(crate) log_lines: f64,
}

/// Percentiles in microseconds.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Percentiles {
    /// Half of the calls were faster.
    pub(crate) p50: f64,
    /// 99 of 100 were faster.
    pub(crate) p99: f64,
}

/// What one call of a function needs of one operation, on average.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Calls {
    /// Requests.
    pub(crate) requests: f64,
    /// DynamoDB read units.
    #[serde(default)]
    pub(crate) read_units: f64,
    /// DynamoDB write units.
    #[serde(default)]
    pub(crate) write_units: f64,
    /// Bytes of bodies.
    #[serde(default)]
    pub(crate) bytes_sent: f64,
    /// Bytes of bodies.
    #[serde(default)]
    pub(crate) bytes_received: f64,
}

impl Spread {
    /// Of figures in any order; zeros if there are none.
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
    /// Of figures in any order; zeros if there are none.
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

//! CPU usage during a run: of the functions, the emulators and the load generator. Read from `/proc`;
//! not available on macOS.

#![expect(clippy::float_arithmetic, reason = "times and shares are not money")]

use std::{
    collections::BTreeMap,
    fs,
    path::Path,
    time::{Duration, Instant},
};

use local::lambda::Lambda;
use serde::Serialize;

use crate::record::float;

/// Prefix of the names of the generator's threads.
pub(crate) const GENERATOR_THREADS: &str = "load";

/// User of CPU time.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum User {
    Function(String),
    /// The gateway, the Runtime API, DynamoDB, the meter, SQS, S3 and SES.
    Emulators,
    /// The shoppers and the measurement.
    Generator,
}

/// CPU time of a thread, in nanoseconds.
#[derive(Clone, Copy, Debug)]
struct Cpu {
    first: u64,
    last: u64,
}

/// Samples all processes periodically, so that those that exit are included.
pub(crate) struct Observer {
    lambda: Lambda,
    names: Vec<String>,
    emulator: Option<u32>,
    /// CPU time by user, process and thread.
    threads: BTreeMap<(User, u32, u32), Cpu>,
    /// Peak memory of any process of a function, in bytes.
    memory: BTreeMap<String, u64>,
    began: Instant,
    /// CPU seconds of the whole machine at the start.
    machine_before: f64,
    /// Seconds since the start, with the CPU seconds used until then.
    curve: Vec<(f64, Used)>,
}

/// CPU seconds by user.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(crate) struct Used {
    pub(crate) functions: f64,
    pub(crate) emulators: f64,
    pub(crate) generator: f64,
    /// All other programs on the machine.
    pub(crate) others: f64,
}

impl Used {
    /// Total of the run, without other programs.
    pub(crate) fn ours(&self) -> f64 {
        self.functions + self.emulators + self.generator
    }
}

/// Usage of one function.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct OfFunction {
    pub(crate) cpu_seconds: f64,
    pub(crate) processes: u64,
    pub(crate) memory_bytes: u64,
}

impl Observer {
    /// Starts sampling. CPU time used before does not count.
    pub(crate) fn new(lambda: Lambda, emulator: Option<u32>) -> Self {
        let mut observer = Self {
            names: lambda.counts().into_keys().collect(),
            lambda,
            emulator,
            threads: BTreeMap::new(),
            memory: BTreeMap::new(),
            began: Instant::now(),
            machine_before: machine_seconds(),
            curve: Vec::new(),
        };
        observer.read(true);
        observer.curve.push((0.0, Used::default()));
        observer
    }

    /// Takes a sample.
    pub(crate) fn look(&mut self) {
        self.read(false);
        let used = self.used();
        self.curve.push((self.began.elapsed().as_secs_f64(), used));
    }

    fn read(&mut self, first: bool) {
        for name in self.names.clone() {
            for process in self.lambda.processes(&name) {
                self.note(process.id, first, |_| User::Function(name.clone()));
                let peak = memory_peak(process.id).unwrap_or_default();
                let most = self.memory.entry(name.clone()).or_default();
                *most = peak.max(*most);
            }
        }
        if let Some(emulator) = self.emulator {
            self.note(emulator, first, |_| User::Emulators);
        }
        self.note(std::process::id(), first, |thread| {
            if thread.starts_with(GENERATOR_THREADS) {
                User::Generator
            } else {
                User::Emulators
            }
        });
    }

    fn note(&mut self, process: u32, first: bool, user: impl Fn(&str) -> User) {
        let Ok(threads) = fs::read_dir(format!("/proc/{process}/task")) else {
            return;
        };
        for thread in threads.flatten() {
            let path = thread.path();
            let Some(id) = thread.file_name().to_str().and_then(|id| id.parse().ok()) else {
                continue;
            };
            // The process has exited since it was listed.
            let Some(nanos) = cpu_nanos(&path) else {
                continue;
            };
            let name = fs::read_to_string(path.join("comm")).unwrap_or_default();
            let start = if first { nanos } else { 0 };
            let cpu = self
                .threads
                .entry((user(&name), process, id))
                .or_insert(Cpu {
                    first: start,
                    last: nanos,
                });
            cpu.last = cpu.last.max(nanos);
        }
    }

    /// CPU time used since the start.
    pub(crate) fn used(&self) -> Used {
        let mut used = Used::default();
        for ((user, ..), cpu) in &self.threads {
            let seconds = seconds(cpu.last.saturating_sub(cpu.first));
            match user {
                User::Function(_) => used.functions += seconds,
                User::Emulators => used.emulators += seconds,
                User::Generator => used.generator += seconds,
            }
        }
        let machine = machine_seconds() - self.machine_before;
        used.others = (machine - used.ours()).max(0.0);
        used
    }

    /// CPU time of a function since the start, and the number of its processes.
    pub(crate) fn of(&self, name: &str) -> OfFunction {
        let mut found = OfFunction {
            memory_bytes: self.memory.get(name).copied().unwrap_or_default(),
            ..OfFunction::default()
        };
        let mut processes = Vec::new();
        for ((user, process, _), cpu) in &self.threads {
            if matches!(user, User::Function(function) if function == name) {
                found.cpu_seconds += seconds(cpu.last.saturating_sub(cpu.first));
                processes.push(*process);
            }
        }
        processes.dedup();
        found.processes = u64::try_from(processes.len()).unwrap_or(u64::MAX);
        found
    }

    /// Busy cores over time: seconds since the start, and busy cores of each user since the previous
    /// sample.
    pub(crate) fn curve(&self) -> Vec<(f64, Used)> {
        let pairs = self.curve.windows(2).filter(|pair| pair[1].0 > pair[0].0);
        pairs
            .map(|pair| {
                let time = pair[1].0 - pair[0].0;
                let (before, after) = (pair[0].1, pair[1].1);
                let cores = Used {
                    functions: (after.functions - before.functions) / time,
                    emulators: (after.emulators - before.emulators) / time,
                    generator: (after.generator - before.generator) / time,
                    others: (after.others - before.others).max(0.0) / time,
                };
                (pair[1].0, cores)
            })
            .collect()
    }

    /// Whether CPU times are available.
    pub(crate) fn sees(&self) -> bool {
        !self.threads.is_empty()
    }
}

fn seconds(nanos: u64) -> f64 {
    Duration::from_nanos(nanos).as_secs_f64()
}

/// CPU time of a thread: the first field of its `schedstat`.
fn cpu_nanos(thread: &Path) -> Option<u64> {
    let text = fs::read_to_string(thread.join("schedstat")).ok()?;
    text.split_whitespace().next()?.parse().ok()
}

/// CPU time of the whole machine in seconds; 0 if not available.
fn machine_seconds() -> f64 {
    let text = fs::read_to_string("/proc/stat").unwrap_or_default();
    busy_seconds(&text).unwrap_or_default()
}

/// Sum of the fields other than idle and iowait in the line about all cores. Linux counts in hundredths
/// of a second.
fn busy_seconds(stat: &str) -> Option<f64> {
    let line = stat.lines().next()?.strip_prefix("cpu ")?;
    let ticks: Vec<u64> = line
        .split_whitespace()
        .filter_map(|tick| tick.parse().ok())
        .collect();
    let busy = [0, 1, 2, 5, 6, 7]
        .into_iter()
        .filter_map(|column| ticks.get(column));
    Some(float(busy.sum()) / 100.0)
}

/// Peak memory of a process in bytes.
fn memory_peak(process: u32) -> Option<u64> {
    let text = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    kilobytes(&text, "VmHWM:")
}

fn kilobytes(text: &str, field: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(field))?;
    let kilobytes: u64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kilobytes * 1024)
}

/// The machine of the run.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Machine {
    pub(crate) processor: String,
    pub(crate) cores: usize,
    pub(crate) memory_gib: f64,
    pub(crate) system: String,
}

impl Machine {
    pub(crate) fn read() -> Self {
        let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
        let processors = read("/proc/cpuinfo");
        let processor = processors
            .lines()
            .find_map(|line| line.strip_prefix("model name"))
            .map_or(std::env::consts::ARCH, |name| {
                name.trim_start_matches([' ', '\t', ':'])
            })
            .to_owned();
        let release = read("/proc/sys/kernel/osrelease");
        let memory = kilobytes(&read("/proc/meminfo"), "MemTotal:").unwrap_or_default();
        Self {
            processor,
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            memory_gib: float(memory) / f64::from(1 << 30),
            system: format!("{} {}", std::env::consts::OS, release.trim())
                .trim()
                .to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_read_from_its_line() {
        let text = "Name:\tx\nVmHWM:\t    1234 kB\nVmRSS:\t 99 kB\n";
        assert_eq!(kilobytes(text, "VmHWM:"), Some(1234 * 1024));
        assert_eq!(kilobytes(text, "VmSwap:"), None);
    }

    #[test]
    fn idle_time_is_not_busy_time() {
        let stat = "cpu  100 20 30 9999 8888 1 2 47 0 0\ncpu0 1 2 3\n";
        assert_eq!(
            busy_seconds(stat).map(f64::to_bits),
            Some(2.0_f64.to_bits())
        );
        assert_eq!(busy_seconds(""), None);
    }
}

//! Measures one function: first fresh processes, then a warm one.

use std::{
    collections::BTreeMap,
    path::Path,
    sync::{Arc, atomic::Ordering},
    time::{Duration, Instant},
};

use bench::{
    binaries::HELLO,
    report::{Calls, Function, Percentiles, Scenario, Spread},
};
use local::{
    lambda::{Lambda, Process, Ready},
    meter::Operations,
    outcome::Outcome,
    process,
    template::Function as TemplateFunction,
};
use serde_json::Value;

use crate::{
    scenarios::Events,
    world::{World, http},
};

/// Number of measurements.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Effort {
    /// Fresh processes of each function.
    pub(crate) starts: usize,
    /// Calls of a warm process, for repeatable calls.
    pub(crate) invocations: usize,
    /// Calls that each use something up.
    pub(crate) once: usize,
    /// Calls after which the memory is measured.
    pub(crate) soak: usize,
}

/// Warm-up calls before the measured ones.
const WARM_UP: usize = 20;
/// Time limit of the calls of one scenario.
const ENOUGH: Duration = Duration::from_secs(15);
/// Time limit of watching the memory: functions that scan the table are not called a hundred thousand
/// times.
const LONG: Duration = Duration::from_secs(30);

/// The baseline function. It is measured alternately with the functions that are compared with it, as a
/// machine's speed changes from minute to minute, and the use of its caches from call to call.
pub(crate) struct Floor {
    pub(crate) lambda: Lambda,
    pub(crate) event: Value,
}

impl Floor {
    /// Starts a separate Lambda with only this function.
    pub(crate) async fn start(binaries: &Path) -> Outcome<Self> {
        let function = TemplateFunction {
            logical_id: "Hello".to_owned(),
            binary: HELLO.to_owned(),
            timeout: 30,
            memory: 256,
            environment: BTreeMap::new(),
            triggers: Vec::new(),
            statements: Vec::new(),
        };
        Ok(Self {
            lambda: Lambda::start(vec![function], binaries, Arc::new(|_, _| {}), None).await?,
            event: http(
                "GET /v1/products/{slug}",
                &[("slug", "headliner-tee-7")],
                &[],
                None,
            ),
        })
    }

    async fn invoke(&self) -> Outcome<Process> {
        let payload = self.event.to_string();
        self.lambda.invoke(HELLO, payload.into()).await?;
        only(&self.lambda, HELLO)
    }

    /// Start time of one fresh process, in microseconds.
    async fn fresh(&self) -> Outcome<f64> {
        self.lambda.restart(None).await;
        let process = self.invoke().await?;
        Ok(micros(ready(&process)?.at - process.started))
    }
}

fn ready(process: &Process) -> Outcome<Ready> {
    Ok(process.ready.ok_or("a process that answered was ready")?)
}

/// Measures the start and the first call of fresh processes.
pub(crate) async fn starts(
    lambda: &Lambda,
    name: &str,
    events: &Events,
    floor: Option<&Floor>,
    function: &mut Function,
) -> Outcome {
    let (mut start, mut start_cpu, mut first, mut first_cpu) =
        (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let mut hello = Vec::new();
    for event in &events.events {
        if let Some(floor) = floor {
            hello.push(floor.fresh().await?);
        }
        lambda.restart(Some(&[name.to_owned()])).await;
        let response = lambda.invoke(name, event.to_string().into()).await?;
        let done = Instant::now();
        events.expected.check(name, &response)?;
        let process = only(lambda, name)?;
        let ready = ready(&process)?;
        let cpu = cpu(process)?;
        start.push(micros(ready.at - process.started));
        first.push(micros(done - ready.at));
        let ready_cpu = ready.cpu.ok_or(NO_KERNEL)?;
        start_cpu.push(micros(ready_cpu));
        first_cpu.push(micros(cpu.saturating_sub(ready_cpu)));
    }
    function.start_us = Spread::of(start);
    function.hello_start_us = Spread::of(hello);
    function.start_cpu_us = Spread::of(start_cpu);
    function.first_us = Spread::of(first);
    function.first_cpu_us = Spread::of(first_cpu);
    Ok(())
}

/// Measures the calls of a warm process.
pub(crate) async fn warm(
    lambda: &Lambda,
    world: Option<&World>,
    name: &str,
    events: &Events,
    floor: Option<&Floor>,
    effort: Effort,
) -> Outcome<Scenario> {
    let payloads: Vec<String> = events.events.iter().map(Value::to_string).collect();
    let (warm_up, count) = match events.repeatable {
        true => (WARM_UP, effort.invocations),
        // A tenth of the calls is for warm-up.
        false => (payloads.len() / 10, payloads.len() - payloads.len() / 10),
    };
    let payload = |index: usize| payloads[index % payloads.len()].clone();
    let mut answer_bytes = 0;
    for index in 0..warm_up.max(1) {
        let response = lambda.invoke(name, payload(index).into()).await?;
        events.expected.check(name, &response)?;
        answer_bytes = response.len() as u64;
    }
    let process = only(lambda, name)?;
    let hello = match floor {
        Some(floor) => Some((cpu(floor.invoke().await?)?, floor)),
        None => None,
    };
    if let Some(world) = world {
        settle().await;
        world.meter.reset();
        world.logged.bytes.store(0, Ordering::Relaxed);
        world.logged.lines.store(0, Ordering::Relaxed);
    }
    let before = cpu(process)?;
    let mut times = Vec::with_capacity(count);
    let begun = Instant::now();
    for index in warm_up..warm_up + count {
        let payload = payload(index);
        let started = Instant::now();
        let response = lambda.invoke(name, payload.into()).await?;
        times.push(micros(started.elapsed()));
        events.expected.check(name, &response)?;
        if let Some(floor) = floor {
            floor.invoke().await?;
        }
        // Scans are slow and always take the same time.
        if begun.elapsed() > ENOUGH && times.len() >= 10 {
            break;
        }
    }
    let count = times.len();
    let spent = cpu(process)?.saturating_sub(before);
    let hello_spent = match hello {
        Some((before, floor)) => cpu(only(&floor.lambda, HELLO)?)?.saturating_sub(before),
        None => Duration::ZERO,
    };
    let mut scenario = Scenario {
        invocations: count as u64,
        warm_us: Percentiles::of(times),
        cpu_us: per(micros(spent), count),
        hello_cpu_us: per(micros(hello_spent), count),
        event_bytes: payloads.first().map_or(0, String::len) as u64,
        answer_bytes,
        ..Scenario::default()
    };
    if let Some(world) = world {
        settle().await;
        let counts = world.meter.counts();
        scenario.calls = calls(counts.get(name), count);
        let logged = |counter: &std::sync::atomic::AtomicU64| {
            #[expect(clippy::cast_precision_loss, reason = "far below 2^52 bytes")]
            let counted = counter.load(Ordering::Relaxed) as f64;
            per(counted, count)
        };
        scenario.logged_bytes = logged(&world.logged.bytes);
        scenario.log_lines = logged(&world.logged.lines);
    }
    Ok(scenario)
}

/// Keeps calling and measures the memory. Calls that take effect only once are repeated anyway, as
/// queues and browsers do.
pub(crate) async fn soak(
    lambda: &Lambda,
    name: &str,
    events: &[Value],
    calls: usize,
    function: &mut Function,
) -> Outcome {
    let payloads: Vec<String> = events.iter().map(Value::to_string).collect();
    let mut payloads = payloads.iter().cycle();
    let mut invoke = async || -> Outcome {
        if let Some(payload) = payloads.next() {
            lambda.invoke(name, payload.clone().into()).await?;
        }
        Ok(())
    };
    let mut repeat = async |times: usize, longest: Duration| -> Outcome<usize> {
        let begun = Instant::now();
        let mut made = 0;
        while made < times && begun.elapsed() < longest {
            invoke().await?;
            made += 1;
        }
        Ok(made)
    };
    let first = (calls / 100).max(events.len().min(calls));
    repeat(first, LONG / 4).await?;
    let before = memory(only(lambda, name)?)?;
    let made = repeat(calls, LONG).await?;
    let after = memory(only(lambda, name)?)?;
    let growth = i64::try_from(after.resident)? - i64::try_from(before.resident)?;
    if function.growth_calls == 0 || growth > function.growth_kb {
        function.growth_kb = growth;
        function.growth_calls = made as u64;
    }
    function.peak_kb = function.peak_kb.max(after.peak);
    Ok(())
}

/// CPU time of the function's only process until now.
pub(crate) fn cpu_of(lambda: &Lambda, name: &str) -> Outcome<Duration> {
    cpu(only(lambda, name)?)
}

/// Peak memory of the function's process.
pub(crate) fn peak(lambda: &Lambda, name: &str) -> Outcome<u64> {
    Ok(memory(only(lambda, name)?)?.peak)
}

/// Size of a binary, and of the archive that SAM makes of it.
pub(crate) fn sizes(binary: &Path, function: &mut Function) -> Outcome {
    let bytes = std::fs::read(binary)
        .map_err(|error| format!("{}: {error}; run `make bench`", binary.display()))?;
    function.binary_bytes = bytes.len() as u64;
    // File names and directory of the archive take about 250 bytes; SAM deflates at level 6.
    let packed = miniz_oxide::deflate::compress_to_vec(&bytes, 6);
    function.zip_bytes = packed.len() as u64 + 250;
    Ok(())
}

/// Usage per call, from the usage of all calls.
pub(crate) fn calls(operations: Option<&Operations>, count: usize) -> BTreeMap<String, Calls> {
    #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
    let each = |counted: u64| per(counted as f64, count);
    let operations = operations.into_iter().flatten();
    operations
        .map(|(name, usage)| {
            let calls = Calls {
                requests: each(usage.requests),
                read_units: per(usage.read_units, count),
                write_units: per(usage.write_units, count),
                bytes_sent: each(usage.bytes_sent),
                bytes_received: each(usage.bytes_received),
            };
            (name.clone(), calls)
        })
        .collect()
}

/// Log lines arrive through a separate pipe, with a delay.
async fn settle() {
    tokio::time::sleep(Duration::from_millis(100)).await;
}

const NO_KERNEL: &str = "the bench reads /proc, so it needs Linux";

/// The only process of a function that is called sequentially.
fn only(lambda: &Lambda, name: &str) -> Outcome<Process> {
    match lambda.processes(name)[..] {
        [process] => Ok(process),
        ref others => Err(format!("{name} has {} processes, not one", others.len()).into()),
    }
}

fn cpu(of: Process) -> Outcome<Duration> {
    Ok(process::cpu(of.id).ok_or(NO_KERNEL)?)
}

fn memory(of: Process) -> Outcome<process::Memory> {
    Ok(process::memory(of.id).ok_or(NO_KERNEL)?)
}

#[expect(clippy::float_arithmetic, reason = "a figure, not money")]
pub(crate) fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

/// A quotient, rounded to a readable precision.
#[expect(
    clippy::float_arithmetic,
    clippy::cast_precision_loss,
    reason = "a figure, not money"
)]
fn per(total: f64, count: usize) -> f64 {
    (total / count.max(1) as f64 * 1000.0).round() / 1000.0
}

//! One run: starts the shop, drives the shoppers, checks the stock, and writes the report.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use bench::binaries::{self, Binaries};
use local::{
    lambda::{Counts, Lambda},
    meter::Meter,
    outcome::{Outcome, print},
    project,
    signals::stop_signal,
    stack::{Options, Stack},
    staff,
};
use tokio::time::Instant;

use crate::{
    catalogue::{self, Catalogue},
    drive::{self, Mailbox, REQUEST_PATIENCE, World},
    live::Live,
    machine::{self, GENERATOR_THREADS, Machine, Observer},
    options::Load,
    page,
    plan::Plan,
    record::rate,
    report::{self, Report},
    stock::{self, StockCheck},
    summary,
};

/// Interval of samples and of the live status.
const LOOK: Duration = Duration::from_millis(500);
/// The shop is at rest when no function was called for this long.
const QUIET: Duration = Duration::from_millis(1500);
/// Timeout of the work that orders cause.
const SETTLE: Duration = Duration::from_secs(120);
/// Maximum number of logged errors to keep.
const MOST_LOGGED: usize = 20;

/// A local shop for this run only.
struct Here {
    stack: Stack,
    meter: Meter,
    token: String,
    log: Arc<Mutex<Vec<String>>>,
}

/// State before the first shopper.
struct Before {
    counts: BTreeMap<String, Counts>,
    observer: Arc<Mutex<Observer>>,
}

/// Usage of the functions and of the machine.
#[derive(Default)]
struct Cost {
    functions: Vec<report::OfFunction>,
    cpu: Option<machine::Used>,
    cores: Vec<report::Cores>,
}

/// Runs shoppers through a shop and writes a report.
pub(crate) fn run(load: &Load) -> Outcome {
    load.check()?;
    let target = target()?;
    let out = load.out.clone().unwrap_or_else(|| target.join("load"));
    fs::create_dir_all(&out).map_err(|error| format!("{}: {error}", out.display()))?;
    let root = project::root();
    if load.url.is_none() && !load.debug {
        binaries::build(&root)?;
    }
    // A separate runtime, so that shoppers do not wait for the emulators and their CPU time is known.
    let shop = tokio::runtime::Builder::new_multi_thread()
        .thread_name("shop")
        .enable_all()
        .build()?;
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let generator = tokio::runtime::Builder::new_multi_thread()
        .thread_name(GENERATOR_THREADS)
        .worker_threads((cores / 4).max(1))
        .enable_all()
        .build()?;
    let outcome = shop.block_on(all(load, &root, &target, &out, generator.handle()));
    generator.shutdown_background();
    outcome
}

async fn all(
    load: &Load,
    root: &Path,
    target: &Path,
    out: &Path,
    generator: &tokio::runtime::Handle,
) -> Outcome {
    // The generator has its own client, as connections belong to its threads.
    let http = reqwest::Client::builder()
        .timeout(REQUEST_PATIENCE)
        .pool_max_idle_per_host(1024)
        .build()?;
    let here = match &load.url {
        Some(_) => None,
        None => Some(Here::start(load, root, target, &http).await?),
    };
    let address = match (&here, &load.url) {
        (Some(here), _) => here.stack.address.clone(),
        (None, url) => url
            .as_deref()
            .unwrap_or_default()
            .trim_end_matches('/')
            .to_owned(),
    };
    let outcome = drive_and_report(load, root, out, generator, http, address, here.as_ref()).await;
    if let Some(here) = here {
        here.stack.stop().await;
    }
    outcome
}

async fn drive_and_report(
    load: &Load,
    root: &Path,
    out: &Path,
    generator: &tokio::runtime::Handle,
    http: reqwest::Client,
    address: String,
    here: Option<&Here>,
) -> Outcome {
    let catalogue = Catalogue::read(&http, &address).await?;
    let behaviour = load.behaviour();
    let length = behaviour.length;
    println!("{}", load.announcement(&address, catalogue.products.len()));
    let plan = Plan::new(behaviour, catalogue.shelves())?;
    let products = catalogue.products.len();
    let mailbox = match here {
        Some(_) => Mailbox::Emulated,
        None => Mailbox::Simulator,
    };
    let run = runtime::random_number().map_err(|_| "no random numbers")?;
    let world = World::new(http, address.clone(), catalogue, length, run, mailbox);
    let world = Arc::new(world);

    let before = here.map(Here::before);
    let at = runtime::now();
    // Gives the generator a moment to get ready.
    let start = Instant::now() + Duration::from_millis(100);
    let mut driving = {
        let world = Arc::clone(&world);
        generator.spawn(async move { drive::drive(&world, plan, start).await })
    };
    let watching = {
        let (world, observer) = (
            Arc::clone(&world),
            before.as_ref().map(|before| Arc::clone(&before.observer)),
        );
        generator.spawn(watch(world, observer, start, length))
    };
    let mut stopped = None;
    loop {
        tokio::select! {
            done = &mut driving => {
                // Aborted by the second Ctrl-C, or a bug.
                if let Err(error) = done && error.is_panic() {
                    return Err("the generator failed; see its output above".into());
                }
                break;
            }
            () = stop_signal() => match stopped {
                None => {
                    stopped = Some(start.elapsed());
                    println!("\nending early; Ctrl-C again does not wait for open orders");
                    world.end();
                }
                Some(_) => driving.abort(),
            }
        }
    }
    watching.abort();
    let time = stopped.map_or(length, |stopped| stopped.min(length));

    let (mut cost, mut checked) = (Cost::default(), None);
    if let (Some(here), Some(before)) = (here, before) {
        println!("waiting until what the orders set off is done");
        tokio::select! {
            () = settle(&here.stack.lambda, &before.observer) => {}
            () = stop_signal() => println!("not waiting any longer"),
        }
        cost = here.cost_since(&before);
        println!("comparing stock and orders");
        tokio::select! {
            check = stock::check(&world, &here.token, load.stock) => checked = Some(check?),
            () = stop_signal() => {
                return Err("ended before stock and orders were compared; there is no report".into());
            }
        }
    }
    let tally = world.record.tally().clone();
    let report = Report {
        at: at.to_string(),
        revision: project::revision(root),
        command: command_line(),
        seed: load.seed,
        shop: here.map_or(address, |_| "local".to_owned()),
        functions_built: here.map(|_| if load.debug { "debug" } else { "release" }),
        tools_built: if cfg!(debug_assertions) {
            "debug"
        } else {
            "release"
        },
        machine: Machine::read(),
        products,
        seconds: time.as_secs_f64(),
        ended_early: stopped.is_some(),
        shoppers: tally.arrived,
        requests: tally.latency.count(),
        requests_per_second: rate(tally.latency.count(), time),
        errors: tally.errors,
        orders: tally.orders,
        latency_ms: tally.latency.summary(),
        service_ms: tally.service.summary(),
        paid_after_ms: tally.paid_after.summary(),
        generator_lag_ms: tally.lag.summary(),
        routes: report::routes(&tally, time),
        per_order: report::per_order(&cost.functions, tally.orders),
        functions: cost.functions,
        cpu_seconds: cost.cpu,
        stock: checked,
        log: here.map(|here| here.log()).unwrap_or_default(),
        over_time: report::over_time(&tally),
        distribution: report::distribution(&tally.latency, &tally.service),
        cores_over_time: cost.cores,
    };
    let write = |name: &str, text: String| {
        let path = out.join(name);
        fs::write(&path, text).map_err(|error| format!("{}: {error}", path.display()))
    };
    write("report.json", serde_json::to_string_pretty(&report)?)?;
    write("index.html", page::render(&report)?)?;
    print(&summary::text(&report))?;
    println!("report: {}", out.join("index.html").display());
    conclude(&report)
}

/// Fails if anything was sold twice.
fn conclude(report: &Report) -> Outcome {
    let StockCheck { findings, .. } = match &report.stock {
        Some(check) => check,
        None => return Ok(()),
    };
    match findings.len() {
        0 => Ok(()),
        count => Err(format!(
            "{count} thing(s) do not add up between stock and orders, listed above"
        )
        .into()),
    }
}

impl Here {
    async fn start(
        load: &Load,
        root: &Path,
        target: &Path,
        http: &reqwest::Client,
    ) -> Outcome<Self> {
        println!("starting the shop");
        let key = staff::new_key()?;
        let token = staff::token_of(&key, "load", 24)?;
        let meter = Meter::new();
        let log = Arc::new(Mutex::new(Vec::new()));
        let sink = Arc::clone(&log);
        let stack = Stack::start(Options {
            root: root.to_owned(),
            binaries: match load.debug {
                true => target.join("debug"),
                false => Binaries::new(root, &root.join("target/load/bin"))?.folder,
            },
            data: None,
            port: 0,
            parameters: BTreeMap::from([(
                "StaffTokenPublicKey".to_owned(),
                staff::public_key(&key)?,
            )]),
            log: Arc::new(move |function, line| note_error(&sink, function, line)),
            before_invoke: None,
            wiring: Some(meter.wiring()),
            impatient: false,
        })
        .await?;
        let here = Self {
            stack,
            meter,
            token,
            log,
        };
        println!("importing {} products", load.products);
        let products = usize::try_from(load.products).unwrap_or(1);
        let file = catalogue::file(products, u32::try_from(load.stock).unwrap_or(u32::MAX));
        catalogue::import(http, &here.stack.address, &here.token, file).await?;
        quiet(&here.stack.lambda, SETTLE).await;
        Ok(here)
    }

    /// Starts the measurement.
    fn before(&self) -> Before {
        self.meter.reset();
        let lambda = self.stack.lambda.clone();
        let observer = Observer::new(lambda, self.stack.emulators.process_id());
        Before {
            counts: self.stack.lambda.counts(),
            observer: Arc::new(Mutex::new(observer)),
        }
    }

    fn cost_since(&self, before: &Before) -> Cost {
        let mut observer = locked(&before.observer);
        observer.look();
        let points = observer.curve().into_iter();
        Cost {
            functions: report::functions(
                &self.stack.template,
                &before.counts,
                &self.stack.lambda.counts(),
                &self.meter.counts(),
                &observer,
            ),
            cpu: observer.sees().then(|| observer.used()),
            cores: points
                .map(|(second, used)| report::Cores { second, used })
                .collect(),
        }
    }

    fn log(&self) -> Vec<String> {
        locked(&self.log).clone()
    }
}

/// Keeps a log line if it reports an error.
fn note_error(log: &Mutex<Vec<String>>, function: &str, line: &str) {
    if line.contains(r#""level":"ERROR""#) || line.starts_with("error:") {
        let mut log = locked(log);
        if log.len() < MOST_LOGGED {
            log.push(format!("{function}: {line}"));
        }
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Shows the status and samples the machine until it is stopped.
async fn watch(
    world: Arc<World>,
    observer: Option<Arc<Mutex<Observer>>>,
    start: Instant,
    length: Duration,
) {
    let mut live = Live::new(length);
    let mut ticks = tokio::time::interval_at(start + LOOK, LOOK);
    loop {
        ticks.tick().await;
        live.show(&world.record, start.elapsed());
        look(observer.as_ref()).await;
    }
}

/// On another thread than the generator's, as it reads hundreds of files.
async fn look(observer: Option<&Arc<Mutex<Observer>>>) {
    if let Some(observer) = observer.map(Arc::clone) {
        // Only fails during shutdown.
        let _ = tokio::task::spawn_blocking(move || locked(&observer).look()).await;
    }
}

/// Waits until all caused work is done, while sampling the processes.
async fn settle(lambda: &Lambda, observer: &Arc<Mutex<Observer>>) {
    let mut ticks = tokio::time::interval(LOOK);
    let mut quiet = std::pin::pin!(quiet(lambda, SETTLE));
    loop {
        tokio::select! {
            () = &mut quiet => return,
            _ = ticks.tick() => look(Some(observer)).await,
        }
    }
}

/// Waits until no function is called any more, or for the timeout.
async fn quiet(lambda: &Lambda, patience: Duration) {
    let mut progress = lambda.progress();
    let begun = Instant::now();
    while begun.elapsed() < patience {
        progress.mark_unchanged();
        if tokio::time::timeout(QUIET, progress.changed())
            .await
            .is_err()
        {
            return;
        }
    }
}

/// Cargo's target folder, which contains this tool.
fn target() -> Outcome<PathBuf> {
    let tool = std::env::current_exe()?;
    let target = tool
        .ancestors()
        .nth(2)
        .ok_or("this tool is in no target folder")?;
    Ok(target.to_owned())
}

fn command_line() -> String {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    format!("xtask {}", arguments.join(" "))
}

//! `make load`: load test with a population of shoppers, at an arrival rate independent of the shop
//! (open loop).

pub(crate) mod catalogue;
mod chart;
mod drive;
mod html;
mod live;
mod machine;
mod plan;
mod random;
mod record;
mod report;
mod stock;

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use clap::Args;
use local::{
    lambda::{Counts, Lambda},
    meter::Meter,
    stack::{Options, Stack},
};
use tokio::time::Instant;

use self::{
    catalogue::Catalogue,
    drive::{Mailbox, REQUEST_PATIENCE, World},
    live::Live,
    machine::{GENERATOR_THREADS, Machine, Observer},
    plan::{Behaviour, Plan, Profile},
    record::rate,
    report::Report,
    stock::StockCheck,
};
use crate::{Outcome, bench::binaries::Binaries, root, staff};

/// Maximum arrival rate: more than a laptop or the default account could handle.
const MOST_RATE: f64 = 10_000.0;
const MOST_SECONDS: u64 = 86_400;
/// Maximum number of products of one product file.
const MOST_PRODUCTS: usize = 10_000;
/// Interval of samples and of the live status.
const LOOK: Duration = Duration::from_millis(500);
/// The shop is at rest when no function was called for this long.
const QUIET: Duration = Duration::from_millis(1500);
/// Timeout of the work that orders cause.
const SETTLE: Duration = Duration::from_secs(120);
/// Maximum number of logged errors to keep.
const MOST_LOGGED: usize = 20;

#[derive(Args)]
pub(crate) struct Load {
    /// Shoppers who arrive each second; with --launch at its peak
    #[arg(long, default_value_t = 10.0, allow_negative_numbers = true)]
    rate: f64,
    /// How long shoppers arrive
    #[arg(long, default_value_t = 30, allow_negative_numbers = true)]
    seconds: i64,
    /// Arrive as when something is dropped: quiet, a spike, a slow end, and half of them for one product
    #[arg(long)]
    launch: bool,
    /// The same seed brings the same shoppers at the same times
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Products of the shop
    #[arg(long, default_value_t = 100, allow_negative_numbers = true)]
    products: i64,
    /// Units of each variant
    #[arg(long, default_value_t = 1_000_000, allow_negative_numbers = true)]
    stock: i64,
    /// Mean seconds between two things a shopper does
    #[arg(long, default_value_t = 1.0, allow_negative_numbers = true)]
    think: f64,
    /// Mean number of pages a shopper looks at, besides the list that most begin with
    #[arg(long, default_value_t = 4.0, allow_negative_numbers = true)]
    pages: f64,
    /// Of 100 shoppers, how many open a cart
    #[arg(long, default_value_t = 30.0, allow_negative_numbers = true)]
    carts: f64,
    /// Of 100 shoppers, how many order
    #[arg(long, default_value_t = 10.0, allow_negative_numbers = true)]
    orders: f64,
    /// Most lines of a cart: each has from 1 to this many
    #[arg(long, default_value_t = 1, allow_negative_numbers = true)]
    lines: i64,
    /// How popular the popular products are: the exponent of Zipf's law, 0 for all alike
    #[arg(long, default_value_t = 1.0, allow_negative_numbers = true)]
    zipf: f64,
    /// Drive a shop that is deployed already instead of one on this machine
    #[arg(long)]
    url: Option<String>,
    /// Use the debug binaries beside this tool, as they are
    #[arg(long)]
    debug: bool,
    /// Folder of the report; target/load without it
    #[arg(long)]
    out: Option<PathBuf>,
}

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
    let root = root();
    if load.url.is_none() && !load.debug {
        crate::bench::binaries::build(&root)?;
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
    let plan = Plan::new(behaviour, catalogue.shelves());
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
            () = crate::dev::stop_signal() => match stopped {
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
            () = crate::dev::stop_signal() => println!("not waiting any longer"),
        }
        cost = here.cost_since(&before);
        println!("comparing stock and orders");
        tokio::select! {
            check = stock::check(&world, &here.token, load.stock) => checked = Some(check?),
            () = crate::dev::stop_signal() => {
                return Err("ended before stock and orders were compared; there is no report".into());
            }
        }
    }
    let tally = world.record.tally().clone();
    let report = Report {
        at: at.to_string(),
        revision: revision(root),
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
    write("index.html", html::page(&report))?;
    println!("{}", html::text(&report));
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

impl Load {
    /// Validates the arguments.
    fn check(&self) -> Outcome {
        let within = |name: &str, value: f64, least: f64, most: f64, what: &str| {
            if value >= least && value <= most {
                return Ok(());
            }
            Err(format!(
                "--{name} {value}: {what} is from {least} to {most}"
            ))
        };
        let whole = |name: &str, value: i64, least: i64, most: i64, what: &str| {
            if (least..=most).contains(&value) {
                return Ok(());
            }
            Err(format!(
                "--{name} {value}: {what} is from {least} to {most}"
            ))
        };
        let most_seconds = i64::try_from(MOST_SECONDS).unwrap_or(i64::MAX);
        let most_products = i64::try_from(MOST_PRODUCTS).unwrap_or(i64::MAX);
        within(
            "rate",
            self.rate,
            0.01,
            MOST_RATE,
            "the number of shoppers a second",
        )?;
        whole(
            "seconds",
            self.seconds,
            1,
            most_seconds,
            "the length of the run",
        )?;
        whole(
            "products",
            self.products,
            1,
            most_products,
            "the number of products",
        )?;
        whole(
            "stock",
            self.stock,
            0,
            1_000_000_000,
            "the number of units of a variant",
        )?;
        within(
            "think",
            self.think,
            0.001,
            3600.0,
            "the mean time between two steps in seconds",
        )?;
        within("pages", self.pages, 1.0, 1000.0, "the mean number of pages")?;
        within(
            "carts",
            self.carts,
            0.0,
            100.0,
            "the share of shoppers who open a cart, in per cent,",
        )?;
        within(
            "orders",
            self.orders,
            0.0,
            100.0,
            "the share of shoppers who order, in per cent,",
        )?;
        whole("lines", self.lines, 1, 50, "the number of lines of a cart")?;
        within(
            "zipf",
            self.zipf,
            0.0,
            10.0,
            "the exponent of the products' popularity",
        )?;
        if self.orders > self.carts {
            return Err(format!(
                "--orders {} is more than --carts {}: who orders has a cart",
                self.orders, self.carts
            )
            .into());
        }
        if let Some(url) = &self.url {
            if !url.starts_with("http://") && !url.starts_with("https://") {
                return Err(
                    format!("--url {url}: an address begins with http:// or https://").into(),
                );
            }
            if self.debug {
                return Err(
                    "--debug is for a shop on this machine, --url for another: choose one".into(),
                );
            }
        }
        Ok(())
    }

    fn behaviour(&self) -> Behaviour {
        Behaviour {
            seed: self.seed,
            rate: self.rate,
            length: Duration::from_secs(u64::try_from(self.seconds).unwrap_or(1)),
            profile: if self.launch {
                Profile::Launch
            } else {
                Profile::Steady
            },
            think: self.think,
            pages: self.pages,
            carts: share(self.carts),
            orders: share(self.orders),
            lines: usize::try_from(self.lines).unwrap_or(1),
            zipf: self.zipf,
        }
    }

    fn announcement(&self, address: &str, products: usize) -> String {
        let profile = if self.launch {
            "at the peak of a launch"
        } else {
            "steadily"
        };
        let mut text = format!(
            "driving {address}, {products} products: {} shoppers a second {profile}, for {} s; of 100, {} open a \
             cart and {} order; seed {}",
            self.rate, self.seconds, self.carts, self.orders, self.seed
        );
        if self.url.is_some() && self.orders > 0.0 {
            text.push_str(
                "\nthese are orders of that shop like any other, paid with the method `test`; their mails go to \
                 SES's mailbox simulator. --orders 0 places none",
            );
        }
        text
    }
}

#[expect(clippy::float_arithmetic, reason = "chances are not money")]
fn share(percent: f64) -> f64 {
    percent / 100.0
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

/// Commit of the code, marked if there are uncommitted changes.
fn revision(root: &Path) -> String {
    let git = |arguments: &[&str]| {
        let ran = Command::new("git")
            .args(arguments)
            .current_dir(root)
            .output()
            .ok()?;
        let said = String::from_utf8(ran.stdout).ok()?;
        ran.status.success().then(|| said.trim().to_owned())
    };
    let Some(commit) = git(&["rev-parse", "--short=12", "HEAD"]) else {
        return "unknown".to_owned();
    };
    match git(&["status", "--porcelain"]) {
        Some(changes) if !changes.is_empty() => format!("{commit}, with changes"),
        _ => commit,
    }
}

fn command_line() -> String {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    format!("xtask {}", arguments.join(" "))
}

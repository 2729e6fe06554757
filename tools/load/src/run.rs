//! One run: starts the shop, drives the shoppers, checks the stock, and writes the report.

use std::{
    fs,
    path::Path,
    sync::{Arc, Mutex},
    time::Duration,
};

use bench::binaries;
use local::{
    outcome::{Outcome, print},
    project,
    signals::stop_signal,
};
use tokio::time::Instant;

use crate::{
    catalogue::Catalogue,
    drive::{self, Mailbox, REQUEST_PATIENCE, World},
    here::{Cost, Here, LOOK, look, settle, target},
    live::Live,
    logins,
    machine::{GENERATOR_THREADS, Machine, Observer},
    options::Load,
    page,
    plan::Plan,
    record::rate,
    report::{self, Report},
    stock::{self, StockCheck},
    summary,
};

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
    let outcome = match load.logins {
        Some(_) => {
            let run = logins::run(load, &root, &target, &out, generator.handle());
            shop.block_on(run)
        }
        None => shop.block_on(all(load, &root, &target, &out, generator.handle())),
    };
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

pub(crate) fn command_line() -> String {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    format!("xtask {}", arguments.join(" "))
}

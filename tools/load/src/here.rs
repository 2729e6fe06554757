//! The shop on this machine that a run drives, and what it costs.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use bench::binaries::Binaries;
use local::{
    lambda::{Counts, Lambda},
    meter::Meter,
    outcome::Outcome,
    stack::{Options, Stack},
    staff,
};
use tokio::time::Instant;

use crate::{
    catalogue,
    machine::{self, Observer},
    options::Load,
    report,
};

/// Interval of samples and of the live status.
pub(crate) const LOOK: Duration = Duration::from_millis(500);
/// The shop is at rest when no function was called for this long.
const QUIET: Duration = Duration::from_millis(1500);
/// Timeout of the work that orders cause.
const SETTLE: Duration = Duration::from_secs(120);
/// Maximum number of logged errors to keep.
const MOST_LOGGED: usize = 20;

/// A local shop for this run only.
pub(crate) struct Here {
    pub(crate) stack: Stack,
    meter: Meter,
    /// Token of staff.
    pub(crate) token: String,
    log: Arc<Mutex<Vec<String>>>,
}

/// State before the first shopper.
pub(crate) struct Before {
    counts: BTreeMap<String, Counts>,
    pub(crate) observer: Arc<Mutex<Observer>>,
}

/// Usage of the functions and of the machine.
#[derive(Default)]
pub(crate) struct Cost {
    pub(crate) functions: Vec<report::OfFunction>,
    pub(crate) cpu: Option<machine::Used>,
    pub(crate) cores: Vec<report::Cores>,
}

impl Here {
    /// Starts a shop with a catalogue.
    pub(crate) async fn start(
        load: &Load,
        root: &Path,
        target: &Path,
        http: &reqwest::Client,
    ) -> Outcome<Self> {
        let here = Self::open(load, root, target, []).await?;
        println!("importing {} products", load.products);
        let products = usize::try_from(load.products).unwrap_or(1);
        let file = catalogue::file(products, u32::try_from(load.stock).unwrap_or(u32::MAX));
        catalogue::import(http, &here.stack.address, &here.token, file).await?;
        quiet(&here.stack.lambda, SETTLE).await;
        Ok(here)
    }

    /// Starts a shop without products, with these parameters of the template.
    pub(crate) async fn open<const N: usize>(
        load: &Load,
        root: &Path,
        target: &Path,
        parameters: [(&str, &str); N],
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
            parameters: {
                let own = parameters.map(|(name, value)| (name.to_owned(), value.to_owned()));
                let key = ("StaffTokenPublicKey".to_owned(), staff::public_key(&key)?);
                own.into_iter().chain([key]).collect()
            },
            log: Arc::new(move |function, line| note_error(&sink, function, line)),
            before_invoke: None,
            wiring: Some(meter.wiring()),
            impatient: false,
        })
        .await?;
        Ok(Self {
            stack,
            meter,
            token,
            log,
        })
    }

    /// Starts the measurement.
    pub(crate) fn before(&self) -> Before {
        self.meter.reset();
        let lambda = self.stack.lambda.clone();
        let observer = Observer::new(lambda, self.stack.emulators.process_id());
        Before {
            counts: self.stack.lambda.counts(),
            observer: Arc::new(Mutex::new(observer)),
        }
    }

    pub(crate) fn cost_since(&self, before: &Before) -> Cost {
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

    pub(crate) fn log(&self) -> Vec<String> {
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

/// On another thread than the generator's, as it reads hundreds of files.
pub(crate) async fn look(observer: Option<&Arc<Mutex<Observer>>>) {
    if let Some(observer) = observer.map(Arc::clone) {
        // Only fails during shutdown.
        let _ = tokio::task::spawn_blocking(move || locked(&observer).look()).await;
    }
}

/// Waits until all caused work is done, while sampling the processes.
pub(crate) async fn settle(lambda: &Lambda, observer: &Arc<Mutex<Observer>>) {
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
pub(crate) fn target() -> Outcome<PathBuf> {
    let tool = std::env::current_exe()?;
    let target = tool
        .ancestors()
        .nth(2)
        .ok_or("this tool is in no target folder")?;
    Ok(target.to_owned())
}

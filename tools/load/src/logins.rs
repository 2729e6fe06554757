//! Logins under attack: owners sign in while others guess. Fails if somebody waits in vain, or is locked out by others.
//! docs/load.md explains it.

mod accounts;
mod networks;
mod plan;
mod report;
mod response;

use std::{
    collections::BTreeMap,
    fs,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use local::{
    outcome::{Outcome, print},
    project,
    signals::stop_signal,
};
use serde_json::json;
use tokio::{task::JoinSet, time::Instant};

use crate::{
    here::{Here, LOOK, look, settle},
    machine::Machine,
    options::Load,
    record::timed,
    run::command_line,
};

use self::{
    accounts::PASSWORD,
    networks::Networks,
    plan::{Attempt, Cast, Who},
    report::{Report, Tally},
    response::{Answer, log_in},
};

/// How often an owner tries again who was told to come back later.
const TRIES: u32 = 5;

/// What the attempts share.
struct World {
    address: String,
    networks: Networks,
    cast: Cast,
    tally: Mutex<Tally>,
}

impl World {
    fn note(&self, who: Who, latency: Duration, answer: &Answer) {
        let mut tally = self.tally.lock().unwrap_or_else(PoisonError::into_inner);
        tally.note(who, latency, answer);
    }

    /// Makes one attempt.
    async fn attempt(&self, attempt: Attempt) -> Answer {
        let who = attempt.who;
        let password = match who {
            Who::Owner(_) | Who::TargetsOwner => PASSWORD.to_owned(),
            Who::Guesser | Who::Sprayer { .. } => format!("a guess {}", attempt.number),
        };
        let body = json!({ "email": self.cast.email(attempt), "password": password });
        log_in(self.networks.of(who), &self.address, &body).await
    }
}

/// Drives the logins and writes a report.
pub(crate) async fn run(
    load: &Load,
    root: &Path,
    target: &Path,
    out: &Path,
    generator: &tokio::runtime::Handle,
) -> Outcome {
    // The limits of the code, as they are deployed.
    let here = Here::open(load, root, target, [("DefaultLimits", "on")]).await?;
    let outcome = tokio::select! {
        outcome = drive_and_report(load, root, out, generator, &here) => outcome,
        () = stop_signal() => Err("ended early; there is no report".into()),
    };
    here.stack.stop().await;
    outcome
}

async fn drive_and_report(
    load: &Load,
    root: &Path,
    out: &Path,
    generator: &tokio::runtime::Handle,
    here: &Here,
) -> Outcome {
    let logins = usize::try_from(load.logins.unwrap_or_default())?;
    let length = Duration::from_secs(u64::try_from(load.seconds)?);
    let cast = Cast::of(logins);
    let networks = Networks::new(&cast)?;
    let address = here.stack.address.clone();
    println!("creating {} accounts", cast.owners + 1);
    accounts::create(&address, &cast, &networks).await?;
    println!(
        "{logins} logins in {} s: {} by {} owners, {} by the target's owner, {} guesses at the target from one network, {} at \
         other addresses from {} networks; seed {}",
        load.seconds,
        cast.owners * plan::EACH,
        cast.owners,
        plan::EACH,
        cast.guesses,
        cast.sprayed,
        plan::SPRAYERS,
        load.seed
    );
    let attempts = plan::attempts(&cast, length, load.seed);
    let world = Arc::new(World {
        address,
        networks,
        cast,
        tally: Mutex::default(),
    });

    let before = here.before();
    let at = runtime::now();
    let start = Instant::now() + Duration::from_millis(100);
    let driving = generator.spawn(drive(Arc::clone(&world), attempts, start));
    let watching = {
        let observer = Arc::clone(&before.observer);
        generator.spawn(async move {
            let mut ticks = tokio::time::interval_at(start + LOOK, LOOK);
            loop {
                ticks.tick().await;
                look(Some(&observer)).await;
            }
        })
    };
    let driven = driving.await;
    let last_answer = start.elapsed();
    watching.abort();
    driven.map_err(|_| "the generator failed; see its output above")?;
    println!("signing everybody in once more");
    let after = after(&world).await;
    settle(&here.stack.lambda, &before.observer).await;
    let cost = here.cost_since(&before);

    let tally = world
        .tally
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .clone();
    let findings = report::findings(&tally, &after, &world.cast);
    let report = Report {
        at: at.to_string(),
        revision: project::revision(root),
        command: command_line(),
        seed: load.seed,
        functions_built: if load.debug { "debug" } else { "release" },
        machine: Machine::read(),
        seconds: load.seconds,
        last_answer_seconds: last_answer.as_secs_f64(),
        kinds: tally.kinds(),
        after: report::statuses(after.values()),
        cpu_seconds: cost.cpu,
        functions: cost.functions,
        log: here.log(),
        findings,
    };
    let path = out.join("logins.json");
    fs::write(&path, serde_json::to_string_pretty(&report)? + "\n")
        .map_err(|error| format!("{}: {error}", path.display()))?;
    print(&report::text(&report))?;
    println!("report: {}", path.display());
    match report.findings.len() {
        0 => Ok(()),
        count => Err(format!("{count} goal(s) of logins are missed, listed above").into()),
    }
}

/// Makes each attempt at its time, whatever became of those before it.
async fn drive(world: Arc<World>, attempts: Vec<Attempt>, start: Instant) {
    let mut running = JoinSet::new();
    for attempt in attempts {
        tokio::time::sleep_until(start + attempt.at).await;
        let world = Arc::clone(&world);
        running.spawn(async move {
            let work = world.attempt(attempt);
            let (timing, answer) = timed(start, attempt.at, start, work).await;
            world.note(attempt.who, timing.latency, &answer);
        });
        while running.try_join_next().is_some() {}
    }
    while running.join_next().await.is_some() {}
}

/// The answer to each owner who signs in after the attack. One who is told to come back does.
async fn after(world: &World) -> BTreeMap<Who, Answer> {
    let owners = (0..world.cast.owners).map(Who::Owner);
    let mut answers = BTreeMap::new();
    for who in owners.chain([Who::TargetsOwner]) {
        let attempt = Attempt {
            who,
            number: 0,
            at: Duration::ZERO,
        };
        let mut answer = world.attempt(attempt).await;
        for _ in 1..TRIES {
            let Answer::Busy(seconds) = answer else {
                break;
            };
            tokio::time::sleep(Duration::from_secs(seconds)).await;
            answer = world.attempt(attempt).await;
        }
        answers.insert(who, answer);
    }
    answers
}

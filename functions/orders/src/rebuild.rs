//! The job that rebuilds the lists of orders (docs/adr/0025): parts of the table, each of which is one step.
//!
//! The parts are divided among a few chains, whose steps follow each other: so the consumer's own messages never wait
//! behind more than that many, and the lists stay current while millions of orders are read again.

use std::time::Duration;

use domain::{
    catalog::import::LineFault,
    fault::chain,
    id::JobId,
    jobs::{Chain, GIVEN_UP_AFTER, Job, JobInput},
};
use jiff::Timestamp;
use runtime::ConsumeError;
use store::{BeginOutcome, DueStep, JobBeginning, StepOutcome, StepStart, Store};
use tokio::time::Instant;

use crate::projection;

const CONSUMER: &str = "project-orders";
/// Number of chains: steps that wait or are at work at one time.
const CHAINS: u32 = 8;
/// Items of the table in a part, about. DynamoDB divides a table by partition keys: all entries of one list are in one part,
/// which may be millions, and its count of the items is hours old.
const ITEMS_OF_A_PART: u64 = 1_000;
/// Most parts that DynamoDB divides a scan into.
const MAX_PARTS: u64 = 1_000_000;
/// Items that are read at once, by all steps of a batch.
const PAGE: u32 = 500;
/// Time after which a step begins no further page, and leaves what is left to another message: with the last page, and the
/// orders of its batch, it is well within the function's timeout.
const TIME: Duration = Duration::from_secs(8);

/// How much of a step one message does.
#[derive(Clone, Copy, Debug)]
pub struct Pass {
    /// Items that are read at once.
    pub page: u32,
    /// Time after which no further page is begun.
    pub time: Duration,
}

impl Pass {
    /// A pass that is done beside others.
    pub fn of(steps: usize) -> Self {
        let steps = u32::try_from(steps.max(1)).unwrap_or(u32::MAX);
        Self {
            page: (PAGE / steps).max(1),
            time: TIME,
        }
    }
}

/// Begins the job, or goes on with it: records the next step of each chain.
pub async fn start(store: &Store, id: JobId, now: Timestamp) -> Result<(), ConsumeError> {
    let Some(job) = store.job_to_work_on(id).await? else {
        return Ok(());
    };
    let parts = match parts_of(&job) {
        Some(parts) => parts,
        None => {
            let parts = store.table_items().await?.div_ceil(ITEMS_OF_A_PART);
            u32::try_from(parts.clamp(1, MAX_PARTS))?
        }
    };
    let chains = parts.min(CHAINS);
    let beginning = JobBeginning {
        input: JobInput {
            version: parts.to_string(),
            ignored_columns: Vec::new(),
        },
        total: parts.into(),
        faults: Vec::new(),
        chains,
    };
    match store.begin_job(id, &beginning, now).await? {
        BeginOutcome::Running => {}
        BeginOutcome::Paused | BeginOutcome::Ended | BeginOutcome::OtherInput => {
            tracing::info!(job.id = %id, "the job does not run");
            return Ok(());
        }
    }
    let finished = match job.has_begun() {
        true => store.finished_steps(&job).await?,
        false => Default::default(),
    };
    let next = (1..=chains).filter_map(|first| {
        let mut steps = (first..=parts).step_by(usize::try_from(CHAINS).ok()?);
        steps.find(|step| !finished.contains(step))
    });
    let next: Vec<u32> = next.collect();
    if next.is_empty() {
        // Every step is done: the process that did the last one died before it completed the job.
        return complete(store, store.job_after_step(id).await?, now).await;
    }
    store.put_due_steps(&job, &next, now).await?;
    tracing::info!(job.id = %id, job.parts = parts, "rebuild started");
    Ok(())
}

/// Number of the table's parts, if the job has begun.
fn parts_of(job: &Job) -> Option<u32> {
    job.input.as_ref()?.version.parse().ok()
}

/// Projects orders of one part, and counts it if it has come to its end.
pub async fn do_step(
    store: &Store,
    id: JobId,
    step: u32,
    pass: Pass,
    attempt: u32,
    now: Timestamp,
) -> Result<(), ConsumeError> {
    let job = match store.begin_step(id, step).await? {
        StepStart::Do(job) => job,
        StepStart::Counted(outcome) => return complete(store, outcome, now).await,
        StepStart::Dropped(state) => {
            // A job that is resumed records its next steps again.
            tracing::info!(job.id = %id, job.step = step, job.state = state.name(), "step dropped");
            return Ok(());
        }
        StepStart::NoJob => return Ok(()),
    };
    let Some(parts) = parts_of(&job).filter(|parts| (1..=*parts).contains(&step)) else {
        return Err(format!("the job {id} has no step {step}").into());
    };
    let due = store.due_step(&job, step).await?;
    let message = format!("{id}.{}.{step}.{}", job.run.number, due.pass);
    let redeliveries = store
        .count_redelivery(CONSUMER, &message, attempt, now)
        .await?;
    let given_up = redeliveries >= GIVEN_UP_AFTER;
    if given_up {
        tracing::error!(job.id = %id, job.step = step, "the step is given up");
        let fault = LineFault::part_not_projected(step.into());
        return finish(store, &job, step, parts, &[fault], now).await;
    }
    let started = Instant::now();
    let mut next = DueStep {
        pass: due.pass + 1,
        ..due.clone()
    };
    let mut orders = 0;
    loop {
        let from = next.place.as_deref();
        let rebuilt = projection::rebuild(store, step - 1, parts, from, pass.page).await;
        let rebuilt = match rebuilt {
            Ok(rebuilt) => rebuilt,
            // The pages before are done: another message begins with this one.
            Err(error) if next.place != due.place => {
                tracing::warn!(job.id = %id, job.step = step, error = %chain(&error), "page not projected");
                break;
            }
            Err(error) => return Err(error.into()),
        };
        next.failed += rebuilt.failed;
        next.place = rebuilt.next;
        orders += rebuilt.orders;
        if next.place.is_none() || started.elapsed() >= pass.time {
            break;
        }
    }
    let failed = next.failed;
    tracing::info!(job.id = %id, job.step = step, job.orders = orders, job.failed = failed, "orders projected again");
    if next.place.is_some() {
        if !store.go_on_with_step(&job, step, &due, next, now).await? {
            tracing::info!(job.id = %id, job.step = step, "another message goes on with the step");
        }
        return Ok(());
    }
    let faults: Vec<LineFault> = match failed {
        0 => Vec::new(),
        failed => vec![LineFault::orders_not_projected(step.into(), failed)],
    };
    finish(store, &job, step, parts, &faults, now).await
}

/// Counts a part, and records the next one of its chain.
async fn finish(
    store: &Store,
    job: &Job,
    step: u32,
    parts: u32,
    faults: &[LineFault],
    now: Timestamp,
) -> Result<(), ConsumeError> {
    let done = u64::from(faults.is_empty());
    let next = step.checked_add(CHAINS).filter(|next| *next <= parts);
    let chain = next.map_or(Chain::Ends, |next| Chain::GoesOn(job, next));
    let outcome = store
        .finish_step(job.id, step, done, faults, chain, now)
        .await?;
    complete(store, outcome, now).await
}

/// Completes the job if every step is done. It has no result: the lists are.
async fn complete(store: &Store, after: StepOutcome, now: Timestamp) -> Result<(), ConsumeError> {
    if let StepOutcome::AllDone(job) = after {
        store.complete_job(&job, None, now).await?;
    }
    Ok(())
}

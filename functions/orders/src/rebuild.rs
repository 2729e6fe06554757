//! The job that rebuilds the lists of orders (docs/adr/0025): parts of the table, each of which is one step.
//!
//! The parts are divided among a few chains, whose steps follow each other: so the consumer's own messages never wait
//! behind more than that many, and the lists stay current while millions of orders are read again.

use domain::{
    catalog::import::LineFault,
    id::JobId,
    jobs::{Chain, Job, JobInput, JobState},
};
use jiff::Timestamp;
use runtime::ConsumeError;
use store::{BeginOutcome, JobBeginning, StepOutcome, Store};

use crate::projection;

const CONSUMER: &str = "project-orders";
/// Number of chains: steps that wait or are at work at one time.
const CHAINS: u32 = 8;
/// Items of the table in a part, about: some hundred orders, which take a second or two.
const ITEMS_OF_A_PART: u64 = 1_000;
/// Most parts that DynamoDB divides a scan into.
const MAX_PARTS: u64 = 1_000_000;
/// Items that are read at once.
const PAGE: u32 = 500;
/// Redeliveries after which a part is reported as failed, so that the job can end.
const GIVEN_UP_AFTER: u32 = 4;

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
    store.put_due_steps(&job, &next, now).await?;
    tracing::info!(job.id = %id, job.parts = parts, "rebuild started");
    Ok(())
}

/// Number of the table's parts, if the job has begun.
fn parts_of(job: &Job) -> Option<u32> {
    job.input.as_ref()?.version.parse().ok()
}

/// Projects the orders of one part, and counts it.
pub async fn do_step(
    store: &Store,
    id: JobId,
    step: u32,
    attempt: u32,
    now: Timestamp,
) -> Result<(), ConsumeError> {
    let Some(job) = store.job_to_work_on(id).await? else {
        return Ok(());
    };
    if job.state != JobState::Running {
        // A job that is resumed records its next steps again.
        tracing::info!(job.id = %id, job.step = step, job.state = job.state.name(), "step dropped");
        return Ok(());
    }
    let Some(parts) = parts_of(&job).filter(|parts| (1..=*parts).contains(&step)) else {
        return Err(format!("the job {id} has no step {step}").into());
    };
    if store.step_is_finished(&job, step).await? {
        // The process that did it may have died before it completed the job.
        return complete(store, store.job_after_step(id).await?, now).await;
    }
    let message = format!("{id}.{step}");
    let redeliveries = store
        .count_redelivery(CONSUMER, &message, attempt, now)
        .await?;
    let mut failed = 0;
    let mut orders = 0;
    let given_up = redeliveries >= GIVEN_UP_AFTER;
    if given_up {
        tracing::error!(job.id = %id, job.step = step, "the step is given up");
    } else {
        let mut from = None;
        loop {
            let rebuilt =
                projection::rebuild(store, step - 1, parts, from.as_deref(), PAGE).await?;
            failed += rebuilt.failed;
            orders += rebuilt.orders;
            from = rebuilt.next;
            if from.is_none() {
                break;
            }
        }
    }
    let faults: Vec<LineFault> = match (given_up, failed) {
        (false, 0) => Vec::new(),
        (false, failed) => vec![LineFault::orders_not_projected(step.into(), failed)],
        (true, _) => vec![LineFault::part_not_projected(step.into())],
    };
    let done = u64::from(faults.is_empty());
    let next = step.checked_add(CHAINS).filter(|next| *next <= parts);
    let chain = next.map_or(Chain::Ends, |next| Chain::GoesOn(&job, next));
    let outcome = store
        .finish_step(id, step, done, &faults, chain, now)
        .await?;
    tracing::info!(job.id = %id, job.step = step, job.orders = orders, job.failed = failed, "orders projected again");
    complete(store, outcome, now).await
}

/// Completes the job if every step is done. It has no result: the lists are.
async fn complete(store: &Store, after: StepOutcome, now: Timestamp) -> Result<(), ConsumeError> {
    if let StepOutcome::AllDone(job) = after {
        store.complete_job(job.id, None, now).await?;
        tracing::info!(job.id = %job.id, job.done = job.done, job.failed = job.failed, "job completed");
    }
    Ok(())
}

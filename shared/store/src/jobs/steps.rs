//! Steps of jobs: each is counted once, with its errors.

use std::collections::HashSet;

use aws_sdk_dynamodb::types::{Put, TransactWriteItem, Update};
use domain::{
    catalog::import::{LineFault, MAX_FAULTS},
    id::JobId,
    jobs::{Chain, Job, JobInput, JobState},
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    KEPT,
    record::{DueStepRecord, value},
};
use crate::{
    Consistency, Result, Store, StoreError,
    item::{Item, Record, from_item, from_part, number, string, to_item},
    keys::{JOB_ERRORS, JOB_STEPS, Key, SK, job_partition},
    transaction::{First, Outcome, put_action, update_action},
};

/// Number of the errors that are the reason why a job failed; no job has as many steps.
pub(super) const FAILURE: u32 = 999_999_999;
/// Number of the errors that were found before the first step.
const BEGINNING: u32 = 0;

/// A finished step.
#[derive(Debug, Serialize, Deserialize)]
struct StepRecord {
    /// Expiry in seconds since 1970.
    expires_at: i64,
}

impl Record for StepRecord {
    const ENTITY: &'static str = "job_step";
}

/// Errors of a step.
#[derive(Debug, Serialize, Deserialize)]
struct ErrorsRecord {
    /// At most [`MAX_FAULTS`], of a step that has more the first ones: one product can have more rows.
    faults: Vec<LineFault>,
    /// Expiry in seconds since 1970.
    expires_at: i64,
}

impl Record for ErrorsRecord {
    const ENTITY: &'static str = "job_errors";
}

/// The sort key of a step.
#[derive(Debug, Deserialize)]
struct Position {
    #[serde(rename = "SK")]
    sk: String,
}

/// A job after one of its steps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StepOutcome {
    /// Other steps are left.
    StepsLeft,
    /// It was the last one: the job is to be completed.
    AllDone(Box<Job>),
    /// The job is gone.
    NoJob,
}

/// What a message that asks for a step comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StepStart {
    /// The step is to be done.
    Do(Box<Job>),
    /// It was counted before; the process that did it may have died before it completed the job.
    Counted(StepOutcome),
    /// The job does not run. One that is resumed sends its steps again.
    Dropped(JobState),
    /// There is no such job.
    NoJob,
}

/// Where a step that takes several passes is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DueStep {
    /// Number of passes before.
    pub pass: u32,
    /// Where it goes on; `None` at its beginning.
    pub place: Option<String>,
    /// Items that failed in the passes before.
    pub failed: u64,
}

/// What is known of a job's items when it begins.
#[derive(Clone, Debug)]
pub struct JobBeginning {
    /// Its input.
    pub input: JobInput,
    /// All items.
    pub total: u64,
    /// Errors of items that are in none of its steps.
    pub faults: Vec<LineFault>,
    /// Number of its chains of steps.
    pub chains: u32,
}

/// Whether a job goes on with an input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BeginOutcome {
    /// Send its steps, even if they were sent before.
    Running,
    /// It was paused: its steps are sent when it is resumed.
    Paused,
    /// It has ended, or does not exist.
    Ended,
    /// It has begun with another input.
    OtherInput,
}

impl Store {
    /// Records the input of a job whose steps are about to be sent. The first input wins; repeating it is allowed. Keys:
    /// [`Key::job`], on the condition that it waits; [`Key::job_errors`], if there are any, on the condition that they
    /// do not exist. If they fail, a strongly consistent read tells whether the same input was recorded before. 1 write
    /// unit, or 4 and more with errors.
    pub async fn begin_job(
        &self,
        id: JobId,
        beginning: &JobBeginning,
        now: Timestamp,
    ) -> Result<BeginOutcome> {
        let update = Update::builder()
            .table_name(&self.table)
            .set_key(Some(Key::job(id).attributes()))
            .update_expression(
                "SET #state = :running, #input = :input, #total = :total, failed = :failed, \
                 chains_total = :chains, run.began_at = :now, run.processed_before = :failed, updated_at = :now",
            )
            .condition_expression("#state = :queued")
            .expression_attribute_names("#state", "state")
            .expression_attribute_names("#input", "input")
            .expression_attribute_names("#total", "total")
            .expression_attribute_values(":running", value(JobState::Running)?)
            .expression_attribute_values(":queued", value(JobState::Queued)?)
            .expression_attribute_values(":input", value(&beginning.input)?)
            .expression_attribute_values(":total", number(beginning.total))
            .expression_attribute_values(":failed", number(beginning.faults.len()))
            .expression_attribute_values(":chains", number(beginning.chains))
            .expression_attribute_values(":now", string(now.to_string()));
        let mut actions = vec![update_action(update)?];
        if !beginning.faults.is_empty() {
            actions.push(self.put_errors(id, BEGINNING, &beginning.faults, now)?);
        }
        if let Outcome::Committed { .. } = self.transact("begin job", First::Write, actions).await?
        {
            return Ok(BeginOutcome::Running);
        }
        let Some(job) = self.job(id, Consistency::Strong).await? else {
            return Ok(BeginOutcome::Ended);
        };
        // Cut into as many chains, too: a later release may cut the same input otherwise.
        let same = job.chains_total == beginning.chains
            && job
                .input
                .as_ref()
                .is_some_and(|input| input.version == beginning.input.version);
        Ok(match job.state {
            JobState::Running if same => BeginOutcome::Running,
            JobState::Running => BeginOutcome::OtherInput,
            JobState::Paused => BeginOutcome::Paused,
            // Queued: resumed between the write and the read, and its run is about to be relayed.
            JobState::Queued => BeginOutcome::Paused,
            JobState::Completed | JobState::Failed | JobState::Cancelled => BeginOutcome::Ended,
        })
    }

    /// Reads the job of a message that asks for a step, strongly consistent, and whether the step has been counted. Keys:
    /// [`Key::job`], [`Key::job_step`]. 1.5 read units.
    pub async fn begin_step(&self, id: JobId, step: u32) -> Result<StepStart> {
        let Some(job) = self.job_to_work_on(id).await? else {
            return Ok(StepStart::NoJob);
        };
        if job.state.is_final() {
            return Ok(StepStart::Dropped(job.state));
        }
        // Of a paused job, too: it may have been the last one.
        if self.step_is_finished(&job, step).await? {
            return Ok(StepStart::Counted(self.job_after_step(id).await?));
        }
        Ok(match job.state {
            JobState::Running => StepStart::Do(Box::new(job)),
            state => StepStart::Dropped(state),
        })
    }

    /// Whether a step has been counted. Key: [`Key::job_step`], eventually consistent: a step that has just been counted
    /// may be taken again, which changes nothing. 0.5 read units. In the form of an earlier release, whose processes count
    /// elsewhere, it is strongly consistent.
    async fn step_is_finished(&self, job: &Job, step: u32) -> Result<bool> {
        let wanted = || self.client.get_item().projection_expression("PK");
        let key = Key::job_step(job.id, step);
        if self
            .get_part("GetItem job step", &key, wanted())
            .await?
            .is_some()
        {
            return Ok(true);
        }
        match job.import().filter(|_| job.adopted) {
            None => Ok(false),
            Some(import) => {
                let key = Key::import_chunk(import, step);
                let wanted = wanted().consistent_read(true);
                let item = self.get_part("GetItem import chunk", &key, wanted).await?;
                Ok(item.is_some())
            }
        }
    }

    /// Numbers of the steps that have been counted, strongly consistent. Key: the steps of [`job_partition`]. 1 read unit
    /// for about 40 steps.
    pub async fn finished_steps(&self, job: &Job) -> Result<HashSet<u32>> {
        let mut finished = HashSet::new();
        let mut note = |item: Item, prefix: &str| {
            let position: Position = from_part(StepRecord::ENTITY, item)?;
            let number = position.sk.strip_prefix(prefix).map(str::parse);
            if let Some(Ok(number)) = number {
                finished.insert(number);
            }
            Ok(())
        };
        self.job_items(&job_partition(job.id), JOB_STEPS, true, |item| {
            note(item, JOB_STEPS)?;
            Ok(true)
        })
        .await?;
        if let Some(import) = job.import().filter(|_| job.adopted) {
            let partition = crate::keys::import_partition(import);
            self.job_items(&partition, "CHUNK#", true, |item| {
                note(item, "CHUNK#")?;
                Ok(true)
            })
            .await?;
        }
        Ok(finished)
    }

    /// Counts a step once, with its errors. Keys: [`Key::job_step`], on the condition that it does not exist;
    /// [`Key::job_errors`], if there are any; [`Key::job_step_due`] of the step that follows, if one does; [`Key::job`];
    /// then [`Key::job`] again, strongly consistent. 4 write units and 1 read unit, 2 more with a step that follows, or
    /// with errors.
    pub async fn finish_step(
        &self,
        id: JobId,
        step: u32,
        done: u64,
        faults: &[LineFault],
        chain: Chain<'_>,
        now: Timestamp,
    ) -> Result<StepOutcome> {
        let update = Update::builder()
            .table_name(&self.table)
            .set_key(Some(Key::job(id).attributes()))
            .update_expression(
                "SET updated_at = :now ADD done :done, failed :failed, chains_done :ended",
            )
            .condition_expression("attribute_exists(PK)")
            .expression_attribute_values(":now", string(now.to_string()))
            .expression_attribute_values(":done", number(done))
            .expression_attribute_values(":failed", number(faults.len()))
            .expression_attribute_values(":ended", number(u32::from(chain == Chain::Ends)));
        let record = StepRecord {
            expires_at: (now + KEPT).as_second(),
        };
        let put = Put::builder()
            .table_name(&self.table)
            .set_item(Some(to_item(&Key::job_step(id, step), &record)?))
            .condition_expression("attribute_not_exists(PK)");
        let mut actions = vec![put_action(put)?, update_action(update)?];
        if !faults.is_empty() {
            actions.push(self.put_errors(id, step, faults, now)?);
        }
        if let Chain::GoesOn(job, next) = chain {
            let item = due_step(job, next, DueStep::default(), now)?;
            let put = Put::builder().table_name(&self.table).set_item(Some(item));
            actions.push(put_action(put)?);
        }
        // Condition failed: counted before. That attempt may have died right afterwards, so continue.
        self.transact("finish step", First::Write, actions).await?;
        self.job_after_step(id).await
    }

    /// Records steps that are to be done in the job's current run; repeating it changes nothing. Key:
    /// [`Key::job_step_due`], on the condition that it does not exist. 1 write unit each.
    pub async fn put_due_steps(&self, job: &Job, steps: &[u32], now: Timestamp) -> Result<()> {
        for step in steps {
            let put = self
                .client
                .put_item()
                .table_name(&self.table)
                .set_item(Some(due_step(job, *step, DueStep::default(), now)?))
                .condition_expression("attribute_not_exists(PK)");
            self.write("PutItem job step due", put).await?;
        }
        Ok(())
    }

    /// Where a step of the job's current run is. Key: [`Key::job_step_due`], strongly consistent. 1 read unit.
    pub async fn due_step(&self, job: &Job, step: u32) -> Result<DueStep> {
        let key = Key::job_step_due(job.id, job.run.number, step);
        let item = self
            .get("GetItem job step due", &key, Consistency::Strong)
            .await?;
        let record = item.map(from_item::<DueStepRecord>).transpose()?;
        Ok(record.map_or_else(DueStep::default, |record| DueStep {
            pass: record.pass,
            place: record.place,
            failed: record.failed,
        }))
    }

    /// Records where a step has come to, for another message to go on with. Returns whether it was still where it was
    /// `before`. Key: [`Key::job_step_due`], on that condition. 1 write unit.
    pub async fn go_on_with_step(
        &self,
        job: &Job,
        step: u32,
        before: &DueStep,
        next: DueStep,
        now: Timestamp,
    ) -> Result<bool> {
        let put = self
            .client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(due_step(job, step, next, now)?));
        let put = match before.pass {
            // Of an earlier release, or not there.
            0 => put
                .condition_expression("attribute_not_exists(pass) OR pass = :pass")
                .expression_attribute_values(":pass", number(0)),
            pass => put
                .condition_expression("pass = :pass")
                .expression_attribute_values(":pass", number(pass)),
        };
        let written = self.write("PutItem job step due", put).await?;
        Ok(written.is_done())
    }

    /// Counts the steps of an import of an earlier release again, all of which are done: its processes have counted some in
    /// its form. Keys: the errors, as [`job_errors`](Self::job_errors); [`Key::job`], on the condition that it runs and is as
    /// it was read. 1 write unit.
    pub async fn recount_adopted(&self, job: &Job, now: Timestamp) -> Result<()> {
        let errors = self.job_errors(job, usize::MAX).await?.len();
        let failed = u64::try_from(errors).unwrap_or(u64::MAX).max(job.failed);
        let update = self
            .update(&Key::job(job.id))
            .update_expression(
                "SET chains_done = chains_total, failed = :failed, done = #total - :failed, updated_at = :now",
            )
            .condition_expression(
                "#state = :running AND adopted = :adopted AND chains_done = :before",
            )
            .expression_attribute_values(":failed", number(failed))
            .expression_attribute_values(":before", number(job.chains_done))
            .expression_attribute_names("#state", "state")
            .expression_attribute_names("#total", "total")
            .expression_attribute_values(":running", value(JobState::Running)?)
            .expression_attribute_values(":adopted", value(true)?)
            .expression_attribute_values(":now", string(now.to_string()));
        self.write("UpdateItem recount job", update).await?;
        Ok(())
    }

    /// Whether the job is to be completed, for a step that was counted before. Key: [`Key::job`], strongly consistent.
    /// 1 read unit.
    pub async fn job_after_step(&self, id: JobId) -> Result<StepOutcome> {
        let job = self.job(id, Consistency::Strong).await?;
        Ok(match job {
            None => StepOutcome::NoJob,
            Some(job) if job.is_done() && !job.state.is_final() => {
                StepOutcome::AllDone(Box::new(job))
            }
            Some(_) => StepOutcome::StepsLeft,
        })
    }

    /// Errors of a job by line, at most `limit`, the reason of a failure among them. Key: the errors of [`job_partition`],
    /// eventually consistent. 0.5 read units for each 4 KB of errors.
    pub async fn job_errors(&self, job: &Job, limit: usize) -> Result<Vec<LineFault>> {
        // It has the highest number: behind as many errors as are shown.
        let mut errors = match job.state {
            JobState::Failed => self.errors_of(job.id, FAILURE).await?,
            _ => Vec::new(),
        };
        if let Some(import) = job.import().filter(|_| job.adopted) {
            let partition = crate::keys::import_partition(import);
            let of_chunks = self.errors_in(&partition, "CHUNK#", None, limit).await?;
            errors.extend(of_chunks);
        }
        let partition = job_partition(job.id);
        let left = limit.saturating_sub(errors.len());
        let reason = Key::job_errors(job.id, FAILURE);
        let (_, reason) = reason.as_pair();
        let of_steps = self.errors_in(&partition, JOB_ERRORS, Some(reason), left);
        errors.extend(of_steps.await?);
        errors.sort_by_key(|fault| fault.line);
        errors.truncate(limit);
        Ok(errors)
    }

    /// Errors that were found before the first step, as many as the table keeps. Key: [`Key::job_errors`], strongly
    /// consistent: they may just have been written. 1 read unit for each 4 KB of errors.
    pub async fn first_errors(&self, job: &Job) -> Result<Vec<LineFault>> {
        self.errors_of(job.id, BEGINNING).await
    }

    async fn errors_of(&self, id: JobId, step: u32) -> Result<Vec<LineFault>> {
        let key = Key::job_errors(id, step);
        let item = self.get("GetItem job errors", &key, Consistency::Strong);
        let record = item.await?.map(from_item::<ErrorsRecord>).transpose()?;
        Ok(record.map_or_else(Vec::new, |record| record.faults))
    }

    /// Like [`job_errors`](Self::job_errors), without those that were found before the first step, and in the order of the
    /// steps.
    pub async fn step_errors(&self, job: &Job, limit: usize) -> Result<Vec<LineFault>> {
        let first = Key::job_errors(job.id, BEGINNING);
        let (partition, without) = first.as_pair();
        let mut errors = self
            .errors_in(partition, JOB_ERRORS, Some(without), limit)
            .await?;
        errors.truncate(limit);
        Ok(errors)
    }

    /// Errors in a partition, step by step, without those at one position; those of whole steps until there are `limit`.
    async fn errors_in(
        &self,
        partition: &str,
        prefix: &str,
        without: Option<&str>,
        limit: usize,
    ) -> Result<Vec<LineFault>> {
        let mut errors: Vec<LineFault> = Vec::new();
        self.job_items(partition, prefix, false, |item| {
            let position = item.get(SK).and_then(|sk| sk.as_s().ok());
            if without.is_none() || position.map(String::as_str) != without {
                let record: ErrorsRecord = from_part(ErrorsRecord::ENTITY, item)?;
                errors.extend(record.faults);
            }
            Ok(errors.len() < limit)
        })
        .await?;
        Ok(errors)
    }

    /// Reads the items of a partition whose sort keys begin with `prefix`, page by page, until `each` has enough.
    async fn job_items(
        &self,
        partition: &str,
        prefix: &str,
        keys_only: bool,
        mut each: impl FnMut(Item) -> Result<bool>,
    ) -> Result<()> {
        let mut start = None;
        loop {
            let query = self
                .client
                .query()
                .table_name(&self.table)
                .key_condition_expression("PK = :pk AND begins_with(SK, :prefix)")
                .expression_attribute_values(":pk", string(partition))
                .expression_attribute_values(":prefix", string(prefix))
                .set_projection_expression(keys_only.then(|| SK.to_owned()))
                .consistent_read(keys_only)
                .set_exclusive_start_key(start);
            let answer = query.send().await;
            let answer = answer.map_err(|error| StoreError::call("Query job", error))?;
            for item in answer.items.unwrap_or_default() {
                if !each(item)? {
                    return Ok(());
                }
            }
            start = answer.last_evaluated_key;
            if start.is_none() {
                return Ok(());
            }
        }
    }

    pub(super) fn put_errors(
        &self,
        id: JobId,
        step: u32,
        faults: &[LineFault],
        now: Timestamp,
    ) -> Result<TransactWriteItem> {
        let record = ErrorsRecord {
            faults: faults.iter().take(MAX_FAULTS).cloned().collect(),
            expires_at: (now + KEPT).as_second(),
        };
        let put = Put::builder()
            .table_name(&self.table)
            .set_item(Some(to_item(&Key::job_errors(id, step), &record)?))
            .condition_expression("attribute_not_exists(PK)");
        put_action(put)
    }
}

fn due_step(job: &Job, step: u32, due: DueStep, now: Timestamp) -> Result<Item> {
    let record = DueStepRecord::of(job, step, due, now + KEPT);
    to_item(&Key::job_step_due(job.id, job.run.number, step), &record)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::item::size;

    /// The kind of fault: a list inside an item without a bound.
    #[test]
    fn the_longest_report_fits_into_an_item() {
        let fault = LineFault {
            line: 99_999_999,
            code: "invalid_compare_at_price".to_owned(),
            message: "x".repeat(250),
        };
        let record = ErrorsRecord {
            faults: vec![fault; MAX_FAULTS],
            expires_at: i64::MAX,
        };
        let key = Key::job_errors(JobId::random([255; 16]), FAILURE);
        let item = to_item(&key, &record).unwrap();
        size::must_fit("errors of a step", &item);
        let read: ErrorsRecord = from_item(item).unwrap();
        assert_eq!(read.faults.len(), MAX_FAULTS);
    }
}

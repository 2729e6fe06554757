//! Stores jobs: one item per job, in one partition, which lists them; and, in a partition of each job, its steps,
//! their errors and its runs.

mod adopt;
mod record;
mod steps;

use std::collections::HashMap;

use aws_sdk_dynamodb::types::{AttributeValue, Put, TransactWriteItem, Update};
use domain::{
    catalog::import::LineFault,
    fault::{Failure, chain},
    id::JobId,
    idempotency::{self, Fingerprint, IdempotentRequest, REMEMBERED},
    jobs::{Job, JobPage, JobState},
    page::PageRequest,
    trace::Cause,
};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use record::value;
pub(crate) use record::{DueStepRecord, JobRecord, RunRecord};
pub use steps::{BeginOutcome, DueStep, JobBeginning, StepOutcome, StepStart};

use crate::{
    Consistency, ListError, Result, Store, StoreError, cursor,
    item::{Record, from_item, number, string, to_item},
    keys::{JOBS_PARTITION, Key, SK},
    transaction::{First, Outcome, put_action, update_action},
};

/// Retention of a job after its creation, and of its steps.
pub(crate) const KEPT: SignedDuration = SignedDuration::from_hours(24 * 90);

/// A request that creates a job, remembered for a day.
#[derive(Debug, Serialize, Deserialize)]
struct CreationRecord {
    fingerprint: Fingerprint,
    job: JobId,
    /// Expiry in seconds since 1970.
    expires_at: i64,
}

impl Record for CreationRecord {
    const ENTITY: &'static str = "job_request";
}

/// Why a job was not created.
#[derive(Debug, thiserror::Error)]
pub enum CreateJobError {
    /// The idempotency key was used for another request.
    #[error("the idempotency key was used for another request")]
    KeyReused,
    /// The same request is being processed.
    #[error("the same request is being processed")]
    InProgress,
    /// The table failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<CreateJobError> for Failure {
    fn from(error: CreateJobError) -> Self {
        match error {
            CreateJobError::KeyReused => idempotency::reused().into(),
            CreateJobError::InProgress => idempotency::in_progress().into(),
            CreateJobError::Store(error) => error.into(),
        }
    }
}

impl Store {
    /// Creates a job, and returns it. With a `request`, repeating it returns the job of the first one. Keys: [`Key::job`], on the condition that
    /// it does not exist; [`Key::request`], on the condition that there is none of the last day; [`Key::job_run`], if it
    /// starts by itself. 1 write unit, or 2 for each item of a transaction.
    pub async fn create_job(
        &self,
        job: Job,
        request: Option<&IdempotentRequest>,
    ) -> Result<Job, CreateJobError> {
        let Some(request) = request else {
            if job.kind.starts_by_itself() {
                let actions = vec![self.put_job(&job)?, self.put_run(&job, job.cause())?];
                self.transact("create job", First::Write, actions).await?;
                return Ok(job);
            }
            let record = JobRecord::from(&job);
            self.insert_new("PutItem job", &Key::job(job.id), &record)
                .await?;
            return Ok(job);
        };
        let now = job.created_at;
        let record = CreationRecord {
            fingerprint: request.fingerprint.clone(),
            job: job.id,
            expires_at: (now + REMEMBERED).as_second(),
        };
        let remember = Put::builder()
            .table_name(&self.table)
            .set_item(Some(to_item(&Key::request(request.id), &record)?))
            .condition_expression("attribute_not_exists(PK) OR expires_at < :now")
            .expression_attribute_values(":now", number(now.as_second()));
        let mut actions = vec![put_action(remember)?, self.put_job(&job)?];
        if job.kind.starts_by_itself() {
            actions.push(self.put_run(&job, job.cause())?);
        }
        match self.transact("create job", First::Request, actions).await? {
            Outcome::Committed { .. } => Ok(job),
            Outcome::InProgress => Err(CreateJobError::InProgress),
            Outcome::Refused(_) => self.created_before(request).await,
        }
    }

    /// The job that a request has created. Keys: [`Key::request`] and [`Key::job`], strongly consistent. 2 read units.
    async fn created_before(&self, request: &IdempotentRequest) -> Result<Job, CreateJobError> {
        let key = Key::request(request.id);
        let item = self
            .get("GetItem request", &key, Consistency::Strong)
            .await?;
        // Missing if it has expired just now: the client repeats the request.
        let item = item.ok_or(CreateJobError::InProgress)?;
        let record: CreationRecord = from_item(item)?;
        if record.fingerprint != request.fingerprint {
            return Err(CreateJobError::KeyReused);
        }
        let job = self.job(record.job, Consistency::Strong).await?;
        let gone = || StoreError::inconsistent(JobRecord::ENTITY, "gone before its request");
        Ok(job.ok_or_else(gone)?)
    }

    pub(crate) fn put_job(&self, job: &Job) -> Result<TransactWriteItem> {
        let put = Put::builder()
            .table_name(&self.table)
            .set_item(Some(to_item(&Key::job(job.id), &JobRecord::from(job))?))
            .condition_expression("attribute_not_exists(PK)");
        put_action(put)
    }

    /// Reads a job. Key: [`Key::job`]; [`Key::import`] as well, strongly consistent, if there is none and it may be an
    /// import of an earlier release. 0.5 read units, or 1 if strongly consistent.
    pub async fn job(&self, id: JobId, consistency: Consistency) -> Result<Option<Job>> {
        let item = self.get("GetItem job", &Key::job(id), consistency).await?;
        match item {
            Some(item) => Ok(Some(from_item::<JobRecord>(item)?.into())),
            None => self.import_of_earlier_release(id).await,
        }
    }

    /// Lists jobs, the newest first; one that cannot be read is left out. Key: [`JOBS_PARTITION`]. 0.5 read units for each
    /// 4 KB.
    pub async fn list_jobs(&self, list: &PageRequest) -> Result<JobPage, ListError> {
        let start = match &list.cursor {
            None => None,
            Some(text) => {
                let position = cursor::decode(JOBS_PARTITION, "", text)?;
                Some(Key::of(JOBS_PARTITION, &position).attributes())
            }
        };
        let limit = usize::try_from(list.limit).unwrap_or(usize::MAX);
        let answer = self
            .client
            .query()
            .table_name(&self.table)
            .key_condition_expression("PK = :pk")
            .expression_attribute_values(":pk", string(JOBS_PARTITION))
            .scan_index_forward(false)
            // One more than requested tells whether there is a next page.
            .limit(i32::try_from(limit + 1).unwrap_or(i32::MAX))
            .set_exclusive_start_key(start)
            .send()
            .await
            .map_err(|error| StoreError::call("Query jobs", error))?;
        let items = answer.items.unwrap_or_default();
        // A page of large jobs ends early.
        let more = items.len() > limit || answer.last_evaluated_key.is_some();
        let mut jobs = Vec::with_capacity(limit);
        let mut last = None;
        for item in items.into_iter().take(limit) {
            let position = item.get(SK).and_then(|position| position.as_s().ok());
            last = position.cloned();
            match from_item::<JobRecord>(item) {
                Ok(record) => jobs.push(Job::from(record)),
                // One of a later release, after a rollback: it is not in the way of the others.
                Err(error) => {
                    tracing::warn!(job.id = last, error = %chain(&error), "job not listed");
                }
            }
        }
        let last = last.filter(|_| more);
        let next_cursor = last.map(|position| cursor::encode(JOBS_PARTITION, "", &position));
        Ok(JobPage { jobs, next_cursor })
    }

    /// Records that staff paused, resumed or canceled a job: `changed` follows from `before`. Returns whether it was
    /// written; otherwise the job has changed in the meantime. Keys: [`Key::job`], on the condition that state and run
    /// are those of `before`; for a new run [`Key::job_run`], from whose insertion its event follows, with the request that
    /// is its `cause`. 1 write unit, or 4 with a run.
    pub async fn change_job(&self, before: &Job, changed: &Job, cause: Cause<'_>) -> Result<bool> {
        let mut expression = "SET #state = :state, run = :run, updated_at = :now".to_owned();
        let condition = "#state = :before AND run.#number = :run_before AND chains_total = :chains";
        let names = ["state", "number"].map(|name| (format!("#{name}"), name.to_owned()));
        let values = [
            (":state", value(changed.state)?),
            (":run", value(changed.run)?),
            (":now", string(changed.updated_at.to_string())),
            (":before", value(before.state)?),
            (":run_before", number(before.run.number)),
            (":chains", number(before.chains_total)),
        ];
        let values = values.map(|(name, value)| (name.to_owned(), value));
        let mut values: HashMap<String, AttributeValue> = values.into();
        if let Some(change) = &changed.last_change {
            expression.push_str(", last_change = :change");
            values.insert(":change".to_owned(), value(change)?);
        }
        if before.run.number == changed.run.number {
            let update = self
                .update(&Key::job(changed.id))
                .update_expression(expression)
                .condition_expression(condition)
                .set_expression_attribute_names(Some(names.into()))
                .set_expression_attribute_values(Some(values));
            return Ok(self.write("UpdateItem job", update).await?.is_done());
        }
        let update = Update::builder()
            .table_name(&self.table)
            .set_key(Some(Key::job(changed.id).attributes()))
            .update_expression(expression)
            .condition_expression(condition)
            .set_expression_attribute_names(Some(names.into()))
            .set_expression_attribute_values(Some(values));
        let actions = vec![update_action(update)?, self.put_run(changed, cause)?];
        let outcome = self.transact("start run", First::Write, actions).await?;
        Ok(matches!(outcome, Outcome::Committed { .. }))
    }

    pub(crate) fn put_run(&self, job: &Job, cause: Cause<'_>) -> Result<TransactWriteItem> {
        let record = RunRecord::of(job, cause, job.updated_at + KEPT);
        let put = Put::builder()
            .table_name(&self.table)
            .set_item(Some(to_item(
                &Key::job_run(job.id, job.run.number),
                &record,
            )?))
            .condition_expression("attribute_not_exists(PK)");
        put_action(put)
    }

    /// Records that a job ended before its steps were done, and why. With the version of an `input` that is at fault, only a
    /// job that waits or has begun with that one: another input is no concern of it. Returns whether this has ended it.
    /// Keys: [`Key::job`], on the condition that the job has not ended and has no other input; [`Key::job_errors`] of its
    /// own, on the condition that they do not exist. 4 write units.
    pub async fn fail_job(
        &self,
        id: JobId,
        input: Option<&str>,
        fault: LineFault,
        now: Timestamp,
    ) -> Result<bool> {
        let mut update = Update::builder()
            .table_name(&self.table)
            .set_key(Some(Key::job(id).attributes()))
            .update_expression("SET #state = :failed, updated_at = :now")
            .expression_attribute_names("#state", "state")
            .expression_attribute_values(":failed", value(JobState::Failed)?)
            .expression_attribute_values(":queued", value(JobState::Queued)?)
            .expression_attribute_values(":running", value(JobState::Running)?)
            .expression_attribute_values(":paused", value(JobState::Paused)?)
            .expression_attribute_values(":now", string(now.to_string()));
        let unended = "#state IN (:queued, :running, :paused)";
        update = match input {
            None => update.condition_expression(unended),
            Some(version) => update
                .condition_expression(format!(
                    "{unended} AND (attribute_not_exists(#input) OR #input.version = :version)"
                ))
                .expression_attribute_names("#input", "input")
                .expression_attribute_values(":version", string(version)),
        };
        let actions = vec![
            update_action(update)?,
            self.put_errors(id, steps::FAILURE, &[fault], now)?,
        ];
        // Condition failed: the job has ended, never existed, or has another input.
        let outcome = self.transact("fail job", First::Write, actions).await?;
        Ok(matches!(outcome, Outcome::Committed { .. }))
    }

    /// Records that every step of `job` is done, with the key of the result. Key: [`Key::job`], on the condition that the
    /// job has not ended and every step is done. 1 write unit.
    pub async fn complete_job(
        &self,
        job: &Job,
        result: Option<&str>,
        now: Timestamp,
    ) -> Result<()> {
        let mut update = self
            .update(&Key::job(job.id))
            .condition_expression("#state IN (:running, :paused) AND chains_done >= chains_total")
            .expression_attribute_names("#state", "state")
            .expression_attribute_values(":completed", value(JobState::Completed)?)
            .expression_attribute_values(":running", value(JobState::Running)?)
            .expression_attribute_values(":paused", value(JobState::Paused)?)
            .expression_attribute_values(":now", string(now.to_string()));
        let mut expression = "SET #state = :completed, updated_at = :now".to_owned();
        if let Some(result) = result {
            expression.push_str(", #result = :result");
            update = update
                .expression_attribute_names("#result", "result")
                .expression_attribute_values(":result", string(result));
        }
        let update = update.update_expression(expression);
        // Condition failed: completed before, or canceled at the last moment.
        if self
            .write("UpdateItem complete job", update)
            .await?
            .is_done()
        {
            tracing::info!(job.id = %job.id, job.done = job.done, job.failed = job.failed, "job completed");
        }
        Ok(())
    }
}

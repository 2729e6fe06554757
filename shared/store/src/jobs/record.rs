//! A job and its runs as they are stored.

use aws_sdk_dynamodb::types::AttributeValue;
use domain::{
    id::{AccountId, JobId},
    jobs::{Job, JobChange, JobInput, JobKind, JobState, Run},
    orders::Actor,
    trace::{self, Cause, TraceParent},
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{DueStep, KEPT};
use crate::{Result, StoreError, item::Record};

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct JobRecord {
    id: JobId,
    kind: JobKind,
    state: JobState,
    done: u64,
    failed: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    total: Option<u64>,
    chains_total: u32,
    chains_done: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    input: Option<JobInput>,
    run: Run,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    result: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    account: Option<AccountId>,
    created_by: Actor,
    created_at: Timestamp,
    updated_at: Timestamp,
    trace_id: String,
    #[serde(default, deserialize_with = "trace::lenient")]
    traceparent: Option<TraceParent>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    adopted: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    last_change: Option<JobChange>,
    /// Expiry in seconds since 1970.
    expires_at: i64,
}

impl Record for JobRecord {
    const ENTITY: &'static str = "job";
}

impl From<&Job> for JobRecord {
    fn from(job: &Job) -> Self {
        Self {
            id: job.id,
            kind: job.kind,
            state: job.state,
            done: job.done,
            failed: job.failed,
            total: job.total,
            chains_total: job.chains_total,
            chains_done: job.chains_done,
            input: job.input.clone(),
            run: job.run,
            result: job.result.clone(),
            account: job.account,
            created_by: job.created_by.clone(),
            created_at: job.created_at,
            updated_at: job.updated_at,
            trace_id: job.trace_id.clone(),
            traceparent: Some(job.traceparent),
            adopted: job.adopted,
            last_change: job.last_change.clone(),
            expires_at: (job.created_at + KEPT).as_second(),
        }
    }
}

impl From<JobRecord> for Job {
    fn from(record: JobRecord) -> Self {
        Self {
            id: record.id,
            kind: record.kind,
            state: record.state,
            done: record.done,
            failed: record.failed,
            total: record.total,
            chains_total: record.chains_total,
            chains_done: record.chains_done,
            input: record.input,
            run: record.run,
            result: record.result,
            account: record.account,
            created_by: record.created_by,
            created_at: record.created_at,
            updated_at: record.updated_at,
            traceparent: trace::stored(record.traceparent, &record.trace_id),
            trace_id: record.trace_id,
            adopted: record.adopted,
            last_change: record.last_change,
        }
    }
}

/// The beginning of a run: its event follows from the insertion of this item.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct RunRecord {
    pub(crate) job: JobId,
    pub(crate) kind: JobKind,
    pub(crate) run: u32,
    /// The member of staff who resumed the job; missing for its first run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) resumed_by: Option<Actor>,
    pub(crate) trace_id: String,
    /// Read from the item, as of each change that raises an event.
    #[serde(default, deserialize_with = "trace::lenient")]
    traceparent: Option<TraceParent>,
    /// Expiry in seconds since 1970.
    expires_at: i64,
}

impl Record for RunRecord {
    const ENTITY: &'static str = "job_run";
}

impl RunRecord {
    pub(crate) fn of(job: &Job, cause: Cause<'_>, expires_at: Timestamp) -> Self {
        Self {
            job: job.id,
            kind: job.kind,
            run: job.run.number,
            resumed_by: job.last_change.as_ref().map(|change| change.by.clone()),
            trace_id: cause.trace_id.to_owned(),
            traceparent: Some(cause.traceparent),
            expires_at: expires_at.as_second(),
        }
    }
}

/// A step that is to be done, or to be gone on with: its event follows from the insertion of this item, and from each
/// further pass.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct DueStepRecord {
    pub(crate) job: JobId,
    pub(crate) kind: JobKind,
    pub(crate) run: u32,
    pub(crate) step: u32,
    /// Number of times that the step was gone on with.
    #[serde(default)]
    pub(crate) pass: u32,
    /// Where it goes on; `None` at its beginning.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) place: Option<String>,
    /// Items of the step that have failed so far.
    #[serde(default)]
    pub(super) failed: u64,
    pub(crate) trace_id: String,
    #[serde(default, deserialize_with = "trace::lenient")]
    traceparent: Option<TraceParent>,
    /// Expiry in seconds since 1970.
    expires_at: i64,
}

impl Record for DueStepRecord {
    const ENTITY: &'static str = "job_step_due";
}

impl DueStepRecord {
    pub(super) fn of(job: &Job, step: u32, due: DueStep, expires_at: Timestamp) -> Self {
        Self {
            job: job.id,
            kind: job.kind,
            run: job.run.number,
            step,
            pass: due.pass,
            place: due.place,
            failed: due.failed,
            trace_id: job.trace_id.clone(),
            traceparent: Some(job.traceparent),
            expires_at: expires_at.as_second(),
        }
    }
}

/// Serializes a part of a job for the table.
pub(super) fn value(part: impl Serialize) -> Result<AttributeValue> {
    serde_dynamo::aws_sdk_dynamodb_1::to_attribute_value(part).map_err(|error| {
        StoreError::Unwritable {
            entity: JobRecord::ENTITY,
            source: error.into(),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        item::{from_item, size, to_item},
        keys::Key,
    };

    fn largest() -> Job {
        let long = "\u{1F6D2}".repeat(300);
        let id = JobId::random([255; 16]);
        let place = TraceParent::begin("t");
        let queued = Job::queued(
            id,
            JobKind::ProductImport,
            Actor::Staff("s".repeat(128)),
            Timestamp::MAX,
            &"t".repeat(100),
            place,
        );
        Job {
            state: JobState::Completed,
            done: u64::MAX,
            failed: u64::MAX,
            total: Some(u64::MAX),
            chains_total: u32::MAX,
            chains_done: u32::MAX,
            input: Some(JobInput {
                version: long.clone(),
                // As many as `read_file` keeps.
                ignored_columns: vec![long; 100],
            }),
            run: Run {
                number: u32::MAX,
                began_at: Timestamp::MAX,
                processed_before: u64::MAX,
            },
            result: Some("r".repeat(100)),
            account: Some(AccountId::random([255; 16])),
            adopted: true,
            last_change: Some(JobChange {
                by: Actor::Staff("s".repeat(128)),
                trace_id: "t".repeat(100),
            }),
            created_at: Timestamp::UNIX_EPOCH,
            ..queued
        }
    }

    #[test]
    fn a_job_reads_what_was_written() {
        let job = largest();
        let item = to_item(&Key::job(job.id), &JobRecord::from(&job)).unwrap();
        size::must_fit("job", &item);
        let read: JobRecord = from_item(item).unwrap();
        assert_eq!(Job::from(read), job);
    }
}

//! Bodies and views of the endpoints of jobs.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Job, JobKind, JobState};
use crate::{catalog::import::LineFault, id::JobId};

/// Progress of a job, in items: rows of a file, or parts of the table for a rebuild.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct JobProgress {
    /// Items that were processed.
    pub done: u64,
    /// Items that were rejected.
    pub failed: u64,
    /// All items; `null` until they are known.
    pub total: Option<u64>,
    /// Items per minute since the job was last started; `null` unless it is running and has processed some.
    pub per_minute: Option<u64>,
    /// Seconds that are left at this rate.
    pub seconds_left: Option<u64>,
}

/// A job.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct JobView {
    /// Identifier of the job.
    pub id: JobId,
    /// Kind of work.
    pub kind: JobKind,
    /// State of the job.
    pub state: JobState,
    /// Progress of the job.
    pub progress: JobProgress,
    /// Errors by line, or by part of the table, at most 1,000. Only `GET /v1/admin/jobs/{job_id}` has them.
    pub errors: Vec<LineFault>,
    /// URL of the result, a file with all errors (CSV), valid for 15 minutes; `null` if there is none or not yet.
    pub result_url: Option<String>,
    /// Path of the resource that the job works for.
    pub resource: Option<String>,
    /// Author of the request that created it: `staff:` and the subject of their token, or `shop`.
    pub created_by: String,
    /// Time at which it was created.
    #[schemars(with = "String")]
    pub created_at: Timestamp,
    /// Time of its last step or change.
    #[schemars(with = "String")]
    pub updated_at: Timestamp,
}

impl JobView {
    /// The job with its errors and, if it has one, the URL of its result.
    pub fn of(job: &Job, errors: Vec<LineFault>, result_url: Option<String>) -> Self {
        let seconds = job.time_left().map(|left| left.as_secs());
        Self {
            id: job.id,
            kind: job.kind,
            state: job.state,
            progress: JobProgress {
                done: job.done,
                failed: job.failed,
                total: job.total,
                per_minute: job.rate_per_minute(),
                seconds_left: seconds.and_then(|seconds| u64::try_from(seconds).ok()),
            },
            errors,
            result_url,
            resource: job.import().map(|id| format!("/v1/admin/imports/{id}")),
            created_by: job.created_by.to_string(),
            created_at: job.created_at,
            updated_at: job.updated_at,
        }
    }
}

/// A page of jobs, the newest first.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct JobsView {
    /// The jobs.
    pub items: Vec<JobView>,
    /// Cursor of the next page; `null` on the last one.
    pub next_cursor: Option<String>,
}

/// Kind of a job that staff create by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum NewJobKind {
    /// Projects every order again, so that the lists of orders and customers are complete and right.
    OrderListsRebuild,
}

impl From<NewJobKind> for JobKind {
    fn from(kind: NewJobKind) -> Self {
        match kind {
            NewJobKind::OrderListsRebuild => Self::OrderListsRebuild,
        }
    }
}

/// Body of `POST /v1/admin/jobs`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateJobBody {
    /// Kind of work. An import is created by `POST /v1/admin/imports`.
    pub kind: NewJobKind,
}

/// State that staff want of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum WantedState {
    /// Stop after the steps that are at work.
    Paused,
    /// Go on, or send again what was lost.
    Running,
    /// End for good.
    Cancelled,
}

/// Body of `PATCH /v1/admin/jobs/{job_id}`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeJobBody {
    /// State that the job shall have.
    pub state: WantedState,
}

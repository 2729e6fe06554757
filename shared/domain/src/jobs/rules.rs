//! The life of a job: its states, its runs, and its progress.

use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    fault::{Code, Rejection},
    id::{AccountId, ImportId, JobId},
    orders::Actor,
    trace::{Cause, TraceParent},
};

/// Redeliveries after which a step is given up, so that its job can end.
pub const GIVEN_UP_AFTER: u32 = 4;

/// Kind of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum JobKind {
    /// Imports the rows of a product file.
    ProductImport,
    /// Projects every order again, so that the lists of orders are complete and right. Its items are parts of the table.
    OrderListsRebuild,
    /// Collects what the shop stores about the owner of an account. Its items are the account and its orders.
    AccountExport,
}

impl JobKind {
    /// All kinds.
    pub const ALL: [Self; 3] = [
        Self::ProductImport,
        Self::OrderListsRebuild,
        Self::AccountExport,
    ];

    /// Name of the kind, as it is stored and sent.
    pub const fn name(self) -> &'static str {
        match self {
            Self::ProductImport => "product_import",
            Self::OrderListsRebuild => "order_lists_rebuild",
            Self::AccountExport => "account_export",
        }
    }

    /// Whether the job's creation starts it. An import is started by its file.
    pub const fn starts_by_itself(self) -> bool {
        matches!(self, Self::OrderListsRebuild | Self::AccountExport)
    }
}

/// State of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum JobState {
    /// Waits for its input, or for its consumer.
    Queued,
    /// Its steps are at work.
    Running,
    /// Staff have paused it; steps that are at work end.
    Paused,
    /// Every step is done. What failed is among the errors.
    Completed,
    /// It could not begin, or its input is gone; the errors say why.
    Failed,
    /// Staff have ended it. What its steps had done stays done.
    Cancelled,
}

impl JobState {
    /// All states.
    pub const ALL: [Self; 6] = [
        Self::Queued,
        Self::Running,
        Self::Paused,
        Self::Completed,
        Self::Failed,
        Self::Cancelled,
    ];

    /// Name of the state, as it is stored and sent.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// Whether the job never changes again.
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Cancelled)
    }
}

/// Input that a job has begun with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobInput {
    /// Version of the input, such as the ETag of a file. A job never goes on with another one.
    pub version: String,
    /// Columns of a product file with data that the shop does not use.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ignored_columns: Vec<String>,
}

/// The current run of a job: the time since it was last started.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// Number of the run, from 1.
    pub number: u32,
    /// Its beginning.
    pub began_at: Timestamp,
    /// What was done or had failed at its beginning: the rate is of this run alone.
    pub processed_before: u64,
}

/// What a finished step says about the steps behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Chain<'a> {
    /// Another step of the job follows from it, by its number: its event comes from the transaction that counts this one.
    GoesOn(&'a Job, u32),
    /// It was the last of its chain. A job is completed when as many chains have ended as it was begun with.
    Ends,
}

/// A job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    /// Identifier of the job; newer ones sort after older ones.
    pub id: JobId,
    /// Its kind.
    pub kind: JobKind,
    /// Its state.
    pub state: JobState,
    /// Items that were processed: rows of a file, orders.
    pub done: u64,
    /// Items that were rejected; the errors say why.
    pub failed: u64,
    /// All items, as soon as they are known.
    pub total: Option<u64>,
    /// Number of chains of steps; 0 until it has begun.
    pub chains_total: u32,
    /// Number of chains that have ended.
    pub chains_done: u32,
    /// Input that it has begun with.
    pub input: Option<JobInput>,
    /// Its current run.
    pub run: Run,
    /// Key of its result, an object in the bucket of the uploads.
    pub result: Option<String>,
    /// The account whose data it exports. Staff do not see it.
    pub account: Option<AccountId>,
    /// Author of the request that created it.
    pub created_by: Actor,
    /// Time of that request.
    pub created_at: Timestamp,
    /// Time of its last step or change.
    pub updated_at: Timestamp,
    /// Id of the request that created it.
    pub trace_id: String,
    /// Place of that request in its trace.
    pub traceparent: TraceParent,
    /// Whether an earlier release has begun it: some steps are stored in its form.
    pub adopted: bool,
    /// The last change by staff, for the audit trail.
    pub last_change: Option<JobChange>,
}

/// A change of a job by staff: a pause, a cancellation, a new run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobChange {
    /// Author of the request.
    pub by: Actor,
    /// Id of the request.
    pub trace_id: String,
}

/// Why staff cannot change a job.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChangeJobError {
    /// The job does not exist.
    #[error("no such job")]
    NoSuchJob,
    /// The job has ended.
    #[error("the job is {}", .0.name())]
    Ended(JobState),
    /// Others changed the job at the same time, again and again.
    #[error("contended")]
    Contended,
}

impl From<ChangeJobError> for Rejection {
    fn from(error: ChangeJobError) -> Self {
        match error {
            ChangeJobError::NoSuchJob => Self::not_found("job"),
            ChangeJobError::Ended(state) => Self::new(
                Code::JobEnded,
                format!(
                    "The job is {}, which is final; create a new one instead.",
                    state.name()
                ),
            ),
            ChangeJobError::Contended => Self::new(
                Code::Busy,
                "The job is changing too fast; retry in a moment.",
            ),
        }
    }
}

impl Job {
    /// A job that waits for its input, without any item yet.
    pub fn queued(
        id: JobId,
        kind: JobKind,
        created_by: Actor,
        now: Timestamp,
        trace_id: &str,
        traceparent: TraceParent,
    ) -> Self {
        Self {
            id,
            kind,
            state: JobState::Queued,
            done: 0,
            failed: 0,
            total: None,
            chains_total: 0,
            chains_done: 0,
            input: None,
            run: Run {
                number: 1,
                began_at: now,
                processed_before: 0,
            },
            result: None,
            account: None,
            created_by,
            created_at: now,
            updated_at: now,
            trace_id: trace_id.to_owned(),
            traceparent,
            adopted: false,
            last_change: None,
        }
    }

    /// The job as one of an account.
    #[must_use]
    pub fn of_account(self, account: AccountId) -> Self {
        Self {
            account: Some(account),
            ..self
        }
    }

    /// The job with its change by staff.
    #[must_use]
    pub fn by(self, change: JobChange) -> Self {
        Self {
            last_change: Some(change),
            ..self
        }
    }

    /// The request that created it.
    pub fn cause(&self) -> Cause<'_> {
        Cause {
            trace_id: &self.trace_id,
            traceparent: self.traceparent,
        }
    }

    /// The import whose rows it imports.
    pub fn import(&self) -> Option<ImportId> {
        match self.kind {
            JobKind::ProductImport => Some(ImportId::of(self.id)),
            JobKind::OrderListsRebuild | JobKind::AccountExport => None,
        }
    }

    /// Whether it has begun: its input and the number of its chains are known.
    pub const fn has_begun(&self) -> bool {
        self.input.is_some()
    }

    /// Whether every step is done, of which there may be none.
    pub const fn is_done(&self) -> bool {
        self.has_begun() && self.chains_done >= self.chains_total
    }

    /// Items that were processed, well or not.
    pub const fn processed(&self) -> u64 {
        self.done.saturating_add(self.failed)
    }

    /// Pauses the job. `None` if it is paused.
    pub fn paused(&self, now: Timestamp) -> Result<Option<Self>, ChangeJobError> {
        self.ended_by(JobState::Paused, now)
    }

    /// Ends the job before its time. `None` if it was canceled.
    pub fn cancelled(&self, now: Timestamp) -> Result<Option<Self>, ChangeJobError> {
        self.ended_by(JobState::Cancelled, now)
    }

    fn ended_by(&self, state: JobState, now: Timestamp) -> Result<Option<Self>, ChangeJobError> {
        if self.state == state {
            return Ok(None);
        }
        if self.state.is_final() {
            return Err(ChangeJobError::Ended(self.state));
        }
        Ok(Some(Self {
            state,
            updated_at: now,
            ..self.clone()
        }))
    }

    /// Starts the job again, with a run that sends what is not done: after a pause, or because messages of a run that
    /// is said to be running were lost.
    pub fn resumed(&self, now: Timestamp) -> Result<Self, ChangeJobError> {
        if self.state.is_final() {
            return Err(ChangeJobError::Ended(self.state));
        }
        let state = match self.has_begun() {
            true => JobState::Running,
            false => JobState::Queued,
        };
        Ok(Self {
            state,
            run: Run {
                number: self.run.number.saturating_add(1),
                began_at: now,
                processed_before: self.processed(),
            },
            updated_at: now,
            ..self.clone()
        })
    }

    /// Items per minute in the current run, rounded; `None` before its first step and after the end.
    pub fn rate_per_minute(&self) -> Option<u64> {
        let millis = self.run_millis()?;
        let processed = u128::from(self.processed() - self.run.processed_before);
        u64::try_from(processed * 60_000 / millis).ok()
    }

    /// Time that is left at the rate of the current run.
    pub fn time_left(&self) -> Option<SignedDuration> {
        let millis = self.run_millis()?;
        let processed = u128::from(self.processed() - self.run.processed_before);
        let left = u128::from(self.total?.saturating_sub(self.processed()));
        let left = i64::try_from(left * millis / processed).ok()?;
        Some(SignedDuration::from_millis(left))
    }

    /// Milliseconds from the beginning of the run to its last step, at least 1.
    fn run_millis(&self) -> Option<u128> {
        let is_at_work = self.state == JobState::Running;
        if !is_at_work || self.processed() <= self.run.processed_before {
            return None;
        }
        let millis = self.updated_at.as_millisecond() - self.run.began_at.as_millisecond();
        // Clocks of processes differ.
        Some(u128::from(millis.max(1).unsigned_abs()))
    }
}

/// A page of jobs, the newest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobPage {
    /// The jobs.
    pub jobs: Vec<Job>,
    /// Cursor of the next page.
    pub next_cursor: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(seconds).unwrap()
    }

    fn running() -> Job {
        let id = JobId::random([1; 16]);
        let place = TraceParent::begin("t");
        let job = Job::queued(id, JobKind::ProductImport, Actor::Shop, at(0), "t", place);
        Job {
            state: JobState::Running,
            total: Some(1_000),
            chains_total: 10,
            input: Some(JobInput {
                version: "etag".to_owned(),
                ignored_columns: Vec::new(),
            }),
            ..job
        }
    }

    #[test]
    fn a_job_is_paused_and_goes_on_with_a_new_run() {
        let running = Job {
            done: 290,
            failed: 10,
            chains_done: 3,
            updated_at: at(60),
            ..running()
        };
        let paused = running.paused(at(70)).unwrap().unwrap();
        assert_eq!(
            (paused.state, paused.updated_at),
            (JobState::Paused, at(70))
        );
        assert_eq!(paused.paused(at(71)), Ok(None));
        assert_eq!(paused.rate_per_minute(), None);
        let resumed = paused.resumed(at(100)).unwrap();
        assert_eq!(resumed.state, JobState::Running);
        let run = Run {
            number: 2,
            began_at: at(100),
            processed_before: 300,
        };
        assert_eq!(resumed.run, run);
        assert_eq!(resumed.rate_per_minute(), None, "nothing done in this run");
        let change = JobChange {
            by: Actor::Staff("ada".to_owned()),
            trace_id: "r".to_owned(),
        };
        let by_staff = resumed.clone().by(change.clone());
        assert_eq!(by_staff.last_change, Some(change));
        assert_eq!(by_staff.run, resumed.run);
        // A run that lost its messages is started again, too.
        assert_eq!(resumed.resumed(at(101)).unwrap().run.number, 3);
    }

    #[test]
    fn a_job_that_has_not_begun_waits_again() {
        let queued = Job {
            state: JobState::Queued,
            total: None,
            chains_total: 0,
            input: None,
            ..running()
        };
        let paused = queued.paused(at(1)).unwrap().unwrap();
        assert_eq!(paused.resumed(at(2)).unwrap().state, JobState::Queued);
        assert!(!queued.is_done(), "no step is not every step");
    }

    #[test]
    fn a_job_that_has_ended_does_not_change() {
        let cancelled = running().cancelled(at(1)).unwrap().unwrap();
        assert_eq!(cancelled.cancelled(at(2)), Ok(None));
        for state in JobState::ALL.into_iter().filter(|it| it.is_final()) {
            let job = Job { state, ..running() };
            let ended = Err(ChangeJobError::Ended(state));
            assert_eq!(job.paused(at(2)), ended);
            assert_eq!(job.resumed(at(2)), Err(ChangeJobError::Ended(state)));
            if state != JobState::Cancelled {
                assert_eq!(job.cancelled(at(2)), ended);
            }
        }
    }

    #[test]
    fn rate_and_time_left_are_those_of_the_run() {
        let job = Job {
            done: 240,
            failed: 60,
            run: Run {
                number: 2,
                began_at: at(100),
                processed_before: 200,
            },
            updated_at: at(120),
            ..running()
        };
        assert_eq!(job.rate_per_minute(), Some(300));
        assert_eq!(job.time_left(), Some(SignedDuration::from_secs(140)));
        let unknown = Job {
            total: None,
            ..job.clone()
        };
        assert_eq!(unknown.time_left(), None);
        // A clock that is behind, and totals that are too small.
        let odd = Job {
            updated_at: at(50),
            total: Some(1),
            ..job
        };
        assert_eq!(odd.rate_per_minute(), Some(6_000_000));
        assert_eq!(odd.time_left(), Some(SignedDuration::ZERO));
    }

    #[test]
    fn names_are_those_that_are_sent() {
        for state in JobState::ALL {
            assert_eq!(serde_json::to_value(state).unwrap(), state.name());
        }
        for kind in JobKind::ALL {
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.name());
        }
    }
}

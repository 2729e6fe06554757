//! What the owner of an account sees of an export.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use super::KEPT;
use crate::{
    id::ExportId,
    jobs::{Job, JobState},
};

/// State of an export.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ExportState {
    /// It waits for its turn.
    Queued,
    /// The data are being collected.
    Running,
    /// The document is complete.
    Completed,
    /// The document could not be made, or staff have ended the export. Start another one.
    Failed,
}

/// An export of what the shop stores about the owner of an account.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct ExportView {
    /// Identifier of the export.
    pub id: ExportId,
    /// State of the export.
    pub state: ExportState,
    /// Time at which it was started.
    #[schemars(with = "String")]
    pub created_at: Timestamp,
    /// Time until which the document can be downloaded; `null` unless it is complete.
    #[schemars(with = "Option<String>")]
    pub available_until: Option<Timestamp>,
    /// URL of the document, one JSON file; `null` unless it is complete and still kept. Whoever has the URL can download the
    /// file until the URL expires: do not pass it on.
    pub download_url: Option<String>,
    /// Time at which that URL expires; ask again for another one.
    #[schemars(with = "Option<String>")]
    pub download_url_expires_at: Option<Timestamp>,
}

impl ExportView {
    /// The export that a job works for, without the URL of its document.
    pub fn of(job: &Job) -> Self {
        Self {
            id: ExportId::of(job.id),
            state: job.state.into(),
            created_at: job.created_at,
            available_until: job.export_available_until(),
            download_url: None,
            download_url_expires_at: None,
        }
    }
}

impl From<JobState> for ExportState {
    fn from(state: JobState) -> Self {
        match state {
            JobState::Queued => Self::Queued,
            // Staff have paused it, which is not the end.
            JobState::Running | JobState::Paused => Self::Running,
            JobState::Completed => Self::Completed,
            JobState::Failed | JobState::Cancelled => Self::Failed,
        }
    }
}

impl Job {
    /// Time until which the document of a complete export is kept. A job does not change once it is completed.
    pub fn export_available_until(&self) -> Option<Timestamp> {
        let is_complete = self.state == JobState::Completed;
        is_complete.then(|| self.updated_at + KEPT)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        id::{AccountId, JobId},
        jobs::JobKind,
        orders::Actor,
        trace::TraceParent,
    };

    fn job(state: JobState) -> Job {
        let account = AccountId::random([1; 16]);
        let job = Job::queued(
            JobId::random([2; 16]),
            JobKind::AccountExport,
            Actor::Customer,
            Timestamp::UNIX_EPOCH,
            "t",
            TraceParent::begin("t"),
        );
        Job {
            state,
            ..job.of_account(account)
        }
    }

    #[test]
    fn the_owner_sees_whether_it_goes_on() {
        for (state, seen) in [
            (JobState::Queued, ExportState::Queued),
            (JobState::Running, ExportState::Running),
            (JobState::Paused, ExportState::Running),
            (JobState::Completed, ExportState::Completed),
            (JobState::Failed, ExportState::Failed),
            (JobState::Cancelled, ExportState::Failed),
        ] {
            let view = ExportView::of(&job(state));
            assert_eq!(view.state, seen);
            assert_eq!(
                view.available_until.is_some(),
                seen == ExportState::Completed
            );
            assert_eq!(view.download_url, None);
        }
        let view = ExportView::of(&job(JobState::Completed));
        assert_eq!(view.available_until, Some(Timestamp::UNIX_EPOCH + KEPT));
        assert_eq!(view.id.digits(), job(JobState::Completed).id.digits());
    }

    #[test]
    fn staff_do_not_see_whose_export_it_is() {
        let job = job(JobState::Completed);
        let view = crate::jobs::JobView::of(&job, Vec::new(), None);
        let json = serde_json::to_string(&view).unwrap();
        let account = job.account.unwrap();
        assert!(!json.contains(&account.digits()), "{json}");
        assert_eq!(
            (view.created_by.as_str(), view.resource),
            ("customer", None)
        );
    }
}

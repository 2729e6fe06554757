//! `PATCH /v1/admin/jobs/{job_id}`: pauses, resumes or cancels a job. Steps that are at work end first.

use std::process::ExitCode;

use domain::{
    fault::Rejection,
    identity::Permission,
    jobs::{ChangeJobBody, ChangeJobError, Job, JobChange, JobView, WantedState},
};
use jiff::Timestamp;
use operations::JobPath;
use runtime::{Access, Endpoint, Failure, MergePatch, NoQuery, Reply, Request};
use store::{Attempts, Store};

pub(crate) struct ChangeJob {
    store: Store,
}

impl Endpoint for ChangeJob {
    const ACCESS: Access = Access::Staff(Permission::JobsWrite);
    type Path = JobPath;
    type Query = NoQuery;
    type Body = MergePatch<ChangeJobBody>;
    type Response = JobView;

    async fn handle(&self, request: Request<Self>) -> Result<Reply<JobView>, Failure> {
        let MergePatch(ChangeJobBody { state }) = request.body;
        let change = JobChange {
            by: request.staff(),
            trace_id: request.trace_id.clone(),
        };
        let mut attempts = Attempts::new("change job");
        while attempts.next().await.is_ok() {
            let before = self.store.job_to_work_on(request.path.job_id).await?;
            let before = before.ok_or(ChangeJobError::NoSuchJob).map_err(rejected)?;
            let Some(changed) = changed(&before, state, request.now).map_err(rejected)? else {
                return Reply::of(&JobView::of(&before, Vec::new(), None));
            };
            let changed = changed.by(change.clone());
            if self
                .store
                .change_job(&before, &changed, request.cause())
                .await?
            {
                tracing::info!(job.id = %changed.id, job.state = changed.state.name(), "job changed");
                return Reply::of(&JobView::of(&changed, Vec::new(), None));
            }
        }
        Err(rejected(ChangeJobError::Contended))
    }
}

/// The job as it is wanted; `None` if it is so.
fn changed(job: &Job, wanted: WantedState, now: Timestamp) -> Result<Option<Job>, ChangeJobError> {
    match wanted {
        WantedState::Paused => job.paused(now),
        WantedState::Cancelled => job.cancelled(now),
        WantedState::Running => job.resumed(now).map(Some),
    }
}

fn rejected(error: ChangeJobError) -> Failure {
    Rejection::from(error).into()
}

fn main() -> ExitCode {
    access::serve(|_, store| Ok(ChangeJob { store }))
}

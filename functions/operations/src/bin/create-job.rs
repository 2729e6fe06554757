//! `POST /v1/admin/jobs`: creates a job of a kind that needs nothing else, and starts it.

use std::process::ExitCode;

use domain::{
    id::JobId,
    identity::Permission,
    jobs::{CreateJobBody, Job, JobView},
};
use runtime::{Access, Endpoint, Failure, Json, NoPath, NoQuery, Reply, Request};
use store::Store;

pub(crate) struct CreateJob {
    store: Store,
}

impl Endpoint for CreateJob {
    const ACCESS: Access = Access::Staff(Permission::JobsWrite);
    const SUCCESS: u16 = 202;
    const IDEMPOTENCY_KEY: bool = true;
    type Path = NoPath;
    type Query = NoQuery;
    type Body = Json<CreateJobBody>;
    type Response = JobView;

    async fn handle(&self, request: Request<Self>) -> Result<Reply<JobView>, Failure> {
        let Json(body) = &request.body;
        let keyed = request.idempotent(&request.staff().to_string(), body)?;
        let job = Job::queued(
            JobId::at(request.now, runtime::random()?),
            body.kind.into(),
            request.staff(),
            request.now,
            &request.trace_id,
            request.traceparent,
        );
        let job = self.store.create_job(job, Some(&keyed)).await?;
        let view = JobView::of(&job, Vec::new(), None);
        Ok(Reply::of(&view)?.at(format!("/v1/admin/jobs/{}", job.id)))
    }
}

fn main() -> ExitCode {
    access::serve(|_, store| Ok(CreateJob { store }))
}

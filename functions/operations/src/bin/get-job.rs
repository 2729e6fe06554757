//! `GET /v1/admin/jobs/{job_id}`: returns a job with its progress, its errors and the URL of its result.

use std::process::ExitCode;

use domain::{catalog::import::MAX_FAULTS, fault::Rejection, identity::Permission, jobs::JobView};
use gateways::objects::Bucket;
use operations::{JobPath, result_url};
use runtime::{Access, Endpoint, Failure, NoBody, NoQuery, Reply, Request};
use store::{Consistency, Store};

pub(crate) struct GetJob {
    store: Store,
    uploads: Bucket,
}

impl Endpoint for GetJob {
    const ACCESS: Access = Access::Staff(Permission::JobsRead);
    type Path = JobPath;
    type Query = NoQuery;
    type Body = NoBody;
    type Response = JobView;

    async fn handle(&self, request: Request<Self>) -> Result<Reply<JobView>, Failure> {
        // Strongly consistent: a client asks right after the job was created or changed.
        let job = self
            .store
            .job(request.path.job_id, Consistency::Strong)
            .await?;
        let job = job.ok_or_else(|| Rejection::not_found("job"))?;
        let errors = self.store.job_errors(&job, MAX_FAULTS).await?;
        let url = result_url(&self.uploads, &job, request.now).await?;
        Reply::of(&JobView::of(&job, errors, url))
    }
}

fn main() -> ExitCode {
    access::serve(|environment, store| {
        let config = environment.sdk_config()?;
        Ok(GetJob {
            store,
            uploads: Bucket::new(&config, environment.require("UPLOAD_BUCKET")?),
        })
    })
}

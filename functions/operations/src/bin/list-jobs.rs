//! `GET /v1/admin/jobs`: lists the jobs with their progress, newest first.

use std::process::ExitCode;

use domain::{
    identity::Permission,
    jobs::{JobView, JobsView},
    page::PageQuery,
};
use gateways::objects::Bucket;
use operations::result_url;
use runtime::{Access, Endpoint, Failure, NoBody, NoPath, Reply, Request};
use store::Store;

pub(crate) struct ListJobs {
    store: Store,
    uploads: Bucket,
}

impl Endpoint for ListJobs {
    const ACCESS: Access = Access::Staff(Permission::JobsRead);
    type Path = NoPath;
    type Query = PageQuery;
    type Body = NoBody;
    type Response = JobsView;

    async fn handle(&self, request: Request<Self>) -> Result<Reply<JobsView>, Failure> {
        let list = request.query.parse()?;
        let page = self.store.list_jobs(&list).await?;
        let mut items = Vec::with_capacity(page.jobs.len());
        for job in &page.jobs {
            let url = result_url(&self.uploads, job, request.now).await?;
            items.push(JobView::of(job, Vec::new(), url));
        }
        Reply::of(&JobsView {
            items,
            next_cursor: page.next_cursor,
        })
    }
}

fn main() -> ExitCode {
    access::serve(|environment, store| {
        let config = environment.sdk_config()?;
        Ok(ListJobs {
            store,
            uploads: Bucket::new(&config, environment.require("UPLOAD_BUCKET")?),
        })
    })
}

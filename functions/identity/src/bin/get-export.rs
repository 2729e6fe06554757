//! `GET /v1/me/exports/{export_id}`: returns the state of an export of the person who is signed in and, once it is complete, a URL
//! of its document.

use std::{process::ExitCode, time::Duration};

use domain::{
    fault::Rejection,
    id::ExportId,
    identity::export::{ExportView, document_key},
};
use gateways::objects::Bucket;
use runtime::{Access, Endpoint, Failure, NoBody, NoQuery, Reply, Request};
use store::Store;

/// Lifetime of the URL of a document: enough to begin a download.
const URL_LIFETIME: Duration = Duration::from_secs(5 * 60);

pub(crate) struct GetExport {
    store: Store,
    uploads: Bucket,
}

/// Parameters of the path.
#[derive(serde::Deserialize, schemars::JsonSchema)]
pub(crate) struct ExportPath {
    /// Identifier of the export.
    export_id: ExportId,
}

impl Endpoint for GetExport {
    const ACCESS: Access = Access::Person;
    type Path = ExportPath;
    type Query = NoQuery;
    type Body = NoBody;
    type Response = ExportView;

    async fn handle(&self, request: Request<Self>) -> Result<Reply<ExportView>, Failure> {
        let (account, id, now) = (request.account()?, request.path.export_id, request.now);
        // A token outlives the account by minutes.
        identity::account(&self.store, account).await?;
        let job = self.store.export(account, id).await?;
        let job = job.ok_or_else(|| Rejection::not_found("export"))?;
        let mut view = ExportView::of(&job);
        if view.available_until.is_some_and(|until| now < until) {
            let (key, name) = (document_key(id), format!("{id}.json"));
            let download = self
                .uploads
                .presign_download(&key, now, URL_LIFETIME, &name)
                .await?;
            view.download_url = Some(download.url);
            view.download_url_expires_at = Some(download.expires_at);
        }
        Reply::of(&view)
    }
}

fn main() -> ExitCode {
    access::serve(|environment, store| {
        Ok(GetExport {
            store,
            uploads: Bucket::new(
                &environment.sdk_config()?,
                environment.require("UPLOAD_BUCKET")?,
            ),
        })
    })
}

//! `POST /v1/admin/imports`: creates an import and returns a presigned upload URL for the product file.
//! Uploading the file starts the import; the URL takes a file of the announced size only.

use std::{process::ExitCode, time::Duration};

use domain::{
    catalog::import::{CreateImportBody, ImportTicket, UploadTicket, upload_key},
    id::{ImportId, JobId},
    identity::Permission,
    jobs::{Job, JobKind},
    limits::{CREATE_IMPORT, Limit},
};
use gateways::objects::Bucket;
use limiter::Limiter;
use runtime::{Access, Endpoint, Failure, Json, NoPath, NoQuery, Reply, Request};
use store::Store;

/// Lifetime of the presigned upload URL.
const UPLOAD_LIFETIME: Duration = Duration::from_secs(15 * 60);

pub(crate) struct CreateImport {
    store: Store,
    limiter: Limiter,
    uploads: Bucket,
}

impl Endpoint for CreateImport {
    const ACCESS: Access = Access::Staff(Permission::CatalogWrite);
    const SUCCESS: u16 = 202;
    const IDEMPOTENCY_KEY_OPTIONAL: bool = true;
    const LIMITS: &'static [&'static Limit] = &[&CREATE_IMPORT];
    type Path = NoPath;
    type Query = NoQuery;
    type Body = Json<CreateImportBody>;
    type Response = ImportTicket;

    async fn handle(&self, request: Request<Self>) -> Result<Reply<ImportTicket>, Failure> {
        let (caller, now) = (request.caller(), request.now);
        self.limiter.check(&CREATE_IMPORT, caller, now).await?;
        let bytes = request.body.0.clone().parse()?;
        let caller = request.staff().to_string();
        let keyed = request.idempotent_if_keyed(&caller, &bytes)?;
        let job = Job::queued(
            JobId::at(request.now, runtime::random()?),
            JobKind::ProductImport,
            request.staff(),
            request.now,
            &request.trace_id,
            request.traceparent,
        );
        let job = self.store.create_job(job, keyed.as_ref()).await?;
        let id = ImportId::of(job.id);
        // Anew for a repeated request: the URL of the first one may have expired.
        let upload = self
            .uploads
            .presign_upload(&upload_key(id), bytes, request.now, UPLOAD_LIFETIME)
            .await?;
        let mut headers = upload.headers;
        headers.insert("content-type".to_owned(), "text/csv".to_owned());
        let ticket = ImportTicket {
            id,
            job_id: job.id,
            state: job.state.into(),
            upload: UploadTicket {
                method: upload.method,
                url: upload.url,
                headers,
                expires_at: upload.expires_at,
            },
        };
        Ok(Reply::of(&ticket)?.at(format!("/v1/admin/imports/{id}")))
    }
}

fn main() -> ExitCode {
    access::serve_with_settings(|environment, store, control| {
        Ok(CreateImport {
            limiter: Limiter::new(&store, control, environment)?,
            store,
            uploads: Bucket::new(
                &environment.sdk_config()?,
                environment.require("UPLOAD_BUCKET")?,
            ),
        })
    })
}

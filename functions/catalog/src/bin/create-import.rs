//! `POST /v1/admin/imports`: creates an import and returns a presigned upload URL for the product file.
//! Uploading the file starts the import; the URL takes a file of the announced size only.

use std::{process::ExitCode, time::Duration};

use domain::{
    catalog::import::{CreateImportBody, ImportState, ImportTicket, UploadTicket, upload_key},
    id::ImportId,
};
use gateways::objects::Bucket;
use runtime::{Access, Endpoint, Failure, Json, NoPath, NoQuery, Reply, Request};
use store::Store;

/// Lifetime of the presigned upload URL.
const UPLOAD_LIFETIME: Duration = Duration::from_secs(15 * 60);

pub(crate) struct CreateImport {
    store: Store,
    uploads: Bucket,
}

impl Endpoint for CreateImport {
    const ACCESS: Access = Access::Staff;
    const SUCCESS: u16 = 202;
    type Path = NoPath;
    type Query = NoQuery;
    type Body = Json<CreateImportBody>;
    type Response = ImportTicket;

    async fn handle(&self, request: Request<Self>) -> Result<Reply<ImportTicket>, Failure> {
        let bytes = request.body.0.parse()?;
        let id = ImportId::at(request.now, runtime::random()?);
        let upload = self
            .uploads
            .presign_upload(&upload_key(id), bytes, request.now, UPLOAD_LIFETIME)
            .await?;
        self.store.create_import(id, request.now).await?;
        let mut headers = upload.headers;
        headers.insert("content-type".to_owned(), "text/csv".to_owned());
        let ticket = ImportTicket {
            id,
            state: ImportState::AwaitingUpload,
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
    runtime::serve(|environment| {
        Ok(CreateImport {
            store: Store::new(
                &environment.sdk_config()?,
                environment.require("TABLE_NAME")?,
            ),
            uploads: Bucket::new(
                &environment.sdk_config()?,
                environment.require("UPLOAD_BUCKET")?,
            ),
        })
    })
}

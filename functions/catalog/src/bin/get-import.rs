//! `GET /v1/admin/imports/{import_id}`: returns the progress of an import and its errors by line.

use std::process::ExitCode;

use domain::{
    catalog::import::{ImportView, MAX_FAULTS},
    fault::Rejection,
    id::{ImportId, JobId},
    identity::Permission,
};
use runtime::{Access, Endpoint, Failure, NoBody, NoQuery, Reply, Request};
use store::{Consistency, Store};

pub(crate) struct GetImport {
    store: Store,
}

#[derive(serde::Deserialize, schemars::JsonSchema)]
pub(crate) struct ImportPath {
    /// Identifier of the import.
    import_id: ImportId,
}

impl Endpoint for GetImport {
    const ACCESS: Access = Access::Staff(Permission::CatalogRead);
    type Path = ImportPath;
    type Query = NoQuery;
    type Body = NoBody;
    type Response = ImportView;

    async fn handle(&self, request: Request<Self>) -> Result<Reply<ImportView>, Failure> {
        let id = JobId::of(request.path.import_id);
        // Strongly consistent: a client asks right after the import was created.
        let job = self.store.job(id, Consistency::Strong).await?;
        let job = job.filter(|job| job.import().is_some());
        let job = job.ok_or_else(|| Rejection::not_found("import"))?;
        let errors = self.store.job_errors(&job, MAX_FAULTS).await?;
        Reply::of(&ImportView::of(&job, errors))
    }
}

fn main() -> ExitCode {
    access::serve(|_, store| Ok(GetImport { store }))
}

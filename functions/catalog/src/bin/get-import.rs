//! `GET /v1/admin/imports/{import_id}`: returns the progress of an import and its errors by line.

use std::process::ExitCode;

use domain::{catalog::import::ImportView, fault::Rejection, id::ImportId};
use runtime::{Access, Endpoint, Failure, NoBody, NoQuery, Reply, Request};
use store::Store;

pub(crate) struct GetImport {
    store: Store,
}

#[derive(serde::Deserialize, schemars::JsonSchema)]
pub(crate) struct ImportPath {
    /// Identifier of the import.
    import_id: ImportId,
}

impl Endpoint for GetImport {
    const ACCESS: Access = Access::Staff;
    type Path = ImportPath;
    type Query = NoQuery;
    type Body = NoBody;
    type Response = ImportView;

    async fn handle(&self, request: Request<Self>) -> Result<Reply<ImportView>, Failure> {
        let import = self.store.import(request.path.import_id).await?;
        let import = import.ok_or_else(|| Rejection::not_found("import"))?;
        Reply::of(&import)
    }
}

fn main() -> ExitCode {
    runtime::serve(|environment| {
        let store = Store::new(
            &environment.sdk_config()?,
            environment.require("TABLE_NAME")?,
        );
        Ok(GetImport { store })
    })
}

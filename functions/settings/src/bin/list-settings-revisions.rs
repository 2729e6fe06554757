//! `GET /v1/admin/settings/revisions`: lists the changes of the settings, newest first.

use std::process::ExitCode;

use domain::{
    documents::{DocumentKind, RevisionsView},
    page::PageQuery,
};
use runtime::{Access, Endpoint, Failure, NoBody, NoPath, Reply, Request};
use store::Store;

pub(crate) struct ListSettingsRevisions {
    store: Store,
}

impl Endpoint for ListSettingsRevisions {
    const ACCESS: Access = Access::Staff;
    type Path = NoPath;
    type Query = PageQuery;
    type Body = NoBody;
    type Response = RevisionsView;

    async fn handle(&self, request: Request<Self>) -> Result<Reply<RevisionsView>, Failure> {
        let list = request.query.parse()?;
        let page = self.store.list_documents(DocumentKind::Settings, &list);
        Reply::of(&RevisionsView::from(&page.await?))
    }
}

fn main() -> ExitCode {
    runtime::serve(|environment| {
        let store = Store::new(
            &environment.sdk_config()?,
            environment.require("TABLE_NAME")?,
        );
        Ok(ListSettingsRevisions { store })
    })
}

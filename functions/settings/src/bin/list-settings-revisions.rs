//! `GET /v1/admin/settings/revisions`: lists the changes of the settings, newest first.

use std::process::ExitCode;

use domain::{
    documents::{DocumentKind, RevisionsView},
    identity::Permission,
    page::PageQuery,
};
use runtime::{Access, Endpoint, Failure, NoBody, NoPath, Reply, Request};
use store::Store;

pub(crate) struct ListSettingsRevisions {
    store: Store,
}

impl Endpoint for ListSettingsRevisions {
    const ACCESS: Access = Access::Staff(Permission::SettingsRead);
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
    access::serve(|_, store| Ok(ListSettingsRevisions { store }))
}

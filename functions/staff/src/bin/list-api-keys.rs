//! `GET /v1/admin/api-keys`: lists the API keys that are valid, with the time of their last use.

use std::process::ExitCode;

use domain::{identity::Permission, staff::api::ApiKeysView};
use runtime::{Access, Endpoint, Failure, NoBody, NoPath, NoQuery, Reply, Request};
use store::Store;

pub(crate) struct ListApiKeys {
    store: Store,
}

impl Endpoint for ListApiKeys {
    const ACCESS: Access = Access::Staff(Permission::StaffRead);
    type Path = NoPath;
    type Query = NoQuery;
    type Body = NoBody;
    type Response = ApiKeysView;

    async fn handle(&self, request: Request<Self>) -> Result<Reply<ApiKeysView>, Failure> {
        let keys = self.store.api_keys().await?;
        Reply::of(&ApiKeysView::of(&keys, request.now))
    }
}

fn main() -> ExitCode {
    access::serve(|_, store| Ok(ListApiKeys { store }))
}

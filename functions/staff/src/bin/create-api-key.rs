//! `POST /v1/admin/api-keys`: makes an API key for a machine, with some of the permissions of its maker. Only this response has the key itself.

use std::process::ExitCode;

use domain::{
    id::ApiKeyId,
    identity::Permission,
    staff::{
        ApiKeySecret,
        api::{ApiKeyBody, ApiKeyView},
        must_have_all,
    },
};
use runtime::{Access, Endpoint, Failure, Json, NoPath, NoQuery, Reply, Request};
use store::Store;

pub(crate) struct CreateApiKey {
    store: Store,
}

impl Endpoint for CreateApiKey {
    const ACCESS: Access = Access::Staff(Permission::StaffWrite);
    const SUCCESS: u16 = 201;
    type Path = NoPath;
    type Query = NoQuery;
    type Body = Json<ApiKeyBody>;
    type Response = ApiKeyView;

    async fn handle(&self, request: Request<Self>) -> Result<Reply<ApiKeyView>, Failure> {
        let new = request.body.0.parse()?;
        must_have_all(request.identity(), &new.scopes)?;
        let secret = ApiKeySecret::new(runtime::random_bytes()?);
        let id = ApiKeyId::at(request.now, runtime::random()?);
        let key = new.make(id, &request.author());
        self.store.create_api_key(&key, &secret.hash()).await?;
        tracing::info!(api_key.id = %key.id, "API key made");
        let view = ApiKeyView::made(&key, &secret);
        Ok(Reply::of(&view)?.at(format!("/v1/admin/api-keys/{}", key.id)))
    }
}

fn main() -> ExitCode {
    access::serve(|_, store| Ok(CreateApiKey { store }))
}

//! `DELETE /v1/admin/api-keys/{key_id}`: revokes an API key, which is refused everywhere within 10 seconds.

use std::process::ExitCode;

use domain::{fault::Rejection, id::ApiKeyId, identity::Permission};
use runtime::{Access, Endpoint, Failure, NoBody, NoContent, NoQuery, Reply, Request};
use store::Store;

pub(crate) struct RevokeApiKey {
    store: Store,
}

/// Parameters of the path.
#[derive(serde::Deserialize, schemars::JsonSchema)]
pub(crate) struct RevokeApiKeyPath {
    /// Identifier of the key.
    key_id: ApiKeyId,
}

impl Endpoint for RevokeApiKey {
    const ACCESS: Access = Access::Staff(Permission::StaffWrite);
    const SUCCESS: u16 = 204;
    type Path = RevokeApiKeyPath;
    type Query = NoQuery;
    type Body = NoBody;
    type Response = NoContent;

    async fn handle(&self, request: Request<Self>) -> Result<Reply<NoContent>, Failure> {
        let id = request.path.key_id;
        let author = request.author();
        if !self.store.revoke_api_key(id, &author).await? {
            return Err(Rejection::not_found("API key").into());
        }
        tracing::info!(api_key.id = %id, "API key revoked");
        Ok(Reply::none())
    }
}

fn main() -> ExitCode {
    access::serve(|_, store| Ok(RevokeApiKey { store }))
}

//! `DELETE /v1/admin/api-keys/{key_id}`: say here in one sentence what it does.

use std::process::ExitCode;

use domain::identity::Permission;
use runtime::{Access, Endpoint, Failure, NoBody, NoQuery, Reply, Request};
use store::Store;

pub(crate) struct RevokeApiKey {
    store: Store,
}

/// Parameters of the path.
#[derive(serde::Deserialize, schemars::JsonSchema)]
pub(crate) struct RevokeApiKeyPath {
    /// Identifier of the key.
    key_id: String,
}

impl Endpoint for RevokeApiKey {
    const ACCESS: Access = Access::Staff(Permission::StaffWrite);
    type Path = RevokeApiKeyPath;
    type Query = NoQuery;
    type Body = NoBody;
    type Response = String;

    async fn handle(&self, request: Request<Self>) -> Result<Reply<String>, Failure> {
        // Read what the use case needs from the store, let the domain decide, write what it decided.
        let _ = (&self.store, &request.path.key_id);
        Reply::of(&String::from("hello"))
    }
}

fn main() -> ExitCode {
    access::serve(|_, store| Ok(RevokeApiKey { store }))
}

//! `PATCH /v1/me/passkeys/{passkey_id}`: say here in one sentence what it does.

use std::process::ExitCode;

use runtime::{Access, Endpoint, Failure, Json, NoQuery, Reply, Request};
use store::Store;

pub(crate) struct RenamePasskey {
    store: Store,
}

/// Parameters of the path.
#[derive(serde::Deserialize, schemars::JsonSchema)]
pub(crate) struct RenamePasskeyPath {
    /// Identifier of the passkey.
    passkey_id: String,
}

/// Body of the request.
#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RenamePasskeyBody {}

impl Endpoint for RenamePasskey {
    const ACCESS: Access = Access::Public;
    type Path = RenamePasskeyPath;
    type Query = NoQuery;
    type Body = Json<RenamePasskeyBody>;
    type Response = String;

    async fn handle(&self, request: Request<Self>) -> Result<Reply<String>, Failure> {
        // Read what the use case needs from the store, let the domain decide, write what it decided.
        let _ = (&self.store, &request.path.passkey_id, &request.body);
        Reply::of(&String::from("hello"))
    }
}

fn main() -> ExitCode {
    runtime::serve(|environment| {
        let store = Store::new(
            &environment.sdk_config()?,
            environment.require("TABLE_NAME")?,
        );
        Ok(RenamePasskey { store })
    })
}

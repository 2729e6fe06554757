//! `DELETE /v1/me/passkeys/{passkey_id}`: say here in one sentence what it does.

use std::process::ExitCode;

use runtime::{Access, Endpoint, Failure, NoBody, NoQuery, Reply, Request};
use store::Store;

pub(crate) struct DeletePasskey {
    store: Store,
}

/// Parameters of the path.
#[derive(serde::Deserialize, schemars::JsonSchema)]
pub(crate) struct DeletePasskeyPath {
    /// Identifier of the passkey.
    passkey_id: String,
}

impl Endpoint for DeletePasskey {
    const ACCESS: Access = Access::Public;
    type Path = DeletePasskeyPath;
    type Query = NoQuery;
    type Body = NoBody;
    type Response = String;

    async fn handle(&self, request: Request<Self>) -> Result<Reply<String>, Failure> {
        // Read what the use case needs from the store, let the domain decide, write what it decided.
        let _ = (&self.store, &request.path.passkey_id);
        Reply::of(&String::from("hello"))
    }
}

fn main() -> ExitCode {
    runtime::serve(|environment| {
        let store = Store::new(
            &environment.sdk_config()?,
            environment.require("TABLE_NAME")?,
        );
        Ok(DeletePasskey { store })
    })
}

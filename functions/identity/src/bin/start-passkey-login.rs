//! `POST /v1/auth/passkeys/login/options`: say here in one sentence what it does.

use std::process::ExitCode;

use runtime::{Access, Endpoint, Failure, Json, NoPath, NoQuery, Reply, Request};
use store::Store;

pub(crate) struct StartPasskeyLogin {
    store: Store,
}

/// Body of the request.
#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct StartPasskeyLoginBody {}

impl Endpoint for StartPasskeyLogin {
    const ACCESS: Access = Access::Public;
    type Path = NoPath;
    type Query = NoQuery;
    type Body = Json<StartPasskeyLoginBody>;
    type Response = String;

    async fn handle(&self, request: Request<Self>) -> Result<Reply<String>, Failure> {
        // Read what the use case needs from the store, let the domain decide, write what it decided.
        let _ = (&self.store, &request.body);
        Reply::of(&String::from("hello"))
    }
}

fn main() -> ExitCode {
    runtime::serve(|environment| {
        let store = Store::new(
            &environment.sdk_config()?,
            environment.require("TABLE_NAME")?,
        );
        Ok(StartPasskeyLogin { store })
    })
}

//! `PUT /v1/me/addresses/{address_id}`: say here in one sentence what it does.

use std::process::ExitCode;

use runtime::{Access, Endpoint, Failure, Json, NoQuery, Reply, Request};
use store::Store;

pub(crate) struct ChangeAddress {
    store: Store,
}

/// Parameters of the path.
#[derive(serde::Deserialize, schemars::JsonSchema)]
pub(crate) struct ChangeAddressPath {
    /// Identifier of the address.
    address_id: String,
}

/// Body of the request.
#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ChangeAddressBody {}

impl Endpoint for ChangeAddress {
    const ACCESS: Access = Access::Public;
    type Path = ChangeAddressPath;
    type Query = NoQuery;
    type Body = Json<ChangeAddressBody>;
    type Response = String;

    async fn handle(&self, request: Request<Self>) -> Result<Reply<String>, Failure> {
        // Read what the use case needs from the store, let the domain decide, write what it decided.
        let _ = (&self.store, &request.path.address_id, &request.body);
        Reply::of(&String::from("hello"))
    }
}

fn main() -> ExitCode {
    runtime::serve(|environment| {
        let store = Store::new(
            &environment.sdk_config()?,
            environment.require("TABLE_NAME")?,
        );
        Ok(ChangeAddress { store })
    })
}

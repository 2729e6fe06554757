//! `PATCH /v1/admin/staff/{account_id}`: say here in one sentence what it does.

use std::process::ExitCode;

use domain::identity::Permission;
use runtime::{Access, Endpoint, Failure, Json, NoQuery, Reply, Request};
use store::Store;

pub(crate) struct ChangeStaff {
    store: Store,
}

/// Parameters of the path.
#[derive(serde::Deserialize, schemars::JsonSchema)]
pub(crate) struct ChangeStaffPath {
    /// Identifier of the account.
    account_id: String,
}

/// Body of the request.
#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ChangeStaffBody {}

impl Endpoint for ChangeStaff {
    const ACCESS: Access = Access::Staff(Permission::StaffWrite);
    type Path = ChangeStaffPath;
    type Query = NoQuery;
    type Body = Json<ChangeStaffBody>;
    type Response = String;

    async fn handle(&self, request: Request<Self>) -> Result<Reply<String>, Failure> {
        // Read what the use case needs from the store, let the domain decide, write what it decided.
        let _ = (&self.store, &request.path.account_id, &request.body);
        Reply::of(&String::from("hello"))
    }
}

fn main() -> ExitCode {
    access::serve(|_, store| Ok(ChangeStaff { store }))
}

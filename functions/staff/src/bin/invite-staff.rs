//! `POST /v1/admin/staff/invitations`: say here in one sentence what it does.

use std::process::ExitCode;

use domain::identity::Permission;
use runtime::{Access, Endpoint, Failure, Json, NoPath, NoQuery, Reply, Request};
use store::Store;

pub(crate) struct InviteStaff {
    store: Store,
}

/// Body of the request.
#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct InviteStaffBody {}

impl Endpoint for InviteStaff {
    const ACCESS: Access = Access::Staff(Permission::StaffWrite);
    type Path = NoPath;
    type Query = NoQuery;
    type Body = Json<InviteStaffBody>;
    type Response = String;

    async fn handle(&self, request: Request<Self>) -> Result<Reply<String>, Failure> {
        // Read what the use case needs from the store, let the domain decide, write what it decided.
        let _ = (&self.store, &request.body);
        Reply::of(&String::from("hello"))
    }
}

fn main() -> ExitCode {
    access::serve(|_, store| Ok(InviteStaff { store }))
}

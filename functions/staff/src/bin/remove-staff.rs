//! `DELETE /v1/admin/staff/{account_id}`: say here in one sentence what it does.

use std::process::ExitCode;

use domain::identity::Permission;
use runtime::{Access, Endpoint, Failure, NoBody, NoQuery, Reply, Request};
use store::Store;

pub(crate) struct RemoveStaff {
    store: Store,
}

/// Parameters of the path.
#[derive(serde::Deserialize, schemars::JsonSchema)]
pub(crate) struct RemoveStaffPath {
    /// Identifier of the account.
    account_id: String,
}

impl Endpoint for RemoveStaff {
    const ACCESS: Access = Access::Staff(Permission::StaffWrite);
    type Path = RemoveStaffPath;
    type Query = NoQuery;
    type Body = NoBody;
    type Response = String;

    async fn handle(&self, request: Request<Self>) -> Result<Reply<String>, Failure> {
        // Read what the use case needs from the store, let the domain decide, write what it decided.
        let _ = (&self.store, &request.path.account_id);
        Reply::of(&String::from("hello"))
    }
}

fn main() -> ExitCode {
    access::serve(|_, store| Ok(RemoveStaff { store }))
}

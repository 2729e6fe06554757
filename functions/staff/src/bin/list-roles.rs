//! `GET /v1/admin/roles`: say here in one sentence what it does.

use std::process::ExitCode;

use domain::identity::Permission;
use runtime::{Access, Endpoint, Failure, NoBody, NoPath, NoQuery, Reply, Request};
use store::Store;

pub(crate) struct ListRoles {
    store: Store,
}

impl Endpoint for ListRoles {
    const ACCESS: Access = Access::Staff(Permission::StaffWrite);
    type Path = NoPath;
    type Query = NoQuery;
    type Body = NoBody;
    type Response = String;

    async fn handle(&self, request: Request<Self>) -> Result<Reply<String>, Failure> {
        // Read what the use case needs from the store, let the domain decide, write what it decided.
        let _ = (&self.store, request);
        Reply::of(&String::from("hello"))
    }
}

fn main() -> ExitCode {
    access::serve(|_, store| Ok(ListRoles { store }))
}

//! `GET /v1/admin/roles`: lists all roles with what they permit: those that every shop has, and the shop's own.

use std::process::ExitCode;

use domain::{identity::Permission, staff::api::RolesView};
use runtime::{Access, Endpoint, Failure, NoBody, NoPath, NoQuery, Reply, Request};
use store::Store;

pub(crate) struct ListRoles {
    store: Store,
}

impl Endpoint for ListRoles {
    const ACCESS: Access = Access::Staff(Permission::StaffRead);
    type Path = NoPath;
    type Query = NoQuery;
    type Body = NoBody;
    type Response = RolesView;

    async fn handle(&self, _: Request<Self>) -> Result<Reply<RolesView>, Failure> {
        let own = self.store.roles().await?;
        Reply::of(&RolesView::of(&own))
    }
}

fn main() -> ExitCode {
    access::serve(|_, store| Ok(ListRoles { store }))
}

//! `GET /v1/admin/staff`: lists everybody who belongs to the staff, with role and permissions.

use std::process::ExitCode;

use domain::{id::AccountId, identity::Permission, staff::api::StaffListView};
use runtime::{Access, Endpoint, Failure, NoBody, NoPath, NoQuery, Reply, Request};
use store::Store;

pub(crate) struct ListStaff {
    store: Store,
}

impl Endpoint for ListStaff {
    const ACCESS: Access = Access::Staff(Permission::StaffRead);
    type Path = NoPath;
    type Query = NoQuery;
    type Body = NoBody;
    type Response = StaffListView;

    async fn handle(&self, _: Request<Self>) -> Result<Reply<StaffListView>, Failure> {
        let entries = self.store.staff().await?;
        let ids: Vec<AccountId> = entries.iter().map(|entry| entry.account).collect();
        let accounts = self.store.accounts(&ids).await?;
        Reply::of(&StaffListView::of(&entries, &accounts))
    }
}

fn main() -> ExitCode {
    access::serve(|_, store| Ok(ListStaff { store }))
}

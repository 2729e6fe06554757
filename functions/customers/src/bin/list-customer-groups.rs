//! `GET /v1/admin/customer-groups`: lists all customer groups with the numbers of their members.

use std::process::ExitCode;

use domain::{customers::GroupsView, identity::Permission};
use runtime::{Access, Endpoint, Failure, NoBody, NoPath, NoQuery, Reply, Request};
use store::Store;

pub(crate) struct ListCustomerGroups {
    store: Store,
}

impl Endpoint for ListCustomerGroups {
    const ACCESS: Access = Access::Staff(Permission::CustomersRead);
    type Path = NoPath;
    type Query = NoQuery;
    type Body = NoBody;
    type Response = GroupsView;

    async fn handle(&self, _: Request<Self>) -> Result<Reply<GroupsView>, Failure> {
        let groups = self.store.customer_groups().await?;
        Reply::of(&GroupsView::of(&groups))
    }
}

fn main() -> ExitCode {
    access::serve(|_, store| Ok(ListCustomerGroups { store }))
}

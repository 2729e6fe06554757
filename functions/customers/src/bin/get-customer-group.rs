//! `GET /v1/admin/customer-groups/{group_id}`: returns a customer group with the number of its members.

use std::process::ExitCode;

use customers::GroupPath;
use domain::{customers::GroupView, identity::Permission};
use runtime::{Access, Endpoint, Failure, NoBody, NoQuery, Reply, Request};
use store::Store;

pub(crate) struct GetCustomerGroup {
    store: Store,
}

impl Endpoint for GetCustomerGroup {
    const ACCESS: Access = Access::Staff(Permission::CustomersRead);
    type Path = GroupPath;
    type Query = NoQuery;
    type Body = NoBody;
    type Response = GroupView;

    async fn handle(&self, request: Request<Self>) -> Result<Reply<GroupView>, Failure> {
        let group = customers::group(&self.store, &request.path.group_id).await?;
        Ok(Reply::of(&GroupView::from(&group))?.versioned(group.version))
    }
}

fn main() -> ExitCode {
    access::serve(|_, store| Ok(GetCustomerGroup { store }))
}

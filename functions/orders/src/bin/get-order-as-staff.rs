//! `GET /v1/admin/orders/{order_id}`: returns an order to staff, with the history of its changes.

use std::process::ExitCode;

use domain::{identity::Permission, orders::StaffOrderView};
use orders::{OrderPath, find};
use runtime::{Access, Endpoint, Failure, NoBody, NoQuery, Reply, Request};
use store::Store;

pub(crate) struct GetOrderAsStaff {
    store: Store,
}

impl Endpoint for GetOrderAsStaff {
    const ACCESS: Access = Access::Staff(Permission::OrdersRead);
    type Path = OrderPath;
    type Query = NoQuery;
    type Body = NoBody;
    type Response = StaffOrderView;

    async fn handle(&self, request: Request<Self>) -> Result<Reply<StaffOrderView>, Failure> {
        let order = find(&self.store, request.path.order_id, |_| true).await?;
        Reply::of(&StaffOrderView::of(&order).map_err(Failure::internal)?)
    }
}

fn main() -> ExitCode {
    access::serve(|_, store| Ok(GetOrderAsStaff { store }))
}

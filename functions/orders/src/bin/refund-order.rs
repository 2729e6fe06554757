//! `POST /v1/admin/orders/{order_id}/refunds`: refunds an order in full, by line or by amount, up to
//! the captured amount. Asynchronous: 202 means accepted.

use std::process::ExitCode;

use domain::{
    id::RefundId,
    identity::Permission,
    orders::{RefundOrderBody, StaffOrderView},
};
use orders::{OrderPath, change_as_staff};
use runtime::{Access, Endpoint, Failure, MaybeJson, NoQuery, Reply, Request};
use store::Store;

pub(crate) struct RefundOrder {
    store: Store,
}

impl Endpoint for RefundOrder {
    const ACCESS: Access = Access::Staff(Permission::OrdersRefund);
    const SUCCESS: u16 = 202;
    const IDEMPOTENCY_KEY: bool = true;
    type Path = OrderPath;
    type Query = NoQuery;
    type Body = MaybeJson<RefundOrderBody>;
    type Response = StaffOrderView;

    async fn handle(&self, request: Request<Self>) -> Result<Reply<StaffOrderView>, Failure> {
        let command = request.body.0.clone().parse()?;
        change_as_staff(
            &self.store,
            &request,
            &command,
            |order, identified, staff| {
                // Derived from the version too: the same key may be used for another request a day
                // later.
                let id =
                    RefundId::derived(&[&identified.id.to_string(), &order.version.to_string()]);
                order.refund_requested(id, &command, staff, request.now)
            },
        )
        .await
    }
}

fn main() -> ExitCode {
    access::serve(|_, store| Ok(RefundOrder { store }))
}

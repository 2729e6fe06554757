//! `POST /v1/admin/orders/{order_id}/cancel`: cancels an order on behalf of staff before any of it is
//! shipped. Releases its stock and voids or refunds the payment.

use std::process::ExitCode;

use domain::{
    identity::Permission,
    orders::{CancelOrderBody, StaffOrderView},
};
use orders::{OrderPath, change_as_staff};
use runtime::{Access, Endpoint, Failure, MaybeJson, NoQuery, Reply, Request};
use store::Store;

pub(crate) struct CancelOrderAsStaff {
    store: Store,
}

impl Endpoint for CancelOrderAsStaff {
    const ACCESS: Access = Access::Staff(Permission::OrdersRefund);
    const IDEMPOTENCY_KEY: bool = true;
    type Path = OrderPath;
    type Query = NoQuery;
    type Body = MaybeJson<CancelOrderBody>;
    type Response = StaffOrderView;

    async fn handle(&self, request: Request<Self>) -> Result<Reply<StaffOrderView>, Failure> {
        let reason = request.body.0.clone().parse()?;
        change_as_staff(&self.store, &request, &reason, |order, _, staff| {
            order.cancelled(reason.clone(), staff, request.now)
        })
        .await
    }
}

fn main() -> ExitCode {
    access::serve(|_, store| Ok(CancelOrderAsStaff { store }))
}

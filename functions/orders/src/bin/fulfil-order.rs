//! `POST /v1/admin/orders/{order_id}/fulfilments`: records the handover of all or some of an order's
//! goods to a carrier.

use std::process::ExitCode;

use domain::{
    id::FulfilmentId,
    identity::Permission,
    orders::{FulfilOrderBody, StaffOrderView},
};
use orders::{OrderPath, change_as_staff};
use runtime::{Access, Endpoint, Failure, MaybeJson, NoQuery, Reply, Request};
use store::Store;

pub(crate) struct FulfilOrder {
    store: Store,
}

impl Endpoint for FulfilOrder {
    const ACCESS: Access = Access::Staff(Permission::OrdersFulfil);
    const SUCCESS: u16 = 201;
    const IDEMPOTENCY_KEY: bool = true;
    type Path = OrderPath;
    type Query = NoQuery;
    type Body = MaybeJson<FulfilOrderBody>;
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
                let id = FulfilmentId::derived(&[
                    &identified.id.to_string(),
                    &order.version.to_string(),
                ]);
                order.fulfilled(id, &command, staff, request.now)
            },
        )
        .await
    }
}

fn main() -> ExitCode {
    access::serve(|_, store| Ok(FulfilOrder { store }))
}

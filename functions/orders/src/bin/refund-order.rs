//! `POST /v1/admin/orders/{order_id}/refunds`: refunds an order in full, by line or by amount, up to
//! the captured amount. Asynchronous: 202 means accepted.

use std::process::ExitCode;

use domain::{
    id::RefundId,
    order::{RefundOrderBody, StaffOrderView},
};
use orders::{OrderPath, change_as_staff};
use runtime::{Access, Call, Endpoint, Failure, MaybeJson, NoQuery, Reply};
use store::Store;

pub(crate) struct RefundOrder {
    store: Store,
}

impl Endpoint for RefundOrder {
    const ACCESS: Access = Access::Staff;
    const SUCCESS: u16 = 202;
    const IDEMPOTENCY_KEY: bool = true;
    type Path = OrderPath;
    type Query = NoQuery;
    type Body = MaybeJson<RefundOrderBody>;
    type Answer = StaffOrderView;

    async fn handle(&self, call: Call<Self>) -> Result<Reply<StaffOrderView>, Failure> {
        let command = call.body.0.clone().parse()?;
        let route = "POST /v1/admin/orders/{order_id}/refunds";
        change_as_staff(
            &self.store,
            &call,
            route,
            &command,
            |order, request, staff| {
                // Derived from the version too: the same key may be used for another request a day
                // later.
                let id = RefundId::derived(&[&request.id.to_string(), &order.version.to_string()]);
                order.refund_requested(id, &command, staff, call.now)
            },
        )
        .await
    }
}

fn main() -> ExitCode {
    runtime::serve(|environment| {
        let store = Store::new(
            &environment.sdk_config()?,
            environment.require("TABLE_NAME")?,
        );
        Ok(RefundOrder { store })
    })
}

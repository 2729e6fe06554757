//! `POST /v1/admin/orders/{order_id}/cancel`: cancels an order on behalf of staff before any of it is
//! shipped. Releases its stock and voids or refunds the payment.

use std::process::ExitCode;

use domain::order::{CancelOrderBody, StaffOrderView};
use orders::{OrderPath, change_as_staff};
use runtime::{Access, Call, Endpoint, Failure, MaybeJson, NoQuery, Reply};
use store::Store;

pub(crate) struct CancelOrderAsStaff {
    store: Store,
}

impl Endpoint for CancelOrderAsStaff {
    const ACCESS: Access = Access::Staff;
    const IDEMPOTENCY_KEY: bool = true;
    type Path = OrderPath;
    type Query = NoQuery;
    type Body = MaybeJson<CancelOrderBody>;
    type Answer = StaffOrderView;

    async fn handle(&self, call: Call<Self>) -> Result<Reply<StaffOrderView>, Failure> {
        let reason = call.body.0.clone().parse()?;
        let route = "POST /v1/admin/orders/{order_id}/cancel";
        change_as_staff(&self.store, &call, route, &reason, |order, _, staff| {
            order.cancelled(reason.clone(), staff, call.now)
        })
        .await
    }
}

fn main() -> ExitCode {
    runtime::serve(|environment| {
        let store = Store::new(
            &environment.sdk_config()?,
            environment.require("TABLE_NAME")?,
        );
        Ok(CancelOrderAsStaff { store })
    })
}

//! `POST /v1/admin/orders/{order_id}/cancel`: calls an order off, before any of it is shipped. The stock
//! is released, and what was paid goes back.

use std::process::ExitCode;

use domain::order::{CancelOrderBody, StaffOrderView};
use orders::{OrderPath, answer, change, find};
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
        let staff = call.staff();
        let id = call.path.order_id;
        let reason = call.body.0.clone().parse()?;
        let route = "POST /v1/admin/orders/{order_id}/cancel";
        let request = call.request(&staff.to_string(), route, &(id, &reason))?;
        let order = find(&self.store, id, |_| true).await?;
        change(
            &self.store,
            order,
            &request,
            call.now,
            |order| order.cancelled(reason.clone(), staff.clone(), call.now),
            |order| answer(&StaffOrderView::of(order)?),
        )
        .await
    }
}

fn main() -> ExitCode {
    runtime::serve(|environment| {
        let store = Store::new(
            &environment.aws("DYNAMODB")?,
            environment.require("TABLE_NAME")?,
        );
        Ok(CancelOrderAsStaff { store })
    })
}

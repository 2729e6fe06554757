//! `POST /v1/orders/{order_id}/cancel`: cancels an order for the holder of its access token before any
//! of it is shipped. Releases its stock and voids or refunds the payment.

use std::process::ExitCode;

use domain::order::{Actor, CancelOrderBody, OrderView};
use orders::{OrderPath, answer, change, find};
use runtime::{Access, Call, Endpoint, Failure, MaybeJson, NoQuery, Reply};
use store::Store;

pub(crate) struct CancelOrder {
    store: Store,
}

impl Endpoint for CancelOrder {
    const ACCESS: Access = Access::Token;
    const IDEMPOTENCY_KEY: bool = true;
    type Path = OrderPath;
    type Query = NoQuery;
    type Body = MaybeJson<CancelOrderBody>;
    type Answer = OrderView;

    async fn handle(&self, call: Call<Self>) -> Result<Reply<OrderView>, Failure> {
        let token = call.bearer()?;
        let id = call.path.order_id;
        let order = find(&self.store, id, |order| order.opens_with(token)).await?;
        let reason = call.body.0.clone().parse()?;
        let caller = format!("order:{id}");
        let request = call.request(&caller, "POST /v1/orders/{order_id}/cancel", &reason)?;
        change(
            &self.store,
            order,
            &request,
            call.now,
            |order| order.cancelled(reason.clone(), Actor::Customer, call.now),
            |order| answer(&OrderView::of(order)?),
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
        Ok(CancelOrder { store })
    })
}

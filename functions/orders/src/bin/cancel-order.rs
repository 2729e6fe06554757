//! `POST /v1/orders/{order_id}/cancel`: cancels an order for the holder of its access token, or for the person
//! whose account it belongs to, before any of it is shipped. Releases its stock and voids or refunds the payment.

use std::process::ExitCode;

use domain::orders::{Actor, CancelOrderBody, OrderView};
use orders::{OrderPath, answer, change, find};
use runtime::{Access, Endpoint, Failure, MaybeJson, NoQuery, Reply, Request};
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
    type Response = OrderView;

    async fn handle(&self, request: Request<Self>) -> Result<Reply<OrderView>, Failure> {
        let (who, token) = (request.identity(), request.bearer().ok());
        let id = request.path.order_id;
        let order = find(&self.store, id, |order| order.opens_to(who, token)).await?;
        let reason = request.body.0.clone().parse()?;
        let caller = format!("order:{id}");
        let identified = request.idempotent(&caller, &reason)?;
        change(
            &self.store,
            order,
            &identified,
            &request,
            |order| order.cancelled(reason.clone(), Actor::Customer, request.now),
            |order| answer(&OrderView::of(order)?),
        )
        .await
    }
}

fn main() -> ExitCode {
    access::serve(|_, store| Ok(CancelOrder { store }))
}

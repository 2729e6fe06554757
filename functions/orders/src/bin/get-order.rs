//! `GET /v1/orders/{order_id}`: returns an order to the holder of its access token, or to the person whose
//! account it belongs to.

use std::process::ExitCode;

use domain::orders::OrderView;
use orders::{OrderPath, find};
use runtime::{Access, Endpoint, Failure, NoBody, NoQuery, Reply, Request};
use store::Store;

pub(crate) struct GetOrder {
    store: Store,
}

impl Endpoint for GetOrder {
    const ACCESS: Access = Access::Token;
    type Path = OrderPath;
    type Query = NoQuery;
    type Body = NoBody;
    type Response = OrderView;

    async fn handle(&self, request: Request<Self>) -> Result<Reply<OrderView>, Failure> {
        let (caller, token) = (request.identity(), request.bearer().ok());
        let order = find(&self.store, request.path.order_id, |order| {
            order.opens_to(caller, token)
        })
        .await?;
        Reply::of(&OrderView::of(&order).map_err(Failure::internal)?)
    }
}

fn main() -> ExitCode {
    access::serve(|_, store| Ok(GetOrder { store }))
}

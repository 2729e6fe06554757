//! `GET /v1/orders/{order_id}`: an order, for who holds its access token.

use std::process::ExitCode;

use domain::{fault::Rejection, id::OrderId, order::OrderView};
use runtime::{Access, Call, Endpoint, Failure, NoBody, NoQuery, Reply};
use store::{Consistency, Store};

pub(crate) struct GetOrder {
    store: Store,
}

#[derive(serde::Deserialize, schemars::JsonSchema)]
pub(crate) struct OrderPath {
    /// Identifier of the order.
    order_id: OrderId,
}

impl Endpoint for GetOrder {
    const ACCESS: Access = Access::Token;
    type Path = OrderPath;
    type Query = NoQuery;
    type Body = NoBody;
    type Answer = OrderView;

    async fn handle(&self, call: Call<Self>) -> Result<Reply<OrderView>, Failure> {
        let token = call.bearer()?;
        let order = self
            .store
            .order(call.path.order_id, Consistency::Strong)
            .await?;
        // Whether the order exists is nobody's business without its token.
        let order = order
            .filter(|order| order.opens_with(token))
            .ok_or_else(|| Rejection::not_found("order"))?;
        Reply::of(&OrderView::of(&order).map_err(Failure::internal)?)
    }
}

fn main() -> ExitCode {
    runtime::serve(|environment| {
        let store = Store::new(
            &environment.aws("DYNAMODB")?,
            environment.require("TABLE_NAME")?,
        );
        Ok(GetOrder { store })
    })
}

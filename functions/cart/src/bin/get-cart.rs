//! `GET /v1/carts/{cart_id}`: returns the cart at current prices.

use std::process::ExitCode;

use domain::{cart::CartView, fault::Rejection, id::CartId, money::Currency};
use runtime::{Access, Endpoint, Failure, NoBody, NoQuery, Reply, Request};
use store::{Consistency, Store};

pub(crate) struct GetCart {
    store: Store,
    currency: Currency,
}

#[derive(serde::Deserialize, schemars::JsonSchema)]
pub(crate) struct CartPath {
    /// Identifier of the cart.
    cart_id: CartId,
}

impl Endpoint for GetCart {
    const ACCESS: Access = Access::Public;
    type Path = CartPath;
    type Query = NoQuery;
    type Body = NoBody;
    type Response = CartView;

    async fn handle(&self, request: Request<Self>) -> Result<Reply<CartView>, Failure> {
        let cart = self
            .store
            .cart(request.path.cart_id, request.now, Consistency::Strong)
            .await?;
        let cart = cart.ok_or_else(|| Rejection::not_found("cart"))?;
        Reply::of(&cart::view(&self.store, &cart, None, self.currency).await?)
    }
}

fn main() -> ExitCode {
    runtime::serve(|environment| {
        Ok(GetCart {
            store: Store::new(
                &environment.sdk_config()?,
                environment.require("TABLE_NAME")?,
            ),
            currency: environment.currency()?,
        })
    })
}

//! `GET /v1/carts/{cart_id}`: returns the cart at current prices.

use std::process::ExitCode;

use domain::{cart::CartView, fault::Rejection, id::CartId, money::Currency};
use runtime::{Access, Call, Endpoint, Failure, NoBody, NoQuery, Reply};
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
    type Answer = CartView;

    async fn handle(&self, call: Call<Self>) -> Result<Reply<CartView>, Failure> {
        let cart = self
            .store
            .cart(call.path.cart_id, call.now, Consistency::Strong)
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

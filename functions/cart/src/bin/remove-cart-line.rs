//! `DELETE /v1/carts/{cart_id}/lines/{sku}`: removes a line from the cart.

use std::process::ExitCode;

use cart::LinePath;
use domain::{cart::CartView, money::Currency};
use runtime::{Access, Endpoint, Failure, NoBody, NoQuery, Reply, Request};
use store::Store;

pub(crate) struct RemoveCartLine {
    store: Store,
    currency: Currency,
}

impl Endpoint for RemoveCartLine {
    const ACCESS: Access = Access::Public;
    type Path = LinePath;
    type Query = NoQuery;
    type Body = NoBody;
    type Response = CartView;

    async fn handle(&self, request: Request<Self>) -> Result<Reply<CartView>, Failure> {
        let LinePath { cart_id, sku } = request.path;
        let cart = self
            .store
            .remove_cart_line(cart_id, &sku, request.now)
            .await?;
        Reply::of(&cart::view(&self.store, &cart, None, self.currency).await?)
    }
}

fn main() -> ExitCode {
    runtime::serve(|environment| {
        Ok(RemoveCartLine {
            store: Store::new(
                &environment.sdk_config()?,
                environment.require("TABLE_NAME")?,
            ),
            currency: environment.currency()?,
        })
    })
}

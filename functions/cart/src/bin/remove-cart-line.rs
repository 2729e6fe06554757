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
    const ACCESS: Access = Access::Guest;
    type Path = LinePath;
    type Query = NoQuery;
    type Body = NoBody;
    type Response = CartView;

    async fn handle(&self, request: Request<Self>) -> Result<Reply<CartView>, Failure> {
        let caller = request.identity().account();
        let LinePath { cart_id, sku } = request.path;
        let cart = self
            .store
            .remove_cart_line(cart_id, caller, &sku, request.now)
            .await?;
        Reply::of(&cart::view(&self.store, &cart, None, self.currency).await?)
    }
}

fn main() -> ExitCode {
    access::serve(|environment, store| {
        Ok(RemoveCartLine {
            store,
            currency: environment.currency()?,
        })
    })
}

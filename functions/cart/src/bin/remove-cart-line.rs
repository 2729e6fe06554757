//! `DELETE /v1/carts/{cart_id}/lines/{sku}`: removes a line from the cart.

use std::process::ExitCode;

use cart::LinePath;
use domain::{cart::CartView, fault::Rejection, money::Currency};
use runtime::{Access, Call, Endpoint, Failure, NoBody, NoQuery, Reply};
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
    type Answer = CartView;

    async fn handle(&self, call: Call<Self>) -> Result<Reply<CartView>, Failure> {
        let LinePath { cart_id, sku } = call.path;
        let cart = self.store.remove_cart_line(cart_id, &sku, call.now).await?;
        let cart = cart.map_err(Rejection::from)?;
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

//! `GET /v1/carts/{cart_id}`: returns the cart at current prices; that of an account to its owner only.

use std::process::ExitCode;

use cart::CartPath;
use domain::{
    cart::{CartView, ChangeCartError},
    fault::Rejection,
    money::Currency,
};
use runtime::{Access, Endpoint, Failure, NoBody, NoQuery, Reply, Request};
use store::{Consistency, Store};

pub(crate) struct GetCart {
    store: Store,
    currency: Currency,
}

impl Endpoint for GetCart {
    const ACCESS: Access = Access::Guest;
    type Path = CartPath;
    type Query = NoQuery;
    type Body = NoBody;
    type Response = CartView;

    async fn handle(&self, request: Request<Self>) -> Result<Reply<CartView>, Failure> {
        let (id, caller, now) = (
            request.path.cart_id,
            request.identity().account(),
            request.now,
        );
        let cart = self.store.cart(id, now, Consistency::Strong).await?;
        let cart = cart.ok_or(ChangeCartError::NoSuchCart);
        let cart = cart.map_err(Rejection::from)?;
        if let Some(refusal) = cart.refusal(caller, now) {
            return Err(Rejection::from(refusal).into());
        }
        Reply::of(&cart::view(&self.store, &cart, None, self.currency).await?)
    }
}

fn main() -> ExitCode {
    access::serve(|environment, store| {
        Ok(GetCart {
            store,
            currency: environment.currency()?,
        })
    })
}

//! `GET /v1/me/cart`: returns the current cart of the person who is signed in, at current prices.

use std::process::ExitCode;

use domain::{cart::CartView, fault::Rejection, money::Currency};
use runtime::{Access, Endpoint, Failure, NoBody, NoPath, NoQuery, Reply, Request};
use store::Store;

pub(crate) struct GetMyCart {
    store: Store,
    currency: Currency,
}

impl Endpoint for GetMyCart {
    const ACCESS: Access = Access::Person;
    type Path = NoPath;
    type Query = NoQuery;
    type Body = NoBody;
    type Response = CartView;

    async fn handle(&self, request: Request<Self>) -> Result<Reply<CartView>, Failure> {
        let account = request.account()?;
        let current = self.store.account_cart(account, request.now).await?;
        let cart = current.cart.ok_or_else(|| Rejection::not_found("cart"))?;
        Reply::of(&cart::view(&self.store, &cart, None, self.currency).await?)
    }
}

fn main() -> ExitCode {
    access::serve(|environment, store| {
        Ok(GetMyCart {
            store,
            currency: environment.currency()?,
        })
    })
}

//! `POST /v1/carts`: creates an empty cart for a guest. For a person who is signed in, it returns the current cart of the account, which
//! it creates if there is none.

use std::process::ExitCode;

use cart::accounts;
use domain::{
    cart::{Cart, CartView},
    limits::{CREATE_CART, Limit},
    money::Currency,
};
use limiter::Limiter;
use runtime::{Access, Endpoint, Failure, MaybeJson, NoPath, NoQuery, Reply, Request};
use store::Store;

pub(crate) struct CreateCart {
    store: Store,
    limiter: Limiter,
    currency: Currency,
}

/// An empty object; the endpoint takes no options.
#[derive(Default, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CreateCartBody {}

impl Endpoint for CreateCart {
    const ACCESS: Access = Access::Guest;
    const SUCCESS: u16 = 201;
    const LIMITS: &'static [&'static Limit] = &[&CREATE_CART];
    type Path = NoPath;
    type Query = NoQuery;
    type Body = MaybeJson<CreateCartBody>;
    type Response = CartView;

    async fn handle(&self, request: Request<Self>) -> Result<Reply<CartView>, Failure> {
        let (caller, now) = (request.caller(), request.now);
        self.limiter.check(&CREATE_CART, caller, now).await?;
        let cart = match request.identity().account() {
            Some(account) => accounts::current(&self.store, account, now).await?,
            None => {
                let cart = Cart::new(runtime::random()?, None, now);
                self.store.create_cart(&cart).await?;
                cart
            }
        };
        let view = cart::view(&self.store, &cart, None, self.currency).await?;
        Ok(Reply::of(&view)?.at(format!("/v1/carts/{}", cart.id)))
    }
}

fn main() -> ExitCode {
    access::serve_with_settings(|environment, store, control| {
        Ok(CreateCart {
            limiter: Limiter::new(&store, control, environment)?,
            store,
            currency: environment.currency()?,
        })
    })
}

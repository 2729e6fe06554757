//! `POST /v1/carts/{cart_id}/merge`: merges a guest's cart into the current cart of the person who has signed in, and returns that. Without a
//! current cart, the guest's becomes the account's.

use std::process::ExitCode;

use cart::{CartPath, accounts};
use domain::{
    cart::{CartView, MergeCartsBody},
    money::Currency,
    orders::UnitLimits,
};
use runtime::{Access, Endpoint, Failure, MaybeJson, NoQuery, Reply, Request};
use store::Store;

pub(crate) struct MergeCarts {
    store: Store,
    currency: Currency,
    units: UnitLimits,
}

impl Endpoint for MergeCarts {
    const ACCESS: Access = Access::Person;
    type Path = CartPath;
    type Query = NoQuery;
    type Body = MaybeJson<MergeCartsBody>;
    type Response = CartView;

    async fn handle(&self, request: Request<Self>) -> Result<Reply<CartView>, Failure> {
        let (id, account) = (request.path.cart_id, request.account()?);
        let cart = accounts::merge(&self.store, id, account, self.units, request.now).await?;
        Reply::of(&cart::view(&self.store, &cart, None, self.currency).await?)
    }
}

fn main() -> ExitCode {
    access::serve(|environment, store| {
        Ok(MergeCarts {
            store,
            currency: environment.currency()?,
            units: UnitLimits {
                per_sku: environment.number("MAX_UNITS_PER_SKU")?,
                ..UnitLimits::default()
            },
        })
    })
}

//! `PUT /v1/carts/{cart_id}/lines/{sku}`: sets the quantity of a SKU in the cart, adding the line if it
//! is missing.

use std::process::ExitCode;

use cart::LinePath;
use domain::{
    cart::{CartView, ChangeCartError, SetLineBody},
    fault::Rejection,
    money::Currency,
    orders::{UnitLimits, too_many_units},
};
use runtime::{Access, Endpoint, Failure, Json, NoQuery, Reply, Request};
use store::{Consistency, Store};

pub(crate) struct SetCartLine {
    store: Store,
    currency: Currency,
    units: UnitLimits,
}

impl Endpoint for SetCartLine {
    const ACCESS: Access = Access::Guest;
    type Path = LinePath;
    type Query = NoQuery;
    type Body = Json<SetLineBody>;
    type Response = CartView;

    async fn handle(&self, request: Request<Self>) -> Result<Reply<CartView>, Failure> {
        let caller = request.identity().account();
        let LinePath { cart_id, sku } = request.path;
        let quantity = request.body.0.parse()?;
        // As for an order, so that a shopper learns it before the checkout.
        if let Err(excess) = self.units.check_line(&sku, quantity) {
            return Err(too_many_units(&[excess]).into());
        }
        let variant = self.store.variant(&sku, Consistency::Eventual).await?;
        let Some(variant) = variant.filter(|variant| variant.for_sale) else {
            return Err(Rejection::from(ChangeCartError::UnknownSku(sku)).into());
        };
        let cart = self
            .store
            .set_cart_line(cart_id, caller, &sku, quantity, request.now)
            .await?;
        Reply::of(&cart::view(&self.store, &cart, Some(variant), self.currency).await?)
    }
}

fn main() -> ExitCode {
    access::serve(|environment, store| {
        Ok(SetCartLine {
            store,
            currency: environment.currency()?,
            units: UnitLimits {
                per_sku: environment.number("MAX_UNITS_PER_SKU")?,
                ..UnitLimits::default()
            },
        })
    })
}

//! What the cart's endpoints share.

use domain::{
    cart::{Cart, CartView, price_cart},
    catalog::Sku,
    fault::Failure,
    id::CartId,
    inventory::Variant,
    money::Currency,
};
use store::{Consistency, Look, Store};

/// Path of a cart's line.
#[derive(serde::Deserialize, schemars::JsonSchema)]
pub struct LinePath {
    /// Identifier of the cart.
    pub cart_id: CartId,
    /// Stock keeping unit.
    pub sku: Sku,
}

/// The cart at current prices. `known` is a variant that was read a moment ago, and is not read again.
pub async fn view(
    store: &Store,
    cart: &Cart,
    known: Option<Variant>,
    currency: Currency,
) -> Result<CartView, Failure> {
    // Of a stock in several shards one look knows only the first.
    let known = known.filter(|variant| variant.shards == 1);
    let is_known = |sku: &Sku| known.as_ref().is_some_and(|variant| variant.sku == *sku);
    let skus = cart.lines.iter().map(|line| &line.sku);
    let mut variants = store
        .variants(
            skus.filter(|sku| !is_known(sku)),
            Consistency::Eventual,
            Look::Whole,
        )
        .await?;
    variants.extend(known.map(|variant| (variant.sku.clone(), variant)));
    price_cart(cart, &variants, currency).map_err(Failure::internal)
}

//! Path parameters, the current cart of an account and the cart view, shared by the cart endpoints.

pub mod accounts;

use domain::{
    cart::{Cart, CartView, price_cart},
    catalog::Sku,
    fault::Failure,
    id::CartId,
    inventory::Variant,
    money::Currency,
};
use store::{Consistency, Shards, Store};

/// Path parameters that address a cart.
#[derive(serde::Deserialize, schemars::JsonSchema)]
pub struct CartPath {
    /// Identifier of the cart.
    pub cart_id: CartId,
}

/// Path parameters that address one line of a cart.
#[derive(serde::Deserialize, schemars::JsonSchema)]
pub struct LinePath {
    /// Identifier of the cart.
    pub cart_id: CartId,
    /// Stock keeping unit.
    pub sku: Sku,
}

/// Path parameters that address one entry of the caller's wish list.
#[derive(serde::Deserialize, schemars::JsonSchema)]
pub struct WishPath {
    /// Stock keeping unit.
    pub sku: Sku,
}

/// The cart at current prices. `known` is a variant that the caller has just read; it is not read
/// again.
pub async fn view(
    store: &Store,
    cart: &Cart,
    known: Option<Variant>,
    currency: Currency,
) -> Result<CartView, Failure> {
    // A read of one item returns only the first shard of a split stock.
    let known = known.filter(|variant| variant.shards == 1);
    let is_known = |sku: &Sku| known.as_ref().is_some_and(|variant| variant.sku == *sku);
    let skus = cart.lines.iter().map(|line| &line.sku);
    let mut variants = store
        .variants(
            skus.filter(|sku| !is_known(sku)),
            Consistency::Eventual,
            Shards::All,
        )
        .await?;
    variants.extend(known.map(|variant| (variant.sku.clone(), variant)));
    price_cart(cart, &variants, currency).map_err(Failure::internal)
}

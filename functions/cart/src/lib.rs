//! What the cart's endpoints share.

use domain::{
    cart::{Cart, CartView, price_cart},
    catalog::Sku,
    fault::Failure,
    id::CartId,
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

/// The cart at current prices.
pub async fn view(store: &Store, cart: &Cart, currency: Currency) -> Result<CartView, Failure> {
    let skus = cart.lines.iter().map(|line| &line.sku);
    let variants = store
        .variants(skus, Consistency::Eventual, Look::Whole)
        .await?;
    price_cart(cart, &variants, currency).map_err(Failure::internal)
}

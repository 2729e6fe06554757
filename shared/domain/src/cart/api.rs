//! Bodies and views of the cart's endpoints.

use std::collections::HashMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Cart, MAX_QUANTITY, Totals};
use crate::{
    catalog::Sku,
    fault::{FieldFault, Rejection},
    id::{CartId, OrderId},
    inventory::Variant,
    money::{Currency, Money, MoneyError},
};

/// Body of `PUT /v1/carts/{cart_id}/lines/{sku}`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SetLineBody {
    /// Units wanted, 1 to 999. Stock is checked when the order is placed.
    pub quantity: i64,
}

impl SetLineBody {
    /// Validates the quantity.
    pub fn parse(self) -> Result<u32, Rejection> {
        u32::try_from(self.quantity)
            .ok()
            .filter(|quantity| (1..=MAX_QUANTITY).contains(quantity))
            .ok_or_else(|| {
                let message = format!("Must be from 1 to {MAX_QUANTITY}.");
                Rejection::invalid(vec![FieldFault::new("quantity", "out_of_range", message)])
            })
    }
}

/// Body of `POST /v1/carts/{cart_id}/merge`: an empty object.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MergeCartsBody {}

/// A cart as the shopper sees it.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct CartView {
    /// Identifier; of a guest's cart also the credential: anyone who knows it may use the cart. The cart of an account takes
    /// its owner's token, too.
    pub id: CartId,
    /// Lines in the order in which they were first added.
    pub lines: Vec<CartLineView>,
    /// Totals of the lines that are for sale.
    pub totals: Totals,
    /// Expiry of the cart; every change extends it.
    #[schemars(with = "String")]
    pub expires_at: Timestamp,
    /// The order that was placed from this cart, if any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub order_id: Option<OrderId>,
}

/// One line of a cart at the current price.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct CartLineView {
    /// Stock keeping unit.
    pub sku: String,
    /// Titles of the product and the variant.
    pub title: String,
    /// Slug of the product.
    pub product_slug: String,
    /// Units wanted.
    pub quantity: u32,
    /// Current price of one unit.
    pub unit_price: Money,
    /// Current price of the line.
    pub line_total: Money,
    /// Whether the whole line is in stock now. Stock is only reserved by an order.
    pub available: bool,
}

/// Prices a cart. Lines whose variant is missing or not for sale are marked as unavailable and excluded
/// from the totals.
pub fn price_cart(
    cart: &Cart,
    variants: &HashMap<Sku, Variant>,
    currency: Currency,
) -> Result<CartView, MoneyError> {
    let mut lines = Vec::with_capacity(cart.lines.len());
    let mut counted = Vec::with_capacity(cart.lines.len());
    for line in &cart.lines {
        let Some(variant) = variants.get(&line.sku) else {
            continue;
        };
        let line_total = variant.price.times(line.quantity)?;
        if variant.for_sale {
            counted.push(line_total);
        }
        lines.push(CartLineView {
            sku: line.sku.to_string(),
            title: variant.title.clone(),
            product_slug: variant.product_slug.clone(),
            quantity: line.quantity,
            unit_price: variant.price,
            line_total,
            available: variant.can_sell(line.quantity),
        });
    }
    Ok(CartView {
        id: cart.id,
        lines,
        totals: Totals::of(counted, currency)?,
        expires_at: cart.expires_at,
        order_id: cart.order_id,
    })
}

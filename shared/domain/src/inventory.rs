//! Stock: what is on hand, what is promised to orders, what can still be sold.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{catalog::Sku, fault::Rejection, money::Money, text::FieldCheck};

/// Most units of one variant that can be on hand.
pub const MAX_ON_HAND: i64 = 1_000_000_000;

/// A sellable variant as carts and orders see it: its price now and its stock now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Variant {
    /// Stock keeping unit, unique in the shop.
    pub sku: Sku,
    /// Slug of its product.
    pub product_slug: String,
    /// Title of the product and the variant's options, for a cart line.
    pub title: String,
    /// What one unit costs now.
    pub price: Money,
    /// Units that can still be promised. Below zero when staff count fewer than were promised.
    pub available: i64,
    /// Units promised to orders that are not paid yet.
    pub reserved: i64,
    /// Whether the product is published and still has this variant.
    pub for_sale: bool,
}

impl Variant {
    /// The stock alone.
    pub fn stock(&self) -> Stock {
        Stock {
            available: self.available,
            reserved: self.reserved,
        }
    }
}

/// The two counters of a variant. What is on hand is their sum, always.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stock {
    /// Units that can still be promised.
    pub available: i64,
    /// Units promised to orders that are not paid yet.
    pub reserved: i64,
}

/// Stock of one SKU, as staff see it.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct StockView {
    /// Stock keeping unit.
    pub sku: String,
    /// Units in the building that belong to no paid order.
    pub on_hand: i64,
    /// Units of those that unpaid orders have been promised.
    pub reserved: i64,
    /// Units that can still be sold: `on_hand - reserved`. Negative when fewer were counted than
    /// are promised.
    pub available: i64,
}

impl StockView {
    /// The stock of `sku`.
    pub fn new(sku: &Sku, stock: Stock) -> Self {
        Self {
            sku: sku.to_string(),
            on_hand: stock.available + stock.reserved,
            reserved: stock.reserved,
            available: stock.available,
        }
    }
}

/// Body of `PUT /v1/admin/stock/{sku}`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SetStockBody {
    /// Units counted, 0 to 1,000,000,000.
    pub on_hand: i64,
}

impl SetStockBody {
    /// The count, if it is one.
    pub fn parse(self) -> Result<i64, Rejection> {
        let mut check = FieldCheck::default();
        if !(0..=MAX_ON_HAND).contains(&self.on_hand) {
            let message = format!("Must be from 0 to {MAX_ON_HAND}.");
            check.fault("on_hand", "out_of_range", message);
        }
        check.finish(self.on_hand).map_err(Rejection::invalid)
    }
}

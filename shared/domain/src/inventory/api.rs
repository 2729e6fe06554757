//! Bodies and views of the stock's endpoints.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{MAX_ON_HAND, MAX_SHARDS, Variant};
use crate::{
    fault::{FieldFault, Rejection},
    text::FieldCheck,
};

/// The stock of one SKU.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct StockView {
    /// Stock keeping unit.
    pub sku: String,
    /// Units in the warehouse that are not sold.
    pub on_hand: i64,
    /// Units on hand that are reserved for unpaid orders.
    pub reserved: i64,
    /// Units available for sale: `on_hand - reserved`. Negative if fewer units were counted than are
    /// reserved, or if the SKU is sold beyond its stock (backorder).
    pub available: i64,
    /// Number of shards of the stock.
    pub shards: u8,
    /// Grows with every change of the numbers; also the `ETag`. `If-Match` with it makes sure that a count
    /// replaces exactly the stock that was seen.
    pub stock_version: u64,
    /// Whether the SKU is sold beyond its stock: on backorder, or untracked.
    pub backorder: bool,
    /// Whether its units are not counted, so that they are sold without limit. The numbers then only
    /// follow the orders.
    pub untracked: bool,
}

impl StockView {
    /// The view of a variant of which all shards were read.
    pub fn of(variant: &Variant) -> Self {
        let stock = variant.total();
        Self {
            sku: variant.sku.to_string(),
            on_hand: stock.available + stock.reserved,
            reserved: stock.reserved,
            available: stock.available,
            shards: variant.shards,
            stock_version: stock.version,
            backorder: variant.backorder,
            untracked: variant.untracked,
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
    /// Validates the count.
    pub fn parse(self) -> Result<i64, Rejection> {
        let mut check = FieldCheck::default();
        if !(0..=MAX_ON_HAND).contains(&self.on_hand) {
            let message = format!("Must be from 0 to {MAX_ON_HAND}.");
            check.fault("on_hand", "out_of_range", message);
        }
        check.finish(self.on_hand).map_err(Rejection::invalid)
    }
}

/// Body of `PUT /v1/admin/stock/{sku}/shards`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SplitStockBody {
    /// Number of shards, 1 to 16. It can be raised, but not lowered.
    pub shards: i64,
}

impl SplitStockBody {
    /// Validates the number of shards.
    pub fn parse(self) -> Result<u8, Rejection> {
        u8::try_from(self.shards)
            .ok()
            .filter(|shards| (1..=MAX_SHARDS).contains(shards))
            .ok_or_else(|| {
                let message = format!("Must be from 1 to {MAX_SHARDS}.");
                Rejection::invalid(vec![FieldFault::new("shards", "out_of_range", message)])
            })
    }
}

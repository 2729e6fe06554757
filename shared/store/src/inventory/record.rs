//! Stored form of variants and of the shards of their stock.

use domain::{
    catalog::Sku,
    change::ChangeStamp,
    inventory::{Stock, Variant},
    money::{Currency, Money},
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    Result,
    item::{Item, Record, from_item},
};

/// A variant as it is stored, and each additional shard of its stock: a shard contains everything that
/// a sale needs, so an order touches no other item.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct VariantRecord {
    pub(crate) sku: Sku,
    pub(crate) product_slug: String,
    pub(super) title: String,
    pub(super) price: i64,
    pub(super) currency: Currency,
    pub(super) for_sale: bool,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) backorder: bool,
    /// Beside `backorder`, on which the conditions of a sale rely.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) untracked: bool,
    /// Number of shards; only on the first shard, and only if there are several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) shards: Option<u8>,
    /// When the stock was last split; only on the first shard.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) split_at: Option<Timestamp>,
    /// Units available for sale. With `reserved`, the units on hand. Negative on backorder, or if fewer
    /// were counted than are reserved.
    pub(crate) available: i64,
    pub(super) reserved: i64,
    /// Units of paid orders, less restocked ones. May be negative in one shard, as units are restocked
    /// to a line's first shard.
    #[serde(default)]
    pub(super) sold: i64,
    /// Missing if the stock was not counted since the ledger was introduced.
    #[serde(default)]
    pub(super) counted: Option<i64>,
    #[serde(default)]
    pub(super) sold_at_count: i64,
    /// Incremented by every change of a counter, for the daily reconciliation and counts with `If-Match`.
    #[serde(default)]
    pub(super) stock_version: u64,
    /// Whether another product may take the SKU.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) withdrawn: bool,
    /// The change that price, title and product are from; missing on a further shard that no import has
    /// written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) changed_by: Option<ChangeStamp>,
    /// The import or count that set the stock; on the first shard only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) counted_by: Option<ChangeStamp>,
}

impl Record for VariantRecord {
    const ENTITY: &'static str = "variant";
}

/// Counters of a variant or one of its shards, where nothing else is read. Not flattened into
/// [`VariantRecord`], as serde would then buffer every item that a cart or an order reads.
#[derive(Debug, Deserialize)]
pub(super) struct StockRecord {
    pub(super) sku: Sku,
    available: i64,
    reserved: i64,
    #[serde(default)]
    sold: i64,
    #[serde(default)]
    counted: Option<i64>,
    #[serde(default)]
    sold_at_count: i64,
    #[serde(default)]
    pub(super) stock_version: u64,
}

impl StockRecord {
    pub(super) fn stock(&self) -> Stock {
        let never_counted = self.available + self.reserved + self.sold;
        Stock {
            available: self.available,
            reserved: self.reserved,
            sold: self.sold,
            counted: self.counted.unwrap_or(never_counted),
            sold_at_count: self.sold_at_count,
            version: self.stock_version,
        }
    }
}

impl VariantRecord {
    pub(super) fn stock(&self) -> Stock {
        let never_counted = self.available + self.reserved + self.sold;
        Stock {
            available: self.available,
            reserved: self.reserved,
            sold: self.sold,
            counted: self.counted.unwrap_or(never_counted),
            sold_at_count: self.sold_at_count,
            version: self.stock_version,
        }
    }
}

impl From<VariantRecord> for Variant {
    fn from(record: VariantRecord) -> Self {
        let stock = vec![record.stock()];
        Self {
            sku: record.sku,
            product_slug: record.product_slug,
            title: record.title,
            price: Money::new(record.price, record.currency),
            for_sale: record.for_sale,
            backorder: record.backorder,
            untracked: record.untracked,
            shards: record.shards.unwrap_or(1),
            split_at: record.split_at,
            stock,
        }
    }
}

pub(super) fn read_variant(item: Item) -> Result<Variant> {
    from_item::<VariantRecord>(item).map(Variant::from)
}

//! Variants with their price, and their stock.

mod record;
mod stock;
mod variants;

pub(crate) use record::VariantRecord;
pub use stock::{CountOutcome, CountStock, Replaces, SplitOutcome, StockCheck};
pub use variants::{PutVariantOutcome, Shards, VariantDetails};

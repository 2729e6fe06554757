//! Variants with their price, and their stock.

pub(crate) mod change_record;
mod record;
mod stock;
mod variants;

pub(crate) use change_record::StockChangeRecord;
pub(crate) use record::VariantRecord;
pub use stock::{
    ByStaff, CountOutcome, CountStock, ImportOutcome, ImportStock, SplitOutcome, StockCheck,
};
pub use variants::{PutVariantOutcome, Shards, VariantDetails};

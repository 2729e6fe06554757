//! Stock: units on hand, reserved for orders, and available for sale.

mod api;
mod on_record;
mod rules;

pub use api::{SetStockBody, SplitStockBody, StockView};
pub use on_record::{StockChange, StockChangeKind};
pub use rules::{
    HeldUnits, MAX_ON_HAND, MAX_SHARDS, Share, Stock, StockDelta, StockEffect, StockMove, Variant,
};

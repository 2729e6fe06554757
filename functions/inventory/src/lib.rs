//! What the inventory's endpoints share.

use domain::catalog::Sku;

/// Path of a SKU's stock.
#[derive(serde::Deserialize, schemars::JsonSchema)]
pub struct StockPath {
    /// Stock keeping unit.
    pub sku: Sku,
}

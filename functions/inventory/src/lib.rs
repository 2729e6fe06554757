//! Path parameters shared by the inventory endpoints.

use domain::catalog::Sku;

/// Path parameters of a SKU's stock.
#[derive(serde::Deserialize, schemars::JsonSchema)]
pub struct StockPath {
    /// Stock keeping unit.
    pub sku: Sku,
}

//! What the inventory endpoints share: their path, and the author of a change.

use domain::{catalog::Sku, staff::Author};
use runtime::{Endpoint, Request};

/// Path parameters of a SKU's stock.
#[derive(serde::Deserialize, schemars::JsonSchema)]
pub struct StockPath {
    /// Stock keeping unit.
    pub sku: Sku,
}

/// The member of staff who calls, as the author of a change of a stock.
pub fn author<E: Endpoint>(request: &Request<E>) -> Author<'_> {
    Author {
        actor: request.staff(),
        at: request.now,
        cause: request.cause(),
    }
}

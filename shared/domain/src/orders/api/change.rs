//! Bodies of the endpoints that change an order.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::{
    catalog::Sku,
    fault::Rejection,
    money::MAX_PRICE,
    orders::{Fulfil, RequestRefund, Units},
    text::FieldCheck,
};

/// Maximum length of a reason, in characters.
const MAX_REASON: usize = 200;
/// Maximum number of lines of a request: as many as an order has.
const MAX_LINES: usize = crate::cart::MAX_LINES;

/// Body of `POST /v1/orders/{order_id}/cancel` and of its staff counterpart; optional.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CancelOrderBody {
    /// Reason for the cancellation, at most 200 characters.
    #[serde(default)]
    pub reason: Option<String>,
}

/// Number of units of one line.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UnitsBody {
    /// Stock keeping unit.
    pub sku: String,
    /// Number of units, from 1.
    pub quantity: i64,
}

/// Body of `POST /v1/admin/orders/{order_id}/fulfilments`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FulfilOrderBody {
    /// Units to ship; everything that is left if missing.
    #[serde(default)]
    pub lines: Option<Vec<UnitsBody>>,
    /// Name of the carrier, at most 100 characters.
    #[serde(default)]
    pub carrier: Option<String>,
    /// Tracking number of the carrier, at most 100 characters.
    #[serde(default)]
    pub tracking_number: Option<String>,
    /// Tracking page: an https URL of at most 500 characters.
    #[serde(default)]
    pub tracking_url: Option<String>,
}

/// Body of `POST /v1/admin/orders/{order_id}/refunds`. Without `amount` and `lines`, the rest of the
/// captured amount is refunded.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RefundOrderBody {
    /// Amount in minor units of the order's currency; by default the price of the lines.
    #[serde(default)]
    pub amount: Option<i64>,
    /// Units that the refund is for. Unshipped units are restocked.
    #[serde(default)]
    pub lines: Option<Vec<UnitsBody>>,
    /// Whether shipped units were returned and can be sold again.
    #[serde(default)]
    pub restock: bool,
    /// Reason, as shown to the customer; at most 200 characters.
    #[serde(default)]
    pub reason: Option<String>,
}

impl CancelOrderBody {
    /// Validates the reason.
    pub fn parse(self) -> Result<Option<String>, Rejection> {
        let mut check = FieldCheck::default();
        let reason = check.optional_line("reason", self.reason, MAX_REASON);
        check.finish(reason).map_err(Rejection::invalid)
    }
}

impl FulfilOrderBody {
    /// Validates the body and reports all invalid fields at once.
    pub fn parse(self) -> Result<Fulfil, Rejection> {
        let mut check = FieldCheck::default();
        let lines = self.lines.map(|lines| units(&mut check, lines));
        let carrier = check.optional_line("carrier", self.carrier, 100);
        let tracking_number = check.optional_line("tracking_number", self.tracking_number, 100);
        let tracking_url = check.optional_line("tracking_url", self.tracking_url, 500);
        let is_address = |url: &String| {
            url.strip_prefix("https://")
                .is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/'))
                && !url.contains(|c: char| c.is_whitespace() || "<>\"'".contains(c))
        };
        if !tracking_url.iter().all(is_address) && !check.has("tracking_url") {
            check.fault("tracking_url", "invalid", "Must begin with https://.");
        }
        let command = Fulfil {
            lines,
            carrier,
            tracking_number,
            tracking_url,
        };
        check.finish(command).map_err(Rejection::invalid)
    }
}

impl RefundOrderBody {
    /// Validates the body and reports all invalid fields at once.
    pub fn parse(self) -> Result<RequestRefund, Rejection> {
        let mut check = FieldCheck::default();
        if let Some(amount) = self.amount
            && !(1..=MAX_PRICE).contains(&amount)
        {
            let message = format!("Must be from 1 to {MAX_PRICE}, in minor units.");
            check.fault("amount", "out_of_range", message);
        }
        let lines = self.lines.map(|lines| units(&mut check, lines));
        let reason = check.optional_line("reason", self.reason, MAX_REASON);
        let command = RequestRefund {
            amount: self.amount,
            lines,
            restock: self.restock,
            reason,
        };
        check.finish(command).map_err(Rejection::invalid)
    }
}

fn units(check: &mut FieldCheck, lines: Vec<UnitsBody>) -> Vec<Units> {
    if lines.is_empty() || lines.len() > MAX_LINES {
        let message = format!("Must have 1 to {MAX_LINES} lines, or be left out.");
        check.fault("lines", "out_of_range", message);
        return Vec::new();
    }
    let mut units = Vec::with_capacity(lines.len());
    for (index, line) in lines.into_iter().enumerate() {
        let sku = line.sku.parse::<Sku>();
        if sku.is_err() {
            check.fault(&format!("lines[{index}].sku"), "invalid", "Must be a SKU.");
        }
        let quantity = u32::try_from(line.quantity).ok().filter(|units| *units > 0);
        if quantity.is_none() {
            let field = format!("lines[{index}].quantity");
            check.fault(&field, "out_of_range", "Must be 1 or more.");
        }
        if let (Ok(sku), Some(quantity)) = (sku, quantity) {
            units.push(Units { sku, quantity });
        }
    }
    units
}

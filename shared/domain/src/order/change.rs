//! What customers and staff ask of an order, as sent.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{Fulfil, RequestRefund, Units};
use crate::{catalog::Sku, fault::Rejection, money::MAX_PRICE, text::FieldCheck};

/// Longest reason, in characters.
const MAX_REASON: usize = 200;
/// Most lines of a request: as many as an order has.
const MAX_LINES: usize = crate::cart::MAX_LINES;

/// Body of `POST /v1/orders/{order_id}/cancel` and of its staff counterpart; may be left out.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CancelOrderBody {
    /// Why, at most 200 characters.
    #[serde(default)]
    pub reason: Option<String>,
}

/// Units of a line as sent.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UnitsBody {
    /// Stock keeping unit.
    pub sku: String,
    /// How many, from 1.
    pub quantity: i64,
}

/// Body of `POST /v1/admin/orders/{order_id}/fulfilments`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FulfilOrderBody {
    /// What is handed over; everything that is left, if it is not given.
    #[serde(default)]
    pub lines: Option<Vec<UnitsBody>>,
    /// Who carries it, at most 100 characters.
    #[serde(default)]
    pub carrier: Option<String>,
    /// The carrier's number for it, at most 100 characters.
    #[serde(default)]
    pub tracking_number: Option<String>,
    /// Where it can be followed: an https address of at most 500 characters.
    #[serde(default)]
    pub tracking_url: Option<String>,
}

/// Body of `POST /v1/admin/orders/{order_id}/refunds`. Without `amount` and `lines` everything that
/// is left goes back.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RefundOrderBody {
    /// How much, in minor units of the order's currency; what the lines cost, if it is not given.
    #[serde(default)]
    pub amount: Option<i64>,
    /// For which goods. Units that were not shipped go back into stock.
    #[serde(default)]
    pub lines: Option<Vec<UnitsBody>>,
    /// Whether shipped units came back and can be sold again.
    #[serde(default)]
    pub restock: bool,
    /// Why, for the customer; at most 200 characters.
    #[serde(default)]
    pub reason: Option<String>,
}

impl CancelOrderBody {
    /// The reason, if there is one.
    pub fn parse(self) -> Result<Option<String>, Rejection> {
        let mut check = FieldCheck::default();
        let reason = optional(&mut check, "reason", self.reason, MAX_REASON);
        check.finish(reason).map_err(Rejection::invalid)
    }
}

impl FulfilOrderBody {
    /// The command, or all fields at fault at once.
    pub fn parse(self) -> Result<Fulfil, Rejection> {
        let mut check = FieldCheck::default();
        let lines = self.lines.map(|lines| units(&mut check, lines));
        let carrier = optional(&mut check, "carrier", self.carrier, 100);
        let tracking_number = optional(&mut check, "tracking_number", self.tracking_number, 100);
        let tracking_url = optional(&mut check, "tracking_url", self.tracking_url, 500);
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
    /// The command, or all fields at fault at once.
    pub fn parse(self) -> Result<RequestRefund, Rejection> {
        let mut check = FieldCheck::default();
        if let Some(amount) = self.amount
            && !(1..=MAX_PRICE).contains(&amount)
        {
            let message = format!("Must be from 1 to {MAX_PRICE}, in minor units.");
            check.fault("amount", "out_of_range", message);
        }
        let lines = self.lines.map(|lines| units(&mut check, lines));
        let reason = optional(&mut check, "reason", self.reason, MAX_REASON);
        let command = RequestRefund {
            amount: self.amount,
            lines,
            restock: self.restock,
            reason,
        };
        check.finish(command).map_err(Rejection::invalid)
    }
}

/// A text that may be missing; nothing but white space is missing.
fn optional(
    check: &mut FieldCheck,
    field: &str,
    text: Option<String>,
    max: usize,
) -> Option<String> {
    text.filter(|text| !text.trim().is_empty())
        .map(|text| check.line(field, &text, max))
}

fn units(check: &mut FieldCheck, lines: Vec<UnitsBody>) -> Vec<Units> {
    if lines.is_empty() || lines.len() > MAX_LINES {
        let message = format!("Must be 1 to {MAX_LINES} lines, or left out.");
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

//! Bodies of the endpoints that change an order.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::{
    catalog::Sku,
    fault::Rejection,
    money::MAX_PRICE,
    orders::{Fulfil, Goods, GoodsLine, RecordReturn, RequestRefund, Units},
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

/// Body of `POST /v1/orders/{order_id}/claim`: an empty object.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ClaimOrderBody {}

/// Number of units of one line.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UnitsBody {
    /// Stock keeping unit.
    pub sku: String,
    /// Number of units, from 1.
    pub quantity: i64,
}

/// Number of units of one line, and what becomes of their goods.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GoodsLineBody {
    /// Stock keeping unit.
    pub sku: String,
    /// Number of units, from 1.
    pub quantity: i64,
    /// What becomes of the goods. Required if some units of the line are shipped and others are not. By default,
    /// units that are not shipped are `cancelled`, and shipped ones are `returned` in a return and in a
    /// refund with `restock`, otherwise `kept`.
    #[serde(default)]
    pub goods: Option<Goods>,
}

/// Body of `POST /v1/admin/orders/{order_id}/fulfilments`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FulfilOrderBody {
    /// Units to ship; everything that is left if missing. Required after a full refund.
    #[serde(default)]
    pub lines: Option<Vec<UnitsBody>>,
    /// Name of the carrier, at most 100 characters.
    #[serde(default)]
    pub carrier: Option<String>,
    /// Tracking number of the carrier, at most 100 characters.
    #[serde(default)]
    pub tracking_number: Option<String>,
    /// Tracking page: an https URL of at most 500 ASCII characters.
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
    /// Units that the refund is for. Free units are accepted: only their goods change.
    #[serde(default)]
    pub lines: Option<Vec<GoodsLineBody>>,
    /// Whether returned units can be sold again.
    #[serde(default)]
    pub restock: bool,
    /// Reason, as shown to the customer; at most 200 characters.
    #[serde(default)]
    pub reason: Option<String>,
}

/// Body of `POST /v1/admin/orders/{order_id}/returns`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReturnGoodsBody {
    /// Units that came back (`returned`), or that will not be shipped (`cancelled`).
    pub lines: Vec<GoodsLineBody>,
    /// Whether returned units can be sold again. Canceled ones always can.
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
                && url.is_ascii()
                && !url.contains(|c: char| c.is_whitespace() || "<>\"'".contains(c))
        };
        if !tracking_url.iter().all(is_address) && !check.has("tracking_url") {
            let message = "Must begin with https://, in ASCII: percent-encode other characters.";
            check.fault("tracking_url", "invalid", message);
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
        let lines = self.lines.map(|lines| goods_lines(&mut check, lines));
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

impl ReturnGoodsBody {
    /// Validates the body and reports all invalid fields at once.
    pub fn parse(self) -> Result<RecordReturn, Rejection> {
        let mut check = FieldCheck::default();
        let lines = goods_lines(&mut check, self.lines);
        let reason = check.optional_line("reason", self.reason, MAX_REASON);
        let command = RecordReturn {
            lines,
            restock: self.restock,
            reason,
        };
        check.finish(command).map_err(Rejection::invalid)
    }
}

fn units(check: &mut FieldCheck, lines: Vec<UnitsBody>) -> Vec<Units> {
    if !check_count(check, lines.len()) {
        return Vec::new();
    }
    let lines = lines.into_iter().enumerate();
    let lines =
        lines.filter_map(|(index, line)| check_units(check, index, &line.sku, line.quantity));
    lines.collect()
}

fn goods_lines(check: &mut FieldCheck, lines: Vec<GoodsLineBody>) -> Vec<GoodsLine> {
    if !check_count(check, lines.len()) {
        return Vec::new();
    }
    let lines = lines.into_iter().enumerate();
    let lines = lines.filter_map(|(index, line)| {
        let Units { sku, quantity } = check_units(check, index, &line.sku, line.quantity)?;
        Some(GoodsLine {
            sku,
            quantity,
            goods: line.goods,
        })
    });
    lines.collect()
}

fn check_count(check: &mut FieldCheck, count: usize) -> bool {
    let is_valid = (1..=MAX_LINES).contains(&count);
    if !is_valid {
        let message = format!("Must have 1 to {MAX_LINES} lines.");
        check.fault("lines", "out_of_range", message);
    }
    is_valid
}

fn check_units(check: &mut FieldCheck, index: usize, sku: &str, quantity: i64) -> Option<Units> {
    let sku = sku.parse::<Sku>();
    if sku.is_err() {
        check.fault(&format!("lines[{index}].sku"), "invalid", "Must be a SKU.");
    }
    let quantity = u32::try_from(quantity).ok().filter(|units| *units > 0);
    if quantity.is_none() {
        let field = format!("lines[{index}].quantity");
        check.fault(&field, "out_of_range", "Must be 1 or more.");
    }
    Some(Units {
        sku: sku.ok()?,
        quantity: quantity?,
    })
}

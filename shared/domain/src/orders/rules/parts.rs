//! Parts of an order: units, fulfilments, refunds and returns, and the commands that request them.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    catalog::Sku,
    id::{FulfilmentId, RefundId, ReturnId},
};

/// Maximum number of fulfilments, of refunds and of returns of one order: more than it has lines, and small
/// enough for one item.
pub const MAX_PARTS: usize = 60;

/// A number of units of one SKU.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Units {
    /// Stock keeping unit.
    pub sku: Sku,
    /// Number of units.
    pub quantity: u32,
}

/// What becomes of the goods of units that are refunded or returned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Goods {
    /// Shipped units have come back.
    Returned,
    /// Units that were not shipped will not be, and can be sold again.
    Cancelled,
    /// They stay as they are: with the customer, or still to be shipped.
    Kept,
}

/// A number of units of one SKU, and what becomes of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GoodsLine {
    /// Stock keeping unit.
    pub sku: Sku,
    /// Number of units.
    pub quantity: u32,
    /// What becomes of the goods. Missing in refunds that are older than this field; in a command, it follows
    /// from the line if that leaves no choice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub goods: Option<Goods>,
}

impl GoodsLine {
    /// The units alone.
    pub fn units(&self) -> Units {
        Units {
            sku: self.sku.clone(),
            quantity: self.quantity,
        }
    }
}

/// Goods that were handed over to a carrier.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Fulfilment {
    /// Identifier of the fulfilment.
    pub id: FulfilmentId,
    /// Time of the handover.
    #[schemars(with = "String")]
    pub at: Timestamp,
    /// Units in this shipment.
    pub lines: Vec<Units>,
    /// Name of the carrier.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub carrier: Option<String>,
    /// Tracking number of the carrier.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tracking_number: Option<String>,
    /// URL of the tracking page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tracking_url: Option<String>,
}

/// The command of [`Order::fulfilled`](super::Order::fulfilled).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Fulfil {
    /// Units to ship; everything that is left if `None`.
    pub lines: Option<Vec<Units>>,
    /// Name of the carrier.
    pub carrier: Option<String>,
    /// Tracking number of the carrier.
    pub tracking_number: Option<String>,
    /// URL of the tracking page.
    pub tracking_url: Option<String>,
}

/// Progress of a refund.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RefundStatus {
    /// The provider has not confirmed the refund yet.
    Requested,
    /// The provider has confirmed the refund.
    Succeeded,
    /// The provider rejected the refund; the amount can be refunded again. Restocked units stay
    /// restocked.
    Failed,
}

/// A refund of all or part of an order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refund {
    /// Identifier, also used as the provider's idempotency key.
    pub id: RefundId,
    /// Time of the request.
    pub at: Timestamp,
    /// Amount in minor units of the order's currency.
    pub amount: i64,
    /// Units that the refund is for; empty for a refund by amount.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lines: Vec<GoodsLine>,
    /// Reason, as shown to the customer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Progress of the refund.
    pub status: RefundStatus,
}

/// The command of [`Order::refund_requested`](super::Order::refund_requested).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RequestRefund {
    /// Amount in minor units; if `None`, the price of the lines or everything that is left.
    pub amount: Option<i64>,
    /// Units that the refund is for.
    pub lines: Option<Vec<GoodsLine>>,
    /// Whether returned units can be sold again.
    pub restock: bool,
    /// Reason, as shown to the customer.
    pub reason: Option<String>,
}

/// Goods that came back, or that will not be shipped. A return moves no money.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Return {
    /// Identifier of the return.
    pub id: ReturnId,
    /// Time at which it was recorded.
    #[schemars(with = "String")]
    pub at: Timestamp,
    /// Units, and what became of them.
    pub lines: Vec<GoodsLine>,
    /// Whether the returned units can be sold again.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub restock: bool,
    /// Reason, as shown to the customer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// The command of [`Order::goods_returned`](super::Order::goods_returned).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RecordReturn {
    /// Units that came back or will not be shipped.
    pub lines: Vec<GoodsLine>,
    /// Whether returned units can be sold again.
    pub restock: bool,
    /// Reason, as shown to the customer.
    pub reason: Option<String>,
}

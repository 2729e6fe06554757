//! History of an order: who changed it, when and how.

use std::fmt;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::id::{FulfilmentId, RefundId, ReturnId};

/// The originator of a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Actor {
    /// The holder of the order's access token, or the person whose account the order has.
    Customer,
    /// A staff member, by the subject of their token.
    Staff(String),
    /// The shop itself, such as a consumer or the sweep.
    Shop,
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Customer => f.write_str("customer"),
            Self::Staff(subject) => write!(f, "staff:{subject}"),
            Self::Shop => f.write_str("shop"),
        }
    }
}

impl Serialize for Actor {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Actor {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        match (text.as_str(), text.strip_prefix("staff:")) {
            ("customer", _) => Ok(Self::Customer),
            ("shop", _) => Ok(Self::Shop),
            (_, Some(subject)) => Ok(Self::Staff(subject.to_owned())),
            _ => Err(serde::de::Error::custom(
                "expected customer, shop or staff:<subject>",
            )),
        }
    }
}

/// Kind of change of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OrderEventKind {
    /// The customer has to confirm the payment with the provider.
    PaymentActionRequired,
    /// The payment is authorized: the provider holds the money.
    PaymentAuthorised,
    /// The payment is captured.
    Paid,
    /// The payment failed; the stock was released.
    PaymentFailed,
    /// The order was not paid in time; the stock was released.
    Expired,
    /// The customer is told that nothing was charged: a payment that arrives later is returned.
    UnpaidNotice,
    /// The order was canceled; the stock was released, the payment is voided or refunded.
    Cancelled,
    /// Goods were handed over to a carrier.
    Fulfilled,
    /// Goods came back, or will not be shipped.
    Returned,
    /// A guest's order became that of an account.
    Claimed,
    /// A refund was requested.
    RefundRequested,
    /// A refund succeeded.
    Refunded,
    /// The provider rejected a refund; staff must look at it.
    RefundFailed,
}

impl OrderEventKind {
    /// The kind of change as sent to clients.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::PaymentActionRequired => "payment_action_required",
            Self::PaymentAuthorised => "payment_authorised",
            Self::Paid => "paid",
            Self::PaymentFailed => "payment_failed",
            Self::Expired => "expired",
            Self::UnpaidNotice => "unpaid_notice",
            Self::Cancelled => "cancelled",
            Self::Fulfilled => "fulfilled",
            Self::Returned => "returned",
            Self::Claimed => "claimed",
            Self::RefundRequested => "refund_requested",
            Self::Refunded => "refunded",
            Self::RefundFailed => "refund_failed",
        }
    }
}

/// One entry of an order's history.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HistoryEntry {
    /// Time of the change.
    pub at: Timestamp,
    /// Originator of the change.
    pub by: Actor,
    /// Kind of change.
    pub what: OrderEventKind,
    /// Reason in the originator's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The fulfilment that the change concerns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fulfilment_id: Option<FulfilmentId>,
    /// The refund that the change concerns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refund_id: Option<RefundId>,
    /// The return that the change concerns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub return_id: Option<ReturnId>,
}

//! The parts of Stripe's objects that the shop reads.

use serde::Deserialize;

#[derive(Default, Deserialize)]
pub(super) struct StripeErrorBody {
    #[serde(default)]
    pub(super) error: StripeErrorDetail,
}

#[derive(Default, Deserialize)]
pub(super) struct StripeErrorDetail {
    #[serde(rename = "type")]
    pub(super) kind: Option<String>,
    pub(super) code: Option<String>,
    pub(super) decline_code: Option<String>,
    pub(super) message: Option<String>,
}

/// The fields of a PaymentIntent that the shop needs. Extensible enums are text, so that a new value is
/// not an error.
#[derive(Deserialize)]
pub(super) struct Intent {
    pub(super) id: String,
    pub(super) amount: i64,
    #[serde(default)]
    pub(super) amount_received: i64,
    pub(super) currency: String,
    pub(super) status: String,
    pub(super) client_secret: Option<String>,
    #[serde(default)]
    pub(super) metadata: Option<Metadata>,
    pub(super) latest_charge: Option<Charge>,
    pub(super) last_payment_error: Option<StripeErrorDetail>,
}

#[derive(Default, Deserialize)]
pub(super) struct Metadata {
    pub(super) order_id: Option<String>,
    pub(super) refund_id: Option<String>,
}

/// One page of a list or of a search.
#[derive(Deserialize)]
pub(super) struct List<T> {
    pub(super) data: Vec<T>,
    #[serde(default)]
    pub(super) has_more: bool,
}

/// A charge, if it was expanded; otherwise only its id.
#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum Charge {
    Expanded { amount: i64, amount_refunded: i64 },
    Named(#[expect(dead_code, reason = "says what else may be there")] String),
}

#[derive(Deserialize)]
pub(super) struct RefundAnswer {
    pub(super) id: String,
    pub(super) status: Option<String>,
    pub(super) failure_reason: Option<String>,
    #[serde(default)]
    pub(super) metadata: Option<Metadata>,
}

#[derive(Deserialize)]
pub(super) struct Event {
    pub(super) id: String,
    #[serde(rename = "type")]
    pub(super) kind: String,
    pub(super) created: i64,
    pub(super) data: EventData,
}

#[derive(Deserialize)]
pub(super) struct EventData {
    pub(super) object: EventObject,
}

/// A PaymentIntent, or an object that belongs to one: a charge, a refund, a dispute.
#[derive(Deserialize)]
pub(super) struct EventObject {
    pub(super) id: Option<String>,
    pub(super) object: Option<String>,
    pub(super) payment_intent: Option<Named>,
    pub(super) metadata: Option<Metadata>,
}

#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum Named {
    Name(String),
    Expanded { id: String },
}

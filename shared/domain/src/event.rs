//! What happened, in the past tense. The table's stream is the outbox: `relay-events` reads the
//! change, makes the event and sends it to every queue that asked for its type.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{catalog::Sku, id::OrderId, order::What, payment::Provider};

/// An event with what every event carries. Events name things; consumers read them afresh.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Envelope {
    /// The same for every delivery of the same event: consumers key their effect by it.
    pub event_id: String,
    /// When it happened.
    pub occurred_at: Timestamp,
    /// Identifier of the request it came from, to follow it across functions.
    pub trace_id: String,
    /// How often a consumer had failed at it when it put it back for later.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub attempts: u32,
    /// What happened.
    #[serde(flatten)]
    pub event: Event,
}

impl Envelope {
    /// The same, to be put back for later by the consumer that was handed it `attempt` times: waiting
    /// is not failing, and does not make failures forgotten.
    pub fn put_back(&self, attempt: u32) -> Self {
        let mut again = self.clone();
        again.attempts += attempt.saturating_sub(1);
        again
    }
}

fn is_zero(attempts: &u32) -> bool {
    *attempts == 0
}

/// Everything that can happen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Event {
    /// An order was placed; its stock is reserved, its payment due.
    OrderPlaced {
        /// Which.
        order_id: OrderId,
        /// Until when it has to be paid.
        due_at: Timestamp,
    },
    /// Something else happened to an order.
    OrderChanged {
        /// Which.
        order_id: OrderId,
        /// Its version since.
        version: u64,
        /// What happened.
        what: What,
    },
    /// A payment provider told us of something.
    ProviderEventReceived {
        /// Which provider.
        provider: Provider,
        /// Its name for the event.
        provider_event_id: String,
    },
    /// The last unit of a variant was promised, or a sold-out variant came back.
    AvailabilityChanged {
        /// Which.
        sku: Sku,
        /// Slug of its product.
        product_slug: String,
    },
}

/// Who asks to be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Subscriber {
    /// Charges orders.
    CapturePayment,
    /// Ends orders that were not paid in time; told when that time has come.
    ExpireOrder,
    /// Gives money back.
    RefundPayment,
    /// Does what a provider's events call for.
    HandlePaymentEvent,
    /// Writes to customers.
    SendEmail,
    /// Makes invoices and credit notes.
    RenderInvoice,
    /// Keeps the catalogue's pages true.
    RefreshAvailability,
}

impl Event {
    /// The queues it goes to.
    pub const fn subscribers(&self) -> &'static [Subscriber] {
        match self {
            Self::OrderPlaced { .. } => &[Subscriber::CapturePayment, Subscriber::ExpireOrder],
            Self::OrderChanged { what, .. } => match what {
                What::PaymentActionRequired | What::PaymentAuthorised | What::RefundFailed => &[],
                What::Paid | What::Refunded => &[Subscriber::SendEmail, Subscriber::RenderInvoice],
                What::Fulfilled => &[Subscriber::SendEmail],
                What::PaymentFailed | What::Expired | What::Cancelled => {
                    &[Subscriber::RefundPayment, Subscriber::SendEmail]
                }
                What::RefundRequested => &[Subscriber::RefundPayment],
            },
            Self::ProviderEventReceived { .. } => &[Subscriber::HandlePaymentEvent],
            Self::AvailabilityChanged { .. } => &[Subscriber::RefreshAvailability],
        }
    }
}

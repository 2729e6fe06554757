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
    /// How often a consumer had failed at it when it was last requeued.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub attempts: u32,
    /// How often a consumer sent it to its own queue again, at most [`MAX_REQUEUES`] times.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub requeues: u32,
    /// What happened.
    #[serde(flatten)]
    pub event: Event,
}

/// How often a message may be requeued. Lambda stops a message that a function sends to its own queue
/// after about 16 deliveries; with the first delivery this is 11, and a test and `xtask tidy` count them.
pub const MAX_REQUEUES: u32 = 10;

impl Envelope {
    /// The same as a new message, for the consumer that was handed this one `attempt` times: waiting
    /// is not failing, and does not make failures forgotten. `None` when it was requeued
    /// [`MAX_REQUEUES`] times.
    pub fn requeue(&self, attempt: u32) -> Option<Self> {
        if self.requeues >= MAX_REQUEUES {
            return None;
        }
        let mut again = self.clone();
        again.attempts += attempt.saturating_sub(1);
        again.requeues += 1;
        Some(again)
    }
}

fn is_zero(count: &u32) -> bool {
    *count == 0
}

/// Everything that can happen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Event {
    /// An order was placed; its stock is reserved, its payment due.
    OrderPlaced {
        /// Which.
        order_id: OrderId,
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
            Self::OrderPlaced { .. } => &[Subscriber::CapturePayment],
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

#[cfg(test)]
mod tests {
    use super::*;

    fn placed() -> Envelope {
        Envelope {
            event_id: "ord_X.1".to_owned(),
            occurred_at: Timestamp::UNIX_EPOCH,
            trace_id: "t".to_owned(),
            attempts: 0,
            requeues: 0,
            event: Event::OrderPlaced {
                order_id: OrderId::random([1; 16]),
            },
        }
    }

    #[test]
    fn a_message_is_requeued_so_often_and_no_further() {
        let mut message = placed();
        for requeues in 1..=MAX_REQUEUES {
            message = message.requeue(1).unwrap();
            assert_eq!((message.requeues, message.attempts), (requeues, 0));
        }
        assert_eq!(message.requeue(1), None);
    }

    #[test]
    fn failures_before_a_requeue_are_remembered() {
        // Handed out three times: it failed twice, and the third time it has to wait.
        let again = placed().requeue(3).unwrap();
        assert_eq!((again.attempts, again.requeues), (2, 1));
        assert_eq!(again.requeue(2).unwrap().attempts, 3);
    }

    #[test]
    fn a_message_from_before_requeues_were_counted_is_read() {
        let text = serde_json::to_string(&placed()).unwrap();
        assert!(
            !text.contains("requeues") && !text.contains("attempts"),
            "{text}"
        );
        let older = text.replace("\"type\":", "\"due_at\":\"2026-11-22T10:15:00Z\",\"type\":");
        assert_eq!(serde_json::from_str::<Envelope>(&older).unwrap(), placed());
    }
}

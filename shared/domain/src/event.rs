//! Domain events, in the past tense. The table's stream is the outbox: `relay-events` turns each change
//! into an event and sends it to the queues of its subscribers.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{catalog::Sku, id::OrderId, orders::OrderEventKind, payments::Provider};

/// An event with its metadata. Events carry ids only; consumers read the current state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Envelope {
    /// Identical for all deliveries of an event: consumers use it as their idempotency key.
    pub event_id: String,
    /// Time of the change in the table.
    pub occurred_at: Timestamp,
    /// Request id of the request that caused it, for correlation across functions.
    pub trace_id: String,
    /// Deliveries to the consumer before the one that last requeued the message. They may have failed anywhere,
    /// also before they reached the consumer, so nothing is given up by their number.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub attempts: u32,
    /// How often a consumer has requeued the message, at most [`MAX_REQUEUES`] times.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub requeues: u32,
    /// The event itself.
    #[serde(flatten)]
    pub event: Event,
}

/// A message that may name the request that caused it. Log lines about the message carry that id.
pub trait Correlated {
    /// Id of the request, or `None` if the message does not name one.
    fn request_id(&self) -> Option<&str>;
}

impl Correlated for Envelope {
    fn request_id(&self) -> Option<&str> {
        Some(&self.trace_id)
    }
}

/// Limit of requeues. Lambda's loop detection stops a message that a function sends to its own queue
/// after about 16 deliveries; with the first delivery this is 11. A test and `xtask tidy` check it.
pub const MAX_REQUEUES: u32 = 10;

impl Envelope {
    /// Copies the envelope for a requeue by a consumer that has received it `attempt` times. Waiting
    /// does not count as a failure, and earlier failures are kept. `None` after [`MAX_REQUEUES`]
    /// requeues.
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

/// All events of the shop.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Event {
    /// An order was placed: its stock is reserved, its payment is due.
    OrderPlaced {
        /// The new order.
        order_id: OrderId,
    },
    /// An order changed after it was placed.
    OrderChanged {
        /// The changed order.
        order_id: OrderId,
        /// Version of the order after the change.
        version: u64,
        /// Kind of change.
        what: OrderEventKind,
    },
    /// A payment provider sent a webhook event.
    ProviderEventReceived {
        /// The provider that sent it.
        provider: Provider,
        /// The provider's id of the event.
        provider_event_id: String,
    },
    /// The last unit of a variant was reserved, or a sold-out variant is back in stock.
    AvailabilityChanged {
        /// SKU of the variant.
        sku: Sku,
        /// Slug of its product.
        product_slug: String,
    },
}

/// Consumers that events are sent to, one queue each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Subscriber {
    /// Authorizes and captures payments.
    CapturePayment,
    /// Refunds and voids payments.
    RefundPayment,
    /// Handles webhook events of payment providers.
    HandlePaymentEvent,
    /// Sends emails to customers.
    SendEmail,
    /// Issues invoices and credit notes.
    RenderInvoice,
    /// Updates availability in the catalog.
    RefreshAvailability,
}

impl Event {
    /// The consumers that receive the event.
    pub const fn subscribers(&self) -> &'static [Subscriber] {
        match self {
            Self::OrderPlaced { .. } => &[Subscriber::CapturePayment],
            Self::OrderChanged { what, .. } => match what {
                OrderEventKind::PaymentActionRequired
                | OrderEventKind::PaymentAuthorised
                | OrderEventKind::UnpaidNotice
                | OrderEventKind::Returned
                | OrderEventKind::RefundFailed => &[],
                OrderEventKind::Paid | OrderEventKind::Refunded => {
                    &[Subscriber::SendEmail, Subscriber::RenderInvoice]
                }
                OrderEventKind::Fulfilled => &[Subscriber::SendEmail],
                OrderEventKind::PaymentFailed
                | OrderEventKind::Expired
                | OrderEventKind::Cancelled => &[Subscriber::RefundPayment, Subscriber::SendEmail],
                OrderEventKind::RefundRequested => &[Subscriber::RefundPayment],
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
        // Delivered three times: two failures, and a third delivery that has to wait.
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

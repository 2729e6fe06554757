//! What happened, in the past tense. The table's stream is the outbox: `relay-events` reads the
//! change, makes the event and sends it to every queue that asked for its type.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{catalog::Sku, id::OrderId, order::OrderStatus};

/// An event with what every event carries. Events name things; consumers read them afresh.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Envelope {
    /// The same for every delivery of the same event: consumers key their effect by it.
    pub event_id: String,
    /// When it happened.
    pub occurred_at: Timestamp,
    /// Identifier of the request it came from, to follow it across functions.
    pub trace_id: String,
    /// What happened.
    #[serde(flatten)]
    pub event: Event,
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
    /// An order was paid.
    OrderPaid {
        /// Which.
        order_id: OrderId,
    },
    /// The payment of an order failed; its stock was released.
    OrderPaymentFailed {
        /// Which.
        order_id: OrderId,
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Subscriber {
    /// Charges orders.
    CapturePayment,
    /// Writes to customers.
    SendEmail,
    /// Keeps the catalogue's pages true.
    RefreshAvailability,
}

impl Event {
    /// The event that an order's arrival at `status` is.
    pub fn of_order(order_id: OrderId, status: OrderStatus) -> Self {
        match status {
            OrderStatus::PendingPayment => Self::OrderPlaced { order_id },
            OrderStatus::Paid => Self::OrderPaid { order_id },
            OrderStatus::PaymentFailed => Self::OrderPaymentFailed { order_id },
        }
    }

    /// The queues it goes to.
    pub const fn subscribers(&self) -> &'static [Subscriber] {
        match self {
            Self::OrderPlaced { .. } => &[Subscriber::CapturePayment],
            Self::OrderPaid { .. } => &[Subscriber::SendEmail],
            // Mails for failed payments come with the notification templates.
            Self::OrderPaymentFailed { .. } => &[],
            Self::AvailabilityChanged { .. } => &[Subscriber::RefreshAvailability],
        }
    }
}

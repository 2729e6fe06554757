//! Status of an order: derived from the state of the payment, the goods and the order as a whole.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Order;
use crate::payments::PaymentStatus;

/// Why an order ended without a sale.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CloseReason {
    /// The payment failed for good.
    PaymentFailed,
    /// The order was not paid in time.
    Expired,
    /// The customer or staff canceled the order.
    Cancelled,
}

/// Status of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OrderStatus {
    /// The stock is reserved, the payment is due.
    PendingPayment,
    /// The payment is captured; nothing is shipped yet.
    Paid,
    /// Part of the order was shipped.
    PartiallyFulfilled,
    /// The whole order was shipped.
    Fulfilled,
    /// The payment failed; the stock was released.
    PaymentFailed,
    /// The order was not paid in time; the stock was released.
    Expired,
    /// The order was canceled; the stock was released, the payment is voided or refunded.
    Cancelled,
    /// Part of the captured amount was refunded.
    PartiallyRefunded,
    /// The captured amount was refunded in full.
    Refunded,
}

impl OrderStatus {
    /// Every status.
    pub const ALL: [Self; 9] = [
        Self::PendingPayment,
        Self::Paid,
        Self::PartiallyFulfilled,
        Self::Fulfilled,
        Self::PaymentFailed,
        Self::Expired,
        Self::Cancelled,
        Self::PartiallyRefunded,
        Self::Refunded,
    ];

    /// The status as sent to clients.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::PendingPayment => "pending_payment",
            Self::Paid => "paid",
            Self::PartiallyFulfilled => "partially_fulfilled",
            Self::Fulfilled => "fulfilled",
            Self::PaymentFailed => "payment_failed",
            Self::Expired => "expired",
            Self::Cancelled => "cancelled",
            Self::PartiallyRefunded => "partially_refunded",
            Self::Refunded => "refunded",
        }
    }
}

impl Order {
    /// The status, derived from payment, goods and closing reason.
    pub fn status(&self) -> OrderStatus {
        match self.closed {
            Some(CloseReason::PaymentFailed) => return OrderStatus::PaymentFailed,
            Some(CloseReason::Expired) => return OrderStatus::Expired,
            Some(CloseReason::Cancelled) => return OrderStatus::Cancelled,
            None => {}
        }
        match self.payment.status {
            PaymentStatus::Pending | PaymentStatus::RequiresAction | PaymentStatus::Authorised => {
                OrderStatus::PendingPayment
            }
            // Unreachable: these payment states always come with a closing reason.
            PaymentStatus::Failed | PaymentStatus::Voided => OrderStatus::PaymentFailed,
            PaymentStatus::Refunded => OrderStatus::Refunded,
            PaymentStatus::PartiallyRefunded => OrderStatus::PartiallyRefunded,
            PaymentStatus::Captured => {
                let shipped = self.lines.iter().any(|line| line.fulfilled > 0);
                let open = self.lines.iter().any(|line| line.to_fulfil() > 0);
                match (shipped, open) {
                    (true, false) => OrderStatus::Fulfilled,
                    (true, true) => OrderStatus::PartiallyFulfilled,
                    (false, _) => OrderStatus::Paid,
                }
            }
        }
    }
}

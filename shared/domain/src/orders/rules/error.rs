//! Reasons why an order cannot be changed.

use jiff::Timestamp;

use super::{MAX_PARTS, OrderStatus};
use crate::{
    fault::{Code, FieldFault, Rejection},
    money::Money,
    payments::UnpayableAmount,
};

/// Why an order cannot be changed. Nothing was changed.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum ChangeError {
    /// The change has been made before, for example by an earlier delivery of the same message.
    #[error("the change has already been made")]
    AlreadyDone,
    /// The order's status does not allow the change.
    #[error("the order's status {0:?} does not allow the change")]
    WrongStatus(OrderStatus),
    /// A capture of the payment is in progress.
    #[error("a capture of the payment is in progress")]
    PaymentInProgress,
    /// The payment is not overdue yet.
    #[error("the reservation is valid until {0}")]
    NotDue(Timestamp),
    /// Part of the order has been shipped.
    #[error("part of the order has been shipped")]
    AlreadyShipped,
    /// The order was refunded in full, and the units to ship are not named.
    #[error("the order was refunded in full, and the units to ship are not named")]
    Refunded,
    /// Lines that are not in the order, named twice, or exceed the remaining units.
    #[error("{} line(s) are not valid", .0.len())]
    Lines(Vec<FieldFault>),
    /// The refund exceeds the refundable amount.
    #[error("only {left} of the captured amount is refundable")]
    AboveCaptured {
        /// Refundable amount.
        left: Money,
    },
    /// The payment's provider cannot refund this amount.
    #[error(transparent)]
    Unpayable(#[from] UnpayableAmount),
    /// Nothing is left to ship, refund or pay for.
    #[error("the order has nothing left for this change")]
    NothingLeft,
    /// The order has [`MAX_PARTS`] fulfilments, refunds or returns.
    #[error("an order has at most {MAX_PARTS} fulfilments, and as many refunds and returns")]
    TooMany,
}

impl From<ChangeError> for Rejection {
    fn from(error: ChangeError) -> Self {
        match error {
            ChangeError::AlreadyDone => {
                Self::new(Code::OrderStatus, "This change has already been made.")
            }
            ChangeError::WrongStatus(status) => Self::new(
                Code::OrderStatus,
                format!(
                    "The order's status is {}, which does not allow this change.",
                    status.as_str()
                ),
            ),
            ChangeError::PaymentInProgress => Self::new(
                Code::PaymentInProgress,
                "A capture of the payment is in progress; try again in a few seconds.",
            ),
            ChangeError::NotDue(due) => Self::new(
                Code::OrderStatus,
                format!("The order can still be paid until {due}; try again after that."),
            ),
            ChangeError::AlreadyShipped => Self::new(
                Code::OrderShipped,
                "Part of the order has been shipped; refund the rest instead.",
            ),
            ChangeError::Refunded => Self::new(
                Code::OrderRefunded,
                "The order was refunded in full; name the units to ship them nevertheless, or record with a \
                 return that they will not be shipped.",
            ),
            ChangeError::Lines(faults) => Self::invalid(faults),
            ChangeError::AboveCaptured { left } => Self::of_fields(
                Code::RefundTooHigh,
                format!(
                    "The refund exceeds the refundable amount of {left}; goods alone are recorded with a return."
                ),
                vec![FieldFault::new(
                    "amount",
                    "above_captured",
                    format!("Must be at most {} ({left}).", left.amount),
                )],
            ),
            ChangeError::Unpayable(error) => Self::invalid(vec![FieldFault::new(
                "amount",
                "invalid",
                format!("Cannot be refunded: {error}."),
            )]),
            ChangeError::NothingLeft => Self::new(
                Code::OrderStatus,
                "Nothing is left to ship, refund or return.",
            ),
            ChangeError::TooMany => Self::new(
                Code::OrderStatus,
                format!(
                    "An order takes at most {MAX_PARTS} fulfilments, {MAX_PARTS} refunds and {MAX_PARTS} returns."
                ),
            ),
        }
    }
}

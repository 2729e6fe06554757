//! Decides which changes of an order call for an email.

use crate::orders::{CloseReason, HistoryEntry, Order, OrderEventKind, Refund};

/// A change of an order of which its customer is notified.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Notice<'a> {
    /// The payment is captured.
    Confirmation,
    /// The payment failed for good.
    PaymentFailed,
    /// The order was not paid in time.
    Expired,
    /// Goods were handed over to a carrier: index of the fulfilment.
    Shipped(usize),
    /// A refund succeeded.
    Refunded(&'a Refund),
    /// The order was canceled by this change.
    Cancelled(&'a HistoryEntry),
}

impl<'a> Notice<'a> {
    /// The notice for a change of an order, if the change calls for one. None is due about a failed or
    /// missing payment that succeeded later, as the later change has a notice of its own.
    pub(crate) fn of(order: &'a Order, change: &'a HistoryEntry) -> Option<Self> {
        match change.what {
            OrderEventKind::Paid => Some(Self::Confirmation),
            OrderEventKind::PaymentFailed => {
                let still = order.closed == Some(CloseReason::PaymentFailed) && !order.took_money();
                still.then_some(Self::PaymentFailed)
            }
            OrderEventKind::Expired => {
                let still = order.closed == Some(CloseReason::Expired) && !order.took_money();
                still.then_some(Self::Expired)
            }
            OrderEventKind::Fulfilled => {
                let id = change.fulfilment_id;
                let index = order.fulfilments.iter().position(|f| Some(f.id) == id);
                index.map(Self::Shipped)
            }
            OrderEventKind::Refunded => refund_of(order, change).map(Self::Refunded),
            OrderEventKind::Cancelled => Some(Self::Cancelled(change)),
            OrderEventKind::PaymentActionRequired
            | OrderEventKind::PaymentAuthorised
            | OrderEventKind::UnpaidNotice
            | OrderEventKind::Returned
            | OrderEventKind::Claimed
            | OrderEventKind::RefundRequested
            | OrderEventKind::RefundFailed => None,
        }
    }
}

/// Whether the email of a change tells the customer that nothing was charged although a payment may still arrive.
/// The order has to record that first ([`Order::unpaid_notice`]).
pub fn denies_charge(order: &Order, change: &HistoryEntry) -> bool {
    matches!(
        Notice::of(order, change),
        Some(Notice::PaymentFailed | Notice::Expired)
    )
}

/// The refund that a change of an order concerns.
pub(crate) fn refund_of<'a>(order: &'a Order, change: &HistoryEntry) -> Option<&'a Refund> {
    let id = change.refund_id?;
    order.refunds.iter().find(|refund| refund.id == id)
}

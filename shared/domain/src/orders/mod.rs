//! Orders: placed together with their reservation in one transaction, then paid, shipped and possibly
//! refunded (see [`Order::status`] and the changes beside it).

mod api;
mod rules;

pub use api::{
    AddressBody, CancelOrderBody, FulfilOrderBody, HistoryView, OrderLineView, OrderView,
    PaymentBody, PaymentView, PlaceOrderBody, RefundOrderBody, RefundView, StaffOrderView,
    UnitsBody,
};
#[cfg(test)]
pub(crate) use rules::placed;
pub use rules::{
    Actor, Address, ChangeError, CloseReason, Excess, Fulfil, Fulfilment, HistoryEntry, Holder,
    MAX_PARTS, Order, OrderEventKind, OrderLine, OrderStatus, Payment, PaymentWindow, PlaceOrder,
    PlaceOrderError, PricingContext, Refund, RefundStatus, RequestRefund, Shortage, Transition,
    UnitLimits, Units, UnpaidLimit, UnpaidLimits, is_recount_due, order_id, place_order,
    still_counts, too_many_units,
};

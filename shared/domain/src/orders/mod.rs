//! Orders: placed together with their reservation in one transaction, then paid, shipped and possibly
//! refunded (see [`Order::status`] and the changes beside it).

mod api;
mod rules;

pub use api::{
    AddressBody, CancelOrderBody, CountriesView, CountryView, FulfilOrderBody, HistoryView,
    OrderLineView, OrderView, PaymentBody, PaymentView, PlaceOrderBody, RefundOrderBody,
    RefundView, StaffOrderView, UnitsBody,
};
#[cfg(test)]
pub(crate) use rules::placed;
pub use rules::{
    Actor, Address, AddressField, ChangeError, CloseReason, Country, Fulfil, Fulfilment,
    HistoryEntry, MAX_PARTS, Order, OrderEventKind, OrderLine, OrderStatus, Payment, PlaceOrder,
    PlaceOrderError, PricingContext, Refund, RefundStatus, RequestRefund, Shortage, Transition,
    Units, order_id, place_order,
};

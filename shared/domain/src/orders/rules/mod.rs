//! Rules of an order: how it is placed, and every later change.

mod country;
mod error;
mod history;
mod life;
mod limits;
mod list;
mod order;
mod owner;
mod parts;
mod place;
mod status;

pub use country::{AddressField, Country};
pub use error::ChangeError;
pub use history::{Actor, HistoryEntry, OrderEventKind};
pub use life::Transition;
pub use limits::{
    Excess, Holder, PaymentWindow, UnitLimits, UnpaidLimit, UnpaidLimits, is_recount_due,
    still_counts, too_many_units,
};
pub use list::{
    Customer, CustomerHash, ListOrders, MAX_CUSTOMER_ORDERS, MAX_ORDERS_PAGE, OrderEntry,
    OrderList, OrderNumber,
};
pub use order::{Address, Order, OrderLine, Payment};
pub use owner::ClaimOrderError;
#[cfg(test)]
pub(crate) use owner::tests::account;
pub use parts::{
    Fulfil, Fulfilment, Goods, GoodsLine, MAX_PARTS, RecordReturn, Refund, RefundStatus,
    RequestRefund, Return, Units,
};
#[cfg(test)]
pub(crate) use place::tests::placed;
pub use place::{
    MAX_TITLE_BYTES, PlaceOrder, PlaceOrderError, PricingContext, Shortage, order_id, place_order,
};
pub use status::{CloseReason, OrderStatus};

//! Rules of an order: how it is placed, and every later change.

mod country;
mod error;
mod history;
mod life;
mod order;
mod parts;
mod place;
mod status;

pub use country::{AddressField, Country};
pub use error::ChangeError;
pub use history::{Actor, HistoryEntry, OrderEventKind};
pub use life::Transition;
pub use order::{Address, Order, OrderLine, Payment};
pub use parts::{Fulfil, Fulfilment, MAX_PARTS, Refund, RefundStatus, RequestRefund, Units};
#[cfg(test)]
pub(crate) use place::tests::placed;
pub use place::{PlaceOrder, PlaceOrderError, PricingContext, Shortage, order_id, place_order};
pub use status::{CloseReason, OrderStatus};

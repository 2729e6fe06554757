//! Bodies and views of the orders' endpoints.

mod change;
mod country;
mod list;
mod place;
mod view;

pub use change::{
    CancelOrderBody, ClaimOrderBody, FulfilOrderBody, GoodsLineBody, RefundOrderBody,
    ReturnGoodsBody, UnitsBody,
};
pub use country::{CountriesView, CountryView};
pub use list::{
    CustomerPage, CustomerView, ListCustomersQuery, ListOrdersQuery, MyOrderPage, MyOrderSummary,
    OrderPage, OrderSummary,
};
pub use place::{AddressBody, PaymentBody, PlaceOrderBody};
pub use view::{HistoryView, OrderLineView, OrderView, PaymentView, RefundView, StaffOrderView};

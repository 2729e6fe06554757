//! Orders: placed together with their reservation in one transaction, then paid, shipped and possibly
//! refunded (see [`Order::status`] and the changes beside it).

mod api;
mod rules;

pub use api::{
    AddressBody, CancelOrderBody, ClaimOrderBody, CountriesView, CountryView, CustomerPage,
    CustomerView, FulfilOrderBody, GoodsLineBody, HistoryView, ListCustomersQuery, ListOrdersQuery,
    MyOrderPage, MyOrderSummary, OrderLineView, OrderPage, OrderSummary, OrderView, PaymentBody,
    PaymentView, PlaceOrderBody, RefundOrderBody, RefundView, ReturnGoodsBody, StaffOrderView,
    UnitsBody,
};
pub use rules::{
    Actor, Address, AddressField, ChangeError, ClaimOrderError, CloseReason, Country, Customer,
    CustomerHash, Excess, Fulfil, Fulfilment, Goods, GoodsLine, HistoryEntry, Holder, ListOrders,
    MAX_CUSTOMER_ORDERS, MAX_ORDERS_PAGE, MAX_PARTS, MAX_TITLE_BYTES, Order, OrderEntry,
    OrderEventKind, OrderLine, OrderList, OrderNumber, OrderStatus, Payment, PaymentWindow,
    PlaceOrder, PlaceOrderError, PricingContext, RecordReturn, Refund, RefundStatus, RequestRefund,
    Return, Shortage, Transition, UnitLimits, Units, UnpaidLimit, UnpaidLimits, is_recount_due,
    order_id, place_order, still_counts, too_many_units,
};
#[cfg(test)]
pub(crate) use rules::{account, placed};

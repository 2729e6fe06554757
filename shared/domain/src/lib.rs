//! Business rules of the shop: validation of orders, the format of product files, reservation of stock.
//! No I/O and no clock: time and randomness are inputs.
//!
//! One folder per context, with its rules (`rules`) apart from the bodies and views of its endpoints
//! (`api`). A use case is a function with an imperative name (`place_order`); its input is a command
//! (`PlaceOrder`), its errors one enum that converts into a [`fault::Rejection`].

pub mod audit;
pub mod cart;
pub mod catalog;
pub mod change;
pub mod customers;
pub mod documents;
pub mod event;
pub mod fault;
pub mod id;
pub mod idempotency;
pub mod identity;
pub mod inventory;
pub mod invoices;
pub mod jobs;
pub mod limits;
pub mod money;
pub mod notifications;
pub mod orders;
pub mod page;
pub mod payments;
pub mod retry;
pub mod settings;
pub mod staff;
pub mod text;
pub mod trace;
pub mod wire;

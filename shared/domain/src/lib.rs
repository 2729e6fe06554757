//! The rules of the shop: what a valid order is, what a product file means, when stock may be
//! promised. Nothing here performs I/O or reads a clock; time and randomness are inputs.
//!
//! One module per context. A use case is a function named by an imperative (`place_order`), its
//! input a command (`PlaceOrder`), its failures one enum that converts into a [`fault::Rejection`].

pub mod breaker;
pub mod cart;
pub mod catalog;
pub mod email;
pub mod event;
pub mod fault;
pub mod id;
pub mod idempotency;
pub mod import;
pub mod inventory;
pub mod invoice;
pub mod money;
pub mod order;
pub mod payment;
pub mod retry;
pub mod text;
pub mod wire;

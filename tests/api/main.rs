//! Tests of every endpoint through the HTTP API.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on says why and fails"
)]

mod audit;
mod audit_verification;
mod bad_input;
mod carts;
mod edge;
mod forms;
mod holds;
mod limits;
mod order_lists;
mod orders;
mod products;
mod settings;
mod staff;

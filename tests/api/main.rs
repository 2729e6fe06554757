//! Tests of every endpoint through the HTTP API.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on says why and fails"
)]

mod accounts;
mod audit;
mod audit_verification;
mod bad_input;
mod carts;
mod challenges;
mod customer_groups;
mod customers;
mod edge;
mod exports;
mod forms;
mod holds;
mod limits;
mod order_lists;
mod orders;
mod ownership;
mod passkeys;
mod people;
mod products;
mod second_factor;
mod settings;
mod staff;
mod staff_accounts;
mod wishlist;

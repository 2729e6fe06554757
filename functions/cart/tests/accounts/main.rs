//! Carts of accounts, and carts of guests that are merged into them. The table is real.

#![expect(
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot go on says why and fails"
)]

mod conditions;
mod merging;
mod races;
mod world;

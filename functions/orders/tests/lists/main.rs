//! The lists of orders, and the job that rebuilds them. The table is real.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on says why and fails"
)]

mod accounts;
mod projection;
mod rebuild;
mod world;

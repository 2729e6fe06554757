//! Accounts that are exported and deleted. The table is real.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on says why and fails"
)]

mod deletion;
mod exports;
mod world;

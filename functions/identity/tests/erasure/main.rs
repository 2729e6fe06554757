//! Accounts that are exported and deleted, and codes of their apps. The table is real.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on says why and fails"
)]

mod codes;
mod deletion;
mod exports;
mod world;

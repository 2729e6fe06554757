//! Events whose emails were sent, and addresses that must not receive any.

mod inbox;
mod suppressions;

pub use inbox::Claim;

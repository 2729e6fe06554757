//! Accounts: requests that a mail's link completes, logins, sessions.

pub(crate) mod accounts;
mod addresses;
pub(crate) mod requests;
pub(crate) mod sessions;

pub use accounts::{AccountOutcome, EmailOutcome, VerifyOutcome};
pub use sessions::RotateOutcome;

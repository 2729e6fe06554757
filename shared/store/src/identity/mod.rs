//! Accounts: registrations, logins, sessions.

mod accounts;
mod sessions;

pub use accounts::{ChangePasswordOutcome, VerifyOutcome};
pub use sessions::RotateOutcome;

//! Accounts: requests that a mail's link completes, logins, sessions, passkeys and second factors.

pub(crate) mod accounts;
mod addresses;
mod exports;
mod passkeys;
pub(crate) mod requests;
mod second_factors;
pub(crate) mod sessions;

pub use accounts::{AccountOutcome, EmailOutcome, VerifyOutcome};
pub use exports::{NewestExport, StartExport};
pub use passkeys::{FactorOutcome, PasskeyUse};
pub use sessions::RotateOutcome;

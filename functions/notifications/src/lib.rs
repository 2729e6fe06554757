//! Emails about accounts.

mod accounts;

pub use accounts::AccountMails;

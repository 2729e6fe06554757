//! Emails to customers: one for each change of an order that concerns them, except to suppressed
//! addresses.

mod api;
mod mail;
mod rules;

pub use api::{Feedback, FeedbackError, read_feedback};
pub use mail::{AccountMail, Email, Place, RenderError, Sample, of_change, samples};
pub use rules::{denies_charge, suppression};

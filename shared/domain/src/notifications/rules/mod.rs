//! Rules of notifications: which changes call for an email, and which addresses must not receive any.

mod notice;
pub mod suppression;

pub use notice::denies_charge;
pub(super) use notice::{Notice, refund_of};

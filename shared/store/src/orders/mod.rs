//! Orders: placed together with their reservation in one transaction, and changed together with their
//! stock moves in another; responses to their requests, the times until which they must be paid, who has
//! how many that are not, and the lists by which staff find them.

mod change;
mod due;
mod holds;
mod lists;
mod of_account;
mod parts;
mod place;
mod read;
mod record;
mod requests;

pub use change::ChangeOutcome;
pub use due::{Due, DueChange, DueCursor, DuePage};
pub use holds::{Hold, Holds};
pub use lists::{EntryPage, Listed, OrderEntries, Over, Projected, ScannedOrders};
pub use of_account::AccountOrders;
pub use place::Placement;
pub use read::HeldByOrders;
pub(crate) use record::read_order;

#[cfg(test)]
mod tests;

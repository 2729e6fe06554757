//! Orders: placed together with their reservation in one transaction, and changed together with their
//! stock moves in another; responses to their requests, the times until which they must be paid, and who has
//! how many that are not.

mod change;
mod due;
mod holds;
mod parts;
mod place;
mod read;
mod record;
mod requests;

pub use change::ChangeOutcome;
pub use due::{Due, DueChange, DueCursor, DuePage};
pub use holds::{Hold, Holds};
pub use place::Placement;
pub use read::HeldByOrders;
pub(crate) use record::read_order;

#[cfg(test)]
mod tests;

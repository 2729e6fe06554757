//! Orders: placed together with their reservation in one transaction, and changed together with their
//! stock moves in another; responses to their requests, and the times until which they must be paid.

mod change;
mod due;
mod parts;
mod place;
mod read;
mod record;
mod requests;

pub use change::ChangeOutcome;
pub use due::{Due, DueChange, DueCursor, DuePage};
pub use place::Placement;
pub use read::HeldByOrders;
pub(crate) use record::read_order;

#[cfg(test)]
mod tests;

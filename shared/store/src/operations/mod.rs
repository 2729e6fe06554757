//! The outbox, and counts of redeliveries.

pub mod outbox;
mod redeliveries;

//! What follows from the table's stream, the outbox and the audit trail, and counts of redeliveries.

pub mod outbox;
mod redeliveries;
pub mod trail;

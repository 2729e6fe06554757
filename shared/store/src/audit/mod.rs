//! Stores the audit trail: chains of records, the head of each, and the keys that seal what the records have about persons.
//!
//! Records are written once and never changed or deleted. A writer names the head that it has read, so that two writers never
//! append after the same record.

mod append;
mod list;
mod page;
mod persons;
mod record;

pub use append::AppendOutcome;
pub use list::AuditList;
pub use page::{TrailOrder, TrailPage};

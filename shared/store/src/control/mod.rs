//! The control item and the documents whose current revisions it names.

mod documents;
mod revisions;

pub(crate) use documents::DocumentRecord;
pub use revisions::ControlItem;
pub(crate) use revisions::ControlRecord;

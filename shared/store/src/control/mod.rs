//! The control item and the documents whose current revisions it names.

mod documents;
mod revisions;

pub use revisions::ControlItem;

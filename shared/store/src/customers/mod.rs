//! Customer groups and their members.

mod groups;
mod members;

pub(crate) use groups::GroupRecord;
pub use members::GroupMemberPage;

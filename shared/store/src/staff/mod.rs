//! The staff: members and the number of owners, roles of the shop's own, invitations, API keys.

mod api_keys;
pub(crate) mod invitations;
mod members;
mod owners;
mod roles;

pub(crate) use api_keys::ApiKeyRecord;
pub(crate) use invitations::InvitationRecord;
pub(crate) use roles::RoleRecord;

pub use members::{AcceptOutcome, Joining, StaffOutcome};

//! The staff of a shop: roles of its own, invitations, API keys, and who may give what (docs/adr/0028).

pub mod api;
mod api_key;
mod invitation;
mod role;
mod rules;

pub use api_key::{API_KEY_PREFIX, ApiKey, ApiKeyHash, ApiKeySecret, NewApiKey};
pub use invitation::{Invitation, Inviter, may_invite};
pub use role::{CustomRole, GivenRole, MAX_ROLES, is_role_name, own_role_name};
pub use rules::{
    Author, StaffEntry, already_member, last_owner, must_have_all, role_in_use, too_many_roles,
    unknown_role,
};

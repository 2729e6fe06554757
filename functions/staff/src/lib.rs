//! What the endpoints of the staff share: attempts to change something, invitations that end with a membership, roles by name.

use domain::{
    id::AccountId,
    staff::{Author, GivenRole, Invitation, unknown_role},
};
use runtime::Failure;
use store::{Attempts, Store};

/// Attempts to change something of the staff.
pub fn attempts() -> Attempts {
    Attempts::new("change staff")
}

/// Revokes the open invitations that `is_meant` names, because of a change of a member. Their items name the author of the change.
pub async fn revoke_invitations(
    store: &Store,
    member: AccountId,
    author: &Author<'_>,
    is_meant: impl Fn(&Invitation) -> bool,
) -> Result<(), Failure> {
    let revoked = store.revoke_invitations(author, is_meant).await?;
    if revoked > 0 {
        tracing::info!(account.id = %member, invitations.count = revoked, "invitations revoked");
    }
    Ok(())
}

/// The role with a name, to be given to somebody, or a rejection.
pub async fn role(store: &Store, name: &str) -> Result<GivenRole, Failure> {
    let role = store.role_to_give(name).await?;
    role.ok_or_else(|| unknown_role().into())
}

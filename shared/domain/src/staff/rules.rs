//! Who may give what, and the rejections of changes of the staff.

use jiff::Timestamp;

use super::MAX_ROLES;
use crate::{
    fault::{Code, FieldFault, Rejection},
    id::AccountId,
    identity::{Identity, Permission},
    orders::Actor,
    trace::Cause,
};

/// Whoever changes something of the staff, and by which request.
#[derive(Clone, Debug)]
pub struct Author<'a> {
    /// Somebody of the staff, or the shop.
    pub actor: Actor,
    /// Time of the request.
    pub at: Timestamp,
    /// The request.
    pub cause: Cause<'a>,
}

/// A member of the staff, as the list has it: the account has the rest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StaffEntry {
    /// The account.
    pub account: AccountId,
    /// Name of its role.
    pub role: String,
    /// Time at which the invitation was accepted.
    pub joined_at: Timestamp,
    /// Author of the invitation.
    pub invited_by: Actor,
}

/// Rejects a caller who gives or takes a permission without having it.
pub fn must_have_all<'a>(
    caller: &Identity,
    permissions: impl IntoIterator<Item = &'a Permission>,
) -> Result<(), Rejection> {
    let missing: Vec<&str> = permissions
        .into_iter()
        .filter(|permission| !caller.has(**permission))
        .map(|permission| permission.name())
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    Err(Rejection::new(
        Code::Forbidden,
        format!(
            "Nobody gives or takes a permission that they do not have; the caller lacks {}.",
            missing.join(", ")
        ),
    ))
}

/// The rejection of a change that would leave no owner.
pub fn last_owner() -> Rejection {
    Rejection::new(
        Code::LastOwner,
        "The shop keeps at least one owner; make somebody else an owner first.",
    )
}

/// The rejection of an invitation whose reader belongs to the staff already: it does not replace their role.
pub fn already_member() -> Rejection {
    Rejection::new(
        Code::AlreadyMember,
        "The account belongs to the staff already; change its role by PATCH /v1/admin/staff/members/{account_id}.",
    )
}

/// The rejection of the removal of a role that somebody has.
pub fn role_in_use() -> Rejection {
    Rejection::new(
        Code::RoleInUse,
        "Staff or an open invitation have this role; give them another one first, or revoke the invitation.",
    )
}

/// The rejection of a role that does not exist.
pub fn unknown_role() -> Rejection {
    Rejection::invalid(vec![FieldFault::new(
        "role",
        "unknown_value",
        "Must be a role of the shop; GET /v1/admin/roles lists them.",
    )])
}

/// The rejection of one role too many.
pub fn too_many_roles() -> Rejection {
    Rejection::invalid(vec![FieldFault::new(
        "role",
        "too_many",
        format!("A shop has at most {MAX_ROLES} roles of its own; delete one first."),
    )])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        id::{ApiKeyId, SessionId},
        identity::{AccessClaims, Role},
    };

    fn key(scopes: &[Permission]) -> Identity {
        Identity::ApiKey {
            id: ApiKeyId::random([1; 16]),
            scopes: scopes.to_vec(),
        }
    }

    #[test]
    fn nobody_gives_or_takes_what_they_do_not_have() {
        let (read, write) = (Permission::OrdersRead, Permission::StaffWrite);
        let both = [read, write];
        assert_eq!(must_have_all(&key(&both), &both), Ok(()));
        assert_eq!(must_have_all(&key(&both), &[]), Ok(()));
        let refused = must_have_all(&key(&[write]), &both).unwrap_err();
        assert_eq!(refused.code, Code::Forbidden);
        assert!(
            refused.detail.ends_with("lacks orders:read."),
            "{refused:?}"
        );
        // Whoever manages staff, and nothing else, makes nobody an owner.
        let owner = Role::Owner.permissions();
        assert!(must_have_all(&key(&[write]), &owner).is_err());
        assert!(must_have_all(&Identity::Guest, &both).is_err());
        let by_hand = Identity::StaffToken {
            subject: "ada".to_owned(),
        };
        assert_eq!(must_have_all(&by_hand, &owner), Ok(()));
    }

    /// The token decides, not the role: a login with one factor has no permissions.
    #[test]
    fn a_person_gives_what_the_token_has() {
        let person = |permissions: Vec<Permission>| {
            let (account, session) = (AccountId::random([1; 16]), SessionId::random([2; 16]));
            let now = Timestamp::UNIX_EPOCH;
            Identity::Person(AccessClaims::issue(account, session, permissions, now))
        };
        let manager = Role::Manager.permissions();
        let owner = person(Permission::ALL.to_vec());
        assert_eq!(must_have_all(&owner, &manager), Ok(()));
        assert!(must_have_all(&person(Vec::new()), &manager).is_err());
        let same = person(manager.iter().copied().collect());
        assert_eq!(must_have_all(&same, &manager), Ok(()));
        assert!(must_have_all(&same, &Role::Owner.permissions()).is_err());
    }
}

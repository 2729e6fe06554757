//! Invitations to the staff: a role for whoever reads the mail of an address.

use jiff::{SignedDuration, Timestamp};

use super::GivenRole;
use crate::{
    id::{AccountId, ApiKeyId, InvitationId},
    identity::Permission,
    notifications::suppression::AddressHash,
    orders::Actor,
    trace::TraceParent,
};

/// Time in which an invitation can be accepted.
const LIFETIME: SignedDuration = SignedDuration::from_hours(24 * 7);

/// An invitation to the staff.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invitation {
    /// Identifier; its link's token proves that somebody reads the mail of the address.
    pub id: InvitationId,
    /// Address in canonical form.
    pub email: String,
    /// Name of the role.
    pub role: String,
    /// Author: somebody of the staff, or the shop for the command of an operator.
    pub invited_by: Actor,
    /// Time of the invitation.
    pub created_at: Timestamp,
    /// The account that has accepted it.
    pub account: Option<AccountId>,
    /// Whoever has revoked it.
    pub revoked_by: Option<Actor>,
    /// Id of the request that last changed it.
    pub trace_id: String,
    /// Its place in a trace.
    pub traceparent: TraceParent,
}

/// Whoever has sent an invitation, by what their right to do so hangs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Inviter {
    /// The command of an operator, or a staff token that was signed by hand: both may do everything.
    Operator,
    /// A member of the staff.
    Member(AccountId),
    /// A machine, by an API key.
    ApiKey(ApiKeyId),
}

impl Inviter {
    /// Reads the author of an invitation. The subject of a staff token is nobody's identifier, unless its signer has chosen one:
    /// it then counts as that member or key.
    fn of(author: &Actor) -> Option<Self> {
        match author {
            Actor::Shop => Some(Self::Operator),
            Actor::Staff(name) => {
                let member = name.parse().ok().map(Self::Member);
                let key = || name.parse().ok().map(Self::ApiKey);
                Some(member.or_else(key).unwrap_or(Self::Operator))
            }
            Actor::Customer => None,
        }
    }
}

/// Whether somebody with these permissions may invite to a role: nobody gives a permission that they do not have.
pub fn may_invite(permissions: &[Permission], role: &GivenRole) -> bool {
    let has = |permission: &Permission| permissions.contains(permission);
    has(&Permission::StaffWrite) && role.permissions.iter().all(has)
}

impl Invitation {
    /// Whoever has sent it; `None` if that can be nobody of the staff.
    pub fn inviter(&self) -> Option<Inviter> {
        Inviter::of(&self.invited_by)
    }

    /// Whether a member has sent it.
    pub fn is_from(&self, member: AccountId) -> bool {
        self.inviter() == Some(Inviter::Member(member))
    }

    /// Whether it was sent to this address.
    pub fn is_to(&self, address: &AddressHash) -> bool {
        AddressHash::of(&self.email) == *address
    }

    /// Time at which its link no longer works.
    pub fn expires_at(&self) -> Timestamp {
        self.created_at + LIFETIME
    }

    /// Whether it can be accepted.
    pub fn is_open(&self, now: Timestamp) -> bool {
        self.account.is_none() && self.revoked_by.is_none() && now < self.expires_at()
    }

    /// Identifier of the account that it becomes for an address without one. It follows from the invitation, so that accepting
    /// twice makes one.
    pub fn account_id(&self) -> AccountId {
        AccountId::derived(&[&self.id.to_string()])
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::identity::Role;

    fn invitation(invited_by: Actor) -> Invitation {
        Invitation {
            id: InvitationId::random([1; 16]),
            email: "ada@example.com".to_owned(),
            role: "support".to_owned(),
            invited_by,
            created_at: "2026-11-26T12:00:00Z".parse().unwrap(),
            account: None,
            revoked_by: None,
            trace_id: "r".to_owned(),
            traceparent: TraceParent::begin("r"),
        }
    }

    #[test]
    fn an_invitation_is_open_until_it_is_accepted_revoked_or_old() {
        let invitation = invitation(Actor::Shop);
        let created_at = invitation.created_at;
        let last = created_at + LIFETIME - SignedDuration::from_secs(1);
        assert!(invitation.is_open(created_at) && invitation.is_open(last));
        assert!(!invitation.is_open(created_at + LIFETIME));
        let accepted = Invitation {
            account: Some(invitation.account_id()),
            ..invitation.clone()
        };
        assert!(!accepted.is_open(created_at));
        let revoked = Invitation {
            revoked_by: Some(Actor::Staff("ada".to_owned())),
            ..invitation.clone()
        };
        assert!(!revoked.is_open(created_at));
        assert_eq!(invitation.account_id(), revoked.account_id());
    }

    #[test]
    fn an_invitation_hangs_on_its_author_unless_an_operator_sent_it() {
        let (member, key) = (AccountId::random([2; 16]), ApiKeyId::random([3; 16]));
        let by = |name: String| invitation(Actor::Staff(name));
        for (invitation, inviter) in [
            (invitation(Actor::Shop), Some(Inviter::Operator)),
            (by("ada".to_owned()), Some(Inviter::Operator)),
            (by("acc_ada".to_owned()), Some(Inviter::Operator)),
            (by(member.to_string()), Some(Inviter::Member(member))),
            (by(key.to_string()), Some(Inviter::ApiKey(key))),
            (invitation(Actor::Customer), None),
        ] {
            assert_eq!(invitation.inviter(), inviter, "{invitation:?}");
            let is_member = inviter == Some(Inviter::Member(member));
            assert_eq!(invitation.is_from(member), is_member);
            assert!(!invitation.is_from(AccountId::random([4; 16])));
        }
    }

    #[test]
    fn an_invitation_is_to_an_address_in_any_case() {
        let invitation = invitation(Actor::Shop);
        assert!(invitation.is_to(&AddressHash::of("Ada@Example.com")));
        assert!(!invitation.is_to(&AddressHash::of("bob@example.com")));
    }

    #[test]
    fn whoever_changes_staff_invites_to_roles_that_have_no_more() {
        let (support, owner) = (Role::Support, Role::Owner);
        let may = |permissions: &BTreeSet<Permission>, role: Role| {
            let permissions: Vec<Permission> = permissions.iter().copied().collect();
            may_invite(&permissions, &GivenRole::built_in(role))
        };
        assert!(may(&owner.permissions(), owner) && may(&owner.permissions(), support));
        // All of the role, without the right to change staff.
        assert!(!may(&support.permissions(), support));
        let mut changes_staff = support.permissions();
        changes_staff.insert(Permission::StaffWrite);
        assert!(may(&changes_staff, support) && !may(&changes_staff, owner));
        assert!(!may(&BTreeSet::from([Permission::StaffWrite]), support));
        assert!(!may(&BTreeSet::new(), support));
    }
}

//! Invitations to the staff: a role for whoever reads the mail of an address.

use jiff::{SignedDuration, Timestamp};

use crate::{
    id::{AccountId, InvitationId},
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

impl Invitation {
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
    use super::*;

    #[test]
    fn an_invitation_is_open_until_it_is_accepted_revoked_or_old() {
        let created_at: Timestamp = "2026-11-26T12:00:00Z".parse().unwrap();
        let invitation = Invitation {
            id: InvitationId::random([1; 16]),
            email: "ada@example.com".to_owned(),
            role: "support".to_owned(),
            invited_by: Actor::Shop,
            created_at,
            account: None,
            revoked_by: None,
            trace_id: "r".to_owned(),
            traceparent: TraceParent::begin("r"),
        };
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
}

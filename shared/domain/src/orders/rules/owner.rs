//! The owner of an order: who may see and cancel it, and how a guest's order becomes an account's.

use jiff::Timestamp;

use super::{Actor, Order, OrderEventKind, Transition};
use crate::{
    fault::Rejection,
    identity::{Account, Identity},
    notifications::suppression::AddressHash,
};

/// Why an order does not become an account's. Nothing was changed.
#[derive(Clone, Copy, Debug, thiserror::Error, PartialEq, Eq)]
pub enum ClaimOrderError {
    /// It is the account's already, perhaps by an earlier attempt.
    #[error("the order is the account's already")]
    AlreadyTheirs,
    /// It is another account's, or was placed with another address.
    #[error("the order is not theirs")]
    NotTheirs,
}

/// As for an order that does not exist: nobody learns of orders that are not theirs.
impl From<ClaimOrderError> for Rejection {
    fn from(_: ClaimOrderError) -> Self {
        Self::not_found("order")
    }
}

impl Order {
    /// Whether a request may see and cancel the order: the holder of its access token, which is the bearer `token`, or the
    /// person who is signed in with the account that it belongs to.
    pub fn opens_to(&self, caller: &Identity, token: Option<&str>) -> bool {
        match caller.account() {
            Some(account) => self.account == Some(account),
            None => token.is_some_and(|token| self.opens_with(token)),
        }
    }

    /// Makes a guest's order that of an account whose verified address it was placed with. Its access token stays valid: the
    /// guest may have written it down.
    pub fn claimed(
        &self,
        account: &Account,
        now: Timestamp,
    ) -> Result<Transition, ClaimOrderError> {
        if self.account == Some(account.id) {
            return Err(ClaimOrderError::AlreadyTheirs);
        }
        let has_address = AddressHash::of(&self.email) == AddressHash::of(&account.email);
        if self.account.is_some() || !has_address {
            return Err(ClaimOrderError::NotTheirs);
        }
        let mut order = self.after(now, Actor::Customer, OrderEventKind::Claimed, None);
        order.account = Some(account.id);
        // Nothing has happened to its payment.
        order.payment.unanswered = self.payment.unanswered;
        Ok(order.moving(Vec::new()))
    }

    /// Whether it was claimed after this version of it.
    pub fn was_claimed_after(&self, version: u64) -> bool {
        let changes = self.history.iter().zip(2_u64..);
        let mut later = changes.filter(|(_, made)| *made > version);
        later.any(|(change, _)| change.what == OrderEventKind::Claimed)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::{
        id::{AccountId, SessionId},
        identity::{AccessClaims, AccountChange, AccountChangeKind},
        orders::placed,
        trace::TraceParent,
    };

    /// An account with this address.
    pub(crate) fn account(id: u8, email: &str) -> Account {
        Account {
            id: AccountId::random([id; 16]),
            email: email.to_owned(),
            name: None,
            email_consent: None,
            staff: None,
            groups: BTreeSet::new(),
            generation: 1,
            created_at: Timestamp::UNIX_EPOCH,
            version: 1,
            last_change: AccountChange {
                kind: AccountChangeKind::Verified,
                by: "shop".to_owned(),
                at: Timestamp::UNIX_EPOCH,
                from: None,
                email_change: None,
            },
            trace_id: "t".to_owned(),
            traceparent: TraceParent::begin("t"),
        }
    }

    fn signed_in(account: &Account) -> Identity {
        let session = SessionId::random([1; 16]);
        let claims = AccessClaims::issue(account.id, session, [], Timestamp::UNIX_EPOCH);
        Identity::Person(claims)
    }

    #[test]
    fn an_order_opens_to_its_token_and_to_its_account() {
        let (ada, bea) = (account(1, "ada@example.com"), account(2, "bea@example.com"));
        let order = placed(&[("S", 1, 100)]);
        let token = order.access_token();
        let guest = Identity::Guest;
        let claimed = order.claimed(&ada, order.placed_at).unwrap().order;
        for (order, person, opens) in [
            (&order, &ada, false),
            (&claimed, &ada, true),
            (&claimed, &bea, false),
        ] {
            assert!(order.opens_to(&guest, Some(&token)));
            assert!(!order.opens_to(&guest, Some("oat_x")) && !order.opens_to(&guest, None));
            assert_eq!(order.opens_to(&signed_in(person), None), opens);
            // Whoever is signed in is not a guest, too.
            assert_eq!(order.opens_to(&signed_in(person), Some(&token)), opens);
        }
        let staff = Identity::StaffToken {
            subject: "s".to_owned(),
        };
        assert!(
            !claimed.opens_to(&staff, None),
            "staff have routes of their own"
        );
    }

    #[test]
    fn an_order_is_claimed_once_by_the_owner_of_its_address() {
        let order = placed(&[("S", 1, 100)]);
        let now = order.placed_at;
        // As it was typed at the checkout, and as the account has it.
        let ada = account(1, "ADA@Example.com");
        let change = order.claimed(&ada, now).unwrap();
        assert!(change.moves.is_empty());
        let claimed = change.order;
        assert_eq!((claimed.account, claimed.version), (Some(ada.id), 2));
        assert_eq!(
            (claimed.status(), claimed.due_at),
            (order.status(), order.due_at)
        );
        let entry = claimed.last_change().unwrap();
        assert_eq!(
            (&entry.by, entry.what),
            (&Actor::Customer, OrderEventKind::Claimed)
        );
        assert_eq!(claimed.as_placed(), order);
        assert_eq!(
            claimed.claimed(&ada, now),
            Err(ClaimOrderError::AlreadyTheirs)
        );
        for other in [
            account(2, "bea@example.com"),
            account(2, "ada+1@example.com"),
            account(2, ""),
        ] {
            assert_eq!(order.claimed(&other, now), Err(ClaimOrderError::NotTheirs));
        }
        // The address of a deleted account, verified by its next owner.
        let next = account(2, "ada@example.com");
        assert_eq!(claimed.claimed(&next, now), Err(ClaimOrderError::NotTheirs));
        // Also of an order that has ended, and without a word about its payment.
        let mut expired = order.expired(order.due_at).unwrap().order;
        expired.payment.unanswered = 2;
        let claimed = expired.claimed(&ada, now).unwrap().order;
        assert_eq!(claimed.status(), expired.status());
        assert_eq!(claimed.payment, expired.payment);
    }

    #[test]
    fn a_claim_is_known_by_its_version() {
        let ada = account(1, "ada@example.com");
        let order = placed(&[("S", 1, 100)]);
        let now = order.placed_at;
        let claimed = order.claimed(&ada, now).unwrap().order;
        let paid = claimed.captured("p", 100, now).unwrap().order;
        assert!(!order.was_claimed_after(0) && !order.was_claimed_after(1));
        for order in [&claimed, &paid] {
            assert!(order.was_claimed_after(0) && order.was_claimed_after(1));
            assert!(!order.was_claimed_after(2) && !order.was_claimed_after(3));
        }
    }
}

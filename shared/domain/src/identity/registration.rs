//! Requests that a mail's link completes: registrations, new passwords, new addresses. Their links carry a token that is
//! computed, so that neither the table nor a queue has anything that opens an account.

use jiff::{SignedDuration, Timestamp};

use super::{Account, Login, PasswordHash};
use crate::{
    id::{AccountId, EmailChangeId, RegistrationId, ResetId},
    trace::TraceParent,
};

/// Time in which a registration and a change of address can be confirmed.
const CONFIRMATION_LIFETIME: SignedDuration = SignedDuration::from_hours(24);
/// How long a request to replace an address is kept after its link: as long as a message that tells the old address may wait
/// in its queue and in the dead-letter queue.
const OLD_ADDRESS_KEPT: SignedDuration = SignedDuration::from_hours(28 * 24);
/// Time in which a password can be reset.
const RESET_LIFETIME: SignedDuration = SignedDuration::from_hours(1);

/// An address that somebody wants an account for, and the password that it will have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registration {
    /// Identifier; its link's token proves that somebody reads the mail of the address.
    pub id: RegistrationId,
    /// Address in canonical form.
    pub email: String,
    /// Name of the person.
    pub name: Option<String>,
    /// Hash of the password.
    pub password: PasswordHash,
    /// Time of the request.
    pub created_at: Timestamp,
    /// The account that was made of it.
    pub account: Option<AccountId>,
    /// Id of the request.
    pub trace_id: String,
    /// Its place in a trace.
    pub traceparent: TraceParent,
}

/// A request to set a new password, for an address that may have an account or not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PasswordReset {
    /// Identifier.
    pub id: ResetId,
    /// Address in canonical form.
    pub email: String,
    /// Time at which the password that it replaces was set; `None` if the address had no account.
    pub password_set_at: Option<Timestamp>,
    /// Time of the request.
    pub created_at: Timestamp,
    /// Id of the request.
    pub trace_id: String,
    /// Its place in a trace.
    pub traceparent: TraceParent,
}

/// A request to replace the address of an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EmailChange {
    /// Identifier.
    pub id: EmailChangeId,
    /// The account.
    pub account: AccountId,
    /// Its address at the time of the request.
    pub old: String,
    /// The new address in canonical form.
    pub new: String,
    /// Time at which the password that was given was set.
    pub password_set_at: Option<Timestamp>,
    /// Whether the account had a second factor or a verified passkey, and the session might change them.
    pub may_change_factors: bool,
    /// Time of the request.
    pub created_at: Timestamp,
    /// Id of the request.
    pub trace_id: String,
    /// Its place in a trace.
    pub traceparent: TraceParent,
}

impl Registration {
    /// Time at which it can no longer be verified.
    pub fn expires_at(&self) -> Timestamp {
        self.created_at + CONFIRMATION_LIFETIME
    }
}

impl PasswordReset {
    /// Time at which its link no longer works.
    pub fn expires_at(&self) -> Timestamp {
        self.created_at + RESET_LIFETIME
    }

    /// Whether it sets the password of a login: the one that it had is still the one, which is also what keeps the link from being
    /// used twice. Processes have clocks of their own, so that no time says which of the two came first.
    pub fn applies_to(&self, login: &Login) -> bool {
        self.password_set_at == Some(login.password_set_at)
    }
}

impl EmailChange {
    /// Time at which its link no longer works.
    pub fn expires_at(&self) -> Timestamp {
        self.created_at + CONFIRMATION_LIFETIME
    }

    /// Time until which the old address is known, to tell it of the change.
    pub fn kept_until(&self) -> Timestamp {
        self.expires_at() + OLD_ADDRESS_KEPT
    }

    /// Whether it changes the address of the account: it still has the one of the request, and the password that was given
    /// then. Whoever sets a new one takes the account back, also from links that are under way.
    pub fn applies_to(&self, account: &Account, login: &Login) -> bool {
        self.account == account.id
            && self.old == account.email
            && login.account == account.id
            && self.password_set_at == Some(login.password_set_at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        identity::{AccountChangeKind, ChangeCause},
        trace::Cause,
    };

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn cause(now: Timestamp) -> ChangeCause<'static> {
        ChangeCause {
            by: "shop".to_owned(),
            from: None,
            now,
            cause: Cause {
                trace_id: "r",
                traceparent: TraceParent::begin("r"),
            },
        }
    }

    fn account() -> Account {
        let registration = Registration {
            id: RegistrationId::random([1; 16]),
            email: "ada@example.com".to_owned(),
            name: None,
            password: PasswordHash {
                phc: "$argon2id$x".to_owned(),
                pepper: 1,
            },
            created_at: Timestamp::UNIX_EPOCH,
            account: None,
            trace_id: "r".to_owned(),
            traceparent: TraceParent::begin("r"),
        };
        Account::of(&registration, &cause(at("2026-11-26T10:00:00Z")))
    }

    fn login(account: &Account, password_set_at: &str) -> Login {
        Login {
            account: account.id,
            generation: account.generation,
            password: None,
            password_set_at: at(password_set_at),
            is_staff: false,
            has_totp: false,
            groups: account.groups.clone(),
        }
    }

    /// A change of the address, as the owner of a login asks for it.
    fn change(account: &Account, login: &Login) -> EmailChange {
        EmailChange {
            id: EmailChangeId::random([2; 16]),
            account: account.id,
            old: account.email.clone(),
            new: "countess@example.org".to_owned(),
            password_set_at: Some(login.password_set_at),
            may_change_factors: false,
            created_at: login.password_set_at,
            trace_id: "r".to_owned(),
            traceparent: TraceParent::begin("r"),
        }
    }

    /// Kind of fault: the request reads the old password while the new one, whose request began earlier, is written.
    #[test]
    fn a_request_is_void_once_another_password_is_set_whatever_the_clocks_say() {
        let account = account();
        let before = login(&account, "2026-11-26T10:00:00Z");
        let change = EmailChange {
            created_at: at("2026-11-26T12:00:00Z"),
            ..change(&account, &before)
        };
        let reset = PasswordReset {
            id: ResetId::random([3; 16]),
            email: account.email.clone(),
            password_set_at: Some(before.password_set_at),
            created_at: change.created_at,
            trace_id: "r".to_owned(),
            traceparent: TraceParent::begin("r"),
        };
        assert!(change.applies_to(&account, &before));
        assert!(reset.applies_to(&before));
        for set_at in [
            "2026-11-26T11:59:59Z",
            "2026-11-26T12:00:01Z",
            "2026-11-26T09:00:00Z",
        ] {
            let after = login(&account, set_at);
            assert!(!change.applies_to(&account, &after), "{set_at}");
            assert!(!reset.applies_to(&after), "{set_at}");
        }
        // One of a release that did not store it, or of an address without an account.
        let (mut change, mut reset) = (change, reset);
        (change.password_set_at, reset.password_set_at) = (None, None);
        assert!(!change.applies_to(&account, &before));
        assert!(!reset.applies_to(&before));
    }

    #[test]
    fn a_change_of_the_address_is_of_one_account_and_its_address() {
        let account = account();
        let login = login(&account, "2026-11-26T10:00:00Z");
        let change = change(&account, &login);
        assert!(change.applies_to(&account, &login));
        let at = cause(login.password_set_at);
        let mut moved = account.changed(AccountChangeKind::EmailChanged, &at);
        moved.email = "ada@example.org".to_owned();
        assert!(!change.applies_to(&moved, &login));
        let mut other = login;
        other.account = AccountId::random([9; 16]);
        assert!(!change.applies_to(&account, &other));
    }
}

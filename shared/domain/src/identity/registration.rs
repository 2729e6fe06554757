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

    /// Whether it sets the password of a login: no other one was set since it was requested, which is also what keeps it from
    /// being used twice.
    pub fn applies_to(&self, login: &Login) -> bool {
        login.password_set_at < self.created_at
    }
}

impl EmailChange {
    /// Time at which its link no longer works.
    pub fn expires_at(&self) -> Timestamp {
        self.created_at + CONFIRMATION_LIFETIME
    }

    /// Whether it changes the address of the account: it still has the one of the request, and the password that was given
    /// then. Whoever sets a new one takes the account back, also from links that are under way.
    pub fn applies_to(&self, account: &Account, login: &Login) -> bool {
        self.account == account.id
            && self.old == account.email
            && login.account == account.id
            && login.password_set_at < self.created_at
    }
}

//! Registrations, accounts and sessions.

use jiff::{SignedDuration, Timestamp};

use super::{PasswordHash, RefreshState, RefreshToken};
use crate::{
    id::{AccountId, RegistrationId, SessionId},
    text,
    trace::TraceParent,
};

/// Time in which a registration can be verified.
const REGISTRATION_LIFETIME: SignedDuration = SignedDuration::from_hours(24);
/// Longest description of a device, in bytes.
const MAX_DEVICE: usize = 200;

/// An address that somebody wants an account for, and the password that it will have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registration {
    /// Identifier; its link's token proves that somebody reads the mail of the address.
    pub id: RegistrationId,
    /// Address in canonical form.
    pub email: String,
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

/// What a login reads, by the address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Login {
    /// The account.
    pub account: AccountId,
    /// Generation of its sessions.
    pub generation: u64,
    /// Hash of its password; `None` if it has none.
    pub password: Option<PasswordHash>,
}

/// An account of a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// Identifier.
    pub id: AccountId,
    /// Verified address in canonical form.
    pub email: String,
    /// Generation of its sessions: those of earlier ones have ended.
    pub generation: u64,
    /// Time at which the address was verified.
    pub created_at: Timestamp,
    /// Incremented by each change.
    pub version: u64,
}

/// A device on which somebody is signed in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// Identifier.
    pub id: SessionId,
    /// The account.
    pub account: AccountId,
    /// Generation of the account's sessions when it began.
    pub generation: u64,
    /// Its refresh tokens.
    pub tokens: RefreshState,
    /// Time of the login.
    pub created_at: Timestamp,
    /// What the browser or app says about itself, for its owner.
    pub device: String,
}

impl Registration {
    /// Time at which it can no longer be verified.
    pub fn expires_at(&self) -> Timestamp {
        self.created_at + REGISTRATION_LIFETIME
    }
}

impl Account {
    /// The account that a registration becomes. Its id follows from the registration, so that verifying twice makes one.
    pub fn of(registration: &Registration, now: Timestamp) -> Self {
        Self {
            id: AccountId::derived(&[&registration.id.to_string()]),
            email: registration.email.clone(),
            generation: 1,
            created_at: now,
            version: 1,
        }
    }
}

impl Session {
    /// A session ends when it is not refreshed for this long.
    pub const IDLE: SignedDuration = SignedDuration::from_hours(24 * 30);

    /// Begins a session with 16 and 32 random bytes; returns it with its first refresh token.
    pub fn begin(
        login: &Login,
        device: &str,
        id: [u8; 16],
        secret: [u8; 32],
        now: Timestamp,
    ) -> (Self, RefreshToken) {
        let id = SessionId::at(now, id);
        let token = RefreshToken::new(login.account, id, secret);
        let session = Self {
            id,
            account: login.account,
            generation: login.generation,
            tokens: RefreshState {
                current: token.hash(),
                previous: None,
                rotated_at: now,
            },
            created_at: now,
            device: text::shortened(text::line(device), MAX_DEVICE),
        };
        (session, token)
    }

    /// Time at which it ends unless it is refreshed.
    pub fn expires_at(&self) -> Timestamp {
        self.tokens.rotated_at + Self::IDLE
    }

    /// Whether it belongs to the sessions that `account` has not ended all at once.
    pub fn is_of(&self, account: &Account) -> bool {
        self.account == account.id && self.generation == account.generation
    }
}

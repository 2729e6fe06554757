//! Sessions: the devices on which somebody is signed in.

use std::net::IpAddr;

use jiff::{SignedDuration, Timestamp};

use super::{Account, RefreshState, RefreshToken};
use crate::{
    id::{AccountId, SessionId},
    text,
    trace::{Cause, TraceParent},
};

/// Longest description of a device, in bytes.
const MAX_DEVICE: usize = 200;

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
    /// How long it lasts without a refresh.
    pub idle: SignedDuration,
    /// Time at which it ends however often it is refreshed.
    pub ends_at: Timestamp,
    /// What the browser or app says about itself, for its owner.
    pub device: String,
    /// Network address of the login, if it is known.
    pub from: Option<IpAddr>,
    /// Whether the login had two factors, or a passkey that asked for the person. Staff have permissions only then.
    pub is_strong: bool,
    /// Id of the request.
    pub trace_id: String,
    /// Its place in a trace.
    pub traceparent: TraceParent,
}

/// A login that has succeeded.
#[derive(Clone, Debug)]
pub struct NewSession<'a> {
    /// The account.
    pub account: AccountId,
    /// Generation of its sessions, as the login has read it.
    pub generation: u64,
    /// Whether it is an account of staff.
    pub is_staff: bool,
    /// See [`Session::is_strong`].
    pub is_strong: bool,
    /// What the browser or app says about itself.
    pub device: &'a str,
    /// Network address of the request, if it is known.
    pub from: Option<IpAddr>,
    /// Time of the login.
    pub now: Timestamp,
    /// The request.
    pub cause: Cause<'a>,
}

/// A session that has begun, with its first refresh token.
#[derive(Clone, Debug)]
pub struct BegunSession {
    /// The session.
    pub session: Session,
    /// The token.
    pub token: RefreshToken,
}

impl Session {
    /// Time after a login in which its session may change how the account is signed in to.
    const RECENT: SignedDuration = SignedDuration::from_hours(1);
    /// How long a session of a customer lasts without a refresh, and in all.
    pub const CUSTOMER: (SignedDuration, SignedDuration) = (
        SignedDuration::from_hours(24 * 30),
        SignedDuration::from_hours(24 * 180),
    );
    /// The same of staff: a working day, and a week.
    pub const STAFF: (SignedDuration, SignedDuration) = (
        SignedDuration::from_hours(12),
        SignedDuration::from_hours(24 * 7),
    );

    /// Time at which it ends unless it is refreshed.
    pub fn expires_at(&self) -> Timestamp {
        (self.tokens.rotated_at + self.idle).min(self.ends_at)
    }

    /// Whether the login was so recent that the session may change how the account is signed in to: a device that was left
    /// open, or a stolen token, must not be enough for that.
    pub fn is_recent(&self, now: Timestamp) -> bool {
        now.duration_since(self.created_at) < Self::RECENT
    }

    /// Whether it is one of staff, which are shorter.
    pub fn is_of_staff(&self) -> bool {
        self.idle == Self::STAFF.0
    }

    /// Whether it belongs to the sessions that `account` has not ended all at once.
    pub fn is_of(&self, account: &Account) -> bool {
        self.account == account.id && self.generation == account.generation
    }
}

impl NewSession<'_> {
    /// Begins the session with 16 and 32 random bytes.
    pub fn begin(self, id: [u8; 16], secret: [u8; 32]) -> BegunSession {
        let id = SessionId::at(self.now, id);
        let token = RefreshToken::new(self.account, id, secret);
        let (idle, whole) = match self.is_staff {
            true => Session::STAFF,
            false => Session::CUSTOMER,
        };
        let session = Session {
            id,
            account: self.account,
            generation: self.generation,
            tokens: RefreshState {
                current: token.hash(),
                previous: None,
                rotated_at: self.now,
            },
            created_at: self.now,
            idle,
            ends_at: self.now + whole,
            device: text::shortened(text::line(self.device), MAX_DEVICE),
            from: self.from,
            is_strong: self.is_strong,
            trace_id: self.cause.trace_id.to_owned(),
            traceparent: self.cause.traceparent,
        };
        BegunSession { session, token }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_of_staff_is_shorter_and_no_refresh_makes_it_longer_than_its_whole() {
        let now: Timestamp = "2026-11-26T12:00:00Z".parse().unwrap();
        let session = |is_staff: bool| {
            let new = NewSession {
                account: AccountId::random([1; 16]),
                generation: 1,
                is_staff,
                is_strong: false,
                device: "Mozilla/5.0\r\nSet-Cookie: x=1",
                from: None,
                now,
                cause: Cause {
                    trace_id: "r",
                    traceparent: TraceParent::begin("r"),
                },
            };
            new.begin([2; 16], [3; 32]).session
        };
        let (customer, staff) = (session(false), session(true));
        assert!(staff.expires_at() < customer.expires_at());
        assert!(staff.is_of_staff() && !customer.is_of_staff());
        assert!(
            !customer.device.contains(['\r', '\n']),
            "{}",
            customer.device
        );
        let hour = SignedDuration::from_hours(1);
        assert!(customer.is_recent(now) && !customer.is_recent(now + hour));
        assert!(customer.is_recent(now + hour - SignedDuration::from_secs(1)));
        let mut late = customer.clone();
        late.tokens.rotated_at = customer.ends_at;
        assert_eq!(late.expires_at(), customer.ends_at);
    }
}

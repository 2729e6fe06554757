//! Refresh tokens: opaque, one at a time for each session, and hashed in the table.

use std::fmt;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::{SignedDuration, Timestamp};
use ring::{
    digest::{SHA256, digest},
    hmac,
};

use crate::id::{AccountId, SessionId};

/// Time in which the token before the current one is accepted: two tabs that refresh at once, or an answer that was lost.
const GRACE: SignedDuration = SignedDuration::from_secs(10);
/// Bytes of a token: account, session, secret.
const BYTES: usize = 16 + 16 + 32;

/// A refresh token as its owner has it.
#[derive(Clone, PartialEq, Eq)]
pub struct RefreshToken {
    account: AccountId,
    session: SessionId,
    secret: [u8; 32],
}

/// A token that somebody presents.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PresentedRefresh {
    /// The account that it names.
    pub account: AccountId,
    /// The session that it names.
    pub session: SessionId,
    /// Hash of its secret.
    pub hash: String,
}

/// What the table has of a session's tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefreshState {
    /// Hash of the current token's secret.
    pub current: String,
    /// Hash of the one before.
    pub previous: Option<String>,
    /// Time at which the current one replaced it.
    pub rotated_at: Timestamp,
}

/// What a token that is not the current one means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefreshOutcome {
    /// It is the current one.
    Current,
    /// It was the current one a moment ago: its owner has refreshed twice.
    InGrace,
    /// It has been replaced before: somebody has a copy.
    Reused,
}

impl RefreshToken {
    /// Makes a token of a session with 32 random bytes.
    pub fn new(account: AccountId, session: SessionId, secret: [u8; 32]) -> Self {
        Self {
            account,
            session,
            secret,
        }
    }

    /// The token that replaces a presented one. It follows from the presented one and a key of the shop, so that two tabs that
    /// refresh at once, or a client that asks again as an answer was lost, get the same one.
    pub fn after(presented: &PresentedRefresh, key: &[u8; 32]) -> Self {
        let key = hmac::Key::new(hmac::HMAC_SHA256, key);
        let message = format!("{}\0{}", presented.session, presented.hash);
        let mut secret = [0; 32];
        secret.copy_from_slice(hmac::sign(&key, message.as_bytes()).as_ref());
        Self::new(presented.account, presented.session, secret)
    }

    /// The token as it is sent.
    pub fn reveal(&self) -> String {
        let mut bytes = Vec::with_capacity(BYTES);
        bytes.extend(self.account.to_bytes());
        bytes.extend(self.session.to_bytes());
        bytes.extend(self.secret);
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Hash of its secret, for the table.
    pub fn hash(&self) -> String {
        hash(&self.secret)
    }
}

impl fmt::Debug for RefreshToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RefreshToken")
            .field("session", &self.session)
            .finish_non_exhaustive()
    }
}

impl PresentedRefresh {
    /// Reads a token; `None` for what cannot be one.
    pub fn read(text: &str) -> Option<Self> {
        // Before decoding: a body may be large.
        if text.len() != BYTES.div_ceil(3) * 4 - 2 {
            return None;
        }
        let bytes: [u8; BYTES] = URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()?;
        let (account, rest) = bytes.split_first_chunk::<16>()?;
        let (session, secret) = rest.split_first_chunk::<16>()?;
        Some(Self {
            account: AccountId::random(*account),
            session: SessionId::random(*session),
            hash: hash(secret),
        })
    }
}

impl RefreshState {
    /// What `presented` means at `now`.
    pub fn judge(&self, presented: &PresentedRefresh, now: Timestamp) -> RefreshOutcome {
        // Hashes of 256 random bits: their comparison tells nothing in its time.
        if presented.hash == self.current {
            return RefreshOutcome::Current;
        }
        let is_previous = self.previous.as_ref() == Some(&presented.hash);
        // A clock that is behind the one that rotated is within the grace, too.
        match is_previous && now.duration_since(self.rotated_at) <= GRACE {
            true => RefreshOutcome::InGrace,
            false => RefreshOutcome::Reused,
        }
    }
}

fn hash(secret: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(digest(&SHA256, secret))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(secret: u8) -> RefreshToken {
        RefreshToken::new(
            AccountId::random([1; 16]),
            SessionId::random([2; 16]),
            [secret; 32],
        )
    }

    #[test]
    fn a_token_is_read_back() {
        let token = token(3);
        let presented = PresentedRefresh::read(&token.reveal()).unwrap();
        assert_eq!(presented.account, AccountId::random([1; 16]));
        assert_eq!(presented.session, SessionId::random([2; 16]));
        assert_eq!(presented.hash, token.hash());
        assert!(!format!("{token:?}").contains(&token.reveal()));
    }

    #[test]
    fn the_next_token_follows_from_the_presented_one_and_the_key() {
        let presented = |secret: u8| PresentedRefresh::read(&token(secret).reveal()).unwrap();
        let next = RefreshToken::after(&presented(3), &[1; 32]);
        assert_eq!(next, RefreshToken::after(&presented(3), &[1; 32]));
        assert_ne!(next, RefreshToken::after(&presented(4), &[1; 32]));
        assert_ne!(next, RefreshToken::after(&presented(3), &[2; 32]));
        assert_ne!(next.hash(), presented(3).hash);
        assert_eq!(
            PresentedRefresh::read(&next.reveal()).unwrap().session,
            presented(3).session
        );
    }

    #[test]
    fn what_cannot_be_a_token_is_none() {
        let whole = token(3).reveal();
        for text in [
            "",
            "x",
            &whole[1..],
            &format!("{whole}A"),
            &whole.replace(&whole[..1], "!"),
            &"A".repeat(1_000_000),
        ] {
            assert_eq!(PresentedRefresh::read(text), None, "{:.20}", text);
        }
    }

    #[test]
    fn a_token_that_was_replaced_is_reuse_after_the_grace() {
        let rotated_at: Timestamp = "2026-11-26T12:00:00Z".parse().unwrap();
        let state = RefreshState {
            current: token(2).hash(),
            previous: Some(token(1).hash()),
            rotated_at,
        };
        let judged = |secret: u8, seconds: i64| {
            let presented = PresentedRefresh::read(&token(secret).reveal()).unwrap();
            state.judge(&presented, rotated_at + SignedDuration::from_secs(seconds))
        };
        assert_eq!(judged(2, 10_000), RefreshOutcome::Current);
        assert_eq!(judged(1, 0), RefreshOutcome::InGrace);
        assert_eq!(judged(1, 10), RefreshOutcome::InGrace);
        assert_eq!(judged(1, -60), RefreshOutcome::InGrace);
        assert_eq!(judged(1, 11), RefreshOutcome::Reused);
        assert_eq!(judged(0, 0), RefreshOutcome::Reused);
    }
}

//! Idempotency keys: repeating a request with its key returns the same response; using the key for a
//! different request is an error.
//!
//! A request is identified by its caller, route and key ([`IdempotentRequest`]). Its response ([`StoredResponse`]) is
//! stored in the same transaction as its effect, so neither exists without the other, and is returned
//! for a day. It is stored as the order that it shows, which is as small as the order itself. An order is its
//! own record of being placed: its id is derived from the key, and it keeps the data of the first response,
//! at no extra write (docs/adr/0006).

use std::str::FromStr;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::{SignedDuration, Timestamp};
use ring::digest::{SHA256, digest};
use serde::{Deserialize, Serialize};

use crate::{
    fault::{Code, Rejection},
    id::RequestId,
    orders::Order,
};

/// The client's `Idempotency-Key`: 1 to 255 printable ASCII characters, preferably a UUID.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdempotencyKey(String);

impl IdempotencyKey {
    /// The key as sent.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for IdempotencyKey {
    type Err = Rejection;

    fn from_str(text: &str) -> Result<Self, Rejection> {
        let text = text.trim();
        if text.is_empty() {
            return Err(missing());
        }
        if text.len() > 255 || !text.bytes().all(|byte| (b' '..=b'~').contains(&byte)) {
            return Err(Rejection::new(
                Code::IdempotencyKeyInvalid,
                "The Idempotency-Key must have 1 to 255 printable ASCII characters; send a UUID.",
            ));
        }
        Ok(Self(text.to_owned()))
    }
}

/// The rejection of a request without a key.
pub fn missing() -> Rejection {
    Rejection::new(
        Code::IdempotencyKeyMissing,
        "Send an Idempotency-Key header: a new UUID for each new request, the same one for each retry.",
    )
}

/// The rejection of a key that was used for a different request.
pub fn reused() -> Rejection {
    Rejection::new(
        Code::IdempotencyKeyReused,
        "This Idempotency-Key was used for a different request; send a new key with a new request.",
    )
}

/// The rejection of a request that is still being processed.
pub fn in_progress() -> Rejection {
    Rejection::new(
        Code::RequestInProgress,
        "The same request is still being processed; retry it in a second.",
    )
}

/// Retention of a stored response.
pub const REMEMBERED: SignedDuration = SignedDuration::from_hours(24);

/// A request with an idempotency key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdempotentRequest {
    /// Derived from caller, route and key.
    pub id: RequestId,
    /// Fingerprint of the command.
    pub fingerprint: Fingerprint,
}

impl IdempotentRequest {
    /// Identifies the request of `caller` to `route` with `key`, whose command is `command`.
    pub fn new<C: Serialize>(
        caller: &str,
        route: &str,
        key: &IdempotencyKey,
        command: &C,
    ) -> Result<Self, serde_json::Error> {
        Ok(Self {
            id: RequestId::derived(&[caller, route, key.as_str()]),
            fingerprint: Fingerprint::of(command)?,
        })
    }

    /// The response to the request, which shows `order`, to be stored with its effect.
    pub fn answered(&self, order: Order, now: Timestamp) -> StoredResponse {
        StoredResponse {
            id: self.id,
            fingerprint: self.fingerprint.clone(),
            shows: Shown::Order(Box::new(order)),
            answered_at: now,
        }
    }

    /// Returns what the stored response shows, or a rejection if the request differs from the one it
    /// answered.
    pub fn replay(&self, answer: StoredResponse) -> Result<Shown, Rejection> {
        if answer.fingerprint == self.fingerprint {
            Ok(answer.shows)
        } else {
            Err(reused())
        }
    }
}

/// What a stored response is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shown {
    /// The order as the request left it: its view for the caller is the response, byte for byte.
    Order(Box<Order>),
    /// The body itself, of a response from before orders were stored.
    Body(String),
}

/// The stored response to a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredResponse {
    /// Identifies the request it answers.
    pub id: RequestId,
    /// Fingerprint of the command it answers.
    pub fingerprint: Fingerprint,
    /// What the response shows.
    pub shows: Shown,
    /// Time of the first response.
    pub answered_at: Timestamp,
}

impl StoredResponse {
    /// The key may be reused from this time on.
    pub fn expires_at(&self) -> Timestamp {
        self.answered_at + REMEMBERED
    }

    /// Whether the response is still valid at `now`.
    pub fn holds_at(&self, now: Timestamp) -> bool {
        now < self.expires_at()
    }
}

/// Hash of a command, independent of white space and field order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fingerprint(String);

impl Fingerprint {
    /// Computes the fingerprint of a command.
    pub fn of<C: Serialize>(command: &C) -> Result<Self, serde_json::Error> {
        let digest = digest(&SHA256, &serde_json::to_vec(command)?);
        Ok(Self(URL_SAFE_NO_PAD.encode(&digest.as_ref()[..16])))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys() {
        let code = |text: &str| text.parse::<IdempotencyKey>().map_err(|fault| fault.code);
        assert!(code("5f0c9c1e-8c3f-4d5e-9f0e-2b1c6f3a7d10").is_ok());
        assert_eq!(code("  "), Err(Code::IdempotencyKeyMissing));
        assert_eq!(code(&"k".repeat(256)), Err(Code::IdempotencyKeyInvalid));
        assert_eq!(code("schlüssel"), Err(Code::IdempotencyKeyInvalid));
    }

    #[test]
    fn a_request_is_its_caller_its_route_and_its_key() {
        let key: IdempotencyKey = "k".parse().unwrap();
        let request = IdempotentRequest::new("a", "POST /x", &key, &1).unwrap();
        let others = [
            IdempotentRequest::new("b", "POST /x", &key, &1).unwrap(),
            IdempotentRequest::new("a", "POST /y", &key, &1).unwrap(),
            IdempotentRequest::new("a", "POST /x", &"l".parse().unwrap(), &1).unwrap(),
        ];
        assert!(others.iter().all(|other| other.id != request.id));
        let order = crate::orders::placed(&[("A", 1, 100)]);
        let answer = request.answered(order.clone(), Timestamp::UNIX_EPOCH);
        let shown = Shown::Order(Box::new(order));
        assert_eq!(request.replay(answer.clone()), Ok(shown));
        let another = IdempotentRequest::new("a", "POST /x", &key, &2).unwrap();
        assert_eq!(another.replay(answer.clone()), Err(reused()));
        assert!(answer.holds_at(Timestamp::UNIX_EPOCH + SignedDuration::from_hours(23)));
        assert!(!answer.holds_at(Timestamp::UNIX_EPOCH + SignedDuration::from_hours(24)));
    }
}

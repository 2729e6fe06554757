//! Requests that may be sent again: the same key with the same request gets the same answer,
//! with another request a clear conflict.
//!
//! A request is known by its caller, its route and its key ([`Request`]). Its answer is written in the
//! transaction of its effect, so that neither is there without the other, and is given again for a
//! day ([`Answer`]). An order is its own record: its id is that of the request, and it keeps what its
//! first answer was made of, at no extra write (docs/adr/0006).

use std::str::FromStr;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::{SignedDuration, Timestamp};
use ring::digest::{SHA256, digest};
use serde::{Deserialize, Serialize};

use crate::{
    fault::{Code, Rejection},
    id::RequestId,
};

/// The client's `Idempotency-Key`: 1 to 255 printable ASCII characters, best a UUID.
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
                "Idempotency-Key takes 1 to 255 printable ASCII characters; send a UUID.",
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

/// The rejection of a key that was used for something else.
pub fn reused() -> Rejection {
    Rejection::new(
        Code::IdempotencyKeyReused,
        "This Idempotency-Key was used with another request; use a new key for a new request.",
    )
}

/// The rejection of a request whose first sending is still being worked on.
pub fn in_progress() -> Rejection {
    Rejection::new(
        Code::RequestInProgress,
        "The same request is being worked on at this moment; send it again in a second.",
    )
}

/// How long an answer is given again.
pub const REMEMBERED: SignedDuration = SignedDuration::from_hours(24);

/// A request that may be sent again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The same for the same caller, route and key.
    pub id: RequestId,
    /// What it asks for.
    pub fingerprint: Fingerprint,
}

impl Request {
    /// The request of `caller` to `route` with `key`, asking for `command`.
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

    /// The answer to it, to be stored with its effect.
    pub fn answered(&self, body: String, now: Timestamp) -> Answer {
        Answer {
            id: self.id,
            fingerprint: self.fingerprint.clone(),
            body,
            answered_at: now,
        }
    }

    /// What `answer` says to this request: itself, if it was the same.
    pub fn replay(&self, answer: Answer) -> Result<String, Rejection> {
        if answer.fingerprint == self.fingerprint {
            Ok(answer.body)
        } else {
            Err(reused())
        }
    }
}

/// The answer that a request got.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Which request.
    pub id: RequestId,
    /// What it asked for.
    pub fingerprint: Fingerprint,
    /// The body, byte for byte.
    pub body: String,
    /// When.
    pub answered_at: Timestamp,
}

impl Answer {
    /// From then on the key may be used for something else.
    pub fn expires_at(&self) -> Timestamp {
        self.answered_at + REMEMBERED
    }

    /// Whether it is still to be given.
    pub fn holds_at(&self, now: Timestamp) -> bool {
        now < self.expires_at()
    }
}

/// Hash of what a request asks for, independent of white space and the order of fields.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fingerprint(String);

impl Fingerprint {
    /// The fingerprint of a command.
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
        let request = Request::new("a", "POST /x", &key, &1).unwrap();
        let others = [
            Request::new("b", "POST /x", &key, &1).unwrap(),
            Request::new("a", "POST /y", &key, &1).unwrap(),
            Request::new("a", "POST /x", &"l".parse().unwrap(), &1).unwrap(),
        ];
        assert!(others.iter().all(|other| other.id != request.id));
        let answer = request.answered("yes".into(), Timestamp::UNIX_EPOCH);
        assert_eq!(request.replay(answer.clone()), Ok("yes".into()));
        let another = Request::new("a", "POST /x", &key, &2).unwrap();
        assert_eq!(another.replay(answer.clone()), Err(reused()));
        assert!(answer.holds_at(Timestamp::UNIX_EPOCH + SignedDuration::from_hours(23)));
        assert!(!answer.holds_at(Timestamp::UNIX_EPOCH + SignedDuration::from_hours(24)));
    }
}

//! Requests that may be sent again: the same key with the same request gets the same answer,
//! with another request a clear conflict.
//!
//! The effect itself carries the key: the id of what a request creates is derived from caller,
//! route and key, so creating it twice fails on a condition in the same transaction, at no extra
//! write. What was created keeps the [`Fingerprint`] of its request and everything its first
//! answer was made of (docs/adr/0006).

use std::str::FromStr;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::fault::{Code, Rejection};

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

/// Hash of what a request asks for, independent of white space and the order of fields.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fingerprint(String);

impl Fingerprint {
    /// The fingerprint of a command.
    pub fn of<C: Serialize>(command: &C) -> Result<Self, serde_json::Error> {
        let digest = Sha256::digest(serde_json::to_vec(command)?);
        Ok(Self(URL_SAFE_NO_PAD.encode(&digest[..16])))
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
}

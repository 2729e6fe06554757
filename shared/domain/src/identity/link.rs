//! Links in mails: their tokens are computed from what the table has, so that no item, event or queue has anything that
//! opens an account.

use std::fmt;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::hmac;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::id::{Id, Kind};

/// What a link is for. A token of one purpose is none of another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LinkPurpose {
    /// Completes a registration.
    Verify,
    /// Sets a new password.
    Reset,
    /// Confirms a new address.
    ChangeEmail,
    /// Accepts an invitation to the staff.
    Invite,
}

/// The key that tokens are made with.
pub struct LinkKey(hmac::Key);

/// The token of a link: the id of what it completes, and a proof.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkToken<K: Kind> {
    /// What it completes.
    pub id: Id<K>,
    tag: Vec<u8>,
}

impl LinkPurpose {
    /// Name of the purpose, in tokens and events.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Verify => "verify",
            Self::Reset => "reset",
            Self::ChangeEmail => "change_email",
            Self::Invite => "invite",
        }
    }
}

impl LinkKey {
    /// Takes a secret of 32 random bytes.
    pub fn new(secret: &[u8]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, secret))
    }

    /// The token for `address` to complete `id`.
    pub fn token<K: Kind>(&self, purpose: LinkPurpose, id: Id<K>, address: &str) -> String {
        let tag = hmac::sign(&self.0, message(purpose, id, address).as_bytes());
        let proof = URL_SAFE_NO_PAD.encode(tag);
        format!("{}.{proof}", id.digits())
    }

    /// Whether a token was made for this purpose and address. Compares in constant time.
    pub fn verifies<K: Kind>(
        &self,
        purpose: LinkPurpose,
        token: &LinkToken<K>,
        address: &str,
    ) -> bool {
        let message = message(purpose, token.id, address);
        hmac::verify(&self.0, message.as_bytes(), &token.tag).is_ok()
    }
}

impl fmt::Debug for LinkKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LinkKey(…)")
    }
}

impl<K: Kind> LinkToken<K> {
    /// Reads a token; `None` for what cannot be one.
    pub fn read(text: &str) -> Option<Self> {
        // 26 digits, a dot, 32 bytes.
        if text.len() != 26 + 1 + 43 {
            return None;
        }
        let (digits, proof) = text.split_once('.')?;
        Some(Self {
            id: format!("{}{digits}", K::PREFIX).parse().ok()?,
            tag: URL_SAFE_NO_PAD.decode(proof).ok()?,
        })
    }
}

fn message<K: Kind>(purpose: LinkPurpose, id: Id<K>, address: &str) -> String {
    // Neither a purpose nor an id has a zero byte.
    format!("{}\0{id}\0{address}", purpose.name())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::RegistrationId;

    #[test]
    fn a_token_opens_one_thing_for_one_address() {
        let key = LinkKey::new(&[1; 32]);
        let id = RegistrationId::random([5; 16]);
        let text = key.token(LinkPurpose::Verify, id, "ada@example.com");
        let token = LinkToken::read(&text).unwrap();
        assert_eq!(token.id, id);
        assert!(key.verifies(LinkPurpose::Verify, &token, "ada@example.com"));
        assert!(!key.verifies(LinkPurpose::Reset, &token, "ada@example.com"));
        assert!(!key.verifies(LinkPurpose::Verify, &token, "eve@example.com"));
        assert!(!LinkKey::new(&[2; 32]).verifies(LinkPurpose::Verify, &token, "ada@example.com"));
        let other = LinkToken {
            id: RegistrationId::random([6; 16]),
            ..token
        };
        assert!(!key.verifies(LinkPurpose::Verify, &other, "ada@example.com"));
    }

    #[test]
    fn what_cannot_be_a_token_is_none() {
        let key = LinkKey::new(&[1; 32]);
        let text = key.token(
            LinkPurpose::Verify,
            RegistrationId::random([5; 16]),
            "a@b.c",
        );
        for wrong in [
            "",
            ".",
            &text[1..],
            &text.replace('.', "-"),
            &format!("{text}A"),
            &"x".repeat(70),
        ] {
            assert!(
                LinkToken::<crate::id::RegistrationKind>::read(wrong).is_none(),
                "{wrong}"
            );
        }
    }
}

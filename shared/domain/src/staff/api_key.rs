//! API keys, by which machines call as staff. The table has the hash of a key, and nobody the key but its holder.

use std::{collections::BTreeSet, fmt};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::{SignedDuration, Timestamp};
use ring::digest::{SHA256, digest};
use serde::{Deserialize, Serialize};

use super::Author;
use crate::{
    id::ApiKeyId,
    identity::{Identity, Permission},
    orders::Actor,
    trace::TraceParent,
};

/// Beginning of API keys.
pub const API_KEY_PREFIX: &str = "stk_";
/// Random bytes of a key.
const BYTES: usize = 32;
/// How often the time of the last use is stored.
const NOTED_EVERY: SignedDuration = SignedDuration::from_hours(1);

/// An API key that is to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewApiKey {
    /// Its name, for people.
    pub name: String,
    /// What it may do.
    pub scopes: BTreeSet<Permission>,
    /// How long it is valid.
    pub lifetime: SignedDuration,
}

/// An API key, without its secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiKey {
    /// Identifier, by which it is named.
    pub id: ApiKeyId,
    /// Its name, for people.
    pub name: String,
    /// What it may do: permissions by name.
    pub scopes: Vec<String>,
    /// Whoever has made it.
    pub created_by: Actor,
    /// Time at which it was made.
    pub created_at: Timestamp,
    /// Time from which on it is not valid, in whole seconds.
    pub expires_at: Timestamp,
    /// Time of its last use, up to an hour earlier.
    pub last_used_at: Option<Timestamp>,
    /// Whoever has revoked it.
    pub revoked_by: Option<Actor>,
    /// Id of the request that made or revoked it.
    pub trace_id: String,
    /// Its place in a trace.
    pub traceparent: TraceParent,
}

/// The text of an API key, which its holder sends.
#[derive(Clone, PartialEq, Eq)]
pub struct ApiKeySecret(String);

/// The hash of an API key, SHA-256 in base64url. A slow hash and a salt are for secrets that people choose: a key has 256 random
/// bits.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ApiKeyHash(String);

impl NewApiKey {
    /// The key, with its identifier.
    pub fn make(self, id: ApiKeyId, author: &Author<'_>) -> ApiKey {
        let scopes = self.scopes.iter();
        let seconds = (author.at + self.lifetime).as_second();
        ApiKey {
            id,
            name: self.name,
            scopes: scopes.map(|it| it.name().to_owned()).collect(),
            created_by: author.actor.clone(),
            created_at: author.at,
            // As stored: DynamoDB's own expiry knows seconds.
            expires_at: Timestamp::from_second(seconds).unwrap_or(author.at),
            last_used_at: None,
            revoked_by: None,
            trace_id: author.cause.trace_id.to_owned(),
            traceparent: author.cause.traceparent,
        }
    }
}

impl ApiKey {
    /// Whether its holder may call.
    pub fn is_valid(&self, now: Timestamp) -> bool {
        self.revoked_by.is_none() && now < self.expires_at
    }

    /// What it may do. Names of a later release are left out.
    pub fn scopes(&self) -> Vec<Permission> {
        let names = self.scopes.iter();
        names.filter_map(|name| Permission::named(name)).collect()
    }

    /// Its holder, as the caller of a request.
    pub fn identity(&self) -> Identity {
        Identity::ApiKey {
            id: self.id,
            scopes: self.scopes(),
        }
    }

    /// Whether a use at `now` is to be stored.
    pub fn notes_use(&self, now: Timestamp) -> bool {
        self.last_used_at
            .is_none_or(|last| now.duration_since(last) >= NOTED_EVERY)
    }
}

impl ApiKeySecret {
    /// A key of 32 random bytes.
    pub fn new(random: [u8; BYTES]) -> Self {
        Self(format!(
            "{API_KEY_PREFIX}{}",
            URL_SAFE_NO_PAD.encode(random)
        ))
    }

    /// The text, for its holder only.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// Its hash.
    pub fn hash(&self) -> ApiKeyHash {
        ApiKeyHash::of_text(&self.0)
    }
}

impl fmt::Debug for ApiKeySecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ApiKeySecret(…)")
    }
}

impl ApiKeyHash {
    /// The hash of what a caller sends; `None` for what cannot be a key.
    pub fn of(text: &str) -> Option<Self> {
        let random = text.strip_prefix(API_KEY_PREFIX)?;
        // Before anything else: a header may be large.
        if random.len() != (BYTES * 8).div_ceil(6) {
            return None;
        }
        let bytes = URL_SAFE_NO_PAD.decode(random).ok()?;
        (bytes.len() == BYTES).then(|| Self::of_text(text))
    }

    fn of_text(text: &str) -> Self {
        Self(URL_SAFE_NO_PAD.encode(digest(&SHA256, text.as_bytes())))
    }

    /// The hash as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ApiKeyHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::Cause;

    fn key() -> ApiKey {
        let new = NewApiKey {
            name: "warehouse".to_owned(),
            scopes: BTreeSet::from([Permission::StockWrite, Permission::StockRead]),
            lifetime: SignedDuration::from_hours(24),
        };
        let author = Author {
            actor: Actor::Staff("ada".to_owned()),
            at: "2026-11-26T12:00:00.75Z".parse().unwrap(),
            cause: Cause {
                trace_id: "r",
                traceparent: TraceParent::begin("r"),
            },
        };
        new.make(ApiKeyId::random([1; 16]), &author)
    }

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn a_secret_has_one_hash_and_is_not_printed() {
        let secret = ApiKeySecret::new([7; 32]);
        assert_eq!(secret.reveal().len(), 4 + 43);
        assert!(secret.reveal().starts_with("stk_"));
        assert_eq!(ApiKeyHash::of(secret.reveal()), Some(secret.hash()));
        assert_ne!(secret.hash(), ApiKeySecret::new([8; 32]).hash());
        assert!(!secret.hash().as_str().contains(&secret.reveal()[4..]));
        assert_eq!(format!("{secret:?}"), "ApiKeySecret(…)");
    }

    #[test]
    fn what_cannot_be_a_key_has_no_hash() {
        let text = ApiKeySecret::new([7; 32]).reveal().to_owned();
        for wrong in [
            "",
            "stk_",
            &text[4..],
            &text[..46],
            &format!("{text}A"),
            &text.replace("stk_", "STK_"),
            &text.replace("stk_", "stk-"),
            // The last character has bits that no byte has.
            &format!("{}9", &text[..46]),
            &format!("stk_{}", "!".repeat(43)),
            &format!("stk_{}", "é".repeat(43)),
            &"x".repeat(1_000_000),
        ] {
            assert_eq!(ApiKeyHash::of(wrong), None, "{wrong:.60}");
        }
    }

    #[test]
    fn a_key_is_valid_until_its_second_or_its_revocation() {
        let mut key = key();
        assert_eq!(key.expires_at, at("2026-11-27T12:00:00Z"));
        assert!(key.is_valid(at("2026-11-27T11:59:59.9Z")));
        assert!(!key.is_valid(at("2026-11-27T12:00:00Z")));
        key.revoked_by = Some(Actor::Shop);
        assert!(!key.is_valid(key.created_at));
    }

    #[test]
    fn a_caller_has_the_scopes_that_this_release_knows() {
        let mut key = key();
        key.scopes.push("orders:teleport".to_owned());
        let identity = key.identity();
        assert!(identity.has(Permission::StockWrite) && identity.has(Permission::StockRead));
        assert!(!identity.has(Permission::OrdersRead));
        assert_eq!(identity.name(), key.id.to_string());
    }

    #[test]
    fn a_use_is_noted_once_an_hour() {
        let mut key = key();
        let now = at("2026-11-26T15:00:00Z");
        assert!(key.notes_use(now));
        for (last, notes) in [
            ("2026-11-26T14:00:00Z", true),
            ("2026-11-26T14:00:01Z", false),
            ("2026-11-26T15:00:00Z", false),
            // By a clock that is ahead.
            ("2026-11-26T15:00:09Z", false),
        ] {
            key.last_used_at = Some(at(last));
            assert_eq!(key.notes_use(now), notes, "{last}");
        }
    }
}

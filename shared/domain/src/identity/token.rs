//! Access tokens: JWTs that say who calls, for a quarter of an hour, and verify without a read.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{Permission, SigningKey};
use crate::{
    customers::GroupId,
    id::{AccountId, SessionId},
};

/// Issuer (`iss`) of access tokens. Each shop has keys of its own, so it need not name the shop.
pub const ISSUER: &str = "stampede";
/// Audience (`aud`) of access tokens; that of staff tokens signed by hand is another one.
pub const AUDIENCE: &str = "stampede-api";
/// Type (`typ`) of access tokens (RFC 9068).
pub const TOKEN_TYPE: &str = "at+jwt";
/// Lifetime of an access token.
pub const LIFETIME: SignedDuration = SignedDuration::from_mins(15);
/// Tolerated difference of clocks, in seconds.
pub const LEEWAY: i64 = 60;
/// Least time for which verifiers have had a key before it signs: longer than they take to learn of it.
const KNOWN_FOR: SignedDuration = SignedDuration::from_secs(30);

/// Claims of an access token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessClaims {
    /// The account.
    pub sub: AccountId,
    /// The session that it belongs to.
    pub sid: SessionId,
    /// Issuer, [`ISSUER`].
    pub iss: String,
    /// Audience, [`AUDIENCE`].
    pub aud: String,
    /// Time of issue, in seconds since 1970.
    pub iat: i64,
    /// Milliseconds of the time of issue beyond `iat`: a session may end and another one begin within a second. A token of
    /// before there were any counts as one of the beginning of its second.
    #[serde(default)]
    pub iat_ms: i64,
    /// Expiry, in seconds since 1970.
    pub exp: i64,
    /// Permissions of staff, by name. Names of a later release are ignored.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub perms: Vec<String>,
    /// The customer groups that the account was in when the token was issued.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<GroupId>,
}

/// A public key that verifies access tokens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublicKey {
    /// Identifier, the `kid` of its tokens.
    pub id: String,
    /// The key: 32 bytes in base64url.
    pub x: String,
    /// Time at which verifiers were told.
    pub published_at: Timestamp,
}

/// What all verifiers know: the keys, and what has ended before its tokens expire.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TokenState {
    /// Incremented by each change; a read with a lower one is older.
    pub version: u64,
    /// The public keys.
    pub keys: Vec<PublicKey>,
    /// Accounts and sessions of staff, by identifier: their tokens of this time and before are void. In milliseconds since 1970.
    pub ended: BTreeMap<String, i64>,
}

impl AccessClaims {
    /// Claims of a token of `session`, issued at `now`: a time before the session was read, as an end of it after
    /// that voids the token.
    pub fn issue(
        account: AccountId,
        session: SessionId,
        permissions: impl IntoIterator<Item = Permission>,
        now: Timestamp,
    ) -> Self {
        let permissions = permissions.into_iter();
        Self {
            sub: account,
            sid: session,
            iss: ISSUER.to_owned(),
            aud: AUDIENCE.to_owned(),
            iat: now.as_second(),
            iat_ms: i64::from(now.subsec_millisecond()),
            exp: now.as_second().saturating_add(LIFETIME.as_secs()),
            perms: permissions.map(|it| it.name().to_owned()).collect(),
            groups: Vec::new(),
        }
    }

    /// The claims with the customer groups of the account.
    pub fn in_groups(self, groups: impl IntoIterator<Item = GroupId>) -> Self {
        Self {
            groups: groups.into_iter().collect(),
            ..self
        }
    }

    /// Whether the token is one that the shop issues, at `now`: neither from the future, nor expired, nor valid for longer
    /// than tokens are.
    pub fn is_current(&self, now: Timestamp) -> bool {
        let now = now.as_second();
        let lifetime = self.exp.saturating_sub(self.iat);
        self.iss == ISSUER
            && self.aud == AUDIENCE
            && self.iat <= now.saturating_add(LEEWAY)
            && self.exp > now.saturating_sub(LEEWAY)
            && (0..=LIFETIME.as_secs()).contains(&lifetime)
    }

    /// Time of issue, in milliseconds since 1970.
    fn issued_at(&self) -> i64 {
        self.iat.saturating_mul(1000).saturating_add(self.iat_ms)
    }

    /// Whether it has a permission.
    pub fn has(&self, permission: Permission) -> bool {
        self.perms.iter().any(|it| it == permission.name())
    }
}

impl TokenState {
    /// Whether the session or the account of a token has ended since it was issued.
    pub fn has_ended(&self, claims: &AccessClaims) -> bool {
        let issued_at = claims.issued_at();
        let ended = |id: &str| self.ended.get(id).is_some_and(|at| issued_at <= *at);
        // Few have ended at a time, and mostly none.
        !self.ended.is_empty() && (ended(&claims.sid.to_string()) || ended(&claims.sub.to_string()))
    }

    /// The first of `candidates`, identifiers of keys, that verifiers have known for a while, or at all: the one to sign with
    /// at `now`.
    pub fn signer<'a>(
        &self,
        mut candidates: impl Iterator<Item = &'a str> + Clone,
        now: Timestamp,
    ) -> Option<&'a str> {
        let published = |id: &str| {
            let mut keys = self.keys.iter();
            keys.find(|key| key.id == id).map(|key| key.published_at)
        };
        let mut all = candidates.clone();
        candidates
            .find(|id| published(id).is_some_and(|at| now.duration_since(at) >= KNOWN_FOR))
            .or_else(|| all.find(|id| published(id).is_some()))
    }

    /// The state with the public keys of `keys`: those that are known keep their time.
    pub fn publishing(&self, keys: &[SigningKey], now: Timestamp) -> Self {
        let known = |id: &str| self.keys.iter().find(|key| key.id == id);
        let keys = keys.iter().map(|key| PublicKey {
            id: key.id.clone(),
            x: key.x.clone(),
            published_at: known(&key.id).map_or(now, |known| known.published_at),
        });
        Self {
            keys: keys.collect(),
            ..self.clone()
        }
    }

    /// Forgets what has ended so long ago that all tokens of that time have expired.
    pub fn ended_at(&self, now: Timestamp) -> BTreeMap<String, i64> {
        let last = (now.as_second() - LIFETIME.as_secs() - LEEWAY) * 1000;
        let ended = self.ended.iter().filter(|(_, at)| **at >= last);
        ended.map(|(id, at)| (id.clone(), *at)).collect()
    }
}

/// The public keys as a JSON Web Key Set (RFC 7517, RFC 8037), for the team's other services.
pub fn jwks(keys: &[SigningKey]) -> String {
    let keys = keys.iter().map(|key| {
        json!({
            "kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": "EdDSA",
            "kid": key.id, "x": key.x,
        })
    });
    json!({ "keys": keys.collect::<Vec<_>>() }).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::Secrets;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + second).unwrap()
    }

    fn claims() -> AccessClaims {
        let (account, session) = (AccountId::random([1; 16]), SessionId::random([2; 16]));
        AccessClaims::issue(account, session, [Permission::OrdersRead], at(0))
    }

    #[test]
    fn a_token_is_valid_for_its_time_only() {
        assert!(claims().is_current(at(0)));
        assert!(claims().is_current(at(-LEEWAY)));
        assert!(!claims().is_current(at(-LEEWAY - 1)));
        assert!(claims().is_current(at(LIFETIME.as_secs() + LEEWAY - 1)));
        assert!(!claims().is_current(at(LIFETIME.as_secs() + LEEWAY)));
        let with = |change: fn(&mut AccessClaims)| {
            let mut claims = claims();
            change(&mut claims);
            claims.is_current(at(0))
        };
        assert!(!with(|it| it.exp += 1));
        assert!(!with(|it| it.exp = it.iat - 1));
        assert!(!with(|it| it.exp = i64::MAX));
        assert!(!with(|it| it.iat = i64::MIN));
        assert!(!with(|it| it.iss = "another".into()));
        assert!(!with(|it| it.aud = "stampede".into()));
    }

    #[test]
    fn a_token_carries_the_groups_of_its_account() {
        let groups: Vec<GroupId> = ["vip", "wholesale"].map(|it| it.parse().unwrap()).into();
        let claims = claims().in_groups(groups.clone());
        let json = serde_json::to_value(&claims).unwrap();
        assert_eq!(json["groups"], json!(["vip", "wholesale"]));
        assert_eq!(
            serde_json::from_value::<AccessClaims>(json).unwrap(),
            claims
        );
        // One of before there were groups, and of an account without any.
        let mut json = serde_json::to_value(super::tests::claims()).unwrap();
        assert!(json.as_object_mut().unwrap().remove("groups").is_none());
        let read: AccessClaims = serde_json::from_value(json).unwrap();
        assert_eq!(read.groups, []);
        assert_eq!(claims.groups, groups);
    }

    #[test]
    fn what_has_ended_is_void_until_its_tokens_have_expired() {
        let claims = claims();
        for id in [claims.sub.to_string(), claims.sid.to_string()] {
            let ended = |second: i64| TokenState {
                ended: BTreeMap::from([(id.clone(), at(second).as_millisecond())]),
                ..TokenState::default()
            };
            assert!(ended(0).has_ended(&claims) && ended(5).has_ended(&claims));
            assert!(!ended(-1).has_ended(&claims), "issued afterwards");
            let expired = LIFETIME.as_secs() + LEEWAY;
            assert_eq!(ended(0).ended_at(at(expired)).len(), 1);
            assert!(ended(0).ended_at(at(expired + 1)).is_empty());
        }
        assert!(!TokenState::default().has_ended(&claims));
    }

    /// A refresh that was under way gets a void token, and a login that follows a valid one, also within a second.
    #[test]
    fn a_session_that_begins_in_the_second_in_which_others_end_is_not_void() {
        let (account, session) = (AccountId::random([1; 16]), SessionId::random([2; 16]));
        let millis = |it: i64| at(0) + SignedDuration::from_millis(it);
        let issued = |it: i64| AccessClaims::issue(account, session, [], millis(it));
        let state = TokenState {
            ended: BTreeMap::from([(account.to_string(), millis(500).as_millisecond())]),
            ..TokenState::default()
        };
        for (issued_at, is_void) in [
            (0, true),
            (499, true),
            (500, true),
            (501, false),
            (999, false),
        ] {
            let claims = issued(issued_at);
            assert_eq!(claims.iat, at(0).as_second());
            assert_eq!(state.has_ended(&claims), is_void, "{issued_at}");
            assert!(claims.is_current(millis(issued_at)));
        }
        // A token of before there were milliseconds may be of any time of its second.
        let mut json = serde_json::to_value(issued(999)).unwrap();
        assert!(json.as_object_mut().unwrap().remove("iat_ms").is_some());
        let read: AccessClaims = serde_json::from_value(json).unwrap();
        assert!(state.has_ended(&read));
    }

    #[test]
    fn a_key_keeps_the_time_at_which_it_was_published() {
        let secrets =
            Secrets::parse(r#"{"version":1,"root":"0123456789abcdefghijklmnopqrstuvwxyz"}"#);
        let secrets = secrets.unwrap();
        let first = TokenState::default().publishing(&secrets.public_keys(at(0)).unwrap(), at(0));
        assert_eq!(first.keys.len(), 3);
        let month = 30 * 24 * 3600;
        let later = first.publishing(&secrets.public_keys(at(month)).unwrap(), at(month));
        let times: Vec<_> = later.keys.iter().map(|key| key.published_at).collect();
        // Current, next, and the one before.
        assert_eq!(times, [at(0), at(month), at(0)]);
        let again = later.publishing(&secrets.public_keys(at(month)).unwrap(), at(month + 9));
        assert_eq!(again, later);
        let set: serde_json::Value =
            serde_json::from_str(&jwks(&secrets.public_keys(at(0)).unwrap())).unwrap();
        assert_eq!(set["keys"][0]["kid"], first.keys[0].id);
        assert!(!set.to_string().contains("\"d\""), "no private part");
    }

    #[test]
    fn a_key_signs_once_verifiers_know_it() {
        let state = |published: &[(&str, i64)]| TokenState {
            keys: published
                .iter()
                .map(|(id, second)| PublicKey {
                    id: (*id).to_owned(),
                    x: String::new(),
                    published_at: at(*second),
                })
                .collect(),
            ..TokenState::default()
        };
        let signer = |published: &[(&str, i64)]| {
            state(published)
                .signer(["new", "old"].into_iter(), at(100))
                .map(str::to_owned)
        };
        assert_eq!(signer(&[]), None);
        assert_eq!(signer(&[("old", 0)]).as_deref(), Some("old"));
        assert_eq!(signer(&[("old", 0), ("new", 99)]).as_deref(), Some("old"));
        assert_eq!(signer(&[("old", 0), ("new", 70)]).as_deref(), Some("new"));
        // The first one of a shop cannot wait.
        assert_eq!(signer(&[("new", 100)]).as_deref(), Some("new"));
    }
}

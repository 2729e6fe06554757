//! Staff tokens: JWTs that an operator signs by hand with Ed25519, for machines and for emergencies. Functions only hold the
//! public key.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use domain::{
    fault::{Code, Rejection},
    id::{AccountId, ApiKeyId},
};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, errors::Error};
use serde::{Deserialize, Serialize};

use super::{crypto, unauthenticated};

/// Expected audience (`aud`) of staff tokens.
pub const TOKEN_AUDIENCE: &str = "stampede";
/// Tolerated clock skew, in seconds.
const LEEWAY: u64 = 60;

/// Claims of a staff token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StaffClaims {
    /// Subject: the staff member.
    pub sub: String,
    /// Role; `staff` grants access to the staff routes.
    pub role: String,
    /// Audience, [`TOKEN_AUDIENCE`].
    pub aud: String,
    /// Time of issue, in seconds since 1970.
    pub iat: i64,
    /// Expiry, in seconds since 1970.
    pub exp: i64,
}

/// Verifies staff tokens.
pub(crate) struct StaffCheck {
    key: Option<DecodingKey>,
    /// Longest lifetime of a token, in seconds.
    longest: i64,
}

/// Maximum length of a token's subject, in bytes: the history of an order keeps it with every change.
const MAX_SUBJECT: usize = 128;

/// Longest lifetime of a staff token where `STAFF_TOKEN_MAX_HOURS` does not say otherwise.
const MAX_HOURS: u16 = 24;

impl StaffCheck {
    /// Takes the values of `STAFF_TOKEN_PUBLIC_KEY` and `STAFF_TOKEN_MAX_HOURS`. Without a key, all staff
    /// tokens are rejected.
    pub(crate) fn new(public_key: Option<&str>, max_hours: Option<&str>) -> Self {
        if public_key.is_some() {
            crypto::install();
        }
        let decode = |key: &str| URL_SAFE_NO_PAD.decode(key).ok();
        let key = public_key
            .and_then(decode)
            .filter(|bytes| bytes.len() == 32);
        if public_key.is_some() && key.is_none() {
            tracing::error!(
                "STAFF_TOKEN_PUBLIC_KEY is not an Ed25519 public key in base64url; tokens that are signed by hand are refused"
            );
        }
        let hours = max_hours.map_or(Ok(MAX_HOURS), str::parse);
        let hours = hours.unwrap_or_else(|error| {
            tracing::error!(error = %error, "STAFF_TOKEN_MAX_HOURS is not a number of hours; 24 apply");
            MAX_HOURS
        });
        Self {
            key: key.map(|bytes| DecodingKey::from_ed_der(&bytes)),
            longest: i64::from(hours) * 3600,
        }
    }

    /// Verifies a staff token and returns its claims.
    pub(crate) fn check(&self, token: &str) -> Result<StaffClaims, Rejection> {
        let mut rules = Validation::new(Algorithm::EdDSA);
        rules.leeway = LEEWAY;
        rules.validate_nbf = true;
        rules.set_audience(&[TOKEN_AUDIENCE]);
        rules.set_required_spec_claims(&["exp", "aud", "sub"]);
        let claims = self
            .key
            .as_ref()
            .and_then(|key| jsonwebtoken::decode::<StaffClaims>(token, key, &rules).ok())
            .ok_or_else(|| {
                unauthenticated("The token is not valid or has expired; get a new one.")
            })?
            .claims;
        // The trail names it, and must not take it for a member or a key of an API.
        let is_id =
            claims.sub.parse::<AccountId>().is_ok() || claims.sub.parse::<ApiKeyId>().is_ok();
        if claims.sub.trim().is_empty() || claims.sub.len() > MAX_SUBJECT || is_id {
            return Err(unauthenticated(
                "The token's subject is empty, longer than 128 bytes, or an identifier; get a token with a name.",
            ));
        }
        // A key may sign any `exp`. `iat` must be believable, or a token could be issued in the future.
        let leeway = i64::try_from(LEEWAY).unwrap_or_default();
        let is_issued = claims.iat <= crate::now().as_second().saturating_add(leeway);
        if !is_issued || claims.exp.saturating_sub(claims.iat) > self.longest {
            return Err(unauthenticated(
                "The token is valid for too long; get one with a shorter lifetime.",
            ));
        }
        if claims.role != "staff" {
            return Err(Rejection::new(
                Code::Forbidden,
                "The token lacks the role staff; use a staff token.",
            ));
        }
        Ok(claims)
    }
}

/// Signs a staff token with a private key in PKCS #8. For tools and tests only; functions have no
/// private key.
pub fn sign_staff_token(claims: &StaffClaims, pkcs8: &[u8]) -> Result<String, Error> {
    crypto::install();
    jsonwebtoken::encode(
        &Header::new(Algorithm::EdDSA),
        claims,
        &EncodingKey::from_ed_der(pkcs8),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use ring::{
        rand::SystemRandom,
        signature::{Ed25519KeyPair, KeyPair},
    };

    /// A new key pair.
    struct Keys {
        /// Private key in PKCS #8.
        private: Vec<u8>,
        /// Public key in base64url.
        public: String,
    }

    fn keys() -> Keys {
        let pkcs8 = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new())
            .unwrap()
            .as_ref()
            .to_vec();
        let pair = Ed25519KeyPair::from_pkcs8(&pkcs8).unwrap();
        Keys {
            public: URL_SAFE_NO_PAD.encode(pair.public_key()),
            private: pkcs8,
        }
    }

    fn claims(role: &str, seconds_left: i64) -> StaffClaims {
        let now = crate::now().as_second();
        StaffClaims {
            sub: "ada".into(),
            role: role.into(),
            aud: TOKEN_AUDIENCE.into(),
            iat: now,
            exp: now + seconds_left,
        }
    }

    #[test]
    fn only_a_valid_staff_token_opens() {
        let Keys { private, public } = keys();
        let stranger = keys().private;
        let check = StaffCheck::new(Some(&public), None);
        let code = |claims: &StaffClaims, key: &[u8]| {
            let header = sign_staff_token(claims, key).unwrap();
            check.check(&header).map_err(|fault| fault.code)
        };
        assert!(code(&claims("staff", 60), &private).is_ok());
        assert_eq!(
            code(&claims("customer", 60), &private),
            Err(Code::Forbidden)
        );
        assert_eq!(
            code(&claims("staff", -120), &private),
            Err(Code::Unauthenticated)
        );
        assert_eq!(
            code(&claims("staff", 60), &stranger),
            Err(Code::Unauthenticated)
        );
        let mut elsewhere = claims("staff", 60);
        elsewhere.aud = "another-shop".into();
        assert_eq!(code(&elsewhere, &private), Err(Code::Unauthenticated));
    }

    // Kind of fault: a text inside an item without a bound.
    #[test]
    fn a_subject_is_a_name_of_at_most_128_bytes() {
        let Keys { private, public } = keys();
        let check = StaffCheck::new(Some(&public), None);
        for (subject, opens) in [
            ("s".repeat(MAX_SUBJECT), true),
            ("s".repeat(MAX_SUBJECT + 1), false),
            (String::new(), false),
            (" ".into(), false),
            (AccountId::random([1; 16]).to_string(), false),
            (ApiKeyId::random([1; 16]).to_string(), false),
        ] {
            let mut claims = claims("staff", 60);
            claims.sub = subject.clone();
            let header = sign_staff_token(&claims, &private).unwrap();
            assert_eq!(check.check(&header).is_ok(), opens, "{subject:?}");
        }
    }

    #[test]
    fn a_token_that_is_not_valid_yet_is_refused() {
        let Keys { private, public } = keys();
        let check = StaffCheck::new(Some(&public), None);
        for (seconds, opens) in [(-60, true), (30, true), (120, false)] {
            let mut claims = serde_json::to_value(claims("staff", 60)).unwrap();
            claims["nbf"] = (crate::now().as_second() + seconds).into();
            let key = EncodingKey::from_ed_der(&private);
            let header = Header::new(Algorithm::EdDSA);
            let token = jsonwebtoken::encode(&header, &claims, &key).unwrap();
            assert_eq!(check.check(&token).is_ok(), opens, "{seconds}");
        }
    }

    // Kind of fault: the caller chooses a bound that the shop should set.
    #[test]
    fn a_token_lives_no_longer_than_the_shop_allows() {
        let Keys { private, public } = keys();
        let opens = |max_hours: Option<&str>, issued: i64, lifetime: i64| {
            let now = crate::now().as_second();
            let mut claims = claims("staff", 0);
            claims.iat = now + issued;
            claims.exp = claims.iat + lifetime;
            let header = sign_staff_token(&claims, &private).unwrap();
            let check = StaffCheck::new(Some(&public), max_hours);
            check.check(&header).map_err(|fault| fault.code).is_ok()
        };
        let day = 24 * 3600;
        assert!(opens(None, 0, day));
        assert!(!opens(None, 0, day + 1));
        assert!(!opens(None, 0, i64::MAX / 2));
        // Neither a late issue nor an early one stretches it.
        assert!(!opens(None, 120, 60));
        assert!(!opens(None, -day, 2 * day));
        assert!(opens(Some("1"), 0, 3600));
        assert!(!opens(Some("1"), 0, 3601));
        assert!(opens(Some("48"), 0, 2 * day));
        assert!(!opens(Some("many"), 0, day + 1));
    }

    #[test]
    fn tokens_without_signature_are_refused() {
        let public = keys().public;
        let check = StaffCheck::new(Some(&public), None);
        let body = URL_SAFE_NO_PAD.encode(serde_json::to_vec(&claims("staff", 60)).unwrap());
        for header in [
            r#"{"alg":"none"}"#,
            r#"{"alg":"EdDSA"}"#,
            r#"{"alg":"HS256"}"#,
        ] {
            let token = format!("{}.{body}.", URL_SAFE_NO_PAD.encode(header));
            let code = check.check(&token).map_err(|fault| fault.code);
            assert_eq!(code, Err(Code::Unauthenticated), "{header}");
        }
        for garbage in ["", ".", "..", "a.b.c"] {
            assert!(check.check(garbage).is_err(), "{garbage}");
        }
    }

    #[test]
    fn without_a_key_nobody_is_staff() {
        let private = keys().private;
        let token = sign_staff_token(&claims("staff", 60), &private).unwrap();
        for check in [
            StaffCheck::new(None, None),
            StaffCheck::new(Some("no key"), None),
        ] {
            assert!(check.check(&token).is_err());
        }
    }
}

//! Authentication of staff by JWTs signed with Ed25519; functions only hold the public key.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use domain::fault::{Code, Rejection};
use jsonwebtoken::{
    Algorithm, DecodingKey, EncodingKey, Header, Validation,
    crypto::{CryptoProvider, JwtSigner, JwtVerifier, KeyUtils},
    errors::{Error, ErrorKind},
};
use ring::signature::{ED25519, Ed25519KeyPair, UnparsedPublicKey};
use serde::{Deserialize, Serialize};
use signature::{Signer, Verifier};

/// Expected audience (`aud`) of staff tokens.
pub const TOKEN_AUDIENCE: &str = "stampede";
/// Tolerated clock skew, in seconds.
const LEEWAY: u64 = 60;

/// Who may call an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Anyone, without a token.
    Public,
    /// The holder of a bearer token that the endpoint checks itself.
    Token,
    /// The holder of a staff token.
    Staff,
}

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
            // Only fails if a provider is already installed, which is fine.
            let _ = RING.install_default();
        }
        let decode = |key: &str| URL_SAFE_NO_PAD.decode(key).ok();
        let key = public_key
            .and_then(decode)
            .filter(|bytes| bytes.len() == 32);
        if public_key.is_some() && key.is_none() {
            tracing::error!(
                "STAFF_TOKEN_PUBLIC_KEY is not an Ed25519 public key in base64url; staff routes are closed"
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
    pub(crate) fn check(&self, authorization: Option<&str>) -> Result<StaffClaims, Rejection> {
        let token = bearer(authorization)?;
        let mut rules = Validation::new(Algorithm::EdDSA);
        rules.leeway = LEEWAY;
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
        if claims.sub.len() > MAX_SUBJECT {
            return Err(unauthenticated(
                "The token's subject is too long; get a token with a shorter one.",
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

/// Extracts the token of an `Authorization: Bearer …` header.
pub(crate) fn bearer(authorization: Option<&str>) -> Result<&str, Rejection> {
    let missing = || unauthenticated("Send the header Authorization: Bearer <token>.");
    let (scheme, token) = authorization
        .and_then(|value| value.split_once(' '))
        .ok_or_else(missing)?;
    let token = token.trim();
    if scheme.eq_ignore_ascii_case("bearer") && !token.is_empty() {
        Ok(token)
    } else {
        Err(missing())
    }
}

fn unauthenticated(detail: &str) -> Rejection {
    Rejection::new(Code::Unauthenticated, detail)
}

/// Signs a staff token with a private key in PKCS #8. For tools and tests only; functions have no
/// private key.
pub fn sign_staff_token(claims: &StaffClaims, pkcs8: &[u8]) -> Result<String, Error> {
    let _ = RING.install_default();
    jsonwebtoken::encode(
        &Header::new(Algorithm::EdDSA),
        claims,
        &EncodingKey::from_ed_der(pkcs8),
    )
}

// jsonwebtoken's own cryptography comes only together with RSA and more; ring is already in every
// binary for TLS.
static RING: CryptoProvider = CryptoProvider {
    signer_factory: |algorithm, key| match algorithm {
        Algorithm::EdDSA => Ed25519KeyPair::from_pkcs8_maybe_unchecked(key.as_bytes())
            .map(|pair| Box::new(RingSigner(pair)) as Box<dyn JwtSigner>)
            .map_err(|_| ErrorKind::InvalidEddsaKey.into()),
        _ => Err(ErrorKind::InvalidAlgorithm.into()),
    },
    verifier_factory: |algorithm, key| match algorithm {
        Algorithm::EdDSA => {
            let bytes = key.try_get_as_bytes()?.to_vec();
            Ok(
                Box::new(RingVerifier(UnparsedPublicKey::new(&ED25519, bytes)))
                    as Box<dyn JwtVerifier>,
            )
        }
        _ => Err(ErrorKind::InvalidAlgorithm.into()),
    },
    key_utils: KeyUtils::new_unimplemented(),
};

struct RingSigner(Ed25519KeyPair);

impl Signer<Vec<u8>> for RingSigner {
    fn try_sign(&self, message: &[u8]) -> Result<Vec<u8>, signature::Error> {
        Ok(self.0.sign(message).as_ref().to_vec())
    }
}

impl JwtSigner for RingSigner {
    fn algorithm(&self) -> Algorithm {
        Algorithm::EdDSA
    }
}

struct RingVerifier(UnparsedPublicKey<Vec<u8>>);

impl Verifier<Vec<u8>> for RingVerifier {
    fn verify(&self, message: &[u8], signature: &Vec<u8>) -> Result<(), signature::Error> {
        self.0
            .verify(message, signature)
            .map_err(|_| signature::Error::new())
    }
}

impl JwtVerifier for RingVerifier {
    fn algorithm(&self) -> Algorithm {
        Algorithm::EdDSA
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ring::{rand::SystemRandom, signature::KeyPair};

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
            let header = format!("Bearer {}", sign_staff_token(claims, key).unwrap());
            check.check(Some(&header)).map_err(|fault| fault.code)
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
    fn a_long_subject_is_refused() {
        let Keys { private, public } = keys();
        let check = StaffCheck::new(Some(&public), None);
        for (bytes, opens) in [(MAX_SUBJECT, true), (MAX_SUBJECT + 1, false)] {
            let mut claims = claims("staff", 60);
            claims.sub = "s".repeat(bytes);
            let header = format!("Bearer {}", sign_staff_token(&claims, &private).unwrap());
            assert_eq!(check.check(Some(&header)).is_ok(), opens, "{bytes}");
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
            let header = format!("Bearer {}", sign_staff_token(&claims, &private).unwrap());
            let check = StaffCheck::new(Some(&public), max_hours);
            check
                .check(Some(&header))
                .map_err(|fault| fault.code)
                .is_ok()
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
            let token = format!("Bearer {}.{body}.", URL_SAFE_NO_PAD.encode(header));
            let code = check.check(Some(&token)).map_err(|fault| fault.code);
            assert_eq!(code, Err(Code::Unauthenticated), "{header}");
        }
        for header in [
            None,
            Some(""),
            Some("Bearer"),
            Some("Bearer "),
            Some("Basic abc"),
        ] {
            assert!(check.check(header).is_err(), "{header:?}");
        }
    }

    #[test]
    fn without_a_key_nobody_is_staff() {
        let private = keys().private;
        let token = format!(
            "Bearer {}",
            sign_staff_token(&claims("staff", 60), &private).unwrap()
        );
        for check in [
            StaffCheck::new(None, None),
            StaffCheck::new(Some("no key"), None),
        ] {
            assert!(check.check(Some(&token)).is_err());
        }
    }
}

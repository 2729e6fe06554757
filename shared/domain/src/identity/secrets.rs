//! The secrets of accounts, all derived from one root secret: peppers of passwords, keys of mail links, keys that sign access
//! tokens, and keys that seal what must be read again.
//!
//! The root is the text of one secret of AWS Secrets Manager (`infra/data.yaml`), made at deployment. To replace it, an
//! operator writes a new root under a higher version and keeps the old ones beside it: passwords are hashed again at each
//! login, links of mails that are under way go on working.

use std::{collections::BTreeMap, fmt};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::{SignedDuration, Timestamp};
use ring::{
    digest::{SHA256, digest},
    hkdf,
    signature::{Ed25519KeyPair, KeyPair},
};
use serde::Deserialize;

use super::{LinkKey, Peppers};

/// Time for which a signing key signs: a new one every 30 days.
const PERIOD: SignedDuration = SignedDuration::from_hours(24 * 30);
/// Fewest characters of a root: 32 letters and digits have 190 bits.
const MIN_ROOT: usize = 32;

/// The text of the secret: the newest root, and those before it.
#[derive(Deserialize)]
struct Text {
    version: u32,
    root: String,
    #[serde(default)]
    previous: Vec<Previous>,
}

/// A root of before.
#[derive(Deserialize)]
struct Previous {
    version: u32,
    root: String,
}

/// The roots by version; the highest one is used.
#[derive(Clone, PartialEq, Eq)]
pub struct Secrets(BTreeMap<u32, String>);

/// A key that signs access tokens for a time.
#[derive(Clone, PartialEq, Eq)]
pub struct SigningKey {
    /// Identifier: the thumbprint of the public key (RFC 7638).
    pub id: String,
    /// The public key, 32 bytes in base64url, as in a JWK (RFC 8037).
    pub x: String,
    seed: [u8; 32],
}

/// Why a secret cannot be used. It says nothing of the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnusableSecrets {
    /// It is not JSON of the expected form.
    #[error("the secret is not JSON with a version and a root")]
    Shape,
    /// A root can be guessed.
    #[error("a root has fewer than 32 characters")]
    Short,
    /// Two roots have one version, or one before the current one has a higher version.
    #[error("the current root does not have the highest version, or two have the same")]
    Versions,
    /// A key cannot be derived; does not happen.
    #[error("a key cannot be derived")]
    Derivation,
}

impl Secrets {
    /// Reads the text of the secret: `{"version": 2, "root": "…", "previous": [{"version": 1, "root": "…"}]}`.
    pub fn parse(text: &str) -> Result<Self, UnusableSecrets> {
        let text: Text = serde_json::from_str(text).map_err(|_| UnusableSecrets::Shape)?;
        let newest = text.version;
        let count = text.previous.len() + 1;
        let previous = text.previous.into_iter().map(|it| (it.version, it.root));
        let roots: BTreeMap<u32, String> = previous.chain([(newest, text.root)]).collect();
        if roots.len() != count || roots.last_key_value().map(|it| *it.0) != Some(newest) {
            return Err(UnusableSecrets::Versions);
        }
        if roots.values().any(|root| root.chars().count() < MIN_ROOT) {
            return Err(UnusableSecrets::Short);
        }
        Ok(Self(roots))
    }

    /// The peppers of passwords.
    pub fn peppers(&self) -> Result<Peppers, UnusableSecrets> {
        let peppers = self.0.iter().map(|(version, root)| {
            let pepper = derive(root, "pepper", "")?;
            Ok((*version, pepper.to_vec()))
        });
        Ok(Peppers(peppers.collect::<Result<_, _>>()?))
    }

    /// The keys of mail links, the newest first: it makes the tokens, and any of them proves one.
    pub fn link_keys(&self) -> Result<Vec<LinkKey>, UnusableSecrets> {
        let keys = self.0.values().rev();
        keys.map(|root| Ok(LinkKey::new(&derive(root, "link", "")?)))
            .collect()
    }

    /// The key that makes the next refresh token of the one before.
    pub fn refresh_key(&self) -> Result<[u8; 32], UnusableSecrets> {
        let newest = self.0.values().next_back();
        newest.map_or(Err(UnusableSecrets::Versions), |root| {
            derive(root, "refresh", "")
        })
    }

    /// The keys that seal what is read again, such as a TOTP secret, the newest first.
    pub fn sealing_keys(&self) -> Result<Vec<[u8; 32]>, UnusableSecrets> {
        let roots = self.0.values().rev();
        roots.map(|root| derive(root, "seal", "")).collect()
    }

    /// The keys that sign at `now`, of each root, the newest first. The first one that verifiers have known for a while is
    /// used.
    pub fn signing_keys(&self, now: Timestamp) -> Result<Vec<SigningKey>, UnusableSecrets> {
        self.keys_of(period(now))
    }

    /// The keys that verifiers are to know at `now`: those that sign, those that will in the next period, and those whose
    /// last tokens may still be valid.
    pub fn public_keys(&self, now: Timestamp) -> Result<Vec<SigningKey>, UnusableSecrets> {
        let current = period(now);
        let mut keys = Vec::new();
        for period in [current, current + 1, current - 1] {
            keys.extend(self.keys_of(period)?);
        }
        Ok(keys)
    }

    fn keys_of(&self, period: i64) -> Result<Vec<SigningKey>, UnusableSecrets> {
        let roots = self.0.values().rev();
        roots
            .map(|root| SigningKey::of(derive(root, "sign", &period.to_string())?))
            .collect()
    }
}

impl SigningKey {
    fn of(seed: [u8; 32]) -> Result<Self, UnusableSecrets> {
        let pair = Ed25519KeyPair::from_seed_unchecked(&seed);
        let pair = pair.map_err(|_| UnusableSecrets::Derivation)?;
        let x = URL_SAFE_NO_PAD.encode(pair.public_key());
        Ok(Self {
            id: thumbprint(&x),
            x,
            seed,
        })
    }

    /// The private key, for the signer only.
    pub fn reveal(&self) -> &[u8; 32] {
        &self.seed
    }
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Secrets")
            .field(&self.0.keys().collect::<Vec<_>>())
            .finish()
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

fn period(now: Timestamp) -> i64 {
    now.as_second().div_euclid(PERIOD.as_secs())
}

/// HKDF (RFC 5869) with the purpose and the part as its context, which keeps all keys apart.
fn derive(root: &str, purpose: &str, part: &str) -> Result<[u8; 32], UnusableSecrets> {
    let salt = hkdf::Salt::new(hkdf::HKDF_SHA256, b"stampede identity");
    let key = salt.extract(root.as_bytes());
    let info = [purpose.as_bytes(), b"/", part.as_bytes()];
    let mut derived = [0; 32];
    key.expand(&info, hkdf::HKDF_SHA256)
        .and_then(|okm| okm.fill(&mut derived))
        .map_err(|_| UnusableSecrets::Derivation)?;
    Ok(derived)
}

/// Thumbprint of an Ed25519 public key (RFC 7638, RFC 8037 appendix A.3).
fn thumbprint(x: &str) -> String {
    let jwk = format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}"#);
    URL_SAFE_NO_PAD.encode(digest(&SHA256, jwk.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROOT: &str = "0123456789abcdefghijklmnopqrstuvwxyz";

    fn text(version: u32, root: &str, previous: &str) -> String {
        format!(r#"{{"version":{version},"root":"{root}","previous":[{previous}]}}"#)
    }

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    /// The vector of RFC 8037, appendix A.3.
    #[test]
    fn a_key_is_named_by_its_thumbprint() {
        let x = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
        assert_eq!(thumbprint(x), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    }

    #[test]
    fn each_purpose_version_and_period_has_a_key_of_its_own() {
        let other = ROOT.to_uppercase();
        let previous = format!(r#"{{"version":1,"root":"{ROOT}"}}"#);
        let secrets = Secrets::parse(&text(2, &other, &previous)).unwrap();
        let now = at("2026-11-26T12:00:00Z");
        let mut all: Vec<Vec<u8>> = secrets.peppers().unwrap().0.into_values().collect();
        all.extend(
            secrets
                .sealing_keys()
                .unwrap()
                .into_iter()
                .map(|it| it.to_vec()),
        );
        let signing = secrets.public_keys(now).unwrap();
        assert_eq!(signing.len(), 6);
        assert_eq!(signing[..2], secrets.signing_keys(now).unwrap());
        all.push(secrets.refresh_key().unwrap().to_vec());
        all.extend(signing.iter().map(|it| it.reveal().to_vec()));
        let count = all.len();
        all.sort();
        all.dedup();
        assert_eq!((count, all.len()), (11, 11));
    }

    #[test]
    fn a_signing_key_is_known_before_it_signs_and_after() {
        let secrets = Secrets::parse(&text(1, ROOT, "")).unwrap();
        let first = at("2026-11-26T12:00:00Z");
        let next = first + PERIOD;
        let [signing] = &secrets.signing_keys(next).unwrap()[..] else {
            panic!("one root has one key")
        };
        assert_ne!(secrets.signing_keys(first).unwrap()[0], *signing);
        for known_at in [first, next, next + PERIOD] {
            let known = secrets.public_keys(known_at).unwrap();
            assert!(known.contains(signing), "{known_at}");
        }
        let known = secrets.public_keys(next + PERIOD + PERIOD).unwrap();
        assert!(!known.contains(signing));
    }

    #[test]
    fn a_secret_that_cannot_be_used_says_why_and_nothing_else() {
        let previous = format!(r#"{{"version":1,"root":"{ROOT}"}}"#);
        for (wrong, error) in [
            (String::new(), UnusableSecrets::Shape),
            (ROOT.to_owned(), UnusableSecrets::Shape),
            (text(1, "short", ""), UnusableSecrets::Short),
            (text(1, ROOT, &previous), UnusableSecrets::Versions),
            (text(0, ROOT, &previous), UnusableSecrets::Versions),
        ] {
            assert_eq!(Secrets::parse(&wrong), Err(error));
        }
        let secrets = Secrets::parse(&text(1, ROOT, "")).unwrap();
        let keys = secrets.signing_keys(at("2026-11-26T12:00:00Z")).unwrap();
        assert!(!format!("{secrets:?}").contains(ROOT));
        assert!(!format!("{keys:?}").contains("seed"));
    }
}

//! Passwords: what may be one, and how it is stored.

use std::{
    borrow::Cow,
    collections::BTreeMap,
    fmt,
    sync::{Mutex, PoisonError},
};

use argon2::{
    Algorithm, Argon2, Block, Params, PasswordHash as Phc, Version,
    password_hash::{
        self,
        phc::{Output, ParamsString, Salt},
    },
};
use icu_normalizer::ComposingNormalizerBorrowed;
use icu_properties::{CodePointMapData, props::GeneralCategory};

use crate::fault::FieldFault;

/// Fewest characters (ASVS 6.2.1).
const MIN_CHARACTERS: usize = 8;
/// Most characters.
const MAX_CHARACTERS: usize = 256;
/// Most bytes as sent: normalization may make one character of 18, so this comes first.
const MAX_BYTES: usize = 1024;
/// OWASP's parameters for argon2id: 19 MiB, 2 passes, 1 lane.
const PARAMS: Params = Params::DEFAULT;
/// Hash of no password, with the parameters of today: an unknown address takes as long as a known one.
const NOBODYS: &str = "$argon2id$v=19$m=19456,t=2,p=1$c3RhbXBlZGUtbm9ib2R5cw$bm9ib2R5IGhhcyB0aGlzIHBhc3N3b3JkLCBub2JvZHk";

/// A password that somebody sets.
#[derive(Clone, PartialEq, Eq)]
pub struct NewPassword(String);

/// A password that somebody signs in with. Any text may be one: a text that cannot be is not theirs.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordAttempt(Option<String>);

/// A stored password: argon2id in the PHC string format, with the version of the pepper.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash {
    /// The PHC string.
    pub phc: String,
    /// Version of the pepper that it was made with.
    pub pepper: u32,
}

/// Secrets that go into every hash and are stored elsewhere, by version. The highest one is used.
#[derive(Clone)]
pub struct Peppers(pub BTreeMap<u32, Vec<u8>>);

/// Result of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PasswordCheck {
    /// It is the password.
    Right {
        /// Whether it is to be hashed again, as parameters or pepper have been raised.
        rehash: bool,
    },
    /// It is another one.
    Wrong,
    /// Nobody can tell, as no pepper has the version that the stored hash was made with: its owner has to set a new password.
    /// It took as long as a wrong one.
    Unverifiable {
        /// The version that is missing.
        pepper: u32,
    },
}

/// A stored hash that cannot be used, or no memory for the computation. The message says nothing of the password.
#[derive(Debug, thiserror::Error)]
pub enum UnusablePassword {
    /// The computation failed, or the stored text is not a hash.
    #[error("the stored password cannot be verified: {0}")]
    Hash(#[from] password_hash::Error),
    /// There is no pepper at all.
    #[error("there is no pepper")]
    NoPepper,
}

/// Secrets are not printed.
macro_rules! hidden {
    ($($type:ident),*) => {$(
        impl fmt::Debug for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($type), "(…)"))
            }
        }
    )*};
}
hidden!(NewPassword, PasswordAttempt, PasswordHash, Peppers);

impl NewPassword {
    /// Checks a password for `field`. `is_known` tells whether attackers try it first; it is given the password in lower case.
    pub fn parse(
        field: &str,
        text: &str,
        is_known: impl Fn(&str) -> bool,
    ) -> Result<Self, FieldFault> {
        let fault = |code, message: &str| Err(FieldFault::new(field, code, message));
        if text.is_empty() {
            return fault("required", "Must not be empty.");
        }
        if text.len() > MAX_BYTES {
            return fault("too_long", "Must have at most 256 characters.");
        }
        if !text.chars().all(may_be_typed) {
            return fault(
                "invalid",
                "Must not contain control characters or characters that Unicode does not assign.",
            );
        }
        let password = normalized(text);
        let characters = password.chars().count();
        if characters < MIN_CHARACTERS {
            return fault("too_short", "Must have at least 8 characters.");
        }
        if characters > MAX_CHARACTERS {
            return fault("too_long", "Must have at most 256 characters.");
        }
        if is_known(&password.to_lowercase()) {
            return fault(
                "breached_password",
                "Is among the passwords that attackers try first; choose another one.",
            );
        }
        Ok(Self(password.into_owned()))
    }

    /// Hashes the password with 16 random bytes and the newest pepper.
    pub fn hash(
        &self,
        peppers: &Peppers,
        salt: [u8; 16],
    ) -> Result<PasswordHash, UnusablePassword> {
        let (version, pepper) = peppers.newest()?;
        Ok(PasswordHash {
            phc: phc_of(&self.0, &salt, pepper, PARAMS)?,
            pepper: version,
        })
    }
}

impl PasswordAttempt {
    /// Takes what was sent.
    pub fn new(text: &str) -> Self {
        let may_be_one = !text.is_empty() && text.len() <= MAX_BYTES;
        Self(may_be_one.then(|| normalized(text).into_owned()))
    }

    /// Compares with a stored password; `None` for an account that does not exist or has none, which takes as long.
    pub fn check(
        &self,
        stored: Option<&PasswordHash>,
        peppers: &Peppers,
    ) -> Result<PasswordCheck, UnusablePassword> {
        let (newest, newest_pepper) = peppers.newest()?;
        let pepper_of = |hash: &PasswordHash| peppers.0.get(&hash.pepper).map(Vec::as_slice);
        let (phc, pepper, is_known) = match stored.map(|hash| (hash, pepper_of(hash))) {
            Some((hash, Some(pepper))) => (hash.phc.as_str(), pepper, true),
            // Nothing to compare with, so that the time is all that this takes.
            Some((_, None)) | None => (NOBODYS, newest_pepper, false),
        };
        let phc = Phc::new(phc).map_err(password_hash::Error::from)?;
        let is_same = is_hash_of(&phc, self.0.as_deref().unwrap_or_default(), pepper)?;
        Ok(match stored {
            Some(stored) if !is_known => PasswordCheck::Unverifiable {
                pepper: stored.pepper,
            },
            // Never for an attempt that cannot be a password, whatever its hash.
            Some(stored) if is_same && self.0.is_some() => PasswordCheck::Right {
                rehash: is_outdated(&phc)? || stored.pepper != newest,
            },
            _ => PasswordCheck::Wrong,
        })
    }

    /// The password as one that is set, to hash it again. Only after it was found right.
    pub fn as_new(&self) -> Option<NewPassword> {
        self.0.clone().map(NewPassword)
    }
}

impl Peppers {
    fn newest(&self) -> Result<(u32, &[u8]), UnusablePassword> {
        let newest = self.0.last_key_value();
        newest
            .map(|(version, pepper)| (*version, pepper.as_slice()))
            .ok_or(UnusablePassword::NoPepper)
    }
}

/// Memory of the computation, which a process allocates once. A new allocation for each would take 19 MiB more every time: glibc
/// before 2.38, as of Lambda's Amazon Linux 2023, does not reuse what it has given out with an alignment
/// (<https://sourceware.org/bugzilla/show_bug.cgi?id=14581>).
static MEMORY: Mutex<Vec<Block>> = Mutex::new(Vec::new());

/// The argon2id of a text.
fn argon2id(
    text: &str,
    salt: &[u8],
    pepper: &[u8],
    params: Params,
) -> Result<Output, password_hash::Error> {
    let blocks = params.block_count();
    let argon2 = Argon2::new_with_secret(pepper, Algorithm::Argon2id, Version::V0x13, params)?;
    let mut output = [0; Params::DEFAULT_OUTPUT_LEN];
    // Whatever a computation that broke off has left there, the next one overwrites.
    let mut memory = MEMORY.lock().unwrap_or_else(PoisonError::into_inner);
    if memory.len() < blocks {
        memory.resize(blocks, Block::new());
    }
    argon2.hash_password_into_with_memory(text.as_bytes(), salt, &mut output, &mut *memory)?;
    Ok(Output::new(&output)?)
}

/// The hash of a text in the PHC string format.
fn phc_of(
    text: &str,
    salt: &[u8],
    pepper: &[u8],
    params: Params,
) -> Result<String, password_hash::Error> {
    let phc = Phc {
        algorithm: Algorithm::Argon2id.ident(),
        version: Some(Version::V0x13.into()),
        params: ParamsString::try_from(&params)?,
        salt: Some(Salt::new(salt)?),
        hash: Some(argon2id(text, salt, pepper, params)?),
    };
    Ok(phc.to_string())
}

/// Whether a hash is that of a text, compared in constant time.
fn is_hash_of(phc: &Phc, text: &str, pepper: &[u8]) -> Result<bool, UnusablePassword> {
    if phc.algorithm != Algorithm::Argon2id.ident() {
        return Err(password_hash::Error::Algorithm.into());
    }
    if phc.version != Some(Version::V0x13.into()) {
        return Err(password_hash::Error::Version.into());
    }
    let (Some(salt), Some(hash)) = (&phc.salt, &phc.hash) else {
        return Err(password_hash::Error::EncodingInvalid.into());
    };
    Ok(argon2id(text, salt, pepper, Params::try_from(phc)?)? == *hash)
}

/// Whether a hash has other parameters than those of today.
fn is_outdated(phc: &Phc) -> Result<bool, UnusablePassword> {
    let had = Params::try_from(phc)?;
    let costs = |params: &Params| (params.m_cost(), params.t_cost(), params.p_cost());
    Ok(costs(&had) != costs(&PARAMS))
}

/// The same password typed on another keyboard or system (NIST SP 800-63B): NFKC, and one kind of space. Nothing is trimmed.
fn normalized(text: &str) -> Cow<'_, str> {
    const NFKC: ComposingNormalizerBorrowed<'static> = ComposingNormalizerBorrowed::new_nfkc();
    let normalized = NFKC.normalize(text);
    // The one space that NFKC keeps.
    match normalized.contains('\u{1680}') {
        true => Cow::Owned(normalized.replace('\u{1680}', " ")),
        false => normalized,
    }
}

/// Whether a character can be typed again: no control character, and one that Unicode has assigned.
fn may_be_typed(c: char) -> bool {
    let category = CodePointMapData::<GeneralCategory>::new().get(c);
    !matches!(
        category,
        GeneralCategory::Control | GeneralCategory::Unassigned
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peppers(versions: &[u32]) -> Peppers {
        Peppers(
            versions
                .iter()
                .map(|it| (*it, vec![*it as u8; 32]))
                .collect(),
        )
    }

    fn parse(text: &str) -> Result<NewPassword, String> {
        NewPassword::parse("password", text, |it| it == "password1")
            .map_err(|it| it.code.into_owned())
    }

    #[test]
    fn what_may_be_a_password() {
        let code = |text: &str| parse(text).err();
        assert_eq!(code("correct horse"), None);
        assert_eq!(code("ünïcödé!"), None);
        assert_eq!(code(&"x".repeat(256)), None);
        assert_eq!(code("").as_deref(), Some("required"));
        assert_eq!(code("x").as_deref(), Some("too_short"));
        assert_eq!(code("1234567").as_deref(), Some("too_short"));
        assert_eq!(code(&"x".repeat(257)).as_deref(), Some("too_long"));
        assert_eq!(code(&"x".repeat(10_000_000)).as_deref(), Some("too_long"));
        assert_eq!(code("correct\0horse").as_deref(), Some("invalid"));
        assert_eq!(code("correct\nhorse").as_deref(), Some("invalid"));
        assert_eq!(code("PassWord1").as_deref(), Some("breached_password"));
        // 18 characters after normalization, and its full-width form is the known one.
        assert_eq!(code("\u{FDFA}"), None);
        assert_eq!(
            code("ｐａｓｓｗｏｒｄ１").as_deref(),
            Some("breached_password")
        );
    }

    #[test]
    fn a_password_is_found_right_however_it_is_typed() {
        let peppers = peppers(&[1]);
        let stored = parse("caf\u{e9} au lait")
            .unwrap()
            .hash(&peppers, [7; 16])
            .unwrap();
        let check = |text: &str| {
            PasswordAttempt::new(text)
                .check(Some(&stored), &peppers)
                .unwrap()
        };
        for same in [
            "caf\u{e9} au lait",
            "cafe\u{301} au lait",
            "café\u{a0}au lait",
        ] {
            assert_eq!(
                check(same),
                PasswordCheck::Right { rehash: false },
                "{same:?}"
            );
        }
        for other in [
            "cafe au lait",
            "Café au lait",
            "café au lait ",
            "",
            "café au lait\0",
        ] {
            assert_eq!(check(other), PasswordCheck::Wrong, "{other:?}");
        }
        assert_eq!(check(&"x".repeat(10_000_000)), PasswordCheck::Wrong);
        assert!(stored.phc.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
        assert!(!format!("{stored:?}{peppers:?}").contains("argon2id"));
    }

    #[test]
    fn nobody_has_the_password_of_an_account_that_does_not_exist() {
        let peppers = peppers(&[1]);
        for text in ["", "correct horse", "nobody has this password, nobody"] {
            let check = PasswordAttempt::new(text).check(None, &peppers).unwrap();
            assert_eq!(check, PasswordCheck::Wrong);
        }
    }

    #[test]
    fn a_raised_pepper_or_parameter_is_adopted_at_the_next_login() {
        let password = parse("correct horse").unwrap();
        let old = password.hash(&peppers(&[1]), [7; 16]).unwrap();
        let attempt = PasswordAttempt::new("correct horse");
        let both = peppers(&[1, 2]);
        let right = PasswordCheck::Right { rehash: true };
        assert_eq!(attempt.check(Some(&old), &both).unwrap(), right);
        let new = attempt.as_new().unwrap().hash(&both, [8; 16]).unwrap();
        assert_eq!(new.pepper, 2);
        let right = PasswordCheck::Right { rehash: false };
        assert_eq!(attempt.check(Some(&new), &both).unwrap(), right);
        let params = Params::new(8192, 1, 1, None).unwrap();
        let phc = phc_of("correct horse", &[9; 16], &[1; 32], params).unwrap();
        let weak = PasswordHash { phc, pepper: 1 };
        let check = attempt.check(Some(&weak), &peppers(&[1])).unwrap();
        assert_eq!(check, PasswordCheck::Right { rehash: true });
    }

    /// What is computed in the memory of the process is what the library computes in its own, whatever was there before.
    #[test]
    fn a_hash_is_that_of_the_library() {
        use argon2::password_hash::PasswordVerifier as _;

        for (text, salt) in [
            ("correct horse", 7),
            ("another horse", 8),
            ("correct horse", 9),
        ] {
            let hash = parse(text).unwrap().hash(&peppers(&[1]), [salt; 16]);
            let library =
                Argon2::new_with_secret(&[1; 32], Algorithm::Argon2id, Version::V0x13, PARAMS);
            let verified = library
                .unwrap()
                .verify_password(text.as_bytes(), &*hash.unwrap().phc);
            assert_eq!(verified, Ok(()), "{text} {salt}");
        }
    }

    /// The kind of fault: an account from before a root was lost is told apart from an address without one.
    #[test]
    fn a_password_whose_pepper_is_gone_is_nobodys() {
        let stored = parse("correct horse").unwrap();
        let stored = stored.hash(&peppers(&[1]), [7; 16]).unwrap();
        let without = peppers(&[2]);
        for text in ["correct horse", "another one", ""] {
            let check = PasswordAttempt::new(text).check(Some(&stored), &without);
            let gone = PasswordCheck::Unverifiable { pepper: 1 };
            assert_eq!(check.unwrap(), gone, "{text:?}");
        }
        // Whatever is stored in its place: it is not looked at.
        let broken = PasswordHash {
            phc: "$argon2id$".to_owned(),
            pepper: 1,
        };
        let check = PasswordAttempt::new("correct horse").check(Some(&broken), &without);
        assert!(matches!(check, Ok(PasswordCheck::Unverifiable { .. })));
        // Without any pepper, not even the time can be taken.
        let none = PasswordAttempt::new("x").check(Some(&stored), &peppers(&[]));
        assert!(matches!(none, Err(UnusablePassword::NoPepper)));
    }

    #[test]
    fn a_broken_hash_is_not_a_wrong_password() {
        let stored = PasswordHash {
            phc: "$argon2id$".to_owned(),
            pepper: 1,
        };
        let attempt = PasswordAttempt::new("correct horse");
        assert!(attempt.check(Some(&stored), &peppers(&[1])).is_err());
    }
}

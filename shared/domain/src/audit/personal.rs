//! Values about a person, sealed with a key of that person: with the key they are erased, wherever copies are.

use std::fmt;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    EntryId, InvalidAuditText,
    canonical::Canonical,
    entry::{MAX_FIELD, MAX_VALUE},
};
use crate::{id::AccountId, text};

/// Version of the form of a sealed value, which its tag covers.
const FORM: u8 = 1;

/// The key of one person, of AES-256-GCM. It seals a few values for each action, far fewer than the 2^32 up to which random
/// nonces are safe (NIST SP 800-38D, 8.3).
#[derive(Clone, PartialEq, Eq)]
pub struct PersonKey([u8; 32]);

/// A value about a person, before it is sealed.
#[derive(Clone, Copy)]
pub struct PersonalValue<'a> {
    /// The person.
    pub person: AccountId,
    /// Name of the value, such as [`PersonalField::FROM`] or `email.before`.
    pub name: &'a str,
    /// The value, which is shortened to 500 bytes.
    pub value: &'a str,
}

/// A sealed value about a person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PersonalField {
    /// The person, whose key opens it.
    pub person: AccountId,
    /// Name of the value.
    pub name: String,
    /// The value.
    #[schemars(with = "String")]
    pub sealed: Sealed,
}

/// Nonce, ciphertext and tag of a value.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Sealed(Vec<u8>);

/// A value that cannot be sealed: a fault of the library or of its use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the value cannot be sealed")]
pub struct Unsealable;

impl PersonKey {
    /// Takes 32 random bytes.
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The key as it is stored.
    pub fn reveal(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.0)
    }

    /// Reads a stored key; `None` for what is not one.
    pub fn read(text: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        bytes.try_into().ok().map(Self)
    }

    fn cipher(&self) -> Option<LessSafeKey> {
        let key = UnboundKey::new(&AES_256_GCM, &self.0).ok()?;
        Some(LessSafeKey::new(key))
    }
}

impl fmt::Debug for PersonKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PersonKey(…)")
    }
}

impl PersonalValue<'_> {
    /// Seals the value for one entry with the person's key and 12 random bytes, which are used once.
    pub fn seal(
        &self,
        entry: &EntryId,
        key: &PersonKey,
        nonce: [u8; NONCE_LEN],
    ) -> Result<PersonalField, Unsealable> {
        let name = text::shortened(self.name.to_owned(), MAX_FIELD);
        let value = text::shortened(self.value.to_owned(), MAX_VALUE);
        let cipher = key.cipher().ok_or(Unsealable)?;
        let place = place(self.person, entry, &name);
        let mut ciphertext = value.into_bytes();
        let unique = Nonce::assume_unique_for_key(nonce);
        cipher
            .seal_in_place_append_tag(unique, Aad::from(place), &mut ciphertext)
            .map_err(|_| Unsealable)?;
        let mut sealed = nonce.to_vec();
        sealed.append(&mut ciphertext);
        Ok(PersonalField {
            person: self.person,
            name,
            sealed: Sealed(sealed),
        })
    }
}

impl fmt::Debug for PersonalValue<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PersonalValue")
            .field("person", &self.person)
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

impl PersonalField {
    /// Name of the network address that a request came from.
    pub const FROM: &str = "from";

    /// The value, with the person's key; `None` without it, as the value is erased then, and for what this key has not sealed
    /// for this place.
    pub fn open(&self, entry: &EntryId, key: Option<&PersonKey>) -> Option<String> {
        let cipher = key?.cipher()?;
        let (nonce, ciphertext) = self.sealed.0.split_first_chunk::<NONCE_LEN>()?;
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let place = place(self.person, entry, &self.name);
        let mut opened = ciphertext.to_vec();
        let value = cipher.open_in_place(nonce, Aad::from(place), &mut opened);
        String::from_utf8(value.ok()?.to_vec()).ok()
    }

    /// Adds the field to what a record's hash covers.
    pub(super) fn spell(&self, canonical: &mut Canonical) {
        canonical.fixed(self.person.to_bytes());
        canonical.text(&self.name);
        canonical.bytes(&self.sealed.0);
    }
}

/// The place that the tag covers besides the value: a sealed value is of no use in another entry, under another name or for another
/// person.
fn place(person: AccountId, entry: &EntryId, name: &str) -> Vec<u8> {
    let mut place = Canonical::default();
    place.fixed([FORM]);
    place.fixed(person.to_bytes());
    place.text(entry.as_str());
    place.text(name);
    place.into_bytes()
}

impl TryFrom<String> for Sealed {
    type Error = InvalidAuditText;

    fn try_from(text: String) -> Result<Self, InvalidAuditText> {
        // One spelling: the decoder takes neither padding nor stray bits.
        let bytes = URL_SAFE_NO_PAD.decode(text);
        bytes.map(Self).map_err(|_| InvalidAuditText {
            expected: "a sealed value in base64url",
        })
    }
}

impl From<Sealed> for String {
    fn from(sealed: Sealed) -> Self {
        URL_SAFE_NO_PAD.encode(sealed.0)
    }
}

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sealed({} bytes)", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ADA: [u8; 16] = [7; 16];

    fn id(text: &str) -> EntryId {
        EntryId::try_from(text.to_owned()).unwrap()
    }

    fn sealed(value: &str) -> PersonalField {
        let value = PersonalValue {
            person: AccountId::random(ADA),
            name: PersonalField::FROM,
            value,
        };
        let key = PersonKey::new([1; 32]);
        value.seal(&id("e"), &key, [9; 12]).unwrap()
    }

    #[test]
    fn a_value_is_opened_with_the_key_of_its_person() {
        let key = PersonKey::new([1; 32]);
        for value in ["203.0.113.7", "", "\u{1F6D2}"] {
            let field = sealed(value);
            assert_eq!(field.open(&id("e"), Some(&key)).as_deref(), Some(value));
            let json = serde_json::to_string(&field).unwrap();
            assert!(value.is_empty() || !json.contains(value), "{json}");
            assert_eq!(serde_json::from_str::<PersonalField>(&json).unwrap(), field);
        }
        let read = PersonKey::read(&key.reveal()).unwrap();
        assert_eq!(read, key);
        let debug = format!("{key:?}");
        assert!(
            !debug.contains(&key.reveal()) && !debug.contains('1'),
            "{debug}"
        );
    }

    #[test]
    fn without_the_key_it_is_erased() {
        let field = sealed("203.0.113.7");
        assert_eq!(field.open(&id("e"), None), None);
        assert_eq!(field.open(&id("e"), Some(&PersonKey::new([2; 32]))), None);
    }

    #[test]
    fn a_sealed_value_opens_at_its_own_place_only() {
        let key = PersonKey::new([1; 32]);
        let field = sealed("203.0.113.7");
        let opens = |field: &PersonalField| field.open(&id("e"), Some(&key)).is_some();
        assert!(opens(&field));
        assert_eq!(field.open(&id("another"), Some(&key)), None);
        let renamed = PersonalField {
            name: "email.before".into(),
            ..field.clone()
        };
        let of_another = PersonalField {
            person: AccountId::random([8; 16]),
            ..field.clone()
        };
        assert!(!opens(&renamed) && !opens(&of_another));
        for index in 0..field.sealed.0.len() {
            let mut altered = field.clone();
            altered.sealed.0[index] ^= 1;
            assert!(!opens(&altered), "{index}");
        }
        for length in 0..field.sealed.0.len() {
            let mut cut = field.clone();
            cut.sealed.0.truncate(length);
            assert!(!opens(&cut), "{length}");
        }
    }

    #[test]
    fn a_long_value_is_cut_before_it_is_sealed() {
        let key = PersonKey::new([1; 32]);
        let name = "n".repeat(1_000);
        let long = PersonalValue {
            person: AccountId::random(ADA),
            name: &name,
            value: &"\u{1F6D2}".repeat(10_000),
        };
        let field = long.seal(&id("e"), &key, [9; 12]).unwrap();
        assert!(field.name.len() <= MAX_FIELD);
        let value = field.open(&id("e"), Some(&key)).unwrap();
        assert!(value.len() <= MAX_VALUE && value.ends_with('…'));
        assert!(!format!("{long:?}").contains('\u{1F6D2}'));
    }

    #[test]
    fn what_is_not_a_key_or_sealed_is_refused() {
        let key = PersonKey::new([1; 32]).reveal();
        for none in ["", "x", &key[1..], &format!("{key}A"), &format!("{key}=")] {
            assert_eq!(PersonKey::read(none), None, "{none}");
        }
        // 43 characters have two bits to spare.
        let stray = format!("{}F", &key[..42]);
        assert_eq!(PersonKey::read(&stray), None);
        for none in ["=", "A", "AB", "a b", "AA=="] {
            assert!(Sealed::try_from(none.to_owned()).is_err(), "{none}");
        }
    }
}

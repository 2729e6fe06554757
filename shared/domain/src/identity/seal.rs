//! Sealing of secrets that the shop has to read again, such as those of authenticator apps: AES-256-GCM.

use std::fmt;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};

/// A key that is stored elsewhere than the secrets that it seals.
pub struct SealingKey(LessSafeKey);

/// Neither a key nor a text that can be sealed.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum SealError {
    /// The key cannot be used.
    #[error("the sealing key cannot be used")]
    Key,
    /// The text is longer than the 64 GB that one nonce may seal.
    #[error("the text is too long to be sealed")]
    TooLong,
}

impl SealingKey {
    /// Takes a secret of 32 random bytes.
    pub fn new(secret: &[u8; 32]) -> Result<Self, SealError> {
        let key = UnboundKey::new(&AES_256_GCM, secret).map_err(|_| SealError::Key)?;
        Ok(Self(LessSafeKey::new(key)))
    }

    /// Seals `plaintext` as base64url of nonce, ciphertext and tag. It opens only with the same `associated_data`, which names
    /// its purpose and its account, so that a sealed text which is copied to another item opens nothing there.
    ///
    /// The 12 bytes of the nonce are random and used once: a second text under the same nonce would reveal both. Random ones
    /// serve for 4 billion texts under one key (NIST SP 800-38D, section 8.3).
    pub fn seal(
        &self,
        plaintext: &[u8],
        associated_data: &[u8],
        nonce: [u8; NONCE_LEN],
    ) -> Result<String, SealError> {
        let mut sealed = plaintext.to_vec();
        let once = Nonce::assume_unique_for_key(nonce);
        self.0
            .seal_in_place_append_tag(once, Aad::from(associated_data), &mut sealed)
            .map_err(|_| SealError::TooLong)?;
        Ok(URL_SAFE_NO_PAD.encode([&nonce[..], &sealed].concat()))
    }

    /// The text that was sealed; `None` if it was altered, or sealed with another key or other associated data.
    pub fn open(&self, sealed: &str, associated_data: &[u8]) -> Option<Vec<u8>> {
        let bytes = URL_SAFE_NO_PAD.decode(sealed).ok()?;
        let (nonce, sealed) = bytes.split_first_chunk::<NONCE_LEN>()?;
        let once = Nonce::assume_unique_for_key(*nonce);
        let mut sealed = sealed.to_vec();
        let opened = self
            .0
            .open_in_place(once, Aad::from(associated_data), &mut sealed)
            .ok()?;
        Some(opened.to_vec())
    }
}

impl fmt::Debug for SealingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SealingKey(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ACCOUNT: &[u8] = b"totp\0acc_1";

    fn key(of: u8) -> SealingKey {
        SealingKey::new(&[of; 32]).unwrap()
    }

    fn sealed() -> String {
        key(1).seal(b"a secret", ACCOUNT, [7; 12]).unwrap()
    }

    #[test]
    fn a_sealed_text_is_opened() {
        for text in [&b""[..], b"a secret", &[0; 1_000_000]] {
            let sealed = key(1).seal(text, ACCOUNT, [7; 12]).unwrap();
            assert_eq!(key(1).open(&sealed, ACCOUNT).as_deref(), Some(text));
        }
        // 12 bytes, the text, 16 bytes.
        assert_eq!(sealed().len(), 48);
        let other = key(1).seal(b"a secret", ACCOUNT, [8; 12]).unwrap();
        assert_ne!(other[16..], sealed()[16..]);
        assert_eq!(format!("{:?}", key(1)), "SealingKey(…)");
    }

    #[test]
    fn it_is_aes_256_gcm() {
        // Test case 14 of "The Galois/Counter Mode of Operation", appendix B.
        let sealed = key(0).seal(&[0; 16], b"", [0; 12]).unwrap();
        let bytes = URL_SAFE_NO_PAD.decode(sealed).unwrap();
        assert_eq!(bytes[..12], [0; 12]);
        assert_eq!(
            u128::from_be_bytes(bytes[12..28].try_into().unwrap()),
            0xcea7_403d_4d60_6b6e_074e_c5d3_baf3_9d18
        );
        assert_eq!(
            u128::from_be_bytes(bytes[28..].try_into().unwrap()),
            0xd0d1_c8a7_9999_6bf0_265b_98b5_d48a_b919
        );
    }

    #[test]
    fn another_key_or_account_does_not_open_it() {
        assert_eq!(key(2).open(&sealed(), ACCOUNT), None);
        for other in [&b""[..], b"totp\0acc_2", b"totp\0acc_", b"totp\0acc_11"] {
            assert_eq!(key(1).open(&sealed(), other), None, "{other:?}");
        }
    }

    #[test]
    fn an_altered_text_does_not_open() {
        let sealed = sealed();
        let bytes = URL_SAFE_NO_PAD.decode(&sealed).unwrap();
        for at in 0..bytes.len() {
            for bit in 0..8 {
                let mut altered = bytes.clone();
                altered[at] ^= 1 << bit;
                let altered = URL_SAFE_NO_PAD.encode(altered);
                assert_eq!(key(1).open(&altered, ACCOUNT), None, "{at} {bit}");
            }
        }
        for length in 0..sealed.len() {
            assert_eq!(key(1).open(&sealed[..length], ACCOUNT), None, "{length}");
        }
        for text in [
            &format!("{sealed}AAAA"),
            &format!("{sealed}="),
            &format!(" {sealed}"),
            &sealed.to_lowercase(),
            "é",
            "+/+/",
            &"A".repeat(1_000_000),
        ] {
            assert_eq!(key(1).open(text, ACCOUNT), None, "{text:.60}");
        }
    }
}

//! Ed25519 for JWTs, by ring.

use jsonwebtoken::{
    Algorithm,
    crypto::{CryptoProvider, JwtSigner, JwtVerifier, KeyUtils},
    errors::ErrorKind,
};
use ring::signature::{ED25519, Ed25519KeyPair, UnparsedPublicKey};
use signature::{Signer, Verifier};

/// Has jsonwebtoken compute with ring. Once per process is enough.
pub(super) fn install() {
    // Only fails if a provider is already installed, which is fine.
    let _ = RING.install_default();
}

// jsonwebtoken's own cryptography comes only together with RSA and more; ring is already in every
// binary for TLS.
static RING: CryptoProvider = CryptoProvider {
    signer_factory: |algorithm, key| match algorithm {
        Algorithm::EdDSA => key_pair(key.as_bytes())
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

/// A private key in PKCS #8, or its seed alone.
fn key_pair(bytes: &[u8]) -> Result<Ed25519KeyPair, ring::error::KeyRejected> {
    match bytes.len() {
        32 => Ed25519KeyPair::from_seed_unchecked(bytes),
        _ => Ed25519KeyPair::from_pkcs8_maybe_unchecked(bytes),
    }
}

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

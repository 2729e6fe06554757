//! Public keys of credentials: COSE keys (RFC 9052, RFC 9053, RFC 8230) of the algorithms that we offer.

use ring::signature::{
    ECDSA_P256_SHA256_ASN1, ED25519, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents,
    UnparsedPublicKey,
};

use super::{
    WebauthnError,
    cbor::{Cbor, Key, Map},
};

/// Bytes of an RSA modulus: 2048 to 4096 bits. Windows Hello has 2048.
const RSA_MODULUS: std::ops::RangeInclusive<usize> = 256..=512;
/// The public exponent of all RSA keys that authenticators make: 65537.
const RSA_EXPONENT: [u8; 3] = [1, 0, 1];

/// A signature algorithm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// EdDSA on Curve25519.
    EdDsa,
    /// ECDSA on P-256 with SHA-256.
    Es256,
    /// RSASSA-PKCS1-v1_5 with SHA-256: Windows Hello.
    Rs256,
}

/// A credential's public key. Stored as the COSE key that its authenticator made.
///
/// That a point lies on its curve is seen when a signature is verified: a key with another one verifies none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicKey {
    cose: Vec<u8>,
    numbers: Numbers,
}

/// The numbers of a key, as ring takes them.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Numbers {
    /// The compressed point.
    EdDsa([u8; 32]),
    /// The point in SEC 1's uncompressed form.
    Es256([u8; 65]),
    /// The modulus, without leading zeros.
    Rs256(Vec<u8>),
}

impl Algorithm {
    /// The algorithms that are offered, most preferred first.
    pub const OFFERED: [Self; 3] = [Self::EdDsa, Self::Es256, Self::Rs256];

    /// Its number in IANA's registry of COSE algorithms.
    pub const fn id(self) -> i64 {
        match self {
            Self::EdDsa => -8,
            Self::Es256 => -7,
            Self::Rs256 => -257,
        }
    }
}

impl PublicKey {
    /// Reads a COSE key. It must have exactly the parameters of its algorithm (section 6.5.1).
    pub fn from_cose(cose: &[u8]) -> Result<Self, WebauthnError> {
        let map = Cbor::read(cose).and_then(Cbor::into_map);
        let map = map.ok_or(WebauthnError::Key)?;
        let Some(Cbor::Int(id)) = map.get(&Key::Int(3)) else {
            return Err(WebauthnError::Key);
        };
        let algorithm = Algorithm::OFFERED.into_iter().find(|one| one.id() == *id);
        let algorithm = algorithm.ok_or(WebauthnError::UnsupportedAlgorithm)?;
        let numbers = match algorithm {
            Algorithm::EdDsa => eddsa(&map),
            Algorithm::Es256 => es256(&map),
            Algorithm::Rs256 => rs256(&map),
        };
        Ok(Self {
            cose: cose.to_vec(),
            numbers: numbers.ok_or(WebauthnError::Key)?,
        })
    }

    /// The COSE key, for the table: at most 600 bytes.
    pub fn as_cose(&self) -> &[u8] {
        &self.cose
    }

    /// Its algorithm.
    pub const fn algorithm(&self) -> Algorithm {
        match self.numbers {
            Numbers::EdDsa(_) => Algorithm::EdDsa,
            Numbers::Es256(_) => Algorithm::Es256,
            Numbers::Rs256(_) => Algorithm::Rs256,
        }
    }

    /// Verifies that `signature` is one of `message` by this key.
    pub fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), WebauthnError> {
        let verified = match &self.numbers {
            Numbers::EdDsa(point) => {
                UnparsedPublicKey::new(&ED25519, point).verify(message, signature)
            }
            Numbers::Es256(point) => {
                UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, point).verify(message, signature)
            }
            Numbers::Rs256(modulus) => RsaPublicKeyComponents {
                n: modulus.as_slice(),
                e: RSA_EXPONENT.as_slice(),
            }
            .verify(&RSA_PKCS1_2048_8192_SHA256, message, signature),
        };
        verified.map_err(|_| WebauthnError::Signature)
    }
}

/// Whether the map has `len` members and these numbers among them.
fn has(map: &Map, len: usize, numbers: &[(i64, i64)]) -> bool {
    let is = |(label, number): &(i64, i64)| {
        map.get(&Key::Int(*label))
            .is_some_and(|value| *value == Cbor::Int(*number))
    };
    map.len() == len && numbers.iter().all(is)
}

fn bytes<'a>(map: &Map<'a>, label: i64) -> Option<&'a [u8]> {
    map.get(&Key::Int(label))?.as_bytes()
}

/// An octet key pair on Ed25519: kty 1, crv 6, x.
fn eddsa(map: &Map) -> Option<Numbers> {
    let x = bytes(map, -2)?.try_into().ok()?;
    has(map, 4, &[(1, 1), (-1, 6)]).then_some(Numbers::EdDsa(x))
}

/// An elliptic curve key on P-256: kty 2, crv 1, x, y. The compressed form, in which y is a boolean, is forbidden.
fn es256(map: &Map) -> Option<Numbers> {
    let x: &[u8; 32] = bytes(map, -2)?.try_into().ok()?;
    let y: &[u8; 32] = bytes(map, -3)?.try_into().ok()?;
    let mut point = [4; 65];
    let (_, coordinates) = point.split_first_mut()?;
    let (first, second) = coordinates.split_at_mut_checked(x.len())?;
    first.copy_from_slice(x);
    second.copy_from_slice(y);
    has(map, 5, &[(1, 2), (-1, 1)]).then_some(Numbers::Es256(point))
}

/// An RSA key: kty 3, n, e.
fn rs256(map: &Map) -> Option<Numbers> {
    let modulus = bytes(map, -1)?;
    let is_usable = RSA_MODULUS.contains(&modulus.len())
        && modulus.first() != Some(&0)
        && bytes(map, -2)? == RSA_EXPONENT
        && has(map, 4, &[(1, 3)]);
    is_usable.then(|| Numbers::Rs256(modulus.to_vec()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A byte string with a length of two bytes.
    fn string(bytes: &[u8]) -> Vec<u8> {
        let length = u16::try_from(bytes.len()).unwrap().to_be_bytes();
        [&[0x59], length.as_slice(), bytes].concat()
    }

    fn rsa(modulus: &[u8], exponent: &[u8]) -> Vec<u8> {
        let head = b"\xA4\x01\x03\x03\x39\x01\x00\x20".as_slice();
        [head, &string(modulus), b"\x21", &string(exponent)].concat()
    }

    fn ec(head: &[u8], x: &[u8], y: &[u8]) -> Vec<u8> {
        [head, b"\x21", &string(x), b"\x22", y].concat()
    }

    const EDDSA: &[u8] = b"\xA4\x01\x01\x03\x27\x20\x06\x21";
    const ES256: &[u8] = b"\xA5\x01\x02\x03\x26\x20\x01";

    #[test]
    fn keys_are_stored_as_they_came() {
        let keys = [
            ([EDDSA, &string(&[9; 32])].concat(), Algorithm::EdDsa),
            (ec(ES256, &[8; 32], &string(&[9; 32])), Algorithm::Es256),
            (rsa(&[9; 256], &[1, 0, 1]), Algorithm::Rs256),
            (rsa(&[9; 512], &[1, 0, 1]), Algorithm::Rs256),
        ];
        for (cose, algorithm) in keys {
            let key = PublicKey::from_cose(&cose).unwrap();
            assert_eq!(key.as_cose(), cose);
            assert_eq!(key.algorithm(), algorithm);
            assert_eq!(key.verify(b"message", &[]), Err(WebauthnError::Signature));
            assert_eq!(key.verify(b"", &[0; 64]), Err(WebauthnError::Signature));
            for end in 0..cose.len() {
                assert_eq!(PublicKey::from_cose(&cose[..end]), Err(WebauthnError::Key));
            }
            let longer = [cose.as_slice(), &[0]].concat();
            assert_eq!(PublicKey::from_cose(&longer), Err(WebauthnError::Key));
        }
    }

    #[test]
    fn a_key_has_exactly_its_parameters() {
        let (x, y) = (string(&[8; 32]), string(&[9; 32]));
        let okp = |head: &[u8]| [head, &x].concat();
        for (name, cose) in [
            ("nothing", Vec::new()),
            ("no map", vec![0x80]),
            ("an empty map", vec![0xA0]),
            ("an algorithm that is a name", b"\xA1\x03\x61a".to_vec()),
            (
                "two algorithms",
                okp(b"\xA5\x01\x01\x03\x27\x03\x27\x20\x06\x21"),
            ),
            (
                "Ed25519 of another type",
                okp(b"\xA4\x01\x02\x03\x27\x20\x06\x21"),
            ),
            ("Ed448's curve", okp(b"\xA4\x01\x01\x03\x27\x20\x07\x21")),
            ("no curve", okp(b"\xA3\x01\x01\x03\x27\x21")),
            ("an id", okp(b"\xA5\x01\x01\x02\x40\x03\x27\x20\x06\x21")),
            ("a short x", [EDDSA, &string(&[8; 31])].concat()),
            ("a long x", [EDDSA, &string(&[8; 33])].concat()),
            ("no x", b"\xA3\x01\x01\x03\x27\x20\x06".to_vec()),
            (
                "P-384's curve",
                ec(b"\xA5\x01\x02\x03\x26\x20\x02", &[8; 32], &y),
            ),
            ("a compressed point", ec(ES256, &[8; 32], b"\xF5")),
            ("a short y", ec(ES256, &[8; 32], &string(&[9; 31]))),
            ("Ed25519 as ES256", okp(b"\xA4\x01\x01\x03\x26\x20\x06\x21")),
            (
                "the private key",
                [
                    ec(b"\xA6\x01\x02\x03\x26\x20\x01", &[8; 32], &y),
                    vec![0x23],
                    x.clone(),
                ]
                .concat(),
            ),
            ("RSA with 2040 bits", rsa(&[9; 255], &[1, 0, 1])),
            ("RSA with 4104 bits", rsa(&[9; 513], &[1, 0, 1])),
            (
                "RSA with a leading zero",
                rsa(&[&[0], [9; 256].as_slice()].concat(), &[1, 0, 1]),
            ),
            ("RSA with exponent 1", rsa(&[9; 256], &[1])),
            ("RSA with exponent 3", rsa(&[9; 256], &[3])),
            ("RSA with a long exponent", rsa(&[9; 256], &[0, 1, 0, 1])),
        ] {
            assert_eq!(
                PublicKey::from_cose(&cose),
                Err(WebauthnError::Key),
                "{name}"
            );
        }
    }

    #[test]
    fn other_algorithms_are_not_offered() {
        for (name, cose) in [
            ("ES384", b"\xA1\x03\x38\x22".as_slice()),
            ("Ed448", b"\xA1\x03\x38\x34"),
            ("RS1", b"\xA1\x03\x39\xFF\xFE"),
            ("HMAC", b"\xA1\x03\x05"),
        ] {
            let error = Err(WebauthnError::UnsupportedAlgorithm);
            assert_eq!(PublicKey::from_cose(cose), error, "{name}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_are_too_strange(
            head in prop::sample::select(vec![EDDSA, ES256, b"", b"\xA4\x01\x03\x03\x39\x01\x00"]),
            bytes in prop::collection::vec(any::<u8>(), 0..400),
        ) {
            if let Ok(key) = PublicKey::from_cose(&[head, &bytes].concat()) {
                prop_assert!(key.verify(&bytes, &bytes).is_err());
            }
        }

        #[test]
        fn no_point_is_too_strange(x in any::<[u8; 32]>(), y in any::<[u8; 32]>(), signature in any::<[u8; 64]>()) {
            for cose in [[EDDSA, &string(&x)].concat(), ec(ES256, &x, &string(&y))] {
                let key = PublicKey::from_cose(&cose).unwrap();
                prop_assert_eq!(key.verify(b"message", &signature), Err(WebauthnError::Signature));
            }
        }
    }
}

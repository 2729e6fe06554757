//! An authenticator with its browser, in software: a key on P-256, CBOR by hand, and whatever it is told to say.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::{
    digest::{SHA256, digest},
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair},
};
use serde_json::{Value, json};
use testkit::Shop;

/// Flag: somebody is there.
pub(crate) const PRESENT: u8 = 0x01;
/// Flag: it is the owner.
pub(crate) const VERIFIED: u8 = 0x04;
/// Flag: a new credential follows.
const ATTESTED: u8 = 0x40;

/// The authenticator.
pub(crate) struct Authenticator {
    key: EcdsaKeyPair,
    pub(crate) says: Says,
}

/// What it says, besides its key.
#[derive(Clone)]
pub(crate) struct Says {
    pub(crate) credential: Vec<u8>,
    pub(crate) flags: u8,
    /// Signature counter of the last answer.
    pub(crate) counter: u32,
    /// What each answer adds to it.
    pub(crate) step: u32,
    pub(crate) rp_id: String,
    pub(crate) origin: String,
    /// The user handle that it was given at its registration.
    pub(crate) handle: Option<String>,
}

impl Authenticator {
    /// A new one, on a page of the shop.
    pub(crate) fn new(shop: &Shop) -> Self {
        let (algorithm, random) = (&ECDSA_P256_SHA256_ASN1_SIGNING, SystemRandom::new());
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(algorithm, &random).unwrap();
        let key = EcdsaKeyPair::from_pkcs8(algorithm, pkcs8.as_ref(), &random).unwrap();
        let credential = digest(&SHA256, key.public_key().as_ref());
        Self {
            says: Says {
                credential: credential.as_ref().to_vec(),
                flags: PRESENT | VERIFIED,
                counter: 0,
                step: 1,
                rp_id: "localhost".to_owned(),
                // The address under which browsers have passkeys.
                origin: shop.address.replace("127.0.0.1", "localhost"),
                handle: None,
            },
            key,
        }
    }

    /// Makes the credential (`RegistrationResponseJSON`).
    pub(crate) fn register(&mut self, options: &Value) -> Value {
        self.says.handle = options["user"]["id"].as_str().map(str::to_owned);
        let client_data = self.client_data("webauthn.create", &options["challenge"]);
        let mut data = self.data(ATTESTED);
        data.extend([0; 16]);
        let length = u16::try_from(self.says.credential.len()).unwrap();
        data.extend(length.to_be_bytes());
        data.extend(&self.says.credential);
        data.extend(self.cose());
        let length = u16::try_from(data.len()).unwrap().to_be_bytes();
        let head = b"\xA3\x63fmt\x64none\x67attStmt\xA0\x68authData\x59".as_slice();
        let object = [head, &length, &data].concat();
        self.answer(json!({
            "clientDataJSON": encode(&client_data),
            "attestationObject": encode(&object),
            "transports": ["internal", "hybrid"],
            "publicKeyAlgorithm": -7,
        }))
    }

    /// Proves that it has the credential (`AuthenticationResponseJSON`).
    pub(crate) fn log_in(&mut self, options: &Value) -> Value {
        self.says.counter += self.says.step;
        let client_data = self.client_data("webauthn.get", &options["challenge"]);
        let data = self.data(0);
        let hash = digest(&SHA256, &client_data);
        let message = [data.as_slice(), hash.as_ref()].concat();
        let signature = self.key.sign(&SystemRandom::new(), &message).unwrap();
        self.answer(json!({
            "clientDataJSON": encode(&client_data),
            "authenticatorData": encode(&data),
            "signature": encode(signature.as_ref()),
            "userHandle": self.says.handle,
        }))
    }

    fn answer(&self, response: Value) -> Value {
        let id = encode(&self.says.credential);
        json!({
            "id": id,
            "rawId": id,
            "type": "public-key",
            "response": response,
            "authenticatorAttachment": "platform",
            "clientExtensionResults": { "credProps": { "rk": true } },
        })
    }

    fn client_data(&self, ceremony: &str, challenge: &Value) -> Vec<u8> {
        let members = json!({
            "type": ceremony,
            "challenge": challenge,
            "origin": self.says.origin,
            "crossOrigin": false,
        });
        members.to_string().into_bytes()
    }

    /// Authenticator data up to the counter.
    fn data(&self, flags: u8) -> Vec<u8> {
        let hash = digest(&SHA256, self.says.rp_id.as_bytes());
        let mut data = hash.as_ref().to_vec();
        data.push(self.says.flags | flags);
        data.extend(self.says.counter.to_be_bytes());
        data
    }

    /// The public key: kty 2, alg -7, crv 1, x, y.
    fn cose(&self) -> Vec<u8> {
        // The uncompressed point begins with a 4.
        let (x, y) = self.key.public_key().as_ref()[1..].split_at(32);
        let head = b"\xA5\x01\x02\x03\x26\x20\x01\x21\x58\x20".as_slice();
        [head, x, b"\x22\x58\x20", y].concat()
    }
}

/// Base64url without padding.
pub(crate) fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

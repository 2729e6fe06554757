//! An authenticator with its browser, in software: a key on P-256, CBOR by hand, and whatever it is told to say.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::{
    digest::{SHA256, digest},
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair},
};
use serde_json::{Value, json};

use crate::{LocalError, Result};

/// Flag: somebody is there.
pub const PRESENT: u8 = 0x01;
/// Flag: it is the owner.
pub const VERIFIED: u8 = 0x04;
/// Flag: a new credential follows.
const ATTESTED: u8 = 0x40;

/// The authenticator.
#[derive(Debug)]
pub struct Authenticator {
    key: EcdsaKeyPair,
    /// What its next answer says.
    pub says: Says,
}

/// What it says, besides its key.
#[derive(Clone, Debug)]
pub struct Says {
    /// Id of the credential.
    pub credential: Vec<u8>,
    /// Flags of the authenticator data, such as [`PRESENT`].
    pub flags: u8,
    /// Signature counter of the last answer.
    pub counter: u32,
    /// What each answer adds to it.
    pub step: u32,
    /// The relying party that it answers.
    pub rp_id: String,
    /// The page that its browser shows.
    pub origin: String,
    /// The user handle that it was given at its registration.
    pub handle: Option<String>,
}

impl Authenticator {
    /// A new one, on a page of the local shop with this address.
    pub fn new(shop: &str) -> Result<Self> {
        let (algorithm, random) = (&ECDSA_P256_SHA256_ASN1_SIGNING, SystemRandom::new());
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(algorithm, &random).map_err(unusable)?;
        let key = EcdsaKeyPair::from_pkcs8(algorithm, pkcs8.as_ref(), &random);
        let key = key.map_err(unusable)?;
        let credential = digest(&SHA256, key.public_key().as_ref());
        Ok(Self {
            says: Says {
                credential: credential.as_ref().to_vec(),
                flags: PRESENT | VERIFIED,
                counter: 0,
                step: 1,
                rp_id: "localhost".to_owned(),
                // The address under which browsers have passkeys.
                origin: shop.replace("127.0.0.1", "localhost"),
                handle: None,
            },
            key,
        })
    }

    /// Makes the credential (`RegistrationResponseJSON`).
    pub fn register(&mut self, options: &Value) -> Result<Value> {
        self.says.handle = options["user"]["id"].as_str().map(str::to_owned);
        let client_data = self.client_data("webauthn.create", &options["challenge"]);
        let mut data = self.data(ATTESTED);
        data.extend([0; 16]);
        let length = u16::try_from(self.says.credential.len()).map_err(unusable)?;
        data.extend(length.to_be_bytes());
        data.extend(&self.says.credential);
        data.extend(self.cose());
        let length = u16::try_from(data.len()).map_err(unusable)?.to_be_bytes();
        let head = b"\xA3\x63fmt\x64none\x67attStmt\xA0\x68authData\x59".as_slice();
        let object = [head, &length, &data].concat();
        Ok(self.answer(&json!({
            "clientDataJSON": encode(&client_data),
            "attestationObject": encode(&object),
            "transports": ["internal", "hybrid"],
            "publicKeyAlgorithm": -7,
        })))
    }

    /// Proves that it has the credential (`AuthenticationResponseJSON`).
    pub fn log_in(&mut self, options: &Value) -> Result<Value> {
        self.says.counter += self.says.step;
        let client_data = self.client_data("webauthn.get", &options["challenge"]);
        let data = self.data(0);
        let hash = digest(&SHA256, &client_data);
        let message = [data.as_slice(), hash.as_ref()].concat();
        let signature = self.key.sign(&SystemRandom::new(), &message);
        let signature = signature.map_err(unusable)?;
        Ok(self.answer(&json!({
            "clientDataJSON": encode(&client_data),
            "authenticatorData": encode(&data),
            "signature": encode(signature.as_ref()),
            "userHandle": self.says.handle,
        })))
    }

    fn answer(&self, response: &Value) -> Value {
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

fn unusable(error: impl std::fmt::Display) -> LocalError {
    LocalError::new("the authenticator in software", error)
}

/// Base64url without padding.
pub fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

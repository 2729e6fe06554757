//! An authenticator with its browser, for tests. Its key is an Ed25519 one.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::{
    digest::{SHA256, digest},
    signature::{Ed25519KeyPair, KeyPair},
};
use serde_json::{Value, json};

use super::{
    super::{
        AssertionResponse, AttestationResponse, AuthenticationResponse, CredentialType, PublicKey,
        RegistrationResponse, StoredCredential,
    },
    challenge,
};

/// Flags: user present, user verified, eligible for backup, backed up, attested credential, extensions.
pub(super) const UP: u8 = 1;
pub(super) const UV: u8 = 4;
pub(super) const BE: u8 = 8;
pub(super) const BS: u8 = 16;
pub(super) const AT: u8 = 64;
pub(super) const ED: u8 = 128;

/// Everything that the two say.
#[derive(Clone)]
pub(super) struct Device {
    /// Makes the key.
    pub(super) seed: u8,
    pub(super) id: Vec<u8>,
    /// The id within the authenticator data.
    pub(super) attested_id: Vec<u8>,
    pub(super) rp_id: &'static str,
    pub(super) flags: u8,
    pub(super) counter: u32,
    /// Bytes after the authenticator data, such as extensions.
    pub(super) rest: Vec<u8>,
    /// Members of the client data.
    pub(super) client_data: Value,
    /// The client data, if they are not these members.
    pub(super) client_bytes: Option<Vec<u8>>,
    /// Replaces the COSE key.
    pub(super) cose: Option<Vec<u8>>,
}

impl Device {
    /// A device that registers or logs in as it should.
    pub(super) fn new(ceremony: &str) -> Self {
        Self {
            seed: 1,
            id: vec![7; 20],
            attested_id: vec![7; 20],
            rp_id: "example.org",
            flags: UP | UV,
            counter: 0,
            rest: Vec::new(),
            client_data: json!({
                "type": ceremony,
                "challenge": challenge().to_string(),
                "origin": "https://example.org",
                "crossOrigin": false,
            }),
            client_bytes: None,
            cose: None,
        }
    }

    fn pair(&self) -> Ed25519KeyPair {
        Ed25519KeyPair::from_seed_unchecked(&[self.seed; 32]).unwrap()
    }

    pub(super) fn cose(&self) -> Vec<u8> {
        let head = b"\xA4\x01\x01\x03\x27\x20\x06\x21\x58\x20".as_slice();
        let cose = [head, self.pair().public_key().as_ref()].concat();
        self.cose.clone().unwrap_or(cose)
    }

    pub(super) fn client_bytes(&self) -> Vec<u8> {
        let bytes = serde_json::to_vec(&self.client_data).unwrap();
        self.client_bytes.clone().unwrap_or(bytes)
    }

    pub(super) fn authenticator_data(&self) -> Vec<u8> {
        let mut data = digest(&SHA256, self.rp_id.as_bytes()).as_ref().to_vec();
        data.push(self.flags);
        data.extend(self.counter.to_be_bytes());
        if self.flags & AT != 0 {
            data.extend([0xAA; 16]);
            let length = u16::try_from(self.attested_id.len()).unwrap();
            data.extend(length.to_be_bytes());
            data.extend(&self.attested_id);
            data.extend(self.cose());
        }
        data.extend(&self.rest);
        data
    }

    /// Signs authenticator data with the client data.
    pub(super) fn sign(&self, data: &[u8]) -> Vec<u8> {
        let hash = digest(&SHA256, &self.client_bytes());
        let message = [data, hash.as_ref()].concat();
        self.pair().sign(&message).as_ref().to_vec()
    }

    /// A registration with the format `none`.
    pub(super) fn register(&self) -> RegistrationResponse {
        let data = self.authenticator_data();
        self.register_with(&attestation(b"\x64none", b"\xA0", &data))
    }

    /// A registration with this attestation object.
    pub(super) fn register_with(&self, object: &[u8]) -> RegistrationResponse {
        RegistrationResponse {
            id: encode(&self.id),
            raw_id: encode(&self.id),
            credential_type: CredentialType::PublicKey,
            response: AttestationResponse {
                client_data_json: encode(&self.client_bytes()),
                attestation_object: encode(object),
                transports: Vec::new(),
            },
        }
    }

    pub(super) fn login(&self) -> AuthenticationResponse {
        let data = self.authenticator_data();
        AuthenticationResponse {
            id: encode(&self.id),
            raw_id: encode(&self.id),
            credential_type: CredentialType::PublicKey,
            response: AssertionResponse {
                client_data_json: encode(&self.client_bytes()),
                authenticator_data: encode(&data),
                signature: encode(&self.sign(&data)),
                user_handle: Some(encode(&[5; 16])),
            },
        }
    }

    /// The credential as the shop has stored it.
    pub(super) fn stored(&self) -> StoredCredential {
        StoredCredential {
            id: self.id.clone(),
            user_handle: [5; 16],
            public_key: PublicKey::from_cose(&self.cose()).unwrap(),
            counter: 0,
            backup_eligible: false,
        }
    }
}

pub(super) fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

pub(super) fn decode(text: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(text).unwrap()
}

/// An attestation object; `format` and `statement` are in CBOR.
pub(super) fn attestation(format: &[u8], statement: &[u8], data: &[u8]) -> Vec<u8> {
    let length = u16::try_from(data.len()).unwrap().to_be_bytes();
    [
        b"\xA3\x63fmt".as_slice(),
        format,
        b"\x67attStmt",
        statement,
        b"\x68authData\x59",
        &length,
        data,
    ]
    .concat()
}

//! The standard's test vectors: every registration and login, with its outcome here.

use super::{
    super::{
        Algorithm, AssertionResponse, AttestationResponse, AuthenticationResponse, Challenge,
        CredentialType, NewCredential, PublicKey, RegistrationResponse, StoredCredential,
        UserVerification::Preferred,
        WebauthnError,
        authenticator::AuthenticatorData,
        cbor::{Cbor, Key},
        client_data::ClientData,
    },
    device::{attestation, decode, encode},
    party,
};

const VECTORS: &str = include_str!("vectors.tsv");

/// A registration and a login with the new credential.
struct Vector {
    name: &'static str,
    registration_challenge: &'static str,
    registration: RegistrationResponse,
    login_challenge: &'static str,
    login: AuthenticationResponse,
}

fn vectors() -> Vec<Vector> {
    let lines = VECTORS.lines().filter(|line| !line.starts_with('#'));
    lines.map(vector).collect()
}

fn vector(line: &'static str) -> Vector {
    let columns: Vec<&str> = line.split('\t').collect();
    let [
        name,
        registration_challenge,
        create,
        id,
        object,
        login_challenge,
        get,
        data,
        signature,
    ] = columns.try_into().unwrap();
    Vector {
        name,
        registration_challenge,
        registration: RegistrationResponse {
            id: id.to_owned(),
            raw_id: id.to_owned(),
            credential_type: CredentialType::PublicKey,
            response: AttestationResponse {
                client_data_json: create.to_owned(),
                attestation_object: object.to_owned(),
                transports: Vec::new(),
            },
        },
        login_challenge,
        login: AuthenticationResponse {
            id: id.to_owned(),
            raw_id: id.to_owned(),
            credential_type: CredentialType::PublicKey,
            response: AssertionResponse {
                client_data_json: get.to_owned(),
                authenticator_data: data.to_owned(),
                signature: signature.to_owned(),
                user_handle: None,
            },
        },
    }
}

impl Vector {
    fn named(name: &str) -> Self {
        let mut all = vectors().into_iter();
        all.find(|vector| vector.name == name).unwrap()
    }

    fn register(&self) -> Result<NewCredential, WebauthnError> {
        let challenge = self.registration_challenge.parse()?;
        party().verify_registration(&self.registration, &challenge, Preferred)
    }

    /// Registers the credential of the authenticator data, without the statement about its origin.
    fn register_unattested(&self) -> Result<NewCredential, WebauthnError> {
        let mut answer = self.registration.clone();
        let object = attestation(b"\x64none", b"\xA0", &self.attested_data());
        answer.response.attestation_object = encode(&object);
        let challenge = self.registration_challenge.parse()?;
        party().verify_registration(&answer, &challenge, Preferred)
    }

    fn attested_data(&self) -> Vec<u8> {
        let object = decode(&self.registration.response.attestation_object);
        let map = Cbor::read(&object).unwrap().into_map().unwrap();
        let data = map[&Key::Text("authData")].as_bytes().unwrap();
        data.to_vec()
    }

    fn log_in(&self, credential: &NewCredential) -> Result<(), WebauthnError> {
        let stored = StoredCredential {
            id: credential.id.clone(),
            user_handle: [0; 16],
            public_key: PublicKey::from_cose(credential.public_key.as_cose())?,
            counter: credential.counter,
            backup_eligible: credential.backup_eligible,
        };
        let challenge = self.login_challenge.parse()?;
        let assertion = party().verify_login(&self.login, &challenge, &stored, Preferred)?;
        assert_eq!(assertion.counter, 0);
        Ok(())
    }
}

#[test]
fn every_vector_is_there() {
    assert_eq!(vectors().len(), 15);
}

#[test]
fn credentials_without_attestation_or_with_their_own_register_and_log_in() {
    let accepted = [
        "none-es256",
        "packed-self-es256",
        "none-es256-long-credential-id",
    ];
    for name in accepted {
        let vector = Vector::named(name);
        let credential = vector.register().unwrap();
        assert_eq!(encode(&credential.id), vector.registration.id, "{name}");
        assert_eq!(credential.public_key.algorithm(), Algorithm::Es256);
        assert_eq!(vector.log_in(&credential), Ok(()), "{name}");
    }
    let none = Vector::named("none-es256").register().unwrap();
    assert_eq!(
        u128::from_be_bytes(none.aaguid),
        0x8446_ccb9_ab1d_b374_750b_2367_ff6f_3a1f
    );
    assert!(none.backup_eligible && none.backed_up && !none.user_verified);
    let long = Vector::named("none-es256-long-credential-id");
    assert_eq!(long.register().unwrap().id.len(), 1023);
}

#[test]
fn credentials_with_other_attestation_are_refused_and_log_in_without_it() {
    let refused = [
        (
            "packed-es256",
            Algorithm::Es256,
            WebauthnError::AttestationCertificates,
        ),
        (
            "packed-rs256",
            Algorithm::Rs256,
            WebauthnError::AttestationCertificates,
        ),
        (
            "packed-eddsa",
            Algorithm::EdDsa,
            WebauthnError::AttestationCertificates,
        ),
        (
            "tpm-es256",
            Algorithm::Es256,
            WebauthnError::AttestationFormat("tpm"),
        ),
        (
            "android-key-es256",
            Algorithm::Es256,
            WebauthnError::AttestationFormat("android-key"),
        ),
        (
            "apple-es256",
            Algorithm::Es256,
            WebauthnError::AttestationFormat("apple"),
        ),
        (
            "fido-u2f-es256",
            Algorithm::Es256,
            WebauthnError::AttestationFormat("fido-u2f"),
        ),
    ];
    for (name, algorithm, error) in refused {
        let vector = Vector::named(name);
        assert_eq!(vector.register(), Err(error), "{name}");
        let credential = vector.register_unattested().unwrap();
        assert_eq!(credential.public_key.algorithm(), algorithm, "{name}");
        assert_eq!(vector.log_in(&credential), Ok(()), "{name}");
    }
}

#[test]
fn algorithms_that_were_not_offered_are_refused() {
    for name in ["packed-es384", "packed-ed448"] {
        let vector = Vector::named(name);
        let error = Err(WebauthnError::UnsupportedAlgorithm);
        assert_eq!(vector.register(), error, "{name}");
        assert_eq!(vector.register_unattested(), error, "{name}");
    }
    // This one has a challenge of 128 bytes, and ours have 32.
    let mut vector = Vector::named("packed-es512");
    assert_eq!(vector.register(), Err(WebauthnError::WrongChallenge));
    let json = decode(&vector.registration.response.client_data_json);
    let ours = Challenge::new([1; 32]);
    let json = String::from_utf8(json).unwrap();
    let json = json.replace(vector.registration_challenge, &ours.to_string());
    vector.registration.response.client_data_json = encode(json.as_bytes());
    let answer = party().verify_registration(&vector.registration, &ours, Preferred);
    assert_eq!(answer, Err(WebauthnError::UnsupportedAlgorithm));
}

#[test]
fn answers_from_frames_are_refused_although_they_are_signed() {
    for (name, error) in [
        ("none-es256-crossOrigin", WebauthnError::CrossOrigin),
        ("none-es256-topOrigin", WebauthnError::TopOrigin),
    ] {
        let vector = Vector::named(name);
        assert_eq!(vector.register(), Err(error), "{name}");
        let attested = vector.attested_data();
        let data = AuthenticatorData::read(&attested).unwrap();
        let attested = data.attested.as_ref().unwrap();
        let key = PublicKey::from_cose(attested.key).unwrap();
        let answer = &vector.login.response;
        let client_data = ClientData::read(&answer.client_data_json).unwrap();
        let message = client_data.signed_with(&decode(&answer.authenticator_data));
        assert_eq!(key.verify(&message, &decode(&answer.signature)), Ok(()));
        let credential = NewCredential {
            id: attested.id.to_vec(),
            public_key: key,
            counter: data.counter,
            user_verified: data.user_verified(),
            backup_eligible: data.backup_eligible(),
            backed_up: data.backed_up(),
            aaguid: attested.aaguid,
            transports: Vec::new(),
        };
        assert_eq!(vector.log_in(&credential), Err(error), "{name}");
    }
}

/// A key accepts the signature of its own login, and of no other vector's.
#[test]
fn signatures_of_other_keys_are_refused() {
    let names = [
        "none-es256",
        "packed-es256",
        "packed-eddsa",
        "packed-rs256",
        "tpm-es256",
    ];
    for name in names {
        let credential = Vector::named(name).register_unattested().unwrap();
        for other in names {
            let mut vector = Vector::named(name);
            vector.login.response.signature = Vector::named(other).login.response.signature;
            let expected = match name == other {
                true => Ok(()),
                false => Err(WebauthnError::Signature),
            };
            assert_eq!(vector.log_in(&credential), expected, "{name}, {other}");
        }
    }
}

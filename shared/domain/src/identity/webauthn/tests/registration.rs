//! Registrations that are accepted and refused.

use proptest::prelude::*;
use serde_json::json;

use super::{
    super::{
        NewCredential, PublicKey, RegistrationResponse,
        UserVerification::{self, Preferred, Required},
        WebauthnError,
    },
    Case, challenge,
    device::{AT, BE, BS, Device, ED, UP, UV, attestation, decode, encode},
    party,
};

/// A device that registers.
pub(super) fn device() -> Device {
    let mut device = Device::new("webauthn.create");
    device.flags |= AT;
    device
}

/// Verifies an answer, with the user verified.
pub(super) fn verify(answer: &RegistrationResponse) -> Result<NewCredential, WebauthnError> {
    verify_with(answer, Required)
}

fn verify_with(
    answer: &RegistrationResponse,
    verification: UserVerification,
) -> Result<NewCredential, WebauthnError> {
    party().verify_registration(answer, &challenge(), verification)
}

#[test]
fn a_new_credential() {
    let mut device = device();
    device.flags |= BE | BS;
    device.counter = 3;
    let mut answer = device.register();
    let told = ["usb", "internal", "usb", "cable", "", "INTERNAL"];
    answer.response.transports = told.map(str::to_owned).to_vec();
    assert_eq!(answer.challenge(), Ok(challenge()));
    assert_eq!(answer.credential_id(), Ok(device.id.clone()));
    let credential = verify(&answer).unwrap();
    assert_eq!(
        credential,
        NewCredential {
            id: vec![7; 20],
            public_key: PublicKey::from_cose(&device.cose()).unwrap(),
            counter: 3,
            user_verified: true,
            backup_eligible: true,
            backed_up: true,
            aaguid: [0xAA; 16],
            transports: vec!["internal".to_owned(), "usb".to_owned()],
        }
    );
}

#[test]
fn the_json_of_browsers_is_read() {
    let answer = device().register();
    let mut json = json!({
        "id": answer.id,
        "rawId": answer.raw_id,
        "type": "public-key",
        "authenticatorAttachment": "platform",
        "clientExtensionResults": { "credProps": { "rk": true } },
        "response": {
            "clientDataJSON": answer.response.client_data_json,
            "attestationObject": answer.response.attestation_object,
            "authenticatorData": "…",
            "publicKey": null,
            "publicKeyAlgorithm": -8,
            "transports": ["hybrid"],
        },
    });
    let read: RegistrationResponse = serde_json::from_value(json.clone()).unwrap();
    assert_eq!(verify(&read).unwrap().transports, ["hybrid"]);
    json["response"]["transports"].take();
    let null = serde_json::from_value::<RegistrationResponse>(json.clone());
    assert!(null.is_err());
    json["response"]
        .as_object_mut()
        .unwrap()
        .remove("transports");
    let read: RegistrationResponse = serde_json::from_value(json.clone()).unwrap();
    assert!(verify(&read).unwrap().transports.is_empty());
    json["type"] = json!("password");
    assert!(serde_json::from_value::<RegistrationResponse>(json).is_err());
}

#[test]
fn authenticator_data_are_checked() {
    let cases: Vec<Case<Device, WebauthnError>> = vec![
        (
            "another relying party",
            |device| device.rp_id = "example.com",
            WebauthnError::WrongRelyingParty,
        ),
        (
            "a subdomain",
            |device| device.rp_id = "shop.example.org",
            WebauthnError::WrongRelyingParty,
        ),
        (
            "nobody there",
            |device| device.flags &= !UP,
            WebauthnError::UserAbsent,
        ),
        (
            "nobody verified",
            |device| device.flags &= !UV,
            WebauthnError::UserNotVerified,
        ),
        (
            "a copy without eligibility",
            |device| device.flags |= BS,
            WebauthnError::BackupState,
        ),
        (
            "no credential",
            |device| device.flags &= !AT,
            WebauthnError::CredentialMissing,
        ),
        (
            "a rest",
            |device| device.rest = vec![0xA0],
            WebauthnError::AuthenticatorData,
        ),
        (
            "extensions announced",
            |device| device.flags |= ED,
            WebauthnError::AuthenticatorData,
        ),
        (
            "extensions in a list",
            |device| {
                device.flags |= ED;
                device.rest = vec![0x80];
            },
            WebauthnError::AuthenticatorData,
        ),
        (
            "a rest after extensions",
            |device| {
                device.flags |= ED;
                device.rest = vec![0xA0, 0];
            },
            WebauthnError::AuthenticatorData,
        ),
        (
            "extensions twice",
            |device| {
                device.flags |= ED;
                device.rest = b"\xA2\x61a\x01\x61a\x01".to_vec();
            },
            WebauthnError::AuthenticatorData,
        ),
        (
            "another id",
            |device| device.attested_id = vec![8; 20],
            WebauthnError::WrongCredential,
        ),
        (
            "an empty id within",
            |device| device.attested_id.clear(),
            WebauthnError::AuthenticatorData,
        ),
        (
            "a longer id within",
            |device| device.attested_id = vec![7; 1024],
            WebauthnError::AuthenticatorData,
        ),
        (
            "a key that is a number",
            |device| device.cose = Some(vec![0]),
            WebauthnError::Key,
        ),
        (
            "a key with an algorithm twice",
            |device| device.cose = Some(b"\xA2\x03\x27\x03\x27".to_vec()),
            WebauthnError::AuthenticatorData,
        ),
        (
            "a key without end",
            |device| device.cose = Some(vec![0x81; 10_000]),
            WebauthnError::AuthenticatorData,
        ),
        (
            "a key of 2^63 bytes",
            |device| device.cose = Some(b"\x5B\x7F\xFF\xFF\xFF\xFF\xFF\xFF\xFF".to_vec()),
            WebauthnError::AuthenticatorData,
        ),
        (
            "an algorithm that was not offered",
            |device| device.cose = Some(b"\xA1\x03\x38\x22".to_vec()),
            WebauthnError::UnsupportedAlgorithm,
        ),
    ];
    for (name, change, error) in cases {
        let mut device = device();
        change(&mut device);
        assert_eq!(verify(&device.register()), Err(error), "{name}");
    }
}

#[test]
fn an_unverified_user_is_accepted_where_verification_is_only_preferred() {
    let mut device = device();
    device.flags &= !UV;
    let credential = verify_with(&device.register(), Preferred).unwrap();
    assert!(!credential.user_verified);
}

#[test]
fn extensions_and_reserved_flags_are_ignored() {
    let mut device = device();
    device.flags |= ED | 0x22;
    device.rest = b"\xA3\x6BcredProtect\x02\x68credBlob\xF5\x63uvm\x81\x83\x02\x04\x02".to_vec();
    assert!(verify(&device.register()).is_ok());
}

#[test]
fn identifiers_are_bounded_and_equal() {
    let id = WebauthnError::CredentialId;
    let encoding = WebauthnError::Encoding("rawId");
    let long = WebauthnError::TooLong("rawId");
    for (id, raw_id, error) in [
        ("", "", id),
        ("BwcH", "BwcI", id),
        ("BwcH", "", id),
        ("", "BwcH", id),
        ("BwcH=", "BwcH", id),
        ("Bw==", "Bw==", encoding),
        // Bits that encode nothing are set.
        ("Bx", "Bx", encoding),
        ("B", "B", encoding),
        ("++//", "++//", encoding),
        ("Bwc H", "Bwc H", encoding),
        ("BwcH\n", "BwcH\n", encoding),
        ("é", "é", encoding),
        (&encode(&[7; 1024]), &encode(&[7; 1024]), long),
        (&"A".repeat(10_000_000), &"A".repeat(10_000_000), long),
    ] {
        let mut answer = device().register();
        (answer.id, answer.raw_id) = (id.to_owned(), raw_id.to_owned());
        assert_eq!(verify(&answer), Err(error), "{id:.20} {raw_id:.20}");
        assert_eq!(answer.credential_id(), Err(error));
    }
    let mut longest = device();
    (longest.id, longest.attested_id) = (vec![7; 1023], vec![7; 1023]);
    assert!(verify(&longest.register()).is_ok());
}

#[test]
fn members_are_bounded_and_without_padding() {
    let whole = device().register();
    for (name, change, error) in [
        (
            "padding",
            (|answer| answer.response.client_data_json.push('=')) as fn(&mut RegistrationResponse),
            WebauthnError::Encoding("clientDataJSON"),
        ),
        (
            "long client data",
            |answer| answer.response.client_data_json = encode(&[b' '; 4097]),
            WebauthnError::TooLong("clientDataJSON"),
        ),
        (
            "another padding",
            |answer| answer.response.attestation_object.push_str("=="),
            WebauthnError::Encoding("attestationObject"),
        ),
        (
            "the usual alphabet",
            |answer| answer.response.attestation_object = "+/+/".to_owned(),
            WebauthnError::Encoding("attestationObject"),
        ),
        (
            "a long object",
            |answer| answer.response.attestation_object = encode(&[0; 16_385]),
            WebauthnError::TooLong("attestationObject"),
        ),
        (
            "no object",
            |answer| answer.response.attestation_object.clear(),
            WebauthnError::AttestationObject,
        ),
    ] {
        let mut answer = whole.clone();
        change(&mut answer);
        assert_eq!(verify(&answer), Err(error), "{name}");
    }
}

proptest! {
    #[test]
    fn no_object_is_too_strange(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let device = device();
        prop_assert!(verify(&device.register_with(&bytes)).is_err());
        let object = attestation(b"\x64none", b"\xA0", &bytes);
        prop_assert!(verify(&device.register_with(&object)).is_err());
    }

    #[test]
    fn no_change_is_too_strange(at in 0_usize..1000, byte in any::<u8>(), cut in 0_usize..1000) {
        let answer = device().register();
        let mut object = decode(&answer.response.attestation_object);
        let at = at % object.len();
        object[at] = byte;
        object.truncate(object.len().min(cut));
        let _ = verify(&device().register_with(&object));
    }

    #[test]
    fn no_texts_are_too_strange(id in ".{0,40}", client_data in ".{0,80}", object in ".{0,80}") {
        let mut answer = device().register();
        (answer.id, answer.raw_id) = (id.clone(), id);
        prop_assert!(verify(&answer).is_err());
        let mut answer = device().register();
        answer.response.client_data_json = encode(client_data.as_bytes());
        prop_assert!(verify(&answer).is_err());
        answer.response.client_data_json = client_data;
        prop_assert!(verify(&answer).is_err());
        let mut answer = device().register();
        answer.response.attestation_object = object;
        prop_assert!(verify(&answer).is_err());
    }
}

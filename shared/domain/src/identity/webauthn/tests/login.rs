//! Logins that are accepted and refused.

use proptest::prelude::*;
use serde_json::json;

use super::{
    super::{
        Assertion, AuthenticationResponse, Challenge, StoredCredential,
        UserVerification::{Preferred, Required},
        WebauthnError,
    },
    Case, challenge,
    device::{AT, BE, BS, Device, ED, UP, UV, decode, encode},
    party,
};

fn device() -> Device {
    Device::new("webauthn.get")
}

fn verify(answer: &AuthenticationResponse) -> Result<Assertion, WebauthnError> {
    party().verify_login(answer, &challenge(), &device().stored(), Required)
}

#[test]
fn a_login() {
    let answer = device().login();
    assert_eq!(answer.challenge(), Ok(challenge()));
    assert_eq!(answer.credential_id(), Ok(device().id));
    let assertion = Assertion {
        counter: 0,
        user_verified: true,
        backed_up: false,
    };
    assert_eq!(verify(&answer), Ok(assertion));
}

#[test]
fn the_json_of_browsers_is_read() {
    let answer = device().login();
    let mut json = json!({
        "id": answer.id,
        "rawId": answer.raw_id,
        "type": "public-key",
        "authenticatorAttachment": "cross-platform",
        "clientExtensionResults": {},
        "response": {
            "clientDataJSON": answer.response.client_data_json,
            "authenticatorData": answer.response.authenticator_data,
            "signature": answer.response.signature,
            "userHandle": answer.response.user_handle,
            "attestationObject": null,
        },
    });
    let read: AuthenticationResponse = serde_json::from_value(json.clone()).unwrap();
    assert!(verify(&read).is_ok());
    json["response"]["userHandle"].take();
    let read: AuthenticationResponse = serde_json::from_value(json.clone()).unwrap();
    assert_eq!(read.response.user_handle, None);
    assert!(verify(&read).is_ok());
    json["response"]
        .as_object_mut()
        .unwrap()
        .remove("signature");
    assert!(serde_json::from_value::<AuthenticationResponse>(json).is_err());
}

#[test]
fn signed_data_are_checked() {
    let cases: Vec<Case<Device, WebauthnError>> = vec![
        (
            "another relying party",
            |device| device.rp_id = "example.com",
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
            "suddenly eligible",
            |device| device.flags |= BE,
            WebauthnError::BackupEligibility,
        ),
        (
            "a credential",
            |device| device.flags |= AT,
            WebauthnError::AuthenticatorData,
        ),
        (
            "a rest",
            |device| device.rest = vec![0],
            WebauthnError::AuthenticatorData,
        ),
        (
            "extensions announced",
            |device| device.flags |= ED,
            WebauthnError::AuthenticatorData,
        ),
        (
            "another key",
            |device| device.seed = 2,
            WebauthnError::Signature,
        ),
        (
            "another credential",
            |device| device.id = vec![8; 20],
            WebauthnError::WrongCredential,
        ),
        (
            "a registration",
            |device| device.client_data["type"] = json!("webauthn.create"),
            WebauthnError::WrongCeremony,
        ),
        (
            "another challenge",
            |device| device.client_data["challenge"] = json!(encode(&[1; 32])),
            WebauthnError::WrongChallenge,
        ),
        (
            "another origin",
            |device| device.client_data["origin"] = json!("https://example.com"),
            WebauthnError::WrongOrigin,
        ),
        (
            "a frame",
            |device| device.client_data["crossOrigin"] = json!(true),
            WebauthnError::CrossOrigin,
        ),
        (
            "a frame of a site",
            |device| device.client_data["topOrigin"] = json!("https://example.com"),
            WebauthnError::TopOrigin,
        ),
    ];
    for (name, change, error) in cases {
        let mut device = device();
        change(&mut device);
        assert_eq!(verify(&device.login()), Err(error), "{name}");
    }
    let mut extended = device();
    extended.flags |= ED;
    extended.rest = b"\xA1\x61a\x01".to_vec();
    assert!(verify(&extended.login()).is_ok());
    // The mark is not part of the JSON, but of the bytes that are signed.
    let mut marked = device();
    marked.client_bytes = Some(["\u{FEFF}".as_bytes(), &marked.client_bytes()].concat());
    assert!(verify(&marked.login()).is_ok());
}

#[test]
fn members_are_checked() {
    let cases: Vec<Case<AuthenticationResponse, WebauthnError>> = vec![
        (
            "another account",
            |answer| answer.response.user_handle = Some(encode(&[6; 16])),
            WebauthnError::WrongAccount,
        ),
        (
            "no account",
            |answer| answer.response.user_handle = Some(String::new()),
            WebauthnError::WrongAccount,
        ),
        (
            "a part of the account",
            |answer| answer.response.user_handle = Some(encode(&[5; 15])),
            WebauthnError::WrongAccount,
        ),
        (
            "a long handle",
            |answer| answer.response.user_handle = Some(encode(&[5; 65])),
            WebauthnError::TooLong("userHandle"),
        ),
        (
            "two ids",
            |answer| answer.id.push('A'),
            WebauthnError::CredentialId,
        ),
        (
            "padding",
            |answer| answer.response.signature.push_str("=="),
            WebauthnError::Encoding("signature"),
        ),
        (
            "a long signature",
            |answer| answer.response.signature = encode(&[0; 513]),
            WebauthnError::TooLong("signature"),
        ),
        (
            "no signature",
            |answer| answer.response.signature.clear(),
            WebauthnError::Signature,
        ),
        (
            "zeros",
            |answer| answer.response.signature = encode(&[0; 64]),
            WebauthnError::Signature,
        ),
        (
            "padded data",
            |answer| answer.response.authenticator_data.push('='),
            WebauthnError::Encoding("authenticatorData"),
        ),
        (
            "long data",
            |answer| answer.response.authenticator_data = encode(&[0; 2049]),
            WebauthnError::TooLong("authenticatorData"),
        ),
        (
            "no data",
            |answer| answer.response.authenticator_data.clear(),
            WebauthnError::AuthenticatorData,
        ),
        (
            "long client data",
            |answer| answer.response.client_data_json = "A".repeat(1_000_000),
            WebauthnError::TooLong("clientDataJSON"),
        ),
    ];
    for (name, change, error) in cases {
        let mut answer = device().login();
        change(&mut answer);
        assert_eq!(verify(&answer), Err(error), "{name}");
    }
}

#[test]
fn an_answer_is_of_no_use_for_another_challenge_or_relying_party() {
    let answer = device().login();
    let stored = device().stored();
    let later = party().verify_login(&answer, &Challenge::new([1; 32]), &stored, Required);
    assert_eq!(later, Err(WebauthnError::WrongChallenge));
    let mut other = party();
    other.id = "example.com".to_owned();
    let elsewhere = other.verify_login(&answer, &challenge(), &stored, Required);
    assert_eq!(elsewhere, Err(WebauthnError::WrongRelyingParty));
    other.origins.clear();
    let nowhere = other.verify_login(&answer, &challenge(), &stored, Required);
    assert_eq!(nowhere, Err(WebauthnError::WrongOrigin));
}

#[test]
fn the_counter_only_rises() {
    let cloned = Err(WebauthnError::ClonedCounter);
    for (before, after, expected) in [
        (0, 0, Ok(0)),
        (0, 1, Ok(1)),
        (1, 2, Ok(2)),
        (1, u32::MAX, Ok(u32::MAX)),
        (1, 1, cloned),
        (2, 1, cloned),
        (1, 0, cloned),
        (u32::MAX, u32::MAX, cloned),
        (u32::MAX, 0, cloned),
    ] {
        let mut device = device();
        device.counter = after;
        let stored = StoredCredential {
            counter: before,
            ..device.stored()
        };
        let answer = party().verify_login(&device.login(), &challenge(), &stored, Required);
        assert_eq!(answer.map(|new| new.counter), expected, "{before}, {after}");
        // A wrong signature shows no clone.
        device.seed = 2;
        let answer = party().verify_login(&device.login(), &challenge(), &stored, Required);
        assert_eq!(answer, Err(WebauthnError::Signature));
    }
}

#[test]
fn a_synced_credential_stays_one() {
    let mut device = device();
    device.flags |= BE | BS;
    let stored = StoredCredential {
        backup_eligible: true,
        ..device.stored()
    };
    let verified =
        |device: &Device| party().verify_login(&device.login(), &challenge(), &stored, Required);
    assert!(verified(&device).unwrap().backed_up);
    device.flags &= !BS;
    assert!(!verified(&device).unwrap().backed_up);
    device.flags &= !BE;
    assert_eq!(verified(&device), Err(WebauthnError::BackupEligibility));
}

#[test]
fn an_unverified_user_is_accepted_where_verification_is_only_preferred() {
    let mut device = device();
    device.flags &= !UV;
    let answer = party().verify_login(&device.login(), &challenge(), &device.stored(), Preferred);
    assert!(!answer.unwrap().user_verified);
}

/// Every byte that is signed, and every byte of the signature.
#[test]
fn an_altered_answer_is_refused() {
    let whole = device().login();
    let members: [fn(&mut AuthenticationResponse) -> &mut String; 3] = [
        |answer| &mut answer.response.client_data_json,
        |answer| &mut answer.response.authenticator_data,
        |answer| &mut answer.response.signature,
    ];
    for member in members {
        let bytes = decode(member(&mut whole.clone()));
        for at in 0..bytes.len() {
            for bit in 0..8 {
                let mut altered = bytes.clone();
                altered[at] ^= 1 << bit;
                let mut answer = whole.clone();
                *member(&mut answer) = encode(&altered);
                assert!(verify(&answer).is_err(), "byte {at}, bit {bit}");
            }
            let mut answer = whole.clone();
            *member(&mut answer) = encode(&bytes[..at]);
            assert!(verify(&answer).is_err(), "up to byte {at}");
        }
        let mut answer = whole.clone();
        *member(&mut answer) = encode(&[bytes.as_slice(), b" "].concat());
        assert!(verify(&answer).is_err());
    }
}

proptest! {
    #[test]
    fn no_bytes_are_too_strange(
        data in prop::collection::vec(any::<u8>(), 0..200),
        signature in prop::collection::vec(any::<u8>(), 0..100),
        handle in prop::collection::vec(any::<u8>(), 0..40),
    ) {
        let mut answer = device().login();
        answer.response.signature = encode(&signature);
        prop_assert!(verify(&answer).is_err());
        answer.response.authenticator_data = encode(&data);
        prop_assert!(verify(&answer).is_err());
        answer.response.user_handle = Some(encode(&handle));
        prop_assert!(verify(&answer).is_err());
    }

    #[test]
    fn no_texts_are_too_strange(text in ".{0,100}") {
        let members: [fn(&mut AuthenticationResponse) -> &mut String; 4] = [
            |answer| &mut answer.raw_id,
            |answer| &mut answer.response.client_data_json,
            |answer| &mut answer.response.authenticator_data,
            |answer| &mut answer.response.signature,
        ];
        for member in members {
            let mut answer = device().login();
            *member(&mut answer) = text.clone();
            prop_assert!(verify(&answer).is_err());
        }
    }
}

//! Attestation objects and statements that are accepted and refused.

use serde_json::json;

use super::{
    super::WebauthnError,
    device::attestation,
    registration::{device, verify},
};

#[test]
fn an_object_that_is_cut_off_or_continued_is_refused() {
    let device = device();
    let data = device.authenticator_data();
    let object = attestation(b"\x64none", b"\xA0", &data);
    for end in 0..object.len() {
        let answer = device.register_with(&object[..end]);
        assert_eq!(verify(&answer), Err(WebauthnError::AttestationObject));
    }
    let longer = device.register_with(&[object.as_slice(), &[0]].concat());
    assert_eq!(verify(&longer), Err(WebauthnError::AttestationObject));
    for end in 0..data.len() {
        let object = attestation(b"\x64none", b"\xA0", &data[..end]);
        let answer = device.register_with(&object);
        assert_eq!(verify(&answer), Err(WebauthnError::AuthenticatorData));
    }
}

#[test]
fn an_object_has_its_three_members_once() {
    let device = device();
    let object = attestation(b"\x64none", b"\xA0", &device.authenticator_data());
    let replaced = |old: &[u8], new: &[u8]| {
        let at = object.windows(old.len()).position(|part| part == old);
        let (before, after) = object.split_at(at.unwrap());
        [before, new, &after[old.len()..]].concat()
    };
    for (name, object) in [
        ("no format", replaced(b"\x63fmt", b"\x63fm_")),
        ("a format of bytes", replaced(b"\x64none", b"\x44none")),
        ("no statement", replaced(b"attStmt", b"attStm_")),
        ("no data", replaced(b"authData", b"authDat_")),
        ("data that are a number", replaced(b"\x59", b"\x19")),
        (
            "two formats",
            replaced(b"\xA3\x63fmt", b"\xA4\x63fmt\x64none\x63fmt"),
        ),
        ("a list", [&[0x81], object.as_slice()].concat()),
        ("deep nesting", [vec![0x81; 12_000], vec![0]].concat()),
        (
            "a huge list",
            b"\x9B\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF".to_vec(),
        ),
        (
            "a huge map",
            b"\xBB\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF".to_vec(),
        ),
        (
            "a huge name",
            b"\xA1\x7B\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF".to_vec(),
        ),
    ] {
        let answer = device.register_with(&object);
        let error = Err(WebauthnError::AttestationObject);
        assert_eq!(verify(&answer), error, "{name}");
    }
    let another = replaced(b"\xA3\x63fmt", b"\xA4\x65other\x00\x63fmt");
    assert!(verify(&device.register_with(&another)).is_ok());
}

/// A packed statement: members in CBOR, how many, and a signature after them.
fn packed(members: u8, before: &[u8], signature: &[u8]) -> Vec<u8> {
    let length = u8::try_from(signature.len()).unwrap();
    [
        &[0xA0 | members],
        before,
        b"\x63sig\x58".as_slice(),
        &[length],
        signature,
    ]
    .concat()
}

#[test]
fn statements_are_verified() {
    let device = device();
    let data = device.authenticator_data();
    let signature = device.sign(&data);
    let mut altered = signature.clone();
    altered[20] ^= 1;
    let mut other = device.clone();
    other.seed = 2;
    let of_other = other.sign(&data);
    let alg = b"\x63alg\x27".as_slice();
    let (packed_format, statement) = (b"\x66packed", WebauthnError::AttestationStatement);
    let verified = |format: &[u8], statement: &[u8]| {
        let object = attestation(format, statement, &data);
        verify(&device.register_with(&object)).map(|_| ())
    };
    assert_eq!(verified(packed_format, &packed(2, alg, &signature)), Ok(()));
    for (name, bytes, error) in [
        (
            "altered",
            packed(2, alg, &altered),
            WebauthnError::Signature,
        ),
        (
            "another key",
            packed(2, alg, &of_other),
            WebauthnError::Signature,
        ),
        ("empty", packed(2, alg, b""), WebauthnError::Signature),
        ("no alg", packed(1, b"", &signature), statement),
        (
            "another alg",
            packed(2, b"\x63alg\x26", &signature),
            statement,
        ),
        (
            "a named alg",
            packed(2, b"\x63alg\x61a", &signature),
            statement,
        ),
        (
            "another member",
            packed(3, b"\x63alg\x27\x65other\x00", &signature),
            statement,
        ),
        (
            "a key of ECDAA",
            packed(3, b"\x63alg\x27\x6AecdaaKeyId\x40", &signature),
            statement,
        ),
        (
            "certificates",
            packed(3, b"\x63alg\x27\x63x5c\x81\x40", &signature),
            WebauthnError::AttestationCertificates,
        ),
        (
            "no certificates",
            packed(3, b"\x63alg\x27\x63x5c\x80", &signature),
            WebauthnError::AttestationCertificates,
        ),
        ("nothing", vec![0xA0], statement),
        ("a list", vec![0x80], statement),
    ] {
        assert_eq!(verified(packed_format, &bytes), Err(error), "{name}");
    }
    for (format, bytes, error) in [
        (
            b"\x64none".as_slice(),
            packed(2, alg, &signature),
            statement,
        ),
        (b"\x64none", vec![0x80], statement),
        (b"\x64none", vec![0xF6], statement),
        (
            b"\x64None",
            vec![0xA0],
            WebauthnError::AttestationFormat("unregistered"),
        ),
        (
            b"\x60",
            vec![0xA0],
            WebauthnError::AttestationFormat("unregistered"),
        ),
        (
            b"\x68compound",
            vec![0x80],
            WebauthnError::AttestationFormat("compound"),
        ),
    ] {
        assert_eq!(verified(format, &bytes), Err(error), "{format:?}");
    }
    // The client data are signed, too.
    let mut elsewhere = device.clone();
    elsewhere.client_data["origin"] = json!("https://shop.example.org:8443");
    let object = attestation(packed_format, &packed(2, alg, &signature), &data);
    let answer = elsewhere.register_with(&object);
    assert_eq!(verify(&answer), Err(WebauthnError::Signature));
}

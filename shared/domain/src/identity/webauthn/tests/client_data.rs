//! Client data that are accepted and refused, of registrations; those of logins are checked by the same code.

use serde_json::{Value, json};

use super::{
    super::WebauthnError,
    challenge,
    device::encode,
    registration::{device, verify},
};

#[test]
fn client_data_of_others_are_refused() {
    let origin = WebauthnError::WrongOrigin;
    let cases: Vec<(&str, Value, WebauthnError)> = vec![
        ("type", json!("webauthn.get"), WebauthnError::WrongCeremony),
        ("type", json!("payment.get"), WebauthnError::WrongCeremony),
        ("challenge", json!(""), WebauthnError::WrongChallenge),
        (
            "challenge",
            json!(encode(&[0xC5; 32])),
            WebauthnError::WrongChallenge,
        ),
        (
            "challenge",
            json!(encode(&[0xC4; 31])),
            WebauthnError::WrongChallenge,
        ),
        (
            "challenge",
            json!(format!("{}=", challenge())),
            WebauthnError::WrongChallenge,
        ),
        ("origin", json!("https://example.com"), origin),
        ("origin", json!("http://example.org"), origin),
        ("origin", json!("https://example.org:8443"), origin),
        ("origin", json!("https://example.org/"), origin),
        ("origin", json!("https://EXAMPLE.org"), origin),
        ("origin", json!("https://sub.example.org"), origin),
        ("origin", json!("https://shop.example.org"), origin),
        ("origin", json!("https://example.org.evil.example"), origin),
        ("origin", json!("null"), origin),
        ("origin", json!(""), origin),
        ("crossOrigin", json!(true), WebauthnError::CrossOrigin),
        (
            "topOrigin",
            json!("https://example.org"),
            WebauthnError::TopOrigin,
        ),
        ("topOrigin", json!(1), WebauthnError::TopOrigin),
        ("type", json!(null), WebauthnError::ClientData),
        ("challenge", json!([1]), WebauthnError::ClientData),
        (
            "origin",
            json!(["https://example.org"]),
            WebauthnError::ClientData,
        ),
        ("crossOrigin", json!("false"), WebauthnError::ClientData),
    ];
    for (member, value, error) in cases {
        let mut device = device();
        device.client_data[member] = value.clone();
        assert_eq!(verify(&device.register()), Err(error), "{member} {value}");
    }
    for member in ["type", "challenge", "origin"] {
        let mut device = device();
        device.client_data.as_object_mut().unwrap().remove(member);
        let error = Err(WebauthnError::ClientData);
        assert_eq!(verify(&device.register()), error, "{member}");
    }
}

#[test]
fn client_data_of_ours_are_accepted_in_each_form() {
    let mut second = device();
    second.client_data["origin"] = json!("https://shop.example.org:8443");
    let mut silent = device();
    silent
        .client_data
        .as_object_mut()
        .unwrap()
        .remove("crossOrigin");
    let mut extended = device();
    extended.client_data["other"] = json!({ "type": "webauthn.get" });
    let mut marked = device();
    marked.client_bytes = Some(["\u{FEFF}".as_bytes(), &marked.client_bytes()].concat());
    for device in [second, silent, extended, marked] {
        assert!(verify(&device.register()).is_ok());
    }
}

#[test]
fn client_data_that_are_not_such_json_are_refused() {
    let whole = device().client_bytes();
    let text = String::from_utf8(whole.clone()).unwrap();
    let twice = text.replace('{', r#"{"origin":"https://example.com","#);
    let mut forms: Vec<Vec<u8>> = (0..whole.len()).map(|end| whole[..end].to_vec()).collect();
    forms.extend([
        [whole.as_slice(), b"}"].concat(),
        [whole.as_slice(), b"\0"].concat(),
        twice.into_bytes(),
        text.replace("example", "\u{FEFF}").into_bytes(),
        b"null".to_vec(),
        b"[]".to_vec(),
        b"\xFF\xFE{\0}\0".to_vec(),
        vec![b'['; 4096],
        text.replace("https", "\u{7F}")
            .replace('\u{7F}', "\\ud800")
            .into_bytes(),
    ]);
    for bytes in forms {
        let mut device = device();
        device.client_bytes = Some(bytes.clone());
        let error = verify(&device.register()).unwrap_err();
        let expected = match bytes
            .windows(3)
            .any(|window| window == "\u{FEFF}".as_bytes())
        {
            true => WebauthnError::WrongOrigin,
            false => WebauthnError::ClientData,
        };
        assert_eq!(error, expected, "{}", String::from_utf8_lossy(&bytes));
        if expected == WebauthnError::ClientData {
            let unread = device.register().challenge();
            assert_eq!(unread, Err(WebauthnError::ClientData));
        }
    }
}

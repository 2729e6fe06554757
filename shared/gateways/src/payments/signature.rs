//! Verifies Stripe's signatures: `t=<seconds>,v1=<hex>[,v1=<hex>]`, each an HMAC-SHA256 of
//! `<t>.<body>`.

use jiff::Timestamp;
use ring::hmac;

use super::EventError;

/// Tolerance of a signature's timestamp in both directions, in seconds. Stripe signs each delivery
/// anew, so late deliveries need no more.
const TOLERANCE: i64 = 300;
/// Maximum number of signatures that are checked per delivery. Stripe sends one per active secret: at
/// most two.
const SIGNATURES: usize = 8;

/// Accepts a delivery that was signed with one of `secrets` within the tolerance around `now`.
pub(super) fn verify(
    header: &str,
    body: &[u8],
    secrets: &[String],
    now: Timestamp,
) -> Result<(), EventError> {
    let mut signed_at = None;
    let mut signatures = Vec::new();
    for part in header.split(',') {
        match part.trim().split_once('=') {
            Some(("t", value)) => signed_at = Some(value),
            Some(("v1", value)) if signatures.len() < SIGNATURES => {
                signatures.extend(unhex(value));
            }
            // Other schemes are ignored; v0 belongs to test mode and proves nothing.
            _ => {}
        }
    }
    let signed_at = signed_at.ok_or(EventError::Signature)?;
    let seconds: i64 = signed_at.parse().map_err(|_| EventError::Signature)?;
    let mut message = Vec::with_capacity(signed_at.len() + 1 + body.len());
    message.extend_from_slice(signed_at.as_bytes());
    message.push(b'.');
    message.extend_from_slice(body);
    // Everybody knows an empty secret.
    let mut secrets = secrets.iter().filter(|secret| !secret.trim().is_empty());
    let is_ours = secrets.any(|secret| {
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
        // Compares in constant time.
        signatures
            .iter()
            .any(|signature| hmac::verify(&key, &message, signature).is_ok())
    });
    if !is_ours {
        return Err(EventError::Signature);
    }
    match now.as_second().checked_sub(seconds) {
        Some(age) if (-TOLERANCE..=TOLERANCE).contains(&age) => Ok(()),
        _ => Err(EventError::Stale),
    }
}

/// Decodes 64 hexadecimal digits to 32 bytes.
fn unhex(text: &str) -> Option<[u8; 32]> {
    let digits = text.as_bytes();
    if digits.len() != 64 {
        return None;
    }
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let mut bytes = [0; 32];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        let value = digit(*pair.first()?)? * 16 + digit(*pair.last()?)?;
        *byte = u8::try_from(value).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const BODY: &[u8] = br#"{"id":"evt_1"}"#;
    const NOW: i64 = 1_795_000_000;

    fn now() -> Timestamp {
        Timestamp::from_second(NOW).unwrap()
    }

    fn sign(secret: &str, at: i64, body: &[u8]) -> String {
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
        let message = [at.to_string().as_bytes(), b".", body].concat();
        hmac::sign(&key, &message)
            .as_ref()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect()
    }

    fn check(header: &str) -> Result<(), EventError> {
        verify(header, BODY, &["old".into(), "new".into()], now())
    }

    #[test]
    fn what_stripe_signs_is_accepted() {
        // Made with: printf '1795000000.{"id":"evt_1"}' | openssl dgst -sha256 -hmac new
        let known = "c4df309a3e8af86e91d4e1f3b82bdd467026e4bf238689d109e39b49036160f6";
        assert_eq!(sign("new", NOW, BODY), known);
        assert_eq!(check(&format!("t={NOW},v1={known}")), Ok(()));
        assert_eq!(check(&format!("v1={known}, t={NOW}, v0=ab")), Ok(()));
    }

    #[test]
    fn any_secret_and_any_signature_may_fit() {
        let (old, new, other) = (
            sign("old", NOW, BODY),
            sign("new", NOW, BODY),
            sign("other", NOW, BODY),
        );
        for header in [
            format!("t={NOW},v1={old}"),
            format!("t={NOW},v1={other},v1={new}"),
            format!("t={NOW},v1=zz,v1={old},v1={other}"),
        ] {
            assert_eq!(check(&header), Ok(()), "{header}");
        }
    }

    #[test]
    fn what_is_signed_otherwise_is_not() {
        let good = sign("new", NOW, BODY);
        for header in [
            format!("t={NOW},v1={}", sign("other", NOW, BODY)),
            format!("t={NOW},v1={}", sign("new", NOW, b"{}")),
            format!("t={},v1={good}", NOW + 1),
            format!("t=+{NOW},v1={good}"),
            format!("t={NOW},v0={good}"),
            format!("t={NOW},v1={}", &good[1..]),
            format!("t={NOW},v1={good}0"),
            format!("t={NOW}"),
            format!("v1={good}"),
            format!("t=,v1={good}"),
            format!("t=soon,v1={good}"),
            format!("t={NOW};v1={good}"),
            String::new(),
            ",=,==,t,v1".into(),
        ] {
            assert_eq!(check(&header), Err(EventError::Signature), "{header}");
        }
        let header = format!("t={NOW},v1={good}");
        assert_eq!(
            verify(&header, BODY, &[], now()),
            Err(EventError::Signature)
        );
        assert_eq!(
            verify(&header, b"{}", &["new".into()], now()),
            Err(EventError::Signature)
        );
    }

    #[test]
    fn clocks_may_differ_by_five_minutes() {
        for (seconds, want) in [
            (-TOLERANCE, Ok(())),
            (TOLERANCE, Ok(())),
            (-TOLERANCE - 1, Err(EventError::Stale)),
            (TOLERANCE + 1, Err(EventError::Stale)),
            (i64::MIN + NOW.abs(), Err(EventError::Stale)),
            (i64::MAX - NOW, Err(EventError::Stale)),
        ] {
            let at = NOW + seconds;
            let header = format!("t={at},v1={}", sign("new", at, BODY));
            assert_eq!(check(&header), want, "{seconds}");
        }
    }

    proptest! {
        #[test]
        fn no_header_is_too_strange(header in "(\\PC|[tv01=, a-f]){0,200}", body: Vec<u8>) {
            prop_assert!(verify(&header, &body, &["secret".into()], now()).is_err());
        }

        #[test]
        fn any_body_can_be_signed(body: Vec<u8>, secret in "[!-~]\\PC{0,39}", age in -300_i64..=300) {
            let at = NOW - age;
            let header = format!("t={at},v1={}", sign(&secret, at, &body));
            prop_assert_eq!(verify(&header, &body, &[secret], now()), Ok(()));
        }
    }
}

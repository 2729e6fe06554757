//! Codes of an authenticator app: TOTP (RFC 6238) with the parameters that every app knows, SHA-1, 6 digits and 30 seconds.

use std::fmt;

use jiff::Timestamp;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use ring::hmac;

use super::base32::base32;

/// Seconds for which a code is shown.
const STEP: u64 = 30;
/// Steps by which the app's clock may be behind or ahead, or somebody slow to type (RFC 6238, section 5.2).
const SKEW: u64 = 1;
/// Digits of a code.
const DIGITS: usize = 6;
/// Most bytes of a code as typed: apps show it in groups.
const MAX_TYPED: usize = 16;
/// Alphabet of RFC 4648, section 6: authenticator apps know no other.
const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
/// Everything but the unreserved characters of a URI (RFC 3986, section 2.3).
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// The secret that an account shares with an authenticator app: 160 bits, as long as the hash (RFC 4226, section 4). It is
/// stored sealed ([`SealingKey`](super::SealingKey)).
#[derive(Clone, PartialEq, Eq)]
pub struct TotpSecret([u8; 20]);

impl TotpSecret {
    /// Takes 20 random bytes.
    pub fn new(random: [u8; 20]) -> Self {
        Self(random)
    }

    /// The 20 bytes, to seal them.
    pub fn bytes(&self) -> &[u8; 20] {
        &self.0
    }

    /// The secret as somebody types it into an app: 32 digits of base 32 (RFC 4648) without padding.
    pub fn base32(&self) -> String {
        base32(&self.0, ALPHABET)
    }

    /// The URI of the QR code for an app, in Google Authenticator's key URI format. The app shows `issuer`, the shop's name,
    /// and `account`, the address.
    pub fn uri(&self, issuer: &str, account: &str) -> String {
        // The format parts issuer and account by a colon, escaped or not.
        let issuer = issuer.replace(':', "");
        let issuer = utf8_percent_encode(&issuer, ESCAPED);
        let account = utf8_percent_encode(account, ESCAPED);
        let secret = self.base32();
        format!("otpauth://totp/{issuer}:{account}?secret={secret}&issuer={issuer}")
    }

    /// The code that an app shows at `now`.
    pub fn code_at(&self, now: Timestamp) -> String {
        // Never absent, see the function.
        let code = code_at(&self.key(), step(now)).unwrap_or_default();
        format!("{code:0DIGITS$}")
    }

    /// The step whose code was typed, if it is the current one or one beside it. `last_step` is the step that matched before:
    /// it and those before it are spent (ASVS 6.5.1). The caller stores the step under the condition that it is later than
    /// the stored one, as two requests may have the same code.
    pub fn matched(&self, code: &str, now: Timestamp, last_step: Option<u64>) -> Option<u64> {
        let typed = read(code)?;
        let (key, current) = (self.key(), step(now));
        (current.saturating_sub(SKEW)..=current + SKEW)
            .rev()
            .filter(|step| last_step.is_none_or(|last| *step > last))
            .find(|step| code_at(&key, *step) == Some(typed))
    }

    /// Whether a text has the form of a code: somebody may have guessed it, as there are a million. Recovery codes have another
    /// one.
    pub fn is_guess(typed: &str) -> bool {
        read(typed).is_some()
    }

    fn key(&self) -> hmac::Key {
        hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &self.0)
    }
}

impl fmt::Debug for TotpSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TotpSecret(…)")
    }
}

/// The number of a code as typed, with or without spaces; `None` for what cannot be a code.
fn read(code: &str) -> Option<u32> {
    // Before anything else: a body may be large.
    if code.len() > MAX_TYPED {
        return None;
    }
    let digits: String = code.chars().filter(|c| *c != ' ').collect();
    // A sign is not a digit, and the number would parse with it.
    let is_code = digits.len() == DIGITS && digits.bytes().all(|it| it.is_ascii_digit());
    is_code.then(|| digits.parse().ok())?
}

/// The step at `now`.
fn step(now: Timestamp) -> u64 {
    now.as_second().max(0).unsigned_abs() / STEP
}

/// The code of a step (RFC 4226, section 5.3). Never `None`: the hash has 20 bytes, and 4 of them begin at one of the first 16.
fn code_at(key: &hmac::Key, step: u64) -> Option<u32> {
    let hash = hmac::sign(key, &step.to_be_bytes());
    let hash = hash.as_ref();
    let at = usize::from(hash.last()? & 15);
    let bits = u32::from_be_bytes(*hash.get(at..)?.first_chunk()?);
    Some((bits & 0x7fff_ffff) % 1_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 6238, appendix B.
    const SECRET: &[u8; 20] = b"12345678901234567890";

    fn secret() -> TotpSecret {
        TotpSecret::new(*SECRET)
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn codes_are_those_of_the_standard() {
        // The last 6 of the 8 digits that the table has.
        for (second, code) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
            (20_000_000_000, "353130"),
        ] {
            let step = u64::try_from(second).unwrap() / 30;
            let matched = secret().matched(code, at(second), None);
            assert_eq!(matched, Some(step), "{second}");
            assert_eq!(secret().code_at(at(second)), code);
            let other = TotpSecret::new([1; 20]);
            assert_eq!(other.matched(code, at(second), None), None, "{second}");
        }
    }

    #[test]
    fn six_digits_may_be_a_guess() {
        for guess in ["000000", "123 456", " 1 2 3 4 5 6 "] {
            assert!(TotpSecret::is_guess(guess), "{guess}");
        }
        for other in [
            "",
            "12345",
            "1234567",
            "+12345",
            "12345x",
            "0000-1111-ZZZZ-ZZZZ-ZZZZ-ZZZZ",
        ] {
            assert!(!TotpSecret::is_guess(other), "{other}");
        }
    }

    #[test]
    fn a_code_matches_one_step_early_and_late() {
        // Seconds 1,111,111,080 to 1,111,111,109.
        let matched = |second| secret().matched("081804", at(second), None);
        let step = Some(37_037_036);
        assert_eq!(matched(1_111_111_049), None);
        assert_eq!(matched(1_111_111_050), step);
        assert_eq!(matched(1_111_111_080), step);
        assert_eq!(matched(1_111_111_139), step);
        assert_eq!(matched(1_111_111_140), None);
        // The first step has none before it, and neither has a clock that is wrong by decades.
        assert_eq!(secret().matched("287082", at(0), None), Some(1));
        assert_eq!(secret().matched("755224", at(-1_000), None), Some(0));
        assert_eq!(secret().matched("081804", Timestamp::MAX, None), None);
    }

    #[test]
    fn a_step_is_accepted_once() {
        let now = at(1_111_111_111);
        let matched = |code: &str, last| secret().matched(code, now, last);
        assert_eq!(matched("081804", Some(37_037_035)), Some(37_037_036));
        assert_eq!(matched("081804", Some(37_037_036)), None);
        assert_eq!(matched("050471", Some(37_037_036)), Some(37_037_037));
        // The one before is spent with the current one.
        assert_eq!(matched("050471", Some(37_037_037)), None);
        assert_eq!(matched("081804", Some(37_037_037)), None);
        assert_eq!(matched("050471", Some(u64::MAX)), None);
    }

    #[test]
    fn what_is_not_a_code_does_not_match() {
        let matched = |code: &str| secret().matched(code, at(1_234_567_890), None).is_some();
        for code in ["005924", "005 924", " 005924 ", "00 59 24"] {
            assert!(matched(code), "{code:?}");
        }
        for code in [
            "",
            " ",
            "5924",
            "05924",
            "+05924",
            "-05924",
            "0005924",
            "005925",
            "005924\0",
            "005924\n",
            "００５９２４",
            "00592é",
            &format!("005924{}", " ".repeat(1_000_000)),
            &"0".repeat(1_000_000),
        ] {
            assert!(!matched(code), "{code:.20?}");
        }
    }

    #[test]
    fn the_uri_is_for_an_app() {
        assert_eq!(secret().base32(), "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
        assert_eq!(
            secret().uri("Long: Meadow & Söhne", "ada+shop@example.com"),
            "otpauth://totp/Long%20Meadow%20%26%20S%C3%B6hne:ada%2Bshop%40example.com\
             ?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Long%20Meadow%20%26%20S%C3%B6hne"
        );
        let uri = secret().uri("", "a?secret=A&b#c%20/é");
        assert!(
            uri.starts_with("otpauth://totp/:a%3Fsecret%3DA%26b%23c%2520%2F%C3%A9?secret=GEZ"),
            "{uri}"
        );
        assert_eq!(format!("{:?}", secret()), "TotpSecret(…)");
    }
}

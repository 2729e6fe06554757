//! Challenges: random bytes that an authenticator signs, so that an answer cannot be used twice.

use std::{fmt, str::FromStr};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::SignedDuration;

use super::WebauthnError;

/// Bytes of a challenge; the standard asks for at least 16.
const BYTES: usize = 32;
/// Time in which a challenge may be answered, in milliseconds, as it is told to the browser.
pub(super) const TIMEOUT: u32 = 300_000;

/// A challenge: 32 random bytes, used once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Challenge([u8; BYTES]);

impl Challenge {
    /// Time in which it may be answered.
    pub const LIFETIME: SignedDuration = SignedDuration::from_millis(TIMEOUT as i64);

    /// Makes a challenge of 32 random bytes.
    pub fn new(random: [u8; BYTES]) -> Self {
        Self(random)
    }
}

/// The text form: base64url, 43 characters.
impl fmt::Display for Challenge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&URL_SAFE_NO_PAD.encode(self.0))
    }
}

/// Reads the text form; any other text is not a challenge of ours.
impl FromStr for Challenge {
    type Err = WebauthnError;

    fn from_str(text: &str) -> Result<Self, WebauthnError> {
        let bytes = super::decode("challenge", text, BYTES).ok();
        bytes
            .and_then(|bytes| bytes.try_into().ok())
            .map(Self)
            .ok_or(WebauthnError::WrongChallenge)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_form_is_read_back() {
        let challenge = Challenge::new([0xFB; 32]);
        let text = challenge.to_string();
        assert_eq!(text, "-_v7-_v7-_v7-_v7-_v7-_v7-_v7-_v7-_v7-_v7-_s");
        assert_eq!(text.parse(), Ok(challenge));
    }

    #[test]
    fn another_text_is_refused() {
        let text = Challenge::new([0xFB; 32]).to_string();
        for wrong in [
            "",
            &text[1..],
            &format!("{text}="),
            &format!("{text}A"),
            &text.replace('-', "+"),
            // The same bytes, with bits set that encode nothing.
            &text.replace("_s", "_t"),
            &"A".repeat(1_000_000),
        ] {
            assert_eq!(
                wrong.parse::<Challenge>(),
                Err(WebauthnError::WrongChallenge),
                "{wrong:.50}"
            );
        }
    }

    #[test]
    fn the_browser_is_told_the_same_time() {
        assert_eq!(Challenge::LIFETIME, SignedDuration::from_mins(5));
    }
}

//! Challenges (CAPTCHAs): who has to show that a person is at work. A challenge is a hurdle, not a block: whoever solves it goes on, and
//! what asks for it depends on the caller's network alone, never on whether an address has an account (docs/adr/0030).

use std::str::FromStr;

use schemars::JsonSchema;
use serde::Serialize;

use super::Usage;
use crate::fault::{Code, Rejection};

/// Part of `sign_in`, in percent, that is free of challenges: three of ten logins for one address from one network.
const FREE_SIGN_IN: u8 = 30;
/// Part of `sign_in_network`, in percent, that is free of them: people who share a network sign in now and then, not all at once.
const FREE_SIGN_IN_NETWORK: u8 = 50;
/// Longest token of a provider, in bytes. Turnstile's have at most 2,048.
pub const MAX_CHALLENGE_TOKEN: usize = 2048;

/// Whether a login takes a challenge: many have come for this address from this network, or from this network for whichever.
pub fn is_login_challenged(address: Usage, network: Usage) -> bool {
    address.is_past(FREE_SIGN_IN) || network.is_past(FREE_SIGN_IN_NETWORK)
}

/// The service that makes challenges and verifies their tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ChallengeKind {
    /// Cloudflare Turnstile.
    Turnstile,
    /// The built-in one for tests, which no template deploys.
    Test,
}

/// A name that is not a service of challenges.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("a challenge provider is none, turnstile or test, not {0:?}")]
pub struct UnknownChallengeProvider(String);

/// A choice of the template: a service, or none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChosenChallenge(pub Option<ChallengeKind>);

impl FromStr for ChosenChallenge {
    type Err = UnknownChallengeProvider;

    fn from_str(name: &str) -> Result<Self, UnknownChallengeProvider> {
        match name {
            "none" => Ok(Self(None)),
            "turnstile" => Ok(Self(Some(ChallengeKind::Turnstile))),
            "test" => Ok(Self(Some(ChallengeKind::Test))),
            other => Err(UnknownChallengeProvider(other.to_owned())),
        }
    }
}

/// What a challenge is solved for. A token counts for that alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChallengeAction {
    /// A login by password.
    Login,
    /// A registration.
    Register,
    /// A mail to set a new password.
    PasswordReset,
}

impl ChallengeAction {
    /// The name that a client gives the provider.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Login => "login",
            Self::Register => "register",
            Self::PasswordReset => "password_reset",
        }
    }
}

/// How a client gets a token: part of `GET /v1/shop`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ChallengeView {
    /// The service whose widget makes tokens.
    pub provider: ChallengeKind,
    /// Key with which the widget is shown; absent for the built-in one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub site_key: Option<String>,
}

impl ChallengeView {
    /// The view of the template's choice, `None` without challenges.
    pub fn of(chosen: ChosenChallenge, site_key: Option<&str>) -> Option<Self> {
        chosen.0.map(|provider| Self {
            provider,
            site_key: site_key.map(str::to_owned),
        })
    }
}

/// The rejection of a request without a token that counts. It does not say what is wrong with one: the remedy is a new one.
pub fn challenge_required() -> Rejection {
    Rejection::new(
        Code::ChallengeRequired,
        "Solve a challenge of the provider that GET /v1/shop names, and send its token as challenge; each token counts once, for some \
         minutes.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn used(taken: i64, most: i64) -> Usage {
        Usage { taken, most }
    }

    #[test]
    fn the_fourth_login_for_an_address_takes_a_challenge() {
        let is_challenged =
            |address: i64, network: i64| is_login_challenged(used(address, 10), used(network, 60));
        assert!(!is_challenged(1, 1));
        assert!(!is_challenged(3, 30));
        assert!(is_challenged(4, 1));
        assert!(is_challenged(1, 31), "an address that nobody has tried");
    }

    /// Limits that are off, or could not be checked, ask for nothing.
    #[test]
    fn without_limits_there_are_no_challenges() {
        assert!(!is_login_challenged(Usage::NONE, Usage::NONE));
    }

    #[test]
    fn providers_have_names() {
        let parse = |name: &str| name.parse::<ChosenChallenge>();
        assert_eq!(parse("none"), Ok(ChosenChallenge(None)));
        let turnstile = ChosenChallenge(Some(ChallengeKind::Turnstile));
        assert_eq!(parse("turnstile"), Ok(turnstile));
        for name in ["", "None", "recaptcha"] {
            assert_eq!(parse(name), Err(UnknownChallengeProvider(name.to_owned())));
        }
        let view = ChallengeView::of(turnstile, Some("0x4A"));
        let view = serde_json::to_value(view).unwrap();
        let expected = serde_json::json!({ "provider": "turnstile", "site_key": "0x4A" });
        assert_eq!(view, expected);
        assert_eq!(ChallengeView::of(ChosenChallenge(None), Some("0x4A")), None);
    }
}

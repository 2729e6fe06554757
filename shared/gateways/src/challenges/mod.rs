//! Verifies the tokens of challenges (CAPTCHAs), independent of the provider (docs/adr/0030).
//!
//! A provider that does not answer stops nobody: the verification takes [`PATIENCE`] at most, a breaker of the process then leaves the
//! provider alone for a while, and the caller is told that nothing was verified.

use std::{future::Future, net::IpAddr, time::Duration};

use domain::limits::{ChallengeAction, MAX_CHALLENGE_TOKEN};
use tokio::time::timeout;

mod breaker;
mod test_provider;
mod turnstile;

pub use test_provider::TestChallenges;
pub use turnstile::{InvalidTurnstile, TURNSTILE, Turnstile};

use self::breaker::Breaker;

/// Longest time of a verification, with the secret that it reads. A login has further calls, and 10 s for all of them.
const PATIENCE: Duration = Duration::from_secs(2);

/// A client's answer to a challenge.
#[derive(Clone, Copy)]
pub struct ChallengeAnswer<'a> {
    /// The provider's token.
    pub token: &'a str,
    /// What it must have been made for.
    pub action: ChallengeAction,
    /// Address of the client, where it is known.
    pub viewer: Option<IpAddr>,
}

/// The provider's word on a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChallengeVerdict {
    /// The client has solved a challenge, for this.
    Solved,
    /// The token is wrong, used, too old, or of another page or action; the reason is for the log.
    Refused(String),
}

/// Why a token was not verified.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum ChallengeError {
    /// The provider does not accept the shop's own keys or request.
    #[error("the provider rejected the shop: {0}")]
    Misconfigured(String),
    /// The provider did not answer, or not conclusively.
    #[error("the provider gave no conclusive answer: {0}")]
    Unavailable(String),
    /// The provider has failed before and is left alone for some seconds.
    #[error("the provider has failed and is left alone")]
    LeftAlone,
}

/// A service that tells people from programs.
pub trait ChallengeProvider: Send + Sync {
    /// Verifies a token, which then counts for nothing any more.
    fn verify(
        &self,
        answer: &ChallengeAnswer<'_>,
    ) -> impl Future<Output = Result<ChallengeVerdict, ChallengeError>> + Send;
}

/// No provider: everything is solved.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoChallenges;

impl ChallengeProvider for NoChallenges {
    async fn verify(&self, _: &ChallengeAnswer<'_>) -> Result<ChallengeVerdict, ChallengeError> {
        Ok(ChallengeVerdict::Solved)
    }
}

/// The provider that a shop has chosen.
#[derive(Debug)]
enum Chosen {
    None(NoChallenges),
    Turnstile(Box<Turnstile>),
    Test(TestChallenges),
}

/// Challenges of the shop. Made once per cold start.
#[derive(Debug)]
pub struct Challenges {
    chosen: Chosen,
    breaker: Breaker,
}

/// Fate of a request that takes a challenge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Challenged {
    /// It goes on.
    Passed,
    /// It takes a token that counts; with the reason if it had one.
    Required(Option<String>),
    /// It goes on, as nobody could verify anything.
    Unchecked(ChallengeError),
}

impl Challenges {
    /// No challenges.
    pub fn none() -> Self {
        Self::of(Chosen::None(NoChallenges))
    }

    /// Those of Cloudflare Turnstile.
    pub fn turnstile(turnstile: Turnstile) -> Self {
        Self::of(Chosen::Turnstile(Box::new(turnstile)))
    }

    /// Those of the built-in provider for tests.
    pub fn test() -> Self {
        Self::of(Chosen::Test(TestChallenges))
    }

    fn of(chosen: Chosen) -> Self {
        Self {
            chosen,
            breaker: Breaker::default(),
        }
    }

    /// Decides on a request that takes a challenge for `action`. Without a token nothing is called.
    pub async fn check(
        &self,
        token: Option<&str>,
        action: ChallengeAction,
        viewer: Option<IpAddr>,
    ) -> Challenged {
        if matches!(self.chosen, Chosen::None(_)) {
            return Challenged::Passed;
        }
        // Before a token is asked for: a client may get none from a provider that is down.
        if !self.breaker.admits() {
            return Challenged::Unchecked(ChallengeError::LeftAlone);
        }
        let Some(token) = token else {
            return Challenged::Required(None);
        };
        if token.is_empty() || token.len() > MAX_CHALLENGE_TOKEN {
            return Challenged::Required(Some("not a token".to_owned()));
        }
        let answer = ChallengeAnswer {
            token,
            action,
            viewer,
        };
        let verdict = timeout(PATIENCE, self.verify(&answer)).await;
        let verdict = verdict
            .unwrap_or_else(|_| Err(ChallengeError::Unavailable("no answer in time".into())));
        self.breaker.note(verdict.is_ok());
        match verdict {
            Ok(ChallengeVerdict::Solved) => Challenged::Passed,
            Ok(ChallengeVerdict::Refused(reason)) => Challenged::Required(Some(reason)),
            Err(error) => Challenged::Unchecked(error),
        }
    }

    async fn verify(
        &self,
        answer: &ChallengeAnswer<'_>,
    ) -> Result<ChallengeVerdict, ChallengeError> {
        match &self.chosen {
            Chosen::None(none) => none.verify(answer).await,
            Chosen::Turnstile(turnstile) => turnstile.verify(answer).await,
            Chosen::Test(test) => test.verify(answer).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn check(challenges: &Challenges, token: Option<&str>) -> Challenged {
        challenges.check(token, ChallengeAction::Login, None).await
    }

    #[tokio::test]
    async fn without_a_provider_nobody_is_asked() {
        for token in [None, Some(""), Some("anything")] {
            let outcome = check(&Challenges::none(), token).await;
            assert_eq!(outcome, Challenged::Passed, "{token:?}");
        }
    }

    #[tokio::test]
    async fn the_test_provider_accepts_one_token_and_no_other() {
        let challenges = Challenges::test();
        assert_eq!(check(&challenges, Some("chl_ok")).await, Challenged::Passed);
        assert_eq!(check(&challenges, None).await, Challenged::Required(None));
        let long = "x".repeat(MAX_CHALLENGE_TOKEN + 1);
        for token in ["", "chl_wrong", "CHL_OK", "chl_ok ", &long] {
            let outcome = check(&challenges, Some(token)).await;
            assert!(
                matches!(outcome, Challenged::Required(Some(_))),
                "{token:.9}"
            );
        }
    }

    /// The kind of fault: an outage of the provider is one of the shop.
    #[tokio::test(start_paused = true)]
    async fn a_provider_that_is_down_stops_nobody_and_is_left_alone() {
        let challenges = Challenges::test();
        let started = tokio::time::Instant::now();
        for _ in 0..2 {
            let outcome = check(&challenges, Some("chl_timeout")).await;
            let error = ChallengeError::Unavailable("no answer in time".into());
            assert_eq!(outcome, Challenged::Unchecked(error));
        }
        assert_eq!(started.elapsed(), 2 * PATIENCE);
        // Nobody waits any more, and nobody needs a token that cannot be had.
        for token in [None, Some("chl_timeout"), Some("chl_wrong")] {
            let outcome = check(&challenges, token).await;
            assert_eq!(outcome, Challenged::Unchecked(ChallengeError::LeftAlone));
        }
        assert_eq!(started.elapsed(), 2 * PATIENCE);
        // Later one request finds out.
        tokio::time::advance(Duration::from_secs(30)).await;
        check(&challenges, Some("chl_timeout")).await;
        let outcome = check(&challenges, None).await;
        assert_eq!(outcome, Challenged::Unchecked(ChallengeError::LeftAlone));
        tokio::time::advance(Duration::from_secs(30)).await;
        assert_eq!(check(&challenges, Some("chl_ok")).await, Challenged::Passed);
        assert_eq!(check(&challenges, None).await, Challenged::Required(None));
    }
}

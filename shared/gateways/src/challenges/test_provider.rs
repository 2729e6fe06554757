//! The built-in provider of challenges for tests.

use super::{ChallengeAnswer, ChallengeError, ChallengeProvider, ChallengeVerdict};

/// The built-in provider of challenges for tests. It keeps no state; the token determines the outcome.
///
/// | token | outcome |
/// | --- | --- |
/// | `chl_ok` | solved, as often as it is sent |
/// | `chl_timeout` | never answers |
/// | anything else | refused |
///
/// Everybody knows the first one, so no template deploys this provider.
#[derive(Clone, Copy, Debug, Default)]
pub struct TestChallenges;

impl ChallengeProvider for TestChallenges {
    async fn verify(
        &self,
        answer: &ChallengeAnswer<'_>,
    ) -> Result<ChallengeVerdict, ChallengeError> {
        match answer.token {
            "chl_ok" => Ok(ChallengeVerdict::Solved),
            "chl_timeout" => std::future::pending().await,
            _ => Ok(ChallengeVerdict::Refused("an unknown token".to_owned())),
        }
    }
}

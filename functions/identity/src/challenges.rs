//! Has callers solve a challenge (CAPTCHA), and goes on without where nobody can verify one.

use std::{error::Error, net::IpAddr};

use domain::{
    identity::api::SecretText,
    limits::{ChallengeAction, ChallengeKind, ChosenChallenge, challenge_required},
};
use gateways::{
    challenges::{Challenged, Challenges, TURNSTILE, Turnstile},
    secrets::Secret,
};
use runtime::{Environment, Failure};

use crate::origin::Origin;

/// The challenges of the shop, made once per cold start.
#[derive(Debug)]
pub struct Challenge {
    challenges: Challenges,
}

impl Challenge {
    /// Those of `CHALLENGE_PROVIDER`. `CHALLENGE_SECRET_NAME` names the secret of Turnstile, whose tokens count from pages of
    /// `SHOP_ADDRESS` and `ALLOWED_ORIGINS`.
    pub fn connect(environment: &Environment) -> Result<Self, Box<dyn Error>> {
        let chosen: ChosenChallenge = environment.require("CHALLENGE_PROVIDER")?.parse()?;
        let challenges = match chosen.0 {
            None => Challenges::none(),
            Some(ChallengeKind::Test) => Challenges::test(),
            Some(ChallengeKind::Turnstile) => {
                let name = environment.require("CHALLENGE_SECRET_NAME")?;
                let secret = Secret::new(&environment.sdk_config()?, name);
                let address = environment.require("SHOP_ADDRESS")?;
                let allowed = environment.get("ALLOWED_ORIGINS").unwrap_or_default();
                let turnstile = Turnstile::new(TURNSTILE, secret, hosts(address, allowed))?;
                Challenges::turnstile(turnstile)
            }
        };
        Ok(Self { challenges })
    }

    /// Rejects a request without the token of a solved challenge for `action`. While the provider does not answer, the limits of
    /// callers are all that there is, and the request goes on: an outage of theirs must not be one of ours.
    pub async fn demand(
        &self,
        action: ChallengeAction,
        token: Option<&SecretText>,
        viewer: Option<IpAddr>,
    ) -> Result<(), Failure> {
        let token = token.map(|token| token.0.as_str());
        match self.challenges.check(token, action, viewer).await {
            Challenged::Passed => Ok(()),
            Challenged::Required(reason) => {
                if let Some(error) = reason {
                    tracing::info!(challenge.action = action.name(), error, "challenge refused");
                }
                Err(challenge_required().into())
            }
            Challenged::Unchecked(error) => {
                tracing::warn!(challenge.action = action.name(), %error, "challenge not checked");
                Ok(())
            }
        }
    }
}

/// Hosts of the pages of the shop.
fn hosts(address: &str, allowed: &str) -> Vec<String> {
    let mut hosts: Vec<String> = Vec::new();
    let named = allowed.split(',').map(str::trim);
    for origin in [address].into_iter().chain(named).filter_map(Origin::of) {
        if !hosts.contains(&origin.host) {
            hosts.push(origin.host);
        }
    }
    hosts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_count_from_pages_of_the_shop() {
        let allowed = "https://App.example, https://shop.example,http://localhost:3000";
        for (address, allowed, expected) in [
            ("https://Shop.example/", "*", &["shop.example"][..]),
            (
                "https://shop.example",
                allowed,
                &["shop.example", "app.example", "localhost"],
            ),
            ("not an address", "*,null,", &[]),
        ] {
            assert_eq!(hosts(address, allowed), expected, "{address} {allowed}");
        }
    }
}

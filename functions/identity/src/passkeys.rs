//! Passkeys: the shop as a relying party, and the challenges that authenticators answer once.

use std::error::Error;

use domain::{
    identity::{
        Ceremony, IssuedChallenge,
        webauthn::{Challenge, RelyingParty, WebauthnError},
    },
    settings::Settings,
};
use jiff::Timestamp;
use runtime::{Environment, Failure};
use store::{Store, StoreError};

use crate::origin::Origin;

/// An address that no browser would ask for passkeys at.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("SHOP_ADDRESS must be the address of the shop, such as https://shop.example, not {0:?}")]
struct UnusableAddress(String);

/// Why a passkey is refused. For the log: the caller learns only that it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The authenticator's answer is not valid.
    #[error(transparent)]
    Answer(#[from] WebauthnError),
    /// The challenge cannot be answered.
    #[error("the challenge was not issued for this, was answered before or has expired")]
    Challenge,
    /// The credential is nobody's.
    #[error("no account has the passkey")]
    Unknown,
    /// The credential is somebody's.
    #[error("an account has the passkey already")]
    Taken,
}

/// Why a ceremony has no success.
#[derive(Debug)]
pub enum Unproven {
    /// The passkey is refused.
    Refused(Refused),
    /// It could not be verified.
    Failed(Failure),
}

impl From<Refused> for Unproven {
    fn from(refused: Refused) -> Self {
        Self::Refused(refused)
    }
}

impl From<WebauthnError> for Unproven {
    fn from(error: WebauthnError) -> Self {
        Self::Refused(Refused::Answer(error))
    }
}

impl From<Failure> for Unproven {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl From<StoreError> for Unproven {
    fn from(error: StoreError) -> Self {
        Self::Failed(error.into())
    }
}

/// The shop at `address`, its `SHOP_ADDRESS`: passkeys are bound to its host. Its pages may ask for them, and those of
/// `ALLOWED_ORIGINS` whose host is the same or a part of it. Named after its host.
pub fn relying_party(
    environment: &Environment,
    address: &str,
) -> Result<RelyingParty, Box<dyn Error>> {
    let allowed = environment.get("ALLOWED_ORIGINS").unwrap_or_default();
    Ok(party(address, allowed)?)
}

/// The same relying party under the name that the shop has now.
pub fn named(party: &RelyingParty, settings: &Settings, default: &str) -> RelyingParty {
    RelyingParty {
        name: settings.shop_name(default).to_owned(),
        ..party.clone()
    }
}

/// Issues a challenge.
pub async fn issue(
    store: &Store,
    ceremony: Ceremony,
    now: Timestamp,
) -> Result<Challenge, Failure> {
    let issued = IssuedChallenge::new(runtime::random_bytes()?, ceremony, now);
    store.issue_challenge(&issued).await?;
    Ok(issued.challenge)
}

/// Takes the challenge that an answer names, which it thereby answers.
pub async fn take(
    store: &Store,
    challenge: &Challenge,
    ceremony: Ceremony,
    now: Timestamp,
) -> Result<(), Unproven> {
    match store.take_challenge(challenge, now).await? == Some(ceremony) {
        true => Ok(()),
        false => Err(Refused::Challenge.into()),
    }
}

fn party(address: &str, allowed: &str) -> Result<RelyingParty, UnusableAddress> {
    let own = Origin::of(address);
    let own = own.ok_or_else(|| UnusableAddress(address.to_owned()))?;
    let within = format!(".{}", own.host);
    let mut origins = vec![own.text];
    for named in allowed.split(',').map(str::trim) {
        // Compared as a whole with what browsers send, so it must be named like that.
        let Some(origin) = Origin::of(named).filter(|origin| origin.text == named) else {
            continue;
        };
        let is_ours = origin.host == own.host || origin.host.ends_with(&within);
        if is_ours && !origins.contains(&origin.text) {
            origins.push(origin.text);
        }
    }
    Ok(RelyingParty {
        name: own.host.clone(),
        id: own.host,
        origins,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passkeys_are_bound_to_the_host_of_the_shop() {
        for (address, id, origin) in [
            (
                "https://shop.example",
                "shop.example",
                "https://shop.example",
            ),
            (
                "https://Shop.Example/",
                "shop.example",
                "https://shop.example",
            ),
            (
                "https://shop.example:443",
                "shop.example",
                "https://shop.example",
            ),
            (
                "https://shop.example:8443",
                "shop.example",
                "https://shop.example:8443",
            ),
            (
                "http://localhost:8080",
                "localhost",
                "http://localhost:8080",
            ),
            ("http://localhost:80/", "localhost", "http://localhost"),
        ] {
            let party = party(address, "*").unwrap();
            assert_eq!(party.id, id, "{address}");
            assert_eq!(party.origins, [origin], "{address}");
        }
        for address in [
            "",
            "shop.example",
            "ftp://shop.example",
            "https://",
            "https://:443",
            "https://shop.example:x",
            "https://shop.example/path",
            "https://user@shop.example",
            "https://[::1]",
        ] {
            let refused = party(address, "");
            assert_eq!(refused, Err(UnusableAddress(address.to_owned())));
        }
    }

    #[test]
    fn pages_of_other_hosts_ask_for_no_passkey_of_the_shop() {
        let allowed = "https://shop.example, https://app.shop.example,https://eve.example,\
                       https://evilshop.example,https://shop.example.eve.example,*,null,\
                       https://SHOP.example,https://app.shop.example/,http://shop.example:3000,,";
        let party = party("https://shop.example", allowed).unwrap();
        assert_eq!(
            party.origins,
            [
                "https://shop.example",
                "https://app.shop.example",
                "http://shop.example:3000"
            ]
        );
    }
}

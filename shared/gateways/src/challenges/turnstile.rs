//! Cloudflare Turnstile: verifies tokens by its endpoint siteverify.

use std::sync::OnceLock;

use bytes::Bytes;
use domain::fault::chain;
use form_urlencoded::Serializer;
use http::{
    Request, StatusCode,
    header::{CONTENT_TYPE, USER_AGENT},
};
use http_body_util::{BodyExt, Full, Limited};
use serde::Deserialize;

use super::{ChallengeAnswer, ChallengeError, ChallengeProvider, ChallengeVerdict};
use crate::{
    https::{self, HttpClient},
    secrets::{Keys, Secret},
};

/// Base URL of Turnstile's API.
pub const TURNSTILE: &str = "https://challenges.cloudflare.com";
/// Path of the verification.
const SITEVERIFY: &str = "/turnstile/v0/siteverify";
/// Maximum size of a response, in bytes; one has some hundred.
const MAX_RESPONSE: usize = 16 * 1024;

/// Cloudflare Turnstile as a [`ChallengeProvider`].
#[derive(Debug)]
pub struct Turnstile {
    secret: Secret,
    /// Scheme and authority.
    base: String,
    /// Hosts of the pages whose tokens count, in lower case.
    hosts: Vec<String>,
    /// Made at the first call, like that of Stripe.
    client: OnceLock<HttpClient>,
}

/// Settings with which Turnstile would protect nothing.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum InvalidTurnstile {
    /// The endpoint is not safe to send the secret to.
    #[error("{0:?} must be https://host, or http://127.0.0.1:port")]
    Address(String),
    /// A token of any page would count.
    #[error("no host is named whose tokens count")]
    NoHosts,
}

/// The response of siteverify.
#[derive(Debug, Deserialize)]
struct Siteverify {
    success: bool,
    #[serde(default, rename = "error-codes")]
    error_codes: Vec<String>,
    /// Host of the page that showed the widget.
    #[serde(default)]
    hostname: Option<String>,
    /// The action that the page named.
    #[serde(default)]
    action: Option<String>,
}

/// The call's result as far as it depends on the secret.
enum Sent {
    Verdict(ChallengeVerdict),
    /// Turnstile does not know the secret.
    UnknownSecret,
}

impl Turnstile {
    /// Makes a client for `base`, usually [`TURNSTILE`], that connects and reads the secret at its first call. Tokens count that
    /// pages of `hosts` got.
    pub fn new(base: &str, secret: Secret, hosts: Vec<String>) -> Result<Self, InvalidTurnstile> {
        let address = https::base(base);
        let base = address.ok_or_else(|| InvalidTurnstile::Address(base.to_owned()))?;
        if hosts.is_empty() {
            return Err(InvalidTurnstile::NoHosts);
        }
        Ok(Self {
            secret,
            base,
            hosts: hosts.iter().map(|host| host.to_lowercase()).collect(),
            client: OnceLock::new(),
        })
    }

    fn client(&self) -> Result<&HttpClient, ChallengeError> {
        if let Some(client) = self.client.get() {
            return Ok(client);
        }
        let client = https::client();
        let client = client.map_err(|error| ChallengeError::Misconfigured(error.to_string()))?;
        Ok(self.client.get_or_init(|| client))
    }

    async fn send(
        &self,
        answer: &ChallengeAnswer<'_>,
        keys: &Keys,
    ) -> Result<Sent, ChallengeError> {
        let request = Request::post(format!("{}{SITEVERIFY}", self.base))
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(USER_AGENT, concat!("stampede/", env!("CARGO_PKG_VERSION")))
            .body(Full::new(Bytes::from(form(answer, keys))))
            .map_err(|error| ChallengeError::Misconfigured(error.to_string()))?;
        // Not repeated: a token that was verified counts for nothing the second time.
        let sent = self.client()?.request(request).await;
        let sent = sent.map_err(|error| ChallengeError::Unavailable(chain(&error)))?;
        let (parts, body) = sent.into_parts();
        let body = Limited::new(body, MAX_RESPONSE).collect().await;
        let body = body.map_err(|error| ChallengeError::Unavailable(chain(&*error)))?;
        self.read(parts.status, &body.to_bytes(), answer)
    }

    /// Reads a response. What it says about the shop itself, or about nothing at all, is not held against the client.
    fn read(
        &self,
        status: StatusCode,
        body: &[u8],
        answer: &ChallengeAnswer<'_>,
    ) -> Result<Sent, ChallengeError> {
        let unavailable = |reason: String| Err(ChallengeError::Unavailable(reason));
        if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS {
            return unavailable(format!("status {}", status.as_u16()));
        }
        // Other statuses come with the same body.
        let Ok(response) = serde_json::from_slice::<Siteverify>(body) else {
            return unavailable(format!("unreadable answer with status {}", status.as_u16()));
        };
        let has = |code: &str| response.error_codes.iter().any(|it| it == code);
        let codes = || response.error_codes.join(", ");
        if !response.success {
            if has("invalid-input-secret") || has("missing-input-secret") {
                return Ok(Sent::UnknownSecret);
            }
            if has("bad-request") {
                return Err(ChallengeError::Misconfigured(codes()));
            }
            if has("internal-error") {
                return unavailable(codes());
            }
            return Ok(Sent::Verdict(ChallengeVerdict::Refused(codes())));
        }
        let host = response.hostname.unwrap_or_default().to_lowercase();
        let refused = |reason: &str| ChallengeVerdict::Refused(reason.to_owned());
        let verdict = if !self.hosts.contains(&host) {
            refused("the token is of another host")
        } else if response.action.as_deref() != Some(answer.action.name()) {
            refused("the token is for another action")
        } else {
            ChallengeVerdict::Solved
        };
        Ok(Sent::Verdict(verdict))
    }
}

fn form(answer: &ChallengeAnswer<'_>, keys: &Keys) -> String {
    let mut form = Serializer::new(String::new());
    form.append_pair("secret", &keys.secret_key);
    form.append_pair("response", answer.token);
    if let Some(viewer) = answer.viewer {
        form.append_pair("remoteip", &viewer.to_canonical().to_string());
    }
    form.finish()
}

impl ChallengeProvider for Turnstile {
    async fn verify(
        &self,
        answer: &ChallengeAnswer<'_>,
    ) -> Result<ChallengeVerdict, ChallengeError> {
        let unavailable =
            |error: crate::GatewayError| ChallengeError::Unavailable(error.to_string());
        let keys = self.secret.keys().await.map_err(unavailable)?;
        if let Sent::Verdict(verdict) = self.send(answer, &keys).await? {
            return Ok(verdict);
        }
        // It may have been rotated since it was read, and the token was not looked at.
        let others = self.secret.other_than(&keys).await.map_err(unavailable)?;
        if let Some(others) = others
            && let Sent::Verdict(verdict) = self.send(answer, &others).await?
        {
            return Ok(verdict);
        }
        let reason = "it does not know the secret key".to_owned();
        Err(ChallengeError::Misconfigured(reason))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn turnstile(base: &str, hosts: &[&str]) -> Result<Turnstile, InvalidTurnstile> {
        let keys = Keys {
            secret_key: "0x_secret".into(),
            webhook_secrets: Vec::new(),
        };
        let hosts = hosts.iter().map(|host| (*host).to_owned()).collect();
        Turnstile::new(base, Secret::fixed(keys), hosts)
    }

    #[test]
    fn the_secret_goes_to_nobody_without_tls() {
        assert!(turnstile(TURNSTILE, &["shop.example"]).is_ok());
        assert!(turnstile("http://127.0.0.1:1", &["shop.example"]).is_ok());
        for base in ["http://challenges.cloudflare.com", "http://localhost:1", ""] {
            let refused = turnstile(base, &["shop.example"]).err();
            assert_eq!(refused, Some(InvalidTurnstile::Address(base.to_owned())));
        }
        let refused = turnstile(TURNSTILE, &[]).err();
        assert_eq!(refused, Some(InvalidTurnstile::NoHosts));
    }

    #[test]
    fn the_secret_is_not_printed() {
        let printed = format!("{:?}", turnstile(TURNSTILE, &["shop.example"]));
        assert!(!printed.contains("0x_secret"), "{printed}");
    }
}

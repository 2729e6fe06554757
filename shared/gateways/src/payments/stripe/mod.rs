//! Stripe as a payment provider: PaymentIntents with manual capture (docs/adr/0011).

mod client;
mod convert;
mod problem;
mod provider;
mod wire;

use std::sync::{Arc, OnceLock};

use jiff::Timestamp;

use self::convert::read_event;
use super::{EventError, ProviderEvent, signature};
use crate::{
    https::{self, HttpClient},
    secrets::Secret,
};

/// Base URL of Stripe's API.
pub const STRIPE: &str = "https://api.stripe.com";

/// Stripe as a [`PaymentProvider`](super::PaymentProvider). Clones share connections and keys.
#[derive(Clone, Debug)]
pub struct Stripe {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    secret: Secret,
    /// Scheme and authority, such as `https://api.stripe.com`.
    base: String,
    /// Made at the first call: reading its root certificates takes as long as the rest of the start.
    client: OnceLock<HttpClient>,
}

/// Invalid endpoint URL: not safe to send keys to.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{0:?} must be https://host, or http://127.0.0.1:port")]
pub struct InvalidStripe(String);

impl Stripe {
    /// Makes a client for `base`, usually [`STRIPE`], that connects and reads the keys at its first
    /// call. Without TLS, only the local machine is allowed.
    pub fn new(base: &str, secret: Secret) -> Result<Self, InvalidStripe> {
        let base = https::base(base).ok_or_else(|| InvalidStripe(base.to_owned()))?;
        Ok(Self {
            inner: Arc::new(Inner {
                secret,
                base,
                client: OnceLock::new(),
            }),
        })
    }

    /// Verifies and parses an event; see [`super::PaymentProviders::verify_event`].
    pub(super) async fn verify_event(
        &self,
        header: Option<&str>,
        body: &[u8],
        now: Timestamp,
    ) -> Result<ProviderEvent, EventError> {
        let header = header.ok_or(EventError::Signature)?;
        let secret = &self.inner.secret;
        let unavailable = |error: crate::GatewayError| EventError::Unavailable(error.to_string());
        let keys = secret.keys().await.map_err(unavailable)?;
        match signature::verify(header, body, &keys.webhook_secrets, now) {
            // The secret may have been rotated since it was read.
            Err(EventError::Signature) => {
                let others = secret.other_than(&keys).await.map_err(unavailable)?;
                let others = others.ok_or(EventError::Signature)?;
                signature::verify(header, body, &others.webhook_secrets, now)?;
            }
            verdict => verdict?,
        }
        read_event(body)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secrets::Keys;

    fn keys() -> Keys {
        Keys {
            secret_key: "sk_test_1".into(),
            webhook_secrets: Vec::new(),
        }
    }

    fn stripe(base: &str) -> Result<Stripe, InvalidStripe> {
        Stripe::new(base, Secret::fixed(keys()))
    }

    #[test]
    fn keys_go_to_nobody_without_tls() {
        for base in [
            STRIPE,
            "https://api.stripe.com/",
            "http://127.0.0.1:1234",
            "https://proxy.example:8443",
        ] {
            assert!(stripe(base).is_ok(), "{base}");
        }
        for base in [
            "http://api.stripe.com",
            "http://127.0.0.1.example",
            "http://127.0.0.1@example",
            "http://localhost:1",
            "http://[::1]:1",
            "ftp://127.0.0.1",
            "https://api.stripe.com/v2",
            "https://api.stripe.com?x",
            "https://",
            "api.stripe.com",
            "",
        ] {
            let refused = stripe(base).err();
            assert_eq!(refused, Some(InvalidStripe(base.to_owned())));
        }
    }

    #[test]
    fn the_key_is_not_printed() {
        let printed = format!("{:?}", stripe(STRIPE));
        assert!(!printed.contains("sk_test"), "{printed}");
    }
}

//! Reads secrets from AWS Secrets Manager: keys of external services, and the root secret of accounts.

use std::{
    fmt,
    sync::{Arc, OnceLock},
    time::Duration,
};

use aws_sdk_secretsmanager::Client;
use aws_types::SdkConfig;
use domain::identity::Secrets;
use serde::Deserialize;
use tokio::{sync::Mutex, time::Instant};

use crate::{GatewayError, retry_partition};

/// Time after which keys are read again: a rotated secret is replaced everywhere within it, and a busy
/// function reads the secret twelve times an hour.
const KEPT: Duration = Duration::from_secs(300);
/// Minimum age of keys before a failed verification has them read again. Anyone can send a wrong
/// signature, which must not cost a call each time.
const DOUBTED: Duration = Duration::from_secs(10);

/// Keys of a provider, stored as `{"secret_key": "…", "webhook_secrets": ["…", …]}`.
#[derive(Clone, PartialEq, Eq, Deserialize)]
pub struct Keys {
    /// API key for calls to the provider.
    pub secret_key: String,
    /// Secrets that verify webhook events; two during a rotation.
    #[serde(default)]
    pub webhook_secrets: Vec<String>,
}

/// Shows the number of secrets, but not their values.
impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keys")
            .field("secret_key", &"…")
            .field("webhook_secrets", &self.webhook_secrets.len())
            .finish()
    }
}

/// What the text of a secret is read into.
pub trait Contents: Sized + PartialEq + Send + Sync + 'static {
    /// Parses the text. The error says nothing of it.
    fn parse(text: &str) -> Result<Self, String>;
}

impl Contents for Keys {
    fn parse(text: &str) -> Result<Self, String> {
        parse(text).map_err(str::to_owned)
    }
}

impl Contents for Secrets {
    fn parse(text: &str) -> Result<Self, String> {
        Self::parse(text).map_err(|error| error.to_string())
    }
}

/// A secret that is read at first use, and again when it may have changed.
#[derive(Debug)]
pub struct Secret<T = Keys> {
    source: Source<T>,
    kept: Mutex<Option<Kept<T>>>,
}

#[derive(Debug)]
enum Source<T> {
    Manager {
        config: Box<SdkConfig>,
        /// Made at the first call.
        client: OnceLock<Client>,
        id: String,
    },
    Fixed(Arc<T>),
}

#[derive(Debug)]
struct Kept<T> {
    keys: Arc<T>,
    read_at: Instant,
}

impl<T: Contents> Secret<T> {
    /// A secret by name or ARN. Connects at the first use.
    pub fn new(config: &SdkConfig, id: impl Into<String>) -> Self {
        Self::from(Source::Manager {
            config: Box::new(config.clone()),
            client: OnceLock::new(),
            id: id.into(),
        })
    }

    /// Fixed keys, for tests and stand-ins.
    pub fn fixed(keys: T) -> Self {
        Self::from(Source::Fixed(Arc::new(keys)))
    }

    /// The keys, at most five minutes old.
    pub async fn keys(&self) -> Result<Arc<T>, GatewayError> {
        self.newer_than(KEPT).await
    }

    /// Keys other than `doubted`, which failed a verification; `None` if they are unchanged.
    pub async fn other_than(&self, doubted: &Arc<T>) -> Result<Option<Arc<T>>, GatewayError> {
        let keys = self.newer_than(DOUBTED).await?;
        Ok((keys != *doubted).then_some(keys))
    }

    async fn newer_than(&self, age: Duration) -> Result<Arc<T>, GatewayError> {
        let (client, id) = match &self.source {
            Source::Manager { config, client, id } => {
                (client.get_or_init(|| client_of(config)), id)
            }
            Source::Fixed(keys) => return Ok(Arc::clone(keys)),
        };
        // Held while reading, so that concurrent calls read once.
        let mut kept = self.kept.lock().await;
        if let Some(kept) = kept.as_ref()
            && kept.read_at.elapsed() < age
        {
            return Ok(Arc::clone(&kept.keys));
        }
        let keys = Arc::new(read(client, id).await?);
        *kept = Some(Kept {
            keys: Arc::clone(&keys),
            read_at: Instant::now(),
        });
        Ok(keys)
    }
}

impl<T> From<Source<T>> for Secret<T> {
    fn from(source: Source<T>) -> Self {
        Self {
            source,
            kept: Mutex::new(None),
        }
    }
}

fn client_of(config: &SdkConfig) -> Client {
    let config = aws_sdk_secretsmanager::config::Builder::from(config);
    Client::from_conf(config.retry_partition(retry_partition("secrets")).build())
}

async fn read<T: Contents>(client: &Client, id: &str) -> Result<T, GatewayError> {
    let answer = client
        .get_secret_value()
        .secret_id(id)
        .send()
        .await
        .map_err(|error| GatewayError::call("Secrets Manager", "GetSecretValue", error))?;
    let unreadable = |reason: &str| GatewayError {
        service: "Secrets Manager",
        operation: "GetSecretValue",
        reason: reason.to_owned(),
        source: None,
    };
    let text = answer
        .secret_string()
        .ok_or_else(|| unreadable("the secret is not text"))?;
    T::parse(text).map_err(|reason| unreadable(&reason))
}

/// Parses keys. The error says nothing of the text, which is secret.
fn parse(text: &str) -> Result<Keys, &'static str> {
    // Omits the parser's message, which may quote the secret.
    let keys: Keys = serde_json::from_str(text)
        .map_err(|_| r#"the secret is not {"secret_key": "…", "webhook_secrets": ["…"]}"#)?;
    let all = [&keys.secret_key].into_iter().chain(&keys.webhook_secrets);
    if all.into_iter().any(|secret| secret.trim().is_empty()) {
        return Err("a key of the secret is empty: anyone could sign with it");
    }
    Ok(keys)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_not_printed() {
        let keys: Keys =
            serde_json::from_str(r#"{"secret_key":"sk_x","webhook_secrets":["whsec_y"]}"#).unwrap();
        let secret = Secret::fixed(keys.clone());
        let printed = format!("{keys:?} {secret:?}");
        assert!(!printed.contains("sk_x") && !printed.contains("whsec_y"));
    }

    // Kind of fault: an empty value counts as one that was set.
    #[test]
    fn an_empty_key_is_not_a_key() {
        for text in [
            r#"{"secret_key":"sk_x","webhook_secrets":[""]}"#,
            r#"{"secret_key":"sk_x","webhook_secrets":["whsec_y"," "]}"#,
            r#"{"secret_key":"","webhook_secrets":["whsec_y"]}"#,
        ] {
            assert!(parse(text).unwrap_err().contains("empty"), "{text}");
        }
        assert!(parse(r#"{"secret_key":"sk_x","webhook_secrets":["whsec_y"]}"#).is_ok());
    }

    #[test]
    fn a_shop_without_events_needs_no_secrets_for_them() {
        let keys: Keys = serde_json::from_str(r#"{"secret_key":"sk_x"}"#).unwrap();
        assert!(keys.webhook_secrets.is_empty());
    }
}

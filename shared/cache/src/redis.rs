//! The second cache level in Redis or Valkey.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use futures_util::{FutureExt, future::BoxFuture};
use redis::{AsyncConnectionConfig, Client, aio::MultiplexedConnection};
use tokio::sync::watch;

use crate::shared::{SharedError, SharedLevel};

/// Timeout to connect. Requests do not wait longer than for a response.
const CONNECT: Duration = Duration::from_secs(1);
/// Timeout of a response on the connection, after requests have stopped waiting.
const ANSWER: Duration = Duration::from_millis(500);

/// A client of a Redis or Valkey server. Connects at first use, and again after a failure.
pub struct Redis {
    client: Client,
    connection: Mutex<Option<Connecting>>,
}

type Connecting = watch::Receiver<Option<Result<MultiplexedConnection, SharedError>>>;

impl Redis {
    /// Makes a client from a URL such as `redis://host:6379` or, with TLS, `rediss://host:6379`.
    pub fn new(url: &str) -> Result<Self, SharedError> {
        // Omits the URL, which may contain a password.
        let client = Client::open(url)
            .map_err(|error| SharedError(format!("not a Redis URL: {:?}", error.kind())))?;
        Ok(Self {
            client,
            connection: Mutex::new(None),
        })
    }

    async fn connection(&self) -> Result<MultiplexedConnection, SharedError> {
        let mut connecting = self.connecting();
        let outcome = connecting.wait_for(Option::is_some).await;
        let outcome = outcome.ok().and_then(|outcome| outcome.clone());
        outcome.unwrap_or_else(|| Err(SharedError("the connection was not established".to_owned())))
    }

    /// Connects in a task of its own, so that the attempt continues after its request stops waiting.
    fn connecting(&self) -> Connecting {
        let mut connection = self
            .connection
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        // A task that ended without a result counts as a failed attempt.
        if let Some(connecting) = &*connection
            && (connecting.has_changed().is_ok() || connecting.borrow().is_some())
        {
            return connecting.clone();
        }
        let (outcome, connecting) = watch::channel(None);
        let client = self.client.clone();
        tokio::spawn(async move {
            let config = AsyncConnectionConfig::new()
                .set_connection_timeout(Some(CONNECT))
                .set_response_timeout(Some(ANSWER));
            let connection = client
                .get_multiplexed_async_connection_with_config(&config)
                .await
                .map_err(said);
            outcome.send_replace(Some(connection));
        });
        connection.insert(connecting).clone()
    }
}

impl SharedLevel for Redis {
    fn get<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<Bytes>, SharedError>> {
        async move {
            let mut connection = self.connection().await?;
            let mut command = redis::cmd("GET");
            command.arg(key);
            command.query_async(&mut connection).await.map_err(said)
        }
        .boxed()
    }

    fn put<'a>(
        &'a self,
        key: &'a str,
        value: Bytes,
        expires_in: Duration,
    ) -> BoxFuture<'a, Result<(), SharedError>> {
        async move {
            let mut connection = self.connection().await?;
            let mut command = redis::cmd("SET");
            let milliseconds = u64::try_from(expires_in.as_millis()).unwrap_or(u64::MAX);
            command
                .arg(key)
                .arg(&value[..])
                .arg("PX")
                .arg(milliseconds.max(1));
            command.query_async(&mut connection).await.map_err(said)
        }
        .boxed()
    }

    /// Makes the next call use a new connection, unless one is already being established.
    fn reset(&self) {
        let mut connection = self
            .connection
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(made) = &*connection
            && made.borrow().is_some()
        {
            *connection = None;
        }
    }
}

impl fmt::Debug for Redis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Redis").finish_non_exhaustive()
    }
}

impl From<Redis> for Arc<dyn SharedLevel> {
    fn from(redis: Redis) -> Self {
        Arc::new(redis)
    }
}

#[expect(clippy::needless_pass_by_value, reason = "it is what map_err passes")]
fn said(error: redis::RedisError) -> SharedError {
    SharedError(error.to_string())
}

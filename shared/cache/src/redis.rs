//! The second level in Redis or Valkey.

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

/// How long connecting may take. No request waits for it longer than for an answer.
const CONNECT: Duration = Duration::from_secs(1);
/// How long the connection waits for an answer that nobody may be waiting for any more.
const ANSWER: Duration = Duration::from_millis(500);

/// A Redis or Valkey server. Connects at the first use, and again after a failure.
pub struct Redis {
    client: Client,
    connection: Mutex<Option<Connecting>>,
}

type Connecting = watch::Receiver<Option<Result<MultiplexedConnection, SharedError>>>;

impl Redis {
    /// The server at an address such as `redis://host:6379` or, with TLS, `rediss://host:6379`.
    pub fn new(url: &str) -> Result<Self, SharedError> {
        // Without the address, which may have a password.
        let client = Client::open(url)
            .map_err(|error| SharedError(format!("no address of Redis: {:?}", error.kind())))?;
        Ok(Self {
            client,
            connection: Mutex::new(None),
        })
    }

    async fn connection(&self) -> Result<MultiplexedConnection, SharedError> {
        let mut connecting = self.connecting();
        let outcome = connecting.wait_for(Option::is_some).await;
        let outcome = outcome.ok().and_then(|outcome| outcome.clone());
        outcome.unwrap_or_else(|| Err(SharedError("connecting came to nothing".to_owned())))
    }

    /// The connection, or the attempt at one. In a task of its own, so that it goes on when the request
    /// that set it off does not wait.
    fn connecting(&self) -> Connecting {
        let mut connection = self
            .connection
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        // A task that ended without a word is as good as none.
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

    /// Another connection for the next call, unless this one is still being made.
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

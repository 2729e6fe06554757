//! The second cache level, shared by all processes.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use bytes::{BufMut, Bytes, BytesMut};
use futures_util::future::BoxFuture;
use jiff::{SignedDuration, Timestamp};

use crate::{
    ages::{Age, Ages},
    cache::Value,
};

/// Timeout of the second level: several times the latency of a healthy server within the network, and
/// not much more than the read of the table that it saves.
pub const BUDGET: Duration = Duration::from_millis(20);
/// How long the second level is skipped after a failure.
pub const LEFT_ALONE: SignedDuration = SignedDuration::from_secs(5);
/// Maximum size of a shared value in bytes: larger ones do not arrive within the budget.
pub const MAX_SHARED_BYTES: usize = 512 * 1024;

/// Prefix of all values in this version of the format.
const MAGIC: &[u8; 4] = b"SSC1";
/// Bytes before the value: magic, kind, time.
const HEADER: usize = MAGIC.len() + 1 + 8;
const FOUND: u8 = b'f';
const MISSING: u8 = b'm';

/// The second level did not respond, or with an error.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{0}")]
pub struct SharedError(pub String);

/// A store of bytes by key with expiry, shared by all processes.
pub trait SharedLevel: Send + Sync + 'static {
    /// Reads the value of a key.
    fn get<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<Bytes>, SharedError>>;

    /// Writes a value that expires after `expires_in`.
    fn put<'a>(
        &'a self,
        key: &'a str,
        value: Bytes,
        expires_in: Duration,
    ) -> BoxFuture<'a, Result<(), SharedError>>;

    /// Called after a call failed or timed out: the connection should be replaced.
    fn reset(&self) {}
}

/// A second level whose failures are contained.
pub(crate) struct Second {
    level: Arc<dyn SharedLevel>,
    /// Contains schema and name, so that other owners and versions use different keys.
    prefix: String,
    failed: Mutex<Option<Timestamp>>,
}

/// A value of the second level.
pub(crate) struct Kept<V> {
    pub(crate) value: Option<V>,
    pub(crate) born: Timestamp,
    pub(crate) fresh: bool,
}

impl Second {
    pub(crate) fn new(level: Arc<dyn SharedLevel>, prefix: String) -> Self {
        Self {
            level,
            prefix,
            failed: Mutex::new(None),
        }
    }

    /// Reads a value that may still be served.
    pub(crate) async fn get<V: Value>(
        &self,
        key: &str,
        ages: &Ages,
        now: Timestamp,
    ) -> Option<Kept<V>> {
        let key = format!("{}{key}", self.prefix);
        let bytes = self.within_budget(now, self.level.get(&key)).await??;
        let Some(Unsealed { value, born }) = unseal::<V>(bytes) else {
            // The rest of the key comes from the request, so it is not logged.
            tracing::warn!(cache.prefix = %self.prefix, "the second level has something else");
            return None;
        };
        let fresh = match (&value, ages.of(born, now)) {
            (Some(_), Age::Fresh) => true,
            (Some(_), Age::Stale) => false,
            (None, _) if ages.still_missing(born, now) => true,
            _ => return None,
        };
        Some(Kept { value, born, fresh })
    }

    /// Shares a value whose fetch started at `born`.
    pub(crate) async fn put<V: Value>(
        &self,
        key: &str,
        value: Option<&V>,
        ages: &Ages,
        born: Timestamp,
    ) {
        let Some(bytes) = sealed(value, born) else {
            return;
        };
        let lasts = if value.is_some() {
            ages.usable
        } else {
            ages.missing
        };
        let lasts = Duration::try_from(lasts).unwrap_or_default();
        let key = format!("{}{key}", self.prefix);
        self.within_budget(born, self.level.put(&key, bytes, lasts))
            .await;
    }

    async fn within_budget<T>(
        &self,
        now: Timestamp,
        call: impl Future<Output = Result<T, SharedError>>,
    ) -> Option<T> {
        if self.is_left_alone(now) {
            return None;
        }
        let error = match tokio::time::timeout(BUDGET, call).await {
            Ok(Ok(done)) => return Some(done),
            Ok(Err(error)) => error,
            Err(_) => SharedError(format!("no answer within {} ms", BUDGET.as_millis())),
        };
        *self.failed.lock().unwrap_or_else(PoisonError::into_inner) = Some(now);
        self.level.reset();
        tracing::warn!(error = %error, "the second level of the cache failed and is left alone");
        None
    }

    fn is_left_alone(&self, now: Timestamp) -> bool {
        let failed = *self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        failed.is_some_and(|failed| now.duration_since(failed).abs() < LEFT_ALONE)
    }
}

impl fmt::Debug for Second {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Second")
            .field("prefix", &self.prefix)
            .finish_non_exhaustive()
    }
}

/// Serializes a value with its time; `None` if it is too large.
fn sealed<V: Value>(value: Option<&V>, born: Timestamp) -> Option<Bytes> {
    let bytes = value.map(Value::to_bytes).unwrap_or_default();
    if bytes.len() > MAX_SHARED_BYTES {
        return None;
    }
    let mut sealed = BytesMut::with_capacity(HEADER + bytes.len());
    sealed.put_slice(MAGIC);
    sealed.put_u8(if value.is_some() { FOUND } else { MISSING });
    sealed.put_i64(born.as_millisecond());
    sealed.put_slice(&bytes);
    Some(sealed.freeze())
}

/// A value as it was sealed.
struct Unsealed<V> {
    /// `None` if the source had no value.
    value: Option<V>,
    born: Timestamp,
}

/// Deserializes the output of [`sealed`]; `None` for anything else.
fn unseal<V: Value>(bytes: Bytes) -> Option<Unsealed<V>> {
    let rest = bytes.strip_prefix(MAGIC)?;
    let (kind, rest) = rest.split_first()?;
    let (born, value) = rest.split_first_chunk::<8>()?;
    let born = Timestamp::from_millisecond(i64::from_be_bytes(*born)).ok()?;
    let value = match *kind {
        FOUND => Some(V::from_bytes(bytes.slice(HEADER..))?),
        MISSING if value.is_empty() => None,
        _ => return None,
    };
    Some(Unsealed { value, born })
}

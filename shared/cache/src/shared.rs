//! What processes share, behind the cache of each.

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

/// How long the second level may take: several times what a healthy one takes within a network, and
/// not much more than the read of the table that it saves.
pub const BUDGET: Duration = Duration::from_millis(20);
/// How long a second level that failed is left alone.
pub const LEFT_ALONE: SignedDuration = SignedDuration::from_secs(5);
/// Bytes of the largest value that is shared: more does not come over within the budget.
pub const MAX_SHARED_BYTES: usize = 512 * 1024;

/// Begins everything that this version of the crate shares.
const MAGIC: &[u8; 4] = b"SSC1";
/// Bytes before the value: magic, kind, time.
const HEADER: usize = MAGIC.len() + 1 + 8;
const FOUND: u8 = b'f';
const MISSING: u8 = b'm';

/// The second level had no answer.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{0}")]
pub struct SharedError(pub String);

/// Something that keeps bytes by key for a while, for all processes.
pub trait SharedLevel: Send + Sync + 'static {
    /// What is there.
    fn get<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<Bytes>, SharedError>>;

    /// Puts something there, for as long.
    fn put<'a>(
        &'a self,
        key: &'a str,
        value: Bytes,
        expires_in: Duration,
    ) -> BoxFuture<'a, Result<(), SharedError>>;

    /// Told that a call failed or took too long: what it went over is not to be trusted.
    fn reset(&self) {}
}

/// A second level that is kept from doing harm.
pub(crate) struct Second {
    level: Arc<dyn SharedLevel>,
    /// With schema and name: what others keep there, or other versions, has other keys.
    prefix: String,
    failed: Mutex<Option<Timestamp>>,
}

/// What the second level has.
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

    /// What is there and may still be given.
    pub(crate) async fn get<V: Value>(
        &self,
        key: &str,
        ages: &Ages,
        now: Timestamp,
    ) -> Option<Kept<V>> {
        let key = format!("{}{key}", self.prefix);
        let bytes = self.within_budget(now, self.level.get(&key)).await??;
        let Some((value, born)) = opened::<V>(bytes) else {
            // The rest of the key is what somebody asked for.
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

    /// Shares a value that was fetched at `born`.
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

/// A value with its time, as it is shared; `None` if it is too large.
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

/// What [`sealed`] made; `None` for anything else.
fn opened<V: Value>(bytes: Bytes) -> Option<(Option<V>, Timestamp)> {
    let rest = bytes.strip_prefix(MAGIC)?;
    let (kind, rest) = rest.split_first()?;
    let (born, value) = rest.split_first_chunk::<8>()?;
    let born = Timestamp::from_millisecond(i64::from_be_bytes(*born)).ok()?;
    match *kind {
        FOUND => Some((Some(V::from_bytes(bytes.slice(HEADER..))?), born)),
        MISSING if value.is_empty() => Some((None, born)),
        _ => None,
    }
}

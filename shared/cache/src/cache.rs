//! The cache of a process: stale-while-revalidate with request coalescing.

use std::{fmt, future::Future, sync::Arc};

use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use tracing::Instrument;

use crate::{
    ages::{Age, Ages},
    bounded::{Bounded, Entry, age},
    flight::{Boarded, FETCH_LIMIT, Flights, PATIENCE, Ticket},
    shared::{Second, SharedLevel},
};

/// A value that can be cached.
pub trait Value: Send + Sync + Sized + 'static {
    /// Version of the serialized form; change it with every change of the format.
    const SCHEMA: u32;

    /// Size of the value in bytes.
    fn weight(&self) -> usize;

    /// Serializes the value for the second level.
    fn to_bytes(&self) -> Bytes;

    /// Deserializes the output of [`to_bytes`](Self::to_bytes); `None` for any other bytes.
    fn from_bytes(bytes: Bytes) -> Option<Self>;
}

/// Capacity and age limits of a cache.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Capacity for values and their keys, in bytes.
    pub bytes: u64,
    /// Capacity for the keys of missing values, in bytes.
    pub missing_bytes: u64,
    /// Age limits of values and negative entries.
    pub ages: Ages,
}

/// Bytes that a cache takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CacheWeight {
    /// Bytes of the values and their keys.
    pub bytes: u64,
    /// Bytes of the keys of missing values.
    pub missing_bytes: u64,
}

/// A cached value with its age.
#[derive(Debug)]
pub struct Cached<V> {
    /// The shared value.
    pub value: Arc<V>,
    /// Time since its fetch started.
    pub age: SignedDuration,
}

/// Why it is unknown whether the value exists.
#[derive(Debug, thiserror::Error)]
pub enum FetchError<E> {
    /// The fetch failed; all callers that waited for it get this error.
    #[error("{0}")]
    Failed(Arc<E>),
    /// The fetch did not finish in time.
    #[error("the fetch did not finish")]
    Lost,
}

impl<E> Clone for FetchError<E> {
    fn clone(&self) -> Self {
        match self {
            Self::Failed(error) => Self::Failed(Arc::clone(error)),
            Self::Lost => Self::Lost,
        }
    }
}

/// Values by key; `E` is the error of a failed fetch. Clones are cheap and share the entries.
pub struct Cache<V: Value, E> {
    /// `None` disables caching: every call fetches.
    kept: Option<Arc<Inner<V, E>>>,
}

struct Inner<V: Value, E> {
    name: &'static str,
    ages: Ages,
    bounded: Bounded<V>,
    flights: Flights<Fetched<V, E>>,
    second: Option<Second>,
}

/// Answer of a fetch.
struct Answer<V> {
    /// `None` if the source has no value.
    value: Option<Arc<V>>,
    /// Time at which the fetch started.
    born: Timestamp,
}

type Fetched<V, E> = Result<Answer<V>, FetchError<E>>;

impl<V: Value, E: fmt::Display + Send + Sync + 'static> Cache<V, E> {
    /// Makes an empty cache. `name` identifies it in logs and in keys of the second level.
    pub fn new(name: &'static str, limits: &Limits) -> Self {
        Self::with(name, limits, None)
    }

    /// Makes an empty cache in front of a second level. `owner` separates shops that share a server.
    pub fn over(
        name: &'static str,
        limits: &Limits,
        level: Arc<dyn SharedLevel>,
        owner: &str,
    ) -> Self {
        let prefix = format!("stampede:{owner}:{name}:{}:", V::SCHEMA);
        Self::with(name, limits, Some(Second::new(level, prefix)))
    }

    /// A disabled cache: every call fetches.
    pub const fn off() -> Self {
        Self { kept: None }
    }

    fn with(name: &'static str, limits: &Limits, second: Option<Second>) -> Self {
        let inner = Inner {
            name,
            ages: limits.ages,
            bounded: Bounded::new(limits),
            flights: Flights::new(),
            second,
        };
        Self {
            kept: Some(Arc::new(inner)),
        }
    }

    /// Bytes that the entries take.
    pub fn weight(&self) -> CacheWeight {
        let kept = self.kept.as_ref();
        kept.map(|inner| inner.bounded.weight()).unwrap_or_default()
    }

    /// Returns the value of `key` at `now`, or `None` if it is missing, from the cache or from `fetch`.
    /// The fetch runs in its own task, so that it is not aborted together with its caller.
    pub async fn get<F>(
        &self,
        key: &str,
        now: Timestamp,
        fetch: impl FnOnce() -> F + Send + 'static,
    ) -> Result<Option<Cached<V>>, FetchError<E>>
    where
        F: Future<Output = Result<Option<V>, E>> + Send + 'static,
    {
        let Some(inner) = &self.kept else {
            let value = fetch()
                .await
                .map_err(|error| FetchError::Failed(Arc::new(error)))?;
            return Ok(value.map(|value| cached(Arc::new(value), now, now)));
        };
        if let Some(entry) = inner.bounded.found(key) {
            let found = || Ok(Some(cached(Arc::clone(&entry.value), entry.born, now)));
            match inner.ages.of(entry.born, now) {
                Age::Fresh => return found(),
                Age::Stale => {
                    if !entry.failed_lately(now)
                        && !inner.flights.is_under_way(key, now)
                        && let Boarded::Started(ticket) = inner.flights.board(key, now, None)
                    {
                        inner.start(key, now, ticket, Some(Arc::clone(&entry)), fetch);
                    }
                    return found();
                }
                Age::TooOld => {}
            }
        } else if let Some(born) = inner.bounded.missing(key)
            && inner.ages.still_missing(born, now)
        {
            return Ok(None);
        }
        inner.wait_for(key, now, fetch).await
    }
}

impl<V: Value, E: fmt::Display + Send + Sync + 'static> Inner<V, E> {
    /// Waits for a fetch in progress, or starts one.
    async fn wait_for<F>(
        self: &Arc<Self>,
        key: &str,
        now: Timestamp,
        fetch: impl FnOnce() -> F + Send + 'static,
    ) -> Result<Option<Cached<V>>, FetchError<E>>
    where
        F: Future<Output = Result<Option<V>, E>> + Send + 'static,
    {
        let mut given_up = None;
        let ticket = loop {
            let (serial, mut awaited) = match self.flights.board(key, now, given_up) {
                Boarded::Started(ticket) => break ticket,
                Boarded::Joined(serial, awaited) => (serial, awaited),
            };
            let answer = tokio::time::timeout(PATIENCE, awaited.wait_for(Option::is_some)).await;
            if let Ok(Ok(answer)) = answer
                && let Some(answer) = &*answer
            {
                match answer {
                    // A value from the second level may be fresh enough for one request but not for the
                    // next.
                    Ok(Answer {
                        value: Some(_),
                        born,
                    }) if *born <= now && self.ages.of(*born, now) == Age::TooOld => {}
                    _ => return answer_to(answer, now),
                }
            }
            given_up = Some(serial);
        };
        let mut awaited = ticket.answer.subscribe();
        self.start(key, now, ticket, None, fetch);
        match awaited.wait_for(Option::is_some).await.as_deref() {
            Ok(Some(answer)) => answer_to(answer, now),
            _ => Err(FetchError::Lost),
        }
    }

    /// Starts a fetch in its own task. `stale` is served meanwhile.
    fn start<F>(
        self: &Arc<Self>,
        key: &str,
        now: Timestamp,
        ticket: Ticket<Fetched<V, E>>,
        stale: Option<Arc<Entry<V>>>,
        fetch: impl FnOnce() -> F + Send + 'static,
    ) where
        F: Future<Output = Result<Option<V>, E>> + Send + 'static,
    {
        let journey = Journey {
            inner: Arc::clone(self),
            key: key.into(),
            began: now,
            ticket,
        };
        let fetched = async move {
            let Some(answer) = journey.fetch(stale, fetch).await else {
                return;
            };
            let (inner, key) = (Arc::clone(&journey.inner), journey.key.clone());
            // Complete the fetch for all waiting callers before writing to the second level.
            drop(journey);
            if let Some(second) = &inner.second {
                let value = answer.value.as_deref();
                second.put(&key, value, &inner.ages, answer.born).await;
            }
        };
        // Its lines have the id of the request that started it, even if others wait for it as well.
        tokio::spawn(fetched.in_current_span());
    }
}

/// A fetch in progress, which is completed when this is dropped.
struct Journey<V: Value, E> {
    inner: Arc<Inner<V, E>>,
    key: Box<str>,
    began: Timestamp,
    ticket: Ticket<Fetched<V, E>>,
}

impl<V: Value, E: fmt::Display> Journey<V, E> {
    /// Asks the second level, then the source, and notifies waiting callers. Returns a result of the
    /// source, to be written to the second level.
    async fn fetch<F>(
        &self,
        stale: Option<Arc<Entry<V>>>,
        fetch: impl FnOnce() -> F,
    ) -> Option<Answer<V>>
    where
        F: Future<Output = Result<Option<V>, E>>,
    {
        let inner = &self.inner;
        if let Some(second) = &inner.second
            && let Some(kept) = second.get::<V>(&self.key, &inner.ages, self.began).await
        {
            // A stale value of the second level is served to callers without one, and refreshed.
            if kept.fresh || stale.is_none() {
                self.arrive(kept.value.map(Arc::new), kept.born);
            }
            if kept.fresh {
                return None;
            }
        }
        let error = match tokio::time::timeout(FETCH_LIMIT, fetch()).await {
            Ok(Ok(value)) => {
                let value = value.map(Arc::new);
                self.arrive(value.clone(), self.began);
                let born = self.began;
                return Some(Answer { value, born });
            }
            Ok(Err(error)) => FetchError::Failed(Arc::new(error)),
            Err(_) => FetchError::Lost,
        };
        if let Some(stale) = stale {
            stale.note_failure(self.began);
        }
        if self.ticket.answer.is_closed() {
            // Nobody waits for a refresh, so it is logged here.
            tracing::warn!(cache.name = inner.name, error = %error, "refresh failed");
        }
        // A value of the second level is better than an error.
        self.ticket.answer.send_if_modified(|answer| {
            let is_first = answer.is_none();
            if is_first {
                *answer = Some(Err(error));
            }
            is_first
        });
        None
    }

    fn arrive(&self, value: Option<Arc<V>>, born: Timestamp) {
        let inner = &self.inner;
        inner.flights.alone(|| {
            inner
                .bounded
                .keep(&self.key, value.as_ref(), born, self.ticket.serial);
        });
        self.ticket
            .answer
            .send_replace(Some(Ok(Answer { value, born })));
    }
}

impl<V: Value, E> Drop for Journey<V, E> {
    fn drop(&mut self) {
        self.inner.flights.landed(&self.key, self.ticket.serial);
    }
}

fn answer_to<V, E>(
    answer: &Fetched<V, E>,
    now: Timestamp,
) -> Result<Option<Cached<V>>, FetchError<E>> {
    match answer {
        Ok(Answer { value, born }) => Ok(value
            .as_ref()
            .map(|value| cached(Arc::clone(value), *born, now))),
        Err(error) => Err(error.clone()),
    }
}

fn cached<V>(value: Arc<V>, born: Timestamp, now: Timestamp) -> Cached<V> {
    Cached {
        value,
        age: age(born, now),
    }
}

impl<V: Value, E> Clone for Cache<V, E> {
    fn clone(&self) -> Self {
        Self {
            kept: self.kept.clone(),
        }
    }
}

impl<V: Value, E> fmt::Debug for Cache<V, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Cache");
        match &self.kept {
            Some(inner) => debug
                .field("name", &inner.name)
                .field("ages", &inner.ages)
                .field("kept", &inner.bounded)
                .field("second", &inner.second),
            None => debug.field("kept", &"nothing"),
        };
        debug.finish()
    }
}

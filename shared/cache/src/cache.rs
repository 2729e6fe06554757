//! The cache of a process.

use std::{fmt, future::Future, sync::Arc};

use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};

use crate::{
    ages::{Age, Ages},
    bounded::{Bounded, Entry, age},
    flight::{Boarded, FETCH_LIMIT, Flights, PATIENCE, Ticket},
    shared::{Second, SharedLevel},
};

/// What can be kept.
pub trait Value: Send + Sync + Sized + 'static {
    /// Version of the bytes: another one for every change of what they mean.
    const SCHEMA: u32;

    /// Bytes that it takes.
    fn weight(&self) -> usize;

    /// As it is shared with other processes.
    fn to_bytes(&self) -> Bytes;

    /// What [`to_bytes`](Self::to_bytes) made; `None` if these bytes are something else.
    fn from_bytes(bytes: Bytes) -> Option<Self>;
}

/// How much is kept, and for how long.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bytes of what was found, with its keys.
    pub bytes: u64,
    /// Bytes of the keys of what was not.
    pub missing_bytes: u64,
    /// Ages.
    pub ages: Ages,
}

/// A value that was asked for.
#[derive(Debug)]
pub struct Cached<V> {
    /// The value.
    pub value: Arc<V>,
    /// How long ago its fetch began.
    pub age: SignedDuration,
}

/// Why there is neither a value nor the knowledge that there is none.
#[derive(Debug, thiserror::Error)]
pub enum FetchError<E> {
    /// The fetch failed. All who waited for it are told so.
    #[error("{0}")]
    Failed(Arc<E>),
    /// The fetch never ended.
    #[error("the fetch of what was asked for came to no end")]
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

/// Values by key; `E` is how fetching one fails. Cloning it is cheap and shares what is kept.
pub struct Cache<V: Value, E> {
    /// Nothing: every call fetches.
    kept: Option<Arc<Inner<V, E>>>,
}

struct Inner<V: Value, E> {
    name: &'static str,
    ages: Ages,
    bounded: Bounded<V>,
    flights: Flights<Answer<V, E>>,
    second: Option<Second>,
}

/// What a fetch brought, and when it began.
type Answer<V, E> = Result<(Option<Arc<V>>, Timestamp), FetchError<E>>;

impl<V: Value, E: fmt::Display + Send + Sync + 'static> Cache<V, E> {
    /// An empty cache. `name` says in logs and in keys of a second level what is in it.
    pub fn new(name: &'static str, limits: &Limits) -> Self {
        Self::with(name, limits, None)
    }

    /// An empty cache before a second level. `owner` keeps apart the shops that share one server.
    pub fn over(
        name: &'static str,
        limits: &Limits,
        level: Arc<dyn SharedLevel>,
        owner: &str,
    ) -> Self {
        let prefix = format!("stampede:{owner}:{name}:{}:", V::SCHEMA);
        Self::with(name, limits, Some(Second::new(level, prefix)))
    }

    /// A cache that keeps nothing: every call fetches.
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

    /// Bytes of what is kept: of what was found, and of the keys of what was not.
    pub fn weight(&self) -> (u64, u64) {
        let kept = self.kept.as_ref();
        kept.map_or((0, 0), |inner| inner.bounded.weight())
    }

    /// The value of `key` at `now`, or `None` if there is none: as it is kept, or as `fetch` brings it.
    /// The fetch runs in a task of its own, so that it does not end with the caller that set it off.
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
    /// Waits for a fetch that is under way, or for one of its own.
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
                    // What a second level had for one request may be too old for the next.
                    Ok((Some(_), born))
                        if *born <= now && self.ages.of(*born, now) == Age::TooOld => {}
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

    /// Fetches in a task of its own. `stale` is what is given meanwhile.
    fn start<F>(
        self: &Arc<Self>,
        key: &str,
        now: Timestamp,
        ticket: Ticket<Answer<V, E>>,
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
        tokio::spawn(async move {
            let Some((value, born)) = journey.fetch(stale, fetch).await else {
                return;
            };
            let (inner, key) = (Arc::clone(&journey.inner), journey.key.clone());
            // Done, for all who wait: they need not wait for the second level to take it.
            drop(journey);
            if let Some(second) = &inner.second {
                second.put(&key, value.as_deref(), &inner.ages, born).await;
            }
        });
    }
}

/// A fetch under way. However it ends, it is over then.
struct Journey<V: Value, E> {
    inner: Arc<Inner<V, E>>,
    key: Box<str>,
    began: Timestamp,
    ticket: Ticket<Answer<V, E>>,
}

impl<V: Value, E: fmt::Display> Journey<V, E> {
    /// Asks the second level, then the source, and tells those who wait. What the source brought is to
    /// be shared.
    async fn fetch<F>(
        &self,
        stale: Option<Arc<Entry<V>>>,
        fetch: impl FnOnce() -> F,
    ) -> Option<(Option<Arc<V>>, Timestamp)>
    where
        F: Future<Output = Result<Option<V>, E>>,
    {
        let inner = &self.inner;
        if let Some(second) = &inner.second
            && let Some(kept) = second.get::<V>(&self.key, &inner.ages, self.began).await
        {
            // What is stale there is good enough for those who have nothing, and is refreshed.
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
                return Some((value, self.began));
            }
            Ok(Err(error)) => FetchError::Failed(Arc::new(error)),
            Err(_) => FetchError::Lost,
        };
        if let Some(stale) = stale {
            stale.note_failure(self.began);
        }
        if self.ticket.answer.is_closed() {
            // Nobody waits, so nobody else says it.
            tracing::warn!(cache.name = inner.name, error = %error, "refresh failed");
        }
        // What a second level had is better than no answer.
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
        self.ticket.answer.send_replace(Some(Ok((value, born))));
    }
}

impl<V: Value, E> Drop for Journey<V, E> {
    fn drop(&mut self) {
        self.inner.flights.landed(&self.key, self.ticket.serial);
    }
}

fn answer_to<V, E>(
    answer: &Result<(Option<Arc<V>>, Timestamp), FetchError<E>>,
    now: Timestamp,
) -> Result<Option<Cached<V>>, FetchError<E>> {
    match answer {
        Ok((value, born)) => Ok(value
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

//! Request coalescing: one fetch for all concurrent requests of the same key.

use std::{
    collections::HashMap,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};
use tokio::sync::watch;

/// Maximum age of a fetch, by the clock of the request, to wait for it, and the maximum wait. A read of
/// the table takes milliseconds; a fetch older than this is frozen or lost.
pub const PATIENCE: Duration = Duration::from_secs(2);
/// Timeout of a fetch, equal to the timeout of an endpoint's function.
pub const FETCH_LIMIT: Duration = Duration::from_secs(10);
/// Interval before a failed refresh is retried.
pub const RETRY_AFTER: Duration = Duration::from_secs(1);

/// Receives the result of a fetch.
pub(crate) type Awaited<T> = watch::Receiver<Option<T>>;

/// Fetches in progress, by key.
#[derive(Debug)]
pub(crate) struct Flights<T> {
    under_way: Mutex<HashMap<Box<str>, Flight<T>>>,
    started: AtomicU64,
}

#[derive(Debug)]
struct Flight<T> {
    serial: u64,
    began: Timestamp,
    answer: watch::Sender<Option<T>>,
}

/// Result of asking for a fetch.
pub(crate) enum Boarded<T> {
    /// Another caller's fetch is in progress: its serial number and the receiver of its result.
    Joined(u64, Awaited<T>),
    /// The caller has to fetch.
    Started(Ticket<T>),
}

/// Permission to fetch, and the obligation to report the result.
pub(crate) struct Ticket<T> {
    pub(crate) serial: u64,
    pub(crate) answer: watch::Sender<Option<T>>,
}

impl<T> Flights<T> {
    pub(crate) fn new() -> Self {
        Self {
            under_way: Mutex::new(HashMap::new()),
            started: AtomicU64::new(0),
        }
    }

    /// Joins the fetch of `key` in progress, unless it is too old or the caller has `given_up` on it;
    /// otherwise starts a new one.
    pub(crate) fn board(&self, key: &str, now: Timestamp, given_up: Option<u64>) -> Boarded<T> {
        let mut under_way = self.locked();
        if let Some(flight) = under_way.get(key)
            && Some(flight.serial) != given_up
            && is_young(flight.began, now)
        {
            return Boarded::Joined(flight.serial, flight.answer.subscribe());
        }
        let serial = self.started.fetch_add(1, Ordering::Relaxed);
        let answer = watch::Sender::new(None);
        let flight = Flight {
            serial,
            began: now,
            answer: answer.clone(),
        };
        under_way.insert(key.into(), flight);
        Boarded::Started(Ticket { serial, answer })
    }

    /// Whether a fetch of `key` is in progress that is worth waiting for.
    pub(crate) fn is_under_way(&self, key: &str, now: Timestamp) -> bool {
        let under_way = self.locked();
        let flight = under_way.get(key);
        flight.is_some_and(|flight| is_young(flight.began, now))
    }

    /// Runs `act` under a lock that excludes other fetches.
    pub(crate) fn alone(&self, act: impl FnOnce()) {
        let _guard = self.locked();
        act();
    }

    /// Removes the fetch, unless it was replaced.
    pub(crate) fn landed(&self, key: &str, serial: u64) {
        let mut under_way = self.locked();
        if under_way.get(key).is_some_and(|own| own.serial == serial) {
            under_way.remove(key);
        }
    }

    fn locked(&self) -> MutexGuard<'_, HashMap<Box<str>, Flight<T>>> {
        // The state behind the lock is consistent at every step, so poisoning can be ignored.
        self.under_way
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// In both directions, as concurrent requests have slightly different times.
fn is_young(began: Timestamp, now: Timestamp) -> bool {
    let patience = SignedDuration::try_from(PATIENCE).unwrap_or(SignedDuration::ZERO);
    now.duration_since(began).abs() <= patience
}

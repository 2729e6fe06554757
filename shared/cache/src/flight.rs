//! One fetch for all who ask for the same thing at once.

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

/// How old a fetch may be, by the asking request's clock, for others to wait for it; and how long
/// they do. A read of the table takes some milliseconds; one that takes this long is frozen or lost.
pub const PATIENCE: Duration = Duration::from_secs(2);
/// How long a fetch may take altogether: a function that answers has no more.
pub const FETCH_LIMIT: Duration = Duration::from_secs(10);
/// How long a failed refresh is not tried again.
pub const RETRY_AFTER: Duration = Duration::from_secs(1);

/// Where the answer to a fetch `T` is waited for.
pub(crate) type Awaited<T> = watch::Receiver<Option<T>>;

/// Fetches that are under way, by key.
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

/// What became of the wish to have something fetched.
pub(crate) enum Boarded<T> {
    /// Somebody is at it: number of the fetch, and where its answer will be.
    Joined(u64, Awaited<T>),
    /// The caller is to do it.
    Started(Ticket<T>),
}

/// The right to fetch, and the duty to answer.
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

    /// Joins the fetch of `key` that is under way, unless it began too long ago or is the one that
    /// the caller has `given_up`; starts one otherwise.
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

    /// Whether a fetch of `key` is under way that is worth waiting for.
    pub(crate) fn is_under_way(&self, key: &str, now: Timestamp) -> bool {
        let under_way = self.locked();
        let flight = under_way.get(key);
        flight.is_some_and(|flight| is_young(flight.began, now))
    }

    /// Does what must not be done by two fetches at once.
    pub(crate) fn alone(&self, act: impl FnOnce()) {
        let _guard = self.locked();
        act();
    }

    /// Forgets the fetch, if it was not replaced.
    pub(crate) fn landed(&self, key: &str, serial: u64) {
        let mut under_way = self.locked();
        if under_way.get(key).is_some_and(|own| own.serial == serial) {
            under_way.remove(key);
        }
    }

    fn locked(&self) -> MutexGuard<'_, HashMap<Box<str>, Flight<T>>> {
        // What is behind the lock is whole at every step.
        self.under_way
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// In either direction: requests that come together do not have quite the same time.
fn is_young(began: Timestamp, now: Timestamp) -> bool {
    let patience = SignedDuration::try_from(PATIENCE).unwrap_or(SignedDuration::ZERO);
    now.duration_since(began).abs() <= patience
}

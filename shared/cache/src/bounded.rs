//! Storage of values, bounded by bytes.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
};

use jiff::{SignedDuration, Timestamp};
use quick_cache::{DefaultHashBuilder, OptionsBuilder, Weighter, sync::DefaultLifecycle};

use crate::{
    cache::{CacheWeight, Limits, Value},
    flight::RETRY_AFTER,
};

/// Overhead of an entry beside its key and value, in bytes.
const OVERHEAD: usize = 128;
/// Overhead of a negative entry beside its key, in bytes.
const MISSING_OVERHEAD: usize = 64;

/// A value with the start time of its fetch.
pub(crate) struct Entry<V> {
    pub(crate) value: Arc<V>,
    pub(crate) born: Timestamp,
    /// Serial number of the fetch: later fetches have higher numbers, regardless of the clock.
    serial: u64,
    /// Time of the last failed refresh, in milliseconds.
    failed: AtomicI64,
}

impl<V> Entry<V> {
    pub(crate) fn note_failure(&self, now: Timestamp) {
        self.failed.store(now.as_millisecond(), Ordering::Relaxed);
    }

    /// Whether a refresh failed within the retry interval.
    pub(crate) fn failed_lately(&self, now: Timestamp) -> bool {
        let failed = self.failed.load(Ordering::Relaxed);
        let ago = now.as_millisecond().checked_sub(failed);
        ago.and_then(|ago| u128::try_from(ago).ok())
            .is_some_and(|ago| ago < RETRY_AFTER.as_millis())
    }
}

#[derive(Clone, Copy)]
struct Missing {
    born: Timestamp,
    serial: u64,
}

#[derive(Clone)]
struct Bytes;

impl<V: Value> Weighter<Box<str>, Arc<Entry<V>>> for Bytes {
    fn weight(&self, key: &Box<str>, entry: &Arc<Entry<V>>) -> u64 {
        (OVERHEAD + key.len() + entry.value.weight()) as u64
    }
}

impl Weighter<Box<str>, Missing> for Bytes {
    fn weight(&self, key: &Box<str>, _: &Missing) -> u64 {
        (MISSING_OVERHEAD + key.len()) as u64
    }
}

type Kept<T> = quick_cache::sync::Cache<Box<str>, T, Bytes>;

/// Values and negative entries, each with its own bound.
pub(crate) struct Bounded<V: Value> {
    found: Kept<Arc<Entry<V>>>,
    missing: Kept<Missing>,
}

impl<V: Value> Bounded<V> {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            found: kept(limits.bytes, 4096),
            missing: kept(limits.missing_bytes, 128),
        }
    }

    pub(crate) fn found(&self, key: &str) -> Option<Arc<Entry<V>>> {
        self.found.get(key)
    }

    /// Time at which the value was found to be missing.
    pub(crate) fn missing(&self, key: &str) -> Option<Timestamp> {
        self.missing.get(key).map(|missing| missing.born)
    }

    /// Stores the result of fetch `serial`, unless a later one is stored. The caller ensures that there
    /// are no concurrent calls.
    pub(crate) fn keep(&self, key: &str, value: Option<&Arc<V>>, born: Timestamp, serial: u64) {
        let found = self.found.peek(key).map(|entry| entry.serial);
        let missing = self.missing.peek(key).map(|missing| missing.serial);
        if found.max(missing).is_some_and(|later| later > serial) {
            return;
        }
        match value {
            Some(value) => {
                let entry = Entry {
                    value: Arc::clone(value),
                    born,
                    serial,
                    failed: AtomicI64::new(i64::MIN),
                };
                self.missing.remove(key);
                self.found.insert(key.into(), Arc::new(entry));
            }
            None => {
                self.found.remove(key);
                self.missing.insert(key.into(), Missing { born, serial });
            }
        }
    }

    pub(crate) fn weight(&self) -> CacheWeight {
        CacheWeight {
            bytes: self.found.weight(),
            missing_bytes: self.missing.weight(),
        }
    }
}

impl<V: Value> fmt::Debug for Bounded<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let weight = self.weight();
        f.debug_struct("Bounded")
            .field("bytes", &weight.bytes)
            .field("missing_bytes", &weight.missing_bytes)
            .finish()
    }
}

/// Makes a storage with one shard, as a process has one thread. `typical` is the typical size of an
/// entry in bytes, to estimate their number.
fn kept<T: Clone>(bytes: u64, typical: u64) -> Kept<T>
where
    Bytes: Weighter<Box<str>, T>,
{
    let items = usize::try_from(bytes / typical).unwrap_or(1).max(1);
    let options = OptionsBuilder::new()
        .estimated_items_capacity(items)
        .weight_capacity(bytes)
        .shards(1)
        .build();
    match options {
        Ok(options) => Kept::with_options(
            options,
            Bytes,
            DefaultHashBuilder::default(),
            DefaultLifecycle::default(),
        ),
        // Only fails if a capacity is missing from the builder.
        Err(_) => Kept::with_weighter(items, bytes, Bytes),
    }
}

/// Age of a value, never negative.
pub(crate) fn age(born: Timestamp, now: Timestamp) -> SignedDuration {
    now.duration_since(born).max(SignedDuration::ZERO)
}

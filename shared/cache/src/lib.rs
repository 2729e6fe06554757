//! In-process cache with request coalescing and stale-while-revalidate.
//!
//! [`Cache`] holds values by key, bounded by bytes and age. A fresh value is served directly; a stale
//! one is served at once while **one** refresh runs; an expired one is never served, and all concurrent
//! requests wait for a single fetch. Missing values are cached separately for a short time, so that
//! invented keys evict nothing. Values are shared, never copied.
//!
//! [`Memory`] is for facts without a source.
//!
//! # In a Lambda process
//!
//! A process handles one request at a time and is frozen in between, for milliseconds or for hours.
//! Consequences:
//!
//! - **Time comes from the caller.** A monotonic clock may or may not advance while the process is
//!   frozen, so ages are computed from the time of each request. If the clock is set back, values from
//!   its future count as expired, as their age is unknown.
//! - **A value's age counts from the request that started its fetch**, regardless of when the response
//!   arrived. A refresh that was frozen for ten minutes is not mistaken for a new one.
//! - **A refresh may be frozen midway.** It resumes during a later request, or fails on a dead
//!   connection. Its only effect is an entry, and never replaces the result of a later fetch. Nobody
//!   waits for a fetch that started more than [`PATIENCE`] ago by the clock of the request: the next
//!   request fetches anew, so no key stays locked.
//! - **Nobody waits for a refresh, so its failure is logged once** and it is retried after
//!   [`RETRY_AFTER`]. Until it succeeds, the stale value is served until it expires.
//! - **No threads or timers**: nothing runs between requests.
//!
//! # The second level
//!
//! [`SharedLevel`] is shared by all processes: Redis or Valkey, with the cargo feature `redis`. It is
//! only an optimization. It has [`BUDGET`] to respond; if it fails or takes longer, it is skipped for
//! [`LEFT_ALONE`], and requests go to the source. Its values keep their age, so that two levels serve
//! nothing older than one. docs/performance/second-level.md says when it pays off.

mod ages;
mod bounded;
mod cache;
mod flight;
mod memory;
#[cfg(feature = "redis")]
mod redis;
mod shared;

pub use ages::Ages;
pub use cache::{Cache, CacheWeight, Cached, FetchError, Limits, Value};
pub use flight::{FETCH_LIMIT, PATIENCE, RETRY_AFTER};
pub use memory::Memory;
pub use shared::{BUDGET, LEFT_ALONE, MAX_SHARED_BYTES, SharedError, SharedLevel};

#[cfg(feature = "redis")]
pub use self::redis::Redis;

//! What a process may give again without asking the table.
//!
//! [`Cache`] keeps values by key, bounded by bytes and by age. A value that is fresh is given; one
//! that is stale is given at once while **one** refresh runs; one that is too old is never given, and
//! however many ask for it together, they wait for one fetch. What is not there is remembered apart,
//! for a short while, so that made-up keys push out nothing. Values are shared, never copied.
//!
//! # In a Lambda process
//!
//! A process answers one request at a time and is frozen between two, for milliseconds or for hours.
//! What follows from that:
//!
//! - **Time is the caller's.** A monotonic clock may or may not count while the process is frozen, so
//!   ages are reckoned from the time that comes with each request. A clock that went back makes what
//!   is from its future too old: how old it is cannot be known.
//! - **A value is as old as the request that began its fetch**, whenever the answer came. A refresh
//!   that was frozen for ten minutes cannot pass for new.
//! - **A refresh may be frozen in the middle.** It goes on during a later request, or fails on a
//!   connection that died. Its only effect is an entry, and never over what a later fetch brought. A
//!   fetch that began more than [`PATIENCE`] ago, by the asking request's clock, is waited for by
//!   nobody: the next one who asks fetches anew. So no key stays locked.
//! - **Nobody waits for a refresh, so its failure is logged once** and tried again after
//!   [`RETRY_AFTER`]. Until it succeeds, the old value is given to the end of its time.
//! - **No thread, no timer of its own**: nothing runs while nobody asks.
//!
//! # The second level
//!
//! [`SharedLevel`] is what processes share: Redis or Valkey, with the cargo feature `redis`. It may
//! only help. It is given [`BUDGET`] for an answer; when it fails or takes longer it is left alone
//! for [`LEFT_ALONE`], and the request goes to the source as if there were none. What comes from it
//! keeps its age, so that two levels are not twice as old as one. docs/performance/second-level.md
//! says when it pays.

mod ages;
mod bounded;
mod cache;
mod flight;
#[cfg(feature = "redis")]
mod redis;
mod shared;

pub use ages::Ages;
pub use cache::{Cache, Cached, FetchError, Limits, Value};
pub use flight::{FETCH_LIMIT, PATIENCE, RETRY_AFTER};
pub use shared::{BUDGET, LEFT_ALONE, MAX_SHARED_BYTES, SharedError, SharedLevel};

#[cfg(feature = "redis")]
pub use self::redis::Redis;

//! The async executor of the tools.

use crate::outcome::Outcome;

/// A multi-threaded executor with I/O and timers.
pub fn executor() -> Outcome<tokio::runtime::Runtime> {
    Ok(tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?)
}

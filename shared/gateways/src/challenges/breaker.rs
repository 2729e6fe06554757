//! Circuit breaker of one process: failures in a row open it, and after a cooldown the next call decides whether it closes. Not shared
//! through the table like that of payments: no message waits for it, a login must not cost a read more, and a process of its own
//! waits for the provider twice at most.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

/// Failures in a row that open the breaker.
const THRESHOLD: u32 = 2;
/// How long it stays open.
const COOLDOWN: Duration = Duration::from_secs(30);

#[derive(Debug, Default)]
pub(super) struct Breaker(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    failures: u32,
    open_until: Option<Instant>,
}

impl Breaker {
    /// Whether a call may be made.
    pub(super) fn admits(&self) -> bool {
        let state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.open_until.is_none_or(|until| Instant::now() >= until)
    }

    /// Notes whether a call had an answer.
    pub(super) fn note(&self, has_answer: bool) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if has_answer {
            *state = State::default();
            return;
        }
        state.failures = state.failures.saturating_add(1);
        if state.failures >= THRESHOLD {
            state.open_until = Some(Instant::now() + COOLDOWN);
        }
    }
}

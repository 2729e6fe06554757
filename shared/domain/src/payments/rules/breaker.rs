//! Circuit breaker for an external service: consecutive failures open it, and after a cooldown one
//! trial call decides whether it closes.
//!
//! All processes share its state, which is stored in the table: they read it before a call, and write
//! each outcome that changes it with a condition.

use jiff::{SignedDuration, Timestamp};

/// Consecutive failures that open the breaker.
pub const THRESHOLD: u32 = 5;
/// How long the breaker stays open, and how long a trial call may take.
pub const COOLDOWN: SignedDuration = SignedDuration::from_secs(30);

/// State of the breaker of one service.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Breaker {
    /// Consecutive failures since the last success.
    pub failures: u32,
    /// Time until which the breaker is open, if it is.
    pub open_until: Option<Timestamp>,
}

/// Whether a call is admitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    /// The call is admitted.
    Closed,
    /// One trial call is admitted: claim it first.
    HalfOpen,
    /// No call is admitted for this long.
    Open(SignedDuration),
}

impl Breaker {
    /// Whether a call is admitted at `now`.
    pub fn admit(&self, now: Timestamp) -> Admission {
        match self.open_until {
            None => Admission::Closed,
            // Capped, so that a clock that is minutes ahead cannot keep the breaker open for longer
            // than the cooldown.
            Some(until) if now < until => Admission::Open(until.duration_since(now).min(COOLDOWN)),
            Some(_) => Admission::HalfOpen,
        }
    }

    /// The state after a failure at `now`.
    pub fn failed(&self, now: Timestamp) -> Self {
        let failures = self.failures.saturating_add(1);
        Self {
            failures,
            open_until: (failures >= THRESHOLD).then(|| now + COOLDOWN),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_opens_after_failures_in_a_row_and_lets_one_try() {
        let now = Timestamp::UNIX_EPOCH;
        let mut breaker = Breaker::default();
        for _ in 1..THRESHOLD {
            breaker = breaker.failed(now);
            assert_eq!(breaker.admit(now), Admission::Closed);
        }
        breaker = breaker.failed(now);
        assert_eq!(breaker.admit(now), Admission::Open(COOLDOWN));
        assert_eq!(breaker.admit(now + COOLDOWN), Admission::HalfOpen);
        let again = breaker.failed(now + COOLDOWN);
        assert_eq!(again.admit(now + COOLDOWN), Admission::Open(COOLDOWN));
        let hours_behind = now - SignedDuration::from_hours(5);
        assert_eq!(breaker.admit(hours_behind), Admission::Open(COOLDOWN));
    }
}

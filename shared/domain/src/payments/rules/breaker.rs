//! Circuit breaker for an external service: failures of several payments in a row open it, and after a
//! cooldown one trial call decides whether it closes. A payment that keeps failing counts once: it must not
//! block all others.
//!
//! All processes share its state, which is stored in the table: they read it before a call, and write
//! each outcome that changes it with a condition.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

/// Payments that failed in a row and open the breaker.
pub const THRESHOLD: u32 = 5;
/// How long the breaker stays open, and how long a trial call may take.
pub const COOLDOWN: SignedDuration = SignedDuration::from_secs(30);

/// State of the breaker of one service.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Breaker {
    /// Failures since the last success, one per payment, and those of trial calls.
    pub failures: u32,
    /// The payments that have been counted, by a name that each call for the payment has.
    pub payments: BTreeSet<String>,
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

    /// Until when the breaker is open after a failure at `now` that is the last of `failures`.
    pub fn open_until(failures: u32, now: Timestamp) -> Option<Timestamp> {
        (failures >= THRESHOLD).then(|| now + COOLDOWN)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_opens_after_failures_in_a_row_and_lets_one_try() {
        let now = Timestamp::UNIX_EPOCH;
        let failed = |failures, at| Breaker {
            failures,
            open_until: Breaker::open_until(failures, at),
            ..Breaker::default()
        };
        for failures in 0..THRESHOLD {
            assert_eq!(failed(failures, now).admit(now), Admission::Closed);
        }
        let breaker = failed(THRESHOLD, now);
        assert_eq!(breaker.admit(now), Admission::Open(COOLDOWN));
        assert_eq!(breaker.admit(now + COOLDOWN), Admission::HalfOpen);
        let again = failed(THRESHOLD + 1, now + COOLDOWN);
        assert_eq!(again.admit(now + COOLDOWN), Admission::Open(COOLDOWN));
        let hours_behind = now - SignedDuration::from_hours(5);
        assert_eq!(breaker.admit(hours_behind), Admission::Open(COOLDOWN));
    }
}

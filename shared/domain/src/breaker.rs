//! A circuit breaker for another company's service: after failures in a row it is left alone for a
//! while, then one caller tries.
//!
//! Its state is shared by every process: each reads it from the table, now and then, and each
//! outcome that matters is a conditional write.

use jiff::{SignedDuration, Timestamp};

/// Failures in a row after which the service is left alone.
pub const THRESHOLD: u32 = 5;
/// How long it is left alone, and how long the one who tries may take.
pub const COOLDOWN: SignedDuration = SignedDuration::from_secs(30);

/// What is known of the service.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Breaker {
    /// Failures since the last success.
    pub failures: u32,
    /// Until when it is left alone, if it is.
    pub open_until: Option<Timestamp>,
}

/// What a caller may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    /// Call.
    Closed,
    /// Call, if nobody else does: claim it first.
    HalfOpen,
    /// Leave it alone for so long.
    Open(SignedDuration),
}

impl Breaker {
    /// What a caller may do now.
    pub fn admit(&self, now: Timestamp) -> Admission {
        match self.open_until {
            None => Admission::Closed,
            // A clock that is minutes off must not keep the shop closed for longer than it would be.
            Some(until) if now < until => Admission::Open(until.duration_since(now).min(COOLDOWN)),
            Some(_) => Admission::HalfOpen,
        }
    }

    /// After a failure.
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

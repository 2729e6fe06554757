//! Time left until Lambda ends an invocation.

use std::time::Duration;

use jiff::Timestamp;

/// Lambda's maximum timeout of a function.
const LONGEST_TIME_LIMIT: Duration = Duration::from_secs(15 * 60);

/// Time until the deadline, which is in milliseconds since 1970. A value no larger than Lambda's
/// maximum timeout is taken as a duration, which is what cargo-lambda sends.
pub(crate) fn time_left(deadline: u64, now: Timestamp) -> Duration {
    let longest = u64::try_from(LONGEST_TIME_LIMIT.as_millis()).unwrap_or(u64::MAX);
    Duration::from_millis(if deadline <= longest {
        deadline
    } else {
        deadline.saturating_sub(now.as_millisecond().unsigned_abs())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_left_is_until_the_deadline_or_what_cargo_lambda_gives() {
        let now = Timestamp::from_second(1_795_341_600).unwrap();
        for (deadline, left) in [
            (1_795_341_610_000, 10_000),
            (1_795_341_599_000, 0),
            (600_000, 600_000),
        ] {
            assert_eq!(time_left(deadline, now), Duration::from_millis(left));
        }
    }
}

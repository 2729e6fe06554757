//! Age limits of cached values.

use jiff::{SignedDuration, Timestamp};

/// How long a value may be served, counted from the start of its fetch.
#[derive(Clone, Copy, Debug)]
pub struct Ages {
    /// Younger values are served without a fetch.
    pub fresh: SignedDuration,
    /// Younger values are served while they are refreshed (stale-while-revalidate); older ones never
    /// are.
    pub usable: SignedDuration,
    /// Younger negative entries are served: the value is known to be missing.
    pub missing: SignedDuration,
}

/// Treatment of a value by its age.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Age {
    Fresh,
    Stale,
    TooOld,
}

impl Ages {
    pub(crate) fn of(&self, born: Timestamp, now: Timestamp) -> Age {
        let age = now.duration_since(born);
        // From the future: the clock was set back, so the age is unknown.
        if age < SignedDuration::ZERO || age >= self.usable {
            Age::TooOld
        } else if age < self.fresh {
            Age::Fresh
        } else {
            Age::Stale
        }
    }

    pub(crate) fn still_missing(&self, born: Timestamp, now: Timestamp) -> bool {
        let age = now.duration_since(born);
        age >= SignedDuration::ZERO && age < self.missing
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AGES: Ages = Ages {
        fresh: SignedDuration::from_secs(5),
        usable: SignedDuration::from_secs(30),
        missing: SignedDuration::from_secs(2),
    };

    #[test]
    fn ages_end_where_they_say() {
        let born = Timestamp::UNIX_EPOCH;
        let at = |millis| born + SignedDuration::from_millis(millis);
        for (millis, want) in [
            (-1, Age::TooOld),
            (0, Age::Fresh),
            (4_999, Age::Fresh),
            (5_000, Age::Stale),
            (29_999, Age::Stale),
            (30_000, Age::TooOld),
        ] {
            assert_eq!(AGES.of(born, at(millis)), want, "{millis} ms");
        }
        let missing = [-1, 0, 1_999, 2_000].map(|millis| AGES.still_missing(born, at(millis)));
        assert_eq!(missing, [false, true, true, false]);
    }
}

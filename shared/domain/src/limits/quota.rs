//! Arithmetic of one limited key, in whole microseconds.
//!
//! The state of a key changes by one conditional write, [`Take`], that needs no read before it. Its condition is
//! a range, not the value that was read, so that concurrent requests do not get into each other's way. A process that
//! remembers the state chooses the right write at once; another one learns the state from the write that is refused.
//!
//! A **bucket** stores the time from which its next token can be taken (`next_at`). Every token moves it on by the
//! interval, and it is never moved back: whatever the order of calls, and whatever their clocks show, at most the burst
//! and what the latest of these clocks has refilled is taken. A clock that is ahead refills the bucket early, and not a
//! second time for the clocks behind it. Beside it is the latest time that a request had (`seen_at`): a process whose
//! clock is behind goes by it, or it would refuse everything until its own clock has got there.
//!
//! A **counter** has an item for each of its windows, which begin at multiples of their length. A clock that is ahead
//! opens the next window early; each window takes no more than its number.
//!
//! A call that the SDK repeats after its answer was lost takes a second time. So a caller may get less than the limit,
//! never more.

/// How much may be taken under one key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quota {
    /// A token bucket.
    Bucket {
        /// Microseconds in which one token is refilled.
        interval: i64,
        /// Most tokens, at least 1.
        burst: i64,
    },
    /// A number for each window.
    Counter {
        /// Most in a window.
        most: i64,
        /// Start of the window, in microseconds since 1970.
        start: i64,
        /// Length of a window in microseconds.
        window: i64,
    },
}

/// The stored state of a key. Times are in microseconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Of a bucket.
    Bucket {
        /// Time from which the next token can be taken.
        next_at: i64,
        /// Latest time that a request had; at most a second behind it.
        seen_at: i64,
    },
    /// Of a counter.
    Counter {
        /// Requests that were taken in the window.
        taken: i64,
    },
}

/// How much of a limit is used up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Usage {
    /// Requests that count now.
    pub taken: i64,
    /// The most of them.
    pub most: i64,
}

impl Usage {
    /// That of a limit that is off, or could not be checked.
    pub const NONE: Self = Self { taken: 0, most: 1 };

    /// Whether more than so many percent are used up.
    pub fn is_past(&self, percent: u8) -> bool {
        self.taken.saturating_mul(100) > self.most.saturating_mul(i64::from(percent))
    }
}

/// A conditional write that takes one token, or counts one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Take {
    /// From a bucket that is missing or full, on the condition that `next_at` is missing or at most `full`: sets
    /// `next_at` to `next`, and `seen_at` to `now`.
    Full {
        /// The latest `next_at` of a full bucket.
        full: i64,
        /// `next_at` without the token.
        next: i64,
        /// Time of the request.
        now: i64,
    },
    /// From any other bucket, on the condition that `next_at` is later than `full` and at most `now` or `seen_at`: adds
    /// `interval` to `next_at`.
    Part {
        /// The latest `next_at` of a full bucket.
        full: i64,
        /// Time in which one token is refilled.
        interval: i64,
        /// Time of the request.
        now: i64,
        /// Also sets `seen_at` to `now`, on the condition that it is at most that.
        sees: bool,
    },
    /// Counts one request of a window, on the condition that `taken` is missing or less than `most`.
    Count {
        /// Most in the window.
        most: i64,
    },
}

/// The fate of a request, by the state of its key as far as it is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Take it, if this write is made.
    Take(Take),
    /// Refuse it: no write could take it.
    Refuse {
        /// Microseconds until the next one may be taken, more than 0. After a clock that was ahead, it may take longer.
        wait: i64,
    },
}

/// How far `seen_at` may lag, in microseconds: it is not written with every token, or concurrent requests, which arrive
/// out of order by milliseconds, would refuse each other's writes.
const SEEN_EVERY: i64 = 1_000_000;

/// How long an item is kept when it says nothing any more, in microseconds: longer than clocks differ, as one that is
/// deleted earlier is a full bucket again.
const KEPT: i64 = 3_600_000_000;

impl Quota {
    /// Decides by the state that is known, `None` if none is; `now` in microseconds since 1970. The memory of a process
    /// may be out of date: the write then tells. A refusal by it is right, as other requests only put the next token off,
    /// unless a clock that is ahead has refilled the bucket since, or somebody has deleted the item: so it must not be old.
    pub fn decide(&self, known: Option<State>, now: i64) -> Decision {
        match (*self, known) {
            (Self::Bucket { interval, burst }, Some(State::Bucket { next_at, seen_at })) => {
                bucket(interval, burst, next_at, seen_at, now)
            }
            (Self::Bucket { interval, burst }, _) => from_full(interval, burst, now),
            (
                Self::Counter {
                    most,
                    start,
                    window,
                },
                Some(State::Counter { taken }),
            ) if taken >= most => {
                let left = start.saturating_add(window).saturating_sub(now);
                Decision::Refuse {
                    wait: left.clamp(1, window.max(1)),
                }
            }
            (Self::Counter { most, .. }, _) => Decision::Take(Take::Count { most }),
        }
    }

    /// How much is used up in `state` at `now`, in microseconds since 1970.
    pub fn usage(&self, state: State, now: i64) -> Usage {
        match (*self, state) {
            (Self::Bucket { interval, burst }, State::Bucket { next_at, seen_at }) => {
                let since = now.max(seen_at).saturating_sub(next_at);
                let left = match since {
                    0.. => since / interval.max(1) + 1,
                    _ => 0,
                };
                Usage {
                    taken: burst.saturating_sub(left).max(0),
                    most: burst,
                }
            }
            (Self::Counter { most, .. }, State::Counter { taken }) => Usage { taken, most },
            // A state of another kind says nothing: the key would be another one.
            (Self::Bucket { burst: most, .. } | Self::Counter { most, .. }, _) => {
                Usage { taken: 0, most }
            }
        }
    }

    /// Seconds since 1970 from which an item that was written at `now`, in microseconds, can be deleted.
    pub fn expires_at(&self, now: i64) -> i64 {
        let end = match *self {
            // The latest time at which it can be full again.
            Self::Bucket { interval, burst } => {
                now.saturating_add(interval.saturating_mul(burst.saturating_add(1)))
            }
            Self::Counter { start, window, .. } => start.saturating_add(window),
        };
        end.saturating_add(KEPT) / 1_000_000
    }
}

/// The latest `next_at` of a bucket that is full at `now`: a token can be taken as often as it has some.
fn full_at(interval: i64, burst: i64, now: i64) -> i64 {
    now.saturating_sub(interval.saturating_mul(burst.saturating_sub(1)))
}

fn from_full(interval: i64, burst: i64, now: i64) -> Decision {
    let full = full_at(interval, burst, now);
    Decision::Take(Take::Full {
        full,
        next: full.saturating_add(interval),
        now,
    })
}

fn bucket(interval: i64, burst: i64, next_at: i64, seen_at: i64, now: i64) -> Decision {
    let full = full_at(interval, burst, now);
    if next_at <= full {
        return from_full(interval, burst, now);
    }
    let latest = now.max(seen_at);
    if next_at <= latest {
        return Decision::Take(Take::Part {
            full,
            interval,
            now,
            sees: now.saturating_sub(seen_at) >= SEEN_EVERY,
        });
    }
    // By the caller's clock, as `seen_at` stands still until a request has a later time. But not more than a bucket takes to
    // fill: a clock that was far ahead must not send callers away for as long, as it may be the one that takes the next.
    let fill = interval.saturating_mul(burst);
    Decision::Refuse {
        wait: next_at.saturating_sub(now).clamp(1, fill.max(1)),
    }
}

impl Take {
    /// The state after the write, or, if its condition does not hold, the stored one. The store's expressions say the
    /// same.
    pub fn apply(&self, stored: Option<State>) -> Result<State, Option<State>> {
        match (*self, stored) {
            (Self::Full { next, now, .. }, None) => Ok(State::Bucket {
                next_at: next,
                seen_at: now,
            }),
            (Self::Full { full, next, now }, Some(State::Bucket { next_at, .. }))
                if next_at <= full =>
            {
                Ok(State::Bucket {
                    next_at: next,
                    seen_at: now,
                })
            }
            (
                Self::Part {
                    full,
                    interval,
                    now,
                    sees,
                },
                Some(State::Bucket { next_at, seen_at }),
            ) if next_at > full
                && (next_at <= now || next_at <= seen_at)
                && (!sees || seen_at <= now) =>
            {
                Ok(State::Bucket {
                    next_at: next_at.saturating_add(interval),
                    seen_at: if sees { now } else { seen_at },
                })
            }
            (Self::Count { .. }, None) => Ok(State::Counter { taken: 1 }),
            (Self::Count { most }, Some(State::Counter { taken })) if taken < most => {
                Ok(State::Counter { taken: taken + 1 })
            }
            (_, stored) => Err(stored),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SECOND: i64 = 1_000_000;
    const NOW: i64 = 1_800_000_000 * SECOND;

    /// A process with its clock and its memory.
    #[derive(Clone, Copy, Debug, Default)]
    struct Process {
        ahead: i64,
        known: Option<State>,
    }

    /// The table, of one key.
    #[derive(Debug, Default)]
    struct Table {
        stored: Option<State>,
        writes: usize,
    }

    impl Process {
        /// Asks as a function does: decides by its memory, and again by the state that a refused write returns.
        fn asks(&mut self, table: &mut Table, quota: &Quota, real: i64) -> bool {
            let now = real + self.ahead;
            for _ in 0..4 {
                let take = match quota.decide(self.known, now) {
                    Decision::Refuse { wait } => {
                        assert!(wait > 0);
                        return false;
                    }
                    Decision::Take(take) => take,
                };
                table.writes += 1;
                match take.apply(table.stored) {
                    Ok(state) => {
                        table.stored = Some(state);
                        self.known = Some(state);
                        return true;
                    }
                    Err(state) => self.known = state,
                }
            }
            unreachable!("a state is decided on within a few writes")
        }
    }

    const fn per_second(burst: i64) -> Quota {
        Quota::Bucket {
            interval: SECOND,
            burst,
        }
    }

    fn taken(process: &mut Process, table: &mut Table, quota: &Quota, at: i64, times: u32) -> u32 {
        let asked = (0..times).map(|_| u32::from(process.asks(table, quota, at)));
        asked.sum()
    }

    #[test]
    fn a_bucket_takes_its_burst_and_then_what_time_refills() {
        let (mut process, mut table) = (Process::default(), Table::default());
        let quota = per_second(3);
        let mut take = |millis: i64, times| {
            taken(&mut process, &mut table, &quota, NOW + millis * 1000, times)
        };
        assert_eq!(take(0, 9), 3);
        assert_eq!(take(999, 9), 0);
        assert_eq!(take(1000, 9), 1);
        assert_eq!(take(2999, 9), 1);
        assert_eq!(take(3500, 9), 1);
        assert_eq!(take(60_000, 9), 3, "full, and no fuller");
        assert_eq!(take(60_001, 9), 0);
    }

    #[test]
    fn a_bucket_of_one_takes_one_at_a_time() {
        let (mut process, mut table) = (Process::default(), Table::default());
        let quota = per_second(1);
        for (millis, expected) in [(0, 1), (500, 0), (999, 0), (1000, 1), (1999, 0), (9000, 1)] {
            let at = NOW + millis * 1000;
            let taken = taken(&mut process, &mut table, &quota, at, 5);
            assert_eq!(taken, expected, "{millis}");
        }
    }

    #[test]
    fn the_usage_rises_with_each_request_and_falls_with_time() {
        let (mut process, mut table) = (Process::default(), Table::default());
        let quota = per_second(4);
        let mut used = |millis: i64, asks: bool| {
            let at = NOW + millis * 1000;
            if asks {
                process.asks(&mut table, &quota, at);
            }
            quota.usage(table.stored.unwrap(), at).taken
        };
        let taken = [0, 1, 2, 3].map(|millis| used(millis, true));
        assert_eq!(taken, [1, 2, 3, 4]);
        assert_eq!(used(4, true), 4, "one that is refused takes nothing");
        assert_eq!(used(999, false), 4);
        assert_eq!(used(1000, false), 3);
        assert_eq!(used(60_000, false), 0);
        let counter = Quota::Counter {
            most: 10,
            start: NOW,
            window: SECOND,
        };
        let usage = counter.usage(State::Counter { taken: 4 }, NOW);
        assert_eq!((usage.taken, usage.most), (4, 10));
        assert!(usage.is_past(39) && !usage.is_past(40));
        assert!(!Usage::NONE.is_past(0));
    }

    #[test]
    fn a_counter_takes_its_number_in_each_window() {
        let counter = |start: i64| Quota::Counter {
            most: 2,
            start,
            window: 60 * SECOND,
        };
        let mut process = Process::default();
        let mut table = Table::default();
        assert_eq!(taken(&mut process, &mut table, &counter(NOW), NOW, 5), 2);
        let last = counter(NOW).decide(process.known, NOW + 59 * SECOND);
        assert_eq!(last, Decision::Refuse { wait: SECOND });
        // A clock that is behind, or was set back, waits for one window at most.
        let behind = counter(NOW).decide(process.known, NOW - 600 * SECOND);
        assert_eq!(behind, Decision::Refuse { wait: 60 * SECOND });
        let (mut process, mut table) = (Process::default(), Table::default());
        let next = NOW + 60 * SECOND;
        assert_eq!(taken(&mut process, &mut table, &counter(next), next, 5), 2);
    }

    /// Refused requests cost a process nothing, once it knows.
    #[test]
    fn a_refusal_is_remembered_until_its_time() {
        for quota in [
            per_second(2),
            Quota::Counter {
                most: 2,
                start: NOW,
                window: SECOND,
            },
        ] {
            let (mut process, mut table) = (Process::default(), Table::default());
            assert_eq!(taken(&mut process, &mut table, &quota, NOW, 1000), 2);
            assert_eq!(table.writes, 2);
            // Another one learns it by one write.
            let mut other = Process::default();
            let before = table.writes;
            assert_eq!(taken(&mut other, &mut table, &quota, NOW, 1000), 0);
            assert_eq!(table.writes, before + 1);
        }
    }

    /// Kind of fault: clocks that differ. One that is minutes ahead does not refill the bucket a second time for those
    /// behind it, and leaves them the tokens that it has refilled.
    #[test]
    fn a_clock_that_is_ahead_neither_refills_twice_nor_locks_others_out() {
        let quota = per_second(10);
        let mut table = Table::default();
        let mut ahead = Process {
            ahead: 300 * SECOND,
            known: None,
        };
        let mut right = Process::default();
        assert_eq!(taken(&mut right, &mut table, &quota, NOW, 20), 10);
        // Its five minutes have refilled the bucket.
        assert_eq!(taken(&mut ahead, &mut table, &quota, NOW, 4), 4);
        // The rest is there for the others, and nothing beyond; this one still remembers that it was refused.
        right.known = None;
        assert_eq!(taken(&mut right, &mut table, &quota, NOW, 20), 6);
        assert_eq!(taken(&mut ahead, &mut table, &quota, NOW, 20), 0);
        let Decision::Refuse { wait } = quota.decide(right.known, NOW) else {
            unreachable!("it is empty")
        };
        assert_eq!(wait, 10 * SECOND, "as long as a bucket takes to fill");
        // From then on time is that of the clock that is ahead.
        let later = NOW + 5 * SECOND;
        assert_eq!(taken(&mut ahead, &mut table, &quota, later, 1), 1);
        right.known = None;
        assert_eq!(taken(&mut right, &mut table, &quota, later, 20), 4);
        // Without it, the refill goes on when their own clocks get there: no later than the difference.
        right.known = None;
        let there = NOW + 306 * SECOND;
        assert_eq!(taken(&mut right, &mut table, &quota, there - 1, 20), 0);
        assert_eq!(taken(&mut right, &mut table, &quota, there, 20), 1);
    }

    #[test]
    fn a_check_is_one_write_to_those_who_know_and_two_to_others() {
        let quota = per_second(100);
        let mut table = Table::default();
        let mut first = Process::default();
        for index in 0..50 {
            let at = NOW + index * 20_000;
            assert!(first.asks(&mut table, &quota, at));
        }
        // The second token: the process took the first from a full bucket, and knows.
        assert_eq!(table.writes, 50);
        let mut second = Process::default();
        assert!(second.asks(&mut table, &quota, NOW + SECOND));
        assert_eq!(table.writes, 52);
    }

    #[test]
    fn an_item_outlives_what_it_says() {
        let seconds = |quota: &Quota| quota.expires_at(NOW) - NOW / SECOND;
        assert_eq!(seconds(&per_second(100)), 101 + 3600);
        let counter = Quota::Counter {
            most: 1,
            start: NOW - 30 * SECOND,
            window: 60 * SECOND,
        };
        assert_eq!(seconds(&counter), 30 + 3600);
    }

    /// The largest values that a rule may have do not overflow, nor do times from anywhere.
    #[test]
    fn nothing_overflows() {
        let quota = Quota::Bucket {
            interval: i64::MAX / 2,
            burst: i64::MAX / 2,
        };
        for now in [i64::MIN / 4, 0, i64::MAX / 4] {
            let decision = quota.decide(None, now);
            assert!(matches!(decision, Decision::Take(_)), "{decision:?}");
            assert!(quota.expires_at(now) > 0);
        }
    }

    proptest! {
        /// Whatever the order of calls, the differences of clocks and the memories of processes: never more than the burst
        /// and what the latest clock has refilled.
        #[test]
        fn never_more_than_the_burst_and_the_refill(
            burst in 1_i64..20,
            interval in 1_i64..3_000_000,
            ahead in prop::collection::vec(-400_000_000_i64..400_000_000, 1..5),
            calls in prop::collection::vec((0_usize..5, 0_i64..4_000_000, any::<bool>()), 1..200),
        ) {
            let quota = Quota::Bucket { interval, burst };
            let mut table = Table::default();
            let mut processes: Vec<Process> =
                ahead.iter().map(|ahead| Process { ahead: *ahead, known: None }).collect();
            let (mut real, mut count) = (NOW, 0_i64);
            let (mut first, mut latest) = (None, i64::MIN);
            // Of each request that was taken: the latest clock so far.
            let mut times = Vec::new();
            for (process, passed, forgets) in calls {
                real += passed;
                let index = process % processes.len();
                let process = &mut processes[index];
                if forgets {
                    process.known = None;
                }
                if process.asks(&mut table, &quota, real) {
                    count += 1;
                    latest = latest.max(real + process.ahead);
                    let first = *first.get_or_insert(latest);
                    prop_assert!(count <= burst + (latest - first) / interval, "{count}");
                    times.push(latest);
                }
            }
            // Not only from the start: of any part.
            for (index, from) in times.iter().enumerate() {
                for (taken, to) in times[index..].iter().enumerate() {
                    let most = burst + (to - from) / interval;
                    prop_assert!((taken as i64) < most, "{taken} of {most}");
                }
            }
        }

        /// With one clock, it is the bucket of the textbook: callers that wait as told are taken, and nothing is withheld.
        #[test]
        fn with_one_clock_nothing_is_withheld(
            burst in 1_i64..20,
            interval in 1_i64..3_000_000,
            calls in prop::collection::vec((0_i64..4_000_000, any::<bool>()), 1..200),
        ) {
            let quota = Quota::Bucket { interval, burst };
            let (mut process, mut table) = (Process::default(), Table::default());
            // In parts of a token.
            let (mut tokens, mut real) = (burst * interval, NOW);
            for (passed, forgets) in calls {
                real += passed;
                tokens = (tokens + passed).min(burst * interval);
                if forgets {
                    process.known = None;
                }
                let expected = tokens >= interval;
                let is_taken = process.asks(&mut table, &quota, real);
                prop_assert_eq!(is_taken, expected);
                if is_taken {
                    tokens -= interval;
                } else if let Decision::Refuse { wait } = quota.decide(process.known, real) {
                    prop_assert_eq!(wait, interval - tokens);
                }
            }
        }

        /// A counter never takes more than its number for each window that some clock has named.
        #[test]
        fn never_more_than_the_number_in_a_window(
            most in 1_i64..10,
            window in 1_i64..10,
            calls in prop::collection::vec((0_i64..30, any::<bool>()), 1..100),
        ) {
            let window = window * SECOND;
            let mut tables: std::collections::BTreeMap<i64, (Table, i64)> = std::collections::BTreeMap::new();
            let mut process = Process::default();
            for (offset, forgets) in calls {
                let now = NOW + offset * SECOND;
                let start = now.div_euclid(window) * window;
                let quota = Quota::Counter { most, start, window };
                let (table, count) = tables.entry(start).or_default();
                // A memory belongs to one key.
                process.known = if forgets { None } else { table.stored };
                *count += i64::from(process.asks(table, &quota, now));
                prop_assert!(*count <= most);
            }
        }
    }
}

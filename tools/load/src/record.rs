//! Records requests: intended start, actual start, and result.

#![expect(clippy::float_arithmetic, reason = "times and rates are not money")]

use std::{
    collections::{BTreeMap, VecDeque},
    future::Future,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use hdrhistogram::Histogram;
use serde::Serialize;
use tokio::time::Instant;

/// Longest distinguishable time.
const LONGEST_US: u64 = 600_000_000;
/// Maximum number of points of a curve over time.
const POINTS: u64 = 240;
/// Seconds that the live status covers.
const LIVE_SECONDS: usize = 5;

/// The endpoints that shoppers call, as named in the template.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Route {
    ListProducts,
    GetProduct,
    CreateCart,
    SetCartLine,
    GetCart,
    PlaceOrder,
    GetOrder,
}

impl Route {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::ListProducts => "GET /v1/products",
            Self::GetProduct => "GET /v1/products/{slug}",
            Self::CreateCart => "POST /v1/carts",
            Self::SetCartLine => "PUT /v1/carts/{cart_id}/lines/{sku}",
            Self::GetCart => "GET /v1/carts/{cart_id}",
            Self::PlaceOrder => "POST /v1/orders",
            Self::GetOrder => "GET /v1/orders/{order_id}",
        }
    }
}

/// Duration of a request, by two clocks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Timing {
    /// Intended start, since the start of the run.
    pub(crate) intended: Duration,
    /// Time from the intended start to the response: the shopper's wait.
    pub(crate) latency: Duration,
    /// Time from the actual start to the response.
    pub(crate) service: Duration,
    /// Delay of the generator itself, when the shopper had nothing else to wait for.
    pub(crate) lag: Duration,
}

impl Timing {
    /// Timing of a step that was due at a time since the start of the run, by a shopper who was ready
    /// for it from then on.
    fn of(
        start: Instant,
        intended: Duration,
        free: Instant,
        began: Instant,
        ended: Instant,
    ) -> Self {
        let due = start + intended;
        Self {
            intended,
            latency: ended.duration_since(due),
            service: ended.duration_since(began),
            lag: began.duration_since(due.max(free)),
        }
    }
}

/// Performs a step when it is due, or as soon after as the shopper is ready, and times it. Latency
/// counts from the due time: a shopper delayed by a slow response is late for the next step, and that
/// wait is also caused by the shop (no coordinated omission).
pub(crate) async fn timed<T>(
    start: Instant,
    intended: Duration,
    free: Instant,
    work: impl Future<Output = T>,
) -> (Timing, T) {
    tokio::time::sleep_until(start + intended).await;
    let began = Instant::now();
    let done = work.await;
    let timing = Timing::of(start, intended, free, began, Instant::now());
    (timing, done)
}

/// A histogram of times.
#[derive(Clone, Debug)]
pub(crate) struct Times(Histogram<u64>);

impl Times {
    pub(crate) fn new() -> Self {
        Self::with_digits(3)
    }

    fn with_digits(digits: u8) -> Self {
        Self(Histogram::new_with_bounds(1, LONGEST_US, digits).expect("the bounds are sound"))
    }

    pub(crate) fn add(&mut self, time: Duration) {
        let micros = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        self.0.saturating_record(micros.max(1));
    }

    pub(crate) fn count(&self) -> u64 {
        self.0.len()
    }

    /// The percentile in milliseconds.
    pub(crate) fn at(&self, percent: f64) -> f64 {
        match self.0.len() {
            0 => 0.0,
            _ => millis(self.0.value_at_quantile(share(percent))),
        }
    }

    pub(crate) fn summary(&self) -> Summary {
        Summary {
            p50: self.at(50.0),
            p90: self.at(90.0),
            p99: self.at(99.0),
            p999: self.at(99.9),
            max: if self.0.is_empty() {
                0.0
            } else {
                millis(self.0.max())
            },
            mean: mean(&self.0),
        }
    }

    fn merge(&mut self, other: &Self) {
        // Only fails for different bounds; all histograms have the same.
        let _ = self.0.add(&other.0);
    }
}

fn share(percent: f64) -> f64 {
    percent / 100.0
}

fn mean(times: &Histogram<u64>) -> f64 {
    times.mean() / 1000.0
}

/// Converts microseconds to milliseconds.
fn millis(micros: u64) -> f64 {
    Duration::from_micros(micros).as_secs_f64() * 1000.0
}

/// Percentiles in milliseconds.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(crate) struct Summary {
    pub(crate) p50: f64,
    pub(crate) p90: f64,
    pub(crate) p99: f64,
    #[serde(rename = "p99.9")]
    pub(crate) p999: f64,
    pub(crate) max: f64,
    pub(crate) mean: f64,
}

/// Result of a request.
#[derive(Clone, Debug)]
pub(crate) enum Ending {
    /// As expected.
    Fine(u16),
    /// Rejected for a legitimate reason: sold out.
    Refused(u16),
    /// Any other result, by a code such as `503 busy` or `timeout`.
    Wrong(String),
}

/// All requests of one route.
#[derive(Clone, Debug)]
pub(crate) struct RouteTimes {
    pub(crate) latency: Times,
    pub(crate) service: Times,
    pub(crate) refused: u64,
    pub(crate) errors: BTreeMap<String, u64>,
    pub(crate) statuses: BTreeMap<u16, u64>,
}

impl RouteTimes {
    fn new() -> Self {
        Self {
            latency: Times::new(),
            service: Times::new(),
            refused: 0,
            errors: BTreeMap::new(),
            statuses: BTreeMap::new(),
        }
    }
}

/// Requests with an intended start in one interval.
#[derive(Clone, Debug)]
pub(crate) struct Stretch {
    pub(crate) latency: Times,
    pub(crate) answered: u64,
    pub(crate) errors: u64,
}

/// All records so far.
#[derive(Clone, Debug)]
pub(crate) struct Tally {
    pub(crate) routes: BTreeMap<Route, RouteTimes>,
    pub(crate) latency: Times,
    pub(crate) service: Times,
    pub(crate) lag: Times,
    pub(crate) paid_after: Times,
    pub(crate) errors: u64,
    pub(crate) arrived: u64,
    pub(crate) gone: u64,
    pub(crate) in_flight: u64,
    pub(crate) orders: Orders,
    /// By intended start.
    pub(crate) stretches: Vec<Stretch>,
    pub(crate) stretch_seconds: u64,
    /// The last seconds, by the time of the response.
    recent: VecDeque<(u64, Times)>,
}

/// Results of orders.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(crate) struct Orders {
    pub(crate) placed: u64,
    pub(crate) sold_out: u64,
    pub(crate) paid: u64,
    /// Closed without payment, or not seen paid in time.
    pub(crate) not_paid: u64,
}

/// Records the results of all shoppers.
pub(crate) struct Record {
    tally: Mutex<Tally>,
}

impl Record {
    /// Makes the record of a run of this length.
    pub(crate) fn new(length: Duration) -> Self {
        Self {
            tally: Mutex::new(Tally {
                routes: BTreeMap::new(),
                latency: Times::new(),
                service: Times::new(),
                lag: Times::new(),
                paid_after: Times::new(),
                errors: 0,
                arrived: 0,
                gone: 0,
                in_flight: 0,
                orders: Orders::default(),
                stretches: Vec::new(),
                stretch_seconds: length.as_secs().div_ceil(POINTS).max(1),
                recent: VecDeque::new(),
            }),
        }
    }

    /// For reading, or recording other results.
    pub(crate) fn tally(&self) -> MutexGuard<'_, Tally> {
        self.tally.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Records a request.
    pub(crate) fn note(&self, route: Route, timing: Timing, ending: &Ending) {
        let mut tally = self.tally();
        tally.latency.add(timing.latency);
        tally.service.add(timing.service);
        tally.lag.add(timing.lag);
        let is_error = matches!(ending, Ending::Wrong(_));
        tally.errors += u64::from(is_error);
        let of_route = tally.routes.entry(route).or_insert_with(RouteTimes::new);
        of_route.latency.add(timing.latency);
        of_route.service.add(timing.service);
        match ending {
            Ending::Fine(status) => *of_route.statuses.entry(*status).or_default() += 1,
            Ending::Refused(status) => {
                of_route.refused += 1;
                *of_route.statuses.entry(*status).or_default() += 1;
            }
            Ending::Wrong(code) => *of_route.errors.entry(code.clone()).or_default() += 1,
        }
        let stretch = timing.intended.as_secs() / tally.stretch_seconds;
        let stretch = tally.stretch(usize::try_from(stretch).unwrap_or_default());
        stretch.latency.add(timing.latency);
        stretch.errors += u64::from(is_error);
        let ended = (timing.intended + timing.latency).as_secs();
        let answered = usize::try_from(ended / tally.stretch_seconds).unwrap_or_default();
        tally.stretch(answered).answered += 1;
        tally.remember(ended, timing.latency);
    }
}

impl Tally {
    fn stretch(&mut self, index: usize) -> &mut Stretch {
        while self.stretches.len() <= index {
            self.stretches.push(Stretch {
                latency: Times::with_digits(2),
                answered: 0,
                errors: 0,
            });
        }
        &mut self.stretches[index]
    }

    fn remember(&mut self, second: u64, latency: Duration) {
        match self.recent.iter_mut().find(|(known, _)| *known == second) {
            Some((_, times)) => times.add(latency),
            None => {
                let mut times = Times::with_digits(2);
                times.add(latency);
                self.recent.push_back((second, times));
                while self.recent.len() > LIVE_SECONDS + 1 {
                    self.recent.pop_front();
                }
            }
        }
    }

    /// The responses in the seconds before the current one.
    pub(crate) fn lately(&self, now: Duration) -> Lately {
        let mut times = Times::with_digits(2);
        let last = now.as_secs();
        let looked_at = last.min(u64::try_from(LIVE_SECONDS).unwrap_or(1));
        let within = |second: u64| second < last && second + looked_at >= last;
        for (_, of_second) in self.recent.iter().filter(|(second, _)| within(*second)) {
            times.merge(of_second);
        }
        Lately {
            rate: rate(times.count(), Duration::from_secs(looked_at)),
            times,
        }
    }
}

/// Responses of the last seconds.
pub(crate) struct Lately {
    /// Number per second.
    pub(crate) rate: f64,
    /// Their latencies.
    pub(crate) times: Times,
}

/// Number per second.
pub(crate) fn rate(count: u64, time: Duration) -> f64 {
    let seconds = time.as_secs_f64();
    if seconds > 0.0 {
        float(count) / seconds
    } else {
        0.0
    }
}

/// A count as a float, exact up to 2^53.
pub(crate) fn float(count: u64) -> f64 {
    let (high, low) = (count >> 32, count & 0xffff_ffff);
    let part = |part: u64| f64::from(u32::try_from(part).unwrap_or(u32::MAX));
    part(high) * 4_294_967_296.0 + part(low)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    /// A shop that responds in 1 ms, but stalls once for half a second, and a shopper with a request
    /// every 10 ms.
    #[test]
    fn a_shop_that_stands_still_shows_in_the_percentiles() {
        let record = Record::new(Duration::from_secs(2));
        let start = Instant::now();
        let mut free = start;
        for number in 0..200_u32 {
            let intended = number * 10 * MS;
            let began = free.max(start + intended);
            let ended = began + if number == 50 { 500 * MS } else { MS };
            let timing = Timing::of(start, intended, free, began, ended);
            record.note(Route::GetProduct, timing, &Ending::Fine(200));
            free = ended;
        }
        let tally = record.tally();
        // By the actual start, only one request was slow.
        assert!(tally.service.at(99.0) < 2.0, "{}", tally.service.at(99.0));
        // By the intended start a quarter was slow: those that queued behind it.
        assert!(tally.latency.at(50.0) < 2.0, "{}", tally.latency.at(50.0));
        assert!(tally.latency.at(90.0) > 250.0, "{}", tally.latency.at(90.0));
        assert!(tally.latency.at(99.0) > 400.0, "{}", tally.latency.at(99.0));
        // The generator did not contribute.
        assert_eq!(tally.lag.summary().max, tally.lag.at(0.0));
    }

    #[tokio::test]
    async fn a_generator_that_is_late_is_told_apart() {
        // Due a second ago, without a reason to be late.
        let start = Instant::now() - Duration::from_secs(1);
        let (timing, done) = timed(start, 10 * MS, start, async { 7 }).await;
        assert_eq!(done, 7);
        assert!(timing.lag >= 990 * MS, "{timing:?}");
        assert!(timing.latency >= timing.lag + timing.service, "{timing:?}");
        // The shopper only just became ready: caused by the shop, not the generator.
        let (timing, ()) = timed(start, 10 * MS, Instant::now(), async {}).await;
        assert!(
            timing.latency >= 990 * MS && timing.lag < 900 * MS,
            "{timing:?}"
        );
        // A step that is not due yet waits.
        let (timing, ()) = timed(Instant::now(), 20 * MS, start, async {}).await;
        assert!(timing.latency < 900 * MS, "{timing:?}");
    }

    #[test]
    fn errors_and_refusals_are_counted_apart() {
        let record = Record::new(Duration::from_secs(600));
        let timing = |second| Timing {
            intended: Duration::from_secs(second),
            latency: 4 * MS,
            service: 3 * MS,
            lag: MS,
        };
        record.note(Route::PlaceOrder, timing(0), &Ending::Fine(201));
        record.note(Route::PlaceOrder, timing(1), &Ending::Refused(409));
        record.note(
            Route::PlaceOrder,
            timing(599),
            &Ending::Wrong("503 busy".into()),
        );
        let tally = record.tally();
        let route = &tally.routes[&Route::PlaceOrder];
        assert_eq!(
            (route.latency.count(), route.refused, tally.errors),
            (3, 1, 1)
        );
        assert_eq!(route.errors["503 busy"], 1);
        // 600 s in intervals of 3 s.
        assert_eq!(
            (tally.stretches.len(), tally.stretches[0].answered),
            (200, 2)
        );
        let Lately { rate, times } = tally.lately(Duration::from_secs(600));
        assert_eq!((rate.round(), times.count()), (0.0, 1));
    }

    #[test]
    fn counts_become_floats_exactly() {
        assert_eq!(float(0).to_bits(), 0.0_f64.to_bits());
        assert_eq!(float(5_000_000_000).to_bits(), 5e9_f64.to_bits());
        assert_eq!(Times::new().summary().p99.to_bits(), 0.0_f64.to_bits());
    }
}

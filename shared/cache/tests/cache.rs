//! Tests of the cache through its API: one thread, and the test's own clock.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on says why and fails"
)]

use std::{
    collections::HashSet,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use cache::{Ages, Cache, CacheWeight, FetchError, Limits, PATIENCE, RETRY_AFTER, Value};
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use tokio::sync::Notify;
use tracing::{Instrument, Span};

const LIMITS: Limits = Limits {
    bytes: 64 * 1024,
    missing_bytes: 4 * 1024,
    ages: Ages {
        fresh: SignedDuration::from_secs(5),
        usable: SignedDuration::from_secs(30),
        missing: SignedDuration::from_secs(2),
    },
};

#[derive(Debug, PartialEq)]
struct Text(String);

impl Value for Text {
    const SCHEMA: u32 = 1;

    fn weight(&self) -> usize {
        self.0.len()
    }

    fn to_bytes(&self) -> Bytes {
        Bytes::copy_from_slice(self.0.as_bytes())
    }

    fn from_bytes(bytes: Bytes) -> Option<Self> {
        String::from_utf8(bytes.to_vec()).ok().map(Text)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[error("the source is down")]
struct Down;

type Texts = Cache<Text, Down>;

/// The time in milliseconds after the start of the test.
fn at(millis: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000).unwrap() + SignedDuration::from_millis(millis)
}

/// Lets every task run as far as possible.
async fn settle() {
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
}

/// Requests `key`, which a fetch resolves to `text`, and counts fetches.
async fn ask(
    cache: &Texts,
    key: &str,
    now: Timestamp,
    fetched: &Arc<AtomicUsize>,
    text: Result<Option<&str>, Down>,
) -> Result<Option<String>, FetchError<Down>> {
    let fetched = Arc::clone(fetched);
    let text = text.map(|text| text.map(|text| Text(text.to_owned())));
    let answer = cache.get(key, now, move || {
        fetched.fetch_add(1, Ordering::Relaxed);
        async move {
            tokio::task::yield_now().await;
            text
        }
    });
    answer
        .await
        .map(|found| found.map(|found| found.value.0.clone()))
}

fn counter() -> Arc<AtomicUsize> {
    Arc::default()
}

fn count(counter: &AtomicUsize) -> usize {
    counter.load(Ordering::Relaxed)
}

#[tokio::test]
async fn a_hundred_who_ask_together_cause_one_fetch() {
    let (cache, fetched) = (Texts::new("test", &LIMITS), counter());
    let asking = (0..100).map(|micros| {
        let now = at(0) + SignedDuration::from_micros(99 - micros);
        ask(&cache, "tee", now, &fetched, Ok(Some("soft")))
    });
    for answer in futures_util::future::join_all(asking).await {
        assert_eq!(answer.unwrap().unwrap(), "soft");
    }
    assert_eq!(count(&fetched), 1);
}

#[tokio::test]
async fn those_who_waited_share_the_failure_and_nobody_else_does() {
    let (cache, fetched) = (Texts::new("test", &LIMITS), counter());
    let asking = (0..100).map(|_| ask(&cache, "tee", at(0), &fetched, Err(Down)));
    for answer in futures_util::future::join_all(asking).await {
        assert!(matches!(answer, Err(FetchError::Failed(error)) if *error == Down));
    }
    assert_eq!(count(&fetched), 1);
    let next = ask(&cache, "tee", at(0), &fetched, Ok(Some("soft"))).await;
    assert_eq!(next.unwrap().unwrap(), "soft");
    assert_eq!(count(&fetched), 2);
}

#[tokio::test]
async fn the_value_is_shared_and_never_copied() {
    let cache = Texts::new("test", &LIMITS);
    let get = async || {
        let fetch = || async { Ok(Some(Text("soft".to_owned()))) };
        cache.get("tee", at(0), fetch).await.unwrap().unwrap().value
    };
    assert!(Arc::ptr_eq(&get().await, &get().await));
}

#[tokio::test]
async fn what_is_stale_is_given_while_one_refresh_runs() {
    let (cache, fetched) = (Texts::new("test", &LIMITS), counter());
    ask(&cache, "tee", at(0), &fetched, Ok(Some("old")))
        .await
        .unwrap();
    let asking = (0..100).map(|_| ask(&cache, "tee", at(5_000), &fetched, Ok(Some("new"))));
    for answer in futures_util::future::join_all(asking).await {
        assert_eq!(answer.unwrap().unwrap(), "old");
    }
    settle().await;
    assert_eq!(count(&fetched), 2);
    let next = ask(&cache, "tee", at(5_001), &fetched, Ok(Some("newer"))).await;
    assert_eq!(next.unwrap().unwrap(), "new");
    assert_eq!(count(&fetched), 2);
}

#[tokio::test]
async fn a_refresh_that_fails_leaves_the_old_value_to_the_end_of_its_time() {
    let (cache, fetched) = (Texts::new("test", &LIMITS), counter());
    ask(&cache, "tee", at(0), &fetched, Ok(Some("old")))
        .await
        .unwrap();
    let pause = i64::try_from(RETRY_AFTER.as_millis()).unwrap();
    for (millis, fetches) in [
        (6_000, 2),
        (6_001, 2),
        (6_000 + pause - 1, 2),
        (6_000 + pause, 3),
        (29_999, 4),
    ] {
        let answer = ask(&cache, "tee", at(millis), &fetched, Err(Down)).await;
        assert_eq!(answer.unwrap().unwrap(), "old", "{millis} ms");
        settle().await;
        assert_eq!(count(&fetched), fetches, "{millis} ms");
    }
    let too_old = ask(&cache, "tee", at(30_000), &fetched, Err(Down)).await;
    assert!(matches!(too_old, Err(FetchError::Failed(_))));
}

#[tokio::test]
async fn what_is_missing_is_known_for_a_short_while_and_takes_no_room() {
    let (cache, fetched) = (Texts::new("test", &LIMITS), counter());
    ask(&cache, "tee", at(0), &fetched, Ok(Some("soft")))
        .await
        .unwrap();
    for made_up in 0..2_000 {
        let key = format!("made-up-{made_up}");
        let answer = ask(&cache, &key, at(1), &fetched, Ok(None)).await.unwrap();
        assert_eq!(answer, None);
    }
    let missing = cache.weight().missing_bytes;
    assert!(
        missing > 0 && missing <= LIMITS.missing_bytes,
        "{missing} bytes"
    );
    let before = count(&fetched);
    let known = ask(
        &cache,
        "made-up-1999",
        at(2_000),
        &fetched,
        Ok(Some("here")),
    )
    .await;
    assert_eq!(known.unwrap(), None);
    let kept = ask(&cache, "tee", at(2_000), &fetched, Ok(Some("hard"))).await;
    assert_eq!(kept.unwrap().unwrap(), "soft");
    assert_eq!(count(&fetched), before);
    // The value appears.
    let made = ask(
        &cache,
        "made-up-1999",
        at(2_001),
        &fetched,
        Ok(Some("here")),
    )
    .await;
    assert_eq!(made.unwrap().unwrap(), "here");
    // The value disappears again.
    ask(&cache, "made-up-1999", at(40_000), &fetched, Ok(None))
        .await
        .unwrap();
    let gone = ask(&cache, "made-up-1999", at(40_001), &fetched, Ok(Some("?"))).await;
    assert_eq!(gone.unwrap(), None);
}

#[tokio::test]
async fn bytes_are_bounded_and_what_is_asked_for_often_outlives_what_is_asked_once() {
    let (cache, fetched) = (Texts::new("test", &LIMITS), counter());
    let body = "x".repeat(1_000);
    let hot: Vec<String> = (0..20).map(|hot| format!("hot-{hot}")).collect();
    for _ in 0..3 {
        for key in &hot {
            ask(&cache, key, at(0), &fetched, Ok(Some(&body)))
                .await
                .unwrap();
        }
    }
    // Ten times the capacity.
    for once in 0..640 {
        let key = format!("once-{once}");
        ask(&cache, &key, at(0), &fetched, Ok(Some(&body)))
            .await
            .unwrap();
        let bytes = cache.weight().bytes;
        assert!(bytes <= LIMITS.bytes, "{bytes} bytes");
    }
    let bytes = cache.weight().bytes;
    assert!(bytes > LIMITS.bytes / 2, "{bytes} bytes");
    let before = count(&fetched);
    for key in &hot {
        ask(&cache, key, at(0), &fetched, Ok(Some(&body)))
            .await
            .unwrap();
    }
    assert!(
        count(&fetched) - before <= 2,
        "{}",
        count(&fetched) - before
    );
    // A value larger than the capacity is served, but not cached.
    let huge = "x".repeat(100_000);
    for _ in 0..2 {
        let answer = ask(&cache, "huge", at(0), &fetched, Ok(Some(&huge))).await;
        assert_eq!(answer.unwrap().unwrap().len(), 100_000);
        assert!(cache.weight().bytes <= LIMITS.bytes);
    }
}

#[tokio::test]
async fn a_clock_that_goes_back_makes_what_is_of_its_future_too_old() {
    let (cache, fetched) = (Texts::new("test", &LIMITS), counter());
    ask(&cache, "tee", at(3_600_000), &fetched, Ok(Some("before")))
        .await
        .unwrap();
    let after = ask(&cache, "tee", at(0), &fetched, Ok(Some("after"))).await;
    assert_eq!(after.unwrap().unwrap(), "after");
    // It is replaced, although it is newer according to the clock.
    let again = ask(&cache, "tee", at(1), &fetched, Ok(Some("again"))).await;
    assert_eq!(again.unwrap().unwrap(), "after");
    let refused = ask(&cache, "tee", at(-1), &fetched, Err(Down)).await;
    assert!(refused.is_err());
}

#[tokio::test]
async fn a_fetch_logs_in_the_span_of_its_request_even_after_the_response() {
    let _subscriber = tracing::subscriber::set_default(tracing_subscriber::registry());
    let cache = Texts::new("test", &LIMITS);
    let seen = Arc::new(Mutex::new(Vec::new()));
    let get = async |now| {
        let seen = Arc::clone(&seen);
        let fetch = move || async move {
            tokio::task::yield_now().await;
            seen.lock().unwrap().push(Span::current().id());
            Ok::<_, Down>(Some(Text("soft".to_owned())))
        };
        cache.get("tee", now, fetch).await.unwrap();
    };
    let (first, second) = (
        tracing::error_span!("first"),
        tracing::error_span!("second"),
    );
    get(at(0)).instrument(first.clone()).await;
    // Stale: it is served at once and refreshed.
    get(at(6_000)).instrument(second.clone()).await;
    settle().await;
    let ids = [first.id(), second.id()];
    assert!(ids.iter().all(Option::is_some));
    assert_eq!(*seen.lock().unwrap(), ids);
}

#[tokio::test]
async fn a_caller_who_goes_away_takes_nothing_with_him() {
    let (cache, fetched) = (Texts::new("test", &LIMITS), counter());
    let gate = Arc::new(Notify::new());
    let first = {
        let (cache, gate) = (cache.clone(), Arc::clone(&gate));
        tokio::spawn(async move {
            let fetch = move || async move {
                gate.notified().await;
                Ok(Some(Text("first".to_owned())))
            };
            cache.get("tee", at(0), fetch).await.map(|_| ())
        })
    };
    settle().await;
    first.abort();
    assert!(first.await.unwrap_err().is_cancelled());
    let second = ask(&cache, "tee", at(1), &fetched, Ok(Some("second")));
    let (answer, ()) = tokio::join!(second, async {
        settle().await;
        gate.notify_one();
    });
    assert_eq!(answer.unwrap().unwrap(), "first");
    assert_eq!(count(&fetched), 0);
}

#[tokio::test(start_paused = true)]
async fn a_fetch_that_hangs_holds_up_nobody_for_long_and_changes_nothing_when_it_ends() {
    let (cache, fetched) = (Texts::new("test", &LIMITS), counter());
    let gate = Arc::new(Notify::new());
    let hang = {
        let (cache, gate) = (cache.clone(), Arc::clone(&gate));
        tokio::spawn(async move {
            let fetch = move || async move {
                gate.notified().await;
                Ok(Some(Text("late".to_owned())))
            };
            cache.get("tee", at(0), fetch).await.unwrap().unwrap().value
        })
    };
    settle().await;
    // Frozen and resumed together with the process: the next request does not wait for it.
    let later = ask(&cache, "tee", at(60_000), &fetched, Ok(Some("now"))).await;
    assert_eq!(later.unwrap().unwrap(), "now");
    assert_eq!(count(&fetched), 1);
    // Its result is only returned to its own callers.
    gate.notify_one();
    assert_eq!(hang.await.unwrap().0, "late");
    let kept = ask(&cache, "tee", at(60_001), &fetched, Ok(Some("?"))).await;
    assert_eq!(kept.unwrap().unwrap(), "now");

    // A fetch that hangs while others wait: they wait up to the limit, then one of them fetches.
    let forever = {
        let cache = cache.clone();
        tokio::spawn(async move {
            let fetch = std::future::pending::<Result<Option<Text>, Down>>;
            cache.get("mug", at(0), fetch).await.map(|_| ())
        })
    };
    settle().await;
    let before = tokio::time::Instant::now();
    let asking = (0..100).map(|_| ask(&cache, "mug", at(1), &fetched, Ok(Some("hot"))));
    for answer in futures_util::future::join_all(asking).await {
        assert_eq!(answer.unwrap().unwrap(), "hot");
    }
    assert_eq!(count(&fetched), 2);
    assert!(before.elapsed() >= PATIENCE && before.elapsed() < PATIENCE + Duration::from_secs(1));
    assert!(matches!(forever.await.unwrap(), Err(FetchError::Lost)));
}

#[tokio::test]
async fn a_fetch_that_panics_leaves_the_next_caller_free() {
    let (cache, fetched) = (Texts::new("test", &LIMITS), counter());
    let fetch = || async { panic!("a fault in the source's client") };
    let lost = cache.get("tee", at(0), fetch).await;
    assert!(matches!(lost, Err(FetchError::Lost)));
    let next = ask(&cache, "tee", at(0), &fetched, Ok(Some("soft"))).await;
    assert_eq!(next.unwrap().unwrap(), "soft");
}

#[tokio::test]
async fn a_cache_that_is_off_fetches_each_time() {
    let (cache, fetched) = (Texts::off(), counter());
    for _ in 0..3 {
        let answer = ask(&cache, "tee", at(0), &fetched, Ok(Some("soft"))).await;
        assert_eq!(answer.unwrap().unwrap(), "soft");
    }
    assert_eq!(count(&fetched), 3);
    assert_eq!(cache.weight(), CacheWeight::default());
}

/// Next step of a schedule.
#[derive(Clone, Debug)]
enum Step {
    /// The clock advances, or is set back.
    Pass(i64),
    /// A key is requested; the source is up, down, without the value, or hangs until released.
    Ask(u8, Source),
    /// All hanging fetches resume.
    Release,
}

#[derive(Clone, Copy, Debug)]
enum Source {
    Up,
    Down,
    Without,
    Hangs,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let source = prop_oneof![
        4 => Just(Source::Up),
        2 => Just(Source::Down),
        1 => Just(Source::Without),
        1 => Just(Source::Hangs),
    ];
    let step = prop_oneof![
        3 => (0..8_000_i64).prop_map(Step::Pass),
        1 => (0..60_000_i64).prop_map(Step::Pass),
        1 => (-40_000..0_i64).prop_map(Step::Pass),
        8 => (0..3_u8, source).prop_map(|(key, source)| Step::Ask(key, source)),
        1 => Just(Step::Release),
    ];
    proptest::collection::vec(step, 1..60)
}

proptest! {
    /// A value knows when its fetch started. It is never served before that time, nor after it has
    /// expired; and every caller gets a response.
    #[test]
    fn nothing_is_given_beyond_its_time(steps in steps()) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .start_paused(true)
            .build()
            .unwrap();
        let outcome: Result<(), TestCaseError> = runtime.block_on(async move {
            let cache = Texts::new("test", &LIMITS);
            let gate = Arc::new(Notify::new());
            let mut clock = 0_i64;
            let mut asking = Vec::new();
            let mut seen = HashSet::new();
            for step in steps {
                match step {
                    Step::Pass(millis) => {
                        clock += millis;
                        // The process may have been frozen, so its timers see at most a part of that
                        // time.
                        let ran = u64::try_from(millis.clamp(0, 100)).unwrap();
                        tokio::time::sleep(Duration::from_millis(ran)).await;
                    }
                    Step::Release => gate.notify_waiters(),
                    Step::Ask(key, source) => {
                        let (cache, gate, now) = (cache.clone(), Arc::clone(&gate), clock);
                        seen.insert(key);
                        asking.push(tokio::spawn(async move {
                            let fetch = move || async move {
                                match source {
                                    Source::Down => return Err(Down),
                                    Source::Without => return Ok(None),
                                    Source::Hangs => gate.notified().await,
                                    Source::Up => tokio::task::yield_now().await,
                                }
                                Ok(Some(Text(format!("{key} {now}"))))
                            };
                            (key, now, cache.get(&key.to_string(), at(now), fetch).await)
                        }));
                        settle().await;
                    }
                }
            }
            gate.notify_waiters();
            for asked in asking {
                let (key, now, answer) = asked.await.unwrap();
                let Ok(Some(found)) = answer else { continue };
                let (its_key, born) = found.value.0.split_once(' ').unwrap();
                let age = now - born.parse::<i64>().unwrap();
                prop_assert_eq!(its_key, key.to_string());
                prop_assert!(age < 30_000, "{} ms old", age);
                // Only callers that waited for a fetch of a later request get a younger value.
                let patience = i64::try_from(PATIENCE.as_millis()).unwrap();
                prop_assert!(age >= -patience, "{} ms old", age);
                let said = i64::try_from(found.age.as_millis()).unwrap();
                prop_assert_eq!(said, age.max(0));
            }
            prop_assert!(cache.weight().bytes <= LIMITS.bytes);
            Ok(())
        });
        outcome?;
    }
}

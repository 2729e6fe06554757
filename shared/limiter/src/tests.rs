//! The checks of a process over a table of the test.

use std::{collections::HashMap, net::IpAddr, sync::Mutex};

use control::Snapshot;
use domain::{
    documents::Revisions,
    fault::Code,
    identity::TokenState,
    limits::{CREATE_CART, CREATE_IMPORT, LimitSettings, SIGN_IN_CODE, Take},
    settings::Settings,
};
use jiff::SignedDuration;
use runtime::TokenVerifier;

use super::*;

/// A table of the test, which several processes share.
#[derive(Default)]
struct Fake {
    items: Mutex<HashMap<String, State>>,
    limits: Mutex<Vec<(&'static str, LimitSettings)>>,
    writes: Mutex<usize>,
    fails: Mutex<bool>,
    hangs: Mutex<bool>,
    /// Whether nobody knows the settings.
    unknown: Mutex<bool>,
}

impl Fake {
    fn writes(&self) -> usize {
        *self.writes.lock().unwrap()
    }

    fn set(&self, name: &'static str, limit: LimitSettings) {
        *self.limits.lock().unwrap() = vec![(name, limit)];
    }
}

impl Source for Arc<Fake> {
    async fn documents(&self, _: Timestamp) -> Result<Arc<Snapshot>, ControlError> {
        let is_unknown = *self.unknown.lock().unwrap();
        if is_unknown {
            std::future::pending::<()>().await;
        }
        let limits = self.limits.lock().unwrap().clone().into_iter();
        Ok(Arc::new(Snapshot {
            revisions: Revisions::default(),
            settings: Settings {
                limits: limits.map(|(name, it)| (name.to_owned(), it)).collect(),
                ..Settings::default()
            },
            verifier: Arc::new(TokenVerifier::new(TokenState::default())),
        }))
    }

    async fn take(&self, share: &Share, take: &Take, _: Timestamp) -> Result<Taken, StoreError> {
        let hangs = *self.hangs.lock().unwrap();
        if hangs {
            std::future::pending::<()>().await;
        }
        *self.writes.lock().unwrap() += 1;
        if *self.fails.lock().unwrap() {
            return Err(StoreError::Call {
                operation: "test",
                reason: "down".to_owned(),
                retryable: false,
                source: None,
            });
        }
        let mut items = self.items.lock().unwrap();
        let key = share.key.as_str();
        Ok(match take.apply(items.get(key).copied()) {
            Ok(state) => {
                items.insert(key.to_owned(), state);
                Taken::Done(state)
            }
            Err(state) => Taken::Refused(state),
        })
    }
}

fn process(table: &Arc<Fake>) -> Limiter<Arc<Fake>> {
    Limiter::over(Arc::clone(table), true, "0123456789abcdef0123456789abcdef")
}

fn at(millis: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000).unwrap() + SignedDuration::from_millis(millis)
}

fn from(address: &str) -> Caller<'static> {
    Caller {
        address: Some(address.parse::<IpAddr>().unwrap()),
        ..Caller::default()
    }
}

fn limit(requests: u32, seconds: u32, burst: u32) -> LimitSettings {
    LimitSettings {
        requests: Some(requests),
        seconds: Some(seconds),
        burst: Some(burst),
        ..LimitSettings::default()
    }
}

/// How many of `times` requests are taken at one time.
async fn taken(
    limiter: &Limiter<Arc<Fake>>,
    caller: Caller<'_>,
    now: Timestamp,
    times: u32,
) -> u32 {
    let mut taken = 0;
    for _ in 0..times {
        match limiter.check(&CREATE_CART, caller, now).await {
            Ok(()) => taken += 1,
            Err(Failure::Rejected(rejection)) => {
                assert_eq!(rejection.code, Code::RateLimited);
                assert!(rejection.retry_after >= Some(1));
            }
            Err(failed) => unreachable!("the table answers: {failed:?}"),
        }
    }
    taken
}

#[tokio::test]
async fn processes_share_a_limit() {
    let table = Arc::new(Fake::default());
    table.set("create_cart", limit(1, 1, 5));
    let (first, second) = (process(&table), process(&table));
    let caller = from("203.0.113.7");
    assert_eq!(taken(&first, caller, at(0), 3).await, 3);
    assert_eq!(table.writes(), 3);
    assert_eq!(taken(&second, caller, at(10), 9).await, 2);
    // One that found it in use, and two that took; the rest cost nothing.
    assert_eq!(table.writes(), 6);
    assert_eq!(taken(&second, caller, at(20), 100).await, 0);
    assert_eq!(table.writes(), 6);
    assert_eq!(taken(&first, caller, at(2500), 9).await, 2);
    assert_eq!(taken(&first, from("203.0.113.8"), at(2500), 9).await, 5);
}

#[tokio::test]
async fn a_request_learns_how_much_is_used_up_without_another_write() {
    let table = Arc::new(Fake::default());
    table.set("create_cart", limit(1, 3600, 4));
    let limiter = process(&table);
    let caller = from("203.0.113.7");
    for taken in 1..=4 {
        let usage = limiter.count(&CREATE_CART, caller, at(taken)).await;
        assert_eq!(usage.unwrap(), Usage { taken, most: 4 });
    }
    assert_eq!(table.writes(), 4);
    assert!(limiter.count(&CREATE_CART, caller, at(5)).await.is_err());
    // A limit that is off, or open and not checked, has no usage.
    *table.fails.lock().unwrap() = true;
    let usage = limiter
        .count(&CREATE_CART, from("203.0.113.8"), at(6))
        .await;
    assert_eq!(usage.unwrap(), Usage::NONE);
    table.set("create_cart", limit(0, 1, 1));
    let usage = limiter.count(&CREATE_CART, caller, at(7)).await;
    assert_eq!(usage.unwrap(), Usage::NONE);
}

/// A rule that staff change is another one at once, also for those that are refused from memory.
#[tokio::test]
async fn a_changed_limit_is_in_effect_for_those_who_were_refused() {
    let table = Arc::new(Fake::default());
    let limiter = process(&table);
    let caller = from("203.0.113.7");
    table.set("create_cart", limit(1, 3600, 1));
    assert_eq!(taken(&limiter, caller, at(0), 3).await, 1);
    table.set("create_cart", limit(1, 1, 2));
    assert_eq!(taken(&limiter, caller, at(1), 3).await, 2);
    table.set("create_cart", limit(0, 1, 2));
    let before = table.writes();
    assert_eq!(taken(&limiter, caller, at(2), 300).await, 300);
    assert_eq!(table.writes(), before, "a limit that is off costs nothing");
}

/// Kind of fault: an operator deletes the item of a caller, who stays refused by some processes for the rest of the day.
#[tokio::test]
async fn a_refusal_is_not_believed_for_longer_than_a_minute() {
    let table = Arc::new(Fake::default());
    table.set("create_cart", limit(1, 86_400, 1));
    let limiter = process(&table);
    let caller = from("203.0.113.7");
    assert_eq!(taken(&limiter, caller, at(0), 3).await, 1);
    // One write a minute, however many requests.
    for (millis, writes) in [(0, 1), (59_999, 1), (60_000, 2), (119_999, 2), (120_000, 3)] {
        assert_eq!(taken(&limiter, caller, at(millis), 100).await, 0);
        assert_eq!(table.writes(), writes, "{millis}");
    }
    table.items.lock().unwrap().clear();
    assert_eq!(taken(&limiter, caller, at(179_999), 3).await, 0);
    assert_eq!(taken(&limiter, caller, at(180_000), 3).await, 1);
}

#[tokio::test]
async fn a_part_that_was_used_up_a_while_ago_hides_no_free_one() {
    let table = Arc::new(Fake::default());
    let two = LimitSettings {
        shards: Some(2),
        ..limit(1, 86_400, 20)
    };
    table.set("create_cart", two);
    let limiter = process(&table);
    for caller in 0..20 {
        let caller = from(&format!("203.0.113.{caller}"));
        // One part of ten is used up, the other has one left.
        assert_eq!(taken(&limiter, caller, at(0), 19).await, 19);
        assert_eq!(taken(&limiter, caller, at(61_000), 1).await, 1);
        assert_eq!(taken(&limiter, caller, at(61_000), 10).await, 0);
    }
}

#[tokio::test]
async fn the_parts_of_a_limit_are_the_limit() {
    let table = Arc::new(Fake::default());
    let parts = LimitSettings {
        shards: Some(8),
        ..limit(60, 60, 50)
    };
    table.set("create_cart", parts);
    let limiter = process(&table);
    assert_eq!(taken(&limiter, from("203.0.113.7"), at(0), 1000).await, 50);
    assert_eq!(table.items.lock().unwrap().len(), 8);
    // Each part was found to be used up at most once.
    assert!(table.writes() <= 58, "{}", table.writes());
    // 60 in 60 seconds, all parts together.
    let minute = taken(&limiter, from("203.0.113.7"), at(60_000), 1000).await;
    assert_eq!(minute, 50);
}

#[tokio::test]
async fn an_unknown_caller_is_taken_where_shopping_goes_on() {
    let table = Arc::new(Fake::default());
    table.set("create_cart", limit(1, 1, 1));
    let limiter = process(&table);
    assert_eq!(taken(&limiter, Caller::default(), at(0), 9).await, 9);
    assert_eq!(table.writes(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_limit_that_cannot_be_checked_is_open_or_closed() {
    let table = Arc::new(Fake::default());
    let limiter = process(&table);
    let caller = Caller {
        account: Some("ada"),
        ..from("203.0.113.7")
    };
    for (fails, hangs) in [(true, false), (false, true)] {
        *table.fails.lock().unwrap() = fails;
        *table.hangs.lock().unwrap() = hangs;
        let started = tokio::time::Instant::now();
        assert!(limiter.check(&CREATE_CART, caller, at(0)).await.is_ok());
        let closed = limiter.check(&CREATE_IMPORT, caller, at(0)).await;
        let Err(Failure::Failed { retryable, .. }) = closed else {
            unreachable!("{closed:?}")
        };
        assert!(retryable, "503, not 500");
        assert!(started.elapsed() <= 2 * PATIENCE);
    }
    *table.hangs.lock().unwrap() = false;
    assert!(limiter.check(&CREATE_IMPORT, caller, at(0)).await.is_ok());
}

/// Kind of fault: a caller with many addresses fills the memory of a process.
#[tokio::test]
async fn a_million_networks_leave_a_bounded_memory() {
    let table = Arc::new(Fake::default());
    let limiter = process(&table);
    for network in 0..20_000_u128 {
        let address = std::net::Ipv6Addr::from_bits((0x2001_0db8 << 96) | (network << 64));
        let caller = Caller {
            address: Some(address.into()),
            ..Caller::default()
        };
        assert!(limiter.check(&CREATE_CART, caller, at(0)).await.is_ok());
    }
    assert_eq!(table.items.lock().unwrap().len(), 20_000);
    assert!(limiter.known.len() <= REMEMBERED);
}

/// An endpoint that counts in an item of its own goes by the same settings, and is closed without them.
#[tokio::test(start_paused = true)]
async fn the_rule_of_a_limit_is_that_of_the_settings() {
    let table = Arc::new(Fake::default());
    let limiter = process(&table);
    let rule = async || limiter.rule(&SIGN_IN_CODE, at(0)).await;
    let hour = SignedDuration::from_hours(1);
    let values = |rule: Rule| (rule.requests(), rule.window());
    assert_eq!(rule().await.unwrap().map(values), Some((10, hour)));
    let set = |requests: u32| LimitSettings {
        requests: Some(requests),
        ..LimitSettings::default()
    };
    table.set("sign_in_code", set(3));
    assert_eq!(rule().await.unwrap().map(values), Some((3, hour)));
    table.set("sign_in_code", set(0));
    assert_eq!(rule().await.unwrap().map(values), None);
    assert_eq!(table.writes(), 0);
    *table.unknown.lock().unwrap() = true;
    let failed = rule().await;
    let is_busy = |failed: &Failure| {
        matches!(
            failed,
            Failure::Failed {
                retryable: true,
                ..
            }
        )
    };
    assert!(failed.as_ref().is_err_and(is_busy), "{failed:?}");
}

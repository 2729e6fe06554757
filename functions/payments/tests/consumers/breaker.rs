//! `Payments::with_circuit_breaker`: admission of calls, and the outcomes that change the breaker.

use std::{
    future::Future,
    sync::atomic::{AtomicBool, Ordering},
};

use domain::payments::{
    Provider,
    breaker::{Breaker, COOLDOWN, THRESHOLD},
};
use gateways::payments::PaymentError;
use jiff::Timestamp;
use local::emulators::Tables;
use payments::CallError;
use tokio::sync::oneshot;

use crate::world::{World, after, run, soon};

const NAME: &str = Provider::Test.name();

struct Row {
    name: &'static str,
    /// Failures before the call, and their time.
    failures: u32,
    failed_at: Timestamp,
    attempt: u32,
    answer: Result<(), PaymentError>,
    is_called: bool,
    result: &'static str,
    breaker: Breaker,
}

impl Default for Row {
    fn default() -> Self {
        Self {
            name: "",
            failures: 0,
            failed_at: soon(),
            attempt: 1,
            answer: Ok(()),
            is_called: true,
            result: "answered",
            breaker: Breaker::default(),
        }
    }
}

fn unavailable() -> Result<(), PaymentError> {
    Err(PaymentError::Unavailable("bad gateway".into()))
}

fn result(answer: Result<(), CallError>) -> String {
    match answer {
        Ok(()) => "answered".to_owned(),
        Err(error) => error.to_string(),
    }
}

/// A breaker that opened at this time.
fn opened(failures: u32, at: Timestamp) -> Breaker {
    Breaker {
        failures,
        open_until: Some(at + COOLDOWN),
    }
}

async fn call(
    world: &World,
    attempt: u32,
    answer: impl Future<Output = Result<(), PaymentError>>,
) -> String {
    let payments = world.payments();
    let call = payments.with_circuit_breaker(Provider::Test, attempt, soon(), answer);
    result(call.await)
}

async fn check_row(tables: &Tables, row: Row) {
    let Row { name, .. } = row;
    let world = World::start(tables, name, &[]).await;
    let store = &world.shop.store;
    for _ in 0..row.failures {
        store.note_failure(NAME, row.failed_at).await.unwrap();
    }
    let called = AtomicBool::new(false);
    let answer = async {
        called.store(true, Ordering::SeqCst);
        row.answer
    };
    assert_eq!(
        call(&world, row.attempt, answer).await,
        row.result,
        "{name}"
    );
    assert_eq!(called.load(Ordering::SeqCst), row.is_called, "{name}");
    assert_eq!(store.breaker(NAME).await.unwrap(), row.breaker, "{name}");
}

#[test]
fn answers_close_the_breaker_and_missing_ones_open_it() {
    let no_answer = "the provider gave no conclusive answer: bad gateway";
    let rows = [
        Row {
            name: "closed, answered",
            ..Row::default()
        },
        Row {
            name: "an answer forgets earlier failures",
            failures: THRESHOLD - 1,
            ..Row::default()
        },
        Row {
            name: "so does a decline, which is an answer",
            failures: THRESHOLD - 1,
            answer: Err(PaymentError::Declined {
                code: "card_declined".into(),
            }),
            result: "the provider declined the payment: card_declined",
            ..Row::default()
        },
        Row {
            name: "a failure is counted",
            answer: unavailable(),
            result: no_answer,
            breaker: Breaker {
                failures: 1,
                open_until: None,
            },
            ..Row::default()
        },
        Row {
            name: "one failure too many opens it",
            failures: THRESHOLD - 1,
            answer: unavailable(),
            result: no_answer,
            breaker: opened(THRESHOLD, soon()),
            ..Row::default()
        },
        Row {
            name: "a payment that fails again is not counted",
            failures: THRESHOLD - 1,
            attempt: 2,
            answer: unavailable(),
            result: no_answer,
            breaker: Breaker {
                failures: THRESHOLD - 1,
                open_until: None,
            },
            ..Row::default()
        },
        Row {
            name: "open, so not called",
            failures: THRESHOLD,
            is_called: false,
            result: "the circuit breaker is open for another 30s",
            breaker: opened(THRESHOLD, soon()),
            ..Row::default()
        },
        Row {
            name: "open for the rest of the cooldown",
            failures: THRESHOLD,
            failed_at: after(40),
            is_called: false,
            result: "the circuit breaker is open for another 10s",
            breaker: opened(THRESHOLD, after(40)),
            ..Row::default()
        },
        Row {
            name: "open by a clock that is ahead, for one cooldown at most",
            failures: THRESHOLD,
            failed_at: after(6000),
            is_called: false,
            result: "the circuit breaker is open for another 30s",
            breaker: opened(THRESHOLD, after(6000)),
            ..Row::default()
        },
        Row {
            name: "half-open, and the trial is answered",
            failures: THRESHOLD,
            failed_at: after(30),
            ..Row::default()
        },
        Row {
            name: "half-open, and the trial fails",
            failures: THRESHOLD,
            failed_at: after(30),
            answer: unavailable(),
            result: no_answer,
            breaker: opened(THRESHOLD + 1, soon()),
            ..Row::default()
        },
        Row {
            name: "half-open, and a trial on a retry fails, which counts too",
            failures: THRESHOLD,
            failed_at: after(30),
            attempt: 3,
            answer: unavailable(),
            result: no_answer,
            breaker: opened(THRESHOLD + 1, soon()),
            ..Row::default()
        },
    ];
    run(async |tables| {
        for row in rows {
            check_row(&tables, row).await;
        }
    });
}

#[test]
fn a_half_open_breaker_admits_one_call_at_a_time() {
    run(async |tables| {
        let world = World::start(&tables, "one-trial", &[]).await;
        let store = &world.shop.store;
        for _ in 0..THRESHOLD {
            store.note_failure(NAME, after(30)).await.unwrap();
        }
        let (started, starts) = oneshot::channel();
        let (release, released) = oneshot::channel();
        let trial = call(&world, 1, async {
            started.send(()).unwrap();
            released.await.unwrap();
            Ok(())
        });
        let others = async {
            starts.await.unwrap();
            let refused = call(&world, 1, async { panic!("a second trial") }).await;
            assert_eq!(refused, "the circuit breaker is open for another 30s");
            release.send(()).unwrap();
        };
        let (trial, ()) = tokio::join!(trial, others);
        assert_eq!(trial, "answered");
        assert_eq!(store.breaker(NAME).await.unwrap(), Breaker::default());
        assert_eq!(call(&world, 1, async { Ok(()) }).await, "answered");
    });
}

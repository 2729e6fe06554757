//! `Payments::with_circuit_breaker`: admission of calls, and the outcomes that change the breaker.

use std::{
    collections::BTreeSet,
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

use crate::{
    provider::Answer,
    world::{World, after, run, soon},
};

const NAME: &str = Provider::Test.name();

struct Row {
    name: &'static str,
    /// Failures before the call, and their time.
    failures: u32,
    failed_at: Timestamp,
    /// Whether the payment is one of those that failed.
    is_again: bool,
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
            is_again: false,
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

/// A payment that has not failed before.
const PAYMENT: &str = "ord_0";

/// The n-th payment that fails.
fn payment(number: u32) -> String {
    format!("ord_{number}")
}

/// A breaker that has counted this many payments.
fn counted(failures: u32) -> Breaker {
    Breaker {
        failures,
        payments: (1..=failures).map(payment).collect(),
        open_until: None,
    }
}

/// A breaker that opened at this time.
fn opened(failures: u32, at: Timestamp) -> Breaker {
    Breaker {
        open_until: Some(at + COOLDOWN),
        ..counted(failures)
    }
}

async fn call(
    world: &World,
    payment: &str,
    answer: impl Future<Output = Result<(), PaymentError>>,
) -> String {
    let payments = world.payments();
    let call = payments.with_circuit_breaker(Provider::Test, payment, soon(), answer);
    result(call.await)
}

async fn check_row(tables: &Tables, row: Row) {
    let Row { name, .. } = row;
    let world = World::start(tables, name, &[]).await;
    let store = &world.shop.store;
    for number in 1..=row.failures {
        let payment = payment(number);
        let noted = store.note_failure(NAME, Some(&payment), row.failed_at);
        assert_eq!(noted.await.unwrap(), Some(number), "{name}");
    }
    let called = AtomicBool::new(false);
    let answer = async {
        called.store(true, Ordering::SeqCst);
        row.answer
    };
    let payment = match row.is_again {
        true => payment(1),
        false => PAYMENT.to_owned(),
    };
    assert_eq!(call(&world, &payment, answer).await, row.result, "{name}");
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
                payments: BTreeSet::from([PAYMENT.to_owned()]),
                open_until: None,
            },
            ..Row::default()
        },
        Row {
            name: "one failure too many opens it",
            failures: THRESHOLD - 1,
            answer: unavailable(),
            result: no_answer,
            breaker: {
                let mut breaker = opened(THRESHOLD - 1, soon());
                breaker.failures += 1;
                breaker.payments.insert(PAYMENT.to_owned());
                breaker
            },
            ..Row::default()
        },
        Row {
            name: "a payment that fails again is not counted",
            failures: THRESHOLD - 1,
            is_again: true,
            answer: unavailable(),
            result: no_answer,
            breaker: counted(THRESHOLD - 1),
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
            breaker: Breaker {
                failures: THRESHOLD + 1,
                ..opened(THRESHOLD, soon())
            },
            ..Row::default()
        },
        Row {
            name: "half-open, and a trial on a retry fails, which counts too",
            failures: THRESHOLD,
            failed_at: after(30),
            is_again: true,
            answer: unavailable(),
            result: no_answer,
            breaker: Breaker {
                failures: THRESHOLD + 1,
                ..opened(THRESHOLD, soon())
            },
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
        for number in 0..THRESHOLD {
            let payment = payment(number);
            let noted = store.note_failure(NAME, Some(&payment), after(30));
            noted.await.unwrap();
        }
        let (started, starts) = oneshot::channel();
        let (release, released) = oneshot::channel();
        let trial = call(&world, PAYMENT, async {
            started.send(()).unwrap();
            released.await.unwrap();
            Ok(())
        });
        let others = async {
            starts.await.unwrap();
            let refused = call(&world, PAYMENT, async { panic!("a second trial") }).await;
            assert_eq!(refused, "the circuit breaker is open for another 30s");
            release.send(()).unwrap();
        };
        let (trial, ()) = tokio::join!(trial, others);
        assert_eq!(trial, "answered");
        assert_eq!(store.breaker(NAME).await.unwrap(), Breaker::default());
        assert_eq!(call(&world, PAYMENT, async { Ok(()) }).await, "answered");
    });
}

/// The kind: retries. A payment without an answer is retried again and again, at every step and by every
/// consumer; it is one payment, and not the provider.
#[test]
fn one_payment_without_an_answer_does_not_stop_the_others() {
    run(async |tables| {
        let world = World::start(&tables, "one-payment", &[]).await;
        let order = world.shop.order().await;
        for delivery in 0..2 * THRESHOLD {
            // Authorized at first, then captured in vain, and at last, when that is given up, voided in vain.
            let first = match delivery {
                0 => Answer::authorised(),
                _ => Answer::unavailable(),
            };
            world.provider.prepare(vec![first, Answer::unavailable()]);
            let payments = world.payments();
            payments
                .authorize_and_capture(order.id, true, soon())
                .await
                .unwrap_err();
        }
        let breaker = world.shop.store.breaker(NAME).await.unwrap();
        assert_eq!(breaker.failures, 1, "{breaker:?}");
        assert_eq!(breaker.payments, BTreeSet::from([order.id.to_string()]));
        let others = call(&world, PAYMENT, async { Ok(()) }).await;
        assert_eq!(others, "answered");
    });
}

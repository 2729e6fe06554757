//! `Payments::authorize_and_capture`: from a placed order to a captured payment.

use domain::{id::OrderId, payments::PaymentFailure};
use gateways::payments::{KEYS_REMEMBERED, PaymentState};
use jiff::Timestamp;
use local::emulators::Tables;
use payments::ATTEMPTS;

use crate::{
    provider::Answer,
    world::{Change, Placed, World, due, placed_at, result, run, soon},
};

struct Row {
    name: &'static str,
    placed: Placed,
    /// Changes of the order before the delivery.
    before: &'static [Change],
    /// Number of the call to the provider, which did not answer those before it.
    attempt: u32,
    now: Timestamp,
    answers: Vec<Answer>,
    calls: &'static [&'static str],
    result: &'static str,
    order: &'static str,
}

impl Default for Row {
    fn default() -> Self {
        Self {
            name: "",
            placed: Placed::default(),
            before: &[],
            attempt: 1,
            now: soon(),
            answers: Vec::new(),
            calls: &[],
            result: "done",
            order: PENDING,
        }
    }
}

const AUTHORISE: &str = "authorise ORDER, key ORDER, 1700 USD, tok_1, attempt 1";
const AUTHORISE_AGAIN: &str = "authorise ORDER, key ORDER, 1700 USD, tok_1, attempt 2";
const AUTHORISE_LAST: &str = "authorise ORDER, key ORDER, 1700 USD, tok_1, attempt 4";
const CAPTURE: &str = "capture pay_1, key ORDER.capture, 1700 USD";
const VOID: &str = "void pay_1, key ORDER.cancel";

const PENDING: &str = "PendingPayment: no payment Pending";
const AUTHORISED: &str = "PendingPayment: pay_1 Authorised";
const PAID: &str = "Paid: pay_1 Captured 1700";

const NO_ANSWER: &str = "fails: the provider gave no conclusive answer: bad gateway";

fn check(rows: Vec<Row>) {
    run(async |tables| {
        for row in rows {
            check_row(&tables, row).await;
        }
    });
}

async fn check_row(tables: &Tables, row: Row) {
    let Row { name, .. } = row;
    let world = World::with(tables, name, row.placed, row.before).await;
    let payments = world.payments();
    let order_id = world.shop.order_id;
    world.shop.unanswered_before(row.attempt).await;
    world.provider.prepare(row.answers);
    let next = payments
        .authorize_and_capture(order_id, row.attempt > 1, row.now)
        .await;
    let result = result(next);
    assert_eq!(world.provider.calls(), row.calls, "{name}");
    assert_eq!(result, row.result, "{name}");
    assert_eq!(world.shop.summary().await, row.order, "{name}");
    world.shop.stock_must_match(name).await;

    // A duplicate of a message whose order is settled has no effect.
    let before = world.shop.order().await;
    if before.took_money() || before.closed.is_some() {
        world.provider.prepare(Vec::new());
        let again = payments
            .authorize_and_capture(order_id, false, row.now)
            .await;
        assert_eq!(crate::world::result(again), "done", "{name}, again");
        assert_eq!(world.shop.order().await, before, "{name}, again");
    }
}

/// The kind of fault: a message outlives what makes it harmless to repeat. In a payment window of days, the
/// provider forgets the key.
#[test]
fn a_payment_whose_key_is_forgotten_is_looked_up() {
    const FIND: &str = "find payment of ORDER";
    let late = |name| Row {
        name,
        attempt: 2,
        now: placed_at() + KEYS_REMEMBERED,
        ..Row::default()
    };
    let rows = vec![
        Row {
            answers: vec![Answer::authorised(), Answer::captured(1700)],
            calls: &[FIND, CAPTURE],
            order: PAID,
            ..late("authorized by an attempt that nobody recorded")
        },
        Row {
            answers: vec![
                Answer::missing(),
                Answer::authorised(),
                Answer::captured(1700),
            ],
            calls: &[FIND, AUTHORISE_AGAIN, CAPTURE],
            order: PAID,
            ..late("never authorized")
        },
        Row {
            answers: vec![Answer::unavailable()],
            calls: &[FIND],
            result: NO_ANSWER,
            ..late("not to be found out")
        },
    ];
    check(rows);
}

#[test]
fn a_payment_is_authorized_recorded_and_captured() {
    let rows = vec![
        Row {
            name: "approved",
            answers: vec![Answer::authorised(), Answer::captured(1700)],
            calls: &[AUTHORISE, CAPTURE],
            order: PAID,
            ..Row::default()
        },
        Row {
            name: "captured by the authorization itself",
            answers: vec![Answer::captured(1700)],
            calls: &[AUTHORISE],
            order: PAID,
            ..Row::default()
        },
        Row {
            name: "captured in part",
            answers: vec![Answer::authorised(), Answer::captured(1000)],
            calls: &[AUTHORISE, CAPTURE],
            order: "Paid: pay_1 Captured 1000",
            ..Row::default()
        },
        Row {
            name: "free",
            placed: Placed {
                unit_price: 0,
                ..Placed::default()
            },
            order: "Paid: free Captured 0",
            ..Row::default()
        },
        Row {
            name: "died before the capture",
            before: &[Change::Authorised],
            attempt: 2,
            answers: vec![Answer::captured(1700)],
            calls: &[CAPTURE],
            order: PAID,
            ..Row::default()
        },
        Row {
            name: "past due at first",
            now: due(),
            ..Row::default()
        },
        Row {
            name: "past due on a retry",
            now: due(),
            attempt: 2,
            answers: vec![Answer::authorised(), Answer::captured(1700)],
            calls: &[AUTHORISE_AGAIN, CAPTURE],
            order: PAID,
            ..Row::default()
        },
        Row {
            name: "waits for the customer",
            before: &[Change::ActionRequired],
            order: "PendingPayment: pay_1 RequiresAction",
            ..Row::default()
        },
        Row {
            name: "paid before",
            before: &[Change::Authorised, Change::Captured],
            order: PAID,
            ..Row::default()
        },
        Row {
            name: "canceled before",
            before: &[Change::Cancelled],
            order: "Cancelled: no payment Voided",
            ..Row::default()
        },
    ];
    check(rows);
}

#[test]
fn every_answer_to_an_authorization_is_handled() {
    let failed = || PaymentState::Failed {
        code: "do_not_honor".into(),
    };
    let rows = vec![
        Row {
            name: "declined",
            answers: vec![Answer::declined()],
            calls: &[AUTHORISE],
            order: "PaymentFailed: no payment Failed (Declined)",
            ..Row::default()
        },
        Row {
            name: "rejected as a request",
            answers: vec![Answer::refused()],
            calls: &[AUTHORISE],
            order: "PaymentFailed: no payment Failed (ProviderUnavailable)",
            ..Row::default()
        },
        Row {
            name: "no answer, attempt 1",
            answers: vec![Answer::unavailable()],
            calls: &[AUTHORISE],
            result: NO_ANSWER,
            ..Row::default()
        },
        Row {
            name: "no answer, attempt 2",
            attempt: 2,
            answers: vec![Answer::unavailable()],
            calls: &[AUTHORISE_AGAIN],
            result: NO_ANSWER,
            ..Row::default()
        },
        Row {
            name: "no answer, last attempt",
            attempt: ATTEMPTS,
            answers: vec![Answer::unavailable()],
            calls: &[AUTHORISE_LAST],
            order: "PaymentFailed: no payment Failed (ProviderUnavailable)",
            ..Row::default()
        },
        Row {
            name: "silence",
            answers: vec![Answer::silence()],
            calls: &[AUTHORISE],
            result: "fails: the provider gave no conclusive answer: no answer in time",
            ..Row::default()
        },
        Row {
            name: "the customer has to act",
            answers: vec![Answer::payment(PaymentState::RequiresAction)],
            calls: &[AUTHORISE],
            order: "PendingPayment: pay_1 RequiresAction",
            ..Row::default()
        },
        Row {
            name: "not known yet",
            answers: vec![Answer::payment(PaymentState::Processing)],
            calls: &[AUTHORISE],
            order: "PendingPayment: pay_1 RequiresAction",
            ..Row::default()
        },
        Row {
            name: "failed, and the customer may try again",
            answers: vec![Answer::payment(failed())],
            calls: &[AUTHORISE],
            ..Row::default()
        },
        Row {
            name: "voided before",
            answers: vec![Answer::voided()],
            calls: &[AUTHORISE],
            order: "PaymentFailed: no payment Failed (Cancelled)",
            ..Row::default()
        },
        Row {
            name: "captured nothing",
            answers: vec![Answer::captured(0)],
            calls: &[AUTHORISE],
            result: "fails: the provider reports a captured amount of zero; it is asked again",
            ..Row::default()
        },
    ];
    check(rows);
}

#[test]
fn a_payment_that_does_not_match_its_order_is_refused() {
    let other = |edit| vec![Answer::other(PaymentState::Authorised, edit)];
    let rows = vec![
        Row {
            name: "a smaller amount",
            answers: other(|payment| payment.amount = 1699),
            calls: &[AUTHORISE],
            result: "refused",
            ..Row::default()
        },
        Row {
            name: "a larger amount",
            answers: other(|payment| payment.amount = 1701),
            calls: &[AUTHORISE],
            result: "refused",
            ..Row::default()
        },
        Row {
            name: "another currency",
            answers: other(|payment| payment.currency = "EUR".into()),
            calls: &[AUTHORISE],
            result: "refused",
            ..Row::default()
        },
        Row {
            name: "another order",
            answers: other(|payment| {
                payment.order_id = Some(OrderId::random([9; 16]).to_string());
            }),
            calls: &[AUTHORISE],
            result: "refused",
            ..Row::default()
        },
        Row {
            name: "an order that the provider does not know",
            answers: vec![
                Answer::other(PaymentState::Authorised, |payment| payment.order_id = None),
                Answer::captured(1700),
            ],
            calls: &[AUTHORISE, CAPTURE],
            order: PAID,
            ..Row::default()
        },
    ];
    check(rows);
}

#[test]
fn an_order_that_changes_during_the_authorization_is_decided_again() {
    let rows = vec![
        Row {
            name: "expired with its stock",
            answers: vec![
                Answer::authorised().after(&[Change::Expired]),
                Answer::captured(1700),
            ],
            calls: &[AUTHORISE, CAPTURE],
            order: PAID,
            ..Row::default()
        },
        Row {
            name: "expired without its stock",
            answers: vec![
                Answer::authorised().after(&[Change::Expired, Change::SoldOut]),
                Answer::voided(),
            ],
            calls: &[AUTHORISE, VOID],
            order: "Expired: no payment Voided",
            ..Row::default()
        },
        Row {
            name: "canceled",
            answers: vec![
                Answer::authorised().after(&[Change::Cancelled]),
                Answer::voided(),
            ],
            calls: &[AUTHORISE, VOID],
            order: "Cancelled: no payment Voided",
            ..Row::default()
        },
        Row {
            name: "canceled, but captured at the provider",
            answers: vec![
                Answer::authorised().after(&[Change::Cancelled]),
                Answer::captured(1700),
            ],
            calls: &[AUTHORISE, VOID],
            order: "Cancelled: pay_1 Captured 1700, refund 1700 Requested",
            ..Row::default()
        },
        Row {
            name: "canceled, and the void has no answer",
            answers: vec![
                Answer::authorised().after(&[Change::Cancelled]),
                Answer::unavailable(),
            ],
            calls: &[AUTHORISE, VOID],
            result: NO_ANSWER,
            order: "Cancelled: no payment Voided",
            ..Row::default()
        },
        Row {
            name: "canceled, and the breaker opens",
            answers: vec![Answer::authorised().after(&[Change::Cancelled, Change::BreakerOpens])],
            calls: &[AUTHORISE],
            result: "fails: the circuit breaker opened before the authorization was voided",
            order: "Cancelled: no payment Voided",
            ..Row::default()
        },
        Row {
            name: "captured without authorization, and expired without its stock",
            answers: vec![Answer::captured(1700).after(&[Change::Expired, Change::SoldOut])],
            calls: &[AUTHORISE],
            order: "Expired: pay_1 Captured 1700, refund 1700 Requested",
            ..Row::default()
        },
        Row {
            name: "authorized by another delivery",
            answers: vec![
                Answer::authorised().after(&[Change::Authorised]),
                Answer::captured(1700),
            ],
            calls: &[AUTHORISE, CAPTURE],
            order: PAID,
            ..Row::default()
        },
        Row {
            name: "paid by another delivery",
            answers: vec![Answer::authorised().after(&[Change::Authorised, Change::Captured])],
            calls: &[AUTHORISE],
            order: PAID,
            ..Row::default()
        },
        Row {
            name: "declined, and canceled",
            answers: vec![Answer::declined().after(&[Change::Cancelled])],
            calls: &[AUTHORISE],
            order: "Cancelled: no payment Voided",
            ..Row::default()
        },
    ];
    check(rows);
}

#[test]
fn every_answer_to_a_capture_is_handled() {
    let row = |name, attempt, answers, calls, result, order| Row {
        name,
        before: &[Change::Authorised],
        attempt,
        answers,
        calls,
        result,
        order,
        ..Row::default()
    };
    let unavailable = "PaymentFailed: pay_1 Failed (ProviderUnavailable)";
    let canceled = "PaymentFailed: pay_1 Failed (Cancelled)";
    let rows = vec![
        row(
            "voided at the provider",
            1,
            vec![Answer::voided()],
            &[CAPTURE],
            "done",
            canceled,
        ),
        row(
            "failed at the provider",
            1,
            vec![Answer::payment(PaymentState::Failed {
                code: "expired".into(),
            })],
            &[CAPTURE],
            "done",
            canceled,
        ),
        row(
            "still authorized",
            1,
            vec![Answer::authorised()],
            &[CAPTURE],
            "fails: the capture ended in the unexpected state Authorised",
            AUTHORISED,
        ),
        row(
            "no answer, attempt 1",
            1,
            vec![Answer::unavailable()],
            &[CAPTURE],
            "fails: bad gateway",
            AUTHORISED,
        ),
        row(
            "no answer, last attempt, then voided",
            ATTEMPTS,
            vec![Answer::unavailable(), Answer::voided()],
            &[CAPTURE, VOID],
            "done",
            unavailable,
        ),
        row(
            "no answer, last attempt, but captured",
            ATTEMPTS,
            vec![Answer::unavailable(), Answer::captured(1700)],
            &[CAPTURE, VOID],
            "done",
            PAID,
        ),
        row(
            "no answer, last attempt, nor to the void",
            ATTEMPTS,
            vec![Answer::unavailable(), Answer::unavailable()],
            &[CAPTURE, VOID],
            NO_ANSWER,
            AUTHORISED,
        ),
        row(
            "declined, then voided",
            1,
            vec![Answer::declined(), Answer::voided()],
            &[CAPTURE, VOID],
            "done",
            unavailable,
        ),
        row(
            "rejected as a request, then voided",
            1,
            vec![Answer::refused(), Answer::voided()],
            &[CAPTURE, VOID],
            "done",
            unavailable,
        ),
        row(
            "captured by another delivery meanwhile",
            1,
            vec![Answer::captured(1700).after(&[Change::Captured])],
            &[CAPTURE],
            "done",
            PAID,
        ),
    ];
    check(rows);
}

#[test]
fn a_closed_order_is_voided_on_a_retry() {
    let closed = "Cancelled: no payment Voided";
    let row = |name, before, attempt, answers, calls, result, order| Row {
        name,
        before,
        attempt,
        answers,
        calls,
        result,
        order,
        ..Row::default()
    };
    let rows = vec![
        row(
            "authorized before",
            &[Change::Cancelled],
            2,
            vec![Answer::authorised(), Answer::voided()],
            &[AUTHORISE_AGAIN, VOID],
            "done",
            closed,
        ),
        row(
            "captured before",
            &[Change::Cancelled],
            2,
            vec![Answer::captured(1700), Answer::captured(1700)],
            &[AUTHORISE_AGAIN, VOID],
            "done",
            "Cancelled: pay_1 Captured 1700, refund 1700 Requested",
        ),
        row(
            "declined before",
            &[Change::Cancelled],
            2,
            vec![Answer::declined()],
            &[AUTHORISE_AGAIN],
            "done",
            closed,
        ),
        row(
            "without an answer still",
            &[Change::Cancelled],
            2,
            vec![Answer::unavailable()],
            &[AUTHORISE_AGAIN],
            NO_ANSWER,
            closed,
        ),
        row(
            "with a known payment, which the refunds' consumer voids",
            &[Change::ActionRequired, Change::Cancelled],
            2,
            vec![],
            &[],
            "done",
            "Cancelled: pay_1 Voided",
        ),
        row(
            "failed without an answer",
            &[Change::Failed(PaymentFailure::ProviderUnavailable)],
            2,
            vec![Answer::authorised(), Answer::voided()],
            &[AUTHORISE_AGAIN, VOID],
            "done",
            "PaymentFailed: no payment Failed (ProviderUnavailable)",
        ),
    ];
    check(rows);
}

#[test]
fn an_open_breaker_makes_every_call_wait() {
    let row = |name, before, attempt, order| Row {
        name,
        before,
        attempt,
        result: "wait 30 s",
        order,
        ..Row::default()
    };
    let rows = vec![
        row("to authorize", &[Change::BreakerOpens], 1, PENDING),
        row(
            "to capture",
            &[Change::Authorised, Change::BreakerOpens],
            2,
            AUTHORISED,
        ),
        row(
            "to void",
            &[Change::Cancelled, Change::BreakerOpens],
            2,
            "Cancelled: no payment Voided",
        ),
    ];
    check(rows);
}

#[test]
fn an_unknown_order_fails_its_message() {
    run(async |tables| {
        let world = World::start(&tables, "unknown", &[]).await;
        let unknown = OrderId::random([9; 16]);
        let payments = world.payments();
        let next = payments.authorize_and_capture(unknown, false, soon()).await;
        assert_eq!(result(next), format!("fails: order {unknown} not found"));
        let next = payments.refund_or_void(unknown, soon()).await;
        assert_eq!(result(next), format!("fails: order {unknown} not found"));
    });
}

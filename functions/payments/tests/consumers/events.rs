//! `handle-payment-event`: webhook events, whose payment is read from the provider.

use domain::{
    event::{Envelope, Event},
    id::OrderId,
    payments::{PaymentFailure, Provider},
    trace::TraceParent,
};
use gateways::payments::{PaymentState, ProviderPayment};
use jiff::Timestamp;
use local::emulators::Tables;
use runtime::{Consumer, Delivery};
use serde_json::Value;
use store::PaymentEvent;

use crate::{
    handle_payment_event::HandlePaymentEvent,
    provider::{Answer, captured},
    queue::Queue,
    world::{Change, PAYMENT, Placed, WINDOW, World, due, placed_at, run, soon},
};

const EVENT: &str = "evt_1";
const READ: &str = "read pay_1";
const CAPTURE: &str = "capture pay_1, key ORDER.capture, 1700 USD";
const VOID: &str = "void pay_1, key ORDER.cancel";
const PENDING: &str = "PendingPayment: no payment Pending";
const PAID: &str = "Paid: pay_1 Captured 1700";
const NO_ANSWER: &str = "fails: the provider gave no conclusive answer: bad gateway";

struct Row {
    name: &'static str,
    placed: Placed,
    /// Changes of the order before the event.
    before: &'static [Change],
    payment_id: Option<&'static str>,
    /// Whether the event itself names the order.
    names_order: bool,
    answers: Vec<Answer>,
    calls: &'static [&'static str],
    result: &'static str,
    /// Outcome that is stored with the event; empty if none is.
    outcome: &'static str,
    order: &'static str,
}

impl Default for Row {
    fn default() -> Self {
        Self {
            name: "",
            placed: Placed::default(),
            before: &[],
            payment_id: Some(PAYMENT),
            names_order: false,
            answers: Vec::new(),
            calls: &[READ],
            result: "ok",
            outcome: "done",
            order: PENDING,
        }
    }
}

/// The outcome that is stored with the event.
fn outcome(tables: &Tables, table: &str) -> String {
    let items = tables.items(table).unwrap();
    let mut events = items
        .iter()
        .filter(|item| item["entity_type"]["S"] == "payment_event");
    let event: &Value = events.next().unwrap();
    event["outcome"]["S"]
        .as_str()
        .unwrap_or_default()
        .to_owned()
}

fn received(event_id: &str) -> Envelope {
    Envelope {
        event_id: format!("test.{event_id}"),
        occurred_at: placed_at(),
        trace_id: "request-2".into(),
        traceparent: TraceParent::begin("request-2"),
        attempts: 0,
        requeues: 0,
        event: Event::ProviderEventReceived {
            provider: Provider::Test,
            provider_event_id: event_id.to_owned(),
        },
    }
}

async fn deliver(world: &World, queue: &Queue, event_id: &str) -> String {
    let consumer = HandlePaymentEvent {
        payments: world.payments(),
        own_queue: queue.own(),
    };
    let delivery = Delivery {
        message: received(event_id),
        attempt: 1,
        now: soon(),
    };
    match consumer.handle(delivery).await {
        Ok(()) => "ok".to_owned(),
        Err(error) => format!("fails: {error}"),
    }
}

async fn check_row(tables: &Tables, row: Row) {
    let name = row.name;
    check_named(tables, name, row).await;
}

async fn check_named(tables: &Tables, name: &str, row: Row) -> World {
    let world = World::with(tables, name, row.placed, row.before).await;
    let queue = Queue::open(tables).await;
    let event = PaymentEvent {
        provider: Provider::Test,
        event_id: EVENT.to_owned(),
        kind: "payment.changed".to_owned(),
        payment_id: row.payment_id.map(str::to_owned),
        order_id: row.names_order.then(|| world.shop.order_id.to_string()),
        body: "{}".to_owned(),
        received_at: placed_at(),
        trace_id: "request-2".to_owned(),
        traceparent: TraceParent::begin("request-2"),
    };
    assert!(world.shop.store.keep_payment_event(&event).await.unwrap());
    world.provider.prepare(row.answers);
    let result = deliver(&world, &queue, EVENT).await;
    assert_eq!(world.provider.calls(), row.calls, "{name}");
    assert_eq!(result, row.result, "{name}");
    assert_eq!(world.shop.summary().await, row.order, "{name}");
    assert_eq!(outcome(tables, &world.table), row.outcome, "{name}");
    world.shop.stock_must_match(name).await;
    // A message is requeued if nothing failed and the event still has no outcome.
    let waits = row.result == "ok" && row.outcome.is_empty();
    assert_eq!(queue.sent().len(), usize::from(waits), "{name}");
    if waits {
        let want = received(EVENT).requeue(1).unwrap();
        assert_eq!(queue.sent()[0].message, want, "{name}");
    }
    world
}

fn check(rows: Vec<Row>) {
    run(async |tables| {
        for row in rows {
            check_row(&tables, row).await;
        }
    });
}

#[test]
fn an_order_is_brought_to_the_state_of_its_payment() {
    let rows = vec![
        Row {
            name: "authorized",
            before: &[Change::ActionRequired],
            answers: vec![Answer::authorised(), Answer::captured(1700)],
            calls: &[READ, CAPTURE],
            order: PAID,
            ..Row::default()
        },
        Row {
            name: "captured",
            before: &[Change::Authorised],
            answers: vec![Answer::captured(1700)],
            order: PAID,
            ..Row::default()
        },
        Row {
            name: "captured before the order knows of the payment",
            answers: vec![Answer::captured(1700)],
            order: PAID,
            ..Row::default()
        },
        Row {
            name: "captured and partly refunded",
            before: &[Change::Authorised],
            answers: vec![Answer::payment(PaymentState::Captured {
                amount: 1700,
                refunded: 500,
            })],
            order: PAID,
            ..Row::default()
        },
        Row {
            name: "captured nothing",
            before: &[Change::Authorised],
            answers: vec![Answer::captured(0)],
            result: "fails: the provider reports a captured amount of zero; it is asked again",
            outcome: "",
            order: "PendingPayment: pay_1 Authorised",
            ..Row::default()
        },
        Row {
            name: "voided at the provider",
            before: &[Change::ActionRequired],
            answers: vec![Answer::voided()],
            order: "PaymentFailed: pay_1 Failed (Cancelled)",
            ..Row::default()
        },
        Row {
            name: "failed, and the customer may try again",
            before: &[Change::ActionRequired],
            answers: vec![Answer::payment(PaymentState::Failed {
                code: "card_declined".into(),
            })],
            order: "PendingPayment: pay_1 RequiresAction",
            ..Row::default()
        },
        Row {
            name: "the customer has to act",
            answers: vec![Answer::payment(PaymentState::RequiresAction)],
            order: "PendingPayment: pay_1 RequiresAction",
            ..Row::default()
        },
        Row {
            name: "already paid",
            before: &[Change::Authorised, Change::Captured],
            answers: vec![Answer::captured(1700)],
            order: PAID,
            ..Row::default()
        },
        Row {
            name: "an old event of a paid order",
            before: &[Change::Authorised, Change::Captured],
            answers: vec![Answer::authorised()],
            order: PAID,
            ..Row::default()
        },
        Row {
            name: "named by the event only",
            before: &[Change::ActionRequired],
            names_order: true,
            answers: vec![
                Answer::other(PaymentState::Authorised, |payment| payment.order_id = None),
                Answer::captured(1700),
            ],
            calls: &[READ, CAPTURE],
            order: PAID,
            ..Row::default()
        },
    ];
    check(rows);
}

/// The kind: one caller keeps the shop sold out for free. An order of somebody who never confirms is held for
/// a short time, and one of somebody who has begun for the whole window.
#[test]
fn the_stock_is_held_for_those_who_have_begun_to_confirm() {
    async fn due_after(tables: &Tables, name: &str, state: PaymentState) -> Timestamp {
        let row = Row {
            name: "",
            before: &[Change::ActionRequired],
            answers: vec![Answer::payment(state)],
            order: "PendingPayment: pay_1 RequiresAction",
            ..Row::default()
        };
        check_named(tables, name, row)
            .await
            .shop
            .order()
            .await
            .due_at
    }
    run(async |tables| {
        let asked = due_after(&tables, "asked", PaymentState::RequiresAction).await;
        assert_eq!(asked, due());
        for (name, state) in [
            ("at-the-bank", PaymentState::Confirming),
            ("processing", PaymentState::Processing),
        ] {
            let begun = due_after(&tables, name, state).await;
            assert_eq!(begun, placed_at() + WINDOW, "{name}");
        }
    });
}

#[test]
fn a_late_payment_takes_the_stock_or_is_returned() {
    let rows = vec![
        Row {
            name: "authorized, with its stock",
            before: &[Change::ActionRequired, Change::Expired],
            answers: vec![Answer::authorised(), Answer::captured(1700)],
            calls: &[READ, CAPTURE],
            order: PAID,
            ..Row::default()
        },
        Row {
            name: "authorized, without its stock",
            before: &[Change::ActionRequired, Change::Expired, Change::SoldOut],
            answers: vec![Answer::authorised(), Answer::voided()],
            calls: &[READ, VOID],
            order: "Expired: pay_1 Voided",
            ..Row::default()
        },
        Row {
            name: "authorized, although canceled",
            before: &[Change::ActionRequired, Change::Cancelled],
            answers: vec![Answer::authorised(), Answer::voided()],
            calls: &[READ, VOID],
            order: "Cancelled: pay_1 Voided",
            ..Row::default()
        },
        Row {
            name: "captured, with its stock",
            before: &[Change::ActionRequired, Change::Expired],
            answers: vec![Answer::captured(1700)],
            order: PAID,
            ..Row::default()
        },
        Row {
            name: "captured, without its stock",
            before: &[Change::ActionRequired, Change::Expired, Change::SoldOut],
            answers: vec![Answer::captured(1700)],
            order: "Expired: pay_1 Captured 1700, refund 1700 Requested",
            ..Row::default()
        },
        Row {
            name: "captured, although canceled",
            before: &[Change::ActionRequired, Change::Cancelled],
            answers: vec![Answer::captured(1700)],
            order: "Cancelled: pay_1 Captured 1700, refund 1700 Requested",
            ..Row::default()
        },
        Row {
            name: "canceled at the provider and here",
            before: &[Change::ActionRequired, Change::Cancelled],
            answers: vec![Answer::voided()],
            order: "Cancelled: pay_1 Voided",
            ..Row::default()
        },
    ];
    check(rows);
}

/// The kind of fault: money that contradicts what the customer was told. Who was told that nothing was charged has
/// perhaps ordered again, and is not charged late.
#[test]
fn a_payment_after_its_denial_is_returned() {
    const TOLD: &[Change] = &[
        Change::ActionRequired,
        Change::Expired,
        Change::UnpaidNotice,
    ];
    const EXPIRED: &[Change] = &[Change::ActionRequired, Change::Expired];
    const VOIDED: &str = "Expired: pay_1 Voided";
    const RETURNED: &str = "Expired: pay_1 Captured 1700, refund 1700 Requested";
    let rows = vec![
        Row {
            name: "authorized late",
            before: TOLD,
            answers: vec![Answer::authorised(), Answer::voided()],
            calls: &[READ, VOID],
            order: VOIDED,
            ..Row::default()
        },
        Row {
            name: "captured late",
            before: TOLD,
            answers: vec![Answer::captured(1700)],
            order: RETURNED,
            ..Row::default()
        },
        Row {
            name: "told after a failure",
            before: &[
                Change::ActionRequired,
                Change::Failed(PaymentFailure::Declined),
                Change::UnpaidNotice,
            ],
            answers: vec![Answer::captured(1700)],
            order: "PaymentFailed: pay_1 Captured (Declined) 1700, refund 1700 Requested",
            ..Row::default()
        },
        Row {
            name: "told while the provider was asked",
            before: EXPIRED,
            answers: vec![Answer::captured(1700).after(&[Change::UnpaidNotice])],
            order: RETURNED,
            ..Row::default()
        },
        Row {
            name: "told while the provider was asked, and authorized",
            before: EXPIRED,
            answers: vec![
                Answer::authorised().after(&[Change::UnpaidNotice]),
                Answer::voided(),
            ],
            calls: &[READ, VOID],
            order: VOIDED,
            ..Row::default()
        },
        Row {
            name: "told, and captured before it was voided",
            before: TOLD,
            answers: vec![Answer::authorised(), Answer::captured(1700)],
            calls: &[READ, VOID],
            order: RETURNED,
            ..Row::default()
        },
    ];
    check(rows);
}

#[test]
fn an_event_that_does_not_fit_changes_nothing() {
    fn other(edit: fn(&mut ProviderPayment)) -> Vec<Answer> {
        vec![Answer::other(captured(1700), edit)]
    }
    let refused = |name, answers| Row {
        name,
        before: &[Change::Authorised],
        answers,
        outcome: "refused",
        order: "PendingPayment: pay_1 Authorised",
        ..Row::default()
    };
    let rows = vec![
        refused("another amount", other(|payment| payment.amount = 17)),
        refused(
            "another currency",
            other(|payment| payment.currency = "JPY".into()),
        ),
        refused(
            "another payment",
            other(|payment| payment.payment_id = "pay_2".into()),
        ),
        refused("a payment that does not exist", vec![Answer::missing()]),
        Row {
            name: "another provider",
            placed: Placed {
                provider: Provider::Stripe,
                ..Placed::default()
            },
            answers: vec![Answer::captured(1700)],
            outcome: "refused",
            ..Row::default()
        },
        Row {
            name: "without a payment",
            payment_id: None,
            names_order: true,
            calls: &[],
            outcome: "ignored",
            ..Row::default()
        },
        Row {
            name: "an unknown order",
            answers: other(|payment| {
                payment.order_id = Some(OrderId::random([9; 16]).to_string());
            }),
            outcome: "unknown_order",
            ..Row::default()
        },
        Row {
            name: "an order of another shop",
            answers: other(|payment| payment.order_id = Some("4711".into())),
            outcome: "unknown_order",
            ..Row::default()
        },
        Row {
            name: "no order at all",
            answers: other(|payment| payment.order_id = None),
            outcome: "unknown_order",
            ..Row::default()
        },
        Row {
            name: "no answer",
            answers: vec![Answer::unavailable()],
            result: NO_ANSWER,
            outcome: "",
            ..Row::default()
        },
        Row {
            name: "rejected as a request",
            answers: vec![Answer::refused()],
            result: "fails: the provider rejected the request: wrong key",
            outcome: "",
            ..Row::default()
        },
    ];
    check(rows);
}

#[test]
fn an_open_breaker_makes_the_event_wait() {
    let rows = vec![
        Row {
            name: "before the payment is read",
            before: &[Change::BreakerOpens],
            calls: &[],
            outcome: "",
            ..Row::default()
        },
        Row {
            name: "before the payment is captured",
            answers: vec![Answer::authorised().after(&[Change::BreakerOpens])],
            outcome: "",
            order: "PendingPayment: pay_1 Authorised",
            ..Row::default()
        },
    ];
    check(rows);
}

#[test]
fn an_event_delivered_twice_has_one_effect_and_one_that_is_unknown_fails() {
    run(async |tables| {
        let row = Row {
            name: "twice",
            before: &[Change::ActionRequired],
            answers: vec![Answer::authorised(), Answer::captured(1700)],
            calls: &[READ, CAPTURE],
            order: PAID,
            ..Row::default()
        };
        check_row(&tables, row).await;
        let world = World::start(&tables, "again", &[Change::Authorised, Change::Captured]).await;
        let queue = Queue::open(&tables).await;
        assert_eq!(
            deliver(&world, &queue, "evt_unknown").await,
            "fails: event evt_unknown not found"
        );
        assert_eq!(world.provider.calls(), [""; 0]);
    });
}

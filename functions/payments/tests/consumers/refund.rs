//! `Payments::refund_or_void`: requested refunds, and authorizations of closed orders.

use domain::payments::PaymentFailure;
use gateways::payments::{KEYS_REMEMBERED, PaymentState, RefundState};
use jiff::{SignedDuration, Timestamp};
use local::emulators::Tables;

use crate::{
    provider::Answer,
    world::{Change, World, placed_at, result, run, soon},
};

struct Row {
    name: &'static str,
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
            before: &[],
            attempt: 1,
            now: soon(),
            answers: Vec::new(),
            calls: &[],
            result: "done",
            order: "",
        }
    }
}

const PAID: &[Change] = &[Change::Authorised, Change::Captured];
const REFUND_500: &[Change] = &[
    Change::Authorised,
    Change::Captured,
    Change::RefundRequested(500),
];
const REFUND_ALL: &[Change] = &[
    Change::Authorised,
    Change::Captured,
    Change::RefundRequested(1700),
];
const TWO_REFUNDS: &[Change] = &[
    Change::Authorised,
    Change::Captured,
    Change::RefundRequested(500),
    Change::RefundRequested(300),
];
const NO_ANSWER: &str = "fails: the provider gave no conclusive answer: bad gateway";
const VOID: &str = "void pay_1, key ORDER.cancel";
const AUTHORISE_AGAIN: &str = "authorise ORDER, key ORDER, 1700 USD, tok_1, attempt 2";

fn failed() -> RefundState {
    RefundState::Failed {
        code: "lost_or_stolen_card".into(),
    }
}

fn check(rows: Vec<Row>) {
    run(async |tables| {
        for row in rows {
            check_row(&tables, row).await;
        }
    });
}

async fn check_row(tables: &Tables, row: Row) {
    let Row { name, .. } = row;
    let world = World::start(tables, name, row.before).await;
    let payments = world.payments();
    let order_id = world.shop.order_id;
    world.shop.unanswered_before(row.attempt).await;
    world.provider.prepare(row.answers);
    let next = payments.refund_or_void(order_id, row.now).await;
    let result = result(next);
    assert_eq!(world.provider.calls(), row.calls, "{name}");
    assert_eq!(result, row.result, "{name}");
    assert_eq!(world.shop.summary().await, row.order, "{name}");
    world.shop.stock_must_match(name).await;

    // A settled refund is not requested from the provider again.
    let before = world.shop.order().await;
    if before.took_money() && result == "done" && !row.order.contains("Requested") {
        world.provider.prepare(Vec::new());
        let again = payments.refund_or_void(order_id, row.now).await;
        assert_eq!(crate::world::result(again), "done", "{name}, again");
        assert_eq!(world.shop.order().await, before, "{name}, again");
    }
}

#[test]
fn requested_refunds_are_made_once() {
    let all = vec![
        Row {
            name: "in part",
            before: REFUND_500,
            answers: vec![Answer::refund(RefundState::Succeeded)],
            calls: &["refund pay_1, key REFUND-1, 500 USD"],
            order: "PartiallyRefunded: pay_1 PartiallyRefunded 1700, refund 500 Succeeded",
            ..Row::default()
        },
        Row {
            name: "in full",
            before: REFUND_ALL,
            answers: vec![Answer::refund(RefundState::Succeeded)],
            calls: &["refund pay_1, key REFUND-1, 1700 USD"],
            order: "Refunded: pay_1 Refunded 1700, refund 1700 Succeeded",
            ..Row::default()
        },
        Row {
            name: "of a canceled order",
            before: &[Change::Authorised, Change::Captured, Change::Cancelled],
            answers: vec![Answer::refund(RefundState::Succeeded)],
            calls: &["refund pay_1, key REFUND-1, 1700 USD"],
            order: "Cancelled: pay_1 Refunded 1700, refund 1700 Succeeded",
            ..Row::default()
        },
        Row {
            name: "pending, which the provider guarantees",
            before: REFUND_500,
            answers: vec![Answer::refund(RefundState::Pending)],
            calls: &["refund pay_1, key REFUND-1, 500 USD"],
            order: "PartiallyRefunded: pay_1 PartiallyRefunded 1700, refund 500 Succeeded",
            ..Row::default()
        },
        Row {
            name: "failed",
            before: REFUND_500,
            answers: vec![Answer::refund(failed())],
            calls: &["refund pay_1, key REFUND-1, 500 USD"],
            order: "Paid: pay_1 Captured 1700, refund 500 Failed",
            ..Row::default()
        },
        Row {
            name: "declined",
            before: REFUND_500,
            answers: vec![Answer::declined()],
            calls: &["refund pay_1, key REFUND-1, 500 USD"],
            order: "Paid: pay_1 Captured 1700, refund 500 Failed",
            ..Row::default()
        },
        Row {
            name: "rejected as a request",
            before: REFUND_500,
            answers: vec![Answer::refused()],
            calls: &["refund pay_1, key REFUND-1, 500 USD"],
            order: "Paid: pay_1 Captured 1700, refund 500 Failed",
            ..Row::default()
        },
        Row {
            name: "without an answer",
            before: REFUND_500,
            attempt: 9,
            answers: vec![Answer::unavailable()],
            calls: &["refund pay_1, key REFUND-1, 500 USD"],
            result: NO_ANSWER,
            order: "Paid: pay_1 Captured 1700, refund 500 Requested",
            ..Row::default()
        },
        Row {
            name: "settled by another delivery meanwhile",
            before: REFUND_500,
            answers: vec![Answer::refund(failed()).after(&[Change::RefundSettled])],
            calls: &["refund pay_1, key REFUND-1, 500 USD"],
            order: "PartiallyRefunded: pay_1 PartiallyRefunded 1700, refund 500 Succeeded",
            ..Row::default()
        },
        Row {
            name: "not requested",
            before: PAID,
            order: "Paid: pay_1 Captured 1700",
            ..Row::default()
        },
    ];
    check(all);
}

#[test]
fn several_refunds_are_settled_one_by_one() {
    let rows = vec![
        Row {
            name: "both succeed",
            before: TWO_REFUNDS,
            answers: vec![
                Answer::refund(RefundState::Succeeded),
                Answer::refund(RefundState::Succeeded),
            ],
            calls: &[
                "refund pay_1, key REFUND-1, 500 USD",
                "refund pay_1, key REFUND-2, 300 USD",
            ],
            order: "PartiallyRefunded: pay_1 PartiallyRefunded 1700, refund 500 Succeeded, \
                    refund 300 Succeeded",
            ..Row::default()
        },
        Row {
            name: "the first fails",
            before: TWO_REFUNDS,
            answers: vec![
                Answer::refund(failed()),
                Answer::refund(RefundState::Succeeded),
            ],
            calls: &[
                "refund pay_1, key REFUND-1, 500 USD",
                "refund pay_1, key REFUND-2, 300 USD",
            ],
            order: "PartiallyRefunded: pay_1 PartiallyRefunded 1700, refund 500 Failed, \
                    refund 300 Succeeded",
            ..Row::default()
        },
        Row {
            name: "the second has no answer",
            before: TWO_REFUNDS,
            answers: vec![
                Answer::refund(RefundState::Succeeded),
                Answer::unavailable(),
            ],
            calls: &[
                "refund pay_1, key REFUND-1, 500 USD",
                "refund pay_1, key REFUND-2, 300 USD",
            ],
            result: NO_ANSWER,
            order: "PartiallyRefunded: pay_1 PartiallyRefunded 1700, refund 500 Succeeded, \
                    refund 300 Requested",
            ..Row::default()
        },
        Row {
            name: "the first was settled before",
            before: &[
                Change::Authorised,
                Change::Captured,
                Change::RefundRequested(500),
                Change::RefundSettled,
                Change::RefundRequested(300),
            ],
            answers: vec![Answer::refund(RefundState::Succeeded)],
            calls: &["refund pay_1, key REFUND-2, 300 USD"],
            order: "PartiallyRefunded: pay_1 PartiallyRefunded 1700, refund 500 Succeeded, \
                    refund 300 Succeeded",
            ..Row::default()
        },
        Row {
            name: "one more is requested meanwhile, by a message of its own",
            before: REFUND_500,
            answers: vec![
                Answer::refund(RefundState::Succeeded).after(&[Change::RefundRequested(300)]),
            ],
            calls: &["refund pay_1, key REFUND-1, 500 USD"],
            order: "PartiallyRefunded: pay_1 PartiallyRefunded 1700, refund 500 Succeeded, \
                    refund 300 Requested",
            ..Row::default()
        },
    ];
    check(rows);
}

/// The time at which a message is redriven from a dead-letter queue.
fn redriven() -> Timestamp {
    soon() + SignedDuration::from_hours(24 * 17)
}

/// The kind of fault: a message outlives what makes it harmless to repeat. The provider has forgotten the key,
/// and would pay the refund again.
#[test]
fn a_refund_whose_key_is_forgotten_is_looked_up() {
    const FIND: &str = "find REFUND-1 of pay_1";
    const REFUND: &str = "refund pay_1, key REFUND-1, 500 USD";
    const REFUNDED: &str = "PartiallyRefunded: pay_1 PartiallyRefunded 1700, refund 500 Succeeded";
    const REQUESTED: &str = "Paid: pay_1 Captured 1700, refund 500 Requested";
    let late = |name| Row {
        name,
        before: REFUND_500,
        now: redriven(),
        ..Row::default()
    };
    let rows = vec![
        Row {
            now: soon() + KEYS_REMEMBERED - SignedDuration::from_secs(1),
            answers: vec![Answer::refund(RefundState::Succeeded)],
            calls: &[REFUND],
            order: REFUNDED,
            ..late("the key is remembered")
        },
        Row {
            now: soon() + KEYS_REMEMBERED,
            answers: vec![Answer::refund(RefundState::Succeeded)],
            calls: &[FIND],
            order: REFUNDED,
            ..late("paid by an attempt that nobody recorded")
        },
        Row {
            answers: vec![Answer::refund(RefundState::Pending)],
            calls: &[FIND],
            order: REFUNDED,
            ..late("on its way")
        },
        Row {
            answers: vec![Answer::refund(failed())],
            calls: &[FIND],
            order: "Paid: pay_1 Captured 1700, refund 500 Failed",
            ..late("failed before")
        },
        Row {
            answers: vec![Answer::missing(), Answer::refund(RefundState::Succeeded)],
            calls: &[FIND, REFUND],
            order: REFUNDED,
            ..late("never paid")
        },
        Row {
            answers: vec![Answer::unavailable()],
            calls: &[FIND],
            result: NO_ANSWER,
            order: REQUESTED,
            ..late("not to be found out")
        },
    ];
    check(rows);
}

/// The kind of fault: a message outlives what makes it harmless to repeat. An authorization with a forgotten key
/// would be a second one.
#[test]
fn a_payment_whose_key_is_forgotten_is_looked_up_and_voided() {
    const FIND: &str = "find payment of ORDER";
    const ORDER: &str = "PaymentFailed: no payment Failed (ProviderUnavailable)";
    let late = |name| Row {
        name,
        before: &[Change::Failed(PaymentFailure::ProviderUnavailable)],
        now: placed_at() + KEYS_REMEMBERED,
        order: ORDER,
        ..Row::default()
    };
    let rows = vec![
        Row {
            answers: vec![Answer::authorised(), Answer::voided()],
            calls: &[FIND, VOID],
            ..late("there is one")
        },
        Row {
            answers: vec![Answer::missing()],
            calls: &[FIND],
            ..late("there is none to void")
        },
        Row {
            answers: vec![Answer::unavailable()],
            calls: &[FIND],
            result: NO_ANSWER,
            ..late("there may be one")
        },
    ];
    check(rows);
}

#[test]
fn the_authorization_of_a_closed_order_is_voided() {
    let expired = &[Change::ActionRequired, Change::Expired];
    let rows = vec![
        Row {
            name: "expired",
            before: expired,
            answers: vec![Answer::voided()],
            calls: &[VOID],
            order: "Expired: pay_1 Voided",
            ..Row::default()
        },
        Row {
            name: "canceled",
            before: &[Change::ActionRequired, Change::Cancelled],
            answers: vec![Answer::voided()],
            calls: &[VOID],
            order: "Cancelled: pay_1 Voided",
            ..Row::default()
        },
        Row {
            name: "voided before",
            before: expired,
            attempt: 2,
            answers: vec![Answer::voided()],
            calls: &[VOID],
            order: "Expired: pay_1 Voided",
            ..Row::default()
        },
        Row {
            name: "still in progress at the provider",
            before: expired,
            answers: vec![Answer::payment(PaymentState::Processing)],
            calls: &[VOID],
            order: "Expired: pay_1 Voided",
            ..Row::default()
        },
        Row {
            name: "captured meanwhile, with its stock",
            before: expired,
            answers: vec![Answer::captured(1700)],
            calls: &[VOID],
            order: "Paid: pay_1 Captured 1700",
            ..Row::default()
        },
        Row {
            name: "captured meanwhile, without its stock",
            before: &[Change::ActionRequired, Change::Expired, Change::SoldOut],
            answers: vec![Answer::captured(1700)],
            calls: &[VOID],
            order: "Expired: pay_1 Captured 1700, refund 1700 Requested",
            ..Row::default()
        },
        Row {
            name: "captured meanwhile, although canceled",
            before: &[Change::ActionRequired, Change::Cancelled],
            answers: vec![Answer::captured(1700)],
            calls: &[VOID],
            order: "Cancelled: pay_1 Captured 1700, refund 1700 Requested",
            ..Row::default()
        },
        Row {
            name: "without an answer",
            before: expired,
            answers: vec![Answer::unavailable()],
            calls: &[VOID],
            result: NO_ANSWER,
            order: "Expired: pay_1 Voided",
            ..Row::default()
        },
        Row {
            name: "rejected as a request",
            before: expired,
            answers: vec![Answer::refused()],
            calls: &[VOID],
            result: "fails: the provider rejected the request: wrong key",
            order: "Expired: pay_1 Voided",
            ..Row::default()
        },
    ];
    check(rows);
}

#[test]
fn an_unanswered_payment_is_queried_before_it_is_voided() {
    let unknown = &[Change::Failed(PaymentFailure::ProviderUnavailable)];
    let order = "PaymentFailed: no payment Failed (ProviderUnavailable)";
    let rows = vec![
        Row {
            name: "it was authorized",
            before: unknown,
            answers: vec![Answer::authorised(), Answer::voided()],
            calls: &[AUTHORISE_AGAIN, VOID],
            order,
            ..Row::default()
        },
        Row {
            name: "it was captured",
            before: unknown,
            answers: vec![Answer::captured(1700), Answer::captured(1700)],
            calls: &[AUTHORISE_AGAIN, VOID],
            order: "Paid: pay_1 Captured 1700",
            ..Row::default()
        },
        Row {
            name: "it was declined",
            before: unknown,
            answers: vec![Answer::declined()],
            calls: &[AUTHORISE_AGAIN],
            order,
            ..Row::default()
        },
        Row {
            name: "it was rejected as a request",
            before: unknown,
            answers: vec![Answer::refused()],
            calls: &[AUTHORISE_AGAIN],
            order,
            ..Row::default()
        },
        Row {
            name: "no answer, attempt 9",
            before: unknown,
            attempt: 9,
            answers: vec![Answer::unavailable()],
            calls: &["authorise ORDER, key ORDER, 1700 USD, tok_1, attempt 9"],
            result: NO_ANSWER,
            order,
            ..Row::default()
        },
        Row {
            name: "no answer, last attempt",
            before: unknown,
            attempt: 10,
            answers: vec![Answer::unavailable()],
            calls: &["authorise ORDER, key ORDER, 1700 USD, tok_1, attempt 10"],
            order,
            ..Row::default()
        },
        Row {
            name: "a known failure is not queried",
            before: &[Change::Failed(PaymentFailure::Declined)],
            order: "PaymentFailed: no payment Failed (Declined)",
            ..Row::default()
        },
    ];
    check(rows);
}

#[test]
fn an_order_that_is_being_paid_is_left_alone() {
    let rows = vec![
        Row {
            name: "placed",
            order: "PendingPayment: no payment Pending",
            ..Row::default()
        },
        Row {
            name: "authorized",
            before: &[Change::Authorised],
            order: "PendingPayment: pay_1 Authorised",
            ..Row::default()
        },
        Row {
            name: "canceled without a payment",
            before: &[Change::Cancelled],
            order: "Cancelled: no payment Voided",
            ..Row::default()
        },
    ];
    check(rows);
}

#[test]
fn an_open_breaker_makes_every_call_wait() {
    let rows = vec![
        Row {
            name: "to refund",
            before: &[
                Change::Authorised,
                Change::Captured,
                Change::RefundRequested(500),
                Change::BreakerOpens,
            ],
            result: "wait 30 s",
            order: "Paid: pay_1 Captured 1700, refund 500 Requested",
            ..Row::default()
        },
        Row {
            name: "to refund the second",
            before: TWO_REFUNDS,
            answers: vec![Answer::refund(RefundState::Succeeded).after(&[Change::BreakerOpens])],
            calls: &["refund pay_1, key REFUND-1, 500 USD"],
            result: "wait 30 s",
            order: "PartiallyRefunded: pay_1 PartiallyRefunded 1700, refund 500 Succeeded, \
                    refund 300 Requested",
            ..Row::default()
        },
        Row {
            name: "to void",
            before: &[
                Change::ActionRequired,
                Change::Expired,
                Change::BreakerOpens,
            ],
            result: "wait 30 s",
            order: "Expired: pay_1 Voided",
            ..Row::default()
        },
        Row {
            name: "to query",
            before: &[
                Change::Failed(PaymentFailure::ProviderUnavailable),
                Change::BreakerOpens,
            ],
            result: "wait 30 s",
            order: "PaymentFailed: no payment Failed (ProviderUnavailable)",
            ..Row::default()
        },
    ];
    check(rows);
}

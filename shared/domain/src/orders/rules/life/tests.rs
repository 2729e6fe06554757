use std::collections::HashMap;

use proptest::prelude::*;

use super::*;
use crate::{inventory::HeldUnits, orders::placed, payments::Provider};

/// A change to try on an order, with its arguments.
#[derive(Clone, Debug)]
enum Try {
    ActionRequired,
    Authorised,
    Captured,
    CapturedAfterClose,
    Failed,
    Expired(i64),
    Cancelled,
    Fulfilled(Option<(usize, u32)>),
    Refund(Option<i64>, Option<(usize, u32)>, bool),
    RefundSettled(usize, bool),
}

fn tries() -> impl Strategy<Value = Try> {
    let line = || prop::option::of((0_usize..3, 1_u32..5));
    prop_oneof![
        Just(Try::ActionRequired),
        Just(Try::Authorised),
        Just(Try::Captured),
        Just(Try::CapturedAfterClose),
        Just(Try::Failed),
        (0_i64..2000).prop_map(Try::Expired),
        Just(Try::Cancelled),
        line().prop_map(Try::Fulfilled),
        (prop::option::of(1_i64..3000), line(), any::<bool>())
            .prop_map(|(amount, line, restock)| Try::Refund(amount, line, restock)),
        (0_usize..4, any::<bool>()).prop_map(|(index, ok)| Try::RefundSettled(index, ok)),
    ]
}

fn attempt(order: &Order, step: &Try, number: usize) -> Changed {
    let now = order.placed_at;
    let id = number.to_string();
    let units = |line: &Option<(usize, u32)>| {
        line.map(|(index, quantity)| {
            let sku = order
                .lines
                .get(index)
                .map_or_else(|| "NONE".parse().unwrap(), |line| line.sku.clone());
            vec![Units { sku, quantity }]
        })
    };
    let total = order.totals.total.amount;
    match step {
        Try::ActionRequired => order.action_required("p", Some("s".into()), now),
        Try::Authorised => order.authorised("p", now),
        Try::Captured => order.captured("p", total, now),
        Try::CapturedAfterClose => order.captured_after_close("p", total, now),
        Try::Failed => order.payment_failed(PaymentFailure::Declined, now),
        Try::Expired(seconds) => order.expired(now + jiff::SignedDuration::from_secs(*seconds)),
        Try::Cancelled => order.cancelled(None, Actor::Customer, now),
        Try::Fulfilled(line) => order.fulfilled(
            FulfilmentId::derived(&[&id]),
            &Fulfil {
                lines: units(line),
                carrier: None,
                tracking_number: None,
                tracking_url: None,
            },
            Actor::Staff("s".into()),
            now,
        ),
        Try::Refund(amount, line, restock) => order.refund_requested(
            RefundId::derived(&[&id]),
            &RequestRefund {
                amount: *amount,
                lines: units(line),
                restock: *restock,
                reason: None,
            },
            Actor::Staff("s".into()),
            now,
        ),
        Try::RefundSettled(index, ok) => match order.refunds.get(*index) {
            Some(refund) => order.refund_settled(refund.id, *ok, now),
            None => Err(ChangeError::NothingLeft),
        },
    }
}

/// The transitions of the diagram in docs/orders.md.
fn allowed(from: OrderStatus, to: OrderStatus) -> bool {
    use OrderStatus::{
        Cancelled, Expired, Fulfilled, Paid, PartiallyFulfilled, PartiallyRefunded, PaymentFailed,
        PendingPayment, Refunded,
    };
    from == to
        || match from {
            PendingPayment => {
                matches!(to, Paid | PaymentFailed | Expired | Cancelled)
            }
            // A late payment is honored if the stock is still available.
            PaymentFailed | Expired => matches!(to, PendingPayment | Paid),
            Paid => matches!(
                to,
                PartiallyFulfilled | Fulfilled | Cancelled | PartiallyRefunded | Refunded
            ),
            PartiallyFulfilled => matches!(to, Fulfilled | PartiallyRefunded | Refunded),
            Fulfilled => matches!(to, PartiallyRefunded | Refunded),
            PartiallyRefunded => matches!(to, Cancelled | Refunded),
            Cancelled | Refunded => false,
        }
}

fn held(order: &Order) -> HashMap<Sku, HeldUnits> {
    let held = |line: &OrderLine| line.held(order.closed, order.payment.status);
    let lines = order.lines.iter();
    lines.map(|line| (line.sku.clone(), held(line))).collect()
}

proptest! {
    #![proptest_config(ProptestConfig {
        // PROPTEST_CASES, set by `make properties`, may ask for more.
        cases: ProptestConfig::default().cases.max(2000),
        ..ProptestConfig::default()
    })]
    #[test]
    fn whatever_is_tried_the_books_are_right(steps in prop::collection::vec(tries(), 1..14)) {
        let first = placed(&[("A", 3, 500), ("B", 1, 200)]);
        let mut order = first.clone();
        // As the store would count them.
        let mut stock = held(&order);
        for (number, step) in steps.iter().enumerate() {
            let before = order.clone();
            let Ok(transition) = attempt(&order, step, number) else { continue };
            order = transition.order;
            for moved in &transition.moves {
                let delta = moved.delta();
                prop_assert_eq!(delta.available + delta.reserved + delta.sold, 0);
                let counters = stock.get_mut(&moved.sku).unwrap();
                counters.reserved += delta.reserved;
                counters.sold += delta.sold;
            }
            prop_assert_eq!(&stock, &held(&order), "{:?}", step);
            prop_assert!(
                allowed(before.status(), order.status()),
                "{:?}: {:?} became {:?}", step, before.status(), order.status()
            );
            prop_assert_eq!(order.version, before.version + 1);
            prop_assert_eq!(order.history.len() as u64, order.version - 1);
            prop_assert_eq!(order.change(order.version), order.last_change());
            let refunded: i64 = order.refunds.iter()
                .filter(|refund| refund.status != RefundStatus::Failed)
                .map(|refund| refund.amount)
                .sum();
            prop_assert!(refunded <= order.payment.captured);
            prop_assert!(order.refundable() >= 0);
            for line in &order.lines {
                prop_assert!(line.fulfilled + line.withdrawn <= line.quantity);
                prop_assert!(line.returned <= line.fulfilled);
                prop_assert!(line.returned_to_stock <= line.returned);
            }
            if order.status() == OrderStatus::PendingPayment {
                prop_assert!(!order.took_money());
            }
            // A closed order refunds a captured payment.
            if order.closed.is_some() && order.took_money() {
                prop_assert!(order.refunds.iter().any(|r| r.status != RefundStatus::Succeeded)
                    || order.refundable() == 0);
            }
            prop_assert_eq!(order.as_placed(), first.clone());
            // Repeating a payment's change has no effect.
            if matches!(step, Try::Captured | Try::CapturedAfterClose | Try::Failed | Try::Authorised | Try::ActionRequired) {
                prop_assert_eq!(attempt(&order, step, number), Err(ChangeError::AlreadyDone));
            }
        }
    }
}

fn paid() -> Order {
    let order = placed(&[("A", 3, 500), ("B", 1, 200)]);
    order.captured("p", 1700, order.placed_at).unwrap().order
}

#[test]
fn goods_that_were_never_paid_are_never_sold_late() {
    let order = placed(&[("A", 1, 500)]);
    let due = order.due_at;
    assert_eq!(
        order.expired(due - jiff::SignedDuration::from_secs(1)),
        Err(ChangeError::NotDue(due))
    );
    let expired = order.expired(due).unwrap().order;
    assert_eq!(expired.status(), OrderStatus::Expired);
    let honoured = expired.captured("p", 500, due).unwrap();
    assert_eq!(honoured.moves[0].effect, StockEffect::Take);
    assert_eq!(honoured.order.status(), OrderStatus::Paid);
    let refused = expired.captured_after_close("p", 500, due).unwrap().order;
    assert_eq!(
        (refused.status(), refused.refundable()),
        (OrderStatus::Expired, 0)
    );
    // While the payment is authorized, the reservation must be kept.
    let authorised = order.authorised("p", due).unwrap().order;
    assert_eq!(authorised.expired(due), Err(ChangeError::PaymentInProgress));
    assert_eq!(
        authorised.cancelled(None, Actor::Customer, due),
        Err(ChangeError::PaymentInProgress)
    );
}

#[test]
fn never_more_goes_back_than_came() {
    let order = paid();
    let now = order.placed_at;
    let ask = |order: &Order, amount, lines: Option<&[(&str, u32)]>| {
        let lines = lines.map(|lines| {
            let units = |(sku, quantity): &(&str, u32)| Units {
                sku: sku.parse().unwrap(),
                quantity: *quantity,
            };
            lines.iter().map(units).collect()
        });
        let command = RequestRefund {
            amount,
            lines,
            restock: false,
            reason: None,
        };
        order.refund_requested(RefundId::derived(&["r"]), &command, Actor::Shop, now)
    };
    assert_eq!(
        ask(&order, Some(1701), None),
        Err(ChangeError::AboveCaptured {
            left: Money::new(1700, order.totals.total.currency)
        })
    );
    let one = ask(&order, None, Some(&[("A", 2)])).unwrap();
    assert_eq!((one.order.refunds[0].amount, one.moves[0].units), (1000, 2));
    assert_eq!(
        ask(&one.order, Some(701), None),
        Err(ChangeError::AboveCaptured {
            left: Money::new(700, order.totals.total.currency)
        })
    );
    // Kind of fault: accepted more loosely than by the next system, which is Stripe here.
    let mut dinars = order.clone();
    dinars.totals.total.currency = "KWD".parse().unwrap();
    dinars.payment.method.provider = Provider::Stripe;
    assert!(matches!(
        ask(&dinars, Some(705), None),
        Err(ChangeError::Unpayable(_))
    ));
    assert!(ask(&dinars, Some(700), None).is_ok());
    let Err(ChangeError::Lines(faults)) =
        ask(&one.order, None, Some(&[("A", 2), ("A", 1), ("C", 1)]))
    else {
        panic!("these lines are not refundable");
    };
    let codes: Vec<&str> = faults.iter().map(|fault| fault.code.as_ref()).collect();
    assert_eq!(codes, ["too_many", "duplicate", "not_in_order"]);
    let failed = one
        .order
        .refund_settled(one.order.refunds[0].id, false, now)
        .unwrap()
        .order;
    assert_eq!(
        failed.refundable(),
        1700,
        "a failed refund can be tried again"
    );
    let rest = ask(&one.order, None, None).unwrap().order;
    assert_eq!(rest.refundable(), 0);
    assert_eq!(ask(&rest, None, None), Err(ChangeError::NothingLeft));
}

#[test]
fn what_was_shipped_cannot_be_cancelled() {
    let order = paid();
    let now = order.placed_at;
    let part = Fulfil {
        lines: Some(vec![Units {
            sku: "A".parse().unwrap(),
            quantity: 1,
        }]),
        carrier: None,
        tracking_number: None,
        tracking_url: None,
    };
    let shipped = order
        .fulfilled(FulfilmentId::derived(&["f"]), &part, Actor::Shop, now)
        .unwrap()
        .order;
    assert_eq!(shipped.status(), OrderStatus::PartiallyFulfilled);
    assert_eq!(
        shipped.cancelled(None, Actor::Customer, now),
        Err(ChangeError::AlreadyShipped)
    );
    let all = Fulfil {
        lines: None,
        ..part
    };
    let done = shipped
        .fulfilled(FulfilmentId::derived(&["g"]), &all, Actor::Shop, now)
        .unwrap()
        .order;
    assert_eq!(done.status(), OrderStatus::Fulfilled);
    assert_eq!(
        done.fulfilled(FulfilmentId::derived(&["h"]), &all, Actor::Shop, now),
        Err(ChangeError::NothingLeft)
    );
    let cancelled = order.cancelled(None, Actor::Customer, now).unwrap();
    assert_eq!(cancelled.order.refunds[0].amount, 1700);
    assert_eq!(cancelled.moves.len(), 2);
}

use std::collections::HashMap;

use proptest::prelude::*;

use super::*;
use crate::{
    inventory::HeldUnits,
    orders::{account, placed},
    payments::Provider,
};

/// A change to try on an order, with its arguments.
#[derive(Clone, Debug)]
enum Try {
    ActionRequired,
    Confirming,
    Authorised,
    Captured,
    CapturedAfterClose,
    Failed,
    Expired(i64),
    UnpaidNotice,
    Claimed,
    Cancelled,
    Fulfilled(Option<(usize, u32)>),
    Refund(Option<i64>, Option<GoodsChoice>, bool),
    Returned(GoodsChoice, bool),
    RefundSettled(usize, bool),
}

/// Index of a line, units, and what becomes of their goods.
type GoodsChoice = (usize, u32, Option<Goods>);

fn tries() -> impl Strategy<Value = Try> {
    let line = || prop::option::of((0_usize..3, 1_u32..5));
    let goods = || {
        let all = [Goods::Returned, Goods::Cancelled, Goods::Kept];
        (
            0_usize..4,
            1_u32..5,
            prop::option::of(prop::sample::select(all.to_vec())),
        )
    };
    prop_oneof![
        Just(Try::ActionRequired),
        Just(Try::Confirming),
        Just(Try::Authorised),
        Just(Try::Captured),
        Just(Try::CapturedAfterClose),
        Just(Try::Failed),
        (0_i64..2000).prop_map(Try::Expired),
        Just(Try::UnpaidNotice),
        Just(Try::Claimed),
        Just(Try::Cancelled),
        line().prop_map(Try::Fulfilled),
        (
            prop::option::of(1_i64..3000),
            prop::option::of(goods()),
            any::<bool>()
        )
            .prop_map(|(amount, line, restock)| Try::Refund(amount, line, restock)),
        (goods(), any::<bool>()).prop_map(|(line, restock)| Try::Returned(line, restock)),
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
    let goods = |(index, quantity, goods): &GoodsChoice| {
        let sku = order.lines.get(*index).map(|line| line.sku.clone());
        vec![GoodsLine {
            sku: sku.unwrap_or_else(|| "NONE".parse().unwrap()),
            quantity: *quantity,
            goods: *goods,
        }]
    };
    let total = order.totals.total.amount;
    match step {
        Try::ActionRequired => order.action_required("p", Some("s".into()), now),
        Try::Confirming => order.confirming("p", Some("s".into()), now),
        Try::Authorised => order.authorised("p", now),
        Try::Captured => order.captured("p", total, now),
        Try::CapturedAfterClose => order.captured_after_close("p", total, now),
        Try::Failed => order.payment_failed(PaymentFailure::Declined, now),
        Try::Expired(seconds) => order.expired(now + jiff::SignedDuration::from_secs(*seconds)),
        Try::UnpaidNotice => order.unpaid_notice(now),
        Try::Claimed => {
            let claimed = order.claimed(&account(1, &order.email), now);
            claimed.map_err(|_| ChangeError::AlreadyDone)
        }
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
                lines: line.as_ref().map(goods),
                restock: *restock,
                reason: None,
            },
            Actor::Staff("s".into()),
            now,
        ),
        Try::Returned(line, restock) => order.goods_returned(
            ReturnId::derived(&[&id]),
            &RecordReturn {
                lines: goods(line),
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
            // Refunded by amount, before anything was shipped.
            Refunded => to == Cancelled,
            Cancelled => false,
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
        let first = placed(&[("A", 3, 500), ("B", 1, 200), ("FREE", 2, 0)]);
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
            // A promise to the customer, and the key of the due note.
            prop_assert!(order.due_at >= before.due_at, "{:?}", step);
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
                prop_assert!(line.refunded <= line.quantity);
                // Goods move only by what is recorded of them.
                if order.closed.is_none() {
                    let settled = |goods| -> u32 {
                        let refunds = order.refunds.iter().flat_map(|refund| &refund.lines);
                        let returns = order.returns.iter().flat_map(|part| &part.lines);
                        let lines = refunds.chain(returns);
                        lines
                            .filter(|units| units.sku == line.sku && units.goods == Some(goods))
                            .map(|units| units.quantity)
                            .sum()
                    };
                    prop_assert_eq!(line.withdrawn, settled(Goods::Cancelled));
                    prop_assert_eq!(line.returned, settled(Goods::Returned));
                }
            }
            if order.status() == OrderStatus::PendingPayment {
                prop_assert!(!order.took_money());
            }
            // Who was told that nothing was charged is not charged any more.
            if order.unpaid_notice_at.is_some() {
                prop_assert!(order.closed.is_some());
            }
            // A closed order refunds a captured payment.
            if order.closed.is_some() && order.took_money() {
                prop_assert!(order.refunds.iter().any(|r| r.status != RefundStatus::Succeeded)
                    || order.refundable() == 0);
            }
            prop_assert_eq!(order.as_placed(), first.clone());
            // Whose it is has nothing to do with goods and money.
            if matches!(step, Try::Claimed) {
                prop_assert_eq!((before.status(), &before.payment), (order.status(), &order.payment));
            }
            // Repeating a payment's change has no effect.
            if matches!(step, Try::Captured | Try::CapturedAfterClose | Try::Failed | Try::Authorised | Try::ActionRequired | Try::Confirming | Try::Claimed) {
                prop_assert_eq!(attempt(&order, step, number), Err(ChangeError::AlreadyDone));
            }
        }
    }
}

fn goods_line(sku: &str, quantity: u32, goods: Option<Goods>) -> GoodsLine {
    GoodsLine {
        sku: sku.parse().unwrap(),
        quantity,
        goods,
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

/// The kind of fault: money that contradicts what the customer was told.
#[test]
fn a_payment_after_its_denial_is_not_honored() {
    let order = placed(&[("A", 1, 500)]);
    let due = order.due_at;
    let declined = order.payment_failed(PaymentFailure::Declined, due);
    for closed in [order.expired(due), declined] {
        let closed = closed.unwrap().order;
        assert!(closed.authorised("p", due).is_ok() && closed.captured("p", 500, due).is_ok());
        let told = closed.unpaid_notice(due).unwrap();
        assert!(told.moves.is_empty());
        let told = told.order;
        let status = ChangeError::WrongStatus(closed.status());
        assert_eq!(told.authorised("p", due), Err(status.clone()));
        assert_eq!(told.captured("p", 500, due), Err(status.clone()));
        // A process that died before the mail was sent does so again.
        assert_eq!(told.unpaid_notice(due), Err(ChangeError::AlreadyDone));
        let returned = told.captured_after_close("p", 500, due).unwrap().order;
        assert_eq!(
            (returned.refundable(), returned.refunds[0].amount),
            (0, 500)
        );
        // It would no longer be true.
        assert_eq!(returned.unpaid_notice(due), Err(status.clone()));
        let paid = closed.captured("p", 500, due).unwrap().order;
        assert!(paid.unpaid_notice(due).is_err());
    }
    let cancelled = order.cancelled(None, Actor::Customer, due).unwrap().order;
    for other in [order, cancelled] {
        assert!(other.unpaid_notice(due).is_err(), "{:?}", other.status());
    }
}

#[test]
fn never_more_goes_back_than_came() {
    let order = paid();
    let now = order.placed_at;
    let ask = |order: &Order, amount, lines: Option<&[(&str, u32)]>| {
        let lines = lines.map(|lines| {
            lines
                .iter()
                .map(|(sku, quantity)| goods_line(sku, *quantity, None))
                .collect()
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

/// A change by staff, as bodies of the API describe it.
enum Staff<'a> {
    Ship(Option<(&'a str, u32)>),
    /// By amount.
    Pay(i64),
    /// By line, with `restock`.
    Refund(&'a str, u32, Option<Goods>, bool),
    Return(&'a str, u32, Option<Goods>, bool),
}

impl Staff<'_> {
    fn change(&self, order: &Order) -> Changed {
        let now = order.placed_at;
        let by = Actor::Staff("s".into());
        let id = order.version.to_string();
        match self {
            Self::Ship(units) => {
                let units = units.map(|(sku, quantity)| Units {
                    sku: sku.parse().unwrap(),
                    quantity,
                });
                let command = Fulfil {
                    lines: units.map(|units| vec![units]),
                    carrier: None,
                    tracking_number: None,
                    tracking_url: None,
                };
                order.fulfilled(FulfilmentId::derived(&[&id]), &command, by, now)
            }
            Self::Pay(amount) => {
                let command = RequestRefund {
                    amount: Some(*amount),
                    lines: None,
                    restock: false,
                    reason: None,
                };
                order.refund_requested(RefundId::derived(&[&id]), &command, by, now)
            }
            Self::Refund(sku, quantity, goods, restock) => {
                let command = RequestRefund {
                    amount: None,
                    lines: Some(vec![goods_line(sku, *quantity, *goods)]),
                    restock: *restock,
                    reason: None,
                };
                order.refund_requested(RefundId::derived(&[&id]), &command, by, now)
            }
            Self::Return(sku, quantity, goods, restock) => {
                let command = RecordReturn {
                    lines: vec![goods_line(sku, *quantity, *goods)],
                    restock: *restock,
                    reason: None,
                };
                order.goods_returned(ReturnId::derived(&[&id]), &command, by, now)
            }
        }
    }
}

/// A paid order of three A at 5.00, one B at 2.00 and two free units, after `changes`.
fn after_staff(changes: &[Staff<'_>]) -> Order {
    let order = placed(&[("A", 3, 500), ("B", 1, 200), ("FREE", 2, 0)]);
    let paid = order.captured("p", 1700, order.placed_at).unwrap().order;
    let change = |order: Order, change: &Staff<'_>| change.change(&order).unwrap().order;
    changes.iter().fold(paid, change)
}

/// Units restocked by a change, by SKU.
fn restocked(change: &Transition) -> Vec<(&str, u32)> {
    let moves = change.moves.iter();
    moves
        .map(|moved| {
            assert_eq!(moved.effect, StockEffect::Restock);
            (moved.sku.as_str(), moved.units)
        })
        .collect()
}

fn codes(change: &Changed) -> Vec<&str> {
    let Err(ChangeError::Lines(faults)) = change else {
        panic!("these lines are accepted: {change:?}");
    };
    faults.iter().map(|fault| fault.code.as_ref()).collect()
}

/// The kind of fault: money controls goods. Free units have no price to refund, but goods like all others.
#[test]
fn free_units_are_refunded_returned_and_canceled() {
    let order = after_staff(&[]);
    for change in [
        Staff::Refund("FREE", 1, None, false),
        Staff::Return("FREE", 1, None, false),
        Staff::Return("FREE", 1, Some(Goods::Cancelled), false),
    ] {
        let change = change.change(&order).unwrap();
        assert_eq!(restocked(&change), [("FREE", 1)]);
        assert_eq!(change.order.lines[2].to_fulfil(), 1);
        assert!(change.order.refunds.is_empty(), "no money goes back");
        assert_eq!(
            change.order.last_change().unwrap().what,
            OrderEventKind::Returned
        );
    }
    let shipped = after_staff(&[Staff::Ship(None)]);
    let back = Staff::Return("FREE", 2, None, true)
        .change(&shipped)
        .unwrap();
    assert_eq!(restocked(&back), [("FREE", 2)]);
    let line = &back.order.lines[2];
    assert_eq!((line.returned, line.with_customer()), (2, 0));
    // Neither their goods nor their price: nothing is left to do.
    let kept = Staff::Refund("FREE", 1, Some(Goods::Kept), false).change(&order);
    assert_eq!(kept, Err(ChangeError::NothingLeft));
    // A whole free order, too.
    let free = placed(&[("FREE", 2, 0)]);
    let free = free.captured("free", 0, free.placed_at).unwrap().order;
    let change = Staff::Return("FREE", 1, None, false).change(&free).unwrap();
    assert_eq!(restocked(&change), [("FREE", 1)]);
    let rest = Staff::Ship(None).change(&change.order).unwrap().order;
    assert_eq!(rest.lines[0].fulfilled, 1);
}

/// The kind of fault: money controls goods. A full refund by amount says nothing about them.
#[test]
fn a_refund_by_amount_leaves_the_goods_to_the_caller() {
    let order = after_staff(&[Staff::Pay(1700)]);
    assert!(order.is_refunded());
    // Not shipped by default any more, but by choice.
    assert_eq!(Staff::Ship(None).change(&order), Err(ChangeError::Refunded));
    let chosen = Staff::Ship(Some(("A", 1))).change(&order).unwrap().order;
    assert_eq!(chosen.lines[0].fulfilled, 1);
    // Withdrawn and restocked, after which they are not shippable.
    let withdrawn = Staff::Return("A", 3, None, false).change(&order).unwrap();
    assert_eq!(restocked(&withdrawn), [("A", 3)]);
    let again = Staff::Ship(Some(("A", 1))).change(&withdrawn.order);
    assert_eq!(codes(&again), ["too_many"]);
    let more = Staff::Return("A", 1, None, false).change(&withdrawn.order);
    assert_eq!(codes(&more), ["too_many"]);
    // Or the whole order, also once the provider has confirmed the refund.
    let refund = order.refunds[0].id;
    let settled = order.refund_settled(refund, true, order.placed_at).unwrap();
    assert_eq!(settled.order.status(), OrderStatus::Refunded);
    let cancelled = settled
        .order
        .cancelled(None, Actor::Customer, order.placed_at)
        .unwrap();
    assert_eq!(restocked(&cancelled), [("A", 3), ("B", 1), ("FREE", 2)]);
    assert_eq!(
        cancelled.order.refunds.len(),
        1,
        "no money is left to refund"
    );
    // A refund that fails leaves the money, and the goods are shipped by default again.
    let failed = order
        .refund_settled(refund, false, order.placed_at)
        .unwrap();
    assert!(Staff::Ship(None).change(&failed.order).is_ok());
}

/// The kind of fault: money controls goods. After a partial shipment, the caller says which units are meant.
#[test]
fn a_partly_shipped_line_names_the_units_that_are_meant() {
    let order = after_staff(&[Staff::Ship(Some(("A", 1)))]);
    for restock in [false, true] {
        let unclear = Staff::Refund("A", 1, None, restock).change(&order);
        assert_eq!(codes(&unclear), ["required"]);
        let unclear = Staff::Return("A", 1, None, restock).change(&order);
        assert_eq!(codes(&unclear), ["required"]);
    }
    // (goods, restock) to (returned, withdrawn, still to ship) and restocked units.
    for (goods, restock, counts, back) in [
        (Goods::Returned, true, (1, 0, 2), 1),
        (Goods::Returned, false, (1, 0, 2), 0),
        (Goods::Cancelled, true, (0, 1, 1), 1),
        (Goods::Cancelled, false, (0, 1, 1), 1),
        (Goods::Kept, true, (0, 0, 2), 0),
    ] {
        let change = Staff::Refund("A", 1, Some(goods), restock)
            .change(&order)
            .unwrap();
        let line = &change.order.lines[0];
        let got = (line.returned, line.withdrawn, line.to_fulfil());
        assert_eq!(got, counts, "{goods:?}");
        assert_eq!(change.moves.iter().map(|it| it.units).sum::<u32>(), back);
        assert_eq!(
            (change.order.refunds[0].amount, line.refunded),
            (500, 1),
            "the money is the same"
        );
    }
    let both = RequestRefund {
        amount: None,
        lines: Some(vec![
            goods_line("A", 1, Some(Goods::Returned)),
            goods_line("A", 2, Some(Goods::Cancelled)),
        ]),
        restock: true,
        reason: None,
    };
    let change = order
        .refund_requested(
            RefundId::derived(&["r"]),
            &both,
            Actor::Shop,
            order.placed_at,
        )
        .unwrap();
    assert_eq!(restocked(&change), [("A", 3)], "one change of the item");
    assert_eq!(change.order.refunds[0].amount, 1500);
    for (goods, quantity) in [
        (Goods::Returned, 2),
        (Goods::Cancelled, 3),
        (Goods::Kept, 4),
    ] {
        let too_many = Staff::Refund("A", quantity, Some(goods), false).change(&order);
        assert_eq!(codes(&too_many), ["too_many"], "{goods:?}");
    }
    let kept = Staff::Return("A", 1, Some(Goods::Kept), false).change(&order);
    assert_eq!(codes(&kept), ["invalid"]);
}

/// The kind of fault: money controls goods. Goods that came back first are refunded later, by line.
#[test]
fn goods_come_back_before_the_money_goes() {
    let order = after_staff(&[Staff::Ship(None), Staff::Return("A", 2, None, true)]);
    assert_eq!(order.refundable(), 1700);
    let refund = Staff::Refund("A", 2, Some(Goods::Kept), false)
        .change(&order)
        .unwrap();
    assert_eq!(
        (refund.order.refunds[0].amount, refund.moves.len()),
        (1000, 0)
    );
    // A refund that failed can be repeated by line.
    let id = refund.order.refunds[0].id;
    let failed = refund
        .order
        .refund_settled(id, false, order.placed_at)
        .unwrap();
    let again = Staff::Refund("A", 2, Some(Goods::Kept), false).change(&failed.order);
    assert_eq!(again.unwrap().order.refundable(), 700);
    // A closed order has no goods that could come back.
    let placed = placed(&[("A", 1, 500)]);
    let expired = placed.expired(placed.due_at).unwrap().order;
    let vain = expired
        .captured_after_close("p", 500, placed.due_at)
        .unwrap();
    let back = Staff::Return("A", 1, None, false).change(&vain.order);
    assert_eq!(back, Err(ChangeError::WrongStatus(OrderStatus::Expired)));
}

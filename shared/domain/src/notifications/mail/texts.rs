//! Texts of the emails: one letter for each notice.

use jiff::tz::TimeZone;

use super::letter::{Letter, Part, Row};
use crate::{
    money::Money,
    notifications::rules::{Notice, refund_of},
    orders::{
        Actor, Address, Fulfilment, GoodsLine, HistoryEntry, Order, OrderLine, Refund,
        RefundStatus, Units,
    },
    payments::PaymentFailure,
};

/// Writes the letter of a notice.
pub(super) fn letter(order: &Order, notice: Notice<'_>) -> Letter {
    match notice {
        Notice::Confirmation => confirmation(order),
        Notice::PaymentFailed => payment_failed(order),
        Notice::Expired => expired(order),
        Notice::Shipped(index) => shipped(order, index),
        Notice::Refunded(refund) => refunded(order, refund),
        Notice::Cancelled(change) => cancelled(order, change),
    }
}

/// Order confirmation: sent when the payment is captured.
fn confirmation(order: &Order) -> Letter {
    let number = order.number();
    Letter {
        subject: format!("Your order {number} is confirmed"),
        title: "Thank you for your order".to_owned(),
        lead: format!("Your order {number} is paid. We will tell you when it ships."),
        parts: vec![
            Part::Table {
                heading: "What you bought",
                rows: bought(order),
                total: Some(("Total", order.totals.total.to_string())),
            },
            Part::lines("It goes to", address_lines(&order.shipping_address)),
        ],
    }
}

/// Payment failure: gives the reason and states that nothing was charged.
fn payment_failed(order: &Order) -> Letter {
    let number = order.number();
    let why = match order.payment.failure {
        Some(PaymentFailure::Declined) => "Your bank or card issuer declined the payment.",
        Some(PaymentFailure::ProviderUnavailable) => "The payment provider did not answer in time.",
        Some(PaymentFailure::Cancelled) => "The payment was cancelled before it was complete.",
        None => "The payment did not go through.",
    };
    Letter {
        subject: format!("Your order {number} could not be paid"),
        title: "The payment failed".to_owned(),
        lead: format!("Your order {number} could not be paid. {why}"),
        parts: vec![
            Part::text(NOTHING_CHARGED),
            unsold(order),
            Part::text(
                "The items are for sale again. If you still want them, place a new order, perhaps \
                 with another means of payment.",
            ),
        ],
    }
}

/// Expiry: the order was not paid in time.
fn expired(order: &Order) -> Letter {
    let number = order.number();
    let due = order.due_at.to_zoned(TimeZone::UTC);
    Letter {
        subject: format!("Your order {number} has expired"),
        title: "Your order has expired".to_owned(),
        lead: format!(
            "Your order {number} was not paid by {}.",
            due.strftime("%-d %B %Y, %H:%M UTC")
        ),
        parts: vec![
            Part::text(NOTHING_CHARGED),
            unsold(order),
            Part::text(
                "The items are for sale again. If you still want them, place a new order. Should a \
                 payment for this one arrive after all, it goes back to you in full.",
            ),
        ],
    }
}

/// Shipping notice for one fulfilment, complete or partial.
fn shipped(order: &Order, index: usize) -> Letter {
    let number = order.number();
    let fulfilment = &order.fulfilments[index];
    let rest = still_to_come(order, &order.fulfilments[..=index]);
    let (subject, lead) = if rest.is_empty() {
        (
            format!("Your order {number} is on its way"),
            format!("Your order {number} is on its way to you."),
        )
    } else {
        (
            format!("Part of your order {number} is on its way"),
            format!("Part of your order {number} is on its way to you. The rest follows."),
        )
    };
    let mut parts = vec![Part::Table {
        heading: "In this parcel",
        rows: named(order, fulfilment.lines.iter().cloned()),
        total: None,
    }];
    let facts = [
        ("Carrier", fulfilment.carrier.clone()),
        ("Tracking number", fulfilment.tracking_number.clone()),
    ];
    parts.extend(Part::facts("How to follow it", facts));
    parts.extend(
        fulfilment
            .tracking_url
            .as_deref()
            .and_then(|url| Part::link("Follow the parcel", url)),
    );
    if !rest.is_empty() {
        parts.push(Part::Table {
            heading: "Still to come",
            rows: rest,
            total: None,
        });
    }
    parts.push(Part::lines(
        "It goes to",
        address_lines(&order.shipping_address),
    ));
    Letter {
        subject,
        title: "It is on its way".to_owned(),
        lead,
        parts,
    }
}

/// Refund notice for one refund.
fn refunded(order: &Order, refund: &Refund) -> Letter {
    let number = order.number();
    let amount = money(order, refund.amount);
    let mut parts = Vec::new();
    if !refund.lines.is_empty() {
        parts.push(Part::Table {
            heading: "For",
            rows: named(order, refund.lines.iter().map(GoodsLine::units)),
            total: None,
        });
    }
    let facts = [
        ("Amount", Some(amount.clone())),
        ("Reason", refund.reason.clone()),
    ];
    parts.extend(Part::facts("Your refund", facts));
    parts.push(Part::text(
        "It goes to the account or card you paid with. Banks take up to ten days to show it.",
    ));
    Letter {
        subject: format!("Your refund for order {number}"),
        title: "Your money is on its way back".to_owned(),
        lead: format!("We have refunded {amount} of your order {number}."),
        parts,
    }
}

/// Cancellation notice, with the state of the refund.
fn cancelled(order: &Order, change: &HistoryEntry) -> Letter {
    let number = order.number();
    let lead = match change.by {
        Actor::Customer => format!("Your order {number} is cancelled, as you asked."),
        Actor::Staff(_) | Actor::Shop => format!("We have cancelled your order {number}."),
    };
    let about_money = match refund_of(order, change) {
        Some(refund) if refund.status == RefundStatus::Failed => format!(
            "We owe you {}: the refund has not gone through yet, and we are working on it.",
            money(order, refund.amount)
        ),
        Some(refund) => format!(
            "Your money is on its way back: {}. We will write again when it has been sent.",
            money(order, refund.amount)
        ),
        None if order.took_money() => {
            "Any amount you paid that has not been refunded yet will be refunded in full."
                .to_owned()
        }
        None => NOTHING_CHARGED.to_owned(),
    };
    let mut parts = vec![Part::text(about_money)];
    parts.extend(Part::facts("Why", [("Reason", change.reason.clone())]));
    parts.push(Part::Table {
        heading: "What was in it",
        rows: bought(order),
        total: Some(("Total", order.totals.total.to_string())),
    });
    Letter {
        subject: format!("Your order {number} is cancelled"),
        title: "Your order is cancelled".to_owned(),
        lead,
        parts,
    }
}

pub(super) const NOTHING_CHARGED: &str = "Nothing was charged.";

/// All lines of the order with their totals.
fn bought(order: &Order) -> Vec<Row> {
    let row = |line: &OrderLine| {
        // Placing the order has checked that the total can be computed.
        let total = line.unit_price.times(line.quantity);
        let total = total.unwrap_or(line.unit_price);
        Row::new(line.quantity, &line.title, Some(total))
    };
    order.lines.iter().map(row).collect()
}

/// All lines of an order that was never paid.
fn unsold(order: &Order) -> Part {
    Part::Table {
        heading: "What you wanted",
        rows: bought(order),
        total: Some(("Total, not charged", order.totals.total.to_string())),
    }
}

/// Units with the titles under which they were bought.
fn named(order: &Order, units: impl Iterator<Item = Units>) -> Vec<Row> {
    let row = |units: Units| {
        let line = order.lines.iter().find(|line| line.sku == units.sku);
        let title = line.map_or(units.sku.as_str(), |line| &line.title);
        Row::new(units.quantity, title, None)
    };
    units.map(row).collect()
}

/// Units that are in none of these fulfilments and were not withdrawn. After a full refund, none is promised.
fn still_to_come(order: &Order, parcels: &[Fulfilment]) -> Vec<Row> {
    if order.is_refunded() {
        return Vec::new();
    }
    let rows = order.lines.iter().map(|line| {
        let lines = parcels.iter().flat_map(|parcel| &parcel.lines);
        let sent: u32 = lines
            .filter(|units| units.sku == line.sku)
            .map(|units| units.quantity)
            .sum();
        let left = line.quantity.saturating_sub(line.withdrawn);
        Row::new(left.saturating_sub(sent), &line.title, None)
    });
    rows.filter(|row| row.quantity > 0).collect()
}

fn money(order: &Order, amount: i64) -> String {
    Money::new(amount, order.totals.total.currency).to_string()
}

fn address_lines(address: &Address) -> Vec<String> {
    let mut lines = address.lines();
    lines.insert(0, address.name.clone());
    lines
}

//! Stored form of orders.

use aws_sdk_dynamodb::types::{Put, builders::PutBuilder};
use domain::{
    cart::Totals,
    catalog::Sku,
    documents::Revisions,
    id::{AccountId, CartId, OrderId},
    idempotency::Fingerprint,
    inventory::Share,
    money::{Currency, Money},
    orders::{Actor, Address, CloseReason, Order, OrderLine, OrderStatus, Payment, PaymentWindow},
    payments::PaymentStatus,
    trace::{self, TraceParent},
};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::parts::{FulfilmentRecord, HistoryRecord, Lines, RefundRecord, ReturnRecord, reason_of};
use crate::{
    Result, Store, StoreError,
    item::{Item, Record, from_item, to_item},
    keys::Key,
};

/// An order as it is stored. Amounts are minor units of the order's currency, and empty fields are
/// omitted: a new order with one line stays within 1 KB, and so within the 2 write units of its
/// transaction.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct OrderRecord {
    id: OrderId,
    /// 1 when placed, incremented by every change; part of the event's id.
    version: u64,
    /// For people who read the table; derived from the other fields.
    status: OrderStatus,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    closed: Option<CloseReason>,
    /// Part of the derivation of the access token.
    cart_id: CartId,
    /// Missing on a guest's order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    account: Option<AccountId>,
    email: String,
    address: Address,
    currency: Currency,
    lines: Vec<LineRecord>,
    total: i64,
    payment: Payment,
    fingerprint: Fingerprint,
    placed_at: Timestamp,
    /// Missing on orders from before reservations had a time limit.
    #[serde(default)]
    due_at: Option<Timestamp>,
    /// Seconds from `placed_at` to the first and the last possible `due_at`; missing on orders from before
    /// these differed.
    #[serde(default)]
    hold: Option<i64>,
    #[serde(default)]
    window: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    unpaid_notice_at: Option<Timestamp>,
    trace_id: String,
    /// Missing if it follows from `trace_id`.
    #[serde(
        default,
        deserialize_with = "trace::lenient",
        skip_serializing_if = "Option::is_none"
    )]
    traceparent: Option<TraceParent>,
    /// Missing where all are 0, and on orders from before they were recorded.
    #[serde(default, skip_serializing_if = "Revisions::are_none")]
    revisions: Revisions,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    fulfilments: Vec<FulfilmentRecord>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    refunds: Vec<RefundRecord>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    returns: Vec<ReturnRecord>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    history: Vec<HistoryRecord>,
    /// The member of staff who has made this version; missing if nobody of the staff has. The audit trail is told of these
    /// versions alone. Never read from here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    changed_by: Option<Actor>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct LineRecord {
    sku: Sku,
    title: String,
    quantity: u32,
    price: i64,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    shards: Vec<Share>,
    #[serde(default, skip_serializing_if = "is_zero")]
    fulfilled: u32,
    #[serde(default, skip_serializing_if = "is_zero")]
    withdrawn: u32,
    #[serde(default, skip_serializing_if = "is_zero")]
    returned: u32,
    #[serde(default, skip_serializing_if = "is_zero")]
    returned_to_stock: u32,
    /// Units whose price was refunded, if these are not just those that were withdrawn or returned: in older
    /// orders, goods followed the money.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    refunded: Option<u32>,
}

/// The attributes of an order that determine how much stock it holds, and until when.
#[derive(Debug, Deserialize)]
pub(super) struct HoldRecord {
    pub(super) id: OrderId,
    #[serde(default)]
    pub(super) due_at: Option<Timestamp>,
    #[serde(default)]
    pub(super) closed: Option<CloseReason>,
    pub(super) currency: Currency,
    pub(super) lines: Vec<LineRecord>,
    pub(super) payment: HoldPayment,
}

#[derive(Debug, Deserialize)]
pub(super) struct HoldPayment {
    pub(super) status: PaymentStatus,
}

impl LineRecord {
    pub(super) fn read(self, currency: Currency) -> OrderLine {
        OrderLine {
            sku: self.sku,
            title: self.title,
            quantity: self.quantity,
            unit_price: Money::new(self.price, currency),
            shards: self.shards,
            fulfilled: self.fulfilled,
            withdrawn: self.withdrawn,
            returned: self.returned,
            returned_to_stock: self.returned_to_stock,
            refunded: self.refunded.unwrap_or(self.withdrawn + self.returned),
        }
    }
}

fn is_zero(units: &u32) -> bool {
    *units == 0
}

impl Record for OrderRecord {
    const ENTITY: &'static str = "order";
}

impl From<&Order> for OrderRecord {
    fn from(order: &Order) -> Self {
        let line = |line: &OrderLine| LineRecord {
            sku: line.sku.clone(),
            title: line.title.clone(),
            quantity: line.quantity,
            price: line.unit_price.amount,
            shards: line.shards.clone(),
            fulfilled: line.fulfilled,
            withdrawn: line.withdrawn,
            returned: line.returned,
            returned_to_stock: line.returned_to_stock,
            refunded: Some(line.refunded).filter(|units| *units != line.withdrawn + line.returned),
        };
        let lines = Lines::of(order);
        Self {
            id: order.id,
            version: order.version,
            status: order.status(),
            closed: order.closed,
            cart_id: order.cart_id,
            account: order.account,
            email: order.email.clone(),
            address: order.shipping_address.clone(),
            currency: order.totals.total.currency,
            lines: order.lines.iter().map(line).collect(),
            total: order.totals.total.amount,
            payment: order.payment.clone(),
            fingerprint: order.fingerprint.clone(),
            placed_at: order.placed_at,
            due_at: Some(order.due_at),
            hold: Some(order.window.hold.as_secs()),
            window: Some(order.window.whole.as_secs()),
            unpaid_notice_at: order.unpaid_notice_at,
            trace_id: order.trace_id.clone(),
            traceparent: Some(order.traceparent)
                .filter(|place| *place != TraceParent::begin(&order.trace_id)),
            revisions: order.revisions,
            fulfilments: order
                .fulfilments
                .iter()
                .map(|it| FulfilmentRecord::of(it, &lines))
                .collect(),
            refunds: order
                .refunds
                .iter()
                .map(|it| RefundRecord::of(it, &lines))
                .collect(),
            returns: order
                .returns
                .iter()
                .map(|it| ReturnRecord::of(it, &lines))
                .collect(),
            history: order
                .history
                .iter()
                .map(|entry| HistoryRecord::of(entry, order))
                .collect(),
            changed_by: order
                .last_change()
                .map(|change| change.by.clone())
                .filter(|by| matches!(by, Actor::Staff(_))),
        }
    }
}

impl TryFrom<OrderRecord> for Order {
    type Error = StoreError;

    fn try_from(record: OrderRecord) -> Result<Self> {
        let currency = record.currency;
        let total = Money::new(record.total, currency);
        let due_at = record.due_at.unwrap_or(record.placed_at);
        let first = PaymentWindow::flat(due_at.duration_since(record.placed_at));
        let window = PaymentWindow {
            hold: record.hold.map_or(first.hold, SignedDuration::from_secs),
            whole: record.window.map_or(first.whole, SignedDuration::from_secs),
        };
        let lines = record.lines.into_iter();
        let lines: Vec<OrderLine> = lines.map(|line| line.read(currency)).collect();
        let fulfilments = record.fulfilments.into_iter();
        let refunds = record.refunds.into_iter();
        let returns = record.returns.into_iter();
        let mut order = Self {
            id: record.id,
            version: record.version,
            closed: record.closed,
            cart_id: record.cart_id,
            account: record.account,
            email: record.email,
            shipping_address: record.address,
            totals: Totals {
                subtotal: total,
                total,
            },
            payment: record.payment,
            fingerprint: record.fingerprint,
            placed_at: record.placed_at,
            due_at,
            window,
            unpaid_notice_at: record.unpaid_notice_at,
            traceparent: trace::stored(record.traceparent, &record.trace_id),
            trace_id: record.trace_id,
            revisions: record.revisions,
            fulfilments: fulfilments
                .map(|it| it.read(&lines))
                .collect::<Result<_>>()?,
            refunds: refunds.map(|it| it.read(&lines)).collect::<Result<_>>()?,
            returns: returns.map(|it| it.read(&lines)).collect::<Result<_>>()?,
            history: Vec::new(),
            lines,
        };
        let history = record.history.into_iter().map(|entry| {
            let mut entry = entry.read();
            entry.reason = entry.reason.take().or_else(|| reason_of(&order, &entry));
            entry
        });
        order.history = history.collect();
        Ok(order)
    }
}

impl Store {
    /// Starts the write of an order, to be completed by its condition.
    pub(super) fn put_order(&self, order: &Order) -> Result<PutBuilder> {
        let item = to_item(&Key::order(order.id), &OrderRecord::from(order))?;
        Ok(Put::builder().table_name(&self.table).set_item(Some(item)))
    }
}

/// Parses an order from its item.
pub(crate) fn read_order(item: Item) -> Result<Order> {
    from_item::<OrderRecord>(item)?.try_into()
}

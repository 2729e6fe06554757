//! Orders as those see them who may.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use super::{
    Address, Fulfilment, HistoryEntry, Order, OrderStatus, Refund, RefundStatus, Units, What,
};
use crate::{
    cart::Totals,
    catalog::Sku,
    id::{OrderId, RefundId},
    money::{Money, MoneyError},
    payment::{PaymentFailure, PaymentStatus, Provider},
};

/// An order as its customer sees it.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct OrderView {
    /// Identifier.
    pub id: OrderId,
    /// What people call it.
    pub number: String,
    /// Where it stands.
    pub status: OrderStatus,
    /// What was bought.
    pub lines: Vec<OrderLineView>,
    /// What it comes to.
    pub totals: Totals,
    /// The payment.
    pub payment: PaymentView,
    /// What was handed to carriers.
    pub fulfilments: Vec<Fulfilment>,
    /// What goes back, or went.
    pub refunds: Vec<RefundView>,
    /// What has happened, oldest first.
    pub history: Vec<HistoryView>,
    /// Where the confirmation goes.
    pub email: String,
    /// Where the goods go.
    pub shipping_address: Address,
    /// When it was placed.
    #[schemars(with = "String")]
    pub placed_at: Timestamp,
    /// Until when its stock is reserved for a payment.
    #[schemars(with = "String")]
    pub due_at: Timestamp,
    /// The right to read the order and to cancel it, as bearer token; given once, to who placed it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub access_token: Option<String>,
}

/// One line of an order, as its customer sees it.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct OrderLineView {
    /// Stock keeping unit.
    pub sku: Sku,
    /// Product and options.
    pub title: String,
    /// Units.
    pub quantity: u32,
    /// Units handed to a carrier.
    pub fulfilled: u32,
    /// Units refunded.
    pub refunded: u32,
    /// What one cost.
    pub unit_price: Money,
    /// What the line cost.
    pub line_total: Money,
}

/// The payment of an order, as its customer sees it.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct PaymentView {
    /// Which provider takes it.
    pub method: Provider,
    /// Where it stands.
    pub status: PaymentStatus,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<PaymentFailure>,
    /// What the customer's client confirms the payment with, while it has to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_secret: Option<String>,
    /// What was taken.
    pub captured: Money,
    /// What went back.
    pub refunded: Money,
}

/// Money that goes back.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct RefundView {
    /// Identifier.
    pub id: RefundId,
    /// How much.
    pub amount: Money,
    /// For which goods, if for goods.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub lines: Vec<Units>,
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Where it stands.
    pub status: RefundStatus,
    /// When it was asked for.
    #[schemars(with = "String")]
    pub at: Timestamp,
}

/// One line of an order's history.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct HistoryView {
    /// When.
    #[schemars(with = "String")]
    pub at: Timestamp,
    /// What: `placed`, then what happened since.
    pub what: String,
    /// Who: `customer`, `shop`, or `staff:` and the subject of their token; for staff only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// An order as staff see it.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct StaffOrderView {
    /// As its customer sees it, and who has changed it.
    #[serde(flatten)]
    pub order: OrderView,
    /// Raised by every change.
    pub version: u64,
    /// What can still be refunded.
    pub refundable: Money,
    /// The provider's name for the payment, to look it up there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payment_id: Option<String>,
}

impl OrderView {
    /// The order for a reader who has shown the token.
    pub fn of(order: &Order) -> Result<Self, MoneyError> {
        let currency = order.totals.total.currency;
        let lines = order.lines.iter().map(|line| {
            Ok(OrderLineView {
                sku: line.sku.clone(),
                title: line.title.clone(),
                quantity: line.quantity,
                fulfilled: line.fulfilled,
                refunded: line.withdrawn + line.returned,
                unit_price: line.unit_price,
                line_total: line.unit_price.times(line.quantity)?,
            })
        });
        let refund = |refund: &Refund| RefundView {
            id: refund.id,
            amount: Money::new(refund.amount, currency),
            lines: refund.lines.clone(),
            reason: refund.reason.clone(),
            status: refund.status,
            at: refund.at,
        };
        let placed = HistoryView {
            at: order.placed_at,
            what: "placed".to_owned(),
            by: None,
            reason: None,
        };
        let entry = |entry: &HistoryEntry| HistoryView {
            at: entry.at,
            what: entry.what.as_str().to_owned(),
            by: None,
            reason: entry.reason.clone(),
        };
        Ok(Self {
            id: order.id,
            number: order.number(),
            status: order.status(),
            lines: lines.collect::<Result<_, MoneyError>>()?,
            totals: order.totals.clone(),
            payment: PaymentView {
                method: order.payment.method.provider,
                status: order.payment.status,
                failure: order.payment.failure,
                client_secret: order.payment.client_secret.clone(),
                captured: Money::new(order.payment.captured, currency),
                refunded: Money::new(order.refunded(), currency),
            },
            fulfilments: order.fulfilments.clone(),
            refunds: order.refunds.iter().map(refund).collect(),
            history: std::iter::once(placed)
                .chain(order.history.iter().map(entry))
                .collect(),
            email: order.email.clone(),
            shipping_address: order.shipping_address.clone(),
            placed_at: order.placed_at,
            due_at: order.due_at,
            access_token: None,
        })
    }

    /// The answer to who placed the order: as it was placed, with the token.
    pub fn placed(order: &Order) -> Result<Self, MoneyError> {
        let mut view = Self::of(&order.as_placed())?;
        view.access_token = Some(order.access_token());
        Ok(view)
    }
}

impl StaffOrderView {
    /// The order for staff.
    pub fn of(order: &Order) -> Result<Self, MoneyError> {
        let mut view = OrderView::of(order)?;
        view.payment.client_secret = None;
        for (line, entry) in view.history.iter_mut().skip(1).zip(&order.history) {
            line.by = Some(entry.by.to_string());
        }
        view.history[0].by = Some("customer".to_owned());
        Ok(Self {
            refundable: Money::new(order.refundable(), order.totals.total.currency),
            order: view,
            version: order.version,
            payment_id: order.payment.payment_id.clone(),
        })
    }
}

impl What {
    /// Its name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::PaymentActionRequired => "payment_action_required",
            Self::PaymentAuthorised => "payment_authorised",
            Self::Paid => "paid",
            Self::PaymentFailed => "payment_failed",
            Self::Expired => "expired",
            Self::Cancelled => "cancelled",
            Self::Fulfilled => "fulfilled",
            Self::RefundRequested => "refund_requested",
            Self::Refunded => "refunded",
            Self::RefundFailed => "refund_failed",
        }
    }
}

//! Order views for customers and staff.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use crate::{
    cart::Totals,
    catalog::Sku,
    documents::Revisions,
    id::{OrderId, RefundId},
    money::{Money, MoneyError},
    orders::{
        Address, Fulfilment, GoodsLine, HistoryEntry, Order, OrderStatus, Refund, RefundStatus,
        Return,
    },
    payments::{PaymentFailure, PaymentStatus, Provider},
};

/// An order as its customer sees it.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct OrderView {
    /// Identifier of the order.
    pub id: OrderId,
    /// Order number for people, such as `7K3MQ-9QXPB`.
    pub number: String,
    /// Current status.
    pub status: OrderStatus,
    /// Lines at the prices at which they were bought.
    pub lines: Vec<OrderLineView>,
    /// Totals at the time of the order.
    pub totals: Totals,
    /// Payment of the order.
    pub payment: PaymentView,
    /// Shipments, oldest first.
    pub fulfilments: Vec<Fulfilment>,
    /// Refunds in any state, oldest first.
    pub refunds: Vec<RefundView>,
    /// Goods that came back or will not be shipped, other than with a refund; oldest first.
    pub returns: Vec<Return>,
    /// Changes of the order, oldest first.
    pub history: Vec<HistoryView>,
    /// Email address for the confirmation.
    pub email: String,
    /// Address to ship to.
    pub shipping_address: Address,
    /// Time at which it was placed.
    #[schemars(with = "String")]
    pub placed_at: Timestamp,
    /// Time until which its stock is reserved for a payment. It moves later once the customer has begun to pay.
    #[schemars(with = "String")]
    pub due_at: Timestamp,
    /// Bearer token to read and cancel the order; only returned when it is placed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub access_token: Option<String>,
}

/// One line of an order.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct OrderLineView {
    /// Stock keeping unit.
    pub sku: Sku,
    /// Titles of the product and the variant.
    pub title: String,
    /// Number of units.
    pub quantity: u32,
    /// Units that were shipped.
    pub fulfilled: u32,
    /// Units that were not shipped, and will not be.
    pub cancelled: u32,
    /// Shipped units that came back.
    pub returned: u32,
    /// Units whose price was refunded, wherever they are.
    pub refunded: u32,
    /// Unit price at the time of the order.
    pub unit_price: Money,
    /// Price of the line at the time of the order.
    pub line_total: Money,
}

/// The payment of an order.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct PaymentView {
    /// Payment provider.
    pub method: Provider,
    /// Progress of the payment.
    pub status: PaymentStatus,
    /// Why the payment failed, if it did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<PaymentFailure>,
    /// Secret with which the customer's client confirms the payment, while that is required.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_secret: Option<String>,
    /// Captured amount.
    pub captured: Money,
    /// Refunded amount.
    pub refunded: Money,
}

/// A refund of all or part of an order.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct RefundView {
    /// Identifier of the refund.
    pub id: RefundId,
    /// Refunded amount.
    pub amount: Money,
    /// Units that the refund is for; empty for a refund by amount.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub lines: Vec<GoodsLine>,
    /// Reason, as shown to the customer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Progress of the refund.
    pub status: RefundStatus,
    /// Time of the request.
    #[schemars(with = "String")]
    pub at: Timestamp,
}

/// One entry of an order's history.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct HistoryView {
    /// Time of the change.
    #[schemars(with = "String")]
    pub at: Timestamp,
    /// Kind of change: `placed`, or one of the later changes.
    pub what: String,
    /// Originator: `customer`, `shop`, or `staff:` and the subject of their token. Returned to staff
    /// only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// Reason in the originator's words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// An order as staff see it.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct StaffOrderView {
    /// The customer's view, with the originators of changes.
    #[serde(flatten)]
    pub order: OrderView,
    /// Version of the order; incremented by every change.
    pub version: u64,
    /// Amount that can still be refunded.
    pub refundable: Money,
    /// The provider's id of the payment, to look it up there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payment_id: Option<String>,
    /// Revisions of the documents that the order was placed with; 0 is the template's values.
    pub revisions: Revisions,
}

impl OrderView {
    /// The view for the holder of the access token.
    pub fn of(order: &Order) -> Result<Self, MoneyError> {
        let currency = order.totals.total.currency;
        let lines = order.lines.iter().map(|line| {
            Ok(OrderLineView {
                sku: line.sku.clone(),
                title: line.title.clone(),
                quantity: line.quantity,
                fulfilled: line.fulfilled,
                cancelled: line.withdrawn,
                returned: line.returned,
                refunded: line.refunded,
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
            returns: order.returns.clone(),
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

    /// The response to placing the order: the order as placed, with its access token.
    pub fn placed(order: &Order) -> Result<Self, MoneyError> {
        let mut view = Self::of(&order.as_placed())?;
        view.access_token = Some(order.access_token());
        Ok(view)
    }
}

impl StaffOrderView {
    /// The view for staff.
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
            revisions: order.revisions,
        })
    }
}

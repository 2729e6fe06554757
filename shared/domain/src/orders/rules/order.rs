//! An order with its lines and its payment, its number and its access token.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::Timestamp;
use ring::digest::{Context, SHA256, digest};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    CloseReason, Fulfilment, HistoryEntry, OrderNumber, PaymentWindow, Refund, RefundStatus, Return,
};
use crate::{
    cart::Totals,
    catalog::Sku,
    documents::Revisions,
    id::{AccountId, CartId, OrderId},
    idempotency::Fingerprint,
    inventory::{HeldUnits, Share},
    money::Money,
    payments::{PaymentFailure, PaymentMethod, PaymentStatus},
    trace::TraceParent,
};

/// A postal address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Address {
    /// Name of the recipient.
    pub name: String,
    /// Street and number.
    pub line1: String,
    /// Apartment, company and the like.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line2: Option<String>,
    /// City or town, where addresses have one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub city: Option<String>,
    /// State, province or county.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// Postal code, where addresses have one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub postal_code: Option<String>,
    /// ISO 3166-1 alpha-2 country code, such as `DE`, or `XK`.
    pub country: String,
}

/// An order with its payment, fulfilments, refunds and history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// Derived from the idempotency key, so that a repeated request finds the same order.
    pub id: OrderId,
    /// Incremented by every change (optimistic locking).
    pub version: u64,
    /// Why it ended without a sale, if it did.
    pub closed: Option<CloseReason>,
    /// The cart it was placed from; the access token is derived from it.
    pub cart_id: CartId,
    /// The account that it belongs to; `None` for a guest's order.
    pub account: Option<AccountId>,
    /// Email address for the confirmation.
    pub email: String,
    /// Address to ship to.
    pub shipping_address: Address,
    /// Lines at the prices at which they were bought.
    pub lines: Vec<OrderLine>,
    /// Totals at the time of the order.
    pub totals: Totals,
    /// Payment of the order.
    pub payment: Payment,
    /// Fingerprint of the request that placed the order.
    pub fingerprint: Fingerprint,
    /// Time at which it was placed.
    pub placed_at: Timestamp,
    /// Time until which its stock is reserved for a payment. It only ever moves later.
    pub due_at: Timestamp,
    /// How long its stock is reserved, before and after the customer has begun to pay.
    pub window: PaymentWindow,
    /// Time since which its customer may have been told that nothing was charged. From then on the order is not
    /// paid any more.
    pub unpaid_notice_at: Option<Timestamp>,
    /// Id of the request that placed it, for correlation across functions.
    pub trace_id: String,
    /// Place in the trace of the request that placed it or, if its customer or staff have changed it since, last changed
    /// it. What follows continues this trace.
    pub traceparent: TraceParent,
    /// Revisions of the documents that it was placed with.
    pub revisions: Revisions,
    /// Shipments, oldest first.
    pub fulfilments: Vec<Fulfilment>,
    /// Refunds in any state, oldest first.
    pub refunds: Vec<Refund>,
    /// Goods that came back or will not be shipped, other than with a refund; oldest first.
    pub returns: Vec<Return>,
    /// Changes since it was placed: one entry per version after the first.
    pub history: Vec<HistoryEntry>,
}

/// The payment of an order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Payment {
    /// Provider and token.
    #[serde(flatten)]
    pub method: PaymentMethod,
    /// Progress of the payment.
    pub status: PaymentStatus,
    /// Why the payment failed, if it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<PaymentFailure>,
    /// The provider's id of the payment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payment_id: Option<String>,
    /// Secret with which the customer's client confirms the payment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_secret: Option<String>,
    /// Captured amount in minor units.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub captured: i64,
    /// Calls to the provider without an answer since the order last changed.
    #[serde(default, skip_serializing_if = "is_none_of")]
    pub unanswered: u32,
}

fn is_none_of(calls: &u32) -> bool {
    *calls == 0
}

fn is_zero(amount: &i64) -> bool {
    *amount == 0
}

/// One line of an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderLine {
    /// SKU of the variant.
    pub sku: Sku,
    /// Title at the time of the order.
    pub title: String,
    /// Number of units.
    pub quantity: u32,
    /// Unit price at the time of the order.
    pub unit_price: Money,
    /// Shards of the stock that the units were taken from; empty if all came from the first.
    pub shards: Vec<Share>,
    /// Units that were shipped.
    pub fulfilled: u32,
    /// Units that were not shipped, and will not be.
    pub withdrawn: u32,
    /// Shipped units that came back.
    pub returned: u32,
    /// Returned units that can be sold again.
    pub returned_to_stock: u32,
    /// Units whose price was refunded, wherever they are.
    pub refunded: u32,
}

impl Order {
    /// Order number for people: ten digits of its id, such as `7K3MQ-9QXPB`.
    pub fn number(&self) -> String {
        OrderNumber::of(self.id).to_string()
    }

    /// The bearer token that grants a guest access to the order. It is derived from the cart's id and
    /// not stored; a repeated request gets the same token.
    pub fn access_token(&self) -> String {
        let mut hash = Context::new(&SHA256);
        hash.update(b"order access token\0");
        hash.update(self.cart_id.to_string().as_bytes());
        hash.update(b"\0");
        hash.update(self.id.to_string().as_bytes());
        format!("oat_{}", URL_SAFE_NO_PAD.encode(hash.finish()))
    }

    /// Whether `token` grants access to the order. Compares in constant time.
    pub fn opens_with(&self, token: &str) -> bool {
        let ours = digest(&SHA256, self.access_token().as_bytes());
        let theirs = digest(&SHA256, token.as_bytes());
        let differing = ours
            .as_ref()
            .iter()
            .zip(theirs.as_ref())
            .fold(0, |differing, (a, b)| differing | (a ^ b));
        differing == 0
    }

    /// The order as it was placed: the response to a repeated request.
    pub fn as_placed(&self) -> Self {
        let mut order = self.clone();
        if order.was_claimed_after(1) {
            order.account = None;
        }
        order.version = 1;
        order.closed = None;
        order.due_at = order.window.first_due(order.placed_at);
        order.unpaid_notice_at = None;
        order.payment = Payment {
            method: order.payment.method,
            status: PaymentStatus::Pending,
            failure: None,
            payment_id: None,
            client_secret: None,
            captured: 0,
            unanswered: 0,
        };
        for line in &mut order.lines {
            line.fulfilled = 0;
            line.withdrawn = 0;
            line.returned = 0;
            line.returned_to_stock = 0;
            line.refunded = 0;
        }
        order.fulfilments.clear();
        order.refunds.clear();
        order.returns.clear();
        order.history.clear();
        order
    }

    /// Whether a payment of the order was ever captured.
    pub fn took_money(&self) -> bool {
        matches!(
            self.payment.status,
            PaymentStatus::Captured | PaymentStatus::PartiallyRefunded | PaymentStatus::Refunded
        )
    }

    /// Whether the order ended without a payment, and a late one is honored if the stock is available. Once its
    /// customer may believe that nothing was charged, and order elsewhere, it is not.
    pub fn takes_late_payment(&self) -> bool {
        let is_unpaid = matches!(
            self.closed,
            Some(CloseReason::Expired | CloseReason::PaymentFailed)
        );
        is_unpaid && !self.took_money() && self.unpaid_notice_at.is_none()
    }

    /// Refunded amount in minor units.
    pub fn refunded(&self) -> i64 {
        let succeeded = self
            .refunds
            .iter()
            .filter(|refund| refund.status == RefundStatus::Succeeded);
        succeeded.map(|refund| refund.amount).sum()
    }

    /// Amount that can still be refunded, in minor units; pending refunds are deducted.
    pub fn refundable(&self) -> i64 {
        let gone = self
            .refunds
            .iter()
            .filter(|refund| refund.status != RefundStatus::Failed);
        self.payment.captured - gone.map(|refund| refund.amount).sum::<i64>()
    }

    /// Whether the captured amount is refunded, pending refunds included.
    pub fn is_refunded(&self) -> bool {
        self.payment.captured > 0 && self.refundable() <= 0
    }

    /// The last history entry, if any.
    pub fn last_change(&self) -> Option<&HistoryEntry> {
        self.history.last()
    }

    /// The history entry of the change that produced `version`.
    pub fn change(&self, version: u64) -> Option<&HistoryEntry> {
        let index = usize::try_from(version.checked_sub(2)?).ok()?;
        self.history.get(index)
    }
}

impl OrderLine {
    /// Units that are still to be shipped.
    pub fn to_fulfil(&self) -> u32 {
        self.quantity - self.fulfilled - self.withdrawn
    }

    /// Shipped units that have not come back.
    pub fn with_customer(&self) -> u32 {
        self.fulfilled - self.returned
    }

    /// Units whose price has not been refunded.
    pub fn to_refund(&self) -> u32 {
        self.quantity - self.refunded
    }

    /// Units of the line that are reserved and sold in a given state of closing and payment. Used to
    /// reconcile the stock with the orders.
    pub fn held(&self, closed: Option<CloseReason>, payment: PaymentStatus) -> HeldUnits {
        let quantity = i64::from(self.quantity);
        let mut held = HeldUnits::default();
        match payment {
            _ if closed.is_some() => {}
            PaymentStatus::Pending | PaymentStatus::RequiresAction | PaymentStatus::Authorised => {
                held.reserved = quantity;
            }
            PaymentStatus::Failed | PaymentStatus::Voided => {}
            PaymentStatus::Captured
            | PaymentStatus::PartiallyRefunded
            | PaymentStatus::Refunded => held.sold = quantity - i64::from(self.restocked()),
        }
        held
    }

    /// Units that were restocked.
    pub fn restocked(&self) -> u32 {
        self.withdrawn + self.returned_to_stock
    }

    /// The shards that the units were taken from; the first shard if nothing else is recorded.
    pub fn shares(&self) -> Vec<Share> {
        if self.shards.is_empty() {
            return vec![Share {
                shard: 0,
                units: self.quantity,
            }];
        }
        self.shards.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::orders::placed;

    #[test]
    fn only_its_own_token_opens_an_order() {
        let order = placed(&[("S", 1, 100)]);
        let mut of_another_cart = order.clone();
        of_another_cart.cart_id = CartId::random([8; 16]);
        assert!(order.opens_with(&order.access_token()));
        assert!(!order.opens_with(&of_another_cart.access_token()));
        assert!(!order.opens_with(""));
    }
    /// The kind: given up for lost. The sweep deletes the due note of an order that it has expired, perhaps
    /// when a late payment has revived it: then it needs another one.
    #[test]
    fn a_revived_order_has_a_due_note_of_its_own() {
        let placed = placed(&[("S", 1, 100)]);
        let late = placed.due_at + jiff::SignedDuration::from_secs(5);
        let expired = placed.expired(placed.due_at).unwrap().order;
        let revived = expired.authorised("pay_1", late).unwrap().order;
        assert_eq!(revived.due_at, late);
        let in_time = placed.authorised("pay_1", placed.placed_at).unwrap().order;
        assert_eq!(in_time.due_at, placed.due_at);
    }
}

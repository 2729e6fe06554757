//! The order's state machine: each change is one total function.
//!
//! A change takes the current order and returns the next one together with its stock moves; the store
//! commits both in one conditional write. The status is never set: it is derived from the state of the
//! payment, the goods and the order as a whole (docs/orders.md has the diagram).

use std::fmt;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Order, OrderLine, OrderStatus};
use crate::{
    catalog::Sku,
    fault::{Code, FieldFault, Rejection},
    id::{FulfilmentId, RefundId},
    inventory::{Share, StockEffect, StockMove},
    payments::{PaymentFailure, PaymentStatus},
};

/// Maximum number of fulfilments and of refunds of one order: more than it has lines, and small enough
/// for one item.
pub const MAX_PARTS: usize = 60;

/// Why an order ended without a sale.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CloseReason {
    /// The payment failed for good.
    PaymentFailed,
    /// The order was not paid in time.
    Expired,
    /// The customer or staff canceled the order.
    Cancelled,
}

/// The originator of a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Actor {
    /// The holder of the order's access token.
    Customer,
    /// A staff member, by the subject of their token.
    Staff(String),
    /// The shop itself, such as a consumer or the sweep.
    Shop,
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Customer => f.write_str("customer"),
            Self::Staff(subject) => write!(f, "staff:{subject}"),
            Self::Shop => f.write_str("shop"),
        }
    }
}

impl Serialize for Actor {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Actor {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        match (text.as_str(), text.strip_prefix("staff:")) {
            ("customer", _) => Ok(Self::Customer),
            ("shop", _) => Ok(Self::Shop),
            (_, Some(subject)) => Ok(Self::Staff(subject.to_owned())),
            _ => Err(serde::de::Error::custom(
                "expected customer, shop or staff:<subject>",
            )),
        }
    }
}

/// Kind of change of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OrderEventKind {
    /// The customer has to confirm the payment with the provider.
    PaymentActionRequired,
    /// The payment is authorized: the provider holds the money.
    PaymentAuthorised,
    /// The payment is captured.
    Paid,
    /// The payment failed; the stock was released.
    PaymentFailed,
    /// The order was not paid in time; the stock was released.
    Expired,
    /// The order was canceled; the stock was released, the payment is voided or refunded.
    Cancelled,
    /// Goods were handed over to a carrier.
    Fulfilled,
    /// A refund was requested.
    RefundRequested,
    /// A refund succeeded.
    Refunded,
    /// The provider rejected a refund; staff must look at it.
    RefundFailed,
}

/// One entry of an order's history.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HistoryEntry {
    /// Time of the change.
    pub at: Timestamp,
    /// Originator of the change.
    pub by: Actor,
    /// Kind of change.
    pub what: OrderEventKind,
    /// Reason in the originator's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The fulfilment that the change concerns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fulfilment_id: Option<FulfilmentId>,
    /// The refund that the change concerns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refund_id: Option<RefundId>,
}

/// A number of units of one SKU.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Units {
    /// Stock keeping unit.
    pub sku: Sku,
    /// Number of units.
    pub quantity: u32,
}

/// Goods that were handed over to a carrier.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Fulfilment {
    /// Identifier of the fulfilment.
    pub id: FulfilmentId,
    /// Time of the handover.
    #[schemars(with = "String")]
    pub at: Timestamp,
    /// Units in this shipment.
    pub lines: Vec<Units>,
    /// Name of the carrier.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub carrier: Option<String>,
    /// Tracking number of the carrier.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tracking_number: Option<String>,
    /// URL of the tracking page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tracking_url: Option<String>,
}

/// Progress of a refund.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RefundStatus {
    /// The provider has not confirmed the refund yet.
    Requested,
    /// The provider has confirmed the refund.
    Succeeded,
    /// The provider rejected the refund; the amount can be refunded again. Restocked units stay
    /// restocked.
    Failed,
}

/// A refund of all or part of an order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refund {
    /// Identifier, also used as the provider's idempotency key.
    pub id: RefundId,
    /// Time of the request.
    pub at: Timestamp,
    /// Amount in minor units of the order's currency.
    pub amount: i64,
    /// Units that the refund is for; empty for a refund by amount.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lines: Vec<Units>,
    /// Reason, as shown to the customer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Progress of the refund.
    pub status: RefundStatus,
}

/// A change of an order: the next order and its stock moves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transition {
    /// The order after the change.
    pub order: Order,
    /// Stock moves, committed together with the order or not at all.
    pub moves: Vec<StockMove>,
}

/// Why an order cannot be changed. Nothing was changed.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum ChangeError {
    /// The change has been made before, for example by an earlier delivery of the same message.
    #[error("the change has already been made")]
    AlreadyDone,
    /// The order's status does not allow the change.
    #[error("the order's status {0:?} does not allow the change")]
    WrongStatus(OrderStatus),
    /// A capture of the payment is in progress.
    #[error("a capture of the payment is in progress")]
    PaymentInProgress,
    /// The payment is not overdue yet.
    #[error("the reservation is valid until {0}")]
    NotDue(Timestamp),
    /// Part of the order has been shipped.
    #[error("part of the order has been shipped")]
    AlreadyShipped,
    /// Lines that are not in the order, named twice, or exceed the remaining units.
    #[error("{} line(s) are not valid", .0.len())]
    Lines(Vec<FieldFault>),
    /// The refund exceeds the refundable amount.
    #[error("only {left} of the captured amount is refundable")]
    AboveCaptured {
        /// Refundable amount in minor units.
        left: i64,
    },
    /// Nothing is left to ship, refund or pay for.
    #[error("the order has nothing left for this change")]
    NothingLeft,
    /// The order has [`MAX_PARTS`] fulfilments or refunds.
    #[error("an order has at most {MAX_PARTS} fulfilments and as many refunds")]
    TooMany,
}

impl From<ChangeError> for Rejection {
    fn from(error: ChangeError) -> Self {
        match error {
            ChangeError::AlreadyDone => {
                Self::new(Code::OrderStatus, "This change has already been made.")
            }
            ChangeError::WrongStatus(status) => Self::new(
                Code::OrderStatus,
                format!(
                    "The order's status is {}, which does not allow this change.",
                    status.as_str()
                ),
            ),
            ChangeError::PaymentInProgress => Self::new(
                Code::PaymentInProgress,
                "A capture of the payment is in progress; try again in a few seconds.",
            ),
            ChangeError::NotDue(due) => Self::new(
                Code::OrderStatus,
                format!("The order can still be paid until {due}; try again after that."),
            ),
            ChangeError::AlreadyShipped => Self::new(
                Code::OrderShipped,
                "Part of the order has been shipped; refund the rest instead.",
            ),
            ChangeError::Lines(faults) => Self::invalid(faults),
            ChangeError::AboveCaptured { left } => Self {
                code: Code::RefundTooHigh,
                detail: format!(
                    "The refund exceeds the refundable amount of {left} in minor units."
                ),
                fields: vec![FieldFault::new(
                    "amount",
                    "above_captured",
                    format!("Must be at most {left}, in minor units."),
                )],
            },
            ChangeError::NothingLeft => {
                Self::new(Code::OrderStatus, "Nothing is left to ship or refund.")
            }
            ChangeError::TooMany => Self::new(
                Code::OrderStatus,
                format!("An order takes at most {MAX_PARTS} fulfilments and {MAX_PARTS} refunds."),
            ),
        }
    }
}

/// The command of [`Order::fulfilled`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Fulfil {
    /// Units to ship; everything that is left if `None`.
    pub lines: Option<Vec<Units>>,
    /// Name of the carrier.
    pub carrier: Option<String>,
    /// Tracking number of the carrier.
    pub tracking_number: Option<String>,
    /// URL of the tracking page.
    pub tracking_url: Option<String>,
}

/// The command of [`Order::refund_requested`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RequestRefund {
    /// Amount in minor units; if `None`, the price of the lines or everything that is left.
    pub amount: Option<i64>,
    /// Units that the refund is for.
    pub lines: Option<Vec<Units>>,
    /// Whether shipped units were returned and can be sold again.
    pub restock: bool,
    /// Reason, as shown to the customer.
    pub reason: Option<String>,
}

type Changed = Result<Transition, ChangeError>;

impl Order {
    /// The status, derived from payment, goods and closing reason.
    pub fn status(&self) -> OrderStatus {
        match self.closed {
            Some(CloseReason::PaymentFailed) => return OrderStatus::PaymentFailed,
            Some(CloseReason::Expired) => return OrderStatus::Expired,
            Some(CloseReason::Cancelled) => return OrderStatus::Cancelled,
            None => {}
        }
        match self.payment.status {
            PaymentStatus::Pending | PaymentStatus::RequiresAction | PaymentStatus::Authorised => {
                OrderStatus::PendingPayment
            }
            // Unreachable: these payment states always come with a closing reason.
            PaymentStatus::Failed | PaymentStatus::Voided => OrderStatus::PaymentFailed,
            PaymentStatus::Refunded => OrderStatus::Refunded,
            PaymentStatus::PartiallyRefunded => OrderStatus::PartiallyRefunded,
            PaymentStatus::Captured => {
                let shipped = self.lines.iter().any(|line| line.fulfilled > 0);
                let open = self.lines.iter().any(|line| line.to_fulfil() > 0);
                match (shipped, open) {
                    (true, false) => OrderStatus::Fulfilled,
                    (true, true) => OrderStatus::PartiallyFulfilled,
                    (false, _) => OrderStatus::Paid,
                }
            }
        }
    }

    /// The customer has to confirm the payment with the provider.
    pub fn action_required(
        &self,
        payment_id: &str,
        client_secret: Option<String>,
        now: Timestamp,
    ) -> Changed {
        match (self.status(), self.payment.status) {
            (OrderStatus::PendingPayment, PaymentStatus::Pending) => {}
            (_, PaymentStatus::RequiresAction) => return Err(ChangeError::AlreadyDone),
            (status, _) => return Err(ChangeError::WrongStatus(status)),
        }
        let mut order = self.after(
            now,
            Actor::Shop,
            OrderEventKind::PaymentActionRequired,
            None,
        );
        order.payment.status = PaymentStatus::RequiresAction;
        order.payment.payment_id = Some(payment_id.to_owned());
        order.payment.client_secret = client_secret;
        Ok(order.moving(Vec::new()))
    }

    /// Records the authorization. From now on the order neither expires nor can be canceled, until the
    /// payment is captured or voided. An order that had lost its reservation gets it back if the stock
    /// is available.
    pub fn authorised(&self, payment_id: &str, now: Timestamp) -> Changed {
        let moves = match (self.status(), self.payment.status) {
            (OrderStatus::PendingPayment, PaymentStatus::Authorised) => {
                return Err(ChangeError::AlreadyDone);
            }
            (OrderStatus::PendingPayment, _) => Vec::new(),
            (OrderStatus::Expired | OrderStatus::PaymentFailed, _) if !self.took_money() => {
                self.all(StockEffect::Claim)
            }
            (status, _) => return Err(ChangeError::WrongStatus(status)),
        };
        let mut order = self.after(now, Actor::Shop, OrderEventKind::PaymentAuthorised, None);
        order.closed = None;
        order.payment.status = PaymentStatus::Authorised;
        order.payment.failure = None;
        order.payment.client_secret = None;
        order.payment.payment_id = Some(payment_id.to_owned());
        Ok(order.moving(moves))
    }

    /// Records the capture, which sells the goods to the customer. An order that had lost its
    /// reservation gets the stock if it is available.
    pub fn captured(&self, payment_id: &str, amount: i64, now: Timestamp) -> Changed {
        let moves = match self.status() {
            OrderStatus::PendingPayment => self.all(StockEffect::Sell),
            OrderStatus::Expired | OrderStatus::PaymentFailed if !self.took_money() => {
                self.all(StockEffect::Take)
            }
            _ if self.took_money() => return Err(ChangeError::AlreadyDone),
            status => return Err(ChangeError::WrongStatus(status)),
        };
        let mut order = self.after(now, Actor::Shop, OrderEventKind::Paid, None);
        order.closed = None;
        order.payment.status = PaymentStatus::Captured;
        order.payment.failure = None;
        order.payment.payment_id = Some(payment_id.to_owned());
        order.payment.client_secret = None;
        order.payment.captured = amount;
        Ok(order.moving(moves))
    }

    /// Records a capture for an order that has lost its stock, and requests a full refund.
    pub fn captured_after_close(&self, payment_id: &str, amount: i64, now: Timestamp) -> Changed {
        if self.took_money() {
            return Err(ChangeError::AlreadyDone);
        }
        let status = self.status();
        if !matches!(
            status,
            OrderStatus::Expired | OrderStatus::PaymentFailed | OrderStatus::Cancelled
        ) {
            return Err(ChangeError::WrongStatus(status));
        }
        let reason = "The payment arrived after the reservation had ended.".to_owned();
        let mut order = self.after(
            now,
            Actor::Shop,
            OrderEventKind::RefundRequested,
            Some(reason.clone()),
        );
        // The order stays closed: it has no goods, whatever happens to its payment.
        order.payment.status = PaymentStatus::Captured;
        order.payment.payment_id = Some(payment_id.to_owned());
        order.payment.client_secret = None;
        order.payment.captured = amount;
        order.push_refund(Refund {
            id: RefundId::derived(&[&self.id.to_string(), "in vain", payment_id]),
            at: now,
            amount,
            lines: Vec::new(),
            reason: Some(reason),
            status: RefundStatus::Requested,
        });
        Ok(order.moving(Vec::new()))
    }

    /// Records that the payment failed for good, and releases the stock.
    pub fn payment_failed(&self, failure: PaymentFailure, now: Timestamp) -> Changed {
        match self.status() {
            OrderStatus::PendingPayment => {}
            OrderStatus::PaymentFailed => return Err(ChangeError::AlreadyDone),
            status => return Err(ChangeError::WrongStatus(status)),
        }
        let mut order = self.after(now, Actor::Shop, OrderEventKind::PaymentFailed, None);
        order.closed = Some(CloseReason::PaymentFailed);
        order.payment.status = PaymentStatus::Failed;
        order.payment.failure = Some(failure);
        order.payment.client_secret = None;
        Ok(order.moving(self.all(StockEffect::Release)))
    }

    /// Expires an order that was not paid in time, and releases the stock.
    pub fn expired(&self, now: Timestamp) -> Changed {
        match (self.status(), self.payment.status) {
            (OrderStatus::PendingPayment, PaymentStatus::Authorised) => {
                return Err(ChangeError::PaymentInProgress);
            }
            (OrderStatus::PendingPayment, _) if now < self.due_at => {
                return Err(ChangeError::NotDue(self.due_at));
            }
            (OrderStatus::PendingPayment, _) => {}
            (OrderStatus::Expired, _) => return Err(ChangeError::AlreadyDone),
            (status, _) => return Err(ChangeError::WrongStatus(status)),
        }
        let mut order = self.after(now, Actor::Shop, OrderEventKind::Expired, None);
        order.closed = Some(CloseReason::Expired);
        order.payment.status = PaymentStatus::Voided;
        order.payment.client_secret = None;
        Ok(order.moving(self.all(StockEffect::Release)))
    }

    /// Cancels an order before any of it is shipped; releases the stock and requests a refund of a
    /// captured payment.
    pub fn cancelled(&self, reason: Option<String>, by: Actor, now: Timestamp) -> Changed {
        let moves = match (self.status(), self.payment.status) {
            (OrderStatus::PendingPayment, PaymentStatus::Authorised) => {
                return Err(ChangeError::PaymentInProgress);
            }
            (OrderStatus::PendingPayment, _) => self.all(StockEffect::Release),
            _ if self.lines.iter().any(|line| line.fulfilled > 0) => {
                return Err(ChangeError::AlreadyShipped);
            }
            (OrderStatus::Paid | OrderStatus::PartiallyRefunded, _) => {
                let open = |line: &OrderLine| (line.sku.clone(), line.to_fulfil());
                self.restock(self.lines.iter().map(open))
            }
            (status, _) => return Err(ChangeError::WrongStatus(status)),
        };
        let mut order = self.after(now, by, OrderEventKind::Cancelled, reason.clone());
        order.closed = Some(CloseReason::Cancelled);
        order.payment.client_secret = None;
        if self.took_money() {
            let left = self.refundable();
            if left > 0 {
                order.push_refund(Refund {
                    id: RefundId::derived(&[&self.id.to_string(), "cancelled"]),
                    at: now,
                    amount: left,
                    lines: Vec::new(),
                    reason,
                    status: RefundStatus::Requested,
                });
            }
            for line in &mut order.lines {
                line.withdrawn += line.to_fulfil();
            }
        } else {
            order.payment.status = PaymentStatus::Voided;
        }
        Ok(order.moving(moves))
    }

    /// Records a shipment. `id` is derived from the request.
    pub fn fulfilled(
        &self,
        id: FulfilmentId,
        command: &Fulfil,
        by: Actor,
        now: Timestamp,
    ) -> Changed {
        // Refunded orders included: units that were not withdrawn belong to the customer.
        if self.closed.is_some() || !self.took_money() {
            return Err(ChangeError::WrongStatus(self.status()));
        }
        let lines = match &command.lines {
            Some(lines) => self.checked(lines, OrderLine::to_fulfil)?,
            None => self.all_of(OrderLine::to_fulfil),
        };
        if lines.is_empty() {
            return Err(ChangeError::NothingLeft);
        }
        if self.fulfilments.len() >= MAX_PARTS {
            return Err(ChangeError::TooMany);
        }
        let mut order = self.after(now, by, OrderEventKind::Fulfilled, None);
        for units in &lines {
            for line in order.lines.iter_mut().filter(|line| line.sku == units.sku) {
                line.fulfilled += units.quantity;
            }
        }
        if let Some(entry) = order.history.last_mut() {
            entry.fulfilment_id = Some(id);
        }
        order.fulfilments.push(Fulfilment {
            id,
            at: now,
            lines,
            carrier: command.carrier.clone(),
            tracking_number: command.tracking_number.clone(),
            tracking_url: command.tracking_url.clone(),
        });
        Ok(order.moving(Vec::new()))
    }

    /// Requests a refund of at most the captured amount that is left. Unshipped units of the named
    /// lines are withdrawn and restocked; shipped units are restocked if they were returned. `id` is
    /// derived from the request.
    pub fn refund_requested(
        &self,
        id: RefundId,
        command: &RequestRefund,
        by: Actor,
        now: Timestamp,
    ) -> Changed {
        let left = self.refundable();
        if !self.took_money() {
            return Err(ChangeError::WrongStatus(self.status()));
        }
        let everything = command.amount.is_none() && command.lines.is_none();
        let lines = match &command.lines {
            Some(lines) => self.checked(lines, OrderLine::to_refund)?,
            None if everything => self.all_of(OrderLine::to_refund),
            None => Vec::new(),
        };
        let worth = |units: &Units| {
            let line = self.lines.iter().find(|line| line.sku == units.sku);
            line.map_or(0, |line| line.unit_price.amount * i64::from(units.quantity))
        };
        let amount = match command.amount {
            Some(amount) => amount,
            None if everything => left,
            None => lines.iter().map(worth).sum(),
        };
        if amount > left {
            return Err(ChangeError::AboveCaptured { left });
        }
        if amount <= 0 {
            return Err(ChangeError::NothingLeft);
        }
        if self.refunds.len() >= MAX_PARTS {
            return Err(ChangeError::TooMany);
        }
        let reason = command.reason.clone();
        let mut order = self.after(now, by, OrderEventKind::RefundRequested, reason.clone());
        let mut back = Vec::new();
        for units in &lines {
            let Some(line) = order.lines.iter_mut().find(|line| line.sku == units.sku) else {
                continue;
            };
            let unshipped = units.quantity.min(line.to_fulfil());
            let shipped = units.quantity - unshipped;
            line.withdrawn += unshipped;
            line.returned += shipped;
            let restocked = unshipped + if command.restock { shipped } else { 0 };
            line.returned_to_stock += restocked - unshipped;
            back.push((line.sku.clone(), restocked));
        }
        // A closed order has already released its units.
        let moves = if self.closed.is_none() {
            self.restock(back.into_iter())
        } else {
            Vec::new()
        };
        order.push_refund(Refund {
            id,
            at: now,
            amount,
            lines,
            reason,
            status: RefundStatus::Requested,
        });
        Ok(order.moving(moves))
    }

    /// Records the provider's answer to a refund.
    pub fn refund_settled(&self, id: RefundId, succeeded: bool, now: Timestamp) -> Changed {
        let refund = self.refunds.iter().find(|refund| refund.id == id);
        match refund.map(|refund| refund.status) {
            Some(RefundStatus::Requested) => {}
            Some(_) => return Err(ChangeError::AlreadyDone),
            None => return Err(ChangeError::WrongStatus(self.status())),
        }
        let (what, status) = if succeeded {
            (OrderEventKind::Refunded, RefundStatus::Succeeded)
        } else {
            (OrderEventKind::RefundFailed, RefundStatus::Failed)
        };
        let mut order = self.after(now, Actor::Shop, what, None);
        for refund in order.refunds.iter_mut().filter(|refund| refund.id == id) {
            refund.status = status;
        }
        if let Some(entry) = order.history.last_mut() {
            entry.refund_id = Some(id);
        }
        let refunded = order.refunded();
        order.payment.status = if refunded >= order.payment.captured {
            PaymentStatus::Refunded
        } else if refunded > 0 {
            PaymentStatus::PartiallyRefunded
        } else {
            PaymentStatus::Captured
        };
        Ok(order.moving(Vec::new()))
    }

    /// Whether a payment of the order was ever captured.
    pub fn took_money(&self) -> bool {
        matches!(
            self.payment.status,
            PaymentStatus::Captured | PaymentStatus::PartiallyRefunded | PaymentStatus::Refunded
        )
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

    /// The next version of the order, with a history entry for the change.
    fn after(
        &self,
        now: Timestamp,
        by: Actor,
        what: OrderEventKind,
        reason: Option<String>,
    ) -> Self {
        let mut order = self.clone();
        order.version += 1;
        order.history.push(HistoryEntry {
            at: now,
            by,
            what,
            reason,
            fulfilment_id: None,
            refund_id: None,
        });
        order
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

    /// Adds a refund and links it to the last history entry.
    fn push_refund(&mut self, refund: Refund) {
        if let Some(entry) = self.history.last_mut() {
            entry.refund_id = Some(refund.id);
        }
        self.refunds.push(refund);
    }

    fn moving(self, moves: Vec<StockMove>) -> Transition {
        Transition { order: self, moves }
    }

    /// Applies `effect` to all units of the order.
    fn all(&self, effect: StockEffect) -> Vec<StockMove> {
        let moves = self.lines.iter().flat_map(|line| {
            let shares = line.shares();
            shares.into_iter().map(|share| StockMove {
                sku: line.sku.clone(),
                shard: share.shard,
                units: share.units,
                effect,
            })
        });
        moves.collect()
    }

    /// Restocks units into the first shard of their line: only the sum of the shards matters.
    fn restock(&self, units: impl Iterator<Item = (Sku, u32)>) -> Vec<StockMove> {
        let moves = units.filter(|(_, units)| *units > 0).map(|(sku, units)| {
            let line = self.lines.iter().find(|line| line.sku == sku);
            let shard = line.map_or(0, |line| line.shares()[0].shard);
            StockMove {
                sku,
                shard,
                units,
                effect: StockEffect::Restock,
            }
        });
        moves.collect()
    }

    /// All units that are left by `left`, over all lines.
    fn all_of(&self, left: impl Fn(&OrderLine) -> u32) -> Vec<Units> {
        let units = self.lines.iter().map(|line| Units {
            sku: line.sku.clone(),
            quantity: left(line),
        });
        units.filter(|units| units.quantity > 0).collect()
    }

    /// Validates `lines`: each belongs to the order, is named once, and does not exceed the units left.
    fn checked(
        &self,
        lines: &[Units],
        left: impl Fn(&OrderLine) -> u32,
    ) -> Result<Vec<Units>, ChangeError> {
        let mut faults = Vec::new();
        for (index, units) in lines.iter().enumerate() {
            let mut fault = |field: &str, code, message: String| {
                faults.push(FieldFault::new(
                    format!("lines[{index}].{field}"),
                    code,
                    message,
                ));
            };
            let Some(line) = self.lines.iter().find(|line| line.sku == units.sku) else {
                fault(
                    "sku",
                    "not_in_order",
                    format!("The order has no {}.", units.sku),
                );
                continue;
            };
            if lines[..index].iter().any(|other| other.sku == units.sku) {
                fault(
                    "sku",
                    "duplicate",
                    format!("{} is listed twice.", units.sku),
                );
            }
            let left = left(line);
            if units.quantity > left {
                fault("quantity", "too_many", format!("Only {left} are left."));
            }
        }
        if faults.is_empty() {
            Ok(lines.to_vec())
        } else {
            Err(ChangeError::Lines(faults))
        }
    }
}

impl OrderLine {
    /// Units that are still to be shipped.
    pub fn to_fulfil(&self) -> u32 {
        self.quantity - self.fulfilled - self.withdrawn
    }

    /// Units that have not been refunded.
    pub fn to_refund(&self) -> u32 {
        self.quantity - self.withdrawn - self.returned
    }

    /// Units of the line that are reserved and sold in a given state of closing and payment. Used to
    /// reconcile the stock with the orders.
    pub fn held(&self, closed: Option<CloseReason>, payment: PaymentStatus) -> [i64; 2] {
        let quantity = i64::from(self.quantity);
        match payment {
            _ if closed.is_some() => [0, 0],
            PaymentStatus::Pending | PaymentStatus::RequiresAction | PaymentStatus::Authorised => {
                [quantity, 0]
            }
            PaymentStatus::Failed | PaymentStatus::Voided => [0, 0],
            PaymentStatus::Captured
            | PaymentStatus::PartiallyRefunded
            | PaymentStatus::Refunded => [0, quantity - i64::from(self.restocked())],
        }
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
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;
    use crate::orders::tests::placed;

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
            Cancelled, Expired, Fulfilled, Paid, PartiallyFulfilled, PartiallyRefunded,
            PaymentFailed, PendingPayment, Refunded,
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

    fn held(order: &Order) -> HashMap<Sku, [i64; 2]> {
        let held = |line: &OrderLine| line.held(order.closed, order.payment.status);
        let lines = order.lines.iter();
        lines.map(|line| (line.sku.clone(), held(line))).collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]
        #[test]
        fn whatever_is_tried_the_books_are_right(steps in prop::collection::vec(tries(), 1..14)) {
            let first = placed(&[("A", 3, 500), ("B", 1, 200)]);
            let mut order = first.clone();
            // Reserved and sold units, as the store would count them.
            let mut stock: HashMap<Sku, [i64; 2]> = held(&order);
            for (number, step) in steps.iter().enumerate() {
                let before = order.clone();
                let Ok(transition) = attempt(&order, step, number) else { continue };
                order = transition.order;
                for moved in &transition.moves {
                    let [available, reserved, sold] = moved.effect.deltas();
                    prop_assert_eq!(available + reserved + sold, 0);
                    let counters = stock.get_mut(&moved.sku).unwrap();
                    counters[0] += reserved * i64::from(moved.units);
                    counters[1] += sold * i64::from(moved.units);
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
            Err(ChangeError::AboveCaptured { left: 1700 })
        );
        let one = ask(&order, None, Some(&[("A", 2)])).unwrap();
        assert_eq!((one.order.refunds[0].amount, one.moves[0].units), (1000, 2));
        assert_eq!(
            ask(&one.order, Some(701), None),
            Err(ChangeError::AboveCaptured { left: 700 })
        );
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
}

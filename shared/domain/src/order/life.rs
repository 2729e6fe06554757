//! The life of an order: every change it can go through, as one total function each.
//!
//! A change takes the order as it is and answers with the order as it will be and with what it does
//! to the stock; the store commits both in one conditional write, or neither. The status is never
//! set: it follows from what has happened to the money, the goods and the order as a whole
//! (docs/orders.md has the picture).

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
    payment::{PaymentFailure, PaymentStatus},
};

/// Most fulfilments and most refunds of one order: far more than one has lines, and small enough
/// for one item.
pub const MAX_PARTS: usize = 60;

/// Why an order came to an end without being sold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Closed {
    /// The payment failed.
    PaymentFailed,
    /// It was not paid in its time.
    Expired,
    /// Its customer or the staff called it off.
    Cancelled,
}

/// Who changed an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Actor {
    /// Its customer.
    Customer,
    /// Somebody of the staff, by the subject of their token.
    Staff(String),
    /// The shop itself.
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
            _ => Err(serde::de::Error::custom("nobody who may change an order")),
        }
    }
}

/// What happened to an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum What {
    /// The customer has to confirm the payment with the provider.
    PaymentActionRequired,
    /// The provider holds the money.
    PaymentAuthorised,
    /// The money is ours.
    Paid,
    /// The payment failed; the stock was released.
    PaymentFailed,
    /// It was not paid in time; the stock was released.
    Expired,
    /// It was called off; the stock was released, the money goes back.
    Cancelled,
    /// Goods were handed to a carrier.
    Fulfilled,
    /// Money is to go back.
    RefundRequested,
    /// Money went back.
    Refunded,
    /// The provider did not give money back; staff must look at it.
    RefundFailed,
}

/// One line of an order's history.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HistoryEntry {
    /// When.
    pub at: Timestamp,
    /// Who.
    pub by: Actor,
    /// What.
    pub what: What,
    /// Why, in the words of who did it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Which fulfilment it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fulfilment_id: Option<FulfilmentId>,
    /// Which refund it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refund_id: Option<RefundId>,
}

/// Units of one SKU.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Units {
    /// Stock keeping unit.
    pub sku: Sku,
    /// How many.
    pub quantity: u32,
}

/// Goods handed to a carrier.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Fulfilment {
    /// Identifier.
    pub id: FulfilmentId,
    /// When.
    #[schemars(with = "String")]
    pub at: Timestamp,
    /// What.
    pub lines: Vec<Units>,
    /// Who carries it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub carrier: Option<String>,
    /// The carrier's number for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tracking_number: Option<String>,
    /// Where it can be followed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tracking_url: Option<String>,
}

/// Where a refund stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RefundStatus {
    /// The provider has not answered yet.
    Requested,
    /// The money is on its way.
    Succeeded,
    /// The provider said no; the amount can be refunded again. Its units stay where they went.
    Failed,
}

/// Money that goes back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refund {
    /// Identifier; the provider's idempotency key, too.
    pub id: RefundId,
    /// When it was asked for.
    pub at: Timestamp,
    /// How much, in minor units of the order's currency.
    pub amount: i64,
    /// For which goods, if for goods.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lines: Vec<Units>,
    /// Why, for the customer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Where it stands.
    pub status: RefundStatus,
}

/// A change of an order: the order after it, and what it does to the stock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transition {
    /// The order as it will be.
    pub order: Order,
    /// What happens to the stock, all or nothing, together with the order.
    pub moves: Vec<StockMove>,
}

/// Why an order cannot be changed like that. Nothing was changed.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum ChangeError {
    /// It has happened already; a message seen twice says so.
    #[error("it has happened already")]
    AlreadyDone,
    /// It does not go together with where the order stands.
    #[error("an order that is {0:?} does not allow it")]
    WrongStatus(OrderStatus),
    /// The money is being taken at this very moment.
    #[error("the payment is being taken at the moment")]
    PaymentInProgress,
    /// It is not time yet.
    #[error("the reservation holds until {0}")]
    NotDue(Timestamp),
    /// Some of it is with the carrier.
    #[error("some of the order has been shipped")]
    AlreadyShipped,
    /// Lines that are not in the order, named twice, or of more units than are left.
    #[error("{} line(s) are at fault", .0.len())]
    Lines(Vec<FieldFault>),
    /// More than is left of what was captured.
    #[error("only {left} of the captured amount is left")]
    AboveCaptured {
        /// What is left, in minor units.
        left: i64,
    },
    /// All of it is done.
    #[error("nothing is left to do")]
    NothingLeft,
    /// [`MAX_PARTS`] of them are there.
    #[error("an order has at most {MAX_PARTS} of these")]
    TooMany,
}

impl From<ChangeError> for Rejection {
    fn from(error: ChangeError) -> Self {
        match error {
            ChangeError::AlreadyDone => Self::new(Code::OrderStatus, "It has happened already."),
            ChangeError::WrongStatus(status) => Self::new(
                Code::OrderStatus,
                format!("The order is {}; that does not allow it.", status.as_str()),
            ),
            ChangeError::PaymentInProgress => Self::new(
                Code::PaymentInProgress,
                "The payment is being taken at this moment; try again in a few seconds.",
            ),
            ChangeError::NotDue(due) => Self::new(
                Code::OrderStatus,
                format!("The order can be paid until {due}."),
            ),
            ChangeError::AlreadyShipped => Self::new(
                Code::OrderShipped,
                "Some of the order has been shipped; what is left of it can be refunded.",
            ),
            ChangeError::Lines(faults) => Self::invalid(faults),
            ChangeError::AboveCaptured { left } => Self {
                code: Code::RefundTooHigh,
                detail: format!("More than is left of the captured amount: {left} in minor units."),
                fields: vec![FieldFault::new(
                    "amount",
                    "above_captured",
                    format!("At most {left}."),
                )],
            },
            ChangeError::NothingLeft => Self::new(Code::OrderStatus, "Nothing of it is left."),
            ChangeError::TooMany => Self::new(
                Code::OrderStatus,
                format!("An order takes at most {MAX_PARTS} of these."),
            ),
        }
    }
}

/// The command of [`Order::fulfilled`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Fulfil {
    /// What is handed over; everything that is left, if nothing is named.
    pub lines: Option<Vec<Units>>,
    /// Who carries it.
    pub carrier: Option<String>,
    /// The carrier's number for it.
    pub tracking_number: Option<String>,
    /// Where it can be followed.
    pub tracking_url: Option<String>,
}

/// The command of [`Order::refund_requested`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RequestRefund {
    /// How much; what the lines cost, or all that is left, if nothing is named.
    pub amount: Option<i64>,
    /// For which goods.
    pub lines: Option<Vec<Units>>,
    /// Whether shipped units came back and can be sold again.
    pub restock: bool,
    /// Why.
    pub reason: Option<String>,
}

type Changed = Result<Transition, ChangeError>;

impl Order {
    /// The status that follows from what has happened.
    pub fn status(&self) -> OrderStatus {
        match self.closed {
            Some(Closed::PaymentFailed) => return OrderStatus::PaymentFailed,
            Some(Closed::Expired) => return OrderStatus::Expired,
            Some(Closed::Cancelled) => return OrderStatus::Cancelled,
            None => {}
        }
        match self.payment.status {
            PaymentStatus::Pending | PaymentStatus::RequiresAction | PaymentStatus::Authorised => {
                OrderStatus::PendingPayment
            }
            // Never without being closed, too.
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
        let mut order = self.after(now, Actor::Shop, What::PaymentActionRequired, None);
        order.payment.status = PaymentStatus::RequiresAction;
        order.payment.payment_id = Some(payment_id.to_owned());
        order.payment.client_secret = client_secret;
        Ok(order.moving(Vec::new()))
    }

    /// The provider holds the money. From now on the order neither expires nor is cancelled, until
    /// the money is taken or let go. An order that had lost its stock gets it back, if it is there.
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
        let mut order = self.after(now, Actor::Shop, What::PaymentAuthorised, None);
        order.closed = None;
        order.payment.status = PaymentStatus::Authorised;
        order.payment.failure = None;
        order.payment.client_secret = None;
        order.payment.payment_id = Some(payment_id.to_owned());
        Ok(order.moving(moves))
    }

    /// The money is ours, and so the goods are the customer's. An order that had lost its stock gets
    /// it back, if it is there.
    pub fn captured(&self, payment_id: &str, amount: i64, now: Timestamp) -> Changed {
        let moves = match self.status() {
            OrderStatus::PendingPayment => self.all(StockEffect::Sell),
            OrderStatus::Expired | OrderStatus::PaymentFailed if !self.took_money() => {
                self.all(StockEffect::Take)
            }
            _ if self.took_money() => return Err(ChangeError::AlreadyDone),
            status => return Err(ChangeError::WrongStatus(status)),
        };
        let mut order = self.after(now, Actor::Shop, What::Paid, None);
        order.closed = None;
        order.payment.status = PaymentStatus::Captured;
        order.payment.failure = None;
        order.payment.payment_id = Some(payment_id.to_owned());
        order.payment.client_secret = None;
        order.payment.captured = amount;
        Ok(order.moving(moves))
    }

    /// Money came for an order that has no goods any more: it is noted, and goes back whole.
    pub fn captured_in_vain(&self, payment_id: &str, amount: i64, now: Timestamp) -> Changed {
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
        let reason = "The payment came when the goods were no longer reserved.".to_owned();
        let mut order = self.after(
            now,
            Actor::Shop,
            What::RefundRequested,
            Some(reason.clone()),
        );
        // It stays closed: it has no goods, whatever its payment does from here on.
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

    /// No money was taken, and none will be; the stock goes back.
    pub fn payment_failed(&self, failure: PaymentFailure, now: Timestamp) -> Changed {
        match self.status() {
            OrderStatus::PendingPayment => {}
            OrderStatus::PaymentFailed => return Err(ChangeError::AlreadyDone),
            status => return Err(ChangeError::WrongStatus(status)),
        }
        let mut order = self.after(now, Actor::Shop, What::PaymentFailed, None);
        order.closed = Some(Closed::PaymentFailed);
        order.payment.status = PaymentStatus::Failed;
        order.payment.failure = Some(failure);
        order.payment.client_secret = None;
        Ok(order.moving(self.all(StockEffect::Release)))
    }

    /// It was not paid in its time; the stock goes back.
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
        let mut order = self.after(now, Actor::Shop, What::Expired, None);
        order.closed = Some(Closed::Expired);
        order.payment.status = PaymentStatus::Voided;
        order.payment.client_secret = None;
        Ok(order.moving(self.all(StockEffect::Release)))
    }

    /// It is called off before any of it was shipped; the stock goes back, and so does the money.
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
        let mut order = self.after(now, by, What::Cancelled, reason.clone());
        order.closed = Some(Closed::Cancelled);
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

    /// Goods are handed to a carrier. `id` is derived from the request.
    pub fn fulfilled(
        &self,
        id: FulfilmentId,
        command: &Fulfil,
        by: Actor,
        now: Timestamp,
    ) -> Changed {
        // Also of one whose money went back: goods that were not withdrawn are the customer's.
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
        let mut order = self.after(now, by, What::Fulfilled, None);
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

    /// Money is to go back, never more than was captured and has not gone back. Units of named lines
    /// that were not shipped will not be, and go back into stock; shipped ones do if they came back.
    /// `id` is derived from the request.
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
        let mut order = self.after(now, by, What::RefundRequested, reason.clone());
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
        // A closed order has given its units back already.
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

    /// The provider has answered to a refund.
    pub fn refund_settled(&self, id: RefundId, succeeded: bool, now: Timestamp) -> Changed {
        let refund = self.refunds.iter().find(|refund| refund.id == id);
        match refund.map(|refund| refund.status) {
            Some(RefundStatus::Requested) => {}
            Some(_) => return Err(ChangeError::AlreadyDone),
            None => return Err(ChangeError::WrongStatus(self.status())),
        }
        let (what, status) = if succeeded {
            (What::Refunded, RefundStatus::Succeeded)
        } else {
            (What::RefundFailed, RefundStatus::Failed)
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

    /// Whether money was ever taken for it.
    pub fn took_money(&self) -> bool {
        matches!(
            self.payment.status,
            PaymentStatus::Captured | PaymentStatus::PartiallyRefunded | PaymentStatus::Refunded
        )
    }

    /// What has gone back, in minor units.
    pub fn refunded(&self) -> i64 {
        let succeeded = self
            .refunds
            .iter()
            .filter(|refund| refund.status == RefundStatus::Succeeded);
        succeeded.map(|refund| refund.amount).sum()
    }

    /// What can still go back, in minor units: what is on its way counts as gone.
    pub fn refundable(&self) -> i64 {
        let gone = self
            .refunds
            .iter()
            .filter(|refund| refund.status != RefundStatus::Failed);
        self.payment.captured - gone.map(|refund| refund.amount).sum::<i64>()
    }

    /// The next version, with its line of history.
    fn after(&self, now: Timestamp, by: Actor, what: What, reason: Option<String>) -> Self {
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

    /// What the last change was, if there was one.
    pub fn last_change(&self) -> Option<&HistoryEntry> {
        self.history.last()
    }

    /// What made the order this version.
    pub fn change(&self, version: u64) -> Option<&HistoryEntry> {
        let index = usize::try_from(version.checked_sub(2)?).ok()?;
        self.history.get(index)
    }

    /// Adds a refund that the last change is about.
    fn push_refund(&mut self, refund: Refund) {
        if let Some(entry) = self.history.last_mut() {
            entry.refund_id = Some(refund.id);
        }
        self.refunds.push(refund);
    }

    fn moving(self, moves: Vec<StockMove>) -> Transition {
        Transition { order: self, moves }
    }

    /// `effect` on everything the order has.
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

    /// Units that go back into stock, all to the line's first shard: what counts is their sum.
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

    /// All units of all lines that are left.
    fn all_of(&self, left: impl Fn(&OrderLine) -> u32) -> Vec<Units> {
        let units = self.lines.iter().map(|line| Units {
            sku: line.sku.clone(),
            quantity: left(line),
        });
        units.filter(|units| units.quantity > 0).collect()
    }

    /// `lines`, if each is of the order, named once, and has as many units left.
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
                fault("sku", "duplicate", format!("{} is named twice.", units.sku));
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

    /// Units that were not refunded.
    pub fn to_refund(&self) -> u32 {
        self.quantity - self.withdrawn - self.returned
    }

    /// What its order holds of the stock while that is closed or not, and paid or not: units reserved,
    /// units sold. What stock and orders are checked against each other with.
    pub fn held(&self, closed: Option<Closed>, payment: PaymentStatus) -> [i64; 2] {
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

    /// Units that went back into stock.
    pub fn restocked(&self) -> u32 {
        self.withdrawn + self.returned_to_stock
    }

    /// The shards it was taken from; the first, if nothing else is noted.
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
    use crate::order::tests::placed;

    /// One thing that may be tried on an order, with its numbers.
    #[derive(Clone, Debug)]
    enum Try {
        ActionRequired,
        Authorised,
        Captured,
        CapturedInVain,
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
            Just(Try::CapturedInVain),
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
            Try::CapturedInVain => order.captured_in_vain("p", total, now),
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

    /// The picture in docs/orders.md.
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
                // A payment that comes late is honoured if the stock is still there.
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
            // Units by counter, as the store would move them: reserved and sold.
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
                // A closed order that took money gives it back.
                if order.closed.is_some() && order.took_money() {
                    prop_assert!(order.refunds.iter().any(|r| r.status != RefundStatus::Succeeded)
                        || order.refundable() == 0);
                }
                prop_assert_eq!(order.as_placed(), first.clone());
                // Seen twice, a fact of the payment changes nothing.
                if matches!(step, Try::Captured | Try::CapturedInVain | Try::Failed | Try::Authorised | Try::ActionRequired) {
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
        let refused = expired.captured_in_vain("p", 500, due).unwrap().order;
        assert_eq!(
            (refused.status(), refused.refundable()),
            (OrderStatus::Expired, 0)
        );
        // Its money is being taken: nobody may take its stock away.
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
            "what did not go back can be tried again"
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

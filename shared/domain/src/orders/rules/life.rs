//! The order's state machine: each change is one total function.
//!
//! A change takes the current order and returns the next one together with its stock moves; the store
//! commits both in one conditional write. The status is never set: it is derived from the state of the
//! payment, the goods and the order as a whole (docs/orders.md has the diagram).

use jiff::Timestamp;

use super::{
    Actor, ChangeError, CloseReason, Fulfil, Fulfilment, HistoryEntry, MAX_PARTS, Order,
    OrderEventKind, OrderLine, OrderStatus, Refund, RefundStatus, RequestRefund, Units,
};
use crate::{
    catalog::Sku,
    fault::FieldFault,
    id::{FulfilmentId, RefundId},
    inventory::{StockEffect, StockMove},
    money::Money,
    payments::{PaymentFailure, PaymentStatus},
};

/// A change of an order: the next order and its stock moves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transition {
    /// The order after the change.
    pub order: Order,
    /// Stock moves, committed together with the order or not at all.
    pub moves: Vec<StockMove>,
}

type Changed = Result<Transition, ChangeError>;

impl Order {
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
            let left = Money::new(left, self.totals.total.currency);
            return Err(ChangeError::AboveCaptured { left });
        }
        let provider = self.payment.method.provider;
        provider.check_amount(Money::new(amount, self.totals.total.currency))?;
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

#[cfg(test)]
mod tests;

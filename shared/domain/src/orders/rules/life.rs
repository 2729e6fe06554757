//! The order's state machine: each change is one total function.
//!
//! A change takes the current order and returns the next one together with its stock moves; the store
//! commits both in one conditional write. The status is never set: it is derived from the state of the
//! payment, the goods and the order as a whole (docs/orders.md has the diagram).

use jiff::Timestamp;

use super::{
    Actor, ChangeError, CloseReason, Fulfil, Fulfilment, Goods, GoodsLine, HistoryEntry, MAX_PARTS,
    Order, OrderEventKind, OrderLine, OrderStatus, RecordReturn, Refund, RefundStatus,
    RequestRefund, Return, Units,
};
use crate::{
    catalog::Sku,
    fault::FieldFault,
    id::{FulfilmentId, RefundId, ReturnId},
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
        let order = self.requiring_action(payment_id, client_secret, now);
        Ok(order.moving(Vec::new()))
    }

    /// The customer has begun to confirm the payment: the provider has a payment method, and asks the
    /// customer's bank. From now on the stock is reserved for the whole payment window.
    pub fn confirming(
        &self,
        payment_id: &str,
        client_secret: Option<String>,
        now: Timestamp,
    ) -> Changed {
        let last_due = self.window.last_due(self.placed_at);
        match (self.status(), self.payment.status) {
            (OrderStatus::PendingPayment, PaymentStatus::Pending) => {}
            (OrderStatus::PendingPayment, PaymentStatus::RequiresAction)
                if self.due_at < last_due => {}
            (_, PaymentStatus::RequiresAction) => return Err(ChangeError::AlreadyDone),
            (status, _) => return Err(ChangeError::WrongStatus(status)),
        }
        let mut order = self.requiring_action(payment_id, client_secret, now);
        order.due_at = order.due_at.max(last_due);
        Ok(order.moving(Vec::new()))
    }

    fn requiring_action(
        &self,
        payment_id: &str,
        client_secret: Option<String>,
        now: Timestamp,
    ) -> Self {
        let what = OrderEventKind::PaymentActionRequired;
        let mut order = self.after(now, Actor::Shop, what, None);
        order.payment.status = PaymentStatus::RequiresAction;
        order.payment.payment_id = Some(payment_id.to_owned());
        order.payment.client_secret = client_secret;
        order
    }

    /// Records the authorization. From now on the order neither expires nor can be canceled, until the
    /// payment is captured or voided. An order that had lost its reservation gets it back if the stock
    /// is available, unless its customer was told that nothing was charged.
    pub fn authorised(&self, payment_id: &str, now: Timestamp) -> Changed {
        let moves = match (self.status(), self.payment.status) {
            (OrderStatus::PendingPayment, PaymentStatus::Authorised) => {
                return Err(ChangeError::AlreadyDone);
            }
            (OrderStatus::PendingPayment, _) => Vec::new(),
            _ if self.takes_late_payment() => self.all(StockEffect::Claim),
            (status, _) => return Err(ChangeError::WrongStatus(status)),
        };
        let mut order = self.after(now, Actor::Shop, OrderEventKind::PaymentAuthorised, None);
        if order.closed.is_some() {
            // With a due note of its own: the sweep may be about to delete the note of the ended order.
            order.due_at = order.due_at.max(now);
        }
        order.closed = None;
        order.payment.status = PaymentStatus::Authorised;
        order.payment.failure = None;
        order.payment.client_secret = None;
        order.payment.payment_id = Some(payment_id.to_owned());
        Ok(order.moving(moves))
    }

    /// Records the capture, which sells the goods to the customer. An order that had lost its
    /// reservation gets the stock if it is available, unless its customer was told that nothing was charged.
    pub fn captured(&self, payment_id: &str, amount: i64, now: Timestamp) -> Changed {
        let moves = match self.status() {
            OrderStatus::PendingPayment => self.all(StockEffect::Sell),
            _ if self.takes_late_payment() => self.all(StockEffect::Take),
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

    /// Records a capture for an order that has lost its stock, or whose customer was told that nothing was
    /// charged, and requests a full refund.
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

    /// Records that the customer of an order that ended unpaid is about to be told that nothing was charged. From
    /// now on, a late payment is returned. Recorded before the mail is sent: a process that dies in between has
    /// told nobody, but returns the money all the same.
    pub fn unpaid_notice(&self, now: Timestamp) -> Changed {
        if self.unpaid_notice_at.is_some() && !self.took_money() {
            return Err(ChangeError::AlreadyDone);
        }
        if !self.takes_late_payment() {
            return Err(ChangeError::WrongStatus(self.status()));
        }
        let mut order = self.after(now, Actor::Shop, OrderEventKind::UnpaidNotice, None);
        order.unpaid_notice_at = Some(now);
        Ok(order.moving(Vec::new()))
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
            (OrderStatus::Paid | OrderStatus::PartiallyRefunded | OrderStatus::Refunded, _) => {
                self.restock(self.all_of(OrderLine::to_fulfil).into_iter())
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
                line.refunded = line.quantity;
            }
        } else {
            order.payment.status = PaymentStatus::Voided;
        }
        Ok(order.moving(moves))
    }

    /// Records a shipment. Goods are separate from money: units of a refunded order may be shipped, unless
    /// they were canceled; but after a full refund only those that are named. `id` is derived from the
    /// request.
    pub fn fulfilled(
        &self,
        id: FulfilmentId,
        command: &Fulfil,
        by: Actor,
        now: Timestamp,
    ) -> Changed {
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
        if command.lines.is_none() && self.is_refunded() {
            return Err(ChangeError::Refunded);
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

    /// Requests a refund of at most the captured amount that is left, and records what becomes of the goods of
    /// its lines. Lines that are worth nothing only concern their goods, so they are a return. `id` is
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
            Some(lines) => self.goods_lines(lines, Purpose::Refund, command.restock)?,
            None if everything => self.rest(command.restock),
            None => Vec::new(),
        };
        let worth = |units: &GoodsLine| {
            let line = self.line(&units.sku);
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
        let reason = command.reason.clone();
        if amount <= 0 {
            let moves_goods = lines.iter().any(|line| line.goods != Some(Goods::Kept));
            if everything || !moves_goods {
                return Err(ChangeError::NothingLeft);
            }
            let part = Return {
                id: ReturnId::derived(&[&id.to_string()]),
                at: now,
                lines,
                restock: command.restock,
                reason,
            };
            let refunded = part.lines.clone();
            let mut change = self.with_return(part, by)?;
            change.order.count_refunded(&refunded);
            return Ok(change);
        }
        let provider = self.payment.method.provider;
        provider.check_amount(Money::new(amount, self.totals.total.currency))?;
        if self.refunds.len() >= MAX_PARTS {
            return Err(ChangeError::TooMany);
        }
        let mut order = self.after(now, by, OrderEventKind::RefundRequested, reason.clone());
        let restocked = order.move_goods(&lines, command.restock);
        order.count_refunded(&lines);
        order.push_refund(Refund {
            id,
            at: now,
            amount,
            lines,
            reason,
            status: RefundStatus::Requested,
        });
        let moves = self.restock(restocked.into_iter());
        Ok(order.moving(moves))
    }

    /// Records goods that came back, or that will not be shipped, without money: free units, or units whose
    /// price was refunded by amount. `id` is derived from the request.
    pub fn goods_returned(
        &self,
        id: ReturnId,
        command: &RecordReturn,
        by: Actor,
        now: Timestamp,
    ) -> Changed {
        // A closed order has no goods.
        if self.closed.is_some() || !self.took_money() {
            return Err(ChangeError::WrongStatus(self.status()));
        }
        let lines = self.goods_lines(&command.lines, Purpose::Return, command.restock)?;
        let part = Return {
            id,
            at: now,
            lines,
            restock: command.restock,
            reason: command.reason.clone(),
        };
        self.with_return(part, by)
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
        let mut unpaid = Vec::new();
        for refund in order.refunds.iter_mut().filter(|refund| refund.id == id) {
            refund.status = status;
            if !succeeded {
                unpaid.clone_from(&refund.lines);
            }
        }
        // Their price can be refunded again; their goods stay as they are.
        for units in &unpaid {
            if let Some(line) = order.line_mut(&units.sku) {
                line.refunded = line.refunded.saturating_sub(units.quantity);
            }
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
    pub(super) fn after(
        &self,
        now: Timestamp,
        by: Actor,
        what: OrderEventKind,
        reason: Option<String>,
    ) -> Self {
        let mut order = self.clone();
        order.version += 1;
        order.payment.unanswered = 0;
        order.history.push(HistoryEntry {
            at: now,
            by,
            what,
            reason,
            fulfilment_id: None,
            refund_id: None,
            return_id: None,
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

    /// The order with a return, which moves the goods of its lines.
    fn with_return(&self, part: Return, by: Actor) -> Changed {
        if part.lines.is_empty() {
            return Err(ChangeError::NothingLeft);
        }
        if self.returns.len() >= MAX_PARTS {
            return Err(ChangeError::TooMany);
        }
        let reason = part.reason.clone();
        let mut order = self.after(part.at, by, OrderEventKind::Returned, reason);
        if let Some(entry) = order.history.last_mut() {
            entry.return_id = Some(part.id);
        }
        let restocked = order.move_goods(&part.lines, part.restock);
        order.returns.push(part);
        let moves = self.restock(restocked.into_iter());
        Ok(order.moving(moves))
    }

    /// Records that the price of `lines` is refunded.
    fn count_refunded(&mut self, lines: &[GoodsLine]) {
        for units in lines {
            if let Some(line) = self.line_mut(&units.sku) {
                line.refunded += units.quantity;
            }
        }
    }

    /// Records what becomes of the goods of `lines`; returns the units that can be sold again, by SKU.
    fn move_goods(&mut self, lines: &[GoodsLine], restock: bool) -> Vec<Units> {
        let mut restocked: Vec<Units> = Vec::new();
        let mut add = |units: Units| match restocked.iter_mut().find(|it| it.sku == units.sku) {
            // A transaction changes an item once.
            Some(others) => others.quantity += units.quantity,
            None => restocked.push(units),
        };
        for units in lines {
            let Some(line) = self.line_mut(&units.sku) else {
                continue;
            };
            match units.goods {
                Some(Goods::Cancelled) => {
                    line.withdrawn += units.quantity;
                    add(units.units());
                }
                Some(Goods::Returned) => {
                    line.returned += units.quantity;
                    if restock {
                        line.returned_to_stock += units.quantity;
                        add(units.units());
                    }
                }
                Some(Goods::Kept) | None => {}
            }
        }
        restocked
    }

    fn line(&self, sku: &Sku) -> Option<&OrderLine> {
        self.lines.iter().find(|line| line.sku == *sku)
    }

    fn line_mut(&mut self, sku: &Sku) -> Option<&mut OrderLine> {
        self.lines.iter_mut().find(|line| line.sku == *sku)
    }

    pub(super) fn moving(self, moves: Vec<StockMove>) -> Transition {
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
    fn restock(&self, units: impl Iterator<Item = Units>) -> Vec<StockMove> {
        let moves = units.filter(|units| units.quantity > 0).map(|units| {
            let line = self.line(&units.sku);
            let shard = line.map_or(0, |line| line.shares()[0].shard);
            StockMove {
                sku: units.sku,
                shard,
                units: units.quantity,
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

    /// The goods of a line that can still be canceled or returned: none if the order is closed, as it has
    /// released its goods.
    fn goods_of(&self, line: &OrderLine) -> GoodsLeft {
        match self.closed {
            Some(_) => GoodsLeft::default(),
            None => GoodsLeft {
                unshipped: line.to_fulfil(),
                shipped: line.with_customer(),
            },
        }
    }

    /// Everything that is left to refund: what is not shipped will not be, and what is shipped came back if
    /// it is to be restocked.
    fn rest(&self, restock: bool) -> Vec<GoodsLine> {
        let mut rest = Vec::new();
        for line in &self.lines {
            let left = self.goods_of(line);
            let cancelled = line.to_refund().min(left.unshipped);
            let shipped = line.to_refund() - cancelled;
            let returned = if restock {
                shipped.min(left.shipped)
            } else {
                0
            };
            let parts = [
                (Goods::Cancelled, cancelled),
                (Goods::Returned, returned),
                (Goods::Kept, shipped - returned),
            ];
            let parts = parts.into_iter().filter(|(_, quantity)| *quantity > 0);
            rest.extend(parts.map(|(goods, quantity)| GoodsLine {
                sku: line.sku.clone(),
                quantity,
                goods: Some(goods),
            }));
        }
        rest
    }

    /// Validates lines whose goods come back, are canceled or, in a refund, are kept, and completes those that
    /// leave no choice.
    fn goods_lines(
        &self,
        lines: &[GoodsLine],
        purpose: Purpose,
        restock: bool,
    ) -> Result<Vec<GoodsLine>, ChangeError> {
        let mut faults = Vec::new();
        let mut complete: Vec<GoodsLine> = Vec::with_capacity(lines.len());
        for (index, wanted) in lines.iter().enumerate() {
            let mut fault = |field: &str, code, message: String| {
                faults.push(FieldFault::new(
                    format!("lines[{index}].{field}"),
                    code,
                    message,
                ));
            };
            let sku = &wanted.sku;
            let Some(line) = self.line(sku) else {
                fault("sku", "not_in_order", format!("The order has no {sku}."));
                continue;
            };
            let left = self.goods_of(line);
            let Some(goods) = wanted.goods.or_else(|| left.only(purpose, restock)) else {
                let message = "Some of these units are shipped and some are not: say which are meant, \
                               returned or cancelled.";
                fault("goods", "required", message.to_owned());
                continue;
            };
            if goods == Goods::Kept && purpose == Purpose::Return {
                let message = "Must be returned or cancelled.";
                fault("goods", "invalid", message.to_owned());
                continue;
            }
            let same = |other: &&GoodsLine| other.sku == *sku;
            let others = || complete.iter().filter(same);
            if others().any(|other| other.goods == Some(goods)) {
                fault("sku", "duplicate", format!("{sku} is listed twice."));
                continue;
            }
            let there = match goods {
                Goods::Cancelled => left.unshipped,
                Goods::Returned => left.shipped,
                Goods::Kept => line.quantity,
            };
            let most = match purpose {
                Purpose::Refund => {
                    let taken = others().map(|other| other.quantity);
                    let taken = taken.fold(0, u32::saturating_add);
                    there.min(line.to_refund().saturating_sub(taken))
                }
                Purpose::Return => there,
            };
            if wanted.quantity > most {
                fault("quantity", "too_many", format!("Only {most} are left."));
            }
            complete.push(GoodsLine {
                goods: Some(goods),
                ..wanted.clone()
            });
        }
        if faults.is_empty() {
            Ok(complete)
        } else {
            Err(ChangeError::Lines(faults))
        }
    }
}

/// The request that lines belong to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Purpose {
    /// Refunds their price.
    Refund,
    /// Concerns their goods only.
    Return,
}

/// Goods of a line that can still change.
#[derive(Clone, Copy, Debug, Default)]
struct GoodsLeft {
    /// Units that are still to be shipped.
    unshipped: u32,
    /// Shipped units that have not come back.
    shipped: u32,
}

impl GoodsLeft {
    /// What becomes of units of the line, if it leaves no choice. Nobody said that refunded units came back,
    /// unless they are to be restocked.
    fn only(self, purpose: Purpose, restock: bool) -> Option<Goods> {
        match (self.unshipped > 0, self.shipped > 0) {
            (true, true) => None,
            (true, false) => Some(Goods::Cancelled),
            (false, true) if restock || purpose == Purpose::Return => Some(Goods::Returned),
            (false, false) if purpose == Purpose::Return => Some(Goods::Returned),
            (false, _) => Some(Goods::Kept),
        }
    }
}

#[cfg(test)]
mod tests;

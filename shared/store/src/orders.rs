//! Stores orders: placed together with their reservation in one transaction, and changed together with
//! their stock moves in another.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::{
    CancellationReason, Put, ReturnConsumedCapacity, ReturnValuesOnConditionCheckFailure,
    TransactWriteItem, Update, builders::PutBuilder,
};
use domain::{
    cart::{Cart, Totals},
    catalog::Sku,
    id::{CartId, OrderId},
    idempotency::{Fingerprint, StoredResponse},
    inventory::{Share, StockEffect, StockMove},
    money::{Currency, Money},
    orders::{
        Address, CloseReason, Fulfilment, HistoryEntry, Order, OrderLine, OrderStatus, Payment,
        Refund, Transition,
    },
    payments::PaymentStatus,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    Consistency, Result, Store, StoreError,
    item::{Item, Record, from_item, number, string, to_item},
    keys::Key,
    log_units, requests,
    transaction::{First, Outcome, put_action, update_action},
};

/// An order as it is stored. Amounts are minor units of the order's currency, and empty fields are
/// omitted: a new order with one line stays within 1 KB, and so within the 2 write units of its
/// transaction.
#[derive(Debug, Serialize, Deserialize)]
struct OrderRecord {
    id: OrderId,
    version: u64,
    /// For people who read the table; derived from the other fields.
    status: OrderStatus,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    closed: Option<CloseReason>,
    cart_id: CartId,
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
    trace_id: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    fulfilments: Vec<Fulfilment>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    refunds: Vec<Refund>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    history: Vec<HistoryEntry>,
}

#[derive(Debug, Serialize, Deserialize)]
struct LineRecord {
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
}

/// The attributes of an order that determine how much stock it holds.
#[derive(Debug, Deserialize)]
struct HoldRecord {
    #[serde(default)]
    closed: Option<CloseReason>,
    currency: Currency,
    lines: Vec<LineRecord>,
    payment: HoldPayment,
}

#[derive(Debug, Deserialize)]
struct HoldPayment {
    status: PaymentStatus,
}

impl LineRecord {
    fn read(self, currency: Currency) -> OrderLine {
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
        };
        Self {
            id: order.id,
            version: order.version,
            status: order.status(),
            closed: order.closed,
            cart_id: order.cart_id,
            email: order.email.clone(),
            address: order.shipping_address.clone(),
            currency: order.totals.total.currency,
            lines: order.lines.iter().map(line).collect(),
            total: order.totals.total.amount,
            payment: order.payment.clone(),
            fingerprint: order.fingerprint.clone(),
            placed_at: order.placed_at,
            due_at: Some(order.due_at),
            trace_id: order.trace_id.clone(),
            fulfilments: order.fulfilments.clone(),
            refunds: order.refunds.clone(),
            history: order.history.clone(),
        }
    }
}

impl From<OrderRecord> for Order {
    fn from(record: OrderRecord) -> Self {
        let currency = record.currency;
        let lines = record.lines.into_iter();
        let total = Money::new(record.total, currency);
        Self {
            id: record.id,
            version: record.version,
            closed: record.closed,
            cart_id: record.cart_id,
            email: record.email,
            shipping_address: record.address,
            lines: lines.map(|line| line.read(currency)).collect(),
            totals: Totals {
                subtotal: total,
                total,
            },
            payment: record.payment,
            fingerprint: record.fingerprint,
            placed_at: record.placed_at,
            due_at: record.due_at.unwrap_or(record.placed_at),
            trace_id: record.trace_id,
            fulfilments: record.fulfilments,
            refunds: record.refunds,
            history: record.history,
        }
    }
}

/// Result of an attempt to place an order.
#[derive(Debug)]
pub enum Placement {
    /// The order was written and its stock reserved.
    Placed {
        /// SKUs with many concurrent writers.
        contended: Vec<Sku>,
    },
    /// An order with this id already exists; nothing was changed.
    Exists(Box<Order>),
    /// Cart, price or stock differ from those the order was decided on; nothing was changed.
    BasisChanged,
    /// The same request is being processed by another call.
    InProgress,
    /// Its units are spread over more shards than one transaction can reach; nothing was changed.
    TooManyShards,
}

/// DynamoDB's maximum number of actions of a transaction.
const MAX_ACTIONS: usize = 100;

/// Result of an attempt to change an order.
#[derive(Debug)]
pub enum ChangeOutcome {
    /// The order and its stock moves were written.
    Changed,
    /// Version conflict: the order was changed concurrently; nothing was written.
    VersionConflict,
    /// The change needs stock that is not available; nothing was written.
    NoStock,
    /// The request has a stored response; nothing was written.
    Answered(StoredResponse),
    /// The same request is being processed by another call.
    InProgress,
}

/// Number of conflicts on a line from which on its stock should be split into more shards.
const CONTENDED: u32 = 2;

impl Store {
    /// Places an order: writes it, marks the cart as ordered and reserves the stock of every line, in
    /// one transaction. Keys: [`Key::order`], on the condition that it does not exist; [`Key::cart`],
    /// on the condition that its version is unchanged; [`Key::variant_shard`] of each line, on the
    /// condition that it is for sale at that price and in stock. 2 write units for each KB of order, 2
    /// for each KB of cart, 2 for each line, and 2 for each additional shard that a line needs.
    pub async fn place_order(&self, order: &Order, cart: &Cart) -> Result<Placement> {
        let mut actions = Vec::with_capacity(2 + order.lines.len());
        let mut skus = Vec::with_capacity(order.lines.len());
        let put = self
            .put_order(order)?
            .condition_expression("attribute_not_exists(PK)")
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        actions.push(put_action(put)?);
        actions.push(self.use_up_cart(cart, order.id)?);
        for line in &order.lines {
            for share in line.shares() {
                actions.push(self.reserve(line, share)?);
                skus.push(&line.sku);
            }
        }
        if actions.len() > MAX_ACTIONS {
            return Ok(Placement::TooManyShards);
        }
        let reasons = match self
            .transact("place order", First::Request, actions)
            .await?
        {
            Outcome::Committed { conflicts } => {
                let contended = conflicts.iter().skip(2).zip(skus);
                let contended = contended.filter(|(count, _)| **count >= CONTENDED);
                return Ok(Placement::Placed {
                    contended: contended.map(|(_, sku)| sku.clone()).collect(),
                });
            }
            Outcome::Refused(reasons) => reasons,
            Outcome::InProgress => return Ok(Placement::InProgress),
        };
        match reasons.into_iter().next().flatten() {
            Some(exists) => Ok(Placement::Exists(Box::new(read_refused(exists)?))),
            None => Ok(Placement::BasisChanged),
        }
    }

    /// Reads an order. Key: [`Key::order`]. 0.5 or 1 read unit for 4 KB.
    pub async fn order(&self, id: OrderId, consistency: Consistency) -> Result<Option<Order>> {
        let item = self
            .get("GetItem order", &Key::order(id), consistency)
            .await?;
        item.map(read_order).transpose()
    }

    /// Writes a change of an order together with its stock moves and the response to the request, in
    /// one transaction. Keys: [`Key::request`], on the condition that it does not exist;
    /// [`Key::order`], on the condition that the version is unchanged; [`Key::variant_shard`] of each
    /// move. 1 write unit for each KB of order if nothing else is written; otherwise 2 for each KB of
    /// order and of response, and 2 for each move.
    pub async fn change_order(
        &self,
        change: &Transition,
        answer: Option<&StoredResponse>,
    ) -> Result<ChangeOutcome> {
        let order = &change.order;
        let put = self
            .put_order(order)?
            .condition_expression("version = :before")
            .expression_attribute_values(":before", number(order.version - 1));
        let Some(answer) = answer else {
            if change.moves.is_empty() {
                return self.change_order_alone(order).await;
            }
            let mut actions = vec![put_action(put)?];
            self.add_moves(&mut actions, &change.moves)?;
            return match self.transact("change order", First::Write, actions).await? {
                Outcome::Committed { .. } => Ok(ChangeOutcome::Changed),
                Outcome::InProgress => Ok(ChangeOutcome::InProgress),
                Outcome::Refused(reasons) => refused(order, &reasons, &change.moves),
            };
        };
        let mut actions = vec![self.put_answer(answer)?, put_action(put)?];
        self.add_moves(&mut actions, &change.moves)?;
        match self
            .transact("change order", First::Request, actions)
            .await?
        {
            Outcome::Committed { .. } => Ok(ChangeOutcome::Changed),
            Outcome::InProgress => Ok(ChangeOutcome::InProgress),
            Outcome::Refused(mut reasons) => match reasons.remove(0) {
                Some(reason) => Ok(ChangeOutcome::Answered(requests::read_refused(reason)?)),
                None => refused(order, &reasons, &change.moves),
            },
        }
    }

    /// Reads every order and adds up the reserved and sold units of each SKU. Scans the table: for the
    /// daily reconciliation with the stock only, never for a request. 1 read unit for 4 KB of table.
    pub async fn held_by_orders(&self) -> Result<HeldByOrders> {
        const READ: [&str; 4] = ["closed", "currency", "lines", "payment.status"];
        let mut held = HeldByOrders::default();
        let add = |order: HoldRecord| {
            held.orders += 1;
            for line in order.lines {
                let line = line.read(order.currency);
                let units = line.held(order.closed, order.payment.status);
                let sum = held.units.entry(line.sku).or_default();
                sum[0] += units[0];
                sum[1] += units[1];
            }
        };
        self.scan("Scan orders", OrderRecord::ENTITY, &READ, add)
            .await?;
        Ok(held)
    }

    /// Writes a change that only concerns the order itself.
    async fn change_order_alone(&self, order: &Order) -> Result<ChangeOutcome> {
        let item = to_item(&Key::order(order.id), &OrderRecord::from(order))?;
        let answer = self
            .client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(item))
            .condition_expression("version = :before")
            .expression_attribute_values(":before", number(order.version - 1))
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await;
        match answer {
            Ok(answer) => {
                log_units("PutItem order", answer.consumed_capacity.as_slice());
                Ok(ChangeOutcome::Changed)
            }
            Err(error)
                if error
                    .as_service_error()
                    .is_some_and(|error| error.is_conditional_check_failed_exception()) =>
            {
                Ok(ChangeOutcome::VersionConflict)
            }
            Err(error) => Err(StoreError::call("PutItem order", &error)),
        }
    }

    fn put_order(&self, order: &Order) -> Result<PutBuilder> {
        let item = to_item(&Key::order(order.id), &OrderRecord::from(order))?;
        Ok(Put::builder().table_name(&self.table).set_item(Some(item)))
    }

    fn use_up_cart(&self, cart: &Cart, order_id: OrderId) -> Result<TransactWriteItem> {
        let update = Update::builder()
            .table_name(&self.table)
            .set_key(Some(Key::cart(cart.id).attributes()))
            .update_expression("SET order_id = :order")
            .condition_expression("version = :version AND attribute_not_exists(order_id)")
            .expression_attribute_values(":order", string(order_id.to_string()))
            .expression_attribute_values(":version", number(cart.version));
        update_action(update)
    }

    fn reserve(&self, line: &OrderLine, share: Share) -> Result<TransactWriteItem> {
        let key = Key::variant_shard(&line.sku, share.shard);
        let update = Update::builder()
            .table_name(&self.table)
            .set_key(Some(key.attributes()))
            .update_expression(
                "SET available = available - :quantity, reserved = reserved + :quantity \
                 ADD stock_version :one",
            )
            .condition_expression(
                "(available >= :quantity OR backorder = :yes) AND price = :price \
                 AND currency = :currency AND for_sale = :yes",
            )
            .expression_attribute_values(":quantity", number(share.units))
            .expression_attribute_values(":one", number(1))
            .expression_attribute_values(":price", number(line.unit_price.amount))
            .expression_attribute_values(":currency", string(line.unit_price.currency.to_string()))
            .expression_attribute_values(
                ":yes",
                aws_sdk_dynamodb::types::AttributeValue::Bool(true),
            );
        update_action(update)
    }

    fn add_moves(&self, actions: &mut Vec<TransactWriteItem>, moves: &[StockMove]) -> Result<()> {
        for moved in moves {
            actions.push(self.move_stock(moved)?);
        }
        Ok(())
    }

    fn move_stock(&self, moved: &StockMove) -> Result<TransactWriteItem> {
        let [available, reserved, sold] = moved.effect.deltas();
        let units = i64::from(moved.units);
        let update = Update::builder()
            .table_name(&self.table)
            .set_key(Some(
                Key::variant_shard(&moved.sku, moved.shard).attributes(),
            ))
            .update_expression(
                "ADD available :available, reserved :reserved, sold :sold, stock_version :one",
            )
            .expression_attribute_values(":available", number(available * units))
            .expression_attribute_values(":reserved", number(reserved * units))
            .expression_attribute_values(":sold", number(sold * units))
            .expression_attribute_values(":one", number(1));
        let update = match moved.effect {
            StockEffect::Sell | StockEffect::Release => update
                .condition_expression("reserved >= :units")
                .expression_attribute_values(":units", number(units)),
            StockEffect::Claim | StockEffect::Take => update
                .condition_expression("available >= :units OR backorder = :yes")
                .expression_attribute_values(":units", number(units))
                .expression_attribute_values(
                    ":yes",
                    aws_sdk_dynamodb::types::AttributeValue::Bool(true),
                ),
            StockEffect::Restock => update.condition_expression("attribute_exists(PK)"),
        };
        update_action(update)
    }
}

/// Stock that is held by all orders.
#[derive(Debug, Default)]
pub struct HeldByOrders {
    /// Number of orders.
    pub orders: u64,
    /// Reserved and sold units, by SKU.
    pub units: HashMap<Sku, [i64; 2]>,
}

/// Maps the cancellation reasons of the order and of its moves to an outcome.
fn refused(
    order: &Order,
    reasons: &[Option<CancellationReason>],
    moves: &[StockMove],
) -> Result<ChangeOutcome> {
    if reasons.first().is_some_and(Option::is_some) {
        return Ok(ChangeOutcome::VersionConflict);
    }
    let takes = |effect| matches!(effect, StockEffect::Claim | StockEffect::Take);
    let blamed = reasons.iter().skip(1).zip(moves);
    let mut blamed = blamed.filter(|(reason, _)| reason.is_some());
    if blamed.all(|(_, moved)| takes(moved.effect)) {
        return Ok(ChangeOutcome::NoStock);
    }
    // The order has the expected version, but its reservation is missing: stock and orders disagree,
    // which must be investigated.
    Err(StoreError::corrupt(
        "variant",
        format!("the stock lacks the reservation of {}", order.id),
    ))
}

/// Parses an order from its item.
pub(crate) fn read_order(item: Item) -> Result<Order> {
    from_item::<OrderRecord>(item).map(Order::from)
}

fn read_refused(reason: CancellationReason) -> Result<Order> {
    read_order(reason.item.unwrap_or_default())
}

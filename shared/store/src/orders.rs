//! Orders: placed with their reservation in one transaction, settled in another.

use aws_sdk_dynamodb::types::{
    CancellationReason, Put, ReturnValuesOnConditionCheckFailure, TransactWriteItem, Update,
};
use domain::{
    cart::{Cart, Totals},
    catalog::Sku,
    id::{CartId, OrderId},
    idempotency::Fingerprint,
    money::{Currency, Money},
    order::{Address, Order, OrderLine, OrderStatus, Payment},
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    Consistency, Result, Store, StoreError,
    item::{Item, Record, from_item, number, string, to_item},
    keys::Key,
    transaction::{Outcome, put_action, update_action},
};

/// What is stored of an order. Amounts are bare minor units of the one currency: an order of one
/// line stays within 1 KB, and so within the 2 write units that a transaction takes for it.
#[derive(Debug, Serialize, Deserialize)]
struct OrderRecord {
    id: OrderId,
    version: u64,
    status: OrderStatus,
    cart_id: CartId,
    email: String,
    address: Address,
    currency: Currency,
    lines: Vec<LineRecord>,
    total: i64,
    payment: Payment,
    fingerprint: Fingerprint,
    placed_at: Timestamp,
    trace_id: String,
}

#[derive(Debug, Serialize, Deserialize)]
struct LineRecord {
    sku: Sku,
    title: String,
    quantity: u32,
    price: i64,
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
        };
        Self {
            id: order.id,
            version: order.version,
            status: order.status,
            cart_id: order.cart_id,
            email: order.email.clone(),
            address: order.shipping_address.clone(),
            currency: order.totals.total.currency,
            lines: order.lines.iter().map(line).collect(),
            total: order.totals.total.amount,
            payment: order.payment.clone(),
            fingerprint: order.fingerprint.clone(),
            placed_at: order.placed_at,
            trace_id: order.trace_id.clone(),
        }
    }
}

impl From<OrderRecord> for Order {
    fn from(record: OrderRecord) -> Self {
        let currency = record.currency;
        let line = |line: LineRecord| OrderLine {
            sku: line.sku,
            title: line.title,
            quantity: line.quantity,
            unit_price: Money::new(line.price, currency),
        };
        let total = Money::new(record.total, currency);
        Self {
            id: record.id,
            version: record.version,
            status: record.status,
            cart_id: record.cart_id,
            email: record.email,
            shipping_address: record.address,
            lines: record.lines.into_iter().map(line).collect(),
            totals: Totals {
                subtotal: total,
                total,
            },
            payment: record.payment,
            fingerprint: record.fingerprint,
            placed_at: record.placed_at,
            trace_id: record.trace_id,
        }
    }
}

/// How an attempt to place an order ended.
#[derive(Debug)]
pub enum Placement {
    /// The stock is reserved and the order is there.
    Placed,
    /// An order with this id was there before; nothing was changed.
    Exists(Box<Order>),
    /// Cart, price or stock are no longer what the order was made from; nothing was changed.
    BasisChanged,
}

/// How an attempt to settle an order ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SettleOutcome {
    /// Order and stock say so.
    Settled,
    /// The order was changed by somebody else in the meantime; nothing was changed.
    Overtaken,
}

impl Store {
    /// Places an order: writes it, uses the cart up and reserves every line's stock, all or nothing.
    /// Keys: [`Key::order`] if there is none yet, [`Key::cart`] if it is the one the order was made
    /// from, [`Key::variant`] of each line if it is for sale at that price with enough in stock.
    /// 2 write units for each KB of order, 2 for each KB of cart, 2 for each line.
    pub async fn place_order(&self, order: &Order, cart: &Cart) -> Result<Placement> {
        let mut actions = Vec::with_capacity(2 + order.lines.len());
        actions.push(self.put_new_order(order)?);
        actions.push(self.use_up_cart(cart, order.id)?);
        for line in &order.lines {
            actions.push(self.reserve(line)?);
        }
        let reasons = match self.transact("place order", actions).await? {
            Outcome::Committed => return Ok(Placement::Placed),
            Outcome::Refused(reasons) => reasons,
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

    /// Writes an order whose payment was settled, and turns its reservation into a sale or back into
    /// stock. Keys: [`Key::order`] if it still is the version before, [`Key::variant`] of each line.
    /// 2 write units for each KB of order, 2 for each line.
    pub async fn settle_order(&self, order: &Order) -> Result<SettleOutcome> {
        let released = order.status == OrderStatus::PaymentFailed;
        let mut actions = Vec::with_capacity(1 + order.lines.len());
        let put = Put::builder()
            .table_name(&self.table)
            .set_item(Some(to_item(
                &Key::order(order.id),
                &OrderRecord::from(order),
            )?))
            .condition_expression("version = :before")
            .expression_attribute_values(":before", number(order.version - 1));
        actions.push(put_action(put)?);
        for line in &order.lines {
            let expression = if released {
                "SET available = available + :quantity, reserved = reserved - :quantity"
            } else {
                "SET reserved = reserved - :quantity"
            };
            let update = Update::builder()
                .table_name(&self.table)
                .set_key(Some(Key::variant(&line.sku).attributes()))
                .update_expression(expression)
                .condition_expression("reserved >= :quantity")
                .expression_attribute_values(":quantity", number(line.quantity));
            actions.push(update_action(update)?);
        }
        match self.transact("settle order", actions).await? {
            Outcome::Committed => Ok(SettleOutcome::Settled),
            Outcome::Refused(reasons) => match reasons.first() {
                Some(Some(_)) => Ok(SettleOutcome::Overtaken),
                // The order is as expected and its reservation is not there: stock and orders
                // disagree, which must be looked into.
                _ => Err(StoreError::corrupt(
                    "variant",
                    format!("nothing is reserved for {}", order.id),
                )),
            },
        }
    }

    fn put_new_order(&self, order: &Order) -> Result<TransactWriteItem> {
        let put = Put::builder()
            .table_name(&self.table)
            .set_item(Some(to_item(
                &Key::order(order.id),
                &OrderRecord::from(order),
            )?))
            .condition_expression("attribute_not_exists(PK)")
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        put_action(put)
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

    fn reserve(&self, line: &OrderLine) -> Result<TransactWriteItem> {
        let update = Update::builder()
            .table_name(&self.table)
            .set_key(Some(Key::variant(&line.sku).attributes()))
            .update_expression("SET available = available - :quantity, reserved = reserved + :quantity")
            .condition_expression(
                "available >= :quantity AND price = :price AND currency = :currency AND for_sale = :yes",
            )
            .expression_attribute_values(":quantity", number(line.quantity))
            .expression_attribute_values(":price", number(line.unit_price.amount))
            .expression_attribute_values(":currency", string(line.unit_price.currency.to_string()))
            .expression_attribute_values(":yes", aws_sdk_dynamodb::types::AttributeValue::Bool(true));
        update_action(update)
    }
}

/// The order in an item.
pub(crate) fn read_order(item: Item) -> Result<Order> {
    from_item::<OrderRecord>(item).map(Order::from)
}

fn read_refused(reason: CancellationReason) -> Result<Order> {
    read_order(reason.item.unwrap_or_default())
}

//! Places orders: the order, its cart and the reservation of its stock in one transaction.

use aws_sdk_dynamodb::types::{
    AttributeValue, CancellationReason, ReturnValuesOnConditionCheckFailure, TransactWriteItem,
    Update,
};
use domain::{
    cart::Cart,
    catalog::Sku,
    id::OrderId,
    inventory::Share,
    orders::{Order, OrderLine},
};

use super::record::read_order;
use crate::{
    Result, Store,
    item::{number, string},
    keys::Key,
    transaction::{First, Outcome, put_action, update_action},
};

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
            .expression_attribute_values(":yes", AttributeValue::Bool(true));
        update_action(update)
    }
}

fn read_refused(reason: CancellationReason) -> Result<Order> {
    read_order(reason.item.unwrap_or_default())
}

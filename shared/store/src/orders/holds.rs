//! Unpaid orders of an email address, an account or a network, so that none holds more than the shop allows. Counted
//! outside of the orders' transactions, and released by nobody: whoever finds the limit reached looks which
//! orders still count, and forgets the others. So an order costs one write for each holder, and the limit is
//! of orders that are unpaid now.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::{
    AttributeValue, ReturnConsumedCapacity, ReturnValuesOnConditionCheckFailure,
};
use domain::{
    id::OrderId,
    orders::{Holder, Order, UnpaidLimit},
};
use jiff::{SignedDuration, Timestamp};

use super::record::read_order;
use crate::{
    Consistency, Result, Store, StoreError,
    item::{Item, number, string},
    keys::Key,
    write::Written,
};

const ENTITY: &str = "holds";
const SCHEMA: u32 = 1;
/// Retention after the last order's latest due time.
const KEPT: SignedDuration = SignedDuration::from_hours(24);

/// What an item lists of one order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hold {
    /// The order, which may not be placed yet.
    pub order_id: OrderId,
    /// Its units.
    pub units: u32,
    /// When it was counted.
    pub since: Timestamp,
}

/// The orders of a holder that has reached its limit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holds {
    /// The orders that count, as far as is known.
    pub orders: Vec<Hold>,
    /// When somebody last looked which of them still count.
    pub checked_at: Option<Timestamp>,
    /// Changes with every change.
    revision: u64,
}

impl Store {
    /// Counts an order for a holder. Returns `None`, or, if the limit is reached, the orders that are counted;
    /// then nothing was changed. Key: [`Key::holds`], on the condition that neither orders nor units exceed
    /// the limit with it, or that it is counted already. 1 write unit.
    pub async fn count_unpaid(
        &self,
        holder: &Holder,
        order: &Order,
        limit: UnpaidLimit,
        now: Timestamp,
    ) -> Result<Option<Holds>> {
        let units = order.units();
        // One order alone is within the limit, whatever its units.
        let left = |limit: u32, own: u32| match limit {
            0 => u64::MAX,
            limit => u64::from(limit.saturating_sub(own)),
        };
        let expires_at = order.window.last_due(order.placed_at) + KEPT;
        let update = self
            .update(&Key::holds(holder))
            .update_expression(
                "SET entity_type = :entity, schema_version = :schema, expires_at = :expiry, \
                 #order = :hold ADD orders :one, units :units, revision :one",
            )
            .condition_expression(
                "attribute_exists(#order) OR \
                 ((attribute_not_exists(orders) OR orders <= :orders_left) \
                 AND (attribute_not_exists(units) OR units <= :units_left))",
            )
            .expression_attribute_names("#order", order.id.digits())
            .expression_attribute_values(":entity", string(ENTITY))
            .expression_attribute_values(":schema", number(SCHEMA))
            .expression_attribute_values(":expiry", number(expires_at.as_second()))
            .expression_attribute_values(":hold", string(written(units, now)))
            .expression_attribute_values(":one", number(1))
            .expression_attribute_values(":units", number(units))
            .expression_attribute_values(":orders_left", number(left(limit.orders, 1)))
            .expression_attribute_values(":units_left", number(left(limit.units, units)))
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        match self.write("UpdateItem holds", update).await? {
            Written::Done(_) => Ok(None),
            Written::Refused(item) => read_holds(item.unwrap_or_default()).map(Some),
        }
    }

    /// Forgets the orders of a holder that are not in `kept`. Returns whether that was done; otherwise the item
    /// has changed since it was read. Key: [`Key::holds`], on the condition that it is unchanged. 1 write
    /// unit.
    pub async fn recount_unpaid(
        &self,
        holder: &Holder,
        read: &Holds,
        kept: &[Hold],
        now: Timestamp,
    ) -> Result<bool> {
        let units: u32 = kept.iter().map(|hold| hold.units).sum();
        let mut update = self.update(&Key::holds(holder));
        let mut removed = Vec::new();
        for (index, hold) in read.orders.iter().enumerate() {
            if !kept.contains(hold) {
                let name = format!("#o{index}");
                update = update.expression_attribute_names(&name, hold.order_id.digits());
                removed.push(name);
            }
        }
        let remove = match removed[..] {
            [] => String::new(),
            _ => format!(" REMOVE {}", removed.join(", ")),
        };
        let update = update
            .update_expression(format!(
                "SET orders = :orders, units = :units, checked_at = :now, revision = :next{remove}"
            ))
            .condition_expression("revision = :read")
            .expression_attribute_values(":orders", number(kept.len()))
            .expression_attribute_values(":units", number(units))
            .expression_attribute_values(":now", number(now.as_millisecond()))
            .expression_attribute_values(":next", number(read.revision + 1))
            .expression_attribute_values(":read", number(read.revision));
        Ok(self.write("UpdateItem holds", update).await?.is_done())
    }

    /// Reads up to 100 orders at once; missing ones are omitted. Keys: [`Key::order`], eventually consistent.
    /// 0.5 read units for 4 KB each.
    pub async fn orders(&self, ids: impl IntoIterator<Item = OrderId>) -> Result<Vec<Order>> {
        let keys = ids.into_iter().map(|id| Key::order(id).attributes());
        let items = self
            .get_batch("BatchGetItem orders", keys.collect(), Consistency::Eventual)
            .await?;
        items.into_iter().map(read_order).collect()
    }
}

/// Units and seconds since 1970: short, because an item lists many.
fn written(units: u32, since: Timestamp) -> String {
    format!("{units} {}", since.as_second())
}

fn read_holds(item: Item) -> Result<Holds> {
    let whole = |name: &str| match item.get(name) {
        Some(AttributeValue::N(value)) => value.parse::<i64>().ok(),
        _ => None,
    };
    let revision = whole("revision").and_then(|value| u64::try_from(value).ok());
    let checked_at = whole("checked_at").map(Timestamp::from_millisecond);
    Ok(Holds {
        revision: revision.unwrap_or_default(),
        checked_at: checked_at.transpose().map_err(unreadable)?,
        orders: read_orders(&item)?,
    })
}

/// The orders have attributes of their own, by the digits of their ids, so that counting one twice is
/// counting it once.
fn read_orders(item: &HashMap<String, AttributeValue>) -> Result<Vec<Hold>> {
    let mut orders = Vec::new();
    for (name, value) in item {
        let (Ok(order_id), AttributeValue::S(text)) = (format!("ord_{name}").parse(), value) else {
            continue;
        };
        let fields = text.split_once(' ');
        let (units, since) = fields.ok_or_else(|| unreadable("units and seconds"))?;
        let since = Timestamp::from_second(since.parse().map_err(unreadable)?);
        orders.push(Hold {
            order_id,
            units: units.parse().map_err(unreadable)?,
            since: since.map_err(unreadable)?,
        });
    }
    Ok(orders)
}

fn unreadable(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> StoreError {
    StoreError::unreadable(ENTITY, error)
}

//! Changes orders: the order, its stock moves and the response to the request in one transaction.

use aws_sdk_dynamodb::types::{
    AttributeValue, CancellationReason, ReturnConsumedCapacity, ReturnValue, TransactWriteItem,
    Update,
};
use domain::{
    idempotency::StoredResponse,
    inventory::{StockEffect, StockMove},
    orders::{Order, Transition},
};

use super::{record::OrderRecord, requests};
use crate::{
    Result, Store, StoreError,
    item::{Record, from_part, number, to_item},
    keys::Key,
    transaction::{First, Outcome, put_action, update_action},
    write::Written,
};

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

impl Store {
    /// Writes a change of an order together with its stock moves and the response to the request, in
    /// one transaction. Keys: [`Key::request`], on the condition that it does not exist or has expired;
    /// [`Key::order`], on the condition that the version is unchanged; [`Key::variant_shard`] of each
    /// move, on the condition that `reserved` or `available` has the units that it takes, or the variant
    /// is on backorder; a restock needs only the item. 1 write unit for each KB of order if nothing else
    /// is written; otherwise 2 for each KB of order and of response, and 2 for each move.
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

    /// Counts a call to the order's provider that had no answer, and returns how many there were since the
    /// order last changed, or 0 if it has changed since it was read. Not a change of the order: no event
    /// follows. Key: [`Key::order`], on the condition that the version is unchanged. 1 write unit for each KB
    /// of order.
    pub async fn count_unanswered(&self, order: &Order) -> Result<u32> {
        #[derive(serde::Deserialize)]
        struct Counted {
            payment: Calls,
        }
        #[derive(serde::Deserialize)]
        struct Calls {
            unanswered: u32,
        }
        let update = self
            .update(&Key::order(order.id))
            .update_expression(
                "SET payment.unanswered = if_not_exists(payment.unanswered, :zero) + :one",
            )
            .condition_expression("version = :version")
            .expression_attribute_values(":zero", number(0))
            .expression_attribute_values(":one", number(1))
            .expression_attribute_values(":version", number(order.version))
            .return_values(ReturnValue::UpdatedNew);
        match self.write("UpdateItem order", update).await? {
            Written::Done(item) => {
                let counted: Counted = from_part(OrderRecord::ENTITY, item)?;
                Ok(counted.payment.unanswered)
            }
            Written::Refused(_) => Ok(0),
        }
    }

    /// Writes a change that only concerns the order itself.
    async fn change_order_alone(&self, order: &Order) -> Result<ChangeOutcome> {
        let item = to_item(&Key::order(order.id), &OrderRecord::from(order))?;
        let put = self
            .client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(item))
            .condition_expression("version = :before")
            .expression_attribute_values(":before", number(order.version - 1))
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        Ok(match self.write("PutItem order", put).await? {
            Written::Done(_) => ChangeOutcome::Changed,
            Written::Refused(_) => ChangeOutcome::VersionConflict,
        })
    }

    fn add_moves(&self, actions: &mut Vec<TransactWriteItem>, moves: &[StockMove]) -> Result<()> {
        for moved in moves {
            actions.push(self.move_stock(moved)?);
        }
        Ok(())
    }

    fn move_stock(&self, moved: &StockMove) -> Result<TransactWriteItem> {
        let delta = moved.delta();
        let units = moved.units;
        let update = Update::builder()
            .table_name(&self.table)
            .set_key(Some(
                Key::variant_shard(&moved.sku, moved.shard).attributes(),
            ))
            .update_expression(
                "ADD available :available, reserved :reserved, sold :sold, stock_version :one",
            )
            .expression_attribute_values(":available", number(delta.available))
            .expression_attribute_values(":reserved", number(delta.reserved))
            .expression_attribute_values(":sold", number(delta.sold))
            .expression_attribute_values(":one", number(1));
        let update = match moved.effect {
            StockEffect::Sell | StockEffect::Release => update
                .condition_expression("reserved >= :units")
                .expression_attribute_values(":units", number(units)),
            StockEffect::Claim | StockEffect::Take => update
                .condition_expression("available >= :units OR backorder = :yes")
                .expression_attribute_values(":units", number(units))
                .expression_attribute_values(":yes", AttributeValue::Bool(true)),
            StockEffect::Restock => update.condition_expression("attribute_exists(PK)"),
        };
        update_action(update)
    }
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
    Err(StoreError::inconsistent(
        "variant",
        format!("the stock lacks the reservation of {}", order.id),
    ))
}

//! Due notes: the times until which orders must be paid, by which the sweep finds overdue orders.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::{DeleteRequest, PutRequest, ReturnConsumedCapacity, WriteRequest};
use domain::id::OrderId;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    Result, Store, StoreError,
    attempts::Attempts,
    item::{Item, Record, from_item, string, to_item},
    keys::{DUE_PARTS, Key, due_before, due_partition},
    log_units,
    transaction::unbuildable,
    write::is_conflict,
};

/// Maximum number of writes of one BatchWriteItem call.
const BATCH: usize = 25;
/// Maximum number of notes of one page: 20 KB, 2.5 read units.
const PAGE: i32 = 100;

/// Has no `expires_at`: as long as its order may hold stock, the sweep must be able to find it.
#[derive(Debug, Serialize, Deserialize)]
struct DueRecord {
    order_id: OrderId,
    /// Due time in milliseconds since 1970.
    at: i64,
}

impl Record for DueRecord {
    const ENTITY: &'static str = "due";
}

/// An order with its due time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Due {
    /// The order to be paid.
    pub order_id: OrderId,
    /// Time until which it must be paid.
    pub at: Timestamp,
}

/// A change of an order's due note.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DueChange {
    /// The order waits for its payment: write the note.
    Noted(Due),
    /// The order is paid or closed: delete the note, if it exists.
    Settled(Due),
}

/// One page of due notes of a partition, oldest first.
#[derive(Debug)]
pub struct DuePage {
    /// The notes, or for each unreadable one the error.
    pub notes: Vec<Result<Due>>,
    /// Start of the next page, if there may be one.
    pub next: Option<DueCursor>,
}

/// Position at which a page of notes starts.
#[derive(Debug)]
pub struct DueCursor(Item);

impl Store {
    /// The partitions of the due notes, for [`Store::due_orders`].
    pub fn due_parts() -> std::ops::Range<u8> {
        0..DUE_PARTS
    }

    /// Writes and deletes due notes; of several changes of one note the last one wins. Key:
    /// [`Key::due`]. 1 write unit each, even to delete a missing one.
    pub async fn change_due_notes(&self, changes: &[DueChange]) -> Result<()> {
        let mut last: HashMap<Key, &DueChange> = HashMap::with_capacity(changes.len());
        for change in changes {
            let (DueChange::Noted(due) | DueChange::Settled(due)) = change;
            // DynamoDB rejects a batch that contains a key twice.
            last.insert(Key::due(due.order_id, due.at), change);
        }
        let mut writes = Vec::with_capacity(last.len());
        for (key, change) in last {
            let write = WriteRequest::builder();
            let write = match change {
                DueChange::Noted(due) => {
                    let record = DueRecord {
                        order_id: due.order_id,
                        at: due.at.as_millisecond(),
                    };
                    let put = PutRequest::builder().set_item(Some(to_item(&key, &record)?));
                    write.put_request(put.build().map_err(unbuildable)?)
                }
                DueChange::Settled(_) => {
                    let delete = DeleteRequest::builder().set_key(Some(key.attributes()));
                    write.delete_request(delete.build().map_err(unbuildable)?)
                }
            };
            writes.push(write.build());
        }
        self.write_batches("BatchWriteItem due", writes).await
    }

    /// Whether the note exists. Key: [`Key::due`], strongly consistent. 1 read unit.
    pub async fn is_due_noted(&self, due: Due) -> Result<bool> {
        let wanted = self.client.get_item().projection_expression("PK");
        let wanted = wanted.consistent_read(true);
        let key = Key::due(due.order_id, due.at);
        let item = self.get_part("GetItem due", &key, wanted).await?;
        Ok(item.is_some())
    }

    /// Reads the orders of one partition that were due before `before` and whose note still exists,
    /// oldest first, one page at a time. Key: [`due_partition`]. 0.5 read units for an empty partition,
    /// which is the normal case; otherwise 2.5 for a page of 100.
    pub async fn due_orders(
        &self,
        part: u8,
        before: Timestamp,
        from: Option<DueCursor>,
    ) -> Result<DuePage> {
        let answer = self
            .client
            .query()
            .table_name(&self.table)
            .key_condition_expression("PK = :partition AND SK < :before")
            .expression_attribute_values(":partition", string(due_partition(part)))
            .expression_attribute_values(":before", string(due_before(before)))
            .limit(PAGE)
            .set_exclusive_start_key(from.map(|cursor| cursor.0))
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await
            .map_err(|error| StoreError::call("Query due", error))?;
        log_units("Query due", answer.consumed_capacity.as_slice());
        let items = answer.items.unwrap_or_default();
        Ok(DuePage {
            notes: items.into_iter().map(read_note).collect(),
            next: answer.last_evaluated_key.map(DueCursor),
        })
    }

    /// Writes in as few calls as possible, and retries throttled writes.
    async fn write_batches(
        &self,
        operation: &'static str,
        writes: Vec<WriteRequest>,
    ) -> Result<()> {
        for batch in writes.chunks(BATCH) {
            let mut left = batch.to_vec();
            let mut attempts = Attempts::new(operation);
            while !left.is_empty() {
                attempts.next().await?;
                let answer = self
                    .client
                    .batch_write_item()
                    .request_items(&self.table, left.clone())
                    .return_consumed_capacity(ReturnConsumedCapacity::Total)
                    .send()
                    .await;
                let answer = match answer {
                    Err(error) if is_conflict(&error) => continue,
                    answer => answer.map_err(|error| StoreError::call(operation, error))?,
                };
                log_units(operation, answer.consumed_capacity());
                left = answer
                    .unprocessed_items
                    .unwrap_or_default()
                    .remove(&self.table)
                    .unwrap_or_default();
            }
        }
        Ok(())
    }
}

fn read_note(item: Item) -> Result<Due> {
    let record: DueRecord = from_item(item)?;
    let at = Timestamp::from_millisecond(record.at)
        .map_err(|error| StoreError::unreadable(DueRecord::ENTITY, error))?;
    Ok(Due {
        order_id: record.order_id,
        at,
    })
}

//! Which orders have to be paid until when: what the sweep goes by when a message was lost.

use aws_sdk_dynamodb::types::{DeleteRequest, PutRequest, ReturnConsumedCapacity, WriteRequest};
use domain::id::OrderId;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{
    Result, Store, StoreError,
    item::{Record, from_item, string, to_item},
    keys::{DUE_PARTS, Key, due_partition},
    log_units,
    transaction::{backoff, unbuildable},
};

/// How long a note is kept if nobody takes it away: far longer than the sweep needs.
const KEPT: SignedDuration = SignedDuration::from_hours(24 * 14);
/// Writes of one BatchWriteItem call.
const BATCH: usize = 25;

#[derive(Debug, Serialize, Deserialize)]
struct DueRecord {
    order_id: OrderId,
    /// Milliseconds since 1970.
    at: i64,
    /// Seconds since 1970.
    expires_at: i64,
}

impl Record for DueRecord {
    const ENTITY: &'static str = "due";
}

/// An order and the time until which it has to be paid.
pub type Due = (OrderId, Timestamp);

impl Store {
    /// Notes that orders have to be paid until then. Key: [`Key::due`]. 1 write unit each.
    pub async fn note_due(&self, due: &[Due]) -> Result<()> {
        let mut writes = Vec::with_capacity(due.len());
        for (order_id, at) in due {
            let record = DueRecord {
                order_id: *order_id,
                at: at.as_millisecond(),
                expires_at: (*at + KEPT).as_second(),
            };
            let put = PutRequest::builder()
                .set_item(Some(to_item(&Key::due(*order_id, *at), &record)?))
                .build()
                .map_err(unbuildable)?;
            writes.push(WriteRequest::builder().put_request(put).build());
        }
        self.write_batches("BatchWriteItem due", writes).await
    }

    /// Takes notes away: their orders are paid, or over. Key: [`Key::due`]. 1 write unit each.
    pub async fn forget_due(&self, due: &[Due]) -> Result<()> {
        let mut writes = Vec::with_capacity(due.len());
        for (order_id, at) in due {
            let delete = DeleteRequest::builder()
                .set_key(Some(Key::due(*order_id, *at).attributes()))
                .build()
                .map_err(unbuildable)?;
            writes.push(WriteRequest::builder().delete_request(delete).build());
        }
        self.write_batches("BatchWriteItem due", writes).await
    }

    /// Orders that had to be paid before `before`, of its day and the three days before, and that
    /// nobody has taken away. Key: [`due_partition`]. 0.5 read
    /// units for each of 64 parts that has none, which is nearly always all of them.
    pub async fn overdue(&self, before: Timestamp) -> Result<Vec<Due>> {
        let mut found = Vec::new();
        for days_ago in 0..4 {
            let day = before - SignedDuration::from_hours(24 * days_ago);
            for part in 0..DUE_PARTS {
                let mut start = None;
                loop {
                    let answer = self
                        .client
                        .query()
                        .table_name(&self.table)
                        .key_condition_expression("PK = :partition AND SK < :before")
                        .expression_attribute_values(":partition", string(due_partition(day, part)))
                        .expression_attribute_values(
                            ":before",
                            string(format!("{:013}", before.as_millisecond())),
                        )
                        .set_exclusive_start_key(start)
                        .return_consumed_capacity(ReturnConsumedCapacity::Total)
                        .send()
                        .await
                        .map_err(|error| StoreError::call("Query due", &error))?;
                    log_units("Query due", answer.consumed_capacity.as_slice());
                    for item in answer.items.unwrap_or_default() {
                        let record: DueRecord = from_item(item)?;
                        let at = Timestamp::from_millisecond(record.at)
                            .map_err(|error| StoreError::corrupt(DueRecord::ENTITY, error))?;
                        found.push((record.order_id, at));
                    }
                    start = answer.last_evaluated_key;
                    if start.is_none() {
                        break;
                    }
                }
            }
        }
        Ok(found)
    }

    /// Writes in as few calls as they fit in, and those again that were throttled.
    async fn write_batches(
        &self,
        operation: &'static str,
        writes: Vec<WriteRequest>,
    ) -> Result<()> {
        for batch in writes.chunks(BATCH) {
            let mut left = batch.to_vec();
            let mut attempt = 0;
            while !left.is_empty() {
                let answer = self
                    .client
                    .batch_write_item()
                    .request_items(&self.table, left)
                    .return_consumed_capacity(ReturnConsumedCapacity::Total)
                    .send()
                    .await
                    .map_err(|error| StoreError::call(operation, &error))?;
                log_units(operation, answer.consumed_capacity());
                left = answer
                    .unprocessed_items
                    .unwrap_or_default()
                    .remove(&self.table)
                    .unwrap_or_default();
                if !left.is_empty() {
                    if attempt == 6 {
                        return Err(StoreError::Contended { operation });
                    }
                    backoff(attempt).await;
                    attempt += 1;
                }
            }
        }
        Ok(())
    }
}

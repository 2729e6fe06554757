//! Counts how often a redelivered message has reached its consumer. The receive count of SQS also counts
//! deliveries for which no function was free, so nothing final may be decided by it.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{
    Result, Store,
    item::{Record, from_item, number, string},
    keys::Key,
};

/// Retention of a count: longer than a message lives, in its queue and as a dead letter.
const KEPT: SignedDuration = SignedDuration::from_hours(24 * 20);

#[derive(Debug, Serialize, Deserialize)]
struct RedeliveryRecord {
    runs: u32,
}

impl Record for RedeliveryRecord {
    const ENTITY: &'static str = "redelivery";
}

impl Store {
    /// Counts a redelivery that has reached its consumer, before the consumer tries again: a try that ends
    /// the process counts as well. Returns how many there were with this one; 0 for the first delivery by
    /// SQS's receive count, `attempt`, which is not counted. Key: [`Key::redelivery`]. 1 write unit.
    pub async fn count_redelivery(
        &self,
        consumer: &str,
        message: &str,
        attempt: u32,
        now: Timestamp,
    ) -> Result<u32> {
        if attempt <= 1 {
            return Ok(0);
        }
        let update = self
            .update(&Key::redelivery(consumer, message))
            .update_expression(
                "SET entity_type = :entity, schema_version = :schema, expires_at = :expiry \
                 ADD runs :one",
            )
            .expression_attribute_values(":entity", string(RedeliveryRecord::ENTITY))
            .expression_attribute_values(":schema", number(RedeliveryRecord::VERSION))
            .expression_attribute_values(":expiry", number((now + KEPT).as_second()))
            .expression_attribute_values(":one", number(1))
            .return_values(aws_sdk_dynamodb::types::ReturnValue::AllNew);
        let written = self.write("UpdateItem redelivery", update).await?;
        let item = written.or_inconsistent(RedeliveryRecord::ENTITY)?;
        Ok(from_item::<RedeliveryRecord>(item)?.runs)
    }
}

//! Stores the state of circuit breakers, which all processes share.

use domain::payments::breaker::Breaker;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    Consistency, Result, Store, StoreError,
    item::{Record, from_item, number, string},
    keys::Key,
};

#[derive(Debug, Default, Serialize, Deserialize)]
struct BreakerRecord {
    #[serde(default)]
    failures: u32,
    /// Milliseconds since 1970; 0 while the breaker is closed.
    #[serde(default)]
    open_until: i64,
}

impl Record for BreakerRecord {
    const ENTITY: &'static str = "breaker";
}

impl Store {
    /// Reads the breaker of a service; a closed one if none is stored. Key: [`Key::breaker`]. 0.5 read
    /// units.
    pub async fn breaker(&self, service: &str) -> Result<Breaker> {
        let item = self
            .get(
                "GetItem breaker",
                &Key::breaker(service),
                Consistency::Eventual,
            )
            .await?;
        let record: BreakerRecord = item.map(from_item).transpose()?.unwrap_or_default();
        let until = Timestamp::from_millisecond(record.open_until)
            .map_err(|error| StoreError::unreadable(BreakerRecord::ENTITY, error))?;
        Ok(Breaker {
            failures: record.failures,
            open_until: (record.open_until > 0).then_some(until),
        })
    }

    /// Counts a failure and opens the breaker at the threshold. Key: [`Key::breaker`]. 1 write unit,
    /// and 1 more when it opens.
    pub async fn note_failure(&self, service: &str, now: Timestamp) -> Result<Breaker> {
        let update = self
            .update(&Key::breaker(service))
            .update_expression(
                "SET entity_type = :entity, schema_version = :schema ADD failures :one",
            )
            .expression_attribute_values(":entity", string(BreakerRecord::ENTITY))
            .expression_attribute_values(":schema", number(BreakerRecord::VERSION))
            .expression_attribute_values(":one", number(1))
            .return_values(aws_sdk_dynamodb::types::ReturnValue::AllNew);
        let written = self.write("UpdateItem breaker", update).await?;
        let record: BreakerRecord = from_item(written.or_inconsistent(BreakerRecord::ENTITY)?)?;
        let before = Breaker {
            failures: record.failures.saturating_sub(1),
            open_until: None,
        };
        let breaker = before.failed(now);
        if let Some(until) = breaker.open_until {
            let update = self
                .update(&Key::breaker(service))
                .update_expression("SET open_until = :until")
                .expression_attribute_values(":until", number(until.as_millisecond()));
            self.write("UpdateItem breaker", update).await?;
        }
        Ok(breaker)
    }

    /// Closes the breaker after a success. Key: [`Key::breaker`]. 1 write unit.
    pub async fn close_breaker(&self, service: &str) -> Result<()> {
        let update = self
            .update(&Key::breaker(service))
            .update_expression("SET failures = :zero, open_until = :zero")
            .expression_attribute_values(":zero", number(0));
        self.write("UpdateItem breaker", update).await?;
        Ok(())
    }

    /// Claims the single trial call of a half-open breaker, for the length of the cooldown. Key:
    /// [`Key::breaker`], on the condition that nobody claimed it since `breaker` was read. 1 write
    /// unit.
    pub async fn claim_attempt(
        &self,
        service: &str,
        breaker: Breaker,
        now: Timestamp,
    ) -> Result<bool> {
        let read = breaker.open_until.map_or(0, Timestamp::as_millisecond);
        let until = now + domain::payments::breaker::COOLDOWN;
        let update = self
            .update(&Key::breaker(service))
            .update_expression("SET open_until = :until")
            .condition_expression("open_until = :read")
            .expression_attribute_values(":until", number(until.as_millisecond()))
            .expression_attribute_values(":read", number(read));
        Ok(self.write("UpdateItem breaker", update).await?.is_done())
    }
}

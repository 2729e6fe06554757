//! Stores the state of circuit breakers, which all processes share.

use domain::payments::breaker::Breaker;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    Consistency, Result, Store, StoreError,
    error::is_condition_failure,
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
        let answer = self
            .update(&Key::breaker(service))
            .update_expression(
                "SET entity_type = :entity, schema_version = :schema ADD failures :one",
            )
            .expression_attribute_values(":entity", string(BreakerRecord::ENTITY))
            .expression_attribute_values(":schema", number(BreakerRecord::VERSION))
            .expression_attribute_values(":one", number(1))
            .return_values(aws_sdk_dynamodb::types::ReturnValue::AllNew)
            .send()
            .await
            .map_err(|error| StoreError::call("UpdateItem breaker", error))?;
        let record: BreakerRecord = from_item(answer.attributes.unwrap_or_default())?;
        let before = Breaker {
            failures: record.failures.saturating_sub(1),
            open_until: None,
        };
        let breaker = before.failed(now);
        if let Some(until) = breaker.open_until {
            self.update(&Key::breaker(service))
                .update_expression("SET open_until = :until")
                .expression_attribute_values(":until", number(until.as_millisecond()))
                .send()
                .await
                .map_err(|error| StoreError::call("UpdateItem breaker", error))?;
        }
        Ok(breaker)
    }

    /// Closes the breaker after a success. Key: [`Key::breaker`]. 1 write unit.
    pub async fn close_breaker(&self, service: &str) -> Result<()> {
        self.update(&Key::breaker(service))
            .update_expression("SET failures = :zero, open_until = :zero")
            .expression_attribute_values(":zero", number(0))
            .send()
            .await
            .map_err(|error| StoreError::call("UpdateItem breaker", error))?;
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
        let answer = self
            .update(&Key::breaker(service))
            .update_expression("SET open_until = :until")
            .condition_expression("open_until = :read")
            .expression_attribute_values(":until", number(until.as_millisecond()))
            .expression_attribute_values(":read", number(read))
            .send()
            .await;
        match answer {
            Ok(_) => Ok(true),
            Err(error) if is_condition_failure(&error) => Ok(false),
            Err(error) => Err(StoreError::call("UpdateItem breaker", error)),
        }
    }
}

//! Stores the state of circuit breakers, which all processes share.

use std::collections::BTreeSet;

use aws_sdk_dynamodb::types::AttributeValue;
use domain::payments::breaker::{Breaker, COOLDOWN};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    Consistency, Result, Store, StoreError,
    item::{Record, from_item, number, string},
    keys::Key,
    write::Written,
};

#[derive(Debug, Default, Serialize, Deserialize)]
struct BreakerRecord {
    #[serde(default)]
    failures: u32,
    /// Milliseconds since 1970; 0 while the breaker is closed.
    #[serde(default)]
    open_until: i64,
    #[serde(default)]
    payments: BTreeSet<String>,
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
            payments: record.payments,
            open_until: (record.open_until > 0).then_some(until),
        })
    }

    /// Counts the failure of a payment once, or of a trial call, which no `payment` names, each time, and
    /// opens the breaker at the threshold. Returns the number of failures, `None` if the payment was counted
    /// before. Key: [`Key::breaker`], on the condition that the payment is not counted. 1 write unit, and 1
    /// more when the breaker opens.
    pub async fn note_failure(
        &self,
        service: &str,
        payment: Option<&str>,
        now: Timestamp,
    ) -> Result<Option<u32>> {
        let mut expression =
            "SET entity_type = :entity, schema_version = :schema ADD failures :one".to_owned();
        let mut update = self.update(&Key::breaker(service));
        if let Some(payment) = payment {
            expression += ", payments :payments";
            let payments = AttributeValue::Ss(vec![payment.to_owned()]);
            update = update
                .condition_expression("NOT contains(payments, :payment)")
                .expression_attribute_values(":payment", string(payment))
                .expression_attribute_values(":payments", payments);
        }
        let update = update
            .update_expression(expression)
            .expression_attribute_values(":entity", string(BreakerRecord::ENTITY))
            .expression_attribute_values(":schema", number(BreakerRecord::VERSION))
            .expression_attribute_values(":one", number(1))
            .return_values(aws_sdk_dynamodb::types::ReturnValue::AllNew);
        let item = match self.write("UpdateItem breaker", update).await? {
            Written::Done(item) => item,
            Written::Refused(_) => return Ok(None),
        };
        let failures = from_item::<BreakerRecord>(item)?.failures;
        if let Some(until) = Breaker::open_until(failures, now) {
            let update = self
                .update(&Key::breaker(service))
                .update_expression("SET open_until = :until")
                .expression_attribute_values(":until", number(until.as_millisecond()));
            self.write("UpdateItem breaker", update).await?;
        }
        Ok(Some(failures))
    }

    /// Closes the breaker after a success. Key: [`Key::breaker`]. 1 write unit.
    pub async fn close_breaker(&self, service: &str) -> Result<()> {
        let update = self
            .update(&Key::breaker(service))
            .update_expression("SET failures = :zero, open_until = :zero REMOVE payments")
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
        breaker: &Breaker,
        now: Timestamp,
    ) -> Result<bool> {
        let read = breaker.open_until.map_or(0, Timestamp::as_millisecond);
        let until = now + COOLDOWN;
        let update = self
            .update(&Key::breaker(service))
            .update_expression("SET open_until = :until")
            .condition_expression("open_until = :read")
            .expression_attribute_values(":until", number(until.as_millisecond()))
            .expression_attribute_values(":read", number(read));
        Ok(self.write("UpdateItem breaker", update).await?.is_done())
    }
}

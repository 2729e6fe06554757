//! Inbox of a consumer: deduplicates events whose effects cannot be made conditional, such as sending
//! an email.

use std::time::Duration;

use aws_sdk_dynamodb::types::ReturnValuesOnConditionCheckFailure;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{
    Result, Store,
    item::{Record, from_item, number, string, to_item},
    keys::Key,
    write::Written,
};

/// Retention of a completed event: as long as its message could be redriven from a dead-letter queue.
const REMEMBERED: SignedDuration = SignedDuration::from_hours(24 * 20);

#[derive(Debug, Serialize, Deserialize)]
struct InboxRecord {
    done: bool,
    /// Milliseconds since 1970 until which the claim is valid; 0 when released.
    claimed_until: i64,
    /// Expiry in seconds since 1970.
    expires_at: i64,
}

impl Record for InboxRecord {
    const ENTITY: &'static str = "inbox";
}

/// Result of claiming an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Claim {
    /// Claimed: handle the event, then call [`Store::complete_event`].
    Ours,
    /// The event has been handled before.
    Done,
    /// Another delivery holds the claim: retry after its lease has expired.
    Theirs,
}

impl Store {
    /// Claims an event for `lease`. Key: [`Key::inbox`], on the condition that it is not claimed, or not
    /// done and the lease has expired. 1 write unit.
    pub async fn claim_event(
        &self,
        consumer: &str,
        event_id: &str,
        now: Timestamp,
        lease: Duration,
    ) -> Result<Claim> {
        let lease_millis = i64::try_from(lease.as_millis()).unwrap_or(i64::MAX);
        let record = InboxRecord {
            done: false,
            claimed_until: now.as_millisecond().saturating_add(lease_millis),
            expires_at: (now + REMEMBERED).as_second(),
        };
        let put = self
            .client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(to_item(&Key::inbox(consumer, event_id), &record)?))
            .condition_expression(
                "attribute_not_exists(PK) OR (done = :no AND claimed_until < :now)",
            )
            .expression_attribute_values(
                ":no",
                aws_sdk_dynamodb::types::AttributeValue::Bool(false),
            )
            .expression_attribute_values(":now", number(now.as_millisecond()))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        let found = match self.write("PutItem inbox", put).await? {
            Written::Done(_) => return Ok(Claim::Ours),
            Written::Refused(found) => found.unwrap_or_default(),
        };
        let found: InboxRecord = from_item(found)?;
        Ok(if found.done {
            Claim::Done
        } else {
            Claim::Theirs
        })
    }

    /// Records that an event's effect has happened, and its result, such as SES's id of the mail or
    /// `suppressed`. Key: [`Key::inbox`]. 1 write unit.
    pub async fn complete_event(&self, consumer: &str, event_id: &str, effect: &str) -> Result<()> {
        let update = self
            .update(&Key::inbox(consumer, event_id))
            .update_expression("SET done = :yes, effect = :effect")
            .expression_attribute_values(
                ":yes",
                aws_sdk_dynamodb::types::AttributeValue::Bool(true),
            )
            .expression_attribute_values(":effect", string(effect));
        self.write("UpdateItem inbox", update).await?;
        Ok(())
    }

    /// Releases a claim after the effect failed, so that the next attempt need not wait for the lease
    /// to expire. Key: [`Key::inbox`]. 1 write unit.
    pub async fn release_event(&self, consumer: &str, event_id: &str) -> Result<()> {
        let update = self
            .update(&Key::inbox(consumer, event_id))
            .update_expression("SET claimed_until = :past")
            .expression_attribute_values(":past", number(0));
        self.write("UpdateItem inbox", update).await?;
        Ok(())
    }
}

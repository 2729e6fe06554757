//! Answers to requests that may be sent again, kept for a day.

use aws_sdk_dynamodb::types::{
    CancellationReason, Put, ReturnValuesOnConditionCheckFailure, TransactWriteItem,
};
use domain::{
    id::RequestId,
    idempotency::{Answer, Fingerprint},
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    Consistency, Result, Store, StoreError,
    item::{Item, Record, from_item, number, to_item},
    keys::Key,
    transaction::put_action,
};

#[derive(Debug, Serialize, Deserialize)]
struct AnswerRecord {
    id: RequestId,
    fingerprint: Fingerprint,
    body: String,
    answered_at: Timestamp,
    /// Seconds since 1970.
    expires_at: i64,
}

impl Record for AnswerRecord {
    const ENTITY: &'static str = "request";
}

impl From<AnswerRecord> for Answer {
    fn from(record: AnswerRecord) -> Self {
        Self {
            id: record.id,
            fingerprint: record.fingerprint,
            body: record.body,
            answered_at: record.answered_at,
        }
    }
}

impl Store {
    /// The answer that a request got before, within the last day. Key: [`Key::request`]. 1 read unit
    /// for 4 KB.
    pub async fn answer(&self, id: RequestId, now: Timestamp) -> Result<Option<Answer>> {
        let item = self
            .get("GetItem answer", &Key::request(id), Consistency::Strong)
            .await?;
        let answer = item.map(read_answer).transpose()?;
        // The table removes expired items when it gets round to it.
        Ok(answer.filter(|answer| answer.holds_at(now)))
    }

    /// An answer as part of the transaction of its effect, if there is none yet.
    pub(crate) fn put_answer(&self, answer: &Answer) -> Result<TransactWriteItem> {
        let record = AnswerRecord {
            id: answer.id,
            fingerprint: answer.fingerprint.clone(),
            body: answer.body.clone(),
            answered_at: answer.answered_at,
            expires_at: answer.expires_at().as_second(),
        };
        let put = Put::builder()
            .table_name(&self.table)
            .set_item(Some(to_item(&Key::request(answer.id), &record)?))
            .condition_expression("attribute_not_exists(PK) OR expires_at < :now")
            .expression_attribute_values(":now", number(answer.answered_at.as_second()))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        put_action(put)
    }
}

fn read_answer(item: Item) -> Result<Answer, StoreError> {
    from_item::<AnswerRecord>(item).map(Answer::from)
}

/// The answer that was there when a transaction wanted to write one.
pub(crate) fn read_refused(reason: CancellationReason) -> Result<Answer> {
    read_answer(reason.item.unwrap_or_default())
}

//! Stores the responses to idempotent requests for a day.

use aws_sdk_dynamodb::types::{
    CancellationReason, Put, ReturnValuesOnConditionCheckFailure, TransactWriteItem,
};
use domain::{
    id::RequestId,
    idempotency::{Fingerprint, Shown, StoredResponse},
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::record::OrderRecord;
use crate::{
    Consistency, Result, Store, StoreError,
    item::{Item, Record, from_item, number, to_item},
    keys::Key,
    transaction::put_action,
};

/// A response as it is stored: as the order that it shows, as the body repeats the SKUs of every line.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct ResponseRecord {
    id: RequestId,
    /// Hash of the command.
    fingerprint: Fingerprint,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    order: Option<OrderRecord>,
    /// The older form of `order`: the response, byte for byte.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    body: Option<String>,
    answered_at: Timestamp,
    /// Expiry in seconds since 1970.
    expires_at: i64,
}

impl Record for ResponseRecord {
    const ENTITY: &'static str = "request";
}

impl From<&StoredResponse> for ResponseRecord {
    fn from(answer: &StoredResponse) -> Self {
        let (order, body) = match &answer.shows {
            Shown::Order(order) => (Some(OrderRecord::from(&**order)), None),
            Shown::Body(body) => (None, Some(body.clone())),
        };
        Self {
            id: answer.id,
            fingerprint: answer.fingerprint.clone(),
            order,
            body,
            answered_at: answer.answered_at,
            expires_at: answer.expires_at().as_second(),
        }
    }
}

impl TryFrom<ResponseRecord> for StoredResponse {
    type Error = StoreError;

    fn try_from(record: ResponseRecord) -> Result<Self> {
        let shows = match (record.order, record.body) {
            (Some(order), _) => Shown::Order(Box::new(order.try_into()?)),
            (None, Some(body)) => Shown::Body(body),
            (None, None) => {
                return Err(StoreError::inconsistent(
                    ResponseRecord::ENTITY,
                    "neither order nor body",
                ));
            }
        };
        Ok(Self {
            id: record.id,
            fingerprint: record.fingerprint,
            shows,
            answered_at: record.answered_at,
        })
    }
}

impl Store {
    /// Reads the response that a request got within the last day, strongly consistent. Key:
    /// [`Key::request`]. 1 read unit for 4 KB. Only `change_order` writes responses.
    pub async fn answer(&self, id: RequestId, now: Timestamp) -> Result<Option<StoredResponse>> {
        let item = self
            .get("GetItem answer", &Key::request(id), Consistency::Strong)
            .await?;
        let answer = item.map(read_answer).transpose()?;
        // The table deletes expired items with a delay.
        Ok(answer.filter(|answer| answer.holds_at(now)))
    }

    /// The write of a response within the transaction of its effect, on the condition that it does not
    /// exist.
    pub(super) fn put_answer(&self, answer: &StoredResponse) -> Result<TransactWriteItem> {
        let record = ResponseRecord::from(answer);
        let put = Put::builder()
            .table_name(&self.table)
            .set_item(Some(to_item(&Key::request(answer.id), &record)?))
            .condition_expression("attribute_not_exists(PK) OR expires_at < :now")
            .expression_attribute_values(":now", number(answer.answered_at.as_second()))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        put_action(put)
    }
}

fn read_answer(item: Item) -> Result<StoredResponse, StoreError> {
    from_item::<ResponseRecord>(item)?.try_into()
}

/// The existing response, from the reason why a transaction was canceled.
pub(super) fn read_refused(reason: CancellationReason) -> Result<StoredResponse> {
    read_answer(reason.item.unwrap_or_default())
}

//! What payment providers tell us: kept as it came, once, before anything is done about it.

use aws_sdk_dynamodb::operation::put_item::PutItemError;
use domain::payment::Provider;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{
    Consistency, Result, Store, StoreError,
    item::{Item, Record, from_item, string, to_item},
    keys::Key,
};

/// How long events are kept, to look at what was told.
const KEPT: SignedDuration = SignedDuration::from_hours(24 * 90);

/// An event as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PaymentEvent {
    /// From whom.
    pub provider: Provider,
    /// The provider's name for it.
    pub event_id: String,
    /// The provider's name for what happened.
    pub kind: String,
    /// The payment it is about, if it names one.
    pub payment_id: Option<String>,
    /// The order it is about, if it names one.
    pub order_id: Option<String>,
    /// The body, byte for byte.
    pub body: String,
    /// When it came.
    pub received_at: Timestamp,
    /// Identifier of the request it came with.
    pub trace_id: String,
}

/// What became of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PaymentEventOutcome {
    /// An order was changed, or was so already.
    Done,
    /// It calls for nothing.
    Ignored,
    /// It names no order of this shop.
    UnknownOrder,
    /// It does not go together with the order it names; see the log.
    Refused,
}

impl PaymentEventOutcome {
    /// Its name in the table.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Ignored => "ignored",
            Self::UnknownOrder => "unknown_order",
            Self::Refused => "refused",
        }
    }
}

#[derive(Debug, Serialize, Deserialize)]
struct PaymentEventRecord {
    provider: Provider,
    event_id: String,
    kind: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    payment_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    order_id: Option<String>,
    body: String,
    received_at: Timestamp,
    trace_id: String,
    /// Seconds since 1970.
    expires_at: i64,
}

impl Record for PaymentEventRecord {
    const ENTITY: &'static str = "payment_event";
}

impl Store {
    /// Keeps an event; `false` if it is kept already. Key: [`Key::payment_event`], if there is none
    /// yet. 1 write unit for each KB of event.
    pub async fn keep_payment_event(&self, event: &PaymentEvent) -> Result<bool> {
        let record = PaymentEventRecord {
            provider: event.provider,
            event_id: event.event_id.clone(),
            kind: event.kind.clone(),
            payment_id: event.payment_id.clone(),
            order_id: event.order_id.clone(),
            body: event.body.clone(),
            received_at: event.received_at,
            trace_id: event.trace_id.clone(),
            expires_at: (event.received_at + KEPT).as_second(),
        };
        let key = Key::payment_event(event.provider, &event.event_id);
        let answer = self
            .client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(to_item(&key, &record)?))
            .condition_expression("attribute_not_exists(PK)")
            .send()
            .await;
        match answer {
            Ok(_) => Ok(true),
            Err(error)
                if error
                    .as_service_error()
                    .is_some_and(PutItemError::is_conditional_check_failed_exception) =>
            {
                Ok(false)
            }
            Err(error) => Err(StoreError::call("PutItem payment event", &error)),
        }
    }

    /// Reads an event. Key: [`Key::payment_event`]. 1 read unit for 4 KB.
    pub async fn payment_event(
        &self,
        provider: Provider,
        event_id: &str,
    ) -> Result<Option<PaymentEvent>> {
        let key = Key::payment_event(provider, event_id);
        let item = self
            .get("GetItem payment event", &key, Consistency::Strong)
            .await?;
        item.map(read).transpose()
    }

    /// Notes what became of an event. Key: [`Key::payment_event`]. 1 write unit for each KB of
    /// event.
    pub async fn note_payment_event(
        &self,
        provider: Provider,
        event_id: &str,
        outcome: PaymentEventOutcome,
    ) -> Result<()> {
        self.update(&Key::payment_event(provider, event_id))
            .update_expression("SET outcome = :outcome")
            .expression_attribute_values(":outcome", string(outcome.as_str()))
            .send()
            .await
            .map_err(|error| StoreError::call("UpdateItem payment event", &error))?;
        Ok(())
    }
}

/// The event in an item.
pub(crate) fn read(item: Item) -> Result<PaymentEvent> {
    let record: PaymentEventRecord = from_item(item)?;
    Ok(PaymentEvent {
        provider: record.provider,
        event_id: record.event_id,
        kind: record.kind,
        payment_id: record.payment_id,
        order_id: record.order_id,
        body: record.body,
        received_at: record.received_at,
        trace_id: record.trace_id,
    })
}

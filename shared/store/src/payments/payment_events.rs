//! Stores webhook events of payment providers as they were received, once, before they are handled.

use domain::{
    payments::Provider,
    trace::{self, TraceParent},
};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{
    Consistency, Result, Store,
    item::{Item, Record, from_item, string, to_item},
    keys::Key,
};

/// Retention of webhook events, for investigations.
const KEPT: SignedDuration = SignedDuration::from_hours(24 * 90);

/// A webhook event as it was received.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PaymentEvent {
    /// The provider that sent it.
    pub provider: Provider,
    /// The provider's id of the event.
    pub event_id: String,
    /// The provider's type of the event.
    pub kind: String,
    /// Id of the payment, if the event names one.
    pub payment_id: Option<String>,
    /// Id of the order, if the event names one.
    pub order_id: Option<String>,
    /// Body of the request, byte for byte.
    pub body: String,
    /// Time of receipt.
    pub received_at: Timestamp,
    /// Id of the request that delivered it.
    pub trace_id: String,
    /// Place in the trace of that request.
    pub traceparent: TraceParent,
}

/// Outcome of handling an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PaymentEventOutcome {
    /// An order was changed, or was already up to date.
    Done,
    /// The event requires no action.
    Ignored,
    /// The event does not belong to an order of this shop.
    UnknownOrder,
    /// The payment does not match the order; see the log.
    Refused,
}

impl PaymentEventOutcome {
    /// Name of the outcome in the table.
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
    /// Missing if it follows from `trace_id`.
    #[serde(
        default,
        deserialize_with = "trace::lenient",
        skip_serializing_if = "Option::is_none"
    )]
    traceparent: Option<TraceParent>,
    /// Expiry in seconds since 1970.
    expires_at: i64,
}

impl Record for PaymentEventRecord {
    const ENTITY: &'static str = "payment_event";
}

impl Store {
    /// Stores an event; `false` if it is already stored. Key: [`Key::payment_event`], on the condition
    /// that it does not exist. 1 write unit for each KB of event.
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
            traceparent: Some(event.traceparent)
                .filter(|place| *place != TraceParent::begin(&event.trace_id)),
            expires_at: (event.received_at + KEPT).as_second(),
        };
        let key = Key::payment_event(event.provider, &event.event_id);
        let put = self
            .client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(to_item(&key, &record)?))
            .condition_expression("attribute_not_exists(PK)");
        Ok(self.write("PutItem payment event", put).await?.is_done())
    }

    /// Reads an event, strongly consistent. Key: [`Key::payment_event`]. 1 read unit for 4 KB.
    pub async fn payment_event(
        &self,
        provider: Provider,
        event_id: &str,
    ) -> Result<Option<PaymentEvent>> {
        let key = Key::payment_event(provider, event_id);
        let item = self
            .get("GetItem payment event", &key, Consistency::Strong)
            .await?;
        item.map(read_payment_event).transpose()
    }

    /// Records the outcome of an event: `done`, `ignored`, `unknown_order` or `refused`. Key:
    /// [`Key::payment_event`]. 1 write unit for each KB of event.
    pub async fn note_payment_event(
        &self,
        provider: Provider,
        event_id: &str,
        outcome: PaymentEventOutcome,
    ) -> Result<()> {
        let update = self
            .update(&Key::payment_event(provider, event_id))
            .update_expression("SET outcome = :outcome")
            .expression_attribute_values(":outcome", string(outcome.as_str()));
        self.write("UpdateItem payment event", update).await?;
        Ok(())
    }
}

/// Parses an event from its item.
pub(crate) fn read_payment_event(item: Item) -> Result<PaymentEvent> {
    let record: PaymentEventRecord = from_item(item)?;
    Ok(PaymentEvent {
        provider: record.provider,
        event_id: record.event_id,
        kind: record.kind,
        payment_id: record.payment_id,
        order_id: record.order_id,
        body: record.body,
        received_at: record.received_at,
        traceparent: trace::stored(record.traceparent, &record.trace_id),
        trace_id: record.trace_id,
    })
}

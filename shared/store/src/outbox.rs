//! The table's stream as outbox: which event a change of an item is.

use aws_lambda_events::dynamodb::EventRecord;
use domain::event::{Envelope, Event};
use jiff::Timestamp;

use crate::{StoreError, item::Record, orders, payment_events, variants::VariantRecord};

/// The event that a stream record is, if it is one. Deleted items raise none: orders and
/// variants are never deleted, and a provider's event only long after it was acted on.
pub fn event_of(record: &EventRecord) -> Result<Option<Envelope>, StoreError> {
    let new = &record.change.new_image;
    let old = &record.change.old_image;
    let entity = |item: &serde_dynamo::Item| match item.get("entity_type") {
        Some(serde_dynamo::AttributeValue::S(entity)) => entity.clone(),
        _ => String::new(),
    };
    let occurred_at = Timestamp::from_millisecond(
        record
            .change
            .approximate_creation_date_time
            .timestamp_millis(),
    )
    .map_err(|error| StoreError::corrupt("stream record", error))?;
    match entity(new).as_str() {
        "order" => {
            let order = orders::read_order(new.clone().into())?;
            if !old.is_empty() && orders::read_order(old.clone().into())?.version == order.version {
                return Ok(None);
            }
            let event = match order.last_change() {
                None => Event::OrderPlaced {
                    order_id: order.id,
                    due_at: order.due_at,
                },
                Some(change) => Event::OrderChanged {
                    order_id: order.id,
                    version: order.version,
                    what: change.what,
                },
            };
            Ok(Some(Envelope {
                event_id: format!("{}.{}", order.id, order.version),
                occurred_at,
                trace_id: order.trace_id,
                attempts: 0,
                requeues: 0,
                event,
            }))
        }
        "payment_event" => {
            // Only its arrival is one; what became of it is noted later.
            if !old.is_empty() {
                return Ok(None);
            }
            let received = payment_events::read(new.clone().into())?;
            Ok(Some(Envelope {
                event_id: format!("{}.{}", received.provider.name(), received.event_id),
                occurred_at,
                trace_id: received.trace_id,
                attempts: 0,
                requeues: 0,
                event: Event::ProviderEventReceived {
                    provider: received.provider,
                    provider_event_id: received.event_id,
                },
            }))
        }
        "variant" => {
            let read = |item: &serde_dynamo::Item| {
                serde_dynamo::from_item::<_, VariantRecord>(item.clone())
                    .map_err(|error| StoreError::corrupt(VariantRecord::ENTITY, error))
            };
            let variant = read(new)?;
            // A new variant comes with its product, which says whether it can be had.
            if old.is_empty() || (read(old)?.available > 0) == (variant.available > 0) {
                return Ok(None);
            }
            let sequence = record.change.sequence_number.clone().unwrap_or_default();
            Ok(Some(Envelope {
                event_id: format!("{}.{sequence}", variant.sku),
                occurred_at,
                trace_id: record.event_id.clone(),
                attempts: 0,
                requeues: 0,
                event: Event::AvailabilityChanged {
                    sku: variant.sku,
                    product_slug: variant.product_slug,
                },
            }))
        }
        _ => Ok(None),
    }
}

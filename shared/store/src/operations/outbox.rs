//! The table's stream as the outbox: derives events and due notes from changes of items.

use aws_lambda_events::dynamodb::EventRecord;
use domain::{
    event::{Envelope, Event},
    orders::{CloseReason, Order, OrderStatus},
};
use jiff::Timestamp;

use crate::{Due, DueChange, StoreError, inventory::VariantRecord, item::Record, orders, payments};

/// Consequences of one stream record.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Relay {
    /// Event to relay, if any.
    pub event: Option<Envelope>,
    /// Change of the order's due note, if any.
    pub due: Option<DueChange>,
}

impl Relay {
    fn event(envelope: Envelope) -> Self {
        Self {
            event: Some(envelope),
            due: None,
        }
    }
}

/// Id of the request that caused a stream record: the `trace_id` of the order or the payment event that
/// changed, which its event carries as well. The record's own id for other items, which name none.
pub fn request_id(record: &EventRecord) -> &str {
    match record.change.new_image.get("trace_id") {
        Some(serde_dynamo::AttributeValue::S(id)) => id,
        _ => &record.event_id,
    }
}

/// Derives the consequences of a stream record. Deletions have none: orders and variants are never
/// deleted, and webhook events only long after they were handled.
pub fn relay_of(record: &EventRecord) -> Result<Relay, StoreError> {
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
    .map_err(|error| StoreError::unreadable("stream record", error))?;
    match entity(new).as_str() {
        "order" => {
            let order = orders::read_order(new.clone().into())?;
            let before = match old.is_empty() {
                true => None,
                false => Some(orders::read_order(old.clone().into())?),
            };
            if before
                .as_ref()
                .is_some_and(|old| old.version == order.version)
            {
                return Ok(Relay::default());
            }
            let event = match order.last_change() {
                None => Event::OrderPlaced { order_id: order.id },
                Some(change) => Event::OrderChanged {
                    order_id: order.id,
                    version: order.version,
                    what: change.what,
                },
            };
            Ok(Relay {
                due: due_change(before.as_ref(), &order),
                event: Some(Envelope {
                    event_id: format!("{}.{}", order.id, order.version),
                    occurred_at,
                    trace_id: order.trace_id,
                    attempts: 0,
                    requeues: 0,
                    event,
                }),
            })
        }
        "payment_event" => {
            // Only its arrival is an event; its outcome is recorded later.
            if !old.is_empty() {
                return Ok(Relay::default());
            }
            let received = payments::read_payment_event(new.clone().into())?;
            Ok(Relay::event(Envelope {
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
                    .map_err(|error| StoreError::unreadable(VariantRecord::ENTITY, error))
            };
            let variant = read(new)?;
            // A new variant is written together with its product, which already states its
            // availability.
            if old.is_empty() || (read(old)?.available > 0) == (variant.available > 0) {
                return Ok(Relay::default());
            }
            let sequence = record.change.sequence_number.clone().unwrap_or_default();
            Ok(Relay::event(Envelope {
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
        _ => Ok(Relay::default()),
    }
}

/// The due note is written when an order starts waiting for its payment, possibly again, and deleted
/// when it stops. The note of an expired order is deleted by the sweep, which has just read it.
fn due_change(before: Option<&Order>, order: &Order) -> Option<DueChange> {
    let waits = |order: &Order| order.status() == OrderStatus::PendingPayment;
    let due = Due {
        order_id: order.id,
        at: order.due_at,
    };
    match (before.is_some_and(waits), waits(order)) {
        (false, true) => Some(DueChange::Noted(due)),
        (true, false) if order.closed != Some(CloseReason::Expired) => {
            Some(DueChange::Settled(due))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use aws_lambda_events::dynamodb;
    use serde_json::{Value, json};

    use super::*;

    /// A stream image of an order with a given version, payment status and closing reason.
    fn order(version: u64, payment: &str, closed: Option<&str>) -> Value {
        let sample =
            include_str!("../../../../events/relay-events/order-placed-and-variant-sold-out.json");
        let sample: Value = serde_json::from_str(sample).unwrap();
        let mut order = sample["Records"][0]["dynamodb"]["NewImage"].clone();
        order["version"] = json!({ "N": version.to_string() });
        order["payment"]["M"]["status"] = json!({ "S": payment });
        if let Some(closed) = closed {
            order["closed"] = json!({ "S": closed });
        }
        order
    }

    fn relay(old: Option<Value>, new: Value) -> Relay {
        let sample = include_str!("../../../../events/relay-events/order-paid.json");
        let mut sample: Value = serde_json::from_str(sample).unwrap();
        let change = sample["Records"][0]["dynamodb"].as_object_mut().unwrap();
        change.remove("OldImage");
        change.extend(old.map(|old| ("OldImage".to_owned(), old)));
        change.insert("NewImage".to_owned(), new);
        let event: dynamodb::Event = serde_json::from_value(sample).unwrap();
        relay_of(&event.records[0]).unwrap()
    }

    #[test]
    fn a_record_has_the_request_id_that_its_event_carries() {
        let samples = [
            include_str!("../../../../events/relay-events/order-placed-and-variant-sold-out.json"),
            include_str!("../../../../events/relay-events/order-paid.json"),
        ];
        let mut ids = Vec::new();
        for sample in samples {
            let event: dynamodb::Event = serde_json::from_str(sample).unwrap();
            for record in &event.records {
                let carried = relay_of(record).unwrap().event.unwrap().trace_id;
                assert_eq!(request_id(record), carried);
                ids.push(carried);
            }
        }
        let request = "JKJaXmPLvHcESHA=";
        // A variant names no request, so the record's own id.
        let record = "c4ca4238a0b923820dcc509a6f758402";
        assert_eq!(ids, [request, record, request]);
    }

    #[test]
    fn an_order_is_noted_while_it_waits_for_its_payment() {
        let placed = || order(1, "pending", None);
        let Some(DueChange::Noted(due)) = relay(None, placed()).due else {
            unreachable!("a placed order is noted")
        };
        assert_eq!(due.at, "2026-11-22T10:15:00Z".parse().unwrap());
        let settled = Some(DueChange::Settled(due));
        let noted = Some(DueChange::Noted(due));
        let authorised = || order(2, "authorised", None);
        let failed = || order(2, "failed", Some("payment_failed"));
        let cases = [
            ("waits on", placed(), authorised(), None),
            ("is paid", authorised(), order(3, "captured", None), settled),
            ("fails", placed(), failed(), settled),
            (
                "is cancelled",
                placed(),
                order(2, "voided", Some("cancelled")),
                settled,
            ),
            (
                "expires, and the sweep deletes the note",
                placed(),
                order(2, "voided", Some("expired")),
                None,
            ),
            (
                "is paid late after all, and waits anew",
                failed(),
                order(3, "authorised", None),
                noted,
            ),
            (
                "is cancelled once it is paid",
                order(3, "captured", None),
                order(4, "captured", Some("cancelled")),
                None,
            ),
        ];
        for (what, old, new, due) in cases {
            let relay = relay(Some(old), new);
            assert_eq!(relay.due, due, "it {what}");
            assert!(relay.event.is_some(), "it {what}");
        }
        // A write that changes nothing relevant, such as an internal note.
        assert_eq!(relay(Some(placed()), placed()), Relay::default());
    }
}

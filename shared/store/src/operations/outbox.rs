//! The table's stream as the outbox: derives events and due notes from changes of items.

use aws_lambda_events::dynamodb::EventRecord;
use domain::{
    event::{Envelope, Event},
    identity::LinkPurpose,
    orders::{CloseReason, Order, OrderStatus},
    trace::TraceParent,
};
use jiff::Timestamp;
use serde::{Serialize, de::DeserializeOwned};

use crate::{
    Due, DueChange, StoreError,
    identity::{
        accounts::AccountRecord,
        requests::{EmailChangeRecord, LinkRecord, RegistrationRecord, ResetRecord},
        sessions::SessionRecord,
    },
    inventory::VariantRecord,
    item::Record,
    jobs::{DueStepRecord, RunRecord},
    keys::{PK, SK},
    orders, payments,
    staff::invitations::InvitationRecord,
};

/// Consequences of one stream record.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Relay {
    /// Event to relay, if any.
    pub event: Option<Envelope>,
    /// Changes of the order's due note, in order.
    pub due: Vec<DueChange>,
}

/// A stream record that cannot be read, as it is sent to the queue of those set aside: where to find its
/// item, nothing of its content.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct UnreadableRecord {
    /// Name of the function that could not do anything with it.
    pub reader: &'static str,
    /// Position of the record in the stream.
    pub sequence_number: String,
    /// `entity_type` of the changed item.
    pub entity_type: String,
    /// Partition key of the changed item.
    pub pk: String,
    /// Sort key of the changed item.
    pub sk: String,
}

impl UnreadableRecord {
    /// Describes `record`, which `reader` sets aside. What it does not have stays empty.
    pub fn of(record: &EventRecord, reader: &'static str) -> Self {
        let image = match record.change.new_image.is_empty() {
            true => &record.change.old_image,
            false => &record.change.new_image,
        };
        Self {
            reader,
            sequence_number: record.change.sequence_number.clone().unwrap_or_default(),
            entity_type: text(image, "entity_type"),
            pk: text(&record.change.keys, PK),
            sk: text(&record.change.keys, SK),
        }
    }
}

impl Relay {
    /// An event with an id that is the same for each of its deliveries.
    fn event(caused: &Caused, id: String, trace_id: String, event: Event) -> Self {
        Self {
            event: Some(caused.envelope(id, trace_id, event)),
            due: Vec::new(),
        }
    }
}

/// Where and when the change of a stream record happened.
struct Caused {
    place: TraceParent,
    occurred_at: Timestamp,
}

impl Caused {
    fn envelope(&self, id: String, trace_id: String, event: Event) -> Envelope {
        Envelope {
            traceparent: self.place.child(&id),
            event_id: id,
            occurred_at: self.occurred_at,
            trace_id,
            attempts: 0,
            requeues: 0,
            event,
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

/// Place of a stream record in the trace of the request that caused it; in one of its own if the item names none. Events
/// that follow from the record have it as their parent.
pub fn traceparent(record: &EventRecord) -> TraceParent {
    let stored = text(&record.change.new_image, "traceparent").parse();
    stored.unwrap_or_else(|_| TraceParent::begin(request_id(record)))
}

/// Derives the consequences of a stream record. Deletions have none: orders and variants are never
/// deleted, and webhook events only long after they were handled.
pub fn relay_of(record: &EventRecord) -> Result<Relay, StoreError> {
    let new = &record.change.new_image;
    let old = &record.change.old_image;
    let caused = Caused {
        place: traceparent(record),
        occurred_at: occurred_at(record)?,
    };
    match text(new, "entity_type").as_str() {
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
            let id = format!("{}.{}", order.id, order.version);
            Ok(Relay {
                due: due_changes(before.as_ref(), &order),
                event: Some(caused.envelope(id, order.trace_id, event)),
            })
        }
        "payment_event" => {
            // Only its arrival is an event; its outcome is recorded later.
            if !old.is_empty() {
                return Ok(Relay::default());
            }
            let received = payments::read_payment_event(new.clone().into())?;
            let id = format!("{}.{}", received.provider.name(), received.event_id);
            let event = Event::ProviderEventReceived {
                provider: received.provider,
                provider_event_id: received.event_id,
            };
            Ok(Relay::event(&caused, id, received.trace_id, event))
        }
        "job_run" => {
            // Only its beginning is an event; it never changes, and its expiry has no new image.
            if !old.is_empty() {
                return Ok(Relay::default());
            }
            let run: RunRecord = parsed(new)?;
            let id = format!("{}.{}", run.job, run.run);
            let event = Event::JobStarted {
                job_id: run.job,
                kind: run.kind,
                run: run.run,
            };
            Ok(Relay::event(&caused, id, run.trace_id, event))
        }
        "job_step_due" => {
            let due: DueStepRecord = parsed(new)?;
            if !old.is_empty() && parsed::<DueStepRecord>(old)?.pass == due.pass {
                return Ok(Relay::default());
            }
            let mut id = format!("{}.{}.{}", due.job, due.run, due.step);
            if due.pass > 0 {
                id.push_str(&format!(".{}", due.pass));
            }
            let event = Event::JobStepDue {
                job_id: due.job,
                kind: due.kind,
                step: due.step,
            };
            Ok(Relay::event(&caused, id, due.trace_id, event))
        }
        "registration" => link_of::<RegistrationRecord>(&caused, record, LinkPurpose::Verify),
        "password_reset" => link_of::<ResetRecord>(&caused, record, LinkPurpose::Reset),
        "email_change" => link_of::<EmailChangeRecord>(&caused, record, LinkPurpose::ChangeEmail),
        "invitation" => link_of::<InvitationRecord>(&caused, record, LinkPurpose::Invite),
        "account" => {
            let account: AccountRecord = parsed(new)?;
            if !old.is_empty() && parsed::<AccountRecord>(old)?.version == account.version {
                return Ok(Relay::default());
            }
            let id = format!("{}.{}", account.id, account.version);
            let event = Event::AccountChanged {
                account_id: account.id,
                version: account.version,
                what: account.last_change.kind,
                email_change_id: account.last_change.email_change,
            };
            Ok(Relay::event(&caused, id, account.trace_id, event))
        }
        "session" => {
            // Only its beginning is an event.
            if !old.is_empty() {
                return Ok(Relay::default());
            }
            let session: SessionRecord = parsed(new)?;
            let event = Event::SessionBegan {
                account_id: session.account,
                session_id: session.id,
            };
            let id = session.id.to_string();
            Ok(Relay::event(&caused, id, session.trace_id, event))
        }
        "variant" => {
            let variant: VariantRecord = parsed(new)?;
            // A new variant is written together with its product, which already states its
            // availability.
            if old.is_empty() {
                return Ok(Relay::default());
            }
            let before: VariantRecord = parsed(old)?;
            if (before.available > 0) == (variant.available > 0) {
                return Ok(Relay::default());
            }
            let sequence = record.change.sequence_number.clone().unwrap_or_default();
            let id = format!("{}.{sequence}", variant.sku);
            let event = Event::AvailabilityChanged {
                sku: variant.sku,
                product_slug: variant.product_slug,
            };
            Ok(Relay::event(&caused, id, record.event_id.clone(), event))
        }
        _ => Ok(Relay::default()),
    }
}

/// The event of a request whose insertion sends a mail; its later changes, and its expiry, are none.
fn link_of<R: LinkRecord>(
    caused: &Caused,
    record: &EventRecord,
    purpose: LinkPurpose,
) -> Result<Relay, StoreError> {
    if !record.change.old_image.is_empty() {
        return Ok(Relay::default());
    }
    let request: R = parsed(&record.change.new_image)?;
    let (id, trace_id) = request.into_parts();
    let event = Event::LinkRequested {
        purpose,
        request_id: id.clone(),
    };
    Ok(Relay::event(caused, id, trace_id, event))
}

fn parsed<R: Record + DeserializeOwned>(item: &serde_dynamo::Item) -> Result<R, StoreError> {
    serde_dynamo::from_item(item.clone()).map_err(|error| StoreError::unreadable(R::ENTITY, error))
}

/// Time of the change of a stream record.
pub(super) fn occurred_at(record: &EventRecord) -> Result<Timestamp, StoreError> {
    let time = record.change.approximate_creation_date_time;
    Timestamp::from_millisecond(time.timestamp_millis())
        .map_err(|error| StoreError::unreadable("stream record", error))
}

/// A text attribute; empty if it is missing or not a text.
pub(super) fn text(item: &serde_dynamo::Item, name: &str) -> String {
    match item.get(name) {
        Some(serde_dynamo::AttributeValue::S(text)) => text.clone(),
        _ => String::new(),
    }
}

/// The due note is written when an order starts waiting for its payment, possibly again, moves with its
/// due time, and is deleted when it stops. The note of an expired order is deleted by the sweep, which has
/// just read it.
fn due_changes(before: Option<&Order>, order: &Order) -> Vec<DueChange> {
    let note = |order: &Order| {
        let waits = order.status() == OrderStatus::PendingPayment;
        waits.then_some(Due {
            order_id: order.id,
            at: order.due_at,
        })
    };
    let (old, new) = (before.and_then(note), note(order));
    if old == new {
        return Vec::new();
    }
    let left_to_sweep = order.closed == Some(CloseReason::Expired);
    let old = old.filter(|_| !left_to_sweep).map(DueChange::Settled);
    old.into_iter().chain(new.map(DueChange::Noted)).collect()
}

#[cfg(test)]
mod tests {
    use aws_lambda_events::dynamodb;
    use domain::jobs::JobKind;
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
    fn events_continue_the_trace_of_their_item_or_begin_one() {
        const STORED: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let traced = |traceparent: Option<&str>| {
            let mut new = order(1, "pending", None);
            if let Some(traceparent) = traceparent {
                new["traceparent"] = json!({ "S": traceparent });
            }
            relay(None, new).event.unwrap()
        };
        let event = traced(Some(STORED));
        let stored: TraceParent = STORED.parse().unwrap();
        assert_eq!(event.traceparent, stored.child(&event.event_id));
        assert_eq!(traced(Some(STORED)), event, "a repetition is the same");
        // Of the last version, or not to be read.
        for none in [None, Some("garbage")] {
            let event = traced(none);
            let begun = TraceParent::begin(&event.trace_id);
            assert_eq!(event.traceparent, begun.child(&event.event_id), "{none:?}");
        }
    }

    #[test]
    fn a_run_and_a_step_of_a_job_raise_one_event_each() {
        let job = "job_5T0RCE3VWQ8X4H2YJZ9N6KDPGA";
        let item = |entity: &str, kind: &str| {
            json!({
                "entity_type": { "S": entity }, "schema_version": { "N": "1" }, "job": { "S": job },
                "kind": { "S": kind }, "run": { "N": "2" }, "step": { "N": "9" },
                "trace_id": { "S": "t" }, "expires_at": { "N": "1" },
            })
        };
        let run = item("job_run", "product_import");
        let due = item("job_step_due", "order_lists_rebuild");
        let event = relay(None, run.clone()).event.unwrap();
        assert_eq!(
            (event.event_id, event.trace_id),
            (format!("{job}.2"), "t".to_owned())
        );
        let started = Event::JobStarted {
            job_id: job.parse().unwrap(),
            kind: JobKind::ProductImport,
            run: 2,
        };
        assert_eq!(event.event, started);
        let event = relay(None, due.clone()).event.unwrap();
        assert_eq!(event.event_id, format!("{job}.2.9"));
        let step = Event::JobStepDue {
            job_id: job.parse().unwrap(),
            kind: JobKind::OrderListsRebuild,
            step: 9,
        };
        assert_eq!(event.event, step);
        // Gone on with: another message.
        let mut further = due.clone();
        further["pass"] = json!({ "N": "3" });
        further["place"] = json!({ "S": "somewhere" });
        let event = relay(Some(due.clone()), further.clone()).event.unwrap();
        assert_eq!(
            (event.event_id, event.event),
            (format!("{job}.2.9.3"), step)
        );
        // Recorded again, by a message that came twice.
        for again in [run, due, further] {
            assert_eq!(relay(Some(again.clone()), again), Relay::default());
        }
    }

    #[test]
    fn an_invitation_sends_its_mail_when_it_is_made_and_never_again() {
        let id = "inv_5T0RCE3VWQ8X4H2YJZ9N6KDPGA";
        let open = json!({
            "entity_type": { "S": "invitation" }, "schema_version": { "N": "1" }, "id": { "S": id },
            "email": { "S": "ada@example.com" }, "role": { "S": "owner" }, "invited_by": { "S": "shop" },
            "created_at": { "S": "2026-11-26T12:00:00Z" }, "trace_id": { "S": "t" },
            "expires_at": { "N": "1796299200" },
        });
        let event = relay(None, open.clone()).event.unwrap();
        let requested = Event::LinkRequested {
            purpose: LinkPurpose::Invite,
            request_id: id.to_owned(),
        };
        assert_eq!((event.event_id.as_str(), event.event), (id, requested));
        let mut revoked = open.clone();
        revoked["revoked_by"] = json!({ "S": "staff:ada" });
        assert_eq!(relay(Some(open), revoked), Relay::default());
    }

    #[test]
    fn an_order_is_noted_while_it_waits_for_its_payment() {
        let placed = || order(1, "pending", None);
        let [DueChange::Noted(due)] = relay(None, placed()).due[..] else {
            unreachable!("a placed order is noted")
        };
        assert_eq!(due.at, "2026-11-22T10:15:00Z".parse().unwrap());
        let later = Due {
            at: "2026-11-22T10:40:00Z".parse().unwrap(),
            ..due
        };
        let settled = || vec![DueChange::Settled(due)];
        let until_later = |mut order: Value| {
            order["due_at"] = json!({ "S": later.at.to_string() });
            order
        };
        let authorised = || order(2, "authorised", None);
        let failed = || order(2, "failed", Some("payment_failed"));
        let cases = [
            ("waits on", placed(), authorised(), vec![]),
            (
                "waits longer",
                placed(),
                until_later(authorised()),
                vec![DueChange::Settled(due), DueChange::Noted(later)],
            ),
            (
                "is paid",
                authorised(),
                order(3, "captured", None),
                settled(),
            ),
            ("fails", placed(), failed(), settled()),
            (
                "is cancelled",
                placed(),
                order(2, "voided", Some("cancelled")),
                settled(),
            ),
            (
                "expires, and the sweep deletes the note",
                placed(),
                order(2, "voided", Some("expired")),
                vec![],
            ),
            // With a due time of its own: the sweep may be about to delete the note of the old one.
            (
                "is paid late after all, and waits anew",
                order(2, "voided", Some("expired")),
                until_later(order(3, "authorised", None)),
                vec![DueChange::Noted(later)],
            ),
            (
                "is cancelled once it is paid",
                order(3, "captured", None),
                order(4, "captured", Some("cancelled")),
                vec![],
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

    /// The kind: given up for lost.
    #[test]
    fn an_unreadable_record_is_described_without_its_content() {
        let sample =
            include_str!("../../../../events/relay-events/order-placed-and-variant-sold-out.json");
        let mut sample: Value = serde_json::from_str(sample).unwrap();
        sample["Records"][0]["dynamodb"]["NewImage"]["version"] = json!({ "S": "ada@example.com" });
        let event: dynamodb::Event = serde_json::from_value(sample).unwrap();
        assert!(relay_of(&event.records[0]).is_err());
        let record = UnreadableRecord::of(&event.records[0], "relay-events");
        let text = serde_json::to_string(&record).unwrap();
        assert!(!text.contains("ada@"), "{text}");
        assert_eq!(record.entity_type, "order");
        assert_eq!(record.reader, "relay-events");
        assert!(record.pk.starts_with("ORDER#ord_"), "{record:?}");
        assert_eq!(record.sk, "ORDER");
        assert!(!record.sequence_number.is_empty());
    }
}

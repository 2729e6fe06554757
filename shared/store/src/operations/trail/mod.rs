//! The table's stream as the source of the audit trail: derives an entry from the change of an item that a member of staff, or
//! the owner of an account, has made.
//!
//! The function that reads the stream for it is invoked for these changes alone, by the filter of its trigger: the items of a
//! sale never wake it. Which items name their author is in docs/adr/0029.

mod access;
mod accounts;
mod groups;
mod keys;
mod settings;
mod stock;
mod work;

use std::fmt;

use aws_lambda_events::dynamodb::EventRecord;
use domain::{
    audit::{
        AuditAction, AuditActor, AuditEntry, AuditSubject, EntryId, FieldChange, PersonalField,
        PersonalValue,
    },
    id::AccountId,
    orders::Actor,
};
use jiff::Timestamp;
use serde::de::DeserializeOwned;

use super::outbox::{occurred_at, text};
use crate::{StoreError, item::Record};

pub use settings::compared;

/// An entry whose values about persons are not sealed yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditDraft {
    /// The entry, without values about persons.
    pub entry: AuditEntry,
    /// These values, which are sealed with the keys of the persons.
    pub values: Vec<DraftValue>,
    /// Revision of the settings that the change has replaced. The record has only the values of the new one;
    /// [`compared`] adds those of this one.
    pub replaces: Option<u64>,
}

/// A value about a person, which must not be logged.
#[derive(Clone, PartialEq, Eq)]
pub struct DraftValue {
    /// The person.
    pub person: AccountId,
    /// Name of the value.
    pub name: &'static str,
    /// The value.
    pub value: String,
}

/// An action before it has an identifier.
struct Action {
    actor: AuditActor,
    action: AuditAction,
    subject: AuditSubject,
    at: Timestamp,
    trace_id: String,
}

impl AuditDraft {
    fn new(id: String, action: Action, changes: Vec<FieldChange>) -> Result<Self, StoreError> {
        let id = EntryId::try_from(id);
        let Action {
            actor,
            action,
            subject,
            at,
            trace_id,
        } = action;
        Ok(Self {
            entry: AuditEntry {
                id: id.map_err(|error| StoreError::unreadable("stream record", error))?,
                actor,
                action,
                subject,
                at,
                trace_id,
                changes,
                personal: Vec::new(),
            },
            values: Vec::new(),
            replaces: None,
        })
    }
}

impl DraftValue {
    /// The value as it is sealed.
    pub fn as_value(&self) -> PersonalValue<'_> {
        PersonalValue {
            person: self.person,
            name: self.name,
            value: &self.value,
        }
    }

    /// The network address that a request came from.
    fn from(person: AccountId, address: impl ToString) -> Self {
        Self {
            person,
            name: PersonalField::FROM,
            value: address.to_string(),
        }
    }
}

impl fmt::Debug for DraftValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.as_value(), f)
    }
}

/// Derives the entry of a stream record, without a call; `None` for a change that is nobody's action. A record that is delivered
/// again gives an entry with the same id.
pub fn entry_of(record: &EventRecord) -> Result<Option<AuditDraft>, StoreError> {
    let change = &record.change;
    let entity = match change.new_image.is_empty() {
        true => text(&change.old_image, "entity_type"),
        false => text(&change.new_image, "entity_type"),
    };
    match entity.as_str() {
        "account" => accounts::account(record),
        "api_key" => access::api_key(record),
        "session" => accounts::session(record),
        "customer_group" => groups::group(record),
        "control" => keys::rotated(record),
        "document" => settings::changed(record),
        "invitation" => access::invitation(record),
        "order" => work::order(record),
        "job" => work::job(record),
        "job_run" => work::run(record),
        "role" => access::role(record),
        "stock_change" => stock::changed(record),
        _ => Ok(None),
    }
}

/// Reads the item of a stream record as it is now; `None` if it was deleted.
fn new_image<R: Record>(record: &EventRecord) -> Result<Option<R>, StoreError> {
    image(&record.change.new_image)
}

/// Reads the item of a stream record as it was before; `None` if it is new.
fn old_image<R: Record>(record: &EventRecord) -> Result<Option<R>, StoreError> {
    image(&record.change.old_image)
}

fn image<R: Record + DeserializeOwned>(item: &serde_dynamo::Item) -> Result<Option<R>, StoreError> {
    if item.is_empty() {
        return Ok(None);
    }
    let read = serde_dynamo::from_item(item.clone());
    read.map(Some)
        .map_err(|error| StoreError::unreadable(R::ENTITY, error))
}

/// The member of staff who has made a change; `None` for a change of the shop or of a customer.
fn staff(actor: &Actor) -> Option<AuditActor> {
    match actor {
        Actor::Staff(subject) => Some(AuditActor::staff(subject)),
        Actor::Customer | Actor::Shop => None,
    }
}

/// A field that is set, or has another value.
fn field(
    name: &str,
    before: Option<impl ToString>,
    after: Option<impl ToString>,
) -> Option<FieldChange> {
    let before = before.map(|value| value.to_string());
    let after = after.map(|value| value.to_string());
    (before != after).then(|| FieldChange {
        field: name.to_owned(),
        before,
        after,
    })
}

/// A field that an action names.
fn named(name: &str, value: Option<impl ToString>) -> Option<FieldChange> {
    field(name, None::<String>, value)
}

/// Position of a record in the stream, which is the same for each of its deliveries.
fn position(record: &EventRecord) -> &str {
    record.change.sequence_number.as_deref().unwrap_or_default()
}

#[cfg(test)]
pub(super) mod tests {
    use aws_lambda_events::dynamodb::Event;
    use serde_json::{Value, json};

    use super::*;
    use crate::{
        item::{Item, to_item},
        keys::Key,
    };

    /// Time of the stream records.
    pub(super) const AT: &str = "2026-11-22T10:00:00Z";
    /// Position of the stream records.
    pub(super) const POSITION: &str = "300000000000000499659";

    /// An image of an item, as a stream record has it.
    pub(super) fn stored<R: Record>(key: &Key, record: &R) -> Value {
        let item: Item = to_item(key, record).unwrap();
        let item: serde_dynamo::Item = item.into();
        serde_json::to_value(item).unwrap()
    }

    /// A stream record of a change between two images.
    pub(super) fn record(old: Option<Value>, new: Option<Value>) -> EventRecord {
        let name = match (&old, &new) {
            (None, _) => "INSERT",
            (Some(_), Some(_)) => "MODIFY",
            (Some(_), None) => "REMOVE",
        };
        let mut change = json!({
            "ApproximateCreationDateTime": 1_795_341_600,
            "Keys": {},
            "SequenceNumber": POSITION,
            "SizeBytes": 1,
            "StreamViewType": "NEW_AND_OLD_IMAGES",
        });
        for (name, image) in [("OldImage", old), ("NewImage", new)] {
            if let Some(image) = image {
                change[name] = image;
            }
        }
        let event = json!({ "Records": [{
            "eventID": "c4ca4238a0b923820dcc509a6f758404", "eventName": name, "awsRegion": "us-east-1",
            "dynamodb": change,
        }] });
        let event: Event = serde_json::from_value(event).unwrap();
        event.records.into_iter().next().unwrap()
    }

    /// The entry of a change that has one.
    pub(super) fn draft(old: Option<Value>, new: Option<Value>) -> AuditDraft {
        entry_of(&record(old, new)).unwrap().unwrap()
    }

    pub(super) fn has_none(old: Option<Value>, new: Option<Value>) -> bool {
        entry_of(&record(old, new)).unwrap().is_none()
    }

    /// The changes as texts: `field: before → after`.
    pub(super) fn changes(draft: &AuditDraft) -> Vec<String> {
        let side = |value: &Option<String>| value.clone().unwrap_or_else(|| "-".to_owned());
        let changes = draft.entry.changes.iter();
        changes
            .map(|it| format!("{}: {} → {}", it.field, side(&it.before), side(&it.after)))
            .collect()
    }

    #[test]
    fn other_items_are_nobodys_action() {
        let item = |entity: &str| json!({ "entity_type": { "S": entity } });
        for entity in ["variant", "cart", "audit_record", "person_key", "login", ""] {
            assert!(has_none(None, Some(item(entity))), "{entity}");
            assert!(has_none(Some(item(entity)), None), "{entity}");
        }
        assert!(has_none(None, Some(json!({ "entity_type": { "N": "1" } }))));
        assert!(has_none(None, None));
    }

    /// The kind: given up for lost.
    #[test]
    fn an_item_that_cannot_be_read_is_an_error() {
        for entity in [
            "account",
            "session",
            "customer_group",
            "control",
            "document",
            "order",
            "job",
            "job_run",
            "stock_change",
        ] {
            let item = json!({
                "entity_type": { "S": entity }, "PK": { "S": "DOCUMENT#settings" }, "id": { "N": "1" },
                "token_keys": { "S": "x" },
            });
            let error = entry_of(&record(None, Some(item))).unwrap_err();
            assert!(!error.is_retryable(), "{entity}: {error}");
        }
    }

    #[test]
    fn a_value_about_a_person_is_not_in_debug_output() {
        let value = DraftValue::from(AccountId::random([7; 16]), "203.0.113.7");
        let debug = format!("{value:?}");
        assert!(
            !debug.contains("203.0.113.7") && debug.contains("from"),
            "{debug}"
        );
    }
}

//! Every way to tamper with a chain.

use std::collections::BTreeSet;

use proptest::{collection::vec, prelude::*, sample::Index};
use serde_json::{Value, json};

use super::*;

/// A JSON value with one place changed.
struct Alteration {
    place: String,
    value: Value,
}

/// Ways to change each place of a JSON value: a text, a number, a member of an object, an element of a list.
fn alterations(place: &str, value: &Value) -> Vec<Alteration> {
    let mut altered = Vec::new();
    let mut add = |place: &str, value: Value| {
        let place = place.to_owned();
        altered.push(Alteration { place, value });
    };
    match value {
        Value::String(text) => {
            add(place, json!(format!("{text}A")));
            add(place, json!(text.chars().skip(1).collect::<String>()));
            add(place, json!(text.replacen('0', "1", 1)));
            add(place, json!(text.replacen('2', "3", 1)));
            add(place, json!(text.to_uppercase()));
            // Another action.
            add(place, json!(text.replace("role.changed", "role.removed")));
            add(place, Value::Null);
        }
        Value::Number(number) => {
            let number = number.as_u64().unwrap();
            add(place, json!(number + 1));
            add(place, json!(number.wrapping_sub(1)));
        }
        Value::Object(members) => {
            for (name, member) in members {
                for other in alterations(&format!("{place}.{name}"), member) {
                    let mut members = members.clone();
                    members.insert(name.clone(), other.value);
                    add(&other.place, Value::Object(members));
                }
                let mut without = members.clone();
                without.remove(name);
                add(place, Value::Object(without));
            }
        }
        Value::Array(elements) => {
            for (index, element) in elements.iter().enumerate() {
                for other in alterations(place, element) {
                    let mut elements = elements.clone();
                    elements[index] = other.value;
                    add(&other.place, Value::Array(elements));
                }
            }
            add(place, json!([]));
            add(
                place,
                Value::Array([elements.clone(), elements.clone()].concat()),
            );
        }
        Value::Null | Value::Bool(_) => {}
    }
    altered
}

/// The kind: nobody can change one place of the trail unnoticed.
#[test]
fn an_altered_place_of_any_record_is_detected() {
    let mut records = trail(4);
    // One that has everything.
    let mut many = entry(4);
    many.changes = vec![many.changes[0].clone(); 33];
    records[3] = AuditRecord::next(&records[2].head(), many, at(60));
    assert!(verified(&records, &[], 3).is_ok());
    let mut places = BTreeSet::new();
    for index in 0..records.len() {
        let json = serde_json::to_value(&records[index]).unwrap();
        for other in alterations("", &json) {
            // The reader finds what cannot be read.
            let Ok(altered) = serde_json::from_value::<AuditRecord>(other.value) else {
                continue;
            };
            if altered == records[index] {
                continue;
            }
            let mut records = records.clone();
            records[index] = altered;
            let found = verified(&records, &[], 3);
            assert!(found.is_err(), "{}", other.place);
            places.insert(other.place);
        }
    }
    let places: Vec<&str> = places.iter().map(String::as_str).collect();
    assert_eq!(
        places,
        [
            "",
            ".chain",
            ".entry",
            ".entry.action",
            ".entry.actor",
            ".entry.at",
            ".entry.changes",
            ".entry.changes.after",
            ".entry.changes.before",
            ".entry.changes.field",
            ".entry.id",
            ".entry.personal",
            ".entry.personal.name",
            ".entry.personal.person",
            ".entry.personal.sealed",
            ".entry.subject",
            ".entry.trace_id",
            ".format",
            ".hash",
            ".omitted",
            ".previous",
            ".recorded_at",
            ".sequence",
        ]
    );
}

fn texts() -> impl Strategy<Value = String> {
    prop_oneof![
        "\\PC{0,12}",
        Just(String::new()),
        Just("\u{1F6D2}".repeat(200))
    ]
}

fn actors() -> impl Strategy<Value = AuditActor> {
    prop_oneof![
        Just(AuditActor::System),
        any::<[u8; 16]>().prop_map(|id| AuditActor::Customer(AccountId::random(id))),
        texts().prop_map(AuditActor::Token),
    ]
}

prop_compose! {
    fn entries()(
        id in "[a-z]{1,20}",
        subject in texts(),
        trace_id in texts(),
        actor in actors(),
        action in prop::sample::select(AuditAction::ALL),
        changes in vec((texts(), prop::option::of(texts()), prop::option::of(texts())), 0..4),
        personal in vec((any::<[u8; 16]>(), texts(), texts(), any::<[u8; 12]>()), 0..3),
        seconds in -1_000_000_i64..1_000_000,
    ) -> AuditEntry {
        let id = EntryId::try_from(id).unwrap();
        let personal = personal.into_iter().map(|(person, name, value, nonce)| {
            let value = PersonalValue { person: AccountId::random(person), name: &name, value: &value };
            value.seal(&id, &PersonKey::new(KEY), nonce).unwrap()
        });
        AuditEntry {
            personal: personal.collect(),
            id: id.clone(),
            actor,
            action,
            subject: AuditSubject::new(SubjectKind::Stock, subject),
            at: at(seconds),
            trace_id,
            changes: changes
                .into_iter()
                .map(|(field, before, after)| FieldChange { field, before, after })
                .collect(),
        }
    }
}

/// A way to tamper with a chain.
#[derive(Clone, Copy, Debug)]
enum Tampering {
    Remove,
    Duplicate,
    Swap,
    Truncate,
    Alter(Index),
}

fn tamperings() -> impl Strategy<Value = Tampering> {
    prop_oneof![
        Just(Tampering::Remove),
        Just(Tampering::Duplicate),
        Just(Tampering::Swap),
        Just(Tampering::Truncate),
        any::<Index>().prop_map(Tampering::Alter),
    ]
}

proptest! {
    /// Of any chain: as it was written it verifies, also when it has been stored; tampered with it does not.
    #[test]
    fn any_tampering_is_detected(
        entries in vec(entries(), 2..8),
        place: Index,
        tampering in tamperings(),
        page in 1_usize..9,
    ) {
        let mut head = ChainHead::genesis(chain());
        let mut records = Vec::new();
        for entry in entries {
            let record = AuditRecord::next(&head, entry, at(0));
            head = record.head();
            let stored = serde_json::to_string(&record).unwrap();
            records.push(serde_json::from_str::<AuditRecord>(&stored).unwrap());
        }
        let anchors = [Anchor::of(&head, at(1))];
        prop_assert_eq!(verified(&records, &anchors, page), Ok(head));

        let index = place.index(records.len());
        let before = records.clone();
        match tampering {
            Tampering::Remove => drop(records.remove(index)),
            Tampering::Duplicate => records.insert(index, records[index].clone()),
            Tampering::Swap => {
                let index = place.index(records.len() - 1);
                records.swap(index, index + 1);
            }
            Tampering::Truncate => records.truncate(index),
            Tampering::Alter(which) => {
                let json = serde_json::to_value(&records[index]).unwrap();
                let others = alterations("", &json);
                let other = others[which.index(others.len())].value.clone();
                match serde_json::from_value(other) {
                    Ok(other) => records[index] = other,
                    Err(_) => return Ok(()),
                }
            }
        }
        prop_assume!(records != before);
        prop_assert!(verified(&records, &anchors, page).is_err());
    }
}

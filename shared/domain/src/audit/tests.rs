//! Chains as they are verified.

mod tampering;

use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::*;
use crate::id::AccountId;

pub(super) const KEY: [u8; 32] = [1; 32];

pub(super) fn at(seconds: i64) -> Timestamp {
    let start: Timestamp = "2026-11-26T12:00:00Z".parse().unwrap();
    start + SignedDuration::from_secs(seconds)
}

pub(super) fn person() -> AccountId {
    AccountId::random([7; 16])
}

pub(super) fn chain() -> ChainNumber {
    ChainNumber::try_from(3).unwrap()
}

/// An entry with something in every field.
pub(super) fn entry(number: u64) -> AuditEntry {
    let id = EntryId::try_from(format!("event.{number}")).unwrap();
    let from = PersonalValue {
        person: person(),
        name: PersonalField::FROM,
        value: "203.0.113.7",
    };
    let mut nonce = [0; 12];
    nonce[..8].copy_from_slice(&number.to_be_bytes());
    let from = from.seal(&id, &PersonKey::new(KEY), nonce).unwrap();
    AuditEntry {
        id,
        actor: AuditActor::Staff(person()),
        action: AuditAction::RoleChanged,
        subject: AuditSubject::new(SubjectKind::Role, "support"),
        at: at(i64::try_from(number).unwrap()),
        trace_id: "JKJaXmPLvHcESHA=".into(),
        changes: vec![FieldChange {
            field: "name".into(),
            before: Some(format!("before {number}")),
            after: Some(String::new()),
        }],
        personal: vec![from],
    }
}

pub(super) fn trail(length: u64) -> Vec<AuditRecord> {
    let mut head = ChainHead::genesis(chain());
    let record = |number| {
        let now = at(60) + SignedDuration::from_nanos(i64::try_from(number).unwrap());
        let record = AuditRecord::next(&head, entry(number), now);
        head = record.head();
        record
    };
    (1..=length).map(record).collect()
}

pub(super) fn items(records: &[AuditRecord]) -> Vec<TrailItem> {
    let items = records.iter().cloned();
    items.map(|it| TrailItem::Record(Box::new(it))).collect()
}

/// Verifies records in pages of this size, with anchors.
fn verified(
    records: &[AuditRecord],
    anchors: &[Anchor],
    page: usize,
) -> Result<ChainHead, AuditFault> {
    let mut verifier = Verifier::new(ChainHead::genesis(chain()));
    for anchor in anchors {
        verifier.check_anchor(anchor)?;
    }
    for page in items(records).chunks(page) {
        verifier.feed(page)?;
    }
    verifier.finish()
}

fn anchor(records: &[AuditRecord], sequence: usize) -> Anchor {
    Anchor::of(&records[sequence - 1].head(), at(1_000))
}

fn fault(found: Result<ChainHead, AuditFault>) -> (u64, AuditFaultKind) {
    let fault = found.unwrap_err();
    assert_eq!(fault.chain, chain());
    (fault.sequence, fault.kind)
}

#[test]
fn an_untouched_chain_verifies_in_pages_of_any_size() {
    let records = trail(9);
    let head = records[8].head();
    for page in 1..=10 {
        assert_eq!(verified(&records, &[], page), Ok(head));
        let anchors = [1, 4, 9].map(|sequence| anchor(&records, sequence));
        assert_eq!(verified(&records, &anchors, page), Ok(head));
    }
    assert_eq!(verified(&[], &[], 1), Ok(ChainHead::genesis(chain())));
    // From the middle on.
    let mut verifier = Verifier::new(records[3].head());
    verifier.feed(&items(&records[4..])).unwrap();
    assert_eq!(*verifier.head(), head);
    assert_eq!(verifier.finish(), Ok(head));
}

#[test]
fn an_erased_person_leaves_a_chain_that_verifies() {
    let records = trail(3);
    let entry = &records[1].entry;
    let key = PersonKey::new(KEY);
    let from = &entry.personal[0];
    assert_eq!(
        from.open(&entry.id, Some(&key)).as_deref(),
        Some("203.0.113.7")
    );
    assert_eq!(from.open(&entry.id, None), None);
    assert!(verified(&records, &[], 2).is_ok());
}

#[test]
fn a_fault_says_what_and_where() {
    use AuditFaultKind as Kind;
    let records = trail(6);
    let with = |change: &dyn Fn(&mut Vec<AuditRecord>)| {
        let mut records = records.clone();
        change(&mut records);
        fault(verified(&records, &[], 10))
    };
    assert_eq!(with(&|it| drop(it.remove(0))), (1, Kind::Missing));
    assert_eq!(with(&|it| drop(it.remove(2))), (3, Kind::Missing));
    assert_eq!(with(&|it| it.swap(2, 3)), (3, Kind::Reordered));
    assert_eq!(with(&|it| it.swap(0, 5)), (1, Kind::Reordered));
    assert_eq!(
        with(&|it| it.insert(3, it[2].clone())),
        (3, Kind::Reordered)
    );
    let altered = |it: &mut Vec<AuditRecord>| it[2].entry.trace_id.push('x');
    assert_eq!(with(&altered), (3, Kind::Altered));
    let elsewhere = |it: &mut Vec<AuditRecord>| it[2].chain = ChainNumber::try_from(4).unwrap();
    assert_eq!(with(&elsewhere), (3, Kind::WrongChain));
    let later = |it: &mut Vec<AuditRecord>| it[2].format = 2;
    assert_eq!(with(&later), (3, Kind::Unreadable));

    let mut page = items(&records);
    page[4] = TrailItem::Unreadable { sequence: 5 };
    let mut verifier = Verifier::new(ChainHead::genesis(chain()));
    let found = verifier.feed(&page).unwrap_err();
    assert_eq!((found.sequence, found.kind), (5, Kind::Unreadable));
    assert_eq!(found.to_string(), "chain 3, record 5: it cannot be read");
    // The rest can be verified nevertheless.
    let mut verifier = Verifier::new(records[4].head());
    assert_eq!(verifier.feed(&page[5..]), Ok(()));
}

/// The kind: somebody who can write computes hashes as well.
#[test]
fn a_record_with_a_new_hash_does_not_fit_the_next_one() {
    for index in 0..5 {
        let mut records = trail(6);
        records[index].entry.actor = AuditActor::System;
        records[index].hash = records[index].hashed();
        let sequence = u64::try_from(index).unwrap() + 2;
        assert_eq!(
            fault(verified(&records, &[], 4)),
            (sequence, AuditFaultKind::Altered)
        );
    }
}

/// A chain with another record at `index` and everything behind it written anew.
fn rewritten(records: &[AuditRecord], index: usize) -> Vec<AuditRecord> {
    let mut other = records[..index].to_vec();
    for record in &records[index..] {
        let head = other
            .last()
            .map_or(ChainHead::genesis(chain()), AuditRecord::head);
        let mut entry = record.entry.clone();
        entry.actor = AuditActor::System;
        other.push(AuditRecord::next(&head, entry, record.recorded_at));
    }
    other
}

/// The kind: only an anchor tells.
#[test]
fn a_chain_that_was_written_anew_contradicts_an_anchor() {
    let records = trail(6);
    for index in 0..6 {
        let other = rewritten(&records, index);
        assert!(verified(&other, &[], 4).is_ok(), "no hash tells");
        for sequence in 1..=6 {
            let found = verified(&other, &[anchor(&records, sequence)], 4);
            match sequence > index {
                true => {
                    let sequence = u64::try_from(sequence).unwrap();
                    assert_eq!(fault(found), (sequence, AuditFaultKind::Altered));
                }
                false => assert!(found.is_ok(), "{found:?}"),
            }
        }
    }
}

#[test]
fn a_chain_that_lost_its_end_contradicts_an_anchor() {
    let records = trail(6);
    for length in 0..6 {
        let found = verified(&records[..length], &[anchor(&records, 6)], 4);
        let sequence = u64::try_from(length).unwrap() + 1;
        assert_eq!(fault(found), (sequence, AuditFaultKind::EndsEarly));
    }
}

#[test]
fn a_head_is_compared_when_its_record_comes() {
    let records = trail(3);
    let mut verifier = Verifier::new(ChainHead::genesis(chain()));
    let genesis = *verifier.head();
    assert_eq!(verifier.check_head(&genesis), Ok(AnchorCheck::Agrees));
    let last = records[2].head();
    assert_eq!(verifier.check_head(&last), Ok(AnchorCheck::Ahead));
    assert_eq!(verifier.check_head(&last), Ok(AnchorCheck::Ahead));
    // Two heads of one record contradict each other.
    let forged = ChainHead {
        hash: genesis.hash,
        ..last
    };
    assert!(verifier.check_head(&forged).is_err());
    verifier.feed(&items(&records)).unwrap();
    assert_eq!(verifier.check_head(&last), Ok(AnchorCheck::Agrees));
    assert!(verifier.check_head(&forged).is_err());
    assert_eq!(
        verifier.check_head(&records[0].head()),
        Ok(AnchorCheck::Behind)
    );
    let elsewhere = ChainHead::genesis(ChainNumber::try_from(4).unwrap());
    let found = verifier.check_head(&elsewhere).unwrap_err();
    assert_eq!(found.kind, AuditFaultKind::WrongChain);
    assert_eq!(verifier.finish(), Ok(last));
}

#[test]
fn an_anchor_has_one_key_and_is_of_its_record() {
    let anchor = anchor(&trail(2), 2);
    let key = Anchor::key(chain(), 2);
    assert_eq!(key, "anchors/03/00000000000000000002.json");
    assert_eq!(Anchor::read_key(chain(), &key), Some(2));
    assert!(Anchor::key(chain(), 9) < Anchor::key(chain(), 10));
    for none in [
        "",
        "anchors/03/2.json",
        "anchors/03/00000000000000000002",
        "anchors/04/00000000000000000002.json",
        "anchors/03/+0000000000000000002.json",
        "anchors/03/99999999999999999999.json",
    ] {
        assert_eq!(Anchor::read_key(chain(), none), None, "{none}");
    }
    let bytes = serde_json::to_vec(&anchor).unwrap();
    assert_eq!(Anchor::read(chain(), 2, &bytes), Some(anchor));
    assert_eq!(Anchor::read(chain(), 3, &bytes), None);
    let other = ChainNumber::try_from(4).unwrap();
    assert_eq!(Anchor::read(other, 2, &bytes), None);
    for length in 0..bytes.len() {
        assert_eq!(Anchor::read(chain(), 2, &bytes[..length]), None, "{length}");
    }
}

#[test]
fn an_anchor_is_read_as_it_was_written() {
    let anchor = anchor(&trail(2), 2);
    let json = serde_json::to_value(anchor).unwrap();
    assert_eq!(json["chain"], 3);
    assert_eq!(json["sequence"], 2);
    assert_eq!(
        serde_json::from_value::<Anchor>(json.clone()).unwrap(),
        anchor
    );
    for (name, value) in [
        ("chain", json!(16)),
        ("sequence", json!(-1)),
        ("hash", json!("x")),
        ("at", json!("today")),
        ("more", json!(1)),
    ] {
        let mut other = json.clone();
        other[name] = value;
        assert!(serde_json::from_value::<Anchor>(other).is_err(), "{name}");
    }
}

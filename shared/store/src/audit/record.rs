//! Records of the audit trail as they are stored.

use domain::audit::{
    AuditAction, AuditActor, AuditEntry, AuditRecord, AuditSubject, ChainHead, ChainNumber,
    EntryId, FieldChange, PersonalField, RecordHash,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::item::Record;

/// A record. Reading it changes nothing, as its hash is compared with the stored values.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct TrailRecord {
    format: u8,
    chain: ChainNumber,
    sequence: u64,
    previous: RecordHash,
    recorded_at: Timestamp,
    id: EntryId,
    actor: AuditActor,
    action: AuditAction,
    subject: AuditSubject,
    at: Timestamp,
    trace_id: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    changes: Vec<FieldChange>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    personal: Vec<PersonalField>,
    #[serde(default, skip_serializing_if = "is_zero")]
    omitted: u32,
    hash: RecordHash,
}

impl Record for TrailRecord {
    const ENTITY: &'static str = "audit_record";
}

/// The last record of a chain.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct HeadRecord {
    chain: ChainNumber,
    sequence: u64,
    hash: RecordHash,
    /// For people.
    recorded_at: Timestamp,
}

impl Record for HeadRecord {
    const ENTITY: &'static str = "audit_head";
}

/// Remembers that an entry has its record.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct MarkerRecord {
    /// Number of the record.
    pub(super) sequence: u64,
    /// Expiry in seconds since 1970.
    pub(super) expires_at: i64,
}

impl Record for MarkerRecord {
    const ENTITY: &'static str = "audit_entry";
}

fn is_zero(number: &u32) -> bool {
    *number == 0
}

impl From<AuditRecord> for TrailRecord {
    fn from(record: AuditRecord) -> Self {
        let entry = record.entry;
        Self {
            format: record.format,
            chain: record.chain,
            sequence: record.sequence,
            previous: record.previous,
            recorded_at: record.recorded_at,
            id: entry.id,
            actor: entry.actor,
            action: entry.action,
            subject: entry.subject,
            at: entry.at,
            trace_id: entry.trace_id,
            changes: entry.changes,
            personal: entry.personal,
            omitted: record.omitted,
            hash: record.hash,
        }
    }
}

impl From<TrailRecord> for AuditRecord {
    fn from(record: TrailRecord) -> Self {
        Self {
            format: record.format,
            chain: record.chain,
            sequence: record.sequence,
            previous: record.previous,
            recorded_at: record.recorded_at,
            entry: AuditEntry {
                id: record.id,
                actor: record.actor,
                action: record.action,
                subject: record.subject,
                at: record.at,
                trace_id: record.trace_id,
                changes: record.changes,
                personal: record.personal,
            },
            omitted: record.omitted,
            hash: record.hash,
        }
    }
}

impl HeadRecord {
    pub(super) const fn of(head: &ChainHead, now: Timestamp) -> Self {
        Self {
            chain: head.chain,
            sequence: head.sequence,
            hash: head.hash,
            recorded_at: now,
        }
    }
}

impl From<HeadRecord> for ChainHead {
    fn from(record: HeadRecord) -> Self {
        Self {
            chain: record.chain,
            sequence: record.sequence,
            hash: record.hash,
        }
    }
}

#[cfg(test)]
mod tests {
    use domain::{
        audit::{PersonKey, PersonalValue, SubjectKind, TrailItem, Verifier},
        id::AccountId,
    };

    use super::*;
    use crate::{
        item::{from_item, size, to_item},
        keys::Key,
    };

    /// A character of four bytes.
    const WIDE: &str = "\u{1F6D2}";

    fn largest() -> AuditEntry {
        let wide = WIDE.repeat(1_000);
        let id = EntryId::try_from("e".repeat(600)).unwrap();
        let value = PersonalValue {
            person: AccountId::random([255; 16]),
            name: &wide,
            value: &wide,
        };
        let sealed = value
            .seal(&id, &PersonKey::new([1; 32]), [255; 12])
            .unwrap();
        let change = FieldChange {
            field: wide.clone(),
            before: Some(wide.clone()),
            after: Some(wide.clone()),
        };
        AuditEntry {
            id,
            actor: AuditActor::staff(&wide),
            action: AuditAction::LoginFailedTooOften,
            subject: AuditSubject::new(SubjectKind::Invitation, &wide),
            at: Timestamp::MAX,
            trace_id: wide,
            changes: vec![change; 100],
            personal: vec![sealed; 100],
        }
    }

    #[test]
    fn the_largest_record_fits_and_verifies_when_it_is_read() {
        let genesis = ChainHead::genesis(ChainNumber::try_from(15).unwrap());
        let record = AuditRecord::next(&genesis, largest(), Timestamp::MAX);
        let key = Key::audit_record(record.chain, u64::MAX);
        let item = to_item(&key, &TrailRecord::from(record.clone())).unwrap();
        size::must_fit("audit record", &item);
        // As many as one transaction appends are far below its 4 MB.
        assert!(size::of(&item) < 100 * 1024);
        let read = AuditRecord::from(from_item::<TrailRecord>(item).unwrap());
        assert_eq!(read, record);
        let mut verifier = Verifier::new(genesis);
        let page = [TrailItem::Record(Box::new(read))];
        assert_eq!(verifier.feed(&page), Ok(()));
    }

    #[test]
    fn a_head_is_read_as_it_was_written() {
        let head = ChainHead {
            sequence: u64::MAX,
            ..ChainHead::genesis(ChainNumber::try_from(15).unwrap())
        };
        let record = HeadRecord::of(&head, Timestamp::MAX);
        let item = to_item(&Key::audit_head(head.chain), &record).unwrap();
        size::must_fit("audit head", &item);
        assert_eq!(
            ChainHead::from(from_item::<HeadRecord>(item).unwrap()),
            head
        );
    }
}

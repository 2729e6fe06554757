//! Records of the audit trail, each with the hash of the one before.

use std::fmt;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::Timestamp;
use ring::digest::{SHA256, digest};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{AuditEntry, AuditSubject, canonical::Canonical};

/// Version of what a record's hash covers and how it is spelled. Another spelling gets another number, and records keep theirs.
pub(super) const FORMAT: u8 = 1;
/// Number of chains.
const CHAINS: u8 = 16;
/// The hash of this and of the chain's number comes before the first record of a chain.
const GENESIS: &str = "stampede audit chain";

/// A text or number that is not the part of a record that it should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected {expected}")]
pub struct InvalidRecord {
    /// The form of the part.
    pub expected: &'static str,
}

/// Number of a chain, from 0 to 15. One chain has at most one writer at a time; several share the load.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
pub struct ChainNumber(u8);

/// SHA-256 of a record, or of what comes before the first one; in base64url as text.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RecordHash([u8; 32]);

/// The last record of a chain, or of a part of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChainHead {
    /// The chain.
    pub chain: ChainNumber,
    /// Number of the record; 0 before the first one.
    pub sequence: u64,
    /// Its hash.
    pub hash: RecordHash,
}

/// An entry in its chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AuditRecord {
    /// Version of what the hash covers.
    pub format: u8,
    /// The chain.
    #[schemars(with = "u8")]
    pub chain: ChainNumber,
    /// Number of the record, from 1 for each chain.
    pub sequence: u64,
    /// Hash of the record before.
    #[schemars(with = "String")]
    pub previous: RecordHash,
    /// Time at which it was appended: of two records of a chain the later one has the later time, but for the difference
    /// between clocks.
    #[schemars(with = "String")]
    pub recorded_at: Timestamp,
    /// The entry.
    pub entry: AuditEntry,
    /// Number of fields that were left out because there were too many.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub omitted: u32,
    /// Hash of everything above.
    #[schemars(with = "String")]
    pub hash: RecordHash,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes a reference to the field"
)]
const fn is_zero(number: &u32) -> bool {
    *number == 0
}

impl ChainNumber {
    /// The chain of a subject: all its records are in one, in order.
    pub fn of(subject: &AuditSubject) -> Self {
        let digest = digest(&SHA256, subject.id().as_bytes());
        let first = digest.as_ref().first().copied().unwrap_or_default();
        Self(first % CHAINS)
    }

    /// All chains.
    pub fn all() -> impl Iterator<Item = Self> {
        (0..CHAINS).map(Self)
    }

    /// The number.
    pub const fn get(self) -> u8 {
        self.0
    }
}

impl TryFrom<u8> for ChainNumber {
    type Error = InvalidRecord;

    fn try_from(number: u8) -> Result<Self, InvalidRecord> {
        match number < CHAINS {
            true => Ok(Self(number)),
            false => Err(InvalidRecord {
                expected: "the number of a chain, from 0 to 15",
            }),
        }
    }
}

impl From<ChainNumber> for u8 {
    fn from(chain: ChainNumber) -> Self {
        chain.0
    }
}

impl fmt::Display for ChainNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl RecordHash {
    fn of(canonical: Canonical) -> Self {
        let digest = digest(&SHA256, &canonical.into_bytes());
        let mut hash = [0; 32];
        hash.copy_from_slice(digest.as_ref());
        Self(hash)
    }
}

impl TryFrom<String> for RecordHash {
    type Error = InvalidRecord;

    fn try_from(text: String) -> Result<Self, InvalidRecord> {
        let invalid = InvalidRecord {
            expected: "a SHA-256 in base64url",
        };
        // One spelling: the decoder takes neither padding nor stray bits.
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| invalid)?;
        bytes.try_into().map(Self).map_err(|_| invalid)
    }
}

impl From<RecordHash> for String {
    fn from(hash: RecordHash) -> Self {
        hash.to_string()
    }
}

impl fmt::Display for RecordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&URL_SAFE_NO_PAD.encode(self.0))
    }
}

impl fmt::Debug for RecordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl ChainHead {
    /// A chain without records.
    pub fn genesis(chain: ChainNumber) -> Self {
        let mut canonical = Canonical::default();
        canonical.text(GENESIS);
        canonical.fixed([chain.0]);
        Self {
            chain,
            sequence: 0,
            hash: RecordHash::of(canonical),
        }
    }

    /// Whether it is the record of a chain with a number.
    pub(super) fn is(&self, chain: ChainNumber, sequence: u64) -> bool {
        self.chain == chain && self.sequence == sequence
    }
}

impl AuditRecord {
    /// The record of an entry after `head`.
    pub fn next(head: &ChainHead, mut entry: AuditEntry, now: Timestamp) -> Self {
        let omitted = entry.fit();
        let mut record = Self {
            format: FORMAT,
            chain: head.chain,
            // No chain gets there: the table refuses a number that exists.
            sequence: head.sequence.saturating_add(1),
            previous: head.hash,
            recorded_at: now,
            entry,
            omitted,
            hash: head.hash,
        };
        record.hash = record.hashed();
        record
    }

    /// The chain's head, if this is its last record.
    pub const fn head(&self) -> ChainHead {
        ChainHead {
            chain: self.chain,
            sequence: self.sequence,
            hash: self.hash,
        }
    }

    /// The hash that the record should have.
    pub(super) fn hashed(&self) -> RecordHash {
        let mut canonical = Canonical::default();
        canonical.fixed([self.format]);
        canonical.fixed([self.chain.0]);
        canonical.number(self.sequence);
        canonical.fixed(self.previous.0);
        canonical.time(self.recorded_at);
        let entry = &self.entry;
        canonical.text(entry.id.as_str());
        canonical.text(&entry.actor.to_string());
        canonical.text(entry.action.name());
        canonical.text(entry.subject.kind().name());
        canonical.text(entry.subject.id());
        canonical.time(entry.at);
        canonical.text(&entry.trace_id);
        canonical.count(entry.changes.len());
        for change in &entry.changes {
            canonical.text(&change.field);
            canonical.optional(change.before.as_deref());
            canonical.optional(change.after.as_deref());
        }
        canonical.count(entry.personal.len());
        for field in &entry.personal {
            field.spell(&mut canonical);
        }
        canonical.number(self.omitted.into());
        RecordHash::of(canonical)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::audit::{
        SubjectKind,
        tests::{at, chain, entry},
    };

    /// The spelling of format 1, which records keep forever. The values are computed by other code, from its description in
    /// `hashed` alone.
    #[test]
    fn hashes_stay_as_they_are() {
        let genesis = ChainHead::genesis(chain());
        assert_eq!(
            genesis.hash.to_string(),
            "fXIdH5wPCkEcEbG3QVrpEoOFk_MLij4IvXnF-_6Z_jM"
        );
        let record = AuditRecord::next(&genesis, entry(1), at(60));
        assert_eq!(
            record.hash.to_string(),
            "8CW7QpRS_X_QmoMK9NAVNBJe7HTH7SBY_UzGYmPR1bs"
        );
    }

    #[test]
    fn a_record_follows_its_head() {
        let genesis = ChainHead::genesis(chain());
        let first = AuditRecord::next(&genesis, entry(1), at(1));
        let second = AuditRecord::next(&first.head(), entry(2), at(2));
        assert_eq!((first.sequence, second.sequence), (1, 2));
        assert_eq!(first.previous, genesis.hash);
        assert_eq!(second.previous, first.hash);
        assert_eq!(second.chain, chain());
        let json = serde_json::to_string(&second).unwrap();
        let read: AuditRecord = serde_json::from_str(&json).unwrap();
        assert_eq!(read, second);
        assert_eq!(read.hashed(), second.hash);
    }

    #[test]
    fn every_chain_begins_with_a_hash_of_its_own() {
        let hashes: BTreeSet<_> = ChainNumber::all()
            .map(|chain| ChainHead::genesis(chain).hash.to_string())
            .collect();
        assert_eq!(hashes.len(), usize::from(CHAINS));
    }

    #[test]
    fn a_subject_has_one_chain_and_subjects_spread() {
        let of = |id: &str| ChainNumber::of(&AuditSubject::new(SubjectKind::Order, id));
        assert_eq!(of("ord_1"), of("ord_1"));
        // SHA-256 of "abc" begins with ba.
        assert_eq!(of("abc").get(), 0xba % 16);
        let chains: BTreeSet<_> = (0..400).map(|id| of(&id.to_string())).collect();
        assert_eq!(chains.len(), usize::from(CHAINS));
    }

    #[test]
    fn what_is_not_a_hash_or_a_chain_is_refused() {
        let hash = ChainHead::genesis(chain()).hash.to_string();
        let read = |text: &str| RecordHash::try_from(text.to_owned()).is_ok();
        assert!(read(&hash));
        for none in [
            "",
            "x",
            &hash[1..],
            &format!("{hash}A"),
            &format!("{hash}="),
            &"A".repeat(1_000_000),
        ] {
            assert!(!read(none), "{none:.50}");
        }
        for none in ["16", "255", "256", "-1", "\"1\"", "1.0"] {
            assert!(serde_json::from_str::<ChainNumber>(none).is_err(), "{none}");
        }
    }

    #[test]
    fn parts_that_were_left_out_are_counted() {
        let mut many = entry(1);
        many.changes = vec![crate::audit::FieldChange::hidden("x"); 40];
        let record = AuditRecord::next(&ChainHead::genesis(chain()), many, at(1));
        assert_eq!((record.omitted, record.entry.changes.len()), (8, 32));
        let json = serde_json::to_value(&record).unwrap();
        assert_eq!(json["omitted"], 8);
    }
}

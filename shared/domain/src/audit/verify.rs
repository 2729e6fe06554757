//! Verifies chains of records: nothing was removed, altered or reordered.

use std::{collections::BTreeMap, fmt};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{AuditRecord, ChainHead, ChainNumber, RecordHash, record::FORMAT};

/// The head of a chain at some time, kept where nobody can replace it. Without one, a chain that was written anew or lost its
/// last records looks like any other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Anchor {
    /// The chain.
    pub chain: ChainNumber,
    /// Number of its last record.
    pub sequence: u64,
    /// Hash of that record.
    pub hash: RecordHash,
    /// Time of the anchor.
    pub at: Timestamp,
}

/// One place of a chain as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TrailItem {
    /// A record.
    Record(Box<AuditRecord>),
    /// There is something that is not a record, or one of a later release.
    Unreadable {
        /// The number under which it was found.
        sequence: u64,
    },
}

/// Verifies the records of one chain, page by page, the oldest first.
#[derive(Clone, Debug)]
pub struct Verifier {
    head: ChainHead,
    /// Hashes that records ahead must have.
    expected: BTreeMap<u64, RecordHash>,
}

/// Whether a head agrees with the records that were verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AnchorCheck {
    /// It is the last record so far.
    Agrees,
    /// Its record is still to come, and will be compared.
    Ahead,
    /// Its record came before: give anchors before the records.
    Behind,
}

/// What is wrong with a chain, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("chain {chain}, record {sequence}: {kind}")]
pub struct AuditFault {
    /// The chain.
    pub chain: ChainNumber,
    /// Number of the record.
    pub sequence: u64,
    /// What is wrong.
    pub kind: AuditFaultKind,
}

/// What is wrong with a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AuditFaultKind {
    /// It has another hash than it says or than an anchor says, or it follows another record than the one before it.
    Altered,
    /// It is not there, but later ones are.
    Missing,
    /// It comes earlier or later than its number says, or twice.
    Reordered,
    /// It says that it belongs to another chain.
    WrongChain,
    /// The chain ends before this record, which the head or an anchor names.
    EndsEarly,
    /// It is there, but the chain's head is an earlier record: the head was moved back.
    BeyondHead,
    /// It cannot be read, or not by this release.
    Unreadable,
}

impl Anchor {
    /// The anchor of a chain whose records end with `head`.
    pub const fn of(head: &ChainHead, now: Timestamp) -> Self {
        Self {
            chain: head.chain,
            sequence: head.sequence,
            hash: head.hash,
            at: now,
        }
    }

    /// Folder of the anchors of all chains.
    pub const FOLDER: &str = "anchors/";

    /// Folder of the anchors of a chain, with which their keys begin.
    pub fn prefix(chain: ChainNumber) -> String {
        format!("{}{:02}/", Self::FOLDER, chain.get())
    }

    /// Key of the object that anchors a record: twenty digits, which sort like the number.
    pub fn key(chain: ChainNumber, sequence: u64) -> String {
        format!("{}{sequence:020}.json", Self::prefix(chain))
    }

    /// The number of the record that a key of a chain names.
    pub fn read_key(chain: ChainNumber, key: &str) -> Option<u64> {
        let rest = key.strip_prefix(&Self::prefix(chain))?;
        let sequence = rest.strip_suffix(".json")?.parse().ok()?;
        (Self::key(chain, sequence) == key).then_some(sequence)
    }

    /// Reads an anchor; `None` for what is not the anchor of this record.
    pub fn read(chain: ChainNumber, sequence: u64, bytes: &[u8]) -> Option<Self> {
        let anchor: Self = serde_json::from_slice(bytes).ok()?;
        (anchor.chain == chain && anchor.sequence == sequence).then_some(anchor)
    }

    /// The head that it fixes.
    pub const fn head(&self) -> ChainHead {
        ChainHead {
            chain: self.chain,
            sequence: self.sequence,
            hash: self.hash,
        }
    }
}

impl TrailItem {
    /// Number of the record, or that under which something else was found.
    pub fn sequence(&self) -> u64 {
        match self {
            Self::Record(record) => record.sequence,
            Self::Unreadable { sequence } => *sequence,
        }
    }

    fn is_record(&self, sequence: u64) -> bool {
        matches!(self, Self::Record(record) if record.sequence == sequence)
    }
}

impl Verifier {
    /// Begins after `start`: a chain's genesis, or a head that was verified before.
    pub const fn new(start: ChainHead) -> Self {
        Self {
            head: start,
            expected: BTreeMap::new(),
        }
    }

    /// The last record that was verified.
    pub const fn head(&self) -> &ChainHead {
        &self.head
    }

    /// Compares an anchor with the last record, or keeps it for when its record comes.
    pub fn check_anchor(&mut self, anchor: &Anchor) -> Result<AnchorCheck, AuditFault> {
        self.check_head(&anchor.head())
    }

    /// Compares a stored head with the last record, or keeps it for when its record comes. Read it before the records, as
    /// more may be appended meanwhile.
    pub fn check_head(&mut self, head: &ChainHead) -> Result<AnchorCheck, AuditFault> {
        if head.chain != self.head.chain {
            return Err(self.fault(head.sequence, AuditFaultKind::WrongChain));
        }
        if head.sequence < self.head.sequence {
            return Ok(AnchorCheck::Behind);
        }
        let (known, check) = match head.sequence == self.head.sequence {
            true => (self.head.hash, AnchorCheck::Agrees),
            false => {
                let known = self.expected.entry(head.sequence).or_insert(head.hash);
                (*known, AnchorCheck::Ahead)
            }
        };
        match known == head.hash {
            true => Ok(check),
            false => Err(self.fault(head.sequence, AuditFaultKind::Altered)),
        }
    }

    /// Verifies that the next records follow. After a fault, the rest can be verified from
    /// [`AuditRecord::head`] of the faulty record on.
    pub fn feed(&mut self, page: &[TrailItem]) -> Result<(), AuditFault> {
        let mut rest = page.iter();
        while let Some(item) = rest.next() {
            let next = self.head.sequence.saturating_add(1);
            let record = match item {
                TrailItem::Record(record) => record,
                TrailItem::Unreadable { sequence } => {
                    return Err(self.fault(*sequence, AuditFaultKind::Unreadable));
                }
            };
            if record.chain != self.head.chain {
                return Err(self.fault(record.sequence, AuditFaultKind::WrongChain));
            }
            if record.sequence < next {
                return Err(self.fault(record.sequence, AuditFaultKind::Reordered));
            }
            if record.sequence > next {
                let comes_later = rest.any(|later| later.is_record(next));
                let kind = match comes_later {
                    true => AuditFaultKind::Reordered,
                    false => AuditFaultKind::Missing,
                };
                return Err(self.fault(next, kind));
            }
            if record.format != FORMAT {
                return Err(self.fault(next, AuditFaultKind::Unreadable));
            }
            let expected = self.expected.remove(&next);
            let is_expected = expected.is_none_or(|hash| hash == record.hash);
            let follows = record.previous == self.head.hash;
            if !is_expected || !follows || record.hash != record.hashed() {
                return Err(self.fault(next, AuditFaultKind::Altered));
            }
            self.head = record.head();
        }
        Ok(())
    }

    /// Ends the verification after the last record: every anchor and head has been compared. Returns the last record.
    pub fn finish(self) -> Result<ChainHead, AuditFault> {
        match self.expected.is_empty() {
            true => Ok(self.head),
            false => {
                let first = self.head.sequence.saturating_add(1);
                Err(self.fault(first, AuditFaultKind::EndsEarly))
            }
        }
    }

    const fn fault(&self, sequence: u64, kind: AuditFaultKind) -> AuditFault {
        AuditFault {
            chain: self.head.chain,
            sequence,
            kind,
        }
    }
}

impl fmt::Display for AuditFaultKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Altered => "it or the record before it was altered",
            Self::Missing => "it is missing",
            Self::Reordered => "it is not in its place",
            Self::WrongChain => "it belongs to another chain",
            Self::EndsEarly => "it is missing at the end",
            Self::BeyondHead => "the chain's head is before it",
            Self::Unreadable => "it cannot be read",
        })
    }
}

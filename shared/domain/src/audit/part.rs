//! Verifies a part of a chain: what one request can read of it.

use super::{Anchor, AuditFault, AuditFaultKind, ChainHead, TrailItem, Verifier};
use crate::fault::{FieldFault, Rejection};

/// An anchor as it was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AnchorItem {
    /// An anchor.
    Anchor(Anchor),
    /// There is something in its place that is not one, or nothing any more.
    Unreadable {
        /// Number of the record that it should anchor.
        sequence: u64,
    },
}

/// A part of a chain as it was read, and what it is compared with.
#[derive(Clone, Copy, Debug)]
pub struct ChainPart<'a> {
    /// Number of the record that the part begins after, which was verified before; 0 at the first one.
    pub after: u64,
    /// The chain's head as it was read before the records.
    pub head_before: ChainHead,
    /// The chain's head as it was read after them. More may have been appended meanwhile.
    pub head_after: ChainHead,
    /// The anchors of records of the part; at the end of the chain, also one of a record behind it. Listed before the records
    /// were read.
    pub anchors: &'a [AnchorItem],
    /// The record that the part begins after, if there is one, and those behind it, the oldest first.
    pub items: &'a [TrailItem],
    /// Whether there were no further records.
    pub is_end: bool,
}

/// Result of verifying a part of a chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VerifiedPart {
    /// Number of the last record that was verified.
    pub to: u64,
    /// Whether it was the last one of the chain.
    pub is_complete: bool,
    /// What is wrong behind it.
    pub fault: Option<AuditFault>,
}

/// The part begins after a record that the chain does not have yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the chain ends with record {last}")]
pub struct NoSuchRecord {
    /// Number of the chain's last record.
    pub last: u64,
}

impl From<NoSuchRecord> for Rejection {
    fn from(error: NoSuchRecord) -> Self {
        let message = format!("Must be at most {}, the chain's last record.", error.last);
        Self::invalid(vec![FieldFault::new("after", "out_of_range", message)])
    }
}

impl ChainPart<'_> {
    /// Verifies that the records follow one another, and agree with the anchors and the head.
    pub fn verify(&self) -> Result<VerifiedPart, NoSuchRecord> {
        let (start, items) = match self.start()? {
            Ok(start) => start,
            Err(fault) => return Ok(self.failed(self.after, fault)),
        };
        let mut verifier = Verifier::new(start);
        let verified = self.verify_by(&mut verifier, items);
        let to = verifier.head().sequence;
        Ok(match verified {
            Err(fault) => self.failed(to, fault),
            Ok(()) => VerifiedPart {
                to,
                is_complete: self.is_end,
                fault: None,
            },
        })
    }

    /// The record that the part begins after, whose hash the next one names, and the records behind it.
    fn start(&self) -> Result<Result<(ChainHead, &[TrailItem]), AuditFault>, NoSuchRecord> {
        let chain = self.head_before.chain;
        if self.after == 0 {
            return Ok(Ok((ChainHead::genesis(chain), self.items)));
        }
        let fault = |kind| AuditFault {
            chain,
            sequence: self.after,
            kind,
        };
        Ok(match self.items.split_first() {
            Some((TrailItem::Record(first), rest)) if first.head().is(chain, self.after) => {
                Ok((first.head(), rest))
            }
            Some((first, _)) if first.sequence() == self.after => {
                Err(fault(AuditFaultKind::Unreadable))
            }
            Some(_) => Err(fault(AuditFaultKind::Missing)),
            None if self.head_before.sequence < self.after && self.anchors.is_empty() => {
                return Err(NoSuchRecord {
                    last: self.head_before.sequence,
                });
            }
            None => Err(fault(AuditFaultKind::EndsEarly)),
        })
    }

    fn verify_by(&self, verifier: &mut Verifier, items: &[TrailItem]) -> Result<(), AuditFault> {
        verifier.check_head(&self.head_before)?;
        for anchor in self.anchors {
            match anchor {
                AnchorItem::Anchor(anchor) => verifier.check_anchor(anchor)?,
                AnchorItem::Unreadable { sequence } => {
                    return Err(AuditFault {
                        chain: self.head_before.chain,
                        sequence: *sequence,
                        kind: AuditFaultKind::Unreadable,
                    });
                }
            };
        }
        verifier.feed(items)?;
        if !self.is_end {
            return Ok(());
        }
        let last = verifier.head();
        if self.head_after.sequence < last.sequence {
            return Err(AuditFault {
                chain: last.chain,
                sequence: self.head_after.sequence.saturating_add(1),
                kind: AuditFaultKind::BeyondHead,
            });
        }
        verifier.clone().finish().map(|_| ())
    }

    const fn failed(&self, to: u64, fault: AuditFault) -> VerifiedPart {
        VerifiedPart {
            to,
            is_complete: false,
            fault: Some(fault),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::{
        AuditRecord,
        tests::{at, chain, items, trail},
    };

    struct Read {
        records: Vec<AuditRecord>,
        anchors: Vec<AnchorItem>,
        heads: [ChainHead; 2],
    }

    type Verified = (u64, bool, Option<(u64, AuditFaultKind)>);

    impl Read {
        /// A chain of this length with an anchor of its second record.
        fn of(length: u64) -> Self {
            let records = trail(length);
            let head = records.last().map_or(genesis(), AuditRecord::head);
            let second = records.get(1).map(|it| anchor(&it.head()));
            Self {
                records,
                anchors: second.into_iter().collect(),
                heads: [head; 2],
            }
        }

        /// The part of the records after `after`, `many` of them at most.
        fn part(&self, after: usize, many: usize) -> Result<VerifiedPart, NoSuchRecord> {
            let first = after.saturating_sub(1).min(self.records.len());
            let end = (after + many).min(self.records.len());
            let part = ChainPart {
                after: u64::try_from(after).unwrap(),
                head_before: self.heads[0],
                head_after: self.heads[1],
                anchors: &self.anchors,
                items: &items(&self.records[first..end.max(first)]),
                is_end: after + many >= self.records.len(),
            };
            part.verify()
        }

        fn verify(&self, after: usize, many: usize) -> Verified {
            let verified = self.part(after, many).unwrap();
            let fault = verified.fault.map(|it| (it.sequence, it.kind));
            (verified.to, verified.is_complete, fault)
        }
    }

    fn anchor(head: &ChainHead) -> AnchorItem {
        AnchorItem::Anchor(Anchor::of(head, at(500)))
    }

    fn genesis() -> ChainHead {
        ChainHead::genesis(chain())
    }

    #[test]
    fn parts_of_any_size_add_up_to_the_chain() {
        let read = Read::of(7);
        for many in 1..=8 {
            let mut after = 0;
            let is_complete = loop {
                let (to, is_complete, fault) = read.verify(after, many);
                assert_eq!(fault, None);
                let to = usize::try_from(to).unwrap();
                if is_complete {
                    assert_eq!(to, 7);
                    break is_complete;
                }
                assert_eq!(to, after + many);
                after = to;
            };
            assert!(is_complete);
        }
        assert_eq!(Read::of(0).verify(0, 5), (0, true, None));
        // At the end already.
        assert_eq!(read.verify(7, 5), (7, true, None));
    }

    #[test]
    fn a_fault_ends_a_part_before_it() {
        let mut read = Read::of(7);
        read.records[4].entry.trace_id.push('x');
        let altered = Some((5, AuditFaultKind::Altered));
        assert_eq!(read.verify(0, 4), (4, false, None));
        assert_eq!(read.verify(0, 5), (4, false, altered));
        assert_eq!(read.verify(0, 100), (4, false, altered));
        // The rest, behind it.
        assert_eq!(read.verify(5, 100), (7, true, None));
        read.records.remove(5);
        let missing = Some((6, AuditFaultKind::Missing));
        assert_eq!(read.verify(5, 100), (5, false, missing));
    }

    #[test]
    fn a_part_begins_after_a_record_that_is_there() {
        let read = Read::of(3);
        let none = NoSuchRecord { last: 3 };
        let mut without = Read::of(3);
        without.anchors.clear();
        assert_eq!(without.part(4, 5), Err(none));
        assert_eq!(without.part(usize::MAX - 9, 5), Err(none));
        assert!(Rejection::from(none).fields[0].message.contains('3'));
        // An anchor says that it was there.
        let early = Some((9, AuditFaultKind::EndsEarly));
        assert_eq!(read.verify(9, 5), (9, false, early));
        let head = read.heads[0];
        let start = |items: &[TrailItem]| {
            let part = ChainPart {
                after: 2,
                head_before: head,
                head_after: head,
                anchors: &[],
                items,
                is_end: true,
            };
            part.verify()
                .unwrap()
                .fault
                .map(|it| (it.sequence, it.kind))
        };
        let all = items(&read.records);
        assert_eq!(start(&all[1..]), None);
        assert_eq!(start(&all[2..]), Some((2, AuditFaultKind::Missing)));
        assert_eq!(start(&all[..]), Some((2, AuditFaultKind::Missing)));
        assert_eq!(start(&[]), Some((2, AuditFaultKind::EndsEarly)));
        let unreadable = [TrailItem::Unreadable { sequence: 2 }, all[2].clone()];
        assert_eq!(start(&unreadable), Some((2, AuditFaultKind::Unreadable)));
        let mut elsewhere = read.records[1].clone();
        elsewhere.chain = crate::audit::ChainNumber::try_from(4).unwrap();
        let elsewhere = [TrailItem::Record(Box::new(elsewhere)), all[2].clone()];
        assert_eq!(start(&elsewhere), Some((2, AuditFaultKind::Unreadable)));
    }

    #[test]
    fn an_anchor_that_is_gone_or_something_else_is_a_fault() {
        let mut read = Read::of(7);
        read.anchors.push(AnchorItem::Unreadable { sequence: 5 });
        let unreadable = Some((5, AuditFaultKind::Unreadable));
        assert_eq!(read.verify(0, 100), (0, false, unreadable));
    }

    #[test]
    fn the_end_of_a_chain_agrees_with_anchors_and_head() {
        let mut read = Read::of(7);
        read.records.truncate(5);
        let early = Some((6, AuditFaultKind::EndsEarly));
        assert_eq!(read.verify(0, 100), (5, false, early));
        // Whoever moves the head back, too, contradicts an anchor.
        read.heads = [read.records[4].head(); 2];
        assert_eq!(read.verify(0, 100), (5, true, None));
        let lost = Read::of(7).records[6].head();
        read.anchors.push(anchor(&lost));
        assert_eq!(read.verify(0, 100), (5, false, early));
        assert_eq!(read.verify(5, 100), (5, false, early));
    }

    #[test]
    fn a_head_knows_every_record_but_those_that_came_meanwhile() {
        let mut read = Read::of(7);
        let fifth = read.records[4].head();
        // Two were appended after the head was read.
        read.heads[0] = fifth;
        assert_eq!(read.verify(0, 100), (7, true, None));
        read.heads[1] = fifth;
        let beyond = Some((6, AuditFaultKind::BeyondHead));
        assert_eq!(read.verify(0, 100), (7, false, beyond));
        assert_eq!(read.verify(7, 100), (7, false, beyond));
        // Only the end tells.
        assert_eq!(read.verify(0, 6), (6, false, None));
        // A head of another record.
        read.heads[0].hash = genesis().hash;
        let altered = Some((5, AuditFaultKind::Altered));
        assert_eq!(read.verify(0, 100), (4, false, altered));
    }
}

//! Verifies a part of a chain: what one request can read of it.

use super::{Anchor, AuditFault, AuditFaultKind, ChainHead, TrailItem, Verifier};

/// A part of a chain as it was read, and what it is compared with.
#[derive(Clone, Copy, Debug)]
pub struct ChainPart<'a> {
    /// The record before it: the chain's genesis, or one that was verified before.
    pub start: ChainHead,
    /// The chain's head as it was read before the records.
    pub head_before: ChainHead,
    /// The chain's head as it was read after them. More may have been appended meanwhile.
    pub head_after: ChainHead,
    /// The anchors of records of the part; at the end of the chain, also one of a record behind it.
    pub anchors: &'a [Anchor],
    /// The records, the oldest first.
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

impl ChainPart<'_> {
    /// Verifies that the records follow one another, and agree with the anchors and the head.
    pub fn verify(&self) -> VerifiedPart {
        let mut verifier = Verifier::new(self.start);
        let fault = self.verify_by(&mut verifier).err();
        VerifiedPart {
            to: verifier.head().sequence,
            is_complete: self.is_end && fault.is_none(),
            fault,
        }
    }

    fn verify_by(&self, verifier: &mut Verifier) -> Result<(), AuditFault> {
        verifier.check_head(&self.head_before)?;
        for anchor in self.anchors {
            verifier.check_anchor(anchor)?;
        }
        verifier.feed(self.items)?;
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
        anchors: Vec<Anchor>,
        heads: [ChainHead; 2],
    }

    impl Read {
        /// A chain of this length with an anchor of its second record.
        fn of(length: u64) -> Self {
            let records = trail(length);
            let head = records.last().map_or(genesis(), AuditRecord::head);
            let second = records.get(1).map(|it| Anchor::of(&it.head(), at(500)));
            Self {
                records,
                anchors: second.into_iter().collect(),
                heads: [head; 2],
            }
        }

        /// The result for the records after `after`, `many` of them at most.
        fn verify(&self, after: usize, many: usize) -> (u64, bool, Option<(u64, AuditFaultKind)>) {
            let rest = &self.records[after..];
            let start = self.records[..after].last();
            let part = ChainPart {
                start: start.map_or(genesis(), AuditRecord::head),
                head_before: self.heads[0],
                head_after: self.heads[1],
                anchors: &self.anchors,
                items: &items(&rest[..many.min(rest.len())]),
                is_end: many >= rest.len(),
            };
            let verified = part.verify();
            let fault = verified.fault.map(|it| (it.sequence, it.kind));
            (verified.to, verified.is_complete, fault)
        }
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
        assert_eq!(
            read.verify(5, 100),
            (5, false, Some((6, AuditFaultKind::Missing)))
        );
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
        read.anchors.push(Anchor::of(&lost, at(500)));
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

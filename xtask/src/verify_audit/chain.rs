//! Verifies one chain, page by page.

use domain::audit::{
    Anchor, AnchorCheck, AuditFault, AuditFaultKind, ChainHead, ChainNumber, ExportedChain,
    Verifier,
};

use super::Disorder;

/// After so many records, the progress is printed.
const PROGRESS: u64 = 10_000;

/// A chain that is being verified.
pub(super) struct ChainCheck<'a> {
    verifier: Verifier,
    anchors: &'a [Anchor],
    state: State,
}

enum State {
    /// Nothing was read.
    New,
    /// More pages follow.
    Reading,
    /// The last page was read.
    Read,
    /// Nothing more is of interest.
    Failed(Disorder),
}

/// A chain that is not in order: its other pages need not be read.
pub(super) struct Stopped;

impl<'a> ChainCheck<'a> {
    pub(super) fn new(chain: ChainNumber, anchors: &'a [Anchor]) -> Self {
        Self {
            verifier: Verifier::new(ChainHead::genesis(chain)),
            anchors,
            state: State::New,
        }
    }

    pub(super) const fn chain(&self) -> ChainNumber {
        self.verifier.head().chain
    }

    /// Verifies the next page.
    pub(super) fn takes(&mut self, page: ExportedChain) -> Result<(), Stopped> {
        let before = self.verifier.head().sequence;
        let is_last = page.next.is_none();
        if let Err(disorder) = self.verify(page) {
            self.state = State::Failed(disorder);
            return Err(Stopped);
        }
        let now = self.verifier.head().sequence;
        if before / PROGRESS != now / PROGRESS {
            println!("chain {:>2}: {now} records so far", self.chain());
        }
        self.state = match is_last {
            true => State::Read,
            false => State::Reading,
        };
        Ok(())
    }

    fn verify(&mut self, page: ExportedChain) -> Result<(), Disorder> {
        let chain = self.chain();
        if page.chain != chain {
            return Err(Disorder::OtherChain(chain, page.chain));
        }
        if let State::New = self.state {
            for anchor in self.anchors {
                self.verifier.check_anchor(anchor)?;
            }
        }
        let head = page.head();
        if self.verifier.check_head(&head)? == AnchorCheck::Behind {
            // It was read after the records of the page before.
            return Err(Disorder::Fault(AuditFault {
                chain,
                sequence: head.sequence.saturating_add(1),
                kind: AuditFaultKind::BeyondHead,
            }));
        }
        Ok(self.verifier.feed(&page.into_items())?)
    }

    /// The last record, if all are in order.
    pub(super) fn end(self) -> Result<ChainHead, Disorder> {
        let chain = self.chain();
        match self.state {
            State::New => Err(Disorder::NotExported(chain)),
            State::Reading => Err(Disorder::Unfinished(chain, self.verifier.head().sequence)),
            State::Read => Ok(self.verifier.finish()?),
            State::Failed(disorder) => Err(disorder),
        }
    }
}

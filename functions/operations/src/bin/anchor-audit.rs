//! Anchors the chains of the audit trail, once a day: writes the head of each to a bucket whose objects nobody can replace or
//! delete. It also compares the head with the anchors that are there.

use std::process::ExitCode;

use domain::audit::{Anchor, AnchorItem, AuditFault, AuditFaultKind, ChainNumber};
use gateways::objects::Bucket;
use jiff::Timestamp;
use operations::anchors::Anchors;
use runtime::{ConsumeError, Task, Tick};
use store::Store;

struct AnchorAudit {
    store: Store,
    anchors: Anchors,
}

/// What became of the head of a chain.
enum Anchored {
    /// It has an anchor now.
    New,
    /// It had one.
    Before,
    /// It contradicts an anchor.
    Fault(AuditFault),
}

impl Task for AnchorAudit {
    async fn run(&self, tick: Tick) -> Result<(), ConsumeError> {
        let (mut anchored, mut faults) = (0, 0);
        for chain in ChainNumber::all() {
            match self.anchor(chain, tick.now).await? {
                Anchored::New => anchored += 1,
                Anchored::Before => {}
                Anchored::Fault(fault) => {
                    faults += 1;
                    tracing::error!(
                        audit.chain = fault.chain.get(),
                        audit.sequence = fault.sequence,
                        error = %fault,
                        "audit fault"
                    );
                }
            }
        }
        tracing::info!(
            audit.anchored = anchored,
            audit.faults = faults,
            "audit trail anchored"
        );
        runtime::metric_if_any("AuditFault", faults);
        Ok(())
    }
}

impl AnchorAudit {
    /// Anchors the head of a chain unless it is, and compares it with the anchors that are there.
    async fn anchor(&self, chain: ChainNumber, now: Timestamp) -> Result<Anchored, ConsumeError> {
        let head = self.store.audit_head(chain).await?;
        let fault = |sequence, kind| {
            Anchored::Fault(AuditFault {
                chain,
                sequence,
                kind,
            })
        };
        if let Some(beyond) = self.anchors.after(chain, head.sequence, 1).await?.first() {
            // The chain was longer, unless it has been since, and another run has anchored that.
            let now = self.store.audit_head(chain).await?;
            return Ok(match now.sequence < beyond.sequence {
                true => fault(now.sequence.saturating_add(1), AuditFaultKind::EndsEarly),
                false => Anchored::Before,
            });
        }
        if head.sequence == 0 {
            return Ok(Anchored::Before);
        }
        if self.anchors.put(&Anchor::of(&head, now)).await? {
            return Ok(Anchored::New);
        }
        // Nothing was appended since it was anchored, or the chain was written anew.
        let before = head.sequence.saturating_sub(1);
        let there = self.anchors.after(chain, before, 1).await?;
        let anchor = match there.first() {
            Some(place) if place.sequence == head.sequence => self.anchors.read(place).await?,
            _ => AnchorItem::Unreadable {
                sequence: head.sequence,
            },
        };
        Ok(match anchor {
            AnchorItem::Anchor(anchor) if anchor.head() == head => Anchored::Before,
            AnchorItem::Anchor(_) => fault(head.sequence, AuditFaultKind::Altered),
            AnchorItem::Unreadable { sequence } => fault(sequence, AuditFaultKind::Unreadable),
        })
    }
}

fn main() -> ExitCode {
    runtime::run_on_schedule(|environment| {
        let config = environment.sdk_config()?;
        Ok(AnchorAudit {
            store: Store::new(&config, environment.require("TABLE_NAME")?),
            anchors: Anchors::new(Bucket::new(&config, environment.require("AUDIT_BUCKET")?)),
        })
    })
}

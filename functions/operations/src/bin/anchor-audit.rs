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
        // Before the heads, which only grow.
        let known = self.anchors.chains().await?;
        let (mut anchored, mut faults) = (0, 0);
        for chain in ChainNumber::all() {
            let is_known = known.contains(&chain);
            match self.anchor(chain, is_known, tick.now).await? {
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
        tracing::info!(audit.anchored = anchored, "audit trail anchored");
        match faults {
            0 => Ok(()),
            // A failure goes to a queue, which has an alarm.
            faults => Err(format!("{faults} chains contradict their anchors").into()),
        }
    }
}

impl AnchorAudit {
    /// Anchors the head of a chain unless it is, and compares it with the anchors that are there, if the chain `is_known` to have
    /// some.
    async fn anchor(
        &self,
        chain: ChainNumber,
        is_known: bool,
        now: Timestamp,
    ) -> Result<Anchored, ConsumeError> {
        let head = self.store.audit_head(chain).await?;
        let fault = |sequence, kind| {
            Anchored::Fault(AuditFault {
                chain,
                sequence,
                kind,
            })
        };
        let Some(before) = head.sequence.checked_sub(1) else {
            return Ok(match is_known {
                true => fault(1, AuditFaultKind::EndsEarly),
                false => Anchored::Before,
            });
        };
        // That of the head, and one behind it.
        let places = self.anchors.after(chain, before, 2).await?;
        if let Some(beyond) = places.iter().find(|it| it.sequence > head.sequence) {
            // The chain was longer, unless it has become so just now, and another run has anchored that.
            let now = self.store.audit_head(chain).await?;
            return Ok(match now.sequence < beyond.sequence {
                true => fault(now.sequence.saturating_add(1), AuditFaultKind::EndsEarly),
                false => Anchored::Before,
            });
        }
        let Some(place) = places.first() else {
            let is_new = self.anchors.put(&Anchor::of(&head, now)).await?;
            return Ok(match is_new {
                true => Anchored::New,
                false => Anchored::Before,
            });
        };
        // Nothing was appended since it was anchored, or the chain was written anew.
        Ok(match self.anchors.read(place).await? {
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

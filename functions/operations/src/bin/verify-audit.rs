//! `POST /v1/admin/audit/verifications`: verifies a part of a chain of the audit trail, by its hashes, its head and its anchors.

use std::process::ExitCode;

use domain::{
    audit::{
        AuditVerificationView, ChainNumber, ChainPart, TrailItem, VerifiedPart, VerifyAuditBody,
    },
    fault::Rejection,
    identity::Permission,
};
use futures_util::future::try_join_all;
use gateways::objects::Bucket;
use operations::anchors::Anchors;
use runtime::{Access, Endpoint, Failure, Json, NoPath, NoQuery, Reply, Request};
use store::{Consistency, Store, TrailOrder};

/// Records of a part: few enough for a second.
const PART: u32 = 500;
/// Anchors of a part. There is one a day.
const ANCHORS: usize = 32;

pub(crate) struct VerifyAudit {
    store: Store,
    anchors: Anchors,
}

impl Endpoint for VerifyAudit {
    const ACCESS: Access = Access::Staff(Permission::AuditRead);
    type Path = NoPath;
    type Query = NoQuery;
    type Body = Json<VerifyAuditBody>;
    type Response = AuditVerificationView;

    async fn handle(
        &self,
        request: Request<Self>,
    ) -> Result<Reply<AuditVerificationView>, Failure> {
        let wanted = request.body.0.parse()?;
        let verified = self.verify(wanted.chain, wanted.after).await?;
        if let Some(fault) = &verified.fault {
            tracing::error!(
                audit.chain = fault.chain.get(),
                audit.sequence = fault.sequence,
                error = %fault,
                "audit fault"
            );
        }
        Reply::of(&AuditVerificationView::of(wanted.chain, &verified))
    }
}

impl VerifyAudit {
    async fn verify(&self, chain: ChainNumber, after: u64) -> Result<VerifiedPart, Failure> {
        let head_before = self.store.audit_head(chain).await?;
        // Before the records: those that they anchor are there.
        let places = self.anchors.after(chain, after, ANCHORS).await?;
        // With the record that the part begins after: the next one names its hash.
        let page = self.store.audit_page(
            chain,
            after.checked_sub(1),
            PART,
            TrailOrder::OldestFirst,
            Consistency::Strong,
        );
        let page = page.await?;
        let (mut items, mut is_end) = (page.items, page.next.is_none());
        if let Some(last) = places.last().filter(|_| places.len() == ANCHORS) {
            // There may be more anchors: the part ends with the last one that was listed.
            let all = items.len();
            items.retain(|it| it.sequence() <= last.sequence);
            is_end &= items.len() == all;
        }
        let last = items.last().map_or(0, TrailItem::sequence);
        // One behind the end tells that there was more.
        let places = places.iter().filter(|it| is_end || it.sequence <= last);
        let anchors = try_join_all(places.map(|place| self.anchors.read(place))).await?;
        let head_after = match is_end {
            true => self.store.audit_head(chain).await?,
            false => head_before,
        };
        let part = ChainPart {
            after,
            head_before,
            head_after,
            anchors: &anchors,
            items: &items,
            is_end,
        };
        Ok(part.verify().map_err(Rejection::from)?)
    }
}

fn main() -> ExitCode {
    access::serve(|environment, store| {
        let config = environment.sdk_config()?;
        Ok(VerifyAudit {
            store,
            anchors: Anchors::new(Bucket::new(&config, environment.require("AUDIT_BUCKET")?)),
        })
    })
}

//! `GET /v1/admin/audit/chains/{chain}`: returns the records of one chain of the audit trail as they are stored, oldest first.

use std::process::ExitCode;

use domain::{
    audit::{ChainInPath, ExportChainQuery, ExportedChain},
    identity::Permission,
};
use runtime::{Access, Endpoint, Failure, NoBody, Reply, Request};
use store::{Consistency, Store, TrailOrder};

pub(crate) struct ExportAuditChain {
    store: Store,
}

/// Path parameters of a chain.
#[derive(serde::Deserialize, schemars::JsonSchema)]
pub(crate) struct ChainPath {
    /// Number of the chain, 0 to 15.
    chain: ChainInPath,
}

impl Endpoint for ExportAuditChain {
    const ACCESS: Access = Access::Staff(Permission::AuditRead);
    type Path = ChainPath;
    type Query = ExportChainQuery;
    type Body = NoBody;
    type Response = ExportedChain;

    async fn handle(&self, request: Request<Self>) -> Result<Reply<ExportedChain>, Failure> {
        let ChainInPath(chain) = request.path.chain;
        let export = request.query.parse()?;
        // Before the records, which are appended together with it.
        let head = self.store.audit_head(chain).await?;
        let page = self.store.audit_page(
            chain,
            export.after,
            export.limit,
            TrailOrder::OldestFirst,
            Consistency::Strong,
        );
        let page = page.await?;
        Reply::of(&ExportedChain::of(&head, page.items, page.next))
    }
}

fn main() -> ExitCode {
    access::serve(|_, store| Ok(ExportAuditChain { store }))
}

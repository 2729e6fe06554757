//! `GET /v1/admin/audit`: lists the records of the audit trail, newest first, by actor, action, subject and time.

use std::{collections::HashMap, process::ExitCode};

use domain::{
    audit::{AuditPage, ListAuditQuery},
    identity::Permission,
};
use runtime::{Access, Endpoint, Failure, NoBody, NoPath, Reply, Request};
use store::Store;

pub(crate) struct ListAudit {
    store: Store,
}

impl Endpoint for ListAudit {
    const ACCESS: Access = Access::Staff(Permission::AuditRead);
    type Path = NoPath;
    type Query = ListAuditQuery;
    type Body = NoBody;
    type Response = AuditPage;

    async fn handle(&self, request: Request<Self>) -> Result<Reply<AuditPage>, Failure> {
        let list = request.query.parse()?;
        let page = self.store.list_audit(&list).await?;
        let fields = page.records.iter().flat_map(|it| &it.entry.personal);
        let persons: Vec<_> = fields.map(|field| field.person).collect();
        let keys = match persons.is_empty() {
            true => HashMap::new(),
            false => self.store.person_keys(persons).await?,
        };
        Reply::of(&AuditPage::of(&page.records, &keys, page.next_cursor))
    }
}

fn main() -> ExitCode {
    access::serve(|_, store| Ok(ListAudit { store }))
}

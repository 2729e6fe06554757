//! `PATCH /v1/admin/customer-groups/{group_id}`: changes the name or the note of a customer group. With `If-Match`, only if neither has
//! changed since the group was read.

use std::process::ExitCode;

use customers::GroupPath;
use domain::{
    customers::{CustomerGroup, GroupPatch, GroupView},
    identity::Permission,
};
use runtime::{Access, Endpoint, Failure, MergePatch, NoQuery, Reply, Request};
use store::Store;

pub(crate) struct ChangeCustomerGroup {
    store: Store,
}

impl Endpoint for ChangeCustomerGroup {
    const ACCESS: Access = Access::Staff(Permission::CustomersWrite);
    const IF_MATCH: bool = true;
    type Path = GroupPath;
    type Query = NoQuery;
    type Body = MergePatch<GroupPatch>;
    type Response = GroupView;

    async fn handle(&self, request: Request<Self>) -> Result<Reply<GroupView>, Failure> {
        let group = self.change(&request).await?;
        Ok(Reply::of(&GroupView::from(&group))?.versioned(group.version))
    }
}

impl ChangeCustomerGroup {
    /// The group as the request wants it.
    async fn change(&self, request: &Request<Self>) -> Result<CustomerGroup, Failure> {
        let expected = request.expected_version()?;
        let author = request.author();
        let mut attempts = customers::attempts();
        loop {
            attempts.next().await?;
            let group = customers::group(&self.store, &request.path.group_id).await?;
            if group.trace_id == request.trace_id {
                // By this very request, whose write was repeated.
                return Ok(group);
            }
            if expected.is_some_and(|version| version != group.version) {
                return Err(runtime::version_mismatch().into());
            }
            let details = request.body.0.clone().apply(&group.details)?;
            if details == group.details {
                return Ok(group);
            }
            let next = group.with(details, &author);
            if self.store.put_customer_group(&next).await? {
                tracing::info!(customer_group.id = %next.id, "customer group changed");
                return Ok(next);
            }
        }
    }
}

fn main() -> ExitCode {
    access::serve(|_, store| Ok(ChangeCustomerGroup { store }))
}

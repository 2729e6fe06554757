//! `DELETE /v1/admin/customer-groups/{group_id}`: removes a customer group that has no members.

use std::process::ExitCode;

use customers::GroupPath;
use domain::{customers::no_such_group, identity::Permission};
use runtime::{Access, Endpoint, Failure, NoBody, NoContent, NoQuery, Reply, Request};
use store::Store;

pub(crate) struct DeleteCustomerGroup {
    store: Store,
}

impl Endpoint for DeleteCustomerGroup {
    const ACCESS: Access = Access::Staff(Permission::CustomersWrite);
    const SUCCESS: u16 = 204;
    const IF_MATCH: bool = true;
    type Path = GroupPath;
    type Query = NoQuery;
    type Body = NoBody;
    type Response = NoContent;

    async fn handle(&self, request: Request<Self>) -> Result<Reply<NoContent>, Failure> {
        let expected = request.expected_version()?;
        let author = request.author();
        let mut attempts = customers::attempts();
        loop {
            attempts.next().await?;
            let group = self.store.customer_group(&request.path.group_id).await?;
            let group = group.ok_or_else(no_such_group)?;
            if group.is_removed {
                // By this very request, whose write was repeated.
                return match group.trace_id == request.trace_id {
                    true => Ok(Reply::none()),
                    false => Err(no_such_group().into()),
                };
            }
            if expected.is_some_and(|version| version != group.version) {
                return Err(runtime::version_mismatch().into());
            }
            // The write fails if an account joins the group in the meantime.
            let removed = group.removed(&author)?;
            if self.store.put_customer_group(&removed).await? {
                tracing::info!(customer_group.id = %removed.id, "customer group removed");
                return Ok(Reply::none());
            }
        }
    }
}

fn main() -> ExitCode {
    access::serve(|_, store| Ok(DeleteCustomerGroup { store }))
}

//! `DELETE /v1/admin/customer-groups/{group_id}/members/{account_id}`: takes an account out of a customer group, also if it is not in it. Its
//! access tokens say so from the next one on, within 15 minutes.

use std::process::ExitCode;

use customers::MemberPath;
use domain::{customers::leave_group, identity::Permission};
use runtime::{Access, Endpoint, Failure, NoBody, NoContent, NoQuery, Reply, Request};
use store::{AccountOutcome, Consistency, Store};

pub(crate) struct RemoveGroupMember {
    store: Store,
}

impl Endpoint for RemoveGroupMember {
    const ACCESS: Access = Access::Staff(Permission::CustomersWrite);
    const SUCCESS: u16 = 204;
    type Path = MemberPath;
    type Query = NoQuery;
    type Body = NoBody;
    type Response = NoContent;

    async fn handle(&self, request: Request<Self>) -> Result<Reply<NoContent>, Failure> {
        let MemberPath {
            group_id,
            account_id,
        } = &request.path;
        let cause = request.change_cause();
        let mut attempts = customers::attempts();
        loop {
            attempts.next().await?;
            customers::group(&self.store, group_id).await?;
            let account = self.store.account(*account_id, Consistency::Strong).await?;
            // An account that was deleted is in no group.
            let next = account.and_then(|account| leave_group(&account, group_id, &cause));
            let Some(next) = next else {
                return Ok(Reply::none());
            };
            let written = self.store.leave_group(&next, group_id).await?;
            if written == AccountOutcome::Changed {
                tracing::info!(account.id = %next.id, customer_group.id = %group_id, "customer group left");
                return Ok(Reply::none());
            }
        }
    }
}

fn main() -> ExitCode {
    access::serve(|_, store| Ok(RemoveGroupMember { store }))
}

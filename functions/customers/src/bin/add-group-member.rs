//! `PUT /v1/admin/customer-groups/{group_id}/members/{account_id}`: puts an account into a customer group. Its access tokens say so from
//! the next one on, within 15 minutes.

use std::process::ExitCode;

use customers::MemberPath;
use domain::{
    customers::{GroupMember, GroupMemberView, join_group},
    fault::Rejection,
    identity::Permission,
};
use runtime::{Access, Endpoint, Failure, NoBody, NoQuery, Reply, Request};
use store::{AccountOutcome, Consistency, Store};

pub(crate) struct AddGroupMember {
    store: Store,
}

impl Endpoint for AddGroupMember {
    const ACCESS: Access = Access::Staff(Permission::CustomersWrite);
    type Path = MemberPath;
    type Query = NoQuery;
    type Body = NoBody;
    type Response = GroupMemberView;

    async fn handle(&self, request: Request<Self>) -> Result<Reply<GroupMemberView>, Failure> {
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
            let account = account.ok_or_else(|| Rejection::not_found("account"))?;
            let Some(next) = join_group(&account, group_id, &cause)? else {
                // Missing if somebody has removed it since the account was read: then it is added again.
                if let Some(member) = self.store.group_member(group_id, *account_id).await? {
                    return Reply::of(&GroupMemberView::of(&member, &account));
                }
                continue;
            };
            let member = GroupMember {
                account: next.id,
                added_at: request.now,
                added_by: request.staff(),
            };
            let written = self.store.join_group(&next, group_id, &member).await?;
            if written == AccountOutcome::Changed {
                tracing::info!(account.id = %next.id, customer_group.id = %group_id, "customer group joined");
                return Reply::of(&GroupMemberView::of(&member, &next));
            }
        }
    }
}

fn main() -> ExitCode {
    access::serve(|_, store| Ok(AddGroupMember { store }))
}

//! `GET /v1/admin/customer-groups/{group_id}/members`: lists the members of a customer group, page by page.

use std::process::ExitCode;

use customers::GroupPath;
use domain::{customers::GroupMembersView, id::AccountId, identity::Permission, page::PageQuery};
use runtime::{Access, Endpoint, Failure, NoBody, Reply, Request};
use store::Store;

pub(crate) struct ListGroupMembers {
    store: Store,
}

impl Endpoint for ListGroupMembers {
    const ACCESS: Access = Access::Staff(Permission::CustomersRead);
    type Path = GroupPath;
    type Query = PageQuery;
    type Body = NoBody;
    type Response = GroupMembersView;

    async fn handle(&self, request: Request<Self>) -> Result<Reply<GroupMembersView>, Failure> {
        let id = &request.path.group_id;
        let list = request.query.parse()?;
        customers::group(&self.store, id).await?;
        let page = self.store.group_members(id, &list).await?;
        let accounts: Vec<AccountId> = page.members.iter().map(|it| it.account).collect();
        let accounts = self.store.accounts(&accounts).await?;
        Reply::of(&GroupMembersView::of(
            &page.members,
            &accounts,
            page.next_cursor,
        ))
    }
}

fn main() -> ExitCode {
    access::serve(|_, store| Ok(ListGroupMembers { store }))
}

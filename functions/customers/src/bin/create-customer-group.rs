//! `POST /v1/admin/customer-groups`: creates a customer group. A request that is repeated returns the group that it has created.

use std::process::ExitCode;

use domain::{
    customers::{
        CreateGroupBody, CustomerGroup, GroupView, MAX_GROUPS, NewGroup, group_exists,
        too_many_groups,
    },
    identity::Permission,
};
use runtime::{Access, Endpoint, Failure, Json, NoPath, NoQuery, Reply, Request};
use store::Store;

pub(crate) struct CreateCustomerGroup {
    store: Store,
}

impl Endpoint for CreateCustomerGroup {
    const ACCESS: Access = Access::Staff(Permission::CustomersWrite);
    const SUCCESS: u16 = 201;
    type Path = NoPath;
    type Query = NoQuery;
    type Body = Json<CreateGroupBody>;
    type Response = GroupView;

    async fn handle(&self, request: Request<Self>) -> Result<Reply<GroupView>, Failure> {
        let new = request.body.0.parse()?;
        let group = self.create(&new, &request).await?;
        let location = format!("/v1/admin/customer-groups/{}", group.id);
        let reply = Reply::of(&GroupView::from(&group))?;
        Ok(reply.versioned(group.version).at(location))
    }
}

impl CreateCustomerGroup {
    async fn create(
        &self,
        new: &NewGroup,
        request: &Request<Self>,
    ) -> Result<CustomerGroup, Failure> {
        let author = request.author();
        let mut attempts = customers::attempts();
        loop {
            attempts.next().await?;
            let before = self.store.customer_group(&new.id).await?;
            match before.as_ref().filter(|group| !group.is_removed) {
                // By this request, whose response was lost, or one that wanted the same.
                Some(group) if group.details == new.details => return Ok(group.clone()),
                Some(group) => return Err(group_exists(&group.id).into()),
                None => {
                    if self.store.customer_groups().await?.len() >= MAX_GROUPS {
                        return Err(too_many_groups().into());
                    }
                }
            }
            let group = CustomerGroup::new(new, before.as_ref(), &author);
            if self.store.put_customer_group(&group).await? {
                tracing::info!(customer_group.id = %group.id, "customer group created");
                return Ok(group);
            }
        }
    }
}

fn main() -> ExitCode {
    access::serve(|_, store| Ok(CreateCustomerGroup { store }))
}

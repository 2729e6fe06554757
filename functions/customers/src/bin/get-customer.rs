//! `GET /v1/admin/customers/{account_id}`: returns a customer with an account: profile, consent, groups, and the sums of the orders.

use std::process::ExitCode;

use domain::{
    customers::CustomerProfileView, fault::Rejection, id::AccountId, identity::Permission,
    orders::Customer,
};
use runtime::{Access, Endpoint, Failure, NoBody, NoQuery, Reply, Request};
use store::{Consistency, Store};

pub(crate) struct GetCustomer {
    store: Store,
}

/// Parameters of the path.
#[derive(serde::Deserialize, schemars::JsonSchema)]
pub(crate) struct GetCustomerPath {
    /// Identifier of the account.
    account_id: AccountId,
}

impl Endpoint for GetCustomer {
    const ACCESS: Access = Access::Staff(Permission::CustomersRead);
    type Path = GetCustomerPath;
    type Query = NoQuery;
    type Body = NoBody;
    type Response = CustomerProfileView;

    async fn handle(&self, request: Request<Self>) -> Result<Reply<CustomerProfileView>, Failure> {
        let id = request.path.account_id;
        let account = self.store.account(id, Consistency::Strong).await?;
        let account = account.ok_or_else(|| Rejection::not_found("customer"))?;
        let (entries, has_more) = self.store.account_entries(id).await?;
        let customer = Customer::of(&entries, has_more);
        Reply::of(&CustomerProfileView::of(&account, customer.as_ref()))
    }
}

fn main() -> ExitCode {
    access::serve(|_, store| Ok(GetCustomer { store }))
}

//! `GET /v1/admin/customers`: finds a customer by email address, with their account, if they have one, and the sums of their orders.

use std::process::ExitCode;

use domain::{
    identity::{Account, Permission},
    notifications::suppression::AddressHash,
    orders::{Customer, CustomerHash, CustomerPage, ListCustomersQuery},
};
use runtime::{Access, Endpoint, Failure, NoBody, NoPath, Reply, Request};
use store::{Consistency, Store};

pub(crate) struct ListCustomers {
    store: Store,
}

impl Endpoint for ListCustomers {
    const ACCESS: Access = Access::Staff(Permission::CustomersRead);
    type Path = NoPath;
    type Query = ListCustomersQuery;
    type Body = NoBody;
    type Response = CustomerPage;

    async fn handle(&self, request: Request<Self>) -> Result<Reply<CustomerPage>, Failure> {
        let email = request.query.parse()?;
        let hash = CustomerHash::of(&email);
        let (entries, has_more) = self.store.customer_entries(&hash).await?;
        let customer = Customer::of(&entries, has_more);
        let account = self.account(&email).await?;
        Reply::of(&CustomerPage::of(
            &email,
            customer.as_ref(),
            account.as_ref(),
        ))
    }
}

impl ListCustomers {
    /// The account that has the address.
    async fn account(&self, email: &str) -> Result<Option<Account>, Failure> {
        let address = AddressHash::of(email);
        let Some(id) = self.store.account_of_address(&address).await? else {
            return Ok(None);
        };
        Ok(self.store.account(id, Consistency::Eventual).await?)
    }
}

fn main() -> ExitCode {
    access::serve(|_, store| Ok(ListCustomers { store }))
}

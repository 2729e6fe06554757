//! `GET /v1/admin/customers`: finds a customer by email address, with the sums of their orders.

use std::process::ExitCode;

use domain::{
    identity::Permission,
    orders::{Customer, CustomerHash, CustomerPage, ListCustomersQuery},
};
use runtime::{Access, Endpoint, Failure, NoBody, NoPath, Reply, Request};
use store::Store;

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
        Reply::of(&CustomerPage::of(&email, customer.as_ref()))
    }
}

fn main() -> ExitCode {
    access::serve(|_, store| Ok(ListCustomers { store }))
}

//! `GET /v1/me/addresses`: lists the address book of the person who is signed in.

use std::process::ExitCode;

use domain::identity::AddressBookView;
use runtime::{Access, Endpoint, Failure, NoBody, NoPath, NoQuery, Reply, Request};
use store::Store;

pub(crate) struct ListAddresses {
    store: Store,
}

impl Endpoint for ListAddresses {
    const ACCESS: Access = Access::Person;
    type Path = NoPath;
    type Query = NoQuery;
    type Body = NoBody;
    type Response = AddressBookView;

    async fn handle(&self, request: Request<Self>) -> Result<Reply<AddressBookView>, Failure> {
        let book = self.store.address_book(request.account()?).await?;
        Reply::of(&AddressBookView::from(&book))
    }
}

fn main() -> ExitCode {
    access::serve(|_, store| Ok(ListAddresses { store }))
}

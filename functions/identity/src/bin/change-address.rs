//! `PUT /v1/me/addresses/{address_id}`: replaces an address of the address book.

use std::process::ExitCode;

use domain::identity::{BookEntryBody, BookEntryView};
use identity::AddressPath;
use runtime::{Access, Endpoint, Failure, Json, NoQuery, Reply, Request};
use store::{AccountOutcome, Store};

pub(crate) struct ChangeAddress {
    store: Store,
}

impl Endpoint for ChangeAddress {
    const ACCESS: Access = Access::Person;
    type Path = AddressPath;
    type Query = NoQuery;
    type Body = Json<BookEntryBody>;
    type Response = BookEntryView;

    async fn handle(&self, request: Request<Self>) -> Result<Reply<BookEntryView>, Failure> {
        let (account, id) = (request.account()?, request.path.address_id);
        let put = request.body.0.clone().parse()?;
        let mut attempts = identity::attempts();
        loop {
            attempts.next().await?;
            let book = self.store.address_book(account).await?;
            let book = book.replacing(id, &put)?;
            let written = self.store.put_address_book(account, &book).await?;
            if let (AccountOutcome::Changed, Some(view)) = (written, book.view(id)) {
                return Reply::of(&view);
            }
        }
    }
}

fn main() -> ExitCode {
    access::serve(|_, store| Ok(ChangeAddress { store }))
}

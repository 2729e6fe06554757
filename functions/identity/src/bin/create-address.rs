//! `POST /v1/me/addresses`: adds an address to the address book of the person who is signed in.

use std::process::ExitCode;

use domain::identity::{BookEntryBody, BookEntryView};
use runtime::{Access, Endpoint, Failure, Json, NoPath, NoQuery, Reply, Request};
use store::{AccountOutcome, Store};

pub(crate) struct CreateAddress {
    store: Store,
}

impl Endpoint for CreateAddress {
    const ACCESS: Access = Access::Person;
    const SUCCESS: u16 = 201;
    type Path = NoPath;
    type Query = NoQuery;
    type Body = Json<BookEntryBody>;
    type Response = BookEntryView;

    async fn handle(&self, request: Request<Self>) -> Result<Reply<BookEntryView>, Failure> {
        let (account, now) = (request.account()?, request.now);
        let put = request.body.0.clone().parse()?;
        let id = identity::new_id(&request)?;
        let mut attempts = identity::attempts();
        loop {
            attempts.next().await?;
            let book = self.store.address_book(account).await?;
            let book = book.adding(id, &put, now)?;
            let written = self.store.put_address_book(account, &book).await?;
            if let (AccountOutcome::Changed, Some(view)) = (written, book.view(id)) {
                return Ok(Reply::of(&view)?.at(format!("/v1/me/addresses/{id}")));
            }
        }
    }
}

fn main() -> ExitCode {
    access::serve(|_, store| Ok(CreateAddress { store }))
}

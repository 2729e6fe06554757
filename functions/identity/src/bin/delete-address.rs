//! `DELETE /v1/me/addresses/{address_id}`: removes an address from the address book.

use std::process::ExitCode;

use identity::AddressPath;
use runtime::{Access, Endpoint, Failure, NoBody, NoContent, NoQuery, Reply, Request};
use store::{AccountOutcome, Store};

pub(crate) struct DeleteAddress {
    store: Store,
}

impl Endpoint for DeleteAddress {
    const ACCESS: Access = Access::Person;
    const SUCCESS: u16 = 204;
    type Path = AddressPath;
    type Query = NoQuery;
    type Body = NoBody;
    type Response = NoContent;

    async fn handle(&self, request: Request<Self>) -> Result<Reply<NoContent>, Failure> {
        let (account, id) = (request.account()?, request.path.address_id);
        let mut attempts = identity::attempts();
        loop {
            attempts.next().await?;
            let book = self.store.address_book(account).await?;
            let book = book.removing(id)?;
            let written = self.store.put_address_book(account, &book).await?;
            if written == AccountOutcome::Changed {
                return Ok(Reply::none());
            }
        }
    }
}

fn main() -> ExitCode {
    access::serve(|_, store| Ok(DeleteAddress { store }))
}

//! `GET /v1/me/passkeys`: lists the passkeys of the person who is signed in, the newest first.

use std::process::ExitCode;

use domain::identity::factors::PasskeysView;
use runtime::{Access, Endpoint, Failure, NoBody, NoPath, NoQuery, Reply, Request};
use store::Store;

pub(crate) struct ListPasskeys {
    store: Store,
}

impl Endpoint for ListPasskeys {
    const ACCESS: Access = Access::Person;
    type Path = NoPath;
    type Query = NoQuery;
    type Body = NoBody;
    type Response = PasskeysView;

    async fn handle(&self, request: Request<Self>) -> Result<Reply<PasskeysView>, Failure> {
        let passkeys = self.store.passkeys(request.account()?).await?;
        Reply::of(&PasskeysView::of(&passkeys))
    }
}

fn main() -> ExitCode {
    access::serve(|_, store| Ok(ListPasskeys { store }))
}

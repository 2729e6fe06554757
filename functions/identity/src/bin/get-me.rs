//! `GET /v1/me`: returns the account of the person who is signed in.

use std::process::ExitCode;

use domain::identity::api::MeView;
use runtime::{Access, Endpoint, Failure, NoBody, NoPath, NoQuery, Reply, Request};
use store::Store;

pub(crate) struct GetMe {
    store: Store,
}

impl Endpoint for GetMe {
    const ACCESS: Access = Access::Person;
    type Path = NoPath;
    type Query = NoQuery;
    type Body = NoBody;
    type Response = MeView;

    async fn handle(&self, request: Request<Self>) -> Result<Reply<MeView>, Failure> {
        let account = identity::account(&self.store, request.account()?).await?;
        identity::me(&account)
    }
}

fn main() -> ExitCode {
    access::serve(|_, store| Ok(GetMe { store }))
}

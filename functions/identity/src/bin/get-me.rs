//! `GET /v1/me`: returns the account of the person who is signed in.

use std::process::ExitCode;

use domain::identity::api::MeView;
use runtime::{Access, Endpoint, Failure, NoBody, NoPath, NoQuery, Reply, Request};
use store::{Consistency, Store};

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
        let id = request.account()?;
        let account = self.store.account(id, Consistency::Strong).await?;
        let account = account.ok_or_else(runtime::invalid_token)?;
        Ok(Reply::of(&MeView::from(&account))?.versioned(account.version))
    }
}

fn main() -> ExitCode {
    access::serve(|_, store| Ok(GetMe { store }))
}

//! `GET /v1/me/sessions`: lists the devices on which the person is signed in, the last login first.

use std::process::ExitCode;

use domain::identity::api::SessionsView;
use identity::tokens::Person;
use runtime::{Access, Endpoint, Failure, NoBody, NoPath, NoQuery, Reply, Request};
use store::Store;

pub(crate) struct ListSessions {
    store: Store,
}

impl Endpoint for ListSessions {
    const ACCESS: Access = Access::Person;
    type Path = NoPath;
    type Query = NoQuery;
    type Body = NoBody;
    type Response = SessionsView;

    async fn handle(&self, request: Request<Self>) -> Result<Reply<SessionsView>, Failure> {
        let person = Person::of(&request)?;
        let account = identity::account(&self.store, person.account).await?;
        let sessions = self.store.sessions(account.id, request.now).await?;
        Reply::of(&SessionsView::of(&sessions, &account, person.session))
    }
}

fn main() -> ExitCode {
    access::serve(|_, store| Ok(ListSessions { store }))
}

//! `DELETE /v1/me/sessions/{session_id}`: signs the person out on one device.

use std::process::ExitCode;

use domain::{fault::Rejection, id::SessionId};
use identity::tokens::Person;
use runtime::{Access, Endpoint, Failure, NoBody, NoContent, NoQuery, Reply, Request};
use store::Store;

pub(crate) struct EndSession {
    store: Store,
}

/// Parameters of the path.
#[derive(serde::Deserialize, schemars::JsonSchema)]
pub(crate) struct SessionPath {
    /// Identifier of the session.
    session_id: SessionId,
}

impl Endpoint for EndSession {
    const ACCESS: Access = Access::Person;
    const SUCCESS: u16 = 204;
    type Path = SessionPath;
    type Query = NoQuery;
    type Body = NoBody;
    type Response = NoContent;

    async fn handle(&self, request: Request<Self>) -> Result<Reply<NoContent>, Failure> {
        let (person, now) = (Person::of(&request)?, request.now);
        let (id, store) = (request.path.session_id, &self.store);
        let session = store.session(person.account, id, now).await?;
        let session = session.ok_or_else(|| Rejection::not_found("session"))?;
        store.end_session(person.account, id).await?;
        // Of the session that ends, which may have permissions that the caller's does not have.
        if session.is_of_staff() {
            access::end_tokens(store, [id]).await?;
        }
        Ok(Reply::none())
    }
}

fn main() -> ExitCode {
    access::serve(|_, store| Ok(EndSession { store }))
}

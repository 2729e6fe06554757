//! `POST /v1/auth/logout`: ends the session, or all sessions of the account.

use std::process::ExitCode;

use domain::{
    id::AccountId,
    identity::{AccountChangeKind, api::LogoutBody},
    notifications::suppression::AddressHash,
};
use identity::tokens::Person;
use runtime::{Access, Endpoint, Failure, MaybeJson, NoContent, NoPath, NoQuery, Reply, Request};
use store::{AccountOutcome, Store};

pub(crate) struct LogOut {
    store: Store,
}

impl Endpoint for LogOut {
    const ACCESS: Access = Access::Person;
    const SUCCESS: u16 = 204;
    type Path = NoPath;
    type Query = NoQuery;
    type Body = MaybeJson<LogoutBody>;
    type Response = NoContent;

    async fn handle(&self, request: Request<Self>) -> Result<Reply<NoContent>, Failure> {
        let person = Person::of(&request)?;
        let (id, session) = (person.account, person.session);
        let (ended, is_of_staff) = if request.body.0.everywhere {
            // Other sessions may have permissions that this one does not have.
            (id.to_string(), self.end_all(id, &request).await?)
        } else {
            self.store.end_session(id, session).await?;
            (session.to_string(), person.is_staff)
        };
        if is_of_staff {
            access::end_tokens(&self.store, [ended]).await?;
        }
        Ok(Reply::none().signed_out())
    }
}

impl LogOut {
    /// Ends all sessions. Returns whether the account is of the staff.
    async fn end_all(&self, id: AccountId, request: &Request<Self>) -> Result<bool, Failure> {
        let store = &self.store;
        let mut attempts = identity::attempts();
        loop {
            let account = identity::attempt(store, &mut attempts, id).await?;
            let kind = AccountChangeKind::SignedOutEverywhere;
            let next = account.signed_out(kind, &identity::cause(id, request));
            let login = store.login(&AddressHash::of(&next.email)).await?;
            // Without one, the address has just been changed.
            let Some(login) = login else { continue };
            let written = store.begin_generation(&next, &login, None, None).await?;
            if written == AccountOutcome::Changed {
                return Ok(next.staff.is_some());
            }
        }
    }
}

fn main() -> ExitCode {
    access::serve(|_, store| Ok(LogOut { store }))
}

//! `DELETE /v1/me`: deletes the account of the person who is signed in, who gives the password again. Orders are kept for accounting.
//!
//! The account goes first, in one transaction, and `export-account` deletes behind the stream what it leaves: whatever fails, the account
//! has all of its factors, or is none.

use std::process::ExitCode;

use domain::{
    fault::{Code, Rejection},
    identity::{Account, api::DeleteAccountBody},
    limits::{CONFIRM_PASSWORD, Limit},
};
use identity::{Accounts, tokens::Person};
use limiter::Limiter;
use runtime::{Access, Endpoint, Failure, Json, NoContent, NoPath, NoQuery, Reply, Request};
use store::{AccountOutcome, Consistency};

pub(crate) struct DeleteMe {
    accounts: Accounts,
    limiter: Limiter,
}

impl Endpoint for DeleteMe {
    const ACCESS: Access = Access::Person;
    const SUCCESS: u16 = 204;
    const LIMITS: &'static [&'static Limit] = &[&CONFIRM_PASSWORD];
    type Path = NoPath;
    type Query = NoQuery;
    type Body = Json<DeleteAccountBody>;
    type Response = NoContent;

    async fn handle(&self, request: Request<Self>) -> Result<Reply<NoContent>, Failure> {
        let (person, now) = (Person::of(&request)?, request.now);
        let id = person.account;
        let (caller, store) = (request.caller(), &self.accounts.store);
        self.limiter.check(&CONFIRM_PASSWORD, caller, now).await?;
        let password = &request.body.0.password.0;
        let account = self.accounts.account(id).await?;
        let login = self.accounts.confirmed(&account, password).await?;
        self.accounts
            .password_must_be_enough(&person, &login, now)
            .await?;
        let mut attempts = identity::attempts();
        loop {
            attempts.next().await?;
            let account = store.account(id, Consistency::Strong).await?;
            // Gone since it was read above: an attempt was written, and its answer was lost, or another request was faster.
            let Some(account) = account else {
                break;
            };
            must_not_be_owner(&account)?;
            let next = account.erased(&identity::cause(id, &request));
            let written = store.erase_account(&next, &account).await?;
            if written == AccountOutcome::Changed {
                break;
            }
        }
        if account.staff.is_some() {
            access::end_tokens(store, [id]).await?;
        }
        tracing::info!(account.id = %id, "account erased");
        Ok(Reply::none().signed_out())
    }
}

/// Owners are counted, and a shop keeps one.
fn must_not_be_owner(account: &Account) -> Result<(), Rejection> {
    match account.staff.as_ref().is_some_and(|it| it.is_owner()) {
        true => Err(Rejection::new(
            Code::Forbidden,
            "An owner cannot delete the account; have another owner remove the role first.",
        )),
        false => Ok(()),
    }
}

fn main() -> ExitCode {
    access::serve_with_settings(|environment, store, control| {
        Ok(DeleteMe {
            limiter: Limiter::new(&store, control.clone(), environment)?,
            accounts: Accounts::new(environment, store, control)?,
        })
    })
}

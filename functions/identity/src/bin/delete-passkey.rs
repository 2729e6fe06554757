//! `DELETE /v1/me/passkeys/{passkey_id}`: removes a passkey of the person who is signed in.

use std::process::ExitCode;

use domain::{fault::Rejection, id::PasskeyId, identity::AccountChangeKind};
use identity::{Accounts, tokens::Person};
use runtime::{Access, Endpoint, Failure, NoBody, NoContent, NoQuery, Reply, Request};
use store::FactorOutcome;

pub(crate) struct DeletePasskey {
    accounts: Accounts,
}

/// Parameters of the path.
#[derive(serde::Deserialize, schemars::JsonSchema)]
pub(crate) struct DeletedPasskeyPath {
    /// Identifier of the passkey.
    passkey_id: PasskeyId,
}

impl Endpoint for DeletePasskey {
    const ACCESS: Access = Access::Person;
    const SUCCESS: u16 = 204;
    type Path = DeletedPasskeyPath;
    type Query = NoQuery;
    type Body = NoBody;
    type Response = NoContent;

    async fn handle(&self, request: Request<Self>) -> Result<Reply<NoContent>, Failure> {
        let (person, now) = (Person::of(&request)?, request.now);
        let id = request.path.passkey_id;
        let mut account = self.accounts.may_change_factors(&person, now).await?;
        let cause = identity::cause(account.id, &request);
        let mut attempts = identity::attempts();
        loop {
            let next = account.changed(AccountChangeKind::PasskeyRemoved, &cause);
            match self.accounts.store.remove_passkey(&next, id).await? {
                FactorOutcome::Changed => break,
                FactorOutcome::Unfit => return Err(Rejection::not_found("passkey").into()),
                FactorOutcome::Superseded => {}
            }
            account = self
                .accounts
                .attempt_factors(&mut attempts, &person, now)
                .await?;
        }
        tracing::info!(account.id = %person.account, passkey.id = %id, "passkey removed");
        Ok(Reply::none())
    }
}

fn main() -> ExitCode {
    access::serve_with_settings(|environment, store, control| {
        Ok(DeletePasskey {
            accounts: Accounts::new(environment, store, control)?,
        })
    })
}

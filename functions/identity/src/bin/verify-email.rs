//! `POST /v1/auth/verify`: makes the account of a registration, by the token of the mail's link.

use std::{process::ExitCode, sync::Arc};

use control::Control;
use domain::identity::{
    Account, LinkPurpose,
    api::{TokenBody, invalid_link},
};
use identity::Accounts;
use runtime::{Access, Endpoint, Failure, Json, NoContent, NoPath, NoQuery, Reply, Request};
use store::{Store, VerifyOutcome};

pub(crate) struct VerifyEmail {
    accounts: Accounts,
}

impl Endpoint for VerifyEmail {
    const ACCESS: Access = Access::Public;
    const SUCCESS: u16 = 204;
    type Path = NoPath;
    type Query = NoQuery;
    type Body = Json<TokenBody>;
    type Response = NoContent;

    async fn handle(&self, request: Request<Self>) -> Result<Reply<NoContent>, Failure> {
        let token = identity::read_link(&request.body.0.token.0)?;
        let store = &self.accounts.store;
        let registration = store.registration(token.id, request.now).await?;
        let registration = registration.ok_or_else(invalid_link)?;
        let purpose = LinkPurpose::Verify;
        self.accounts
            .verify_link(purpose, &token, &registration.email)
            .await?;
        let cause = identity::cause(Account::id_of(&registration), &request);
        let account = Account::of(&registration, &cause);
        match store.verify_registration(&registration, &account).await? {
            VerifyOutcome::Verified => {
                tracing::info!(account.id = %account.id, "account verified");
                Ok(Reply::none())
            }
            VerifyOutcome::AddressTaken => Err(invalid_link().into()),
        }
    }
}

fn main() -> ExitCode {
    runtime::serve(|environment| {
        let store = Store::new(
            &environment.sdk_config()?,
            environment.require("TABLE_NAME")?,
        );
        let control = Arc::new(Control::of_keys(&store, environment)?);
        Ok(VerifyEmail {
            accounts: Accounts::new(environment, store, control)?,
        })
    })
}

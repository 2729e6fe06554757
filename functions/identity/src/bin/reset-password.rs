//! `POST /v1/auth/password-reset/confirm`: sets a new password by the token of the mail's link, and ends all sessions.

use std::{process::ExitCode, sync::Arc};

use control::Control;
use domain::{
    fault::Rejection,
    identity::{
        AccountChangeKind, LinkPurpose, NewPassword,
        api::{ConfirmResetBody, invalid_link},
    },
    notifications::suppression::AddressHash,
};
use identity::Accounts;
use runtime::{Access, Endpoint, Failure, Json, NoContent, NoPath, NoQuery, Reply, Request};
use store::{AccountOutcome, Consistency, Store};

pub(crate) struct ResetPassword {
    accounts: Accounts,
}

impl Endpoint for ResetPassword {
    const ACCESS: Access = Access::Public;
    const SUCCESS: u16 = 204;
    type Path = NoPath;
    type Query = NoQuery;
    type Body = Json<ConfirmResetBody>;
    type Response = NoContent;

    async fn handle(&self, request: Request<Self>) -> Result<Reply<NoContent>, Failure> {
        let body = &request.body.0;
        let token = identity::read_link(&body.token.0)?;
        // A password that cannot be one does not use up the link.
        let password = NewPassword::parse("password", &body.password.0, breached::is_breached)
            .map_err(|fault| Rejection::invalid(vec![fault]))?;
        let store = &self.accounts.store;
        let reset = store.password_reset(token.id, request.now).await?;
        let reset = reset.ok_or_else(invalid_link)?;
        let purpose = LinkPurpose::Reset;
        self.accounts
            .verify_link(purpose, &token, &reset.email)
            .await?;
        let mut hash = None;
        let mut attempts = identity::attempts();
        let account = loop {
            attempts.next().await?;
            let login = store.login(&AddressHash::of(&reset.email)).await?;
            let login = login.ok_or_else(invalid_link)?;
            let account = store.account(login.account, Consistency::Strong).await?;
            let account = account.ok_or_else(invalid_link)?;
            // Salted, so it is of this request: the attempt before was written, and its answer was lost.
            if hash.is_some() && login.password == hash {
                break account;
            }
            if !reset.applies_to(&login) {
                // The same link at the same time, or another change of the password.
                return Err(invalid_link().into());
            }
            if hash.is_none() {
                hash = Some(self.accounts.hash(&password).await?);
            }
            let cause = identity::cause(account.id, &request);
            let next = account.signed_out(AccountChangeKind::PasswordReset, &cause);
            let written = store.begin_generation(&next, &login, hash.as_ref(), None);
            // Superseded: something else about the account has changed, which does not void the link.
            if written.await? == AccountOutcome::Changed {
                break account;
            }
        };
        if account.staff.is_some() {
            access::end_tokens(store, [account.id]).await?;
        }
        tracing::info!(account.id = %account.id, "password reset");
        Ok(Reply::none())
    }
}

fn main() -> ExitCode {
    runtime::serve(|environment| {
        let store = Store::new(
            &environment.sdk_config()?,
            environment.require("TABLE_NAME")?,
        );
        let control = Arc::new(Control::of_keys(&store, environment)?);
        Ok(ResetPassword {
            accounts: Accounts::new(environment, store, control)?,
        })
    })
}

//! `POST /v1/auth/email/confirm`: makes a new address the one of its account, by the token of the mail's link.

use std::{process::ExitCode, sync::Arc};

use control::Control;
use domain::{
    identity::{
        AccountChangeKind, LinkPurpose,
        api::{TokenBody, invalid_link},
    },
    notifications::suppression::AddressHash,
};
use identity::Accounts;
use runtime::{Access, Endpoint, Failure, Json, NoContent, NoPath, NoQuery, Reply, Request};
use store::{EmailOutcome, Store};

pub(crate) struct ChangeEmail {
    accounts: Accounts,
}

impl Endpoint for ChangeEmail {
    const ACCESS: Access = Access::Public;
    const CREDENTIALS: bool = true;
    const SUCCESS: u16 = 204;
    type Path = NoPath;
    type Query = NoQuery;
    type Body = Json<TokenBody>;
    type Response = NoContent;

    async fn handle(&self, request: Request<Self>) -> Result<Reply<NoContent>, Failure> {
        let token = identity::read_link(&request.body.0.token.0)?;
        let store = &self.accounts.store;
        let change = store.email_change(token.id).await?;
        let change = change.filter(|change| change.expires_at() > request.now);
        let change = change.ok_or_else(invalid_link)?;
        let purpose = LinkPurpose::ChangeEmail;
        self.accounts
            .verify_link(purpose, &token, &change.new)
            .await?;
        let mut attempts = identity::attempts();
        loop {
            let account = self.accounts.attempt(&mut attempts, change.account).await?;
            let login = store.login(&AddressHash::of(&change.old)).await?;
            let login = login.filter(|login| change.applies_to(&account, login));
            let login = login.ok_or_else(invalid_link)?;
            // Its first factor was added since: whoever had the password alone has asked. One that is added now changes the version.
            if !change.may_change_factors && self.accounts.is_guarded(&login).await? {
                return Err(invalid_link().into());
            }
            let cause = identity::cause(account.id, &request);
            let mut next = account.changed(AccountChangeKind::EmailChanged, &cause);
            next.email.clone_from(&change.new);
            next.last_change.email_change = Some(change.id);
            match store.change_email(&next, &login, &change).await? {
                EmailOutcome::Changed => {
                    tracing::info!(account.id = %account.id, "email changed");
                    return Ok(Reply::none());
                }
                EmailOutcome::Superseded => {}
                EmailOutcome::AddressTaken => return Err(invalid_link().into()),
            }
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
        Ok(ChangeEmail {
            accounts: Accounts::new(environment, store, control)?,
        })
    })
}

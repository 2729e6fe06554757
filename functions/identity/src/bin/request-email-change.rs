//! `POST /v1/me/email`: sends a link to a new address, which it makes the one of the account.

use std::process::ExitCode;

use domain::{
    identity::{
        EmailChange,
        api::{ChangeEmailBody, LinkSentView, parse_email},
    },
    limits::{CONFIRM_PASSWORD, Caller, Limit, SEND_LINK, SEND_LINK_ACCOUNT},
};
use identity::{Accounts, tokens::Person};
use limiter::Limiter;
use runtime::{Access, Endpoint, Failure, Json, NoPath, NoQuery, Reply, Request};

pub(crate) struct RequestEmailChange {
    accounts: Accounts,
    limiter: Limiter,
}

impl Endpoint for RequestEmailChange {
    const ACCESS: Access = Access::Person;
    const SUCCESS: u16 = 202;
    const LIMITS: &'static [&'static Limit] = &[&CONFIRM_PASSWORD, &SEND_LINK_ACCOUNT, &SEND_LINK];
    type Path = NoPath;
    type Query = NoQuery;
    type Body = Json<ChangeEmailBody>;
    type Response = LinkSentView;

    async fn handle(&self, request: Request<Self>) -> Result<Reply<LinkSentView>, Failure> {
        let (person, now) = (Person::of(&request)?, request.now);
        let new = parse_email(&request.body.0.email)?;
        let caller = Caller {
            email: Some(&new),
            ..request.caller()
        };
        self.limiter.check(&CONFIRM_PASSWORD, caller, now).await?;
        self.limiter.check(&SEND_LINK_ACCOUNT, caller, now).await?;
        self.limiter.check(&SEND_LINK, caller, now).await?;
        let account = self.accounts.account(person.account).await?;
        let password = &request.body.0.password.0;
        let login = self.accounts.confirmed(&account, password).await?;
        let may_change_factors = self
            .accounts
            .password_must_be_enough(&person, &login, now)
            .await?;
        let change = EmailChange {
            id: identity::new_id(&request)?,
            account: account.id,
            old: account.email,
            new,
            password_set_at: Some(login.password_set_at),
            may_change_factors,
            created_at: now,
            trace_id: request.trace_id.clone(),
            traceparent: request.traceparent,
        };
        self.accounts.store.request_email_change(&change).await?;
        Reply::of(&LinkSentView::until(change.expires_at(), now))
    }
}

fn main() -> ExitCode {
    access::serve_with_settings(|environment, store, control| {
        Ok(RequestEmailChange {
            limiter: Limiter::new(&store, control.clone(), environment)?,
            accounts: Accounts::new(environment, store, control)?,
        })
    })
}

//! `DELETE /v1/me/totp`: removes the authenticator app of the person who is signed in, who gives the password again, and its recovery codes.

use std::process::ExitCode;

use domain::{
    identity::{
        AccountChangeKind,
        factors::{RemoveTotpBody, no_app},
    },
    limits::{CONFIRM_PASSWORD, Limit},
};
use identity::{Accounts, tokens::Person};
use limiter::Limiter;
use runtime::{Access, Endpoint, Failure, Json, NoContent, NoPath, NoQuery, Reply, Request};
use store::FactorOutcome;

pub(crate) struct RemoveTotp {
    accounts: Accounts,
    limiter: Limiter,
}

impl Endpoint for RemoveTotp {
    const ACCESS: Access = Access::Person;
    const SUCCESS: u16 = 204;
    const LIMITS: &'static [&'static Limit] = &[&CONFIRM_PASSWORD];
    type Path = NoPath;
    type Query = NoQuery;
    type Body = Json<RemoveTotpBody>;
    type Response = NoContent;

    async fn handle(&self, request: Request<Self>) -> Result<Reply<NoContent>, Failure> {
        let (person, now) = (Person::of(&request)?, request.now);
        let caller = request.caller();
        self.limiter.check(&CONFIRM_PASSWORD, caller, now).await?;
        let mut account = self.accounts.may_change_factors(&person, now).await?;
        let password = &request.body.0.password.0;
        self.accounts.confirmed(&account, password).await?;
        if !self.accounts.has_app(account.id).await? {
            return Err(no_app().into());
        }
        let cause = identity::cause(account.id, &request);
        let mut attempts = identity::attempts();
        loop {
            let next = account.changed(AccountChangeKind::TotpDisabled, &cause);
            match self.accounts.store.remove_second_factor(&next).await? {
                FactorOutcome::Changed => break,
                FactorOutcome::Unfit => return Err(no_app().into()),
                FactorOutcome::Superseded => {}
            }
            account = self
                .accounts
                .attempt_factors(&mut attempts, &person, now)
                .await?;
        }
        tracing::info!(account.id = %person.account, "second factor removed");
        Ok(Reply::none())
    }
}

fn main() -> ExitCode {
    access::serve_with_settings(|environment, store, control| {
        Ok(RemoveTotp {
            limiter: Limiter::new(&store, control.clone(), environment)?,
            accounts: Accounts::new(environment, store, control)?,
        })
    })
}

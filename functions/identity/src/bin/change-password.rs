//! `POST /v1/me/password`: changes the password of the person who is signed in, and ends all other sessions.

use std::process::ExitCode;

use domain::{
    fault::Rejection,
    identity::{
        AccountChangeKind, NewPassword,
        api::{ChangePasswordBody, invalid_credentials},
    },
    limits::{CONFIRM_PASSWORD, Limit},
    notifications::suppression::AddressHash,
};
use identity::{Accounts, tokens::Person};
use limiter::Limiter;
use runtime::{Access, Endpoint, Failure, Json, NoContent, NoPath, NoQuery, Reply, Request};
use store::AccountOutcome;

pub(crate) struct ChangePassword {
    accounts: Accounts,
    limiter: Limiter,
}

impl Endpoint for ChangePassword {
    const ACCESS: Access = Access::Person;
    const SUCCESS: u16 = 204;
    const LIMITS: &'static [&'static Limit] = &[&CONFIRM_PASSWORD];
    type Path = NoPath;
    type Query = NoQuery;
    type Body = Json<ChangePasswordBody>;
    type Response = NoContent;

    async fn handle(&self, request: Request<Self>) -> Result<Reply<NoContent>, Failure> {
        let (person, now, body) = (Person::of(&request)?, request.now, &request.body.0);
        let caller = request.caller();
        self.limiter.check(&CONFIRM_PASSWORD, caller, now).await?;
        let new = &body.new_password.0;
        let password = NewPassword::parse("new_password", new, breached::is_breached)
            .map_err(|fault| Rejection::invalid(vec![fault]))?;
        let account = self.accounts.account(person.account).await?;
        let current = &body.current_password.0;
        let mut login = self.accounts.confirmed(&account, current).await?;
        self.accounts
            .password_must_be_enough(&person, &login, now)
            .await?;
        let hash = self.accounts.hash(&password).await?;
        let cause = identity::cause(person.account, &request);
        let store = &self.accounts.store;
        let kept = Some(person.session);
        let mut attempts = identity::attempts();
        let account = loop {
            let account = self.accounts.attempt(&mut attempts, person.account).await?;
            let next = account.signed_out(AccountChangeKind::PasswordChanged, &cause);
            let written = store.begin_generation(&next, &login, Some(&hash), kept);
            if written.await? == AccountOutcome::Changed {
                break account;
            }
            let again = store.login(&AddressHash::of(&account.email)).await?;
            // Without one, the address has just been changed.
            let Some(again) = again else { continue };
            // Salted, so it is of this request: the attempt before was written, and its answer was lost.
            if again.password.as_ref() == Some(&hash) {
                break account;
            }
            // What else has changed does not matter, but the password that was given has to be the one, the session has to be
            // there, and a factor may have been added.
            if again.password_set_at != login.password_set_at {
                return Err(invalid_credentials().into());
            }
            let session = store.session(account.id, person.session, now).await?;
            session.ok_or_else(runtime::invalid_token)?;
            self.accounts
                .password_must_be_enough(&person, &again, now)
                .await?;
            login = again;
        };
        if account.staff.is_some() {
            // This session's, too: its next refresh gets another.
            access::end_tokens(store, [account.id]).await?;
        }
        tracing::info!(account.id = %account.id, "password changed");
        Ok(Reply::none())
    }
}

fn main() -> ExitCode {
    access::serve_with_settings(|environment, store, control| {
        Ok(ChangePassword {
            limiter: Limiter::new(&store, control.clone(), environment)?,
            accounts: Accounts::new(environment, store, control)?,
        })
    })
}

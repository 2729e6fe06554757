//! `POST /v1/auth/login`: begins a session by email address and password, and a code if the account has a second factor. An unknown address, a wrong password and an account that cannot be used get the same response in the same time.

use std::{process::ExitCode, sync::Arc};

use control::Control;
use domain::{
    identity::{
        NewSession,
        api::{LoginBody, TokensView, invalid_credentials},
        factors::second_factor_required,
    },
    limits::{Caller, ChallengeAction, Limit, SIGN_IN, SIGN_IN_NETWORK, is_login_challenged},
    notifications::suppression::AddressHash,
};
use identity::{
    Accounts,
    challenges::Challenge,
    tokens::{Delivery, Grants},
};
use limiter::Limiter;
use runtime::{Access, Endpoint, Failure, Json, NoPath, NoQuery, Reply, Request};
use store::Store;

pub(crate) struct LogIn {
    accounts: Accounts,
    limiter: Limiter,
    challenge: Challenge,
}

impl Endpoint for LogIn {
    const ACCESS: Access = Access::Public;
    const CREDENTIALS: bool = true;
    const LIMITS: &'static [&'static Limit] = &[&SIGN_IN_NETWORK, &SIGN_IN];
    type Path = NoPath;
    type Query = NoQuery;
    type Body = Json<LoginBody>;
    type Response = TokensView;

    async fn handle(&self, request: Request<Self>) -> Result<Reply<TokensView>, Failure> {
        let (body, now) = (&request.body.0, request.now);
        let delivery = match body.cookies {
            true => {
                request.must_be_own_page()?;
                Delivery::Cookies
            }
            false => Delivery::Body,
        };
        let caller = Caller {
            email: Some(&body.email),
            ..request.caller()
        };
        let of_network = self.limiter.count(&SIGN_IN_NETWORK, caller, now).await?;
        let of_address = self.limiter.count(&SIGN_IN, caller, now).await?;
        // By these counts alone: they are the same whether or not the address has an account.
        if is_login_challenged(of_address, of_network) {
            let (action, token) = (ChallengeAction::Login, body.challenge.as_ref());
            self.challenge.demand(action, token, request.viewer).await?;
        }
        let address = AddressHash::of(&body.email);
        let login = self.accounts.store.login(&address).await?;
        let password = &body.password.0;
        let is_right = self
            .accounts
            .verify(&address, login.as_ref(), password)
            .await?;
        let login = login.filter(|_| is_right).ok_or_else(invalid_credentials)?;
        // Without a second factor, staff have no permissions, and can add one.
        let (mut is_strong, mut grants) = (false, Grants::of_login(&login));
        if login.has_totp {
            let code = body.code.as_ref().ok_or_else(second_factor_required)?;
            let cause = identity::cause(login.account, &request);
            let spent = self.accounts.spend_code(login.account, &code.0, &cause);
            let account = spent.await?.ok_or_else(invalid_credentials)?;
            (is_strong, grants) = (true, Grants::from(&account));
        }
        let new = NewSession {
            account: login.account,
            generation: login.generation,
            is_staff: login.is_staff,
            is_strong,
            device: request.user_agent(),
            now,
            cause: request.cause(),
        };
        self.accounts.begin(new, grants, delivery).await
    }
}

fn main() -> ExitCode {
    runtime::serve(|environment| {
        let store = Store::new(
            &environment.sdk_config()?,
            environment.require("TABLE_NAME")?,
        );
        let control = Arc::new(Control::new(&store, environment)?);
        Ok(LogIn {
            limiter: Limiter::new(&store, Arc::clone(&control), environment)?,
            challenge: Challenge::connect(environment)?,
            accounts: Accounts::new(environment, store, control)?,
        })
    })
}

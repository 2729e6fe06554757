//! `POST /v1/auth/login`: begins a session by email address and password. An unknown address, a wrong password and an account that cannot be used get the same response in the same time.

use std::{process::ExitCode, sync::Arc};

use control::Control;
use domain::{
    identity::{
        NewSession,
        api::{LoginBody, TokensView, invalid_credentials},
    },
    limits::{Caller, Limit, SIGN_IN, SIGN_IN_NETWORK},
    notifications::suppression::AddressHash,
};
use identity::{Accounts, tokens::Delivery};
use limiter::Limiter;
use runtime::{Access, Endpoint, Failure, Json, NoPath, NoQuery, Reply, Request};
use store::Store;

pub(crate) struct LogIn {
    accounts: Accounts,
    limiter: Limiter,
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
        self.limiter.check(&SIGN_IN_NETWORK, caller, now).await?;
        self.limiter.check(&SIGN_IN, caller, now).await?;
        let address = AddressHash::of(&body.email);
        let login = self.accounts.store.login(&address).await?;
        let password = &body.password.0;
        let is_right = self
            .accounts
            .verify(&address, login.as_ref(), password)
            .await?;
        let login = login.filter(|_| is_right).ok_or_else(invalid_credentials)?;
        let new = NewSession {
            account: login.account,
            generation: login.generation,
            is_staff: login.is_staff,
            // A password alone.
            is_strong: false,
            device: request.user_agent(),
            now,
            cause: request.cause(),
        };
        self.accounts.begin(new, Vec::new(), delivery).await
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
            accounts: Accounts::new(environment, store, control)?,
        })
    })
}

//! `POST /v1/auth/login`: begins a session by email address and password, and a code if the account has a second factor. An unknown address, a wrong password and an account that cannot be used get the same response in the same time.

use std::{process::ExitCode, sync::Arc};

use control::Control;
use domain::{
    identity::{
        Account, Login, NewSession,
        api::{LoginBody, TokensView, invalid_credentials},
        factors::second_factor_required,
    },
    limits::{
        Caller, ChallengeAction, Limit, SIGN_IN, SIGN_IN_CODE, SIGN_IN_NETWORK,
        is_login_challenged, rate_limited,
    },
    notifications::suppression::AddressHash,
};
use identity::{
    Accounts,
    challenges::Challenge,
    factors::CodeUse,
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
    const LIMITS: &'static [&'static Limit] = &[&SIGN_IN_NETWORK, &SIGN_IN, &SIGN_IN_CODE];
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
            let account = self.second_factor(&login, &request).await?;
            (is_strong, grants) = (true, Grants::from(&*account));
        }
        let new = NewSession {
            account: login.account,
            generation: login.generation,
            is_staff: login.is_staff,
            is_strong,
            device: request.user_agent(),
            from: request.viewer,
            now,
            cause: request.cause(),
        };
        self.accounts.begin(new, grants, delivery).await
    }
}

impl LogIn {
    /// Spends the code of a login whose password is right.
    async fn second_factor(
        &self,
        login: &Login,
        request: &Request<Self>,
    ) -> Result<Box<Account>, Failure> {
        let (id, now) = (login.account, request.now);
        let code = request.body.0.code.as_ref();
        let code = &*code.ok_or_else(second_factor_required)?.0;
        let cause = identity::cause(id, request);
        // Before the code is compared: a wrong one must be counted as soon as a right one is spent.
        let rule = self.limiter.rule(&SIGN_IN_CODE, now).await?;
        let spent = self.accounts.spend_code(id, code, rule.as_ref(), &cause);
        match spent.await? {
            CodeUse::Accepted(account) if account.generation == login.generation => Ok(account),
            // The password was changed, or all sessions were ended, since it was compared.
            CodeUse::Accepted(_) => Err(invalid_credentials().into()),
            CodeUse::Suspended(left) => {
                let micros = i64::try_from(left.as_micros()).unwrap_or(i64::MAX);
                Err(rate_limited(micros).into())
            }
            CodeUse::Wrong => Err(invalid_credentials().into()),
        }
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

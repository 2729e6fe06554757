//! `POST /v1/auth/register`: asks for an account; a mail with a link confirms the address. The response is the same whether or not the address has an account.

use std::{process::ExitCode, sync::Arc};

use control::Control;
use domain::{
    identity::{
        Registration,
        api::{LinkSentView, RegisterBody},
    },
    limits::{Caller, ChallengeAction, Limit, MAIL_LINK, MAIL_LINK_NETWORK, REGISTER_EMAIL},
};
use identity::{Accounts, challenges::Challenge};
use limiter::Limiter;
use runtime::{Access, Endpoint, Failure, Json, NoPath, NoQuery, Reply, Request};
use store::Store;

pub(crate) struct RegisterAccount {
    accounts: Accounts,
    limiter: Limiter,
    challenge: Challenge,
}

impl Endpoint for RegisterAccount {
    const ACCESS: Access = Access::Public;
    const SUCCESS: u16 = 202;
    const LIMITS: &'static [&'static Limit] = &[&MAIL_LINK_NETWORK, &MAIL_LINK, &REGISTER_EMAIL];
    type Path = NoPath;
    type Query = NoQuery;
    type Body = Json<RegisterBody>;
    type Response = LinkSentView;

    async fn handle(&self, request: Request<Self>) -> Result<Reply<LinkSentView>, Failure> {
        let now = request.now;
        let register = request.body.0.clone().parse(breached::is_breached)?;
        let caller = Caller {
            email: Some(&register.email),
            ..request.caller()
        };
        self.limiter.check(&MAIL_LINK_NETWORK, caller, now).await?;
        // Before the address's own limits, which a program without tokens cannot use up.
        let (action, token) = (ChallengeAction::Register, request.body.0.challenge.as_ref());
        self.challenge.demand(action, token, request.viewer).await?;
        self.limiter.check(&MAIL_LINK, caller, now).await?;
        self.limiter.check(&REGISTER_EMAIL, caller, now).await?;
        let registration = Registration {
            id: identity::new_id(&request)?,
            // Whether there is an account or not: the response takes as long.
            password: self.accounts.hash(&register.password).await?,
            email: register.email,
            name: register.name,
            created_at: now,
            account: None,
            trace_id: request.trace_id.clone(),
            traceparent: request.traceparent,
        };
        self.accounts.store.register(&registration).await?;
        Reply::of(&LinkSentView::until(registration.expires_at(), now))
    }
}

fn main() -> ExitCode {
    runtime::serve(|environment| {
        let store = Store::new(
            &environment.sdk_config()?,
            environment.require("TABLE_NAME")?,
        );
        let control = Arc::new(Control::new(&store, environment)?);
        Ok(RegisterAccount {
            limiter: Limiter::new(&store, Arc::clone(&control), environment)?,
            challenge: Challenge::connect(environment)?,
            accounts: Accounts::new(environment, store, control)?,
        })
    })
}

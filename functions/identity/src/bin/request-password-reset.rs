//! `POST /v1/auth/password-reset`: sends a link to set a new password, if the address has an account. The response is the same if not.

use std::{process::ExitCode, sync::Arc};

use control::Control;
use domain::{
    identity::{
        PasswordReset,
        api::{LinkSentView, ResetBody, parse_email},
    },
    limits::{Caller, ChallengeAction, Limit, MAIL_LINK, MAIL_LINK_NETWORK, RESET_EMAIL},
    notifications::suppression::AddressHash,
};
use identity::challenges::Challenge;
use limiter::Limiter;
use runtime::{Access, Endpoint, Failure, Json, NoPath, NoQuery, Reply, Request};
use store::Store;

pub(crate) struct RequestPasswordReset {
    store: Store,
    limiter: Limiter,
    challenge: Challenge,
}

impl Endpoint for RequestPasswordReset {
    const ACCESS: Access = Access::Public;
    const SUCCESS: u16 = 202;
    const LIMITS: &'static [&'static Limit] = &[&MAIL_LINK_NETWORK, &MAIL_LINK, &RESET_EMAIL];
    type Path = NoPath;
    type Query = NoQuery;
    type Body = Json<ResetBody>;
    type Response = LinkSentView;

    async fn handle(&self, request: Request<Self>) -> Result<Reply<LinkSentView>, Failure> {
        let now = request.now;
        let email = parse_email(&request.body.0.email)?;
        let caller = Caller {
            email: Some(&email),
            ..request.caller()
        };
        self.limiter.check(&MAIL_LINK_NETWORK, caller, now).await?;
        // Before the address's own limits, which a program without tokens cannot use up.
        let (action, token) = (
            ChallengeAction::PasswordReset,
            request.body.0.challenge.as_ref(),
        );
        self.challenge.demand(action, token, request.viewer).await?;
        self.limiter.check(&MAIL_LINK, caller, now).await?;
        self.limiter.check(&RESET_EMAIL, caller, now).await?;
        // The mailer finds out whether there is an account: the same is done here for any address.
        let login = self.store.login(&AddressHash::of(&email)).await?;
        let reset = PasswordReset {
            id: identity::new_id(&request)?,
            email,
            password_set_at: login.map(|login| login.password_set_at),
            created_at: now,
            trace_id: request.trace_id.clone(),
            traceparent: request.traceparent,
        };
        self.store.request_password_reset(&reset).await?;
        Reply::of(&LinkSentView::until(reset.expires_at(), now))
    }
}

fn main() -> ExitCode {
    runtime::serve(|environment| {
        let store = Store::new(
            &environment.sdk_config()?,
            environment.require("TABLE_NAME")?,
        );
        let control = Arc::new(Control::new(&store, environment)?);
        Ok(RequestPasswordReset {
            limiter: Limiter::new(&store, control, environment)?,
            challenge: Challenge::connect(environment)?,
            store,
        })
    })
}

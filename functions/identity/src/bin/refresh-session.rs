//! `POST /v1/auth/refresh`: replaces a refresh token by the next one and signs a new access token.

use std::{process::ExitCode, sync::Arc};

use control::Control;
use domain::{
    fault::{Code, Rejection},
    identity::{
        AccountChangeKind, PresentedRefresh, RefreshToken, Session,
        api::{RefreshBody, TokensView, refresh_token_reused},
    },
};
use identity::{
    Accounts,
    tokens::{Delivery, Grants, answer},
};
use runtime::{Access, Endpoint, Failure, MaybeJson, NoPath, NoQuery, Reply, Request};
use store::{Consistency, RotateOutcome, Store};

pub(crate) struct RefreshSession {
    accounts: Accounts,
}

impl Endpoint for RefreshSession {
    const ACCESS: Access = Access::Public;
    const CREDENTIALS: bool = true;
    type Path = NoPath;
    type Query = NoQuery;
    type Body = MaybeJson<RefreshBody>;
    type Response = TokensView;

    async fn handle(&self, request: Request<Self>) -> Result<Reply<TokensView>, Failure> {
        let (token, delivery) = presented(&request)?;
        let now = request.now;
        let key = self.accounts.secrets().await?.refresh_key();
        let next = RefreshToken::after(&token, &key.map_err(Failure::internal)?);
        let store = &self.accounts.store;
        let session = match store.rotate_refresh(&token, &next, now).await? {
            RotateOutcome::Rotated(session) => session,
            // The next token is the current one, unless the root secret has been replaced in between.
            RotateOutcome::InGrace(session) if session.tokens.current == next.hash() => session,
            RotateOutcome::InGrace(_) | RotateOutcome::Ended => {
                return Err(runtime::invalid_token().into());
            }
            RotateOutcome::Reused(session) => return Err(self.reused(&session, &request).await?),
        };
        let account = store.account(session.account, Consistency::Strong).await?;
        let account = account.filter(|account| session.is_of(account));
        let Some(account) = account else {
            store.end_session(session.account, session.id).await?;
            return Err(runtime::invalid_token().into());
        };
        let access = self
            .accounts
            .sign(&session, Grants::from(&account), now)
            .await?;
        answer(&session, access, &next, delivery, now)
    }
}

impl RefreshSession {
    /// Ends the session of a token that somebody has copied, and records it for the owner.
    async fn reused(&self, session: &Session, request: &Request<Self>) -> Result<Failure, Failure> {
        let store = &self.accounts.store;
        tracing::warn!(session.id = %session.id, "refresh token reused");
        let account = store.account(session.account, Consistency::Strong).await?;
        let is_staff = account.is_some_and(|account| account.staff.is_some());
        // At once, as the rest may take a while.
        if is_staff {
            access::end_tokens(store, [session.id]).await?;
        }
        // Before the session, so that whatever happens in between, the token is found reused again.
        let cause = identity::cause(session.account, request);
        let kind = AccountChangeKind::RefreshTokenReused;
        self.accounts.record(session.account, kind, &cause).await?;
        store.end_session(session.account, session.id).await?;
        // Until then, whoever has the current token could refresh it.
        if is_staff {
            access::end_tokens(store, [session.id]).await?;
        }
        Ok(refresh_token_reused().into())
    }
}

/// The one token of a request.
fn presented(request: &Request<RefreshSession>) -> Result<(PresentedRefresh, Delivery), Rejection> {
    let sent = request.body.0.refresh_token.as_ref();
    let (text, delivery) = match (sent, request.refresh_cookie()?) {
        (Some(sent), None) => (sent.0.as_str(), Delivery::Body),
        (None, Some(cookie)) => (cookie, Delivery::Cookies),
        (None, None) => {
            let detail = "Send the refresh token as refresh_token, or as a cookie.";
            return Err(Rejection::new(Code::Unauthenticated, detail));
        }
        (Some(_), Some(_)) => {
            let detail = "Send one refresh token: in the body or as a cookie.";
            return Err(Rejection::new(Code::Unauthenticated, detail));
        }
    };
    let token = PresentedRefresh::read(text).ok_or_else(runtime::invalid_token)?;
    Ok((token, delivery))
}

fn main() -> ExitCode {
    runtime::serve(|environment| {
        let store = Store::new(
            &environment.sdk_config()?,
            environment.require("TABLE_NAME")?,
        );
        let control = Arc::new(Control::of_keys(&store, environment)?);
        Ok(RefreshSession {
            accounts: Accounts::new(environment, store, control)?,
        })
    })
}

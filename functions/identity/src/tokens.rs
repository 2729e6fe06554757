//! Begins sessions, and signs their access tokens.

use std::collections::BTreeSet;

use domain::{
    customers::GroupId,
    id::{AccountId, SessionId},
    identity::{
        AccessClaims, Account, Identity, LIFETIME, Login, NewSession, Permission, RefreshToken,
        Session, api::TokensView,
    },
};
use jiff::{SignedDuration, Timestamp};
use runtime::{Endpoint, Failure, Reply, Request, SignedIn};

use crate::{Accounts, unusable};

/// No key of the secret has been published, so no verifier would know it.
#[derive(Debug, thiserror::Error)]
#[error("no signing key has been published; run rotate-keys")]
struct NoKey;

/// Where the tokens go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// Into the body.
    Body,
    /// Into cookies.
    Cookies,
}

/// A person who is signed in, by an access token.
#[derive(Clone, Copy, Debug)]
pub struct Person {
    /// The account.
    pub account: AccountId,
    /// The session.
    pub session: SessionId,
    /// Whether the token has permissions of staff.
    pub is_staff: bool,
}

/// What an access token says of its account besides which one it is, as of the time at which it is issued.
#[derive(Clone, Debug, Default)]
pub struct Grants {
    permissions: Vec<Permission>,
    groups: BTreeSet<GroupId>,
}

impl Grants {
    /// Those of a login by password alone: without permissions, whoever it is, and without a read of the account.
    pub fn of_login(login: &Login) -> Self {
        Self {
            permissions: Vec::new(),
            groups: login.groups.clone(),
        }
    }
}

impl From<&Account> for Grants {
    fn from(account: &Account) -> Self {
        Self {
            permissions: account.permissions(),
            groups: account.groups.clone(),
        }
    }
}

impl Person {
    /// The caller of an endpoint with `Access::Person`.
    pub fn of<E: Endpoint>(request: &Request<E>) -> Result<Self, Failure> {
        match request.identity() {
            Identity::Person(claims) => Ok(Self {
                account: claims.sub,
                session: claims.sid,
                is_staff: !claims.perms.is_empty(),
            }),
            Identity::Guest | Identity::StaffToken { .. } | Identity::ApiKey { .. } => {
                Err(runtime::invalid_token().into())
            }
        }
    }
}

impl Accounts {
    /// Begins a session and answers with its tokens.
    pub async fn begin(
        &self,
        new: NewSession<'_>,
        grants: Grants,
        delivery: Delivery,
    ) -> Result<Reply<TokensView>, Failure> {
        let now = new.now;
        let begun = new.begin(runtime::random()?, runtime::random_bytes()?);
        // Before the session is stored: without a key, nobody is signed in.
        let access = self.sign(&begun.session, grants, now).await?;
        self.store.begin_session(&begun.session).await?;
        tracing::info!(
            account.id = %begun.session.account,
            session.id = %begun.session.id,
            "session began"
        );
        answer(&begun.session, access, &begun.token, delivery, now)
    }

    /// Signs an access token of a session, as of `now`: a time before session and account were read, such as that of the request.
    /// An end of them after that voids the token.
    pub async fn sign(
        &self,
        session: &Session,
        grants: Grants,
        now: Timestamp,
    ) -> Result<String, Failure> {
        let Grants {
            permissions,
            groups,
        } = grants;
        let keys = self.secrets().await?.signing_keys(now).map_err(unusable)?;
        let current = self.control.current(now).await?;
        let ids = keys.iter().map(|key| key.id.as_str());
        let signer = current.verifier().state().signer(ids, now);
        let key = keys.iter().find(|key| Some(key.id.as_str()) == signer);
        let key = key.ok_or_else(|| Failure::dependency(NoKey, true))?;
        let permissions = match session.is_strong {
            true => permissions,
            false => Vec::new(),
        };
        let claims = AccessClaims::issue(session.account, session.id, permissions, now);
        let claims = claims.in_groups(groups);
        runtime::sign_access_token(&claims, key).map_err(Failure::internal)
    }
}

/// The response with a session's tokens.
pub fn answer(
    session: &Session,
    access: String,
    refresh: &RefreshToken,
    delivery: Delivery,
    now: Timestamp,
) -> Result<Reply<TokensView>, Failure> {
    let refresh = refresh.reveal();
    match delivery {
        Delivery::Body => Reply::of(&TokensView::of(access, refresh)),
        Delivery::Cookies => {
            let left = session.expires_at().duration_since(now);
            Ok(Reply::of(&TokensView::in_cookies())?.signed_in(&SignedIn {
                access: &access,
                access_lifetime: LIFETIME,
                refresh: &refresh,
                refresh_lifetime: left.max(SignedDuration::ZERO),
            }))
        }
    }
}

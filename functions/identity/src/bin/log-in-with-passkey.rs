//! `POST /v1/auth/passkeys/login`: begins a session by a passkey. Whatever is wrong with it gets the same response.

use std::{process::ExitCode, sync::Arc};

use control::Control;
use domain::{
    identity::{
        Account, AccountChangeKind, Ceremony, NewSession, Passkey,
        api::TokensView,
        factors::{PasskeyLoginBody, invalid_passkey},
        webauthn::{Assertion, RelyingParty, WebauthnError},
    },
    limits::{Limit, SIGN_IN_NETWORK},
};
use identity::{
    Accounts,
    passkeys::{self, Refused, Unproven},
    tokens::{Delivery, Grants},
};
use jiff::Timestamp;
use limiter::Limiter;
use runtime::{Access, Endpoint, Failure, Json, NoPath, NoQuery, Reply, Request};
use store::{Consistency, PasskeyUse, Store};

pub(crate) struct LogInWithPasskey {
    accounts: Accounts,
    limiter: Limiter,
    party: RelyingParty,
}

/// An account whose passkey somebody has.
struct Proven {
    account: Account,
    /// Whether the authenticator checked that this is its owner.
    user_verified: bool,
}

impl Endpoint for LogInWithPasskey {
    const ACCESS: Access = Access::Public;
    const CREDENTIALS: bool = true;
    const LIMITS: &'static [&'static Limit] = &[&SIGN_IN_NETWORK];
    type Path = NoPath;
    type Query = NoQuery;
    type Body = Json<PasskeyLoginBody>;
    type Response = TokensView;

    async fn handle(&self, request: Request<Self>) -> Result<Reply<TokensView>, Failure> {
        let now = request.now;
        let delivery = match request.body.0.cookies {
            true => {
                request.must_be_own_page()?;
                Delivery::Cookies
            }
            false => Delivery::Body,
        };
        let caller = request.caller();
        self.limiter.check(&SIGN_IN_NETWORK, caller, now).await?;
        let proven = match self.proven(&request).await {
            Ok(proven) => proven,
            Err(Unproven::Refused(reason)) => {
                tracing::info!(error = %reason, "passkey refused");
                return Err(invalid_passkey().into());
            }
            Err(Unproven::Failed(failure)) => return Err(failure),
        };
        let account = &proven.account;
        let new = NewSession {
            account: account.id,
            generation: account.generation,
            is_staff: account.staff.is_some(),
            is_strong: proven.user_verified,
            device: request.user_agent(),
            from: request.viewer,
            now,
            cause: request.cause(),
        };
        let grants = Grants::from(account);
        self.accounts.begin(new, grants, delivery).await
    }
}

impl LogInWithPasskey {
    async fn proven(&self, request: &Request<Self>) -> Result<Proven, Unproven> {
        let (answer, now) = (&request.body.0.credential, request.now);
        let store = &self.accounts.store;
        let challenge = answer.challenge()?;
        let id = Passkey::id_of(&answer.credential_id()?);
        passkeys::take(store, &challenge, Ceremony::Login, now).await?;
        // The options name no credential, so the answer has to say whose it is (section 7.2).
        if answer.response.user_handle.is_none() {
            return Err(WebauthnError::WrongAccount.into());
        }
        let owner = store.passkey_owner(id).await?.ok_or(Refused::Unknown)?;
        let account = store.account(owner, Consistency::Strong).await?;
        let account = account.ok_or(Refused::Unknown)?;
        let passkey = store.passkey(owner, id).await?.ok_or(Refused::Unknown)?;
        let verification = account.user_verification();
        let stored = passkey.stored();
        let assertion = self
            .party
            .verify_login(answer, &challenge, &stored, verification);
        let recorded = match assertion {
            Err(WebauthnError::ClonedCounter) => PasskeyUse::Overtaken,
            assertion => self.recorded(&account, &passkey, &assertion?, now).await?,
        };
        match recorded {
            PasskeyUse::Recorded => Ok(Proven {
                account,
                user_verified: assertion?.user_verified,
            }),
            PasskeyUse::Overtaken => {
                self.report_copy(&passkey, request).await?;
                Err(WebauthnError::ClonedCounter.into())
            }
            PasskeyUse::Gone => Err(Refused::Unknown.into()),
        }
    }

    /// Records the use of a passkey that is enough for its account.
    async fn recorded(
        &self,
        account: &Account,
        passkey: &Passkey,
        assertion: &Assertion,
        now: Timestamp,
    ) -> Result<PasskeyUse, Unproven> {
        // A device that somebody has found must not be enough where a password is not.
        if !assertion.user_verified && self.accounts.has_app(account.id).await? {
            return Err(WebauthnError::UserNotVerified.into());
        }
        let store = &self.accounts.store;
        Ok(store.use_passkey(passkey, assertion, now).await?)
    }

    /// Tells the owner that there may be a copy of a passkey.
    async fn report_copy(&self, passkey: &Passkey, request: &Request<Self>) -> Result<(), Failure> {
        tracing::warn!(account.id = %passkey.account, passkey.id = %passkey.id, "passkey cloned");
        let cause = identity::cause(passkey.account, request);
        let kind = AccountChangeKind::PasskeyCloned;
        self.accounts.record(passkey.account, kind, &cause).await
    }
}

fn main() -> ExitCode {
    runtime::serve(|environment| {
        let store = Store::new(
            &environment.sdk_config()?,
            environment.require("TABLE_NAME")?,
        );
        let control = Arc::new(Control::new(&store, environment)?);
        let address = environment.require("SHOP_ADDRESS")?;
        Ok(LogInWithPasskey {
            limiter: Limiter::new(&store, Arc::clone(&control), environment)?,
            party: passkeys::relying_party(environment, address)?,
            accounts: Accounts::new(environment, store, control)?,
        })
    })
}

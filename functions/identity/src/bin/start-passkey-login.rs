//! `POST /v1/auth/passkeys/login/options`: returns the options by which a browser signs in with any passkey of the shop.

use std::{process::ExitCode, sync::Arc};

use control::Control;
use domain::{
    identity::{
        Ceremony,
        webauthn::{RelyingParty, RequestOptions, UserVerification},
    },
    limits::{Limit, SIGN_IN_NETWORK},
};
use identity::passkeys;
use limiter::Limiter;
use runtime::{Access, Endpoint, Failure, NoBody, NoPath, NoQuery, Reply, Request};
use store::Store;

pub(crate) struct StartPasskeyLogin {
    store: Store,
    limiter: Limiter,
    party: RelyingParty,
}

impl Endpoint for StartPasskeyLogin {
    const ACCESS: Access = Access::Public;
    const LIMITS: &'static [&'static Limit] = &[&SIGN_IN_NETWORK];
    type Path = NoPath;
    type Query = NoQuery;
    type Body = NoBody;
    type Response = RequestOptions;

    async fn handle(&self, request: Request<Self>) -> Result<Reply<RequestOptions>, Failure> {
        let (caller, now) = (request.caller(), request.now);
        self.limiter.check(&SIGN_IN_NETWORK, caller, now).await?;
        let challenge = passkeys::issue(&self.store, Ceremony::Login, now).await?;
        // Nobody knows yet whose passkey it will be: that of staff is refused without a verified user.
        let verification = UserVerification::Preferred;
        Reply::of(&self.party.request_options(&challenge, verification))
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
        Ok(StartPasskeyLogin {
            limiter: Limiter::new(&store, control, environment)?,
            party: passkeys::relying_party(environment, address)?,
            store,
        })
    })
}

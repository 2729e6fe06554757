//! `POST /v1/auth/passkeys/register/options`: returns the options by which a browser makes a passkey for the person who is signed in.

use std::{process::ExitCode, sync::Arc};

use control::Control;
use domain::identity::{
    Ceremony, Passkey,
    webauthn::{CreationOptions, PasskeyUser, RelyingParty},
};
use identity::{Accounts, passkeys, tokens::Person};
use runtime::{Access, Endpoint, Failure, NoBody, NoPath, NoQuery, Reply, Request};

pub(crate) struct StartPasskeyRegistration {
    accounts: Accounts,
    control: Arc<Control>,
    party: RelyingParty,
    /// The template's, where the settings have none.
    shop_name: String,
}

impl Endpoint for StartPasskeyRegistration {
    const ACCESS: Access = Access::Person;
    type Path = NoPath;
    type Query = NoQuery;
    type Body = NoBody;
    type Response = CreationOptions;

    async fn handle(&self, request: Request<Self>) -> Result<Reply<CreationOptions>, Failure> {
        let (person, now) = (Person::of(&request)?, request.now);
        let store = &self.accounts.store;
        let account = self.accounts.may_change_factors(&person, now).await?;
        let known = store.passkeys(account.id).await?;
        Passkey::another_fits(&known)?;
        let ceremony = Ceremony::Registration(account.id);
        let challenge = passkeys::issue(store, ceremony, now).await?;
        let current = self.control.current(now).await?;
        let party = passkeys::named(&self.party, current.settings(), &self.shop_name);
        let user = PasskeyUser {
            handle: &account.id.to_bytes(),
            name: &account.email,
            display_name: account.name.as_deref().unwrap_or_default(),
        };
        let exclude: Vec<Vec<u8>> = known.into_iter().map(|it| it.credential).collect();
        let verification = account.user_verification();
        Reply::of(&party.creation_options(&challenge, &user, &exclude, verification))
    }
}

fn main() -> ExitCode {
    access::serve_with_settings(|environment, store, control| {
        let address = environment.require("SHOP_ADDRESS")?;
        Ok(StartPasskeyRegistration {
            party: passkeys::relying_party(environment, address)?,
            shop_name: environment.require("SHOP_NAME")?.to_owned(),
            accounts: Accounts::new(environment, store, Arc::clone(&control))?,
            control,
        })
    })
}

//! `POST /v1/auth/passkeys/register`: adds the passkey that a browser has made to the account of the person who is signed in.

use std::process::ExitCode;

use domain::identity::{
    Account, AccountChangeKind, Ceremony, Passkey,
    factors::{PasskeyView, RegisterPasskeyBody, unusable_passkey},
    webauthn::{NewCredential, RegistrationResponse, RelyingParty, WebauthnError},
};
use identity::{
    Accounts,
    passkeys::{self, Refused, Unproven},
    tokens::Person,
};
use jiff::Timestamp;
use runtime::{Access, Endpoint, Failure, Json, NoPath, NoQuery, Reply, Request};
use store::FactorOutcome;

pub(crate) struct RegisterPasskey {
    accounts: Accounts,
    party: RelyingParty,
}

impl Endpoint for RegisterPasskey {
    const ACCESS: Access = Access::Person;
    const SUCCESS: u16 = 201;
    type Path = NoPath;
    type Query = NoQuery;
    type Body = Json<RegisterPasskeyBody>;
    type Response = PasskeyView;

    async fn handle(&self, request: Request<Self>) -> Result<Reply<PasskeyView>, Failure> {
        let (person, now) = (Person::of(&request)?, request.now);
        let name = request.body.0.name()?;
        let mut account = self.accounts.may_change_factors(&person, now).await?;
        let answer = &request.body.0.credential;
        let credential = match self.verified(answer, &account, now).await {
            Ok(credential) => credential,
            Err(Unproven::Refused(reason)) => return Err(refused(reason)),
            Err(Unproven::Failed(failure)) => return Err(failure),
        };
        let passkey = Passkey::new(account.id, credential, name, now);
        let cause = identity::cause(account.id, &request);
        let store = &self.accounts.store;
        let mut attempts = identity::attempts();
        loop {
            if !passkey.suits(&account) {
                return Err(refused(WebauthnError::UserNotVerified.into()));
            }
            // Whoever adds one at the same time makes another version of the account.
            Passkey::another_fits(&store.passkeys(account.id).await?)?;
            let next = account.changed(AccountChangeKind::PasskeyAdded, &cause);
            match store.add_passkey(&next, &passkey).await? {
                FactorOutcome::Changed => break,
                FactorOutcome::Unfit => return Err(refused(Refused::Taken)),
                FactorOutcome::Superseded => {}
            }
            account = self
                .accounts
                .attempt_factors(&mut attempts, &person, now)
                .await?;
        }
        tracing::info!(account.id = %passkey.account, passkey.id = %passkey.id, "passkey added");
        let location = format!("/v1/me/passkeys/{}", passkey.id);
        Ok(Reply::of(&PasskeyView::from(&passkey))?.at(location))
    }
}

impl RegisterPasskey {
    /// The credential of an answer to options that were issued for the account.
    async fn verified(
        &self,
        answer: &RegistrationResponse,
        account: &Account,
        now: Timestamp,
    ) -> Result<NewCredential, Unproven> {
        let challenge = answer.challenge()?;
        let ceremony = Ceremony::Registration(account.id);
        passkeys::take(&self.accounts.store, &challenge, ceremony, now).await?;
        let verification = account.user_verification();
        Ok(self
            .party
            .verify_registration(answer, &challenge, verification)?)
    }
}

fn refused(reason: Refused) -> Failure {
    tracing::info!(error = %reason, "passkey refused");
    unusable_passkey().into()
}

fn main() -> ExitCode {
    access::serve_with_settings(|environment, store, control| {
        let address = environment.require("SHOP_ADDRESS")?;
        Ok(RegisterPasskey {
            party: passkeys::relying_party(environment, address)?,
            accounts: Accounts::new(environment, store, control)?,
        })
    })
}

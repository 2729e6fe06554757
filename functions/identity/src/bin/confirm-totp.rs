//! `POST /v1/me/totp/confirm`: puts an authenticator app into use by a code of it, and returns recovery codes once.

use std::process::ExitCode;

use domain::identity::{
    AccountChangeKind, RecoveryCodes, SecondFactor,
    factors::{ConfirmTotpBody, RecoveryCodesView, no_app, wrong_code},
};
use identity::{Accounts, tokens::Person};
use runtime::{Access, Endpoint, Failure, Json, NoPath, NoQuery, Reply, Request};
use store::FactorOutcome;

pub(crate) struct ConfirmTotp {
    accounts: Accounts,
}

impl Endpoint for ConfirmTotp {
    const ACCESS: Access = Access::Person;
    type Path = NoPath;
    type Query = NoQuery;
    type Body = Json<ConfirmTotpBody>;
    type Response = RecoveryCodesView;

    async fn handle(&self, request: Request<Self>) -> Result<Reply<RecoveryCodesView>, Failure> {
        let (person, now) = (Person::of(&request)?, request.now);
        let store = &self.accounts.store;
        let mut account = self.accounts.may_change_factors(&person, now).await?;
        let factor = store.second_factor(account.id).await?;
        let pending = factor
            .and_then(|factor| factor.pending)
            .ok_or_else(no_app)?;
        let secret = self.accounts.open(account.id, &pending).await?;
        let step = secret.matched(&request.body.0.code.0, now, None);
        let step = step.ok_or_else(wrong_code)?;
        let codes = recovery_codes()?;
        let hashes = codes.hashes.clone();
        let confirmed = SecondFactor::confirmed(account.id, pending, step, hashes);
        let cause = identity::cause(account.id, &request);
        let mut attempts = identity::attempts();
        loop {
            let next = account.changed(AccountChangeKind::TotpEnabled, &cause);
            match store.confirm_second_factor(&next, &confirmed).await? {
                FactorOutcome::Changed => break,
                // Confirmed before, or another secret was made in the meantime.
                FactorOutcome::Unfit => return Err(no_app().into()),
                FactorOutcome::Superseded => {}
            }
            account = self
                .accounts
                .attempt_factors(&mut attempts, &person, now)
                .await?;
        }
        tracing::info!(account.id = %person.account, "second factor added");
        Reply::of(&RecoveryCodesView::from(codes))
    }
}

fn recovery_codes() -> Result<RecoveryCodes, Failure> {
    let mut random = [[0; RecoveryCodes::BYTES]; RecoveryCodes::COUNT];
    for bytes in &mut random {
        *bytes = runtime::random_bytes()?;
    }
    Ok(RecoveryCodes::generate(random))
}

fn main() -> ExitCode {
    access::serve_with_settings(|environment, store, control| {
        Ok(ConfirmTotp {
            accounts: Accounts::new(environment, store, control)?,
        })
    })
}

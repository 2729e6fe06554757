//! `PATCH /v1/me`: changes the name, or the consent to advertising, of the person who is signed in.

use std::process::ExitCode;

use domain::identity::{
    AccountChangeKind,
    api::{MeView, ProfilePatch},
};
use identity::Accounts;
use runtime::{Access, Endpoint, Failure, MergePatch, NoPath, NoQuery, Reply, Request};
use store::AccountOutcome;

pub(crate) struct ChangeMe {
    accounts: Accounts,
}

impl Endpoint for ChangeMe {
    const ACCESS: Access = Access::Person;
    type Path = NoPath;
    type Query = NoQuery;
    type Body = MergePatch<ProfilePatch>;
    type Response = MeView;

    async fn handle(&self, request: Request<Self>) -> Result<Reply<MeView>, Failure> {
        let id = request.account()?;
        let mut attempts = identity::attempts();
        loop {
            let account = self.accounts.attempt(&mut attempts, id).await?;
            let patched = request.body.0.clone().apply(&account, request.now)?;
            if patched == account {
                return Reply::of(&MeView::from(&account));
            }
            let cause = identity::cause(id, &request);
            let next = patched.changed(AccountChangeKind::ProfileChanged, &cause);
            let written = self.accounts.store.change_account(&next).await?;
            if written == AccountOutcome::Changed {
                return Reply::of(&MeView::from(&next));
            }
        }
    }
}

fn main() -> ExitCode {
    access::serve_with_settings(|environment, store, control| {
        Ok(ChangeMe {
            accounts: Accounts::new(environment, store, control)?,
        })
    })
}

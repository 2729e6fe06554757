//! `PATCH /v1/me`: changes the name, or the consent to advertising, of the person who is signed in.

use std::process::ExitCode;

use domain::identity::{
    AccountChangeKind,
    api::{MeView, ProfilePatch},
};
use runtime::{Access, Endpoint, Failure, MergePatch, NoPath, NoQuery, Reply, Request};
use store::{AccountOutcome, Store};

pub(crate) struct ChangeMe {
    store: Store,
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
            let account = identity::attempt(&self.store, &mut attempts, id).await?;
            let patched = request.body.0.clone().apply(&account, request.now)?;
            if patched == account {
                return Reply::of(&MeView::from(&account));
            }
            let cause = identity::cause(id, &request);
            let next = patched.changed(AccountChangeKind::ProfileChanged, &cause);
            let written = self.store.change_account(&next).await?;
            if written == AccountOutcome::Changed {
                return Reply::of(&MeView::from(&next));
            }
        }
    }
}

fn main() -> ExitCode {
    access::serve(|_, store| Ok(ChangeMe { store }))
}

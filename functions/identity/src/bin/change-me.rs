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
    const IF_MATCH: bool = true;
    type Path = NoPath;
    type Query = NoQuery;
    type Body = MergePatch<ProfilePatch>;
    type Response = MeView;

    async fn handle(&self, request: Request<Self>) -> Result<Reply<MeView>, Failure> {
        let (id, expected) = (request.account()?, request.expected_version()?);
        let mut attempts = identity::attempts();
        loop {
            let account = identity::attempt(&self.store, &mut attempts, id).await?;
            if account.trace_id == request.trace_id {
                // By this very request, whose write was repeated.
                return identity::me(&account);
            }
            if expected.is_some_and(|version| version != account.version) {
                return Err(runtime::version_mismatch().into());
            }
            let patched = request.body.0.clone().apply(&account, request.now)?;
            if patched == account {
                return identity::me(&account);
            }
            let cause = identity::cause(id, &request);
            let next = patched.changed(AccountChangeKind::ProfileChanged, &cause);
            let written = self.store.change_account(&next).await?;
            if written == AccountOutcome::Changed {
                return identity::me(&next);
            }
        }
    }
}

fn main() -> ExitCode {
    access::serve(|_, store| Ok(ChangeMe { store }))
}

//! `PATCH /v1/me/passkeys/{passkey_id}`: renames a passkey of the person who is signed in.

use std::process::ExitCode;

use domain::{
    fault::Rejection,
    id::PasskeyId,
    identity::factors::{PasskeyPatch, PasskeyView},
};
use runtime::{Access, Endpoint, Failure, MergePatch, NoQuery, Reply, Request};
use store::Store;

pub(crate) struct RenamePasskey {
    store: Store,
}

/// Parameters of the path.
#[derive(serde::Deserialize, schemars::JsonSchema)]
pub(crate) struct RenamedPasskeyPath {
    /// Identifier of the passkey.
    passkey_id: PasskeyId,
}

impl Endpoint for RenamePasskey {
    const ACCESS: Access = Access::Person;
    type Path = RenamedPasskeyPath;
    type Query = NoQuery;
    type Body = MergePatch<PasskeyPatch>;
    type Response = PasskeyView;

    async fn handle(&self, request: Request<Self>) -> Result<Reply<PasskeyView>, Failure> {
        let (account, id) = (request.account()?, request.path.passkey_id);
        let passkey = match request.body.0.parse()? {
            None => self.store.passkey(account, id).await?,
            Some(name) => self.store.rename_passkey(account, id, &name).await?,
        };
        let passkey = passkey.ok_or_else(|| Rejection::not_found("passkey"))?;
        Reply::of(&PasskeyView::from(&passkey))
    }
}

fn main() -> ExitCode {
    access::serve(|_, store| Ok(RenamePasskey { store }))
}

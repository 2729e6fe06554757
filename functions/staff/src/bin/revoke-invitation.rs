//! `DELETE /v1/admin/staff/invitations/{invitation_id}`: say here in one sentence what it does.

use std::process::ExitCode;

use domain::identity::Permission;
use runtime::{Access, Endpoint, Failure, NoBody, NoQuery, Reply, Request};
use store::Store;

pub(crate) struct RevokeInvitation {
    store: Store,
}

/// Parameters of the path.
#[derive(serde::Deserialize, schemars::JsonSchema)]
pub(crate) struct RevokeInvitationPath {
    /// Identifier of the invitation.
    invitation_id: String,
}

impl Endpoint for RevokeInvitation {
    const ACCESS: Access = Access::Staff(Permission::StaffWrite);
    type Path = RevokeInvitationPath;
    type Query = NoQuery;
    type Body = NoBody;
    type Response = String;

    async fn handle(&self, request: Request<Self>) -> Result<Reply<String>, Failure> {
        // Read what the use case needs from the store, let the domain decide, write what it decided.
        let _ = (&self.store, &request.path.invitation_id);
        Reply::of(&String::from("hello"))
    }
}

fn main() -> ExitCode {
    access::serve(|_, store| Ok(RevokeInvitation { store }))
}

//! `DELETE /v1/admin/staff/invitations/{invitation_id}`: revokes an invitation, whose link no longer works.

use std::process::ExitCode;

use domain::{fault::Rejection, id::InvitationId, identity::Permission};
use runtime::{Access, Endpoint, Failure, NoBody, NoContent, NoQuery, Reply, Request};
use store::Store;

pub(crate) struct RevokeInvitation {
    store: Store,
}

/// Parameters of the path.
#[derive(serde::Deserialize, schemars::JsonSchema)]
pub(crate) struct RevokeInvitationPath {
    /// Identifier of the invitation.
    invitation_id: InvitationId,
}

impl Endpoint for RevokeInvitation {
    const ACCESS: Access = Access::Staff(Permission::StaffWrite);
    const SUCCESS: u16 = 204;
    type Path = RevokeInvitationPath;
    type Query = NoQuery;
    type Body = NoBody;
    type Response = NoContent;

    async fn handle(&self, request: Request<Self>) -> Result<Reply<NoContent>, Failure> {
        let id = request.path.invitation_id;
        let author = request.author();
        if !self.store.revoke_invitation(id, &author).await? {
            return Err(Rejection::not_found("invitation").into());
        }
        tracing::info!(invitation.id = %id, "invitation revoked");
        Ok(Reply::none())
    }
}

fn main() -> ExitCode {
    access::serve(|_, store| Ok(RevokeInvitation { store }))
}

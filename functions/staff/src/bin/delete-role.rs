//! `DELETE /v1/admin/roles/{role}`: removes a role of the shop's own that nobody of the staff and no open invitation has.

use std::process::ExitCode;

use domain::{
    fault::Rejection,
    identity::Permission,
    staff::{own_role_name, role_in_use},
};
use runtime::{Access, Endpoint, Failure, NoBody, NoContent, NoQuery, Reply, Request};
use store::Store;

pub(crate) struct DeleteRole {
    store: Store,
}

/// Parameters of the path.
#[derive(serde::Deserialize, schemars::JsonSchema)]
pub(crate) struct DeleteRolePath {
    /// Name of the role.
    role: String,
}

impl Endpoint for DeleteRole {
    const ACCESS: Access = Access::Staff(Permission::StaffWrite);
    const SUCCESS: u16 = 204;
    type Path = DeleteRolePath;
    type Query = NoQuery;
    type Body = NoBody;
    type Response = NoContent;

    async fn handle(&self, request: Request<Self>) -> Result<Reply<NoContent>, Failure> {
        let name = own_role_name(&request.path.role)?;
        let author = request.author();
        let mut attempts = staff::attempts();
        loop {
            attempts.next().await?;
            // Before the lists: whoever gets the role afterwards makes the removal fail.
            let role = self.store.role(name).await?;
            let role = role.filter(|role| !role.is_removed);
            let role = role.ok_or_else(|| Rejection::not_found("role"))?;
            let staff = self.store.staff().await?;
            let invitations = self.store.invitations(request.now).await?;
            if staff.iter().any(|it| it.role == name)
                || invitations.iter().any(|it| it.role == name)
            {
                return Err(role_in_use().into());
            }
            if self.store.put_role(&role.removed(&author)).await? {
                tracing::info!(staff.role = name, "role removed");
                return Ok(Reply::none());
            }
        }
    }
}

fn main() -> ExitCode {
    access::serve(|_, store| Ok(DeleteRole { store }))
}

//! `GET /v1/admin/staff/invitations`: lists the invitations that can be accepted.

use std::process::ExitCode;

use domain::{identity::Permission, staff::api::InvitationsView};
use runtime::{Access, Endpoint, Failure, NoBody, NoPath, NoQuery, Reply, Request};
use store::Store;

pub(crate) struct ListInvitations {
    store: Store,
}

impl Endpoint for ListInvitations {
    const ACCESS: Access = Access::Staff(Permission::StaffRead);
    type Path = NoPath;
    type Query = NoQuery;
    type Body = NoBody;
    type Response = InvitationsView;

    async fn handle(&self, request: Request<Self>) -> Result<Reply<InvitationsView>, Failure> {
        let invitations = self.store.invitations(request.now).await?;
        Reply::of(&InvitationsView::of(&invitations))
    }
}

fn main() -> ExitCode {
    access::serve(|_, store| Ok(ListInvitations { store }))
}

//! `POST /v1/admin/staff/invitations`: invites somebody to the staff by a mail, whose link works for 7 days. Nobody gives a permission that they do not have.

use std::process::ExitCode;

use domain::{
    id::InvitationId,
    identity::{Permission, api::parse_email},
    limits::{Caller, Limit, SEND_LINK, SEND_LINK_ACCOUNT},
    notifications::suppression::AddressHash,
    staff::{
        Invitation, already_member,
        api::{InvitationView, InviteBody},
        must_have_all,
    },
};
use limiter::Limiter;
use runtime::{Access, Endpoint, Failure, Json, NoPath, NoQuery, Reply, Request};
use store::Store;

pub(crate) struct InviteStaff {
    store: Store,
    limiter: Limiter,
}

impl Endpoint for InviteStaff {
    const ACCESS: Access = Access::Staff(Permission::StaffWrite);
    const SUCCESS: u16 = 201;
    const LIMITS: &'static [&'static Limit] = &[&SEND_LINK_ACCOUNT, &SEND_LINK];
    type Path = NoPath;
    type Query = NoQuery;
    type Body = Json<InviteBody>;
    type Response = InvitationView;

    async fn handle(&self, request: Request<Self>) -> Result<Reply<InvitationView>, Failure> {
        let now = request.now;
        let email = parse_email(&request.body.0.email)?;
        let name = &request.body.0.role;
        let caller = Caller {
            email: Some(&email),
            ..request.caller()
        };
        self.limiter.check(&SEND_LINK_ACCOUNT, caller, now).await?;
        self.limiter.check(&SEND_LINK, caller, now).await?;
        // Whoever belongs to the staff gets another role by a change of it; an open invitation would outlive a removal.
        let login = self.store.login(&AddressHash::of(&email)).await?;
        if login.is_some_and(|login| login.is_staff) {
            return Err(already_member().into());
        }
        let invitation = Invitation {
            id: InvitationId::at(now, runtime::random()?),
            role: name.clone(),
            invited_by: request.staff(),
            created_at: now,
            account: None,
            revoked_by: None,
            trace_id: request.trace_id.clone(),
            traceparent: request.traceparent,
            email,
        };
        let mut attempts = staff::attempts();
        loop {
            attempts.next().await?;
            let role = staff::role(&self.store, name).await?;
            must_have_all(request.identity(), &role.permissions)?;
            if self.store.invite(&invitation, &role).await? {
                break;
            }
        }
        tracing::info!(invitation.id = %invitation.id, staff.role = name, "staff invited");
        let view = InvitationView::from(&invitation);
        let location = format!("/v1/admin/staff/invitations/{}", invitation.id);
        Ok(Reply::of(&view)?.at(location))
    }
}

fn main() -> ExitCode {
    access::serve_with_settings(|environment, store, control| {
        Ok(InviteStaff {
            limiter: Limiter::new(&store, control, environment)?,
            store,
        })
    })
}

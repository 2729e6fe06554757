//! Invites an owner by a mail, for whoever may invoke the function by their rights in the AWS account. The first owner of a shop comes
//! in by it, and so does another one if nobody can sign in any more.

use std::process::ExitCode;

use domain::{
    id::InvitationId,
    identity::Role,
    orders::Actor,
    staff::{GivenRole, Invitation, api::InvitationView},
    text,
};
use runtime::{Command, ConsumeError, Invocation};
use store::Store;

struct InviteOwner {
    store: Store,
}

/// Payload of an invocation.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct NewOwner {
    /// Email address of the person.
    email: String,
}

impl Command for InviteOwner {
    type Payload = NewOwner;
    type Answer = InvitationView;

    async fn run(&self, invocation: Invocation<NewOwner>) -> Result<InvitationView, ConsumeError> {
        let now = invocation.now;
        let email = text::email(&invocation.payload.email);
        let email = email.ok_or("email must be an address such as ada@example.com")?;
        let random = runtime::random().map_err(|_| "no random numbers")?;
        let role = GivenRole::built_in(Role::Owner);
        let invitation = Invitation {
            id: InvitationId::at(now, random),
            email,
            role: role.name.clone(),
            // Nobody of the staff: CloudTrail knows who has invoked the function.
            invited_by: Actor::Shop,
            created_at: now,
            account: None,
            revoked_by: None,
            trace_id: invocation.trace_id,
            traceparent: invocation.traceparent,
        };
        self.store.invite(&invitation, &role).await?;
        tracing::info!(invitation.id = %invitation.id, staff.role = role.name, "staff invited");
        Ok(InvitationView::from(&invitation))
    }
}

fn main() -> ExitCode {
    runtime::run_command(|environment| {
        Ok(InviteOwner {
            store: Store::new(
                &environment.sdk_config()?,
                environment.require("TABLE_NAME")?,
            ),
        })
    })
}

//! `DELETE /v1/admin/staff/members/{account_id}`: takes a member from the staff, ends their sessions, and revokes the open invitations that they have sent or got; they keep their account as a customer. The last owner stays.

use std::process::ExitCode;

use domain::{
    fault::Rejection,
    id::AccountId,
    identity::{Account, AccountChangeKind, Permission, Role, StaffMember},
    notifications::suppression::AddressHash,
    staff::{Invitation, last_owner, must_have_all},
};
use runtime::{Access, Endpoint, Failure, NoBody, NoContent, NoQuery, Reply, Request};
use store::{Consistency, StaffOutcome, Store};

pub(crate) struct RemoveStaff {
    store: Store,
}

/// Parameters of the path.
#[derive(serde::Deserialize, schemars::JsonSchema)]
pub(crate) struct RemoveStaffPath {
    /// Identifier of the account.
    account_id: AccountId,
}

impl Endpoint for RemoveStaff {
    const ACCESS: Access = Access::Staff(Permission::StaffWrite);
    const SUCCESS: u16 = 204;
    type Path = RemoveStaffPath;
    type Query = NoQuery;
    type Body = NoBody;
    type Response = NoContent;

    async fn handle(&self, request: Request<Self>) -> Result<Reply<NoContent>, Failure> {
        let id = request.path.account_id;
        let cause = request.change_cause();
        let mut attempts = staff::attempts();
        loop {
            attempts.next().await?;
            let account = self.store.account(id, Consistency::Strong).await?;
            let account = account.ok_or_else(no_member)?;
            if account.staff.is_none() {
                if account.last_change.kind == AccountChangeKind::StaffRemoved {
                    // By a request that may have been interrupted before it was done.
                    self.end(id, &request).await?;
                }
                return Err(no_member().into());
            }
            must_have_all(request.identity(), &account.permissions())?;
            // The removal is refused otherwise, and a refused request changes nothing.
            if account.staff.as_ref().is_some_and(StaffMember::is_owner)
                && !self.has_owners().await?
            {
                return Err(last_owner().into());
            }
            // Before they are removed: a member is not let in a second time, and somebody who waits for the removal would be.
            let address = AddressHash::of(&account.email);
            let is_meant = |invitation: &Invitation| invitation.is_to(&address);
            staff::revoke_invitations(&self.store, id, &request.author(), is_meant).await?;
            let next = Account {
                staff: None,
                ..account.signed_out(AccountChangeKind::StaffRemoved, &cause)
            };
            match self.store.change_staff(&account, &next, None).await? {
                StaffOutcome::Changed => {
                    self.end(id, &request).await?;
                    tracing::info!(account.id = %id, "staff removed");
                    return Ok(Reply::none());
                }
                StaffOutcome::LastOwner => return Err(last_owner().into()),
                StaffOutcome::Superseded => {}
            }
        }
    }
}

impl RemoveStaff {
    /// Whether there are owners besides one.
    async fn has_owners(&self) -> Result<bool, Failure> {
        let staff = self.store.staff().await?;
        let owners = staff
            .iter()
            .filter(|entry| entry.role == Role::Owner.name());
        Ok(owners.count() > 1)
    }

    /// Ends the tokens of a member who was removed, and revokes the invitations that they have sent.
    async fn end(&self, id: AccountId, request: &Request<Self>) -> Result<(), Failure> {
        access::end_tokens(&self.store, [id]).await?;
        let is_meant = |invitation: &Invitation| invitation.is_from(id);
        staff::revoke_invitations(&self.store, id, &request.author(), is_meant).await
    }
}

fn no_member() -> Rejection {
    Rejection::not_found("member of the staff")
}

fn main() -> ExitCode {
    access::serve(|_, store| Ok(RemoveStaff { store }))
}

//! `PATCH /v1/admin/staff/members/{account_id}`: gives a member of the staff another role, ends their sessions, and revokes the open invitations that they have sent if they may send none any more. Nobody gives or takes a permission that they do not have; the last owner keeps the role.

use std::process::ExitCode;

use domain::{
    fault::Rejection,
    id::AccountId,
    identity::{Account, AccountChangeKind, Permission},
    staff::{
        Invitation,
        api::{ChangeStaffBody, StaffMemberView},
        last_owner, must_have_all,
    },
};
use runtime::{Access, Endpoint, Failure, MergePatch, NoQuery, Reply, Request};
use store::{Consistency, StaffOutcome, Store};

pub(crate) struct ChangeStaff {
    store: Store,
}

/// Parameters of the path.
#[derive(serde::Deserialize, schemars::JsonSchema)]
pub(crate) struct ChangeStaffPath {
    /// Identifier of the account.
    account_id: AccountId,
}

impl Endpoint for ChangeStaff {
    const ACCESS: Access = Access::Staff(Permission::StaffWrite);
    type Path = ChangeStaffPath;
    type Query = NoQuery;
    type Body = MergePatch<ChangeStaffBody>;
    type Response = StaffMemberView;

    async fn handle(&self, request: Request<Self>) -> Result<Reply<StaffMemberView>, Failure> {
        let id = request.path.account_id;
        let account = self.change(id, &request).await?;
        // Also of a member who has the role already: a request that was interrupted here may be sent again.
        access::end_tokens(&self.store, [id]).await?;
        if !account.permissions().contains(&Permission::StaffWrite) {
            let is_meant = |invitation: &Invitation| invitation.is_from(id);
            staff::revoke_invitations(&self.store, id, &request.author(), is_meant).await?;
        }
        let entry = self.store.staff_entry(id).await?;
        let view = entry.and_then(|entry| StaffMemberView::of(&entry, &account));
        Reply::of(&view.ok_or_else(no_member)?)
    }
}

impl ChangeStaff {
    /// The account with the role.
    async fn change(&self, id: AccountId, request: &Request<Self>) -> Result<Account, Failure> {
        let name = &request.body.0.role;
        let caller = request.identity();
        let cause = request.change_cause();
        let mut attempts = staff::attempts();
        loop {
            attempts.next().await?;
            let account = self.store.account(id, Consistency::Strong).await?;
            let account = account.filter(|account| account.staff.is_some());
            let account = account.ok_or_else(no_member)?;
            let role = staff::role(&self.store, name).await?;
            must_have_all(caller, &account.permissions())?;
            must_have_all(caller, &role.permissions)?;
            let member = Some(role.member());
            if account.staff == member {
                return Ok(account);
            }
            let next = Account {
                staff: member,
                ..account.signed_out(AccountChangeKind::RoleChanged, &cause)
            };
            let written = self.store.change_staff(&account, &next, Some(&role));
            match written.await? {
                StaffOutcome::Changed => {
                    tracing::info!(account.id = %id, staff.role = name, "staff changed");
                    return Ok(next);
                }
                StaffOutcome::LastOwner => return Err(last_owner().into()),
                StaffOutcome::Superseded => {}
            }
        }
    }
}

fn no_member() -> Rejection {
    Rejection::not_found("member of the staff")
}

fn main() -> ExitCode {
    access::serve(|_, store| Ok(ChangeStaff { store }))
}

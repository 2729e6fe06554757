//! `PUT /v1/admin/roles/{role}`: makes a role of the shop's own, or gives it and everybody who has it other permissions. Nobody gives or takes a permission that they do not have. A request that was interrupted may be sent again.

use std::{collections::BTreeSet, process::ExitCode};

use domain::{
    id::AccountId,
    identity::{Account, AccountChangeKind, Permission},
    staff::{
        CustomRole, MAX_ROLES,
        api::{RoleBody, RoleView},
        must_have_all, own_role_name, too_many_roles,
    },
};
use runtime::{Access, Endpoint, Failure, Json, NoQuery, Reply, Request};
use store::{Consistency, StaffOutcome, Store};

pub(crate) struct PutRole {
    store: Store,
}

/// Parameters of the path.
#[derive(serde::Deserialize, schemars::JsonSchema)]
pub(crate) struct PutRolePath {
    /// Name of the role: 1 to 40 lower-case letters, digits and underscores.
    role: String,
}

impl Endpoint for PutRole {
    const ACCESS: Access = Access::Staff(Permission::StaffWrite);
    type Path = PutRolePath;
    type Query = NoQuery;
    type Body = Json<RoleBody>;
    type Response = RoleView;

    async fn handle(&self, request: Request<Self>) -> Result<Reply<RoleView>, Failure> {
        let name = own_role_name(&request.path.role)?;
        let permissions = request.body.0.parse()?;
        must_have_all(request.identity(), &permissions)?;
        let role = self.put(name, &permissions, &request).await?;
        self.tell_members(name, &request).await?;
        Reply::of(&RoleView::from(&role))
    }
}

impl PutRole {
    /// Stores the role, unless it is there as it should be.
    async fn put(
        &self,
        name: &str,
        permissions: &BTreeSet<Permission>,
        request: &Request<Self>,
    ) -> Result<CustomRole, Failure> {
        let author = request.author();
        let mut attempts = staff::attempts();
        loop {
            attempts.next().await?;
            let before = self.store.role(name).await?;
            match before.as_ref().filter(|role| !role.is_removed) {
                Some(role) if role.permits(permissions) => return Ok(role.clone()),
                Some(role) => must_have_all(request.identity(), &role.permissions())?,
                None => {
                    if self.store.roles().await?.len() >= MAX_ROLES {
                        return Err(too_many_roles().into());
                    }
                }
            }
            let next = match &before {
                Some(role) => role.with(permissions, &author),
                None => CustomRole::new(name, permissions, &author),
            };
            if self.store.put_role(&next).await? {
                tracing::info!(staff.role = name, "role changed");
                return Ok(next);
            }
        }
    }

    /// Gives everybody with the role what it permits now, and ends the tokens of before: a refresh gets new ones.
    async fn tell_members(&self, name: &str, request: &Request<Self>) -> Result<(), Failure> {
        let mut told = Vec::new();
        for entry in self.store.staff().await? {
            if entry.role == name {
                self.tell(entry.account, name, request).await?;
                told.push(entry.account);
            }
        }
        // Also those who had been told before, by a request that was interrupted here.
        if !told.is_empty() {
            access::end_tokens(&self.store, told).await?;
        }
        Ok(())
    }

    async fn tell(
        &self,
        id: AccountId,
        name: &str,
        request: &Request<Self>,
    ) -> Result<(), Failure> {
        let cause = request.change_cause();
        let mut attempts = staff::attempts();
        loop {
            attempts.next().await?;
            let account = self.store.account(id, Consistency::Strong).await?;
            // What the role says now: another request may have changed it again.
            let role = self.store.role_to_give(name).await?;
            let (Some(account), Some(role)) = (account, role) else {
                return Ok(());
            };
            let member = role.member();
            match &account.staff {
                Some(staff) if staff.role == name && *staff != member => {}
                // Up to date, or with another role since.
                _ => return Ok(()),
            }
            let next = Account {
                staff: Some(member),
                ..account.changed(AccountChangeKind::RoleChanged, &cause)
            };
            let written = self.store.change_staff(&account, &next, Some(&role));
            if written.await? == StaffOutcome::Changed {
                return Ok(());
            }
        }
    }
}

fn main() -> ExitCode {
    access::serve(|_, store| Ok(PutRole { store }))
}

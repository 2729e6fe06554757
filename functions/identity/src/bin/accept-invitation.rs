//! `POST /v1/auth/invitations/accept`: makes the reader of an invitation's mail a member of the staff, by the token of its link. An address without an account gets one, with the password that is given.

use std::{process::ExitCode, sync::Arc};

use control::Control;
use domain::{
    id::AccountId,
    identity::{Account, AccountChangeKind, LinkPurpose, PasswordHash, api::invalid_link},
    notifications::suppression::AddressHash,
    staff::{
        GivenRole, Invitation,
        api::{AcceptBody, NewMember},
        last_owner,
    },
};
use identity::Accounts;
use runtime::{Access, Endpoint, Failure, Json, NoContent, NoPath, NoQuery, Reply, Request};
use store::{AcceptOutcome, Joining, Store};

pub(crate) struct AcceptInvitation {
    accounts: Accounts,
}

/// The account that somebody without one gets.
struct NewAccount {
    member: NewMember,
    password: PasswordHash,
}

impl Endpoint for AcceptInvitation {
    const ACCESS: Access = Access::Public;
    const CREDENTIALS: bool = true;
    const SUCCESS: u16 = 204;
    type Path = NoPath;
    type Query = NoQuery;
    type Body = Json<AcceptBody>;
    type Response = NoContent;

    async fn handle(&self, request: Request<Self>) -> Result<Reply<NoContent>, Failure> {
        let token = identity::read_link(&request.body.0.token.0)?;
        let store = &self.accounts.store;
        let invitation = store.invitation(token.id, request.now).await?;
        let invitation = invitation.ok_or_else(invalid_link)?;
        let (purpose, address) = (LinkPurpose::Invite, &invitation.email);
        self.accounts.verify_link(purpose, &token, address).await?;
        let mut new = None;
        let mut attempts = identity::attempts();
        loop {
            if attempts.next().await.is_err() {
                return Err(identity::conflict().into());
            }
            // It stays while an invitation has it.
            let role = store.role_to_give(&invitation.role).await?;
            let role = role.ok_or_else(invalid_link)?;
            let login = store.login(&AddressHash::of(address)).await?;
            let outcome = match login {
                Some(login) => {
                    let before = self.accounts.account(login.account).await?;
                    self.add(&invitation, &before, &role, &request).await?
                }
                None => {
                    let account = match new.take() {
                        Some(account) => account,
                        None => self.new_account(&request).await?,
                    };
                    let outcome = self.make(&invitation, &account, &role, &request);
                    let outcome = outcome.await?;
                    new = Some(account);
                    outcome
                }
            };
            match outcome {
                AcceptOutcome::Accepted => return Ok(Reply::none()),
                AcceptOutcome::NotOpen => return Err(invalid_link().into()),
                AcceptOutcome::LastOwner => return Err(last_owner().into()),
                AcceptOutcome::Superseded => {}
            }
        }
    }
}

impl AcceptInvitation {
    /// What an account needs. A password that cannot be one does not use up the link.
    async fn new_account(&self, request: &Request<Self>) -> Result<NewAccount, Failure> {
        let member = request.body.0.new_member(breached::is_breached)?;
        let password = self.accounts.hash(&member.password).await?;
        Ok(NewAccount { member, password })
    }

    /// Makes an account that belongs to the staff.
    async fn make(
        &self,
        invitation: &Invitation,
        new: &NewAccount,
        role: &GivenRole,
        request: &Request<Self>,
    ) -> Result<AcceptOutcome, Failure> {
        let id = invitation.account_id();
        let account = Account::joining(
            id,
            invitation.email.clone(),
            new.member.name.clone(),
            role.member(),
            &identity::cause(id, request),
        );
        let joining = Joining::New(&new.password);
        let store = &self.accounts.store;
        let outcome = store.accept_invitation(invitation, joining, &account, role);
        let outcome = outcome.await?;
        log(outcome, id, role);
        Ok(outcome)
    }

    /// Adds the membership to an account that is there, and ends its sessions: those of staff are shorter.
    async fn add(
        &self,
        invitation: &Invitation,
        before: &Account,
        role: &GivenRole,
        request: &Request<Self>,
    ) -> Result<AcceptOutcome, Failure> {
        let cause = identity::cause(before.id, request);
        let after = Account {
            staff: Some(role.member()),
            ..before.signed_out(AccountChangeKind::StaffJoined, &cause)
        };
        let joining = Joining::Existing(before);
        let store = &self.accounts.store;
        let outcome = store.accept_invitation(invitation, joining, &after, role);
        let outcome = outcome.await?;
        log(outcome, before.id, role);
        // Tokens of customers permit nothing that is lost now.
        if outcome == AcceptOutcome::Accepted && before.staff.is_some() {
            let ended = [before.id.to_string()];
            store.end_tokens(&ended, runtime::now()).await?;
        }
        Ok(outcome)
    }
}

fn log(outcome: AcceptOutcome, id: AccountId, role: &GivenRole) {
    if outcome == AcceptOutcome::Accepted {
        tracing::info!(account.id = %id, staff.role = role.name, "invitation accepted");
    }
}

fn main() -> ExitCode {
    runtime::serve(|environment| {
        let store = Store::new(
            &environment.sdk_config()?,
            environment.require("TABLE_NAME")?,
        );
        let control = Arc::new(Control::of_keys(&store, environment)?);
        Ok(AcceptInvitation {
            accounts: Accounts::new(environment, store, control)?,
        })
    })
}

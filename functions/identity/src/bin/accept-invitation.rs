//! `POST /v1/auth/invitations/accept`: makes the reader of an invitation's mail a member of the staff, by the token of its link. An address without an account gets one. An account that is there loses its sessions, passkeys and authenticator app. Either has the password that is given.

use std::{process::ExitCode, sync::Arc};

use control::Control;
use domain::{
    id::{AccountId, PasskeyId},
    identity::{Account, AccountChangeKind, LinkPurpose, PasswordHash, api::invalid_link},
    notifications::suppression::AddressHash,
    orders::Actor,
    staff::{
        Author, GivenRole, Invitation, Inviter, already_member,
        api::{AcceptBody, NewMember},
        may_invite,
    },
};
use identity::Accounts;
use jiff::Timestamp;
use runtime::{Access, Endpoint, Failure, Json, NoContent, NoPath, NoQuery, Reply, Request};
use store::{AcceptOutcome, Consistency, Joining, Store};

pub(crate) struct AcceptInvitation {
    accounts: Accounts,
}

/// What the reader of the mail gives.
struct Person {
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
        let mut person = None;
        let mut attempts = identity::attempts();
        loop {
            attempts.next().await?;
            // It stays while an invitation has it.
            let role = store.role_to_give(&invitation.role).await?;
            let role = role.ok_or_else(invalid_link)?;
            if !self.is_still_meant(&invitation, &role, request.now).await? {
                return Err(invalid_link().into());
            }
            let before = match store.login(&AddressHash::of(address)).await? {
                Some(login) => Some(self.accounts.account(login.account).await?),
                None => None,
            };
            if before.as_ref().is_some_and(|it| it.staff.is_some()) {
                // A request at the same time may have used the same link.
                let is_open = store
                    .invitation(invitation.id, request.now)
                    .await?
                    .is_some();
                return Err(match is_open {
                    true => already_member().into(),
                    false => invalid_link().into(),
                });
            }
            let given = match person.take() {
                Some(given) => given,
                None => self.person(&request).await?,
            };
            let outcome = match &before {
                Some(before) => {
                    let added = self.add(&invitation, before, &given, &role, &request);
                    added.await?
                }
                None => self.make(&invitation, &given, &role, &request).await?,
            };
            match outcome {
                AcceptOutcome::Accepted => {
                    self.revoke_others(address, &request).await?;
                    return Ok(Reply::none());
                }
                AcceptOutcome::NotOpen => return Err(invalid_link().into()),
                AcceptOutcome::Superseded => person = Some(given),
            }
        }
    }
}

impl AcceptInvitation {
    /// Whether the author of the invitation may still send it: nobody comes back by what they have sent before they were removed.
    async fn is_still_meant(
        &self,
        invitation: &Invitation,
        role: &GivenRole,
        now: Timestamp,
    ) -> Result<bool, Failure> {
        let store = &self.accounts.store;
        let permissions = match invitation.inviter() {
            None => None,
            Some(Inviter::Operator) => return Ok(true),
            Some(Inviter::Member(id)) => {
                let account = store.account(id, Consistency::Strong).await?;
                account.map(|account| account.permissions())
            }
            Some(Inviter::ApiKey(id)) => {
                let key = store.api_key_named(id).await?;
                key.filter(|key| key.is_valid(now)).map(|key| key.scopes())
            }
        };
        Ok(permissions.is_some_and(|permissions| may_invite(&permissions, role)))
    }

    /// Revokes the other invitations to the address: one would let its reader in again after a removal.
    async fn revoke_others(&self, address: &str, request: &Request<Self>) -> Result<(), Failure> {
        let address = AddressHash::of(address);
        let author = Author {
            actor: Actor::Shop,
            at: request.now,
            cause: request.cause(),
        };
        let is_meant = |invitation: &Invitation| invitation.is_to(&address);
        let store = &self.accounts.store;
        store.revoke_invitations(&author, is_meant).await?;
        Ok(())
    }

    /// What the account needs. A password that cannot be one does not use up the link.
    async fn person(&self, request: &Request<Self>) -> Result<Person, Failure> {
        let member = request.body.0.new_member(breached::is_breached)?;
        let password = self.accounts.hash(&member.password).await?;
        Ok(Person { member, password })
    }

    /// Makes an account that belongs to the staff.
    async fn make(
        &self,
        invitation: &Invitation,
        given: &Person,
        role: &GivenRole,
        request: &Request<Self>,
    ) -> Result<AcceptOutcome, Failure> {
        let id = invitation.account_id();
        let account = Account::joining(
            id,
            invitation.email.clone(),
            given.member.name.clone(),
            role.member(),
            &identity::cause(id, request),
        );
        let (store, password) = (&self.accounts.store, &given.password);
        let joining = Joining::New;
        let outcome = store.accept_invitation(invitation, joining, &account, password, role);
        let outcome = outcome.await?;
        log(outcome, id, role);
        Ok(outcome)
    }

    /// Adds the membership to an account that is there. Its password, passkeys, app and sessions may be somebody else's, who had the
    /// address confirmed by its owner: only the reader of this mail has what counts afterwards.
    async fn add(
        &self,
        invitation: &Invitation,
        before: &Account,
        given: &Person,
        role: &GivenRole,
        request: &Request<Self>,
    ) -> Result<AcceptOutcome, Failure> {
        let cause = identity::cause(before.id, request);
        let after = Account {
            staff: Some(role.member()),
            name: given.member.name.clone().or_else(|| before.name.clone()),
            ..before.signed_out(AccountChangeKind::StaffJoined, &cause)
        };
        let (store, password) = (&self.accounts.store, &given.password);
        // After the account was read: one that is added later makes another version of it.
        let passkeys = store.passkeys(before.id).await?;
        let passkeys: Vec<PasskeyId> = passkeys.iter().map(|it| it.id).collect();
        let joining = Joining::Existing(&passkeys);
        let outcome = store.accept_invitation(invitation, joining, &after, password, role);
        let outcome = outcome.await?;
        log(outcome, before.id, role);
        if outcome == AcceptOutcome::Accepted {
            access::end_tokens(store, [before.id]).await?;
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

//! Finds out which email an event about an account calls for, and makes its link.

use domain::{
    event::Event,
    id::{AccountId, EmailChangeId, Id, JobId, Kind, SessionId},
    identity::{AccountChangeKind, LinkPurpose, Secrets},
    jobs::{JobKind, JobState},
    notifications::{AccountMail, Email, Place, suppression::AddressHash},
};
use gateways::secrets::Secret;
use jiff::Timestamp;
use runtime::ConsumeError;
use store::{Consistency, Store};

/// Makes the emails of accounts.
#[derive(Debug)]
pub struct AccountMails {
    store: Store,
    secrets: Secret<Secrets>,
    /// Address of the shop, without a slash at its end.
    address: String,
}

impl AccountMails {
    /// Makes links to pages at `address`.
    pub fn new(store: Store, secrets: Secret<Secrets>, address: &str) -> Self {
        Self {
            store,
            secrets,
            address: address.trim_end_matches('/').to_owned(),
        }
    }

    /// The email that an event calls for; `None` if it calls for none, or no longer does.
    pub async fn of(
        &self,
        event: &Event,
        shop: &str,
        now: Timestamp,
    ) -> Result<Option<Email>, ConsumeError> {
        match event {
            Event::LinkRequested {
                purpose,
                request_id,
            } => match purpose {
                LinkPurpose::Verify => self.verify(request_id, shop, now).await,
                LinkPurpose::Reset => self.reset(request_id, shop, now).await,
                LinkPurpose::ChangeEmail => self.confirm_email(request_id, shop, now).await,
                LinkPurpose::Invite => self.invite(request_id, shop, now).await,
            },
            Event::AccountChanged {
                account_id,
                what,
                email_change_id,
                ..
            } => {
                self.changed(*account_id, *what, *email_change_id, shop, now)
                    .await
            }
            Event::SessionBegan {
                account_id,
                session_id,
            } => self.new_device(*account_id, *session_id, shop, now).await,
            Event::JobStepDue {
                job_id,
                kind: JobKind::AccountExport,
                ..
            } => self.export_ready(*job_id, shop).await,
            _ => Ok(None),
        }
    }

    async fn verify(
        &self,
        request_id: &str,
        shop: &str,
        now: Timestamp,
    ) -> Result<Option<Email>, ConsumeError> {
        let registration = self.store.registration(request_id.parse()?, now).await?;
        // It has expired, or its account exists by now.
        let Some(registration) = registration.filter(|it| it.account.is_none()) else {
            return Ok(None);
        };
        let to = &registration.email;
        if self.store.login(&AddressHash::of(to)).await?.is_some() {
            let link = format!("{}/#/account", self.address);
            let mail = AccountMail::AlreadyRegistered { link: &link };
            return Ok(Some(mail.render(to, shop)?));
        }
        let link = self.link(LinkPurpose::Verify, "verify", registration.id, to);
        let link = link.await?;
        Ok(Some(AccountMail::Verify { link: &link }.render(to, shop)?))
    }

    async fn reset(
        &self,
        request_id: &str,
        shop: &str,
        now: Timestamp,
    ) -> Result<Option<Email>, ConsumeError> {
        let Some(reset) = self.store.password_reset(request_id.parse()?, now).await? else {
            return Ok(None);
        };
        let to = &reset.email;
        let login = self.store.login(&AddressHash::of(to)).await?;
        if !login.is_some_and(|login| reset.applies_to(&login)) {
            return Ok(None);
        }
        let link = self.link(LinkPurpose::Reset, "reset", reset.id, to).await?;
        Ok(Some(AccountMail::Reset { link: &link }.render(to, shop)?))
    }

    async fn confirm_email(
        &self,
        request_id: &str,
        shop: &str,
        now: Timestamp,
    ) -> Result<Option<Email>, ConsumeError> {
        let change = self.store.email_change(request_id.parse()?).await?;
        let Some(change) = change.filter(|change| change.expires_at() > now) else {
            return Ok(None);
        };
        let to = &change.new;
        if self.store.login(&AddressHash::of(to)).await?.is_some() {
            return Ok(None);
        }
        let link = self.link(LinkPurpose::ChangeEmail, "email", change.id, to);
        let link = link.await?;
        Ok(Some(
            AccountMail::ConfirmEmail { link: &link }.render(to, shop)?,
        ))
    }

    async fn invite(
        &self,
        request_id: &str,
        shop: &str,
        now: Timestamp,
    ) -> Result<Option<Email>, ConsumeError> {
        // It may have been revoked by now.
        let Some(invitation) = self.store.invitation(request_id.parse()?, now).await? else {
            return Ok(None);
        };
        let to = &invitation.email;
        let link = self.link(LinkPurpose::Invite, "invitation", invitation.id, to);
        let link = link.await?;
        // `read_only`, to people.
        let role = invitation.role.replace('_', " ");
        let mail = AccountMail::Invited {
            link: &link,
            role: &role,
        };
        Ok(Some(mail.render(to, shop)?))
    }

    async fn changed(
        &self,
        account: AccountId,
        what: AccountChangeKind,
        email_change: Option<EmailChangeId>,
        shop: &str,
        now: Timestamp,
    ) -> Result<Option<Email>, ConsumeError> {
        let account = self.store.account(account, Consistency::Strong).await?;
        if what == AccountChangeKind::EmailChanged {
            let Some(id) = email_change else {
                return Ok(None);
            };
            // The old address gets this mail even if the link has expired or the account has changed again since. If the account is
            // deleted, so is the request, and no mail is sent.
            let Some(change) = self.store.email_change(id).await? else {
                return Ok(None);
            };
            let last = account.map(|account| account.last_change);
            let last = last.filter(|last| last.email_change == Some(id));
            let mail = AccountMail::EmailChanged(Place {
                device: None,
                at: last.map_or(now, |last| last.at),
            });
            return Ok(Some(mail.render(&change.old, shop)?));
        }
        let Some(account) = account else {
            return Ok(None);
        };
        let place = Place {
            device: None,
            at: account.last_change.at,
        };
        let mail = match what {
            AccountChangeKind::PasswordChanged | AccountChangeKind::PasswordReset => {
                AccountMail::PasswordChanged(place)
            }
            AccountChangeKind::RefreshTokenReused => AccountMail::TokenReused(place),
            AccountChangeKind::PasskeyAdded => AccountMail::PasskeyAdded(place),
            AccountChangeKind::PasskeyRemoved => AccountMail::PasskeyRemoved(place),
            AccountChangeKind::PasskeyCloned => AccountMail::PasskeyCloned(place),
            AccountChangeKind::TotpEnabled => AccountMail::TotpEnabled(place),
            AccountChangeKind::TotpDisabled => AccountMail::TotpDisabled(place),
            AccountChangeKind::RecoveryCodeUsed => AccountMail::RecoveryCodeUsed(place),
            AccountChangeKind::CodesSuspended => AccountMail::CodesSuspended(place),
            _ => return Ok(None),
        };
        Ok(Some(mail.render(&account.email, shop)?))
    }

    /// A device is new if the account has been used on others, and on none that calls itself the same.
    async fn new_device(
        &self,
        account: AccountId,
        session: SessionId,
        shop: &str,
        now: Timestamp,
    ) -> Result<Option<Email>, ConsumeError> {
        let sessions = self.store.sessions(account, now).await?;
        let Some(new) = sessions.iter().find(|it| it.id == session) else {
            return Ok(None);
        };
        let mut others = sessions.iter().filter(|it| it.created_at < new.created_at);
        if others.clone().next().is_none() || others.any(|it| it.device == new.device) {
            return Ok(None);
        }
        let account = self.store.account(account, Consistency::Strong).await?;
        let Some(account) = account else {
            return Ok(None);
        };
        let mail = AccountMail::NewDevice(Place {
            device: Some(&new.device),
            at: new.created_at,
        });
        Ok(Some(mail.render(&account.email, shop)?))
    }

    /// Leads to the account, not to the file: whoever reads the mail need not be its owner.
    async fn export_ready(&self, job: JobId, shop: &str) -> Result<Option<Email>, ConsumeError> {
        let job = self.store.job(job, Consistency::Strong).await?;
        let job = job.filter(|job| job.state == JobState::Completed);
        let Some(account) = job.and_then(|job| job.account) else {
            return Ok(None);
        };
        // It may have been deleted by now.
        let account = self.store.account(account, Consistency::Strong).await?;
        let Some(account) = account else {
            return Ok(None);
        };
        let link = format!("{}/#/account", self.address);
        let mail = AccountMail::ExportReady { link: &link };
        Ok(Some(mail.render(&account.email, shop)?))
    }

    /// A link to a page of the shop. The token is in the fragment, which browsers send to nobody.
    async fn link<K: Kind>(
        &self,
        purpose: LinkPurpose,
        page: &str,
        id: Id<K>,
        address: &str,
    ) -> Result<String, ConsumeError> {
        let keys = self.secrets.keys().await?.link_keys()?;
        let newest = keys.first().ok_or("the secret has no root")?;
        let token = newest.token(purpose, id, address);
        Ok(format!("{}/#/account/{page}?token={token}", self.address))
    }
}

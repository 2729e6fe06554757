//! Who may change the ways to sign in to an account, and the codes of its second factor.

use domain::{
    id::AccountId,
    identity::{
        Account, AccountChangeKind, ChangeCause, Login, RecoveryCodes, SealingKey, SecondFactor,
        TotpSecret, factors::reauthentication_required,
    },
    limits::Rule,
};
use jiff::{SignedDuration, Timestamp};
use runtime::Failure;
use store::{AccountOutcome, Attempts, Consistency, FactorOutcome};

use crate::{Accounts, tokens::Person, unusable};

/// No root of the secret opens the stored text: one that is still needed was removed.
#[derive(Debug, thiserror::Error)]
#[error("the secret of an authenticator app was sealed with a root that the secret no longer has")]
struct Sealed;

/// Result of presenting a code.
#[derive(Clone, Debug)]
pub enum CodeUse {
    /// It was right, and is spent.
    Accepted(Box<Account>),
    /// It is none, or was used before.
    Wrong,
    /// No codes of the app are accepted for so long, whether they are right or not.
    Suspended(SignedDuration),
}

impl Accounts {
    /// The account of a person who may change the ways to sign in to it. The session has to be a recent one. That of staff who
    /// have a second factor or a verified passkey must have begun with it: otherwise whoever knows the password adds a passkey,
    /// and has their permissions.
    pub async fn may_change_factors(
        &self,
        person: &Person,
        now: Timestamp,
    ) -> Result<Account, Failure> {
        let (account, session) = (person.account, person.session);
        let session = self.store.session(account, session, now).await?;
        let account = self.account(account).await?;
        let session = session.filter(|session| session.is_of(&account));
        let session = session.ok_or_else(runtime::invalid_token)?;
        let is_enough = session.is_recent(now)
            && (account.staff.is_none()
                || session.is_strong
                || !self.has_factor(account.id).await?);
        match is_enough {
            true => Ok(account),
            false => Err(reauthentication_required().into()),
        }
    }

    /// The same for the next attempt to change them, as [`Accounts::attempt`]: a change of the account in between may have ended
    /// the session, or added the first factor.
    pub async fn attempt_factors(
        &self,
        attempts: &mut Attempts,
        person: &Person,
        now: Timestamp,
    ) -> Result<Account, Failure> {
        attempts.next().await?;
        self.may_change_factors(person, now).await
    }

    /// Rejects a change that takes the password, for which `login` was read, if the account has a factor and the session may not
    /// change the factors: the password alone must neither replace the address or the password nor delete the account. Returns
    /// whether it has a factor.
    pub async fn password_must_be_enough(
        &self,
        person: &Person,
        login: &Login,
        now: Timestamp,
    ) -> Result<bool, Failure> {
        let has_factor = self.is_guarded(login).await?;
        if has_factor {
            self.may_change_factors(person, now).await?;
        }
        Ok(has_factor)
    }

    /// Whether the account of a login has a factor beside the password.
    pub async fn is_guarded(&self, login: &Login) -> Result<bool, Failure> {
        Ok(login.has_totp || self.has_verified_passkey(login.account).await?)
    }

    async fn has_factor(&self, account: AccountId) -> Result<bool, Failure> {
        Ok(self.has_app(account).await? || self.has_verified_passkey(account).await?)
    }

    /// Whether the account has a passkey by which a session is a strong one. Another one stops nobody: its owner could not sign
    /// in with it as staff, and so not change anything.
    async fn has_verified_passkey(&self, account: AccountId) -> Result<bool, Failure> {
        let passkeys = self.store.passkeys(account).await?;
        Ok(passkeys.iter().any(|passkey| passkey.user_verified))
    }

    /// Whether a login to the account by password takes a code.
    pub async fn has_app(&self, account: AccountId) -> Result<bool, Failure> {
        let factor = self.store.second_factor(account).await?;
        Ok(factor.is_some_and(|factor| factor.is_active()))
    }

    /// Seals the secret of an account's app with the newest root.
    pub async fn seal(&self, account: AccountId, secret: &TotpSecret) -> Result<String, Failure> {
        let keys = self.secrets().await?.sealing_keys().map_err(unusable)?;
        let newest = keys.first().ok_or_else(|| Failure::internal(Sealed))?;
        let key = SealingKey::new(newest).map_err(Failure::internal)?;
        let data = SecondFactor::associated_data(account);
        key.seal(secret.bytes(), &data, runtime::random_bytes()?)
            .map_err(Failure::internal)
    }

    /// Opens the secret of an account's app with the newest root, or one before it.
    pub async fn open(&self, account: AccountId, sealed: &str) -> Result<TotpSecret, Failure> {
        let keys = self.secrets().await?.sealing_keys().map_err(unusable)?;
        let data = SecondFactor::associated_data(account);
        for key in &keys {
            let key = SealingKey::new(key).map_err(Failure::internal)?;
            let opened = key.open(sealed, &data);
            if let Some(secret) = opened.and_then(|bytes| bytes.try_into().ok()) {
                return Ok(TotpSecret::new(secret));
            }
        }
        Err(Failure::internal(Sealed))
    }

    /// Spends a code of the account's app, of which `rule` limits the wrong ones, or a recovery code. The account is read once the
    /// code matches, so that a wrong one costs no read of it.
    pub async fn spend_code(
        &self,
        account: AccountId,
        code: &str,
        rule: Option<&Rule>,
        cause: &ChangeCause<'_>,
    ) -> Result<CodeUse, Failure> {
        let mut attempts = crate::attempts();
        loop {
            attempts.next().await?;
            let Some(factor) = self.store.second_factor(account).await? else {
                return Ok(CodeUse::Wrong);
            };
            let used = match TotpSecret::is_guess(code) {
                true => self.try_code(&factor, code, rule, cause).await?,
                false => self.try_recovery_code(&factor, code, cause).await?,
            };
            if let Some(used) = used {
                return Ok(used);
            }
        }
    }

    /// Compares a code with the app's as it was read; `None` if another code was counted or spent in the meantime. Right or wrong, it
    /// costs one write under the same condition: so the table puts the codes of a burst in an order, and refuses those after the last
    /// wrong one of the limit. To count each code before it is compared would cost every login a write.
    async fn try_code(
        &self,
        factor: &SecondFactor,
        code: &str,
        rule: Option<&Rule>,
        cause: &ChangeCause<'_>,
    ) -> Result<Option<CodeUse>, Failure> {
        let now = cause.now;
        let Some(sealed) = &factor.secret else {
            return Ok(Some(CodeUse::Wrong));
        };
        if let Some(left) = factor.suspended_for(now) {
            return Ok(Some(CodeUse::Suspended(left)));
        }
        if let Some(until) = rule.and_then(|rule| factor.used_up(rule.requests(), now)) {
            // The request that has used the limit up may not have got to this.
            self.suspend_codes(factor.account, until, cause).await?;
            return Ok(Some(CodeUse::Suspended(until.duration_since(now))));
        }
        let secret = self.open(factor.account, sealed).await?;
        if let Some(step) = secret.matched(code, now, factor.last_step) {
            // Before the code is spent, as it would be lost with a read that fails.
            let Some(found) = self.account_of(factor).await? else {
                return Ok(Some(CodeUse::Wrong));
            };
            let is_spent = self.store.spend_step(factor, step, now).await?;
            return Ok(is_spent.then(|| CodeUse::Accepted(Box::new(found))));
        }
        let Some(rule) = rule else {
            return Ok(Some(CodeUse::Wrong));
        };
        let wrong = factor.with_wrong_code(rule.window(), now);
        if !self.store.count_wrong_code(factor, wrong).await? {
            return Ok(None);
        }
        if wrong.count >= rule.requests() {
            self.suspend_codes(factor.account, wrong.until, cause)
                .await?;
        }
        Ok(Some(CodeUse::Wrong))
    }

    /// Spends a recovery code of the factor as it was read; `None` if account or codes have changed in the meantime.
    async fn try_recovery_code(
        &self,
        factor: &SecondFactor,
        code: &str,
        cause: &ChangeCause<'_>,
    ) -> Result<Option<CodeUse>, Failure> {
        let Some(place) = RecoveryCodes::find(&factor.recovery_codes, code) else {
            return Ok(Some(CodeUse::Wrong));
        };
        let Some(found) = self.account_of(factor).await? else {
            return Ok(Some(CodeUse::Wrong));
        };
        let next = found.changed(AccountChangeKind::RecoveryCodeUsed, cause);
        let spent = self.store.spend_recovery_code(&next, factor, place);
        if spent.await? != AccountOutcome::Changed {
            return Ok(None);
        }
        let left = factor.recovery_codes.len() - 1;
        tracing::info!(account.id = %found.id, codes.left = left, "recovery code used");
        Ok(Some(CodeUse::Accepted(Box::new(next))))
    }

    /// The account of a factor, as it is after the factor was read.
    async fn account_of(&self, factor: &SecondFactor) -> Result<Option<Account>, Failure> {
        let found = self.store.account(factor.account, Consistency::Strong);
        Ok(found.await?)
    }

    /// Suspends the codes of the account's app until a time, once, and records it for the owner.
    async fn suspend_codes(
        &self,
        account: AccountId,
        until: Timestamp,
        cause: &ChangeCause<'_>,
    ) -> Result<(), Failure> {
        let mut attempts = crate::attempts();
        loop {
            attempts.next().await?;
            let found = self.store.account(account, Consistency::Strong).await?;
            let Some(found) = found else {
                return Ok(());
            };
            let next = found.changed(AccountChangeKind::CodesSuspended, cause);
            let suspended = self.store.suspend_codes(&next, until, cause.now);
            match suspended.await? {
                FactorOutcome::Changed => {
                    tracing::warn!(account.id = %account, "codes suspended");
                    return Ok(());
                }
                // Another request has done it, or the app is gone.
                FactorOutcome::Unfit => return Ok(()),
                FactorOutcome::Superseded => {}
            }
        }
    }
}

//! Verifies and hashes passwords.

use std::sync::atomic::Ordering;

use domain::{
    identity::{Account, Login, NewPassword, PasswordAttempt, PasswordCheck, PasswordHash, api},
    notifications::suppression::AddressHash,
};
use runtime::Failure;

use crate::{Accounts, unusable};

impl Accounts {
    /// Hashes a new password with the newest pepper.
    pub async fn hash(&self, password: &NewPassword) -> Result<PasswordHash, Failure> {
        let peppers = self.secrets().await?.peppers().map_err(unusable)?;
        let hash = password.hash(&peppers, runtime::random()?);
        hash.map_err(Failure::internal)
    }

    /// Verifies a password, which takes as long for an account that does not exist. A right one under old parameters is
    /// hashed again. One whose pepper is gone is like a wrong one to its caller, and reported to the operator, once by each
    /// process: its owner sets a new one by the mail of "forgot password".
    pub async fn verify(
        &self,
        address: &AddressHash,
        login: Option<&Login>,
        password: &str,
    ) -> Result<bool, Failure> {
        let attempt = PasswordAttempt::new(password);
        let stored = login.and_then(|login| login.password.as_ref());
        let peppers = self.secrets().await?.peppers().map_err(unusable)?;
        let check = attempt.check(stored, &peppers).map_err(Failure::internal)?;
        if let (PasswordCheck::Right { rehash: true }, Some(stored), Some(same)) =
            (check, stored, attempt.as_new())
        {
            let new = same
                .hash(&peppers, runtime::random()?)
                .map_err(Failure::internal)?;
            self.store.rehash_password(address, stored, &new).await?;
        }
        if let PasswordCheck::Unverifiable { pepper } = check
            && !self.is_pepper_reported.swap(true, Ordering::Relaxed)
        {
            tracing::error!(
                pepper.version = pepper,
                "the secret has no pepper of this version"
            );
        }
        Ok(matches!(check, PasswordCheck::Right { .. }))
    }

    /// The login of an account whose owner has just given its password, or a rejection.
    pub async fn confirmed(&self, account: &Account, password: &str) -> Result<Login, Failure> {
        let address = AddressHash::of(&account.email);
        let login = self.store.login(&address).await?;
        let login = login.filter(|login| login.account == account.id);
        match self.verify(&address, login.as_ref(), password).await? {
            true => login.ok_or_else(|| api::invalid_credentials().into()),
            false => Err(api::invalid_credentials().into()),
        }
    }
}

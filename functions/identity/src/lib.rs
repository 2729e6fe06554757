//! What the endpoints of accounts share: the secrets, the tokens of a session, changes of an account.

pub mod challenges;
pub mod erasure;
pub mod export;
pub mod factors;
mod origin;
pub mod passkeys;
pub mod password;
pub mod tokens;

use std::{
    error::Error,
    sync::{Arc, atomic::AtomicBool},
};

use control::Control;
use domain::{
    fault::Rejection,
    id::{AccountId, AddressId, Id, Kind},
    identity::{
        Account, AccountChangeKind, ChangeCause, LinkPurpose, LinkToken, Secrets, UnusableSecrets,
        api::{MeView, invalid_link},
    },
};
use gateways::secrets::Secret;
use runtime::{Endpoint, Environment, Failure, Reply, Request};
use store::{AccountOutcome, Attempts, Consistency, Store};

/// Accounts, as the endpoints see them. Made once per cold start.
#[derive(Debug)]
pub struct Accounts {
    /// The table.
    pub store: Store,
    control: Arc<Control>,
    secrets: Secret<Secrets>,
    /// Whether the process has reported a pepper that is missing.
    is_pepper_reported: AtomicBool,
}

impl Accounts {
    /// Connects at the first use. The secret is the one that `IDENTITY_SECRET` names.
    pub fn new(
        environment: &Environment,
        store: Store,
        control: Arc<Control>,
    ) -> Result<Self, Box<dyn Error>> {
        let name = environment.require("IDENTITY_SECRET")?;
        Ok(Self {
            store,
            control,
            secrets: Secret::new(&environment.sdk_config()?, name),
            is_pepper_reported: AtomicBool::new(false),
        })
    }

    /// The secrets, read at most every five minutes.
    pub async fn secrets(&self) -> Result<Arc<Secrets>, Failure> {
        // Another attempt may find a secret that can be read.
        let secrets = self.secrets.keys().await;
        secrets.map_err(|error| Failure::dependency(error, true))
    }

    /// Verifies that a link's token was made for this purpose and address, with the newest root or one before it. Rejects any
    /// other like a link that does not exist.
    pub async fn verify_link<K: Kind>(
        &self,
        purpose: LinkPurpose,
        token: &LinkToken<K>,
        address: &str,
    ) -> Result<(), Failure> {
        let keys = self.secrets().await?.link_keys().map_err(unusable)?;
        match keys.iter().any(|key| key.verifies(purpose, token, address)) {
            true => Ok(()),
            false => Err(invalid_link().into()),
        }
    }

    /// The account of a person who is signed in, strongly consistent.
    pub async fn account(&self, id: AccountId) -> Result<Account, Failure> {
        account(&self.store, id).await
    }

    /// The account as it is, for the next attempt to change it: a write that finds another version is tried again, until
    /// `attempts` has had enough.
    pub async fn attempt(
        &self,
        attempts: &mut Attempts,
        id: AccountId,
    ) -> Result<Account, Failure> {
        attempt(&self.store, attempts, id).await
    }

    /// Records for its owner what has happened to an account, if it still exists.
    pub async fn record(
        &self,
        id: AccountId,
        kind: AccountChangeKind,
        cause: &ChangeCause<'_>,
    ) -> Result<(), Failure> {
        let mut attempts = attempts();
        loop {
            attempts.next().await?;
            let account = self.store.account(id, Consistency::Strong).await?;
            // It is gone, and its sessions with it.
            let Some(account) = account else {
                return Ok(());
            };
            let next = account.changed(kind, cause);
            if self.store.change_account(&next).await? == AccountOutcome::Changed {
                return Ok(());
            }
        }
    }
}

/// Path parameters of an address.
#[derive(serde::Deserialize, schemars::JsonSchema)]
pub struct AddressPath {
    /// Identifier of the address.
    pub address_id: AddressId,
}

/// The account of a person who is signed in, strongly consistent.
pub async fn account(store: &Store, id: AccountId) -> Result<Account, Failure> {
    let account = store.account(id, Consistency::Strong).await?;
    // It was deleted after the token was issued.
    account.ok_or_else(|| runtime::invalid_token().into())
}

/// The account as its owner sees it. Nothing of it changes without the account's version.
pub fn me(account: &Account) -> Result<Reply<MeView>, Failure> {
    Ok(Reply::of(&MeView::from(account))?.versioned_whole(account.version))
}

/// The account as it is, for the next attempt to change it, as [`Accounts::attempt`].
pub async fn attempt(
    store: &Store,
    attempts: &mut Attempts,
    id: AccountId,
) -> Result<Account, Failure> {
    attempts.next().await?;
    account(store, id).await
}

/// Attempts to change an account.
pub fn attempts() -> Attempts {
    Attempts::new("change account")
}

/// The cause of a change that the owner of an account makes.
pub fn cause<E: Endpoint>(account: AccountId, request: &Request<E>) -> ChangeCause<'_> {
    ChangeCause {
        by: format!("account:{account}"),
        from: request.viewer,
        now: request.now,
        cause: request.cause(),
    }
}

/// Reads the token of a link, or rejects it like one that is not valid.
pub fn read_link<K: Kind>(token: &str) -> Result<LinkToken<K>, Rejection> {
    LinkToken::read(token).ok_or_else(invalid_link)
}

/// A new id that sorts by time.
pub fn new_id<E: Endpoint, K: Kind>(request: &Request<E>) -> Result<Id<K>, Failure> {
    Ok(Id::at(request.now, runtime::random()?))
}

/// A secret that cannot be used is the operator's to correct.
fn unusable(error: UnusableSecrets) -> Failure {
    Failure::internal(error)
}

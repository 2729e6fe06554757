//! What is left to delete of an account that was deleted: its belongings and files, and what came while it was being deleted.
//!
//! `delete-me` deletes the account with its login and the key of its audit trail, and nothing else. This is behind the stream, so that
//! it is done whatever fails, and done again once no access token is valid any more: until then a request under way may have written.

use std::time::Duration;

use domain::{
    id::AccountId,
    identity::{LEEWAY, LIFETIME},
};
use jiff::{SignedDuration, Timestamp};
use runtime::{ConsumeError, Later};

use crate::export::Exports;

/// Longest time of a request that has begun with a valid token.
const REQUESTS: SignedDuration = SignedDuration::from_secs(60);

/// Deletes what is left of the account that was deleted at `erased_at`. Fails with the time of the second round if it is too
/// early for that.
pub async fn finish(
    exports: &Exports,
    account: AccountId,
    erased_at: Timestamp,
    now: Timestamp,
) -> Result<(), ConsumeError> {
    let store = &exports.store;
    let ids = store.exports(account).await?;
    for id in &ids {
        exports.end(*id, now).await?;
    }
    store.delete_belongings(account).await?;
    store.delete_invitations_of(account).await?;
    let settled = erased_at + LIFETIME + SignedDuration::from_secs(LEEWAY) + REQUESTS;
    let left = settled.duration_since(now);
    if left > SignedDuration::ZERO {
        tracing::info!(account.id = %account, "account cleared, and again later");
        let why = "the account is cleared again once its last access token has expired";
        let after = Duration::try_from(left)?;
        return Err(Later { why, after }.into());
    }
    // Last: by them the files are found.
    for id in ids {
        store.forget_export(account, id).await?;
    }
    tracing::info!(account.id = %account, "account cleared");
    Ok(())
}

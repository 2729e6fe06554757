//! Verifies API keys by their hashes in the table.

use std::sync::Arc;

use cache::Memory;
use domain::{
    fault::{Failure, chain},
    identity::Identity,
    staff::{ApiKey, ApiKeyHash},
};
use jiff::{SignedDuration, Timestamp};
use store::{Consistency, Store};

/// How long a process believes what it has read: so long may a revoked key go on.
const BELIEVED: SignedDuration = SignedDuration::from_secs(10);
/// Keys that a process remembers, with about 1 KB each.
const REMEMBERED: usize = 256;

/// The API keys of the shop, as a process knows them.
pub(crate) struct ApiKeys {
    store: Store,
    known: Memory<Known>,
}

/// A key as the table had it.
#[derive(Clone)]
struct Known {
    key: Arc<ApiKey>,
    /// Time of the request that has read it.
    at: Timestamp,
}

impl ApiKeys {
    pub(crate) fn new(store: Store) -> Self {
        Self {
            store,
            known: Memory::new(REMEMBERED),
        }
    }

    /// The holder of a key, or the rejection of one that is not valid, for whatever reason.
    pub(crate) async fn verify(&self, text: &str, now: Timestamp) -> Result<Identity, Failure> {
        let hash = ApiKeyHash::of(text).ok_or_else(runtime::invalid_token)?;
        let key = match self.remembered(&hash, now) {
            Some(key) => key,
            None => self.read(&hash, now).await?,
        };
        match key.is_valid(now) {
            true => Ok(key.identity()),
            false => Err(runtime::invalid_token().into()),
        }
    }

    fn remembered(&self, hash: &ApiKeyHash, now: Timestamp) -> Option<Arc<ApiKey>> {
        let known = self.known.get(hash.as_str())?;
        // A time in the future is one before a clock was set back.
        let is_recent = now.duration_since(known.at).abs() < BELIEVED;
        is_recent.then_some(known.key)
    }

    /// Reads a key. What does not exist is not remembered: there is no end to it.
    async fn read(&self, hash: &ApiKeyHash, now: Timestamp) -> Result<Arc<ApiKey>, Failure> {
        let Some(key) = self.store.api_key(hash, Consistency::Eventual).await? else {
            self.known.forget(hash.as_str());
            return Err(runtime::invalid_token().into());
        };
        let key = Arc::new(key);
        let known = Known {
            key: Arc::clone(&key),
            at: now,
        };
        self.known.put(hash.as_str(), known);
        if key.is_valid(now) && key.notes_use(now) {
            self.note_use(hash.clone(), Arc::clone(&key), now);
        }
        Ok(key)
    }

    /// Stores the time of a use after the response: it is for people who look for keys that nobody uses.
    fn note_use(&self, hash: ApiKeyHash, key: Arc<ApiKey>, now: Timestamp) {
        let store = self.store.clone();
        runtime::after_response(async move {
            if let Err(error) = store.note_api_key_use(&hash, &key, now).await {
                let error = chain(&error);
                tracing::warn!(api_key.id = %key.id, error, "use of an API key not stored");
            }
        });
    }
}

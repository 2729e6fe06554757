//! The current documents of a process (docs/adr/0022).
//!
//! Every request may need the settings, and few people change them. So a process reads the **control item**, which names
//! the current revision of every kind of document, at most every [`INTERVAL`], and a document only when its revision is
//! new. In between, [`Control::current`] answers from memory.
//!
//! - **A request sees one revision** of everything: a [`Snapshot`] is replaced as a whole, never changed.
//! - **A process never goes back.** An eventually consistent read may be older than the one before; a lower revision is
//!   read again, consistently. If it is lower still, or missing, the table has lost something: the process keeps what it has.
//! - **The last good document is used** where the new one is gone or cannot be parsed, which is logged and counted once in a
//!   process, and while the table does not answer, which is logged once. A check that failed counts for nothing: it is
//!   repeated soon, and the documents go on aging.
//! - **At a cold start** there is no last good one. Without a control item, the template's values apply. A current document
//!   that cannot be used gives way to the newest usable one of the [`STEPS_BACK`] before it, which is what the other
//!   processes have, and then to the template's values. A table that does not answer fails the request: nothing is
//!   decided by guess.
//!
//! - **The keys of access tokens** and the sessions that have ended before their tokens are in the control item itself: every
//!   process that knows who calls has them, without a read for a request ([`Control::of_keys`]).
//!
//! Ages are those of the requests' times, as in [`cache`], which holds back concurrent checks.

mod check;
mod source;

use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use cache::{Ages, Cache, FetchError, Limits};
use domain::{
    documents::{DocumentKind, Revision, Revisions},
    fault::{Failure, chain},
    settings::Settings,
};
use jiff::{SignedDuration, Timestamp};
use runtime::{Environment, TokenVerifier};
use store::{Consistency, Store, StoreError};

use self::{
    check::{Scope, Shared},
    source::Source,
};

/// Least time between two checks of a process: 0.5 read units each, so that a thousand processes take at most a hundred
/// a second.
pub const INTERVAL: SignedDuration = SignedDuration::from_secs(5);
/// What a process adds to its interval at most, by chance: processes that start together do not check together.
const JITTER: SignedDuration = SignedDuration::from_secs(1);
/// Age of a check from which on requests wait for the next one. Until then they are answered from memory while it runs.
pub const USABLE: SignedDuration = SignedDuration::from_secs(7);
/// How long a check may take where there is something to go on with.
const CHECK_LIMIT: Duration = Duration::from_secs(1);
/// Time from a check that failed to the next one: a second after the longest. A change is seen within ten seconds also if
/// one check fails.
const RETRY: SignedDuration = SignedDuration::from_secs(2);
/// How many revisions before the current one a cold process tries.
pub const STEPS_BACK: u64 = 5;

/// The documents at one moment.
#[derive(Clone, Debug, PartialEq)]
pub struct Snapshot {
    /// The revisions in use.
    pub revisions: Revisions,
    /// The settings.
    pub settings: Settings,
    /// Verifies access tokens.
    pub verifier: Arc<TokenVerifier>,
}

/// The documents, with the time since they were checked.
#[derive(Clone, Debug)]
pub struct Current {
    /// The documents.
    pub snapshot: Arc<Snapshot>,
    /// Time since the check started that found them current. One that failed found nothing.
    pub age: SignedDuration,
}

impl Current {
    /// The settings.
    pub fn settings(&self) -> &Settings {
        &self.snapshot.settings
    }

    /// Verifies access tokens.
    pub fn verifier(&self) -> &TokenVerifier {
        &self.snapshot.verifier
    }

    /// The revisions in use.
    pub fn revisions(&self) -> Revisions {
        self.snapshot.revisions
    }
}

/// Why the documents are not known.
#[derive(Debug, thiserror::Error)]
#[error("the documents are not known")]
pub struct ControlError(#[source] FetchError<StoreError>);

impl From<ControlError> for Failure {
    fn from(error: ControlError) -> Self {
        let retryable = match &error.0 {
            FetchError::Failed(error) => error.is_retryable(),
            FetchError::Lost => true,
        };
        Self::dependency(error, retryable)
    }
}

/// The current documents of a process. Made once per cold start.
pub struct Control<S = Store> {
    checks: Cache<Checked, StoreError>,
    shared: Arc<Shared<S>>,
}

/// That a check has ended. Its result is in [`Shared`], which the order of checks cannot turn back. The cache takes a check
/// that failed for a missing value, which has an age limit of its own.
struct Checked;

impl cache::Value for Checked {
    const SCHEMA: u32 = 1;

    fn weight(&self) -> usize {
        0
    }

    // There is no second level: a check is about this process.
    fn to_bytes(&self) -> Bytes {
        Bytes::new()
    }

    fn from_bytes(_: Bytes) -> Option<Self> {
        None
    }
}

/// A check in progress.
type Checking = Pin<Box<dyn Future<Output = Result<Option<Checked>, StoreError>> + Send>>;

/// Room for the one entry of the cache.
const ROOM: u64 = 4096;

impl Control {
    /// Makes the reader of a process, which checks at its first request. `CACHE=off` in the environment has it check at
    /// each of them, to measure a check.
    pub fn new(
        store: &Store,
        environment: &Environment,
    ) -> Result<Self, Box<dyn std::error::Error>> {
        Self::reading(Scope::All, store, environment)
    }

    /// Like [`Control::new`], for a process that verifies callers and needs no documents: it does not read any, and has the
    /// template's values.
    pub fn of_keys(
        store: &Store,
        environment: &Environment,
    ) -> Result<Self, Box<dyn std::error::Error>> {
        Self::reading(Scope::Keys, store, environment)
    }

    fn reading(
        scope: Scope,
        store: &Store,
        environment: &Environment,
    ) -> Result<Self, Box<dyn std::error::Error>> {
        match environment.get("CACHE") {
            None | Some("on") => {}
            Some("off") => return Ok(Self::over(scope, store.clone(), Cache::off())),
            Some(other) => return Err(format!("CACHE is on or off, not {other:?}").into()),
        }
        // Without randomness, processes that start together check together, which costs no more.
        let random = runtime::random_number().unwrap_or_default();
        Ok(Self::with_interval(scope, store.clone(), interval(random)))
    }
}

/// The interval of one process.
fn interval(random: u64) -> SignedDuration {
    let jitter = u64::try_from(JITTER.as_millis()).unwrap_or(1);
    let jitter = i64::try_from(random % jitter).unwrap_or_default();
    INTERVAL + SignedDuration::from_millis(jitter)
}

impl<S: Source> Control<S> {
    fn with_interval(scope: Scope, source: S, fresh: SignedDuration) -> Self {
        let limits = Limits {
            bytes: ROOM,
            missing_bytes: ROOM,
            ages: Ages {
                fresh,
                usable: USABLE,
                missing: RETRY,
            },
        };
        Self::over(scope, source, Cache::new("control", &limits))
    }

    fn over(scope: Scope, source: S, checks: Cache<Checked, StoreError>) -> Self {
        Self {
            checks,
            shared: Arc::new(Shared::new(scope, source)),
        }
    }

    /// The documents at `now`, the time of the request. Fails only before the first check has succeeded.
    pub async fn current(&self, now: Timestamp) -> Result<Current, ControlError> {
        let shared = Arc::clone(&self.shared);
        // In a box: a check is rare, and its future is as large as the calls in it.
        let check = move || -> Checking {
            Box::pin(async move {
                let checked = shared.check(now).await;
                checked.map(|is_answered| is_answered.then_some(Checked))
            })
        };
        let checked = self.checks.get("control", now, check).await;
        // Not what that check found: a later one may have ended before.
        match (self.shared.current(now), checked) {
            (Some(current), _) => Ok(current),
            (None, Err(error)) => Err(ControlError(error)),
            (None, Ok(_)) => Err(ControlError(FetchError::Lost)),
        }
    }
}

impl<S> fmt::Debug for Control<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Control")
            .field("checks", &self.checks)
            .finish_non_exhaustive()
    }
}

/// The settings as the table has them now, for those who change them.
#[derive(Clone, Debug)]
pub struct SettingsInUse {
    /// The current revision, by the control item.
    pub current: u64,
    /// The latest revision: the current one, unless the control item is older than the documents, or missing.
    pub latest: u64,
    /// The revision in use: the latest one, unless it cannot be used; `None` for the template's values.
    pub revision: Option<Revision>,
    /// Its content.
    pub settings: Settings,
}

impl SettingsInUse {
    /// Reads the settings, strongly consistent: 3 read units, and more for a large document or one that cannot be used.
    /// A control item that was lost, or comes from a backup, must not take the settings with it at the next change: the
    /// documents decide, which running processes have, too.
    pub async fn read(store: &Store) -> Result<Self, StoreError> {
        let kind = DocumentKind::Settings;
        // The documents before the control item, which is written together with them: it may be newer, and older only if
        // it was lost.
        let newest = store.newest_document(kind).await?;
        let control = store.control(Consistency::Strong).await?;
        let current = control.unwrap_or_default().revisions.of(kind);
        let latest = current.max(newest);
        let found = check::usable(store, latest, Consistency::Strong, &mut |_, _| {}).await?;
        Ok(Self {
            current,
            latest,
            revision: found.as_ref().map(|it| it.revision.clone()),
            settings: found.map(|it| it.settings).unwrap_or_default(),
        })
    }

    /// Number of the revision in use.
    pub fn number(&self) -> u64 {
        self.revision.as_ref().map_or(0, |it| it.number)
    }
}

/// A revision that can be used.
#[derive(Clone, Debug)]
pub struct UsableRevision {
    /// The revision.
    pub revision: Revision,
    /// Its content.
    pub settings: Settings,
}

/// The content of one revision.
#[derive(Debug)]
pub enum RevisionContent {
    /// It can be used.
    Usable(Box<UsableRevision>),
    /// No revision has this number.
    Missing,
    /// It is there, but cannot be read.
    Unreadable,
}

impl RevisionContent {
    /// Reads one revision of the settings, strongly consistent; 1 read unit for 4 KB.
    pub async fn read(store: &Store, revision: u64) -> Result<Self, StoreError> {
        let kind = DocumentKind::Settings;
        let found = store.document(kind, revision, Consistency::Strong).await;
        match found {
            Ok(None) => Ok(Self::Missing),
            Ok(Some(stored)) => match domain::settings::parse(&stored.body) {
                Ok(settings) => Ok(Self::Usable(Box::new(UsableRevision {
                    revision: stored.revision,
                    settings,
                }))),
                Err(error) => {
                    unreadable(revision, &chain(&error));
                    Ok(Self::Unreadable)
                }
            },
            Err(StoreError::Unreadable { source, .. }) => {
                unreadable(revision, &chain(&*source));
                Ok(Self::Unreadable)
            }
            Err(error) => Err(error),
        }
    }
}

fn unreadable(revision: u64, error: &str) {
    let kind = DocumentKind::Settings.name();
    tracing::warn!(
        document.kind = kind,
        document.revision = revision,
        error,
        "revision unreadable"
    );
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // The state behind the lock is consistent at every step, so poisoning can be ignored.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;

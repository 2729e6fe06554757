//! One check: which documents are current, and whether they can be used.

use std::sync::{Arc, Mutex};

use domain::{
    documents::{DocumentKind, Revisions},
    fault::chain,
    settings,
};
use jiff::Timestamp;
use store::{Consistency, StoreError};

use crate::{CHECK_LIMIT, Current, STEPS_BACK, Snapshot, UsableRevision, locked, source::Source};

/// What the checks of a process share.
pub(crate) struct Shared<S> {
    source: S,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// The last good documents.
    last: Option<Arc<Snapshot>>,
    /// Time of the request that began the last check which the table answered.
    checked_at: Timestamp,
    /// What was logged last, and still is so.
    reported: Option<Trouble>,
}

/// Why a process goes on with older documents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Trouble {
    /// The table did not answer, or the control item cannot be read.
    NotChecked,
    /// The control item is missing, or names a lower revision.
    Lower(DocumentKind, u64),
    /// The document of this revision is gone or cannot be parsed.
    NotUsable(DocumentKind, u64),
}

/// A document that was read.
enum Loaded {
    /// It can be used.
    Usable(Box<UsableRevision>),
    /// It is gone or cannot be parsed; the reason.
    NotUsable(String),
}

impl<S: Source> Shared<S> {
    pub(crate) fn new(source: S) -> Self {
        Self {
            source,
            state: Mutex::default(),
        }
    }

    /// The last good documents, with their age at `now`; `None` if there are none yet.
    pub(crate) fn current(&self, now: Timestamp) -> Option<Current> {
        let state = locked(&self.state);
        Some(Current {
            snapshot: Arc::clone(state.last.as_ref()?),
            // A check from the future is one before a clock was set back.
            age: now.duration_since(state.checked_at).abs(),
        })
    }

    /// Brings the documents up to date by a check that a request at `now` begins, and returns whether the table answered.
    /// An error means that there are no documents to fall back on.
    pub(crate) async fn check(&self, now: Timestamp) -> Result<bool, StoreError> {
        let last = locked(&self.state).last.clone();
        let error = match last {
            None => {
                self.first().await?;
                None
            }
            Some(last) => match tokio::time::timeout(CHECK_LIMIT, self.next(&last)).await {
                Ok(Ok(())) => None,
                Ok(Err(error)) => Some(chain(&error)),
                Err(_) => Some("no answer in time".to_owned()),
            },
        };
        match &error {
            None => locked(&self.state).checked_at = now,
            Some(error) => self.report(Trouble::NotChecked, error),
        }
        Ok(error.is_none())
    }

    /// The first check of a process.
    async fn first(&self) -> Result<(), StoreError> {
        let seen = self.source.revisions(Consistency::Eventual).await?;
        let current = seen.unwrap_or_default().settings;
        let mut skipped = |revision: u64, reason: &str| {
            self.report(Trouble::NotUsable(DocumentKind::Settings, revision), reason);
        };
        let found = usable(&self.source, current, Consistency::Eventual, &mut skipped).await?;
        self.adopt(Snapshot {
            revisions: Revisions {
                settings: found.as_ref().map_or(0, |it| it.revision.number),
            },
            settings: found.map(|it| it.settings).unwrap_or_default(),
        });
        Ok(())
    }

    /// Every later check.
    async fn next(&self, last: &Snapshot) -> Result<(), StoreError> {
        let kind = DocumentKind::Settings;
        let known = last.revisions.of(kind);
        let seen = self.source.revisions(Consistency::Eventual).await?;
        let mut seen = seen.unwrap_or_default().of(kind);
        if seen < known {
            // A replica that lags, most likely.
            let again = self.source.revisions(Consistency::Strong).await?;
            seen = again.unwrap_or_default().of(kind);
        }
        if seen < known {
            self.report(Trouble::Lower(kind, seen), "the control item is older");
            return Ok(());
        }
        if seen == known {
            locked(&self.state).reported = None;
            return Ok(());
        }
        match load(&self.source, seen, Consistency::Eventual).await? {
            Loaded::Usable(found) => {
                self.adopt(Snapshot {
                    revisions: Revisions { settings: seen },
                    settings: found.settings,
                });
                locked(&self.state).reported = None;
            }
            Loaded::NotUsable(reason) => self.report(Trouble::NotUsable(kind, seen), &reason),
        }
        Ok(())
    }

    /// Replaces the documents, unless another check has found later ones.
    fn adopt(&self, new: Snapshot) {
        let mut state = locked(&self.state);
        let later = |last: &Arc<Snapshot>| last.revisions.settings > new.revisions.settings;
        if !state.last.as_ref().is_some_and(later) {
            state.last = Some(Arc::new(new));
        }
    }

    /// Logs and counts, once for each state of affairs, that older documents are used.
    fn report(&self, trouble: Trouble, error: &str) {
        let in_use = {
            let mut state = locked(&self.state);
            if state.reported.replace(trouble) == Some(trouble) {
                return;
            }
            state.last.as_ref().map(|it| it.revisions)
        };
        match trouble {
            Trouble::NotChecked => tracing::warn!(error, "documents not checked"),
            Trouble::Lower(kind, revision) | Trouble::NotUsable(kind, revision) => {
                tracing::error!(
                    document.kind = kind.name(),
                    document.revision = revision,
                    document.in_use = in_use.map(|it| it.of(kind)),
                    error,
                    "document not used"
                );
                runtime::metric("DocumentNotUsed", 1);
            }
        }
    }
}

/// The newest usable revision of the settings from `latest` on back; `None` for the template's values. `skipped` learns
/// of each that is not, with the reason.
pub(crate) async fn usable<S: Source>(
    source: &S,
    latest: u64,
    consistency: Consistency,
    skipped: &mut (impl FnMut(u64, &str) + Send),
) -> Result<Option<UsableRevision>, StoreError> {
    let earliest = latest.saturating_sub(STEPS_BACK).max(1);
    for number in (earliest..=latest).rev() {
        match load(source, number, consistency).await? {
            Loaded::Usable(found) => return Ok(Some(*found)),
            Loaded::NotUsable(reason) => skipped(number, &reason),
        }
    }
    Ok(None)
}

/// Reads and parses one revision of the settings.
async fn load<S: Source>(
    source: &S,
    revision: u64,
    consistency: Consistency,
) -> Result<Loaded, StoreError> {
    let kind = DocumentKind::Settings;
    let mut found = source.document(kind, revision, consistency).await;
    if matches!(found, Ok(None)) && consistency == Consistency::Eventual {
        // The replica may not have it yet.
        found = source.document(kind, revision, Consistency::Strong).await;
    }
    match found {
        Ok(Some(stored)) => Ok(match settings::parse(&stored.body) {
            Ok(settings) => Loaded::Usable(Box::new(UsableRevision {
                revision: stored.revision,
                settings,
            })),
            Err(error) => Loaded::NotUsable(chain(&error)),
        }),
        Ok(None) => Ok(Loaded::NotUsable("the document is gone".to_owned())),
        Err(StoreError::Unreadable { source, .. }) => Ok(Loaded::NotUsable(chain(&*source))),
        Err(error) => Err(error),
    }
}

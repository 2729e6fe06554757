//! One check: which documents are current, and whether they can be used; and the keys of access tokens.

use std::sync::{Arc, Mutex};

use domain::{
    documents::{DocumentKind, Revisions},
    fault::chain,
    identity::TokenState,
    settings,
};
use jiff::Timestamp;
use runtime::TokenVerifier;
use store::{Consistency, StoreError};

use crate::{CHECK_LIMIT, Current, STEPS_BACK, Snapshot, UsableRevision, locked, source::Source};

/// What a process needs of the control item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    /// The documents and the keys.
    All,
    /// The keys alone.
    Keys,
}

/// What the checks of a process share.
pub(crate) struct Shared<S> {
    scope: Scope,
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
    /// The control item is missing, or has a lower version of the keys.
    LowerKeys(u64),
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
    pub(crate) fn new(scope: Scope, source: S) -> Self {
        Self {
            scope,
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
    /// Returns an error only if the process has no earlier documents to use.
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
        let seen = self.source.control(Consistency::Eventual).await?;
        let seen = seen.unwrap_or_default();
        let mut skipped = |revision: u64, reason: &str| {
            self.report(Trouble::NotUsable(DocumentKind::Settings, revision), reason);
        };
        let current = self.wanted(seen.revisions);
        let found = usable(&self.source, current, Consistency::Eventual, &mut skipped).await?;
        self.adopt(Snapshot {
            revisions: Revisions {
                settings: found.as_ref().map_or(0, |it| it.revision.number),
            },
            settings: found.map(|it| it.settings).unwrap_or_default(),
            verifier: Arc::new(TokenVerifier::new(seen.tokens)),
        });
        Ok(())
    }

    /// Every later check.
    async fn next(&self, last: &Snapshot) -> Result<(), StoreError> {
        let kind = DocumentKind::Settings;
        let known = last.revisions.of(kind);
        let keys = last.verifier.state().version;
        let seen = self.source.control(Consistency::Eventual).await?;
        let mut seen = seen.unwrap_or_default();
        if self.wanted(seen.revisions) < known || seen.tokens.version < keys {
            // A replica that lags, most likely.
            let again = self.source.control(Consistency::Strong).await?;
            seen = again.unwrap_or_default();
        }
        let lower = seen.tokens.version < keys;
        if seen.tokens.version > keys {
            self.adopt_keys(last, seen.tokens.clone());
        }
        let current = self.wanted(seen.revisions);
        if current < known {
            self.report(Trouble::Lower(kind, current), "the control item is older");
        } else if current > known {
            match load(&self.source, current, Consistency::Eventual).await? {
                Loaded::Usable(found) => {
                    self.adopt(Snapshot {
                        revisions: Revisions { settings: current },
                        settings: found.settings,
                        verifier: Arc::clone(&last.verifier),
                    });
                    self.is_well();
                }
                Loaded::NotUsable(reason) => {
                    self.report(Trouble::NotUsable(kind, current), &reason);
                }
            }
        } else if lower {
            let trouble = Trouble::LowerKeys(seen.tokens.version);
            self.report(trouble, "the control item is older");
        } else {
            self.is_well();
        }
        Ok(())
    }

    /// The revision of the settings that the process needs.
    fn wanted(&self, revisions: Revisions) -> u64 {
        match self.scope {
            Scope::All => revisions.settings,
            Scope::Keys => 0,
        }
    }

    fn is_well(&self) {
        locked(&self.state).reported = None;
    }

    fn adopt_keys(&self, last: &Snapshot, keys: TokenState) {
        self.adopt(Snapshot {
            verifier: Arc::new(TokenVerifier::new(keys)),
            ..last.clone()
        });
    }

    /// Replaces what is new of the documents and the keys; another check may have found later ones.
    fn adopt(&self, mut new: Snapshot) {
        let mut state = locked(&self.state);
        if let Some(last) = &state.last {
            if last.revisions.settings > new.revisions.settings {
                new.revisions = last.revisions;
                new.settings = last.settings.clone();
            }
            if last.verifier.state().version > new.verifier.state().version {
                new.verifier = Arc::clone(&last.verifier);
            }
        }
        state.last = Some(Arc::new(new));
    }

    /// Logs and counts, once for each state of affairs, that older documents are used.
    fn report(&self, trouble: Trouble, error: &str) {
        let in_use = {
            let mut state = locked(&self.state);
            if state.reported.replace(trouble) == Some(trouble) {
                return;
            }
            state.last.clone()
        };
        let (kind, revision, in_use) = match trouble {
            Trouble::NotChecked => {
                tracing::warn!(error, "documents not checked");
                return;
            }
            Trouble::Lower(kind, revision) | Trouble::NotUsable(kind, revision) => {
                let in_use = in_use.as_ref().map(|it| it.revisions.of(kind));
                (kind.name(), revision, in_use)
            }
            Trouble::LowerKeys(version) => {
                let in_use = in_use.as_ref().map(|it| it.verifier.state().version);
                ("keys", version, in_use)
            }
        };
        tracing::error!(
            document.kind = kind,
            document.revision = revision,
            document.in_use = in_use,
            error,
            "document not used"
        );
        runtime::metric("DocumentNotUsed", 1);
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

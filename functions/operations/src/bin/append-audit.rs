//! Appends the actions of staff, of security and of the owners of accounts to the audit trail: a second reader of the table's
//! stream, which only lags.
//!
//! Values about persons are sealed with their keys. An action that comes again is recorded once. Failures of the table are
//! retried for hours; records that cannot be read, that belong to a chain that cannot be appended to, or that are about a person
//! whose key cannot be read, are set aside.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    process::ExitCode,
};

use aws_lambda_events::dynamodb::EventRecord;
use domain::{
    audit::{AuditEntry, ChainNumber, PersonKey},
    documents::DocumentKind,
    fault::chain as causes,
    id::AccountId,
    trace::TraceParent,
};
use jiff::Timestamp;
use queue::Queues;
use runtime::{Change, ConsumeError, StreamConsumer};
use store::{
    AppendOutcome, Attempts, Consistency, Store, StoreError,
    outbox::{self, UnreadableRecord},
    trail::{self, AuditDraft},
};

/// The keys of persons: `None` if it was destroyed, an error if what the table has is none.
type Keys = HashMap<AccountId, Result<Option<PersonKey>, StoreError>>;

/// Name by which a record that is set aside says who has done so.
const READER: &str = "append-audit";

struct AppendAudit {
    store: Store,
    queues: Queues,
    /// Queue of the records that are set aside.
    set_aside_url: String,
}

impl StreamConsumer for AppendAudit {
    fn request_id(record: &EventRecord) -> &str {
        outbox::request_id(record)
    }

    fn traceparent(record: &EventRecord) -> TraceParent {
        outbox::traceparent(record)
    }

    async fn handle(&self, changes: &[Change<'_>]) -> Result<(), ConsumeError> {
        let now = runtime::now();
        let mut aside = Vec::new();
        let mut drafts = Vec::new();
        for change in changes {
            match change.in_span(|| trail::entry_of(change.record)) {
                Ok(None) => {}
                Ok(Some(draft)) => drafts.push((change, self.completed(draft).await?)),
                Err(error) => aside.push(set_aside(change, &error)),
            }
        }
        let keys = self
            .keys(drafts.iter().map(|(_, draft)| draft), now)
            .await?;
        let mut chains: BTreeMap<ChainNumber, Vec<(&Change<'_>, AuditEntry)>> = BTreeMap::new();
        for (change, draft) in drafts {
            // Unsealed, the values of this person would never be erased. The others go on.
            if let Some(error) = unreadable(&draft, &keys) {
                aside.push(set_aside(change, error));
                continue;
            }
            let entry = sealed(draft, &keys)?;
            let chain = ChainNumber::of(&entry.subject);
            chains.entry(chain).or_default().push((change, entry));
        }
        for (chain, of_chain) in chains {
            let (changes, entries): (Vec<_>, Vec<_>) = of_chain.into_iter().unzip();
            if let Err(error) = self.append(chain, &entries, now).await {
                if !is_permanent(&error) {
                    return Err(error.into());
                }
                // Somebody has tampered with this chain. The others go on.
                aside.extend(changes.into_iter().map(|change| set_aside(change, &error)));
            }
        }
        // Last, so that a record is set aside once even if the rest is retried.
        if !aside.is_empty() {
            self.queues.send(&self.set_aside_url, &aside).await?;
        }
        Ok(())
    }
}

impl AppendAudit {
    /// The draft with what the stream record does not have.
    async fn completed(&self, draft: AuditDraft) -> Result<AuditDraft, StoreError> {
        let Some(number) = draft.replaces else {
            return Ok(draft);
        };
        let kind = DocumentKind::Settings;
        let replaced = self.store.document(kind, number, Consistency::Eventual);
        match replaced.await {
            Ok(Some(replaced)) => Ok(trail::compared(draft, &replaced.body)),
            Ok(None) | Err(StoreError::Unreadable { .. }) => Ok(draft),
            Err(error) => Err(error),
        }
    }

    /// The keys of all persons of the drafts.
    async fn keys(
        &self,
        drafts: impl Iterator<Item = &AuditDraft>,
        now: Timestamp,
    ) -> Result<Keys, ConsumeError> {
        let values = drafts.flat_map(|draft| &draft.values);
        let persons: HashSet<AccountId> = values.map(|value| value.person).collect();
        if persons.is_empty() {
            return Ok(Keys::new());
        }
        let mut known = match self.store.person_keys(persons.iter().copied()).await {
            Ok(known) => known,
            // One of them cannot be read: which one, each call for itself says.
            Err(error) if is_permanent(&error) => HashMap::new(),
            Err(error) => return Err(error.into()),
        };
        let mut keys = Keys::new();
        for person in persons {
            let key = match known.remove(&person) {
                Some(key) => Ok(Some(key)),
                None => {
                    let new = PersonKey::new(random()?);
                    self.store.person_key(person, new, now).await
                }
            };
            match key {
                Err(error) if !is_permanent(&error) => return Err(error.into()),
                key => keys.insert(person, key),
            };
        }
        Ok(keys)
    }

    /// Appends entries of one chain in order. Those that have their records are left out.
    async fn append(
        &self,
        chain: ChainNumber,
        entries: &[AuditEntry],
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let mut attempts = Attempts::new("append audit");
        loop {
            attempts.next().await?;
            let head = self.store.audit_head(chain).await?;
            let appended = self.store.append_audit(&head, entries, now).await?;
            if let AppendOutcome::Appended { head, new } = appended {
                tracing::debug!(
                    audit.chain = chain.get(),
                    audit.sequence = head.sequence,
                    audit.new = new,
                    "audit entries appended"
                );
                return Ok(());
            }
        }
    }
}

/// The entry of a draft with its values sealed. Values of a person whose key was destroyed are gone.
fn sealed(draft: AuditDraft, keys: &Keys) -> Result<AuditEntry, ConsumeError> {
    let AuditDraft {
        mut entry, values, ..
    } = draft;
    for value in values {
        if let Some(Ok(Some(key))) = keys.get(&value.person) {
            let field = value.as_value().seal(&entry.id, key, random()?)?;
            entry.personal.push(field);
        }
    }
    Ok(entry)
}

/// Why values of a draft cannot be sealed, if so.
fn unreadable<'a>(draft: &AuditDraft, keys: &'a Keys) -> Option<&'a StoreError> {
    let mut keys = draft.values.iter().filter_map(|it| keys.get(&it.person));
    keys.find_map(|key| key.as_ref().err())
}

/// Whether no repetition helps: what the table has of the chain or of a person contradicts itself, or cannot be read.
const fn is_permanent(error: &StoreError) -> bool {
    matches!(
        error,
        StoreError::Inconsistent { .. }
            | StoreError::Unreadable { .. }
            | StoreError::Unwritable { .. }
    )
}

fn set_aside(change: &Change<'_>, error: &StoreError) -> UnreadableRecord {
    let record = UnreadableRecord::of(change.record, READER);
    change.in_span(|| {
        tracing::error!(
            stream.sequence_number = record.sequence_number,
            item.pk = record.pk,
            error = %causes(error),
            "record set aside"
        );
    });
    record
}

/// Unguessable random bytes.
fn random<const N: usize>() -> Result<[u8; N], ConsumeError> {
    Ok(runtime::random_bytes().map_err(|_| "no random bytes")?)
}

fn main() -> ExitCode {
    runtime::read_stream(|environment| {
        let config = environment.sdk_config()?;
        Ok(AppendAudit {
            store: Store::new(&config, environment.require("TABLE_NAME")?),
            queues: Queues::new(&config),
            set_aside_url: environment.require("RELAY_FAILURES_QUEUE_URL")?.to_owned(),
        })
    })
}

//! Appends entries to a chain.

use std::collections::HashSet;

use aws_sdk_dynamodb::types::{CancellationReason, Put, TransactWriteItem, builders::PutBuilder};
use domain::audit::{AuditEntry, AuditRecord, ChainHead, ChainNumber, EntryId};
use jiff::{SignedDuration, Timestamp};

use super::record::{HeadRecord, MarkerRecord, TrailRecord};
use crate::{
    Consistency, Result, Store, StoreError,
    item::{Record, from_item, number, string, to_item},
    keys::Key,
    transaction::{First, Outcome, put_action},
};

/// Most entries that one transaction appends.
const MAX_APPENDED: usize = 25;
/// Time for which an entry is known to have its record: longer than an event can be delivered again.
const REMEMBERED: SignedDuration = SignedDuration::from_hours(24 * 30);
/// Actions of a transaction before those of the first entry.
const HEAD_ACTIONS: usize = 1;
/// Actions for each entry: its record, then its marker.
const ENTRY_ACTIONS: usize = 2;
/// As many as DynamoDB takes.
const _: () = assert!(HEAD_ACTIONS + MAX_APPENDED * ENTRY_ACTIONS <= 100);

/// Result of appending entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AppendOutcome {
    /// Every entry has its record.
    Appended {
        /// The chain's head now.
        head: ChainHead,
        /// Number of entries that had none before.
        new: usize,
    },
    /// Another writer has appended since the head was read. Read it, and append all of the entries again.
    Superseded,
}

/// Result of one transaction.
enum Appended {
    To(ChainHead),
    Superseded,
    /// Some entries have their records already.
    Known(HashSet<EntryId>),
}

impl Store {
    /// Reads the head of a chain; its genesis if it has no record. Key: [`Key::audit_head`], strongly consistent. 1 read unit.
    pub async fn audit_head(&self, chain: ChainNumber) -> Result<ChainHead> {
        let key = Key::audit_head(chain);
        let item = self.get("GetItem audit head", &key, Consistency::Strong);
        let record = item.await?.map(from_item::<HeadRecord>).transpose()?;
        Ok(record.map_or_else(|| ChainHead::genesis(chain), ChainHead::from))
    }

    /// Appends the entries that have no record yet after `head`, in order. Those of one batch share a transaction, up to 25 of
    /// them; of more, some may be appended although others are superseded. Keys: [`Key::audit_head`], on the condition that it
    /// is `head`; for each entry [`Key::audit_record`] and [`Key::audit_entry`], on the condition that they do not exist.
    /// 2 write units, and 4 for each entry of up to 1 KB; as much again if some have their records already.
    pub async fn append_audit(
        &self,
        head: &ChainHead,
        entries: &[AuditEntry],
        now: Timestamp,
    ) -> Result<AppendOutcome> {
        let chain = head.chain;
        if let Some(other) = entries
            .iter()
            .find(|it| ChainNumber::of(&it.subject) != chain)
        {
            let reason = format!("{} is not of chain {chain}", other.id);
            return Err(StoreError::inconsistent(TrailRecord::ENTITY, reason));
        }
        // A transaction writes an item once.
        let mut seen = HashSet::new();
        let mut rest: Vec<&AuditEntry> = entries.iter().filter(|it| seen.insert(&it.id)).collect();
        let (mut head, mut new) = (*head, 0);
        while !rest.is_empty() {
            let some = rest.get(..MAX_APPENDED).unwrap_or(&rest);
            match self.append_some(&head, some, now).await? {
                Appended::To(next) => {
                    head = next;
                    new += some.len();
                    rest.drain(..some.len());
                }
                Appended::Known(known) => rest.retain(|entry| !known.contains(&entry.id)),
                Appended::Superseded => return Ok(AppendOutcome::Superseded),
            }
        }
        Ok(AppendOutcome::Appended { head, new })
    }

    /// Appends entries with one transaction.
    async fn append_some(
        &self,
        head: &ChainHead,
        entries: &[&AuditEntry],
        now: Timestamp,
    ) -> Result<Appended> {
        let mut last = *head;
        let mut of_entries = Vec::with_capacity(entries.len() * ENTRY_ACTIONS);
        for entry in entries {
            let record = AuditRecord::next(&last, (*entry).clone(), now);
            last = record.head();
            let marker = MarkerRecord {
                sequence: record.sequence,
                expires_at: (now + REMEMBERED).as_second(),
            };
            let key = Key::audit_record(record.chain, record.sequence);
            of_entries.push(self.put_new(&key, &TrailRecord::from(record))?);
            let key = Key::audit_entry(last.chain, &entry.id);
            of_entries.push(self.put_new(&key, &marker)?);
        }
        let mut actions = vec![put_action(self.move_head(head, &last, now)?)?];
        actions.append(&mut of_entries);
        match self.transact("append audit", First::Write, actions).await? {
            Outcome::Committed { .. } => Ok(Appended::To(last)),
            Outcome::Refused(reasons) => refused(entries, &reasons),
            Outcome::InProgress => Err(StoreError::inconsistent(
                TrailRecord::ENTITY,
                "no idempotency key",
            )),
        }
    }

    fn put_new<R: Record>(&self, key: &Key, record: &R) -> Result<TransactWriteItem> {
        let put = Put::builder()
            .table_name(&self.table)
            .set_item(Some(to_item(key, record)?))
            .condition_expression("attribute_not_exists(PK)");
        put_action(put)
    }

    fn move_head(&self, from: &ChainHead, to: &ChainHead, now: Timestamp) -> Result<PutBuilder> {
        let put = Put::builder()
            .table_name(&self.table)
            .set_item(Some(to_item(
                &Key::audit_head(to.chain),
                &HeadRecord::of(to, now),
            )?));
        Ok(match from.sequence {
            0 => put.condition_expression("attribute_not_exists(PK)"),
            sequence => put
                .condition_expression("#sequence = :sequence AND #hash = :hash")
                .expression_attribute_names("#sequence", "sequence")
                .expression_attribute_names("#hash", "hash")
                .expression_attribute_values(":sequence", number(sequence))
                .expression_attribute_values(":hash", string(from.hash.to_string())),
        })
    }
}

/// Why nothing was appended. `reasons` are those of the head's action, then of each entry's.
fn refused(entries: &[&AuditEntry], reasons: &[Option<CancellationReason>]) -> Result<Appended> {
    let failed = |index: usize| reasons.get(index).is_some_and(Option::is_some);
    if failed(0) {
        return Ok(Appended::Superseded);
    }
    let action = |index: usize| HEAD_ACTIONS + index * ENTRY_ACTIONS;
    let known = entries.iter().enumerate();
    let known = known.filter(|(index, _)| failed(action(*index) + 1));
    let known: HashSet<EntryId> = known.map(|(_, entry)| entry.id.clone()).collect();
    if known.is_empty() {
        // Somebody has moved the head back, or has written a record by hand.
        let reason = "there are records behind the head";
        return Err(StoreError::inconsistent(TrailRecord::ENTITY, reason));
    }
    Ok(Appended::Known(known))
}

#[cfg(test)]
mod tests {
    use domain::audit::{AuditAction, AuditActor, AuditSubject, SubjectKind};

    use super::*;

    fn entry(number: usize) -> AuditEntry {
        AuditEntry {
            id: EntryId::try_from(format!("e.{number}")).unwrap(),
            actor: AuditActor::System,
            action: AuditAction::KeysRotated,
            subject: AuditSubject::new(SubjectKind::Keys, "keys"),
            at: Timestamp::UNIX_EPOCH,
            trace_id: "t".into(),
            changes: Vec::new(),
            personal: Vec::new(),
        }
    }

    /// The result for three entries if the actions with these numbers were refused.
    fn outcome(failed: &[usize]) -> Result<Appended> {
        let entries = [entry(0), entry(1), entry(2)];
        let entries: Vec<&AuditEntry> = entries.iter().collect();
        let reason = |index| {
            let reason = CancellationReason::builder().code("ConditionalCheckFailed");
            failed.contains(&index).then(|| reason.build())
        };
        let reasons: Vec<_> = (0..HEAD_ACTIONS + entries.len() * ENTRY_ACTIONS)
            .map(reason)
            .collect();
        refused(&entries, &reasons)
    }

    #[test]
    fn a_refusal_tells_known_entries_from_another_writer() {
        let known = |failed: &[usize]| match outcome(failed) {
            Ok(Appended::Known(ids)) => {
                let mut ids: Vec<String> = ids.iter().map(ToString::to_string).collect();
                ids.sort();
                ids
            }
            Ok(_) | Err(_) => Vec::new(),
        };
        assert_eq!(known(&[2]), ["e.0"]);
        assert_eq!(known(&[4, 6]), ["e.1", "e.2"]);
        assert!(matches!(outcome(&[0]), Ok(Appended::Superseded)));
        // Another writer has appended the same entries.
        assert!(matches!(outcome(&[0, 1, 2]), Ok(Appended::Superseded)));
        // A record behind the head.
        let error = outcome(&[1]).map(|_| ()).unwrap_err();
        assert!(!error.is_retryable(), "{error}");
        assert!(outcome(&[]).is_err());
    }
}

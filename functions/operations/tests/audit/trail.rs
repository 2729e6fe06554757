//! Chains that are written, and tampered with.

use domain::audit::{
    Anchor, AuditAction, AuditActor, AuditEntry, AuditFault, AuditFaultKind, AuditSubject,
    ChainHead, ChainNumber, EntryId, FieldChange, SubjectKind, TrailItem, Verifier,
};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use store::{AppendOutcome, Consistency, Store, TrailOrder};

use crate::world::World;

pub(crate) fn at(seconds: i64) -> Timestamp {
    let start: Timestamp = "2026-11-26T12:00:00Z".parse().unwrap();
    start + SignedDuration::from_secs(seconds)
}

/// An entry about the settings, all of which are in one chain.
pub(crate) fn entry(number: u32) -> AuditEntry {
    AuditEntry {
        id: EntryId::try_from(format!("settings.{number}")).unwrap(),
        actor: AuditActor::staff("ada"),
        action: AuditAction::SettingsChanged,
        subject: AuditSubject::new(SubjectKind::Settings, "settings"),
        at: at(number.into()),
        trace_id: "t".into(),
        changes: vec![FieldChange {
            field: "title".into(),
            before: None,
            after: Some(format!("Title {number}")),
        }],
        personal: Vec::new(),
    }
}

fn entries(numbers: impl IntoIterator<Item = u32>) -> Vec<AuditEntry> {
    numbers.into_iter().map(entry).collect()
}

fn chain() -> ChainNumber {
    ChainNumber::of(&entry(1).subject)
}

/// Appends as a consumer does: again after another writer. Returns how many entries were new.
async fn append(store: &Store, entries: &[AuditEntry]) -> usize {
    loop {
        let head = store.audit_head(chain()).await.unwrap();
        match store.append_audit(&head, entries, at(100)).await {
            Ok(AppendOutcome::Appended { new, .. }) => return new,
            Ok(AppendOutcome::Superseded) => {}
            Err(error) if error.is_retryable() => {}
            Err(error) => unreachable!("{error}"),
        }
    }
}

/// Verifies the chain as it is stored, with its head, and an anchor if there is one.
async fn verify(store: &Store, anchor: Option<&Anchor>) -> Result<ChainHead, AuditFault> {
    let mut verifier = Verifier::new(ChainHead::genesis(chain()));
    let head = store.audit_head(chain()).await.unwrap();
    verifier.check_head(&head)?;
    if let Some(anchor) = anchor {
        verifier.check_anchor(anchor)?;
    }
    let mut after = None;
    loop {
        let order = TrailOrder::OldestFirst;
        let page = store.audit_page(chain(), after, 7, order, Consistency::Strong);
        let page = page.await.unwrap();
        verifier.feed(&page.items)?;
        match page.next {
            Some(next) => after = Some(next),
            None => return verifier.finish(),
        }
    }
}

/// The entries' ids as the chain has them.
async fn ids(store: &Store) -> Vec<String> {
    let order = TrailOrder::OldestFirst;
    let page = store.audit_page(chain(), None, 1_000, order, Consistency::Strong);
    let ids = page
        .await
        .unwrap()
        .items
        .into_iter()
        .map(|item| match item {
            TrailItem::Record(record) => record.entry.id.to_string(),
            TrailItem::Unreadable { sequence } => unreachable!("{sequence}"),
        });
    ids.collect()
}

#[tokio::test]
async fn a_chain_is_read_and_verified_as_it_was_appended() {
    let World { store, .. } = &World::start().await;
    let genesis = ChainHead::genesis(chain());
    assert_eq!(store.audit_head(chain()).await.unwrap(), genesis);
    assert_eq!(verify(store, None).await, Ok(genesis));
    // More than one transaction takes.
    let first = store
        .append_audit(&genesis, &entries(1..=60), at(100))
        .await;
    let AppendOutcome::Appended { head, new } = first.unwrap() else {
        unreachable!("nobody else writes")
    };
    assert_eq!((head.sequence, new), (60, 60));
    assert_eq!(store.audit_head(chain()).await.unwrap(), head);
    assert_eq!(append(store, &entries(61..=61)).await, 1);
    let last = verify(store, Some(&Anchor::of(&head, at(200))))
        .await
        .unwrap();
    assert_eq!(last.sequence, 61);
    assert_eq!(
        ids(store).await,
        (1..=61)
            .map(|it| entry(it).id.to_string())
            .collect::<Vec<_>>()
    );

    let order = TrailOrder::NewestFirst;
    let (mut after, mut read) = (None, Vec::new());
    loop {
        let page = store.audit_page(chain(), after, 25, order, Consistency::Eventual);
        let page = page.await.unwrap();
        for item in page.items {
            let TrailItem::Record(record) = item else {
                unreachable!("{item:?}")
            };
            read.push(record.sequence);
        }
        let Some(next) = page.next else { break };
        after = Some(next);
    }
    assert_eq!(read, (1..=61).rev().collect::<Vec<u64>>());
}

#[tokio::test]
async fn an_entry_that_comes_again_is_recorded_once() {
    let World { store, .. } = &World::start().await;
    assert_eq!(append(store, &[]).await, 0);
    assert_eq!(append(store, &entries([1, 2, 1])).await, 2);
    assert_eq!(append(store, &entries([1, 2])).await, 0);
    assert_eq!(append(store, &entries([3, 2, 4, 1, 4])).await, 2);
    // More than one transaction takes, of which some are known.
    assert_eq!(append(store, &entries(3..=40)).await, 36);
    let recorded = (1..=40).map(|it| entry(it).id.to_string());
    assert_eq!(ids(store).await, recorded.collect::<Vec<_>>());
    assert_eq!(verify(store, None).await.unwrap().sequence, 40);
}

#[tokio::test]
async fn of_two_writers_after_one_record_one_appends() {
    let World { store, .. } = &World::start().await;
    for (one, other) in [(1, 2), (3, 4)] {
        let head = store.audit_head(chain()).await.unwrap();
        let first = store.append_audit(&head, &entries([one]), at(100)).await;
        assert!(matches!(
            first.unwrap(),
            AppendOutcome::Appended { new: 1, .. }
        ));
        let second = store.append_audit(&head, &entries([other]), at(100)).await;
        assert_eq!(second.unwrap(), AppendOutcome::Superseded);
        assert_eq!(append(store, &entries([other])).await, 1);
    }
    assert_eq!(verify(store, None).await.unwrap().sequence, 4);
}

#[tokio::test]
async fn many_writers_leave_one_chain() {
    let World { store, .. } = &World::start().await;
    let writer = |number: u32| async move {
        // Each entry comes to two writers.
        append(store, &entries([number, number + 1])).await
    };
    let new = futures_util::future::join_all((1..=12).map(writer)).await;
    assert_eq!(new.iter().sum::<usize>(), 13);
    let mut recorded = ids(store).await;
    recorded.sort();
    recorded.dedup();
    assert_eq!(recorded.len(), 13);
    assert_eq!(verify(store, None).await.unwrap().sequence, 13);
}

#[tokio::test]
async fn an_entry_is_in_the_chain_of_its_subject_only() {
    let World { store, .. } = &World::start().await;
    let other = ChainNumber::all().find(|it| *it != chain()).unwrap();
    let head = store.audit_head(other).await.unwrap();
    let error = store.append_audit(&head, &entries([1]), at(100)).await;
    assert!(!error.unwrap_err().is_retryable());
}

/// The stored record with this number.
fn record(items: &mut [Value], sequence: usize) -> &mut Value {
    let wanted = format!("RECORD#{sequence:020}");
    let mut items = items.iter_mut();
    items
        .find(|item| item["SK"]["S"] == wanted.as_str())
        .unwrap()
}

/// A fault that is found after `tamper` has changed the items of a chain of six, without an anchor.
async fn found(tamper: impl Fn(&mut Vec<Value>)) -> (u64, AuditFaultKind) {
    let world = World::start().await;
    append(&world.store, &entries(1..=6)).await;
    let mut items = world.items().await;
    tamper(&mut items);
    let world = world.copy(items).await;
    let fault = verify(&world.store, None).await.unwrap_err();
    (fault.sequence, fault.kind)
}

/// The kind: somebody who may write to the table.
#[tokio::test]
async fn tampering_with_the_table_is_detected() {
    use AuditFaultKind as Kind;
    let altered = found(|items| record(items, 3)["actor"]["S"] = "system".into());
    assert_eq!(altered.await, (3, Kind::Altered));
    let added = found(|items| record(items, 3)["omitted"] = serde_json::json!({ "N": "1" }));
    assert_eq!(added.await, (3, Kind::Altered));
    let removed = |sequence: usize| {
        found(move |items| {
            let position = record(items, sequence)["SK"].clone();
            items.retain(|item| item["SK"] != position);
        })
    };
    assert_eq!(removed(1).await, (1, Kind::Missing));
    assert_eq!(removed(3).await, (3, Kind::Missing));
    assert_eq!(removed(6).await, (6, Kind::EndsEarly));
    let swapped = found(|items| {
        let (third, fourth) = (record(items, 3).clone(), record(items, 4).clone());
        items.retain(|item| *item != third && *item != fourth);
        for (mut moved, place) in [(third.clone(), &fourth), (fourth.clone(), &third)] {
            moved["SK"] = place["SK"].clone();
            items.push(moved);
        }
    });
    assert_eq!(swapped.await, (3, Kind::Reordered));
    let unreadable = found(|items| record(items, 5)["actor"]["S"] = "nobody".into());
    assert_eq!(unreadable.await, (5, Kind::Unreadable));
}

/// The kind: the end of the chain is gone, its head with it.
#[tokio::test]
async fn a_head_that_was_moved_back_is_found_by_an_anchor_and_by_the_next_writer() {
    let world = World::start().await;
    append(&world.store, &entries(1..=3)).await;
    let earlier = world.items().await;
    append(&world.store, &entries(4..=6)).await;
    let head = world.store.audit_head(chain()).await.unwrap();
    let anchor = Anchor::of(&head, at(200));
    let mut items = world.items().await;
    let moved_back = earlier.iter().find(|it| it["SK"]["S"] == "HEAD").unwrap();
    items.retain(|item| item["SK"]["S"] != "HEAD");
    items.push(moved_back.clone());
    let truncated = items.clone().into_iter().filter(|item| {
        let number = item["sequence"]["N"].as_str().unwrap();
        number.parse::<u64>().unwrap() <= 3
    });
    let truncated: Vec<Value> = truncated.collect();

    let world = world.copy(items).await;
    let head = world.store.audit_head(chain()).await.unwrap();
    let error = world
        .store
        .append_audit(&head, &entries([7]), at(100))
        .await;
    assert!(!error.unwrap_err().is_retryable());

    let world = World::start().await.copy(truncated).await;
    assert!(verify(&world.store, None).await.is_ok());
    let fault = verify(&world.store, Some(&anchor)).await.unwrap_err();
    assert_eq!((fault.sequence, fault.kind), (4, AuditFaultKind::EndsEarly));
}

//! Lists of the records of all chains.

use std::collections::{BTreeMap, BTreeSet};

use domain::audit::{
    AuditAction, AuditActor, AuditEntry, AuditSubject, ChainHead, ChainNumber, ListAudit,
    SubjectKind,
};
use store::{ListError, Store};

use crate::{
    trail::{at, entry},
    world::World,
};

const ENTRIES: u32 = 120;

/// An entry about one of 80 orders, by one of three actors.
fn about_an_order(number: u32) -> AuditEntry {
    AuditEntry {
        actor: match number % 3 {
            0 => AuditActor::System,
            1 => AuditActor::staff("ada"),
            _ => AuditActor::staff("ben"),
        },
        action: match number % 10 {
            0 => AuditAction::StockChanged,
            _ => AuditAction::OrderChanged,
        },
        subject: AuditSubject::new(SubjectKind::Order, number % 80),
        ..entry(number)
    }
}

/// Appends one entry after another, each in its chain, an hour apart.
async fn filled() -> World {
    let world = World::start().await;
    let mut heads = BTreeMap::new();
    for number in 0..ENTRIES {
        let entry = about_an_order(number);
        let chain = ChainNumber::of(&entry.subject);
        let head = heads.entry(chain).or_insert(ChainHead::genesis(chain));
        let hour = i64::from(number) * 3_600;
        let entry = AuditEntry {
            at: at(hour),
            ..entry
        };
        let outcome = world.store.append_audit(head, &[entry], at(hour + 1)).await;
        match outcome.unwrap() {
            store::AppendOutcome::Appended { head: next, .. } => *head = next,
            other => unreachable!("{other:?}"),
        }
    }
    assert_eq!(heads.len(), 16, "every chain has records");
    world
}

fn number(id: &str) -> u32 {
    id.strip_prefix("settings.").unwrap().parse().unwrap()
}

/// All pages of a list: the numbers of the entries, as they are listed.
async fn all(store: &Store, list: &ListAudit) -> Vec<u32> {
    let mut list = list.clone();
    let mut numbers = Vec::new();
    for _ in 0..200 {
        let page = store.list_audit(&list).await.unwrap();
        assert!(page.records.len() <= usize::try_from(list.limit).unwrap());
        numbers.extend(page.records.iter().map(|it| number(it.entry.id.as_str())));
        match page.next_cursor {
            Some(cursor) => list.cursor = Some(cursor),
            None => return numbers,
        }
    }
    unreachable!("the list has no end: {numbers:?}")
}

fn limited(limit: u32) -> ListAudit {
    ListAudit {
        limit,
        ..ListAudit::default()
    }
}

#[tokio::test]
async fn every_filter_lists_its_records_once_newest_first() {
    let World { store, .. } = &filled().await;
    let of_one = about_an_order(7).subject;
    let lists = [
        ListAudit::default(),
        ListAudit {
            actor: Some(AuditActor::staff("ada")),
            ..ListAudit::default()
        },
        ListAudit {
            action: Some(AuditAction::StockChanged),
            ..ListAudit::default()
        },
        ListAudit {
            action: Some(AuditAction::KeysRotated),
            ..ListAudit::default()
        },
        ListAudit {
            subject: Some(of_one.clone()),
            ..ListAudit::default()
        },
        ListAudit {
            chain: Some(ChainNumber::of(&of_one)),
            ..ListAudit::default()
        },
        ListAudit {
            since: Some(at(100 * 3_600)),
            ..ListAudit::default()
        },
        ListAudit {
            until: Some(at(20 * 3_600)),
            ..ListAudit::default()
        },
        ListAudit {
            actor: Some(AuditActor::System),
            since: Some(at(30 * 3_600)),
            until: Some(at(60 * 3_600)),
            ..ListAudit::default()
        },
        ListAudit {
            chain: ChainNumber::all().find(|it| *it != ChainNumber::of(&of_one)),
            subject: Some(of_one),
            ..ListAudit::default()
        },
    ];
    for filters in lists {
        let matches = |number: &u32| {
            let entry = AuditEntry {
                at: at(i64::from(*number) * 3_600),
                ..about_an_order(*number)
            };
            let chain = ChainNumber::of(&entry.subject);
            let head = ChainHead::genesis(chain);
            filters.takes(&domain::audit::AuditRecord::next(&head, entry, at(0)))
        };
        let expected: Vec<u32> = (0..ENTRIES).rev().filter(matches).collect();
        for limit in [3, 25, 100] {
            let list = ListAudit {
                limit,
                ..filters.clone()
            };
            assert_eq!(all(store, &list).await, expected, "{list:?}");
        }
    }
}

#[tokio::test]
async fn records_that_come_meanwhile_are_not_in_later_pages() {
    let World { store, .. } = &filled().await;
    let first = store.list_audit(&limited(30)).await.unwrap();
    let mut seen: Vec<u32> = first
        .records
        .iter()
        .map(|it| number(it.entry.id.as_str()))
        .collect();
    for chain in ChainNumber::all() {
        let of_chain = (0..).map(|it| AuditSubject::new(SubjectKind::Job, it));
        let subject = { of_chain }
            .find(|it| ChainNumber::of(it) == chain)
            .unwrap();
        let late = AuditEntry {
            subject,
            ..entry(1_000 + u32::from(chain.get()))
        };
        let head = store.audit_head(chain).await.unwrap();
        store
            .append_audit(&head, &[late], at(1_000_000))
            .await
            .unwrap();
    }
    let rest = ListAudit {
        cursor: first.next_cursor,
        ..limited(30)
    };
    seen.extend(all(store, &rest).await);
    assert_eq!(seen, (0..ENTRIES).rev().collect::<Vec<_>>());
    let again: BTreeSet<u32> = all(store, &limited(50)).await.into_iter().collect();
    assert_eq!(again.len(), 120 + 16);
}

#[tokio::test]
async fn a_cursor_serves_its_own_list_only() {
    let World { store, .. } = &filled().await;
    let cursor = store.list_audit(&limited(5)).await.unwrap().next_cursor;
    assert!(cursor.is_some());
    for other in [
        ListAudit {
            action: Some(AuditAction::OrderChanged),
            cursor: cursor.clone(),
            ..limited(5)
        },
        ListAudit {
            cursor: Some("x".into()),
            ..limited(5)
        },
        ListAudit {
            cursor: Some(String::new()),
            ..limited(5)
        },
    ] {
        let refused = store.list_audit(&other).await;
        assert!(
            matches!(refused, Err(ListError::InvalidCursor(_))),
            "{other:?}"
        );
    }
}

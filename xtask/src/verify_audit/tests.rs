use domain::audit::{
    AuditAction, AuditActor, AuditEntry, AuditFaultKind, AuditRecord, AuditSubject, EntryId,
    SubjectKind, TrailItem,
};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::*;

fn chain(number: u8) -> ChainNumber {
    ChainNumber::try_from(number).unwrap()
}

fn trail(number: u8, length: u64) -> Vec<AuditRecord> {
    let mut head = ChainHead::genesis(chain(number));
    let record = |number: u64| {
        let entry = AuditEntry {
            id: EntryId::try_from(format!("e.{number}")).unwrap(),
            actor: AuditActor::System,
            action: AuditAction::KeysRotated,
            subject: AuditSubject::new(SubjectKind::Keys, "keys"),
            at: "2026-11-26T12:00:00Z".parse().unwrap(),
            trace_id: "t".to_owned(),
            changes: Vec::new(),
            personal: Vec::new(),
        };
        let record = AuditRecord::next(&head, entry, "2026-11-26T12:00:01Z".parse().unwrap());
        head = record.head();
        record
    };
    (1..=length).map(record).collect()
}

/// The pages of a chain, each of `size` records.
fn pages(number: u8, records: &[AuditRecord], size: usize) -> Vec<ExportedChain> {
    let head = records
        .last()
        .map_or(ChainHead::genesis(chain(number)), AuditRecord::head);
    let item = |record: &AuditRecord| TrailItem::Record(Box::new(record.clone()));
    let mut pages: Vec<ExportedChain> = records
        .chunks(size)
        .map(|some| {
            let next = some.last().map(|it| it.sequence);
            ExportedChain::of(&head, some.iter().map(item).collect(), next)
        })
        .collect();
    match pages.last_mut() {
        Some(last) => last.next = None,
        None => pages.push(ExportedChain::of(&head, Vec::new(), None)),
    }
    pages
}

/// A folder with an export: chain 3 as given, the others empty.
fn folder(third: Vec<ExportedChain>) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let others = ChainNumber::all().filter(|it| *it != chain(3));
    let others = others.flat_map(|it| pages(it.get(), &[], 1));
    for (number, page) in others.chain(third).enumerate() {
        let text = serde_json::to_vec(&page).unwrap();
        // In another order than that of the records.
        fs::write(folder.path().join(format!("{}.json", 999 - number)), text).unwrap();
    }
    folder
}

fn verified(folder: &TempDir, anchors: Option<&TempDir>) -> Result<(), String> {
    let arguments = Arguments {
        shop: None,
        folder: Some(folder.path().to_owned()),
        save: None,
        anchors: anchors.map(|it| it.path().to_owned()),
    };
    run(&arguments).map_err(|error| error.to_string())
}

fn disorder(pages: Vec<ExportedChain>, anchors: &[Anchor]) -> Disorder {
    let mut check = ChainCheck::new(chain(3), anchors);
    for page in pages {
        if check.takes(page).is_err() {
            break;
        }
    }
    check.end().unwrap_err()
}

fn fault(disorder: Disorder) -> (u64, AuditFaultKind) {
    match disorder {
        Disorder::Fault(fault) => (fault.sequence, fault.kind),
        other => unreachable!("{other}"),
    }
}

#[test]
fn an_export_in_order_is_verified_in_pages_of_any_size() {
    let records = trail(3, 7);
    for size in 1..=8 {
        assert_eq!(verified(&folder(pages(3, &records, size)), None), Ok(()));
    }
    assert_eq!(verified(&folder(pages(3, &[], 1)), None), Ok(()));
}

#[test]
fn a_chain_that_was_left_out_or_not_read_to_its_end_is_not_in_order() {
    let error = verified(&folder(Vec::new()), None).unwrap_err();
    assert!(error.contains("1 of 16 chains"), "{error}");
    assert_eq!(disorder(Vec::new(), &[]), Disorder::NotExported(chain(3)));
    let mut all = pages(3, &trail(3, 7), 2);
    all.pop();
    assert_eq!(disorder(all, &[]), Disorder::Unfinished(chain(3), 6));
    let other = Disorder::OtherChain(chain(3), chain(4));
    assert_eq!(disorder(pages(4, &trail(4, 2), 2), &[]), other);
}

#[test]
fn tampering_is_found() {
    use AuditFaultKind as Kind;
    let with = |change: &dyn Fn(&mut Vec<ExportedChain>)| {
        let mut pages = pages(3, &trail(3, 7), 3);
        change(&mut pages);
        fault(disorder(pages, &[]))
    };
    let altered = with(&|pages| {
        let record = pages[1].items[1].record.as_mut().unwrap();
        record.entry.trace_id.push('x');
    });
    assert_eq!(altered, (5, Kind::Altered));
    assert_eq!(
        with(&|pages| drop(pages[1].items.remove(1))),
        (5, Kind::Missing)
    );
    assert_eq!(
        with(&|pages| pages[1].items.swap(0, 1)),
        (4, Kind::Reordered)
    );
    assert_eq!(
        with(&|pages| pages[1].items[1].record = None),
        (5, Kind::Unreadable)
    );
    assert_eq!(with(&|pages| pages[2].items.clear()), (7, Kind::EndsEarly));
    // The head was moved back between two pages.
    let back = with(&|pages| {
        pages[2].head.sequence = 4;
    });
    assert_eq!(back, (5, Kind::BeyondHead));
}

#[test]
fn a_chain_that_was_written_anew_contradicts_its_anchors() {
    let records = trail(3, 7);
    let anchor = |record: &AuditRecord| Anchor::of(&record.head(), record.recorded_at);
    let anchors = tempfile::tempdir().unwrap();
    let put = |anchor: &Anchor| {
        let path = anchors
            .path()
            .join(Anchor::key(anchor.chain, anchor.sequence));
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, serde_json::to_vec(anchor).unwrap()).unwrap();
    };
    put(&anchor(&records[4]));
    assert_eq!(
        verified(&folder(pages(3, &records, 3)), Some(&anchors)),
        Ok(())
    );
    let mut anew = trail(3, 4);
    let mut entry = records[4].entry.clone();
    entry.trace_id.push('x');
    anew.push(AuditRecord::next(
        &anew[3].head(),
        entry,
        records[4].recorded_at,
    ));
    assert_eq!(verified(&folder(pages(3, &anew, 3)), None), Ok(()));
    let error = verified(&folder(pages(3, &anew, 3)), Some(&anchors)).unwrap_err();
    assert!(error.contains("1 of 16 chains"), "{error}");
    let found = disorder(pages(3, &anew, 3), &[anchor(&records[4])]);
    assert_eq!(fault(found), (5, AuditFaultKind::Altered));
    let found = disorder(pages(3, &records[..4], 3), &[anchor(&records[4])]);
    assert_eq!(fault(found), (5, AuditFaultKind::EndsEarly));
}

#[test]
fn what_is_not_an_export_or_an_anchor_is_named() {
    let here = tempfile::tempdir().unwrap();
    assert!(verified(&here, None).unwrap_err().contains("no JSON files"));
    let put = |value: &Value| {
        fs::write(
            here.path().join("00000000000000000001.json"),
            value.to_string(),
        )
        .unwrap();
    };
    let export = folder(pages(3, &[], 1));
    let anchor = serde_json::to_value(Anchor::of(
        &trail(3, 2)[1].head(),
        "2026-11-26T12:00:00Z".parse().unwrap(),
    ));
    for other in [json!({}), json!([]), json!("x"), json!({ "chain": 99 })] {
        put(&other);
        assert!(
            verified(&here, None)
                .unwrap_err()
                .contains("not an exported chain")
        );
        let error = verified(&export, Some(&here)).unwrap_err();
        assert!(error.contains("not an anchor"), "{error}");
    }
    put(&anchor.unwrap());
    let error = verified(&export, Some(&here)).unwrap_err();
    assert!(error.contains("another record"), "{error}");
    let error = Shop::new("shop.example.com", "t", None)
        .map(|_| ())
        .unwrap_err();
    assert!(error.to_string().contains("https://"), "{error}");
}

//! Counts that meet imports and themselves between any two lines. The table is real.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on says why and fails"
)]

use std::{collections::BTreeMap, path::Path};

use domain::{
    catalog::Sku,
    change::ChangeStamp,
    id::{ImportId, StockChangeId},
    inventory::{Stock, Variant},
    money::Money,
    orders::Actor,
    staff::Author,
    trace::{Cause, TraceParent},
};
use jiff::Timestamp;
use local::emulators::Tables;
use runtime::Environment;
use serde_json::Value;
use store::{
    ByStaff, CountOutcome, CountStock, ImportOutcome, ImportStock, PutVariantOutcome, SplitOutcome,
    Store, VariantDetails,
};

struct World {
    store: Store,
    sku: Sku,
    tables: Tables,
}

/// The stamp of an import that was created in this second.
fn import(second: i64) -> ChangeStamp {
    let at = Timestamp::from_second(second).unwrap();
    ImportId::at(at, [0; 16]).into()
}

/// The author of counts at a second since 1970.
fn ada(second: i64) -> Author<'static> {
    Author {
        actor: Actor::Staff("ada".to_owned()),
        at: Timestamp::from_second(second).unwrap(),
        cause: Cause {
            trace_id: "r",
            traceparent: TraceParent::begin("r"),
        },
    }
}

/// The changes on record, oldest first: what, before and after.
fn on_record(items: &[Value]) -> Vec<String> {
    let changes = items
        .iter()
        .filter(|it| it["entity_type"]["S"] == "stock_change");
    let mut changes: Vec<&Value> = changes.collect();
    changes.sort_by_key(|it| it["id"]["S"].to_string());
    changes
        .into_iter()
        .map(|it| {
            assert_eq!(it["by"]["S"], "staff:ada");
            let what = it["what"]["S"].as_str().unwrap();
            let number = |name: &str| it[name]["N"].as_str().unwrap();
            format!("{what} {} → {}", number("before"), number("after"))
        })
        .collect()
}

impl World {
    async fn start() -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let tables = Tables::start(&root.canonicalize().unwrap()).await.unwrap();
        tables.create("counts").unwrap();
        let environment = Environment::of(tables.environment("http://127.0.0.1:9"));
        Self {
            store: Store::new(&environment.sdk_config().unwrap(), "counts".to_owned()),
            sku: "TEE".parse().unwrap(),
            tables,
        }
    }

    /// Writes the details as an import does; returns the change that has set the stock.
    async fn put(&self, stamp: &ChangeStamp, is_new: bool) -> Option<ChangeStamp> {
        let details = VariantDetails {
            sku: &self.sku,
            product_slug: "tee",
            title: "Tee",
            price: Money::new(1000, "USD".parse().unwrap()),
            for_sale: true,
            backorder: false,
            untracked: false,
            is_new,
            initial_quantity: 10,
            withdrawn: false,
            may_take: true,
            stamp,
        };
        match self.store.put_variant_details(&details).await.unwrap() {
            PutVariantOutcome::Put { counted_by, .. } => counted_by,
            other => unreachable!("{other:?}"),
        }
    }

    /// Counts as an import does.
    async fn import(&self, on_hand: i64, stamp: &ChangeStamp) -> ImportOutcome {
        let count = ImportStock {
            sku: &self.sku,
            on_hand,
            stamp,
        };
        self.store.import_stock(count).await.unwrap()
    }

    /// Counts as staff do, by a request of this second.
    async fn count(&self, on_hand: i64, second: i64, expected: Option<u64>) -> CountOutcome {
        let author = ada(second);
        let count = CountStock {
            sku: &self.sku,
            on_hand,
            expected,
            by: ByStaff {
                id: StockChangeId::at(author.at, [0; 16]),
                author: &author,
            },
        };
        self.store.count_stock(count).await.unwrap()
    }

    /// Splits as staff do, by a request of this second.
    async fn split(&self, shards: u8, second: i64) -> SplitOutcome {
        let author = ada(second);
        let by = ByStaff {
            id: StockChangeId::at(author.at, [1; 16]),
            author: &author,
        };
        let split = self
            .store
            .split_stock(&self.sku, shards, author.at, Some(by));
        split.await.unwrap()
    }

    fn on_record(&self) -> Vec<String> {
        on_record(&self.tables.items("counts").unwrap())
    }

    async fn variant(&self) -> Variant {
        self.store.whole_variant(&self.sku).await.unwrap().unwrap()
    }

    async fn stock(&self) -> Stock {
        self.variant().await.total()
    }
}

// Kind of fault: an older message overwrites newer truth, here between two writes of a newer one.
#[tokio::test]
async fn an_import_does_not_count_what_a_newer_one_has_written() {
    let world = World::start().await;
    world.put(&import(10), true).await;
    for shards in [1, 2] {
        let now = Timestamp::from_second(i64::from(shards)).unwrap();
        let split = world.store.split_stock(&world.sku, shards, now, None);
        split.await.unwrap();
        let at = i64::from(shards) * 1000;
        let newer = import(at + 20);
        world.put(&newer, false).await;
        let before = world.stock().await;
        let late = world.import(50, &import(at + 15)).await;
        assert_eq!(late, ImportOutcome::Superseded, "{shards} shards");
        assert_eq!(world.stock().await, before);

        let counted = world.import(7, &newer).await;
        assert!(matches!(counted, ImportOutcome::Counted(_)), "{counted:?}");
        assert_eq!(world.stock().await.available, 7);
        // A redelivered message does not undo the sales since.
        let again = world.import(7, &newer).await;
        assert_eq!(again, ImportOutcome::Repeated);
        // And a person's count stays.
        let person = world.count(200, at + 100, None).await;
        assert!(matches!(person, CountOutcome::Counted(_)), "{person:?}");
        let late = world.import(7, &import(at + 99)).await;
        assert_eq!(late, ImportOutcome::Superseded);
        assert_eq!(world.stock().await.available, 200);
        let newest = world.import(8, &import(at + 101)).await;
        assert!(matches!(newest, ImportOutcome::Counted(_)), "{newest:?}");
    }
}

// Kind of fault: the same request, different responses. One whose answer was lost is sent again by the client of the table.
#[tokio::test]
async fn a_count_whose_response_was_lost_has_the_same_response_and_record_again() {
    let world = World::start().await;
    world.put(&import(10), true).await;
    for (shards, at) in [(1, 20), (4, 30)] {
        world.split(shards, at).await;
        let first = world.count(30, at + 1, None).await;
        assert!(matches!(first, CountOutcome::Counted(_)), "{first:?}");
        let again = world.count(30, at + 1, None).await;
        assert_eq!(again, first);
    }
    assert_eq!(
        world.on_record(),
        ["counted 10 → 30", "split 1 → 4", "counted 30 → 30"]
    );
}

#[tokio::test]
async fn a_count_replaces_only_the_version_that_it_expects() {
    let world = World::start().await;
    world.put(&import(10), true).await;
    for (shards, at) in [(1, 20), (4, 30)] {
        world.split(shards, at).await;
        let version = world.stock().await.version;
        let first = world.count(at, at + 1, Some(version)).await;
        let CountOutcome::Counted(variant) = first else {
            unreachable!("{first:?}")
        };
        assert_eq!(variant, world.variant().await);
        let other = world.count(7, at + 2, Some(version)).await;
        assert_eq!(other, CountOutcome::OtherVersion);
        assert_eq!(world.stock().await.available, at);
    }
    assert_eq!(
        world.on_record(),
        ["counted 10 → 20", "split 1 → 4", "counted 20 → 30"]
    );
}

#[tokio::test]
async fn what_staff_do_is_on_record_and_what_the_shop_does_is_not() {
    let world = World::start().await;
    world.put(&import(10), true).await;
    world.import(12, &import(11)).await;
    world.count(20, 20, None).await;
    world.count(20, 21, None).await;
    let split = world.split(2, 22).await;
    assert!(matches!(split, SplitOutcome::Split(_)), "{split:?}");
    // Nothing is changed.
    world.split(2, 23).await;
    assert!(matches!(world.split(1, 24).await, SplitOutcome::HasMore(_)));
    let now = Timestamp::from_second(25).unwrap();
    let by_shop = world.store.split_stock(&world.sku, 4, now, None);
    by_shop.await.unwrap();
    world.import(13, &import(30)).await;
    world.count(5, 40, None).await;
    assert_eq!(world.stock().await.available, 5);
    assert!(world.stock().await.is_balanced());
    let expected = [
        "counted 12 → 20",
        "counted 20 → 20",
        "split 1 → 2",
        "counted 13 → 5",
    ];
    assert_eq!(world.on_record(), expected);
    let nobody = World {
        sku: "NOBODY".parse().unwrap(),
        ..world
    };
    let none = nobody.count(1, 50, None).await;
    assert_eq!(none, CountOutcome::NoSuchVariant);
    assert_eq!(nobody.on_record(), expected);
}

/// Each knows what it has replaced, whichever comes first.
#[tokio::test]
async fn counts_at_once_leave_a_record_without_a_gap() {
    let world = World::start().await;
    world.put(&import(10), true).await;
    let counts = (0..4).map(|number| world.count(100 + number, 20 + number, None));
    for outcome in futures_util::future::join_all(counts).await {
        assert!(matches!(outcome, CountOutcome::Counted(_)), "{outcome:?}");
    }
    let mut steps: BTreeMap<i64, i64> = BTreeMap::new();
    for change in world.on_record() {
        let numbers = change.strip_prefix("counted ").unwrap();
        let (before, after) = numbers.split_once(" → ").unwrap();
        steps.insert(before.parse().unwrap(), after.parse().unwrap());
    }
    let mut units = 10;
    for _ in 0..4 {
        units = steps.remove(&units).unwrap();
    }
    assert_eq!(units, world.stock().await.available);
    assert_eq!(steps, BTreeMap::new());
}

// Kind of fault: absent and default as one value, here in the table.
#[tokio::test]
async fn a_stock_from_before_the_stamps_is_counted() {
    let world = World::start().await;
    // Without a stamp of its count.
    assert_eq!(world.put(&import(10), false).await, None);
    let stamp = import(20);
    assert_eq!(world.put(&stamp, false).await, None);
    let counted = world.import(50, &stamp).await;
    assert!(matches!(counted, ImportOutcome::Counted(_)), "{counted:?}");
    assert_eq!(world.put(&stamp, false).await, Some(stamp));
}

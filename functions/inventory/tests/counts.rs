//! Counts that meet imports and themselves between any two lines. The table is real.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on says why and fails"
)]

use std::path::Path;

use domain::{
    catalog::Sku,
    change::ChangeStamp,
    id::ImportId,
    inventory::{Stock, Variant},
    money::Money,
};
use jiff::Timestamp;
use local::emulators::Tables;
use runtime::Environment;
use store::{CountOutcome, CountStock, PutVariantOutcome, Replaces, Store, VariantDetails};

struct World {
    store: Store,
    sku: Sku,
    _tables: Tables,
}

/// The stamp of an import that was created in this second.
fn import(second: i64) -> ChangeStamp {
    let at = Timestamp::from_second(second).unwrap();
    ImportId::at(at, [0; 16]).into()
}

/// The stamp of a count in this second.
fn count(second: i64) -> ChangeStamp {
    ChangeStamp::of_count(Timestamp::from_second(second).unwrap(), [0; 16])
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
            _tables: tables,
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

    async fn set(&self, on_hand: i64, stamp: &ChangeStamp, replaces: Replaces) -> CountOutcome {
        let count = CountStock {
            sku: &self.sku,
            on_hand,
            stamp,
            replaces,
        };
        self.store.set_stock(count).await.unwrap()
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
        let split = world.store.split_stock(&world.sku, shards, now);
        split.await.unwrap();
        let at = i64::from(shards) * 1000;
        let newer = import(at + 20);
        world.put(&newer, false).await;
        let before = world.stock().await;
        let late = world.set(50, &import(at + 15), Replaces::Older).await;
        assert_eq!(late, CountOutcome::Superseded, "{shards} shards");
        assert_eq!(world.stock().await, before);

        let counted = world.set(7, &newer, Replaces::Older).await;
        assert!(matches!(counted, CountOutcome::Counted(_)), "{counted:?}");
        assert_eq!(world.stock().await.available, 7);
        // A redelivered message does not undo the sales since.
        let again = world.set(7, &newer, Replaces::Older).await;
        assert_eq!(again, CountOutcome::Repeated);
        // And a person's count stays.
        let person = world.set(200, &count(at + 100), Replaces::Any).await;
        assert!(matches!(person, CountOutcome::Counted(_)), "{person:?}");
        let late = world.set(7, &import(at + 99), Replaces::Older).await;
        assert_eq!(late, CountOutcome::Superseded);
        assert_eq!(world.stock().await.available, 200);
        let newest = world.set(8, &import(at + 101), Replaces::Older).await;
        assert!(matches!(newest, CountOutcome::Counted(_)), "{newest:?}");
    }
}

// Kind of fault: the same request, different responses.
#[tokio::test]
async fn a_count_whose_response_was_lost_has_the_same_response_again() {
    let world = World::start().await;
    world.put(&import(10), true).await;
    let version = world.stock().await.version;
    let first = world.set(30, &count(20), Replaces::Version(version)).await;
    assert!(matches!(first, CountOutcome::Counted(_)), "{first:?}");
    let again = world.set(30, &count(20), Replaces::Version(version)).await;
    assert_eq!(again, first);
    let other = world.set(31, &count(21), Replaces::Version(version)).await;
    assert_eq!(other, CountOutcome::OtherVersion);
    assert_eq!(world.stock().await.available, 30);
}

// Kind of fault: absent and default as one value, here in the table.
#[tokio::test]
async fn a_stock_from_before_the_stamps_is_counted() {
    let world = World::start().await;
    // Without a stamp of its count.
    assert_eq!(world.put(&import(10), false).await, None);
    let stamp = import(20);
    assert_eq!(world.put(&stamp, false).await, None);
    let counted = world.set(50, &stamp, Replaces::Older).await;
    assert!(matches!(counted, CountOutcome::Counted(_)), "{counted:?}");
    assert_eq!(world.put(&stamp, false).await, Some(stamp));
}

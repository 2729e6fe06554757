//! Orders in a real table.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    path::Path,
    sync::Arc,
};

use domain::{
    cart::{Cart, CartLine},
    catalog::Sku,
    change::ChangeStamp,
    documents::Revisions,
    id::{AccountId, ImportId, OrderId},
    idempotency::Fingerprint,
    identity::{Account, AccountChange, AccountChangeKind},
    money::Money,
    orders::{
        Actor, Address, ListOrders, Order, OrderEntry, OrderList, OrderStatus, PaymentWindow,
        PlaceOrder, PricingContext, Transition, UnitLimits, place_order,
    },
    payments::{PaymentFailure, PaymentMethod, Provider},
    trace::{Cause, TraceParent},
};
use jiff::{SignedDuration, Timestamp};
use local::emulators::Tables;
use orders::projection::{Care, Written, project};
use runtime::Environment;
use serde_json::Value;
use store::{ChangeOutcome, Consistency, Placement, Shards, Store, VariantDetails};

pub(crate) const TABLE: &str = "orders";
const SKUS: [&str; 3] = ["TEE", "MUG", "CAP"];

/// A shop's table, and nothing else of it.
#[derive(Clone)]
pub(crate) struct World {
    pub(crate) store: Store,
    pub(crate) tables: Arc<Tables>,
}

pub(crate) fn start_of_time() -> Timestamp {
    "2026-11-22T10:00:00Z".parse().unwrap()
}

/// An account with a verified address.
pub(crate) fn account(number: u8, email: &str) -> Account {
    Account {
        id: AccountId::random([number; 16]),
        email: email.to_owned(),
        name: None,
        email_consent: None,
        staff: None,
        groups: BTreeSet::new(),
        generation: 1,
        created_at: start_of_time(),
        version: 1,
        last_change: AccountChange {
            kind: AccountChangeKind::Verified,
            by: "shop".to_owned(),
            at: start_of_time(),
            from: None,
            email_change: None,
        },
        trace_id: "t".to_owned(),
        traceparent: TraceParent::begin("t"),
    }
}

/// A deterministic pseudo-random generator (SplitMix64).
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) % end
    }
}

impl World {
    pub(crate) async fn start() -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let tables = Tables::start(&root.canonicalize().unwrap()).await.unwrap();
        tables.create(TABLE).unwrap();
        let environment = Environment::of(tables.environment("http://127.0.0.1:9"));
        let world = Self {
            store: Store::new(&environment.sdk_config().unwrap(), TABLE),
            tables: Arc::new(tables),
        };
        for sku in SKUS {
            let stamp = ChangeStamp::from(ImportId::at(start_of_time(), [0; 16]));
            let details = VariantDetails {
                sku: &sku.parse().unwrap(),
                product_slug: "p",
                title: "T",
                price: Money::new(1000, "USD".parse().unwrap()),
                for_sale: true,
                backorder: false,
                untracked: false,
                is_new: true,
                initial_quantity: 1_000_000,
                withdrawn: false,
                may_take: true,
                stamp: &stamp,
            };
            world.store.put_variant_details(&details).await.unwrap();
        }
        world
    }

    /// Places the order with this number: its time is so many seconds after the first.
    pub(crate) async fn place(&self, number: u32, email: &str, skus: &[&str]) -> Order {
        self.place_as(None, number, email, skus).await
    }

    /// Like [`place`](Self::place), as the owner of an account.
    pub(crate) async fn place_as(
        &self,
        account: Option<AccountId>,
        number: u32,
        email: &str,
        skus: &[&str],
    ) -> Order {
        let now = start_of_time() + SignedDuration::from_secs(number.into());
        let mut random = [0; 16];
        random[..4].copy_from_slice(&number.to_be_bytes());
        let mut cart = Cart::new(random, None, now);
        self.store.create_cart(&cart).await.unwrap();
        let skus: Vec<Sku> = skus.iter().map(|sku| sku.parse().unwrap()).collect();
        let line = |sku: &Sku| CartLine {
            sku: sku.clone(),
            quantity: 2,
            added_at: now,
        };
        cart.lines = skus.iter().map(line).collect();
        let variants = self
            .store
            .variants(&skus, Consistency::Strong, Shards::All)
            .await;
        let command = PlaceOrder {
            cart_id: cart.id,
            email: email.to_owned(),
            shipping_address: Address {
                name: format!("Customer {number}"),
                line1: "1".into(),
                line2: None,
                city: Some("C".into()),
                region: None,
                postal_code: Some("1".into()),
                country: "GB".into(),
            },
            payment: PaymentMethod {
                provider: Provider::Test,
                token: Some("tok_ok".into()),
            },
        };
        let fingerprint = Fingerprint::of(&command).unwrap();
        let basis = PricingContext {
            cart: &cart,
            account,
            variants: &variants.unwrap(),
            currency: "USD".parse().unwrap(),
            now,
            payment_window: PaymentWindow::flat(SignedDuration::from_mins(15)),
            limits: UnitLimits::default(),
            random: 0,
            cause: Cause {
                trace_id: "t",
                traceparent: TraceParent::begin("t"),
            },
            revisions: Revisions::default(),
        };
        let key = format!("key-{number}").parse().unwrap();
        let order = place_order(command, &key, fingerprint, basis).unwrap();
        let placed = self.store.place_order(&order, &cart).await.unwrap();
        assert!(matches!(placed, Placement::Placed { .. }), "{placed:?}");
        order
    }

    pub(crate) async fn change(&self, change: Transition) -> Order {
        let outcome = self.store.change_order(&change, None).await.unwrap();
        assert!(matches!(outcome, ChangeOutcome::Changed), "{outcome:?}");
        change.order
    }

    pub(crate) async fn pay(&self, order: &Order) -> Order {
        let total = order.totals.total.amount;
        let paid = order.captured("p", total, order.placed_at);
        self.change(paid.unwrap()).await
    }

    /// Some change that is possible now; `None` if there is none.
    pub(crate) async fn change_somehow(&self, order: &Order, random: &mut Random) -> Option<Order> {
        let now = order.due_at;
        let total = order.totals.total.amount;
        let by = Actor::Customer;
        let change = match (random.below(4), order.status()) {
            (3, _) => return self.claim(order, &account(1, &order.email)).await,
            (0, OrderStatus::PendingPayment) => order.expired(now),
            (1, OrderStatus::PendingPayment) => order.payment_failed(PaymentFailure::Declined, now),
            // Late, after its end: so a status comes back.
            (2, OrderStatus::Expired | OrderStatus::PaymentFailed) => order.authorised("p", now),
            (_, OrderStatus::PendingPayment) => order.captured("p", total, now),
            (_, OrderStatus::Paid) => order.cancelled(None, by, now),
            _ => return None,
        };
        match change {
            Ok(change) => Some(self.change(change).await),
            Err(_) => None,
        }
    }

    /// Makes an order that of an account, if that may be.
    pub(crate) async fn claim(&self, order: &Order, account: &Account) -> Option<Order> {
        let change = order.claimed(account, order.due_at).ok()?;
        Some(self.change(change).await)
    }

    pub(crate) async fn project(&self, order: &Order, care: Care) -> Written {
        let wanted = HashMap::from([(order.id, care)]);
        let mut outcomes = project(&self.store, &wanted).await.unwrap();
        outcomes.remove(&order.id).unwrap().unwrap()
    }

    /// Asserts that the lists show exactly these orders, as they are.
    pub(crate) async fn must_show(&self, ids: &[OrderId]) {
        let mut entries = 0;
        for id in ids {
            let order = self.store.order(*id, Consistency::Strong).await.unwrap();
            let order = order.unwrap();
            let found = self.store.order_entries(&order).await.unwrap();
            let right = OrderEntry::of(&order);
            assert_eq!(found.projected.entry.as_ref(), Some(&right));
            assert!(found.is_numbered);
            let mut wanted: HashSet<OrderList> = OrderList::lasting(&order).into_iter().collect();
            wanted.insert(OrderList::Status(order.status()));
            let listed = found.listed.iter().map(|it| it.list.clone());
            let listed: HashSet<OrderList> = listed.collect();
            assert_eq!(listed, wanted, "{:?}", order.history);
            for listed in &found.listed {
                let entry = listed.entry.as_ref().unwrap();
                assert!(entry.shows_the_same(&right), "{listed:?} {right:?}");
            }
            entries += 1 + wanted.len();
        }
        // And nothing else.
        assert_eq!(self.count("entry"), entries);
        assert_eq!(self.count("order_number"), ids.len());
    }

    pub(crate) fn count(&self, entity: &str) -> usize {
        let items = self.tables.items(TABLE).unwrap().into_iter();
        let of_kind = items.filter(|item| item["entity_type"]["S"] == entity);
        of_kind.count()
    }

    /// Rewrites the stored entries of one order as `change` says.
    pub(crate) fn edit_entries(&self, order: OrderId, change: impl Fn(&mut Value)) {
        let mut items = self.tables.items(TABLE).unwrap();
        items.retain(|item| {
            let position = item["SK"]["S"].as_str().unwrap();
            item["entity_type"]["S"] == "entry" && position.ends_with(&order.digits())
        });
        assert!(items.len() >= 4, "{items:?}");
        items.iter_mut().for_each(change);
        self.tables.put(TABLE, items).unwrap();
    }

    /// All pages of a list.
    pub(crate) async fn pages(&self, list: &ListOrders) -> Vec<Vec<OrderId>> {
        let mut list = list.clone();
        let mut pages = Vec::new();
        loop {
            let page = self.store.list_orders(&list).await.unwrap();
            pages.push(page.entries.iter().map(|it| it.order_id).collect());
            match page.next_cursor {
                Some(cursor) => list.cursor = Some(cursor),
                None => return pages,
            }
        }
    }
}

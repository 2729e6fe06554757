//! Carts in a real table.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use domain::{
    cart::{Cart, MAX_LINES},
    catalog::Sku,
    change::ChangeStamp,
    documents::Revisions,
    fault::{Code, Failure},
    id::{AccountId, CartId, ImportId},
    idempotency::Fingerprint,
    money::Money,
    orders::{Address, Order, PaymentWindow, PlaceOrder, PricingContext, UnitLimits, place_order},
    payments::{PaymentMethod, Provider},
    trace::{Cause, TraceParent},
};
use jiff::{SignedDuration, Timestamp};
use local::emulators::Tables;
use runtime::Environment;
use serde_json::Value;
use store::{AccountCart, Consistency, Placement, Shards, Store, VariantDetails};

const TABLE: &str = "carts";

/// A shop's table, and nothing else of it.
#[derive(Clone)]
pub(crate) struct World {
    pub(crate) store: Store,
    tables: Arc<Tables>,
    made: Arc<AtomicU32>,
}

pub(crate) fn now() -> Timestamp {
    "2026-11-26T10:00:00Z".parse().unwrap()
}

pub(crate) fn ada() -> AccountId {
    AccountId::random([1; 16])
}

pub(crate) fn bea() -> AccountId {
    AccountId::random([2; 16])
}

/// The code of a rejection.
pub(crate) fn code<T: std::fmt::Debug>(outcome: Result<T, Failure>) -> Code {
    match outcome {
        Err(Failure::Rejected(rejection)) => rejection.code,
        other => panic!("not rejected: {other:?}"),
    }
}

/// The lines of a cart, by SKU.
pub(crate) fn lines(cart: &Cart) -> Vec<(&str, u32)> {
    let lines = cart.lines.iter();
    let mut lines: Vec<_> = lines.map(|it| (it.sku.as_str(), it.quantity)).collect();
    lines.sort_unstable();
    lines
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
            made: Arc::default(),
        };
        for sku in ["A", "B", "C"] {
            world.sell(&sku.parse().unwrap()).await;
        }
        world
    }

    async fn sell(&self, sku: &Sku) {
        let stamp = ChangeStamp::from(ImportId::at(now(), [0; 16]));
        let details = VariantDetails {
            sku,
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
        self.store.put_variant_details(&details).await.unwrap();
    }

    /// A guest's cart with these lines, each a second after the one before.
    pub(crate) async fn guest(&self, lines: &[(&str, u32)]) -> Cart {
        let number = self.made.fetch_add(1, Ordering::Relaxed);
        let mut random = [9; 16];
        random[..4].copy_from_slice(&number.to_be_bytes());
        let cart = Cart::new(random, None, now());
        self.store.create_cart(&cart).await.unwrap();
        self.fill(cart, None, lines).await
    }

    /// The current cart of an account, with these lines added.
    pub(crate) async fn own(&self, account: AccountId, lines: &[(&str, u32)]) -> Cart {
        let cart = cart::accounts::current(&self.store, account, now()).await;
        self.fill(cart.unwrap(), Some(account), lines).await
    }

    async fn fill(&self, mut cart: Cart, caller: Option<AccountId>, lines: &[(&str, u32)]) -> Cart {
        for (second, (sku, quantity)) in (0..).zip(lines) {
            let at = now() + SignedDuration::from_secs(second);
            let sku = sku.parse().unwrap();
            let set = self
                .store
                .set_cart_line(cart.id, caller, &sku, *quantity, at);
            cart = set.await.unwrap();
        }
        cart
    }

    pub(crate) async fn merge(&self, cart: CartId, account: AccountId) -> Result<Cart, Failure> {
        cart::accounts::merge(&self.store, cart, account, UnitLimits::default(), now()).await
    }

    /// The cart as it is stored.
    pub(crate) async fn cart(&self, id: CartId) -> Cart {
        let cart = self.store.cart(id, now(), Consistency::Strong).await;
        cart.unwrap().unwrap()
    }

    pub(crate) async fn current(&self, account: AccountId) -> AccountCart {
        self.store.account_cart(account, now()).await.unwrap()
    }

    /// The order that a cart becomes, as it was read.
    pub(crate) async fn order(&self, cart: &Cart, account: Option<AccountId>) -> Order {
        let skus = cart.lines.iter().map(|line| &line.sku);
        let variants = self
            .store
            .variants(skus, Consistency::Strong, Shards::All)
            .await;
        let command = PlaceOrder {
            cart_id: cart.id,
            email: "ada@example.com".into(),
            shipping_address: Address {
                name: "Ada".into(),
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
            cart,
            account,
            variants: &variants.unwrap(),
            currency: "USD".parse().unwrap(),
            now: now(),
            payment_window: PaymentWindow::flat(SignedDuration::from_mins(15)),
            limits: UnitLimits::default(),
            random: 0,
            cause: Cause {
                trace_id: "t",
                traceparent: TraceParent::begin("t"),
            },
            revisions: Revisions::default(),
        };
        let key = cart.id.to_string().parse().unwrap();
        place_order(command, &key, fingerprint, basis).unwrap()
    }

    /// Places the order of a cart as it was read; returns whether it was placed.
    pub(crate) async fn place(&self, cart: &Cart, account: Option<AccountId>) -> bool {
        let order = self.order(cart, account).await;
        match self.store.place_order(&order, cart).await.unwrap() {
            Placement::Placed { .. } => true,
            Placement::BasisChanged => false,
            other => panic!("{other:?}"),
        }
    }

    /// All items, in DynamoDB JSON.
    pub(crate) fn items(&self) -> Vec<Value> {
        self.tables.items(TABLE).unwrap()
    }

    /// Lets a cart expire now.
    pub(crate) fn expire(&self, cart: CartId) {
        let mut items = self.items();
        items.retain(|item| item["PK"]["S"] == format!("CART#{cart}"));
        items[0]["expires_at"]["N"] = now().as_second().to_string().into();
        self.tables.put(TABLE, items).unwrap();
    }

    /// Names of as many SKUs as a cart has lines, and one more.
    pub(crate) fn many() -> Vec<String> {
        (0..=MAX_LINES).map(|it| format!("S{it}")).collect()
    }
}

//! A table with one order, and the changes that others make to it.

use std::{collections::HashMap, path::Path, sync::LazyLock};

use domain::{
    cart::Cart,
    catalog::Sku,
    id::{ImportId, OrderId, RefundId, StockChangeId},
    idempotency::Fingerprint,
    inventory::HeldUnits,
    money::Money,
    orders::{
        Actor, Address, Order, PaymentWindow, PlaceOrder, PricingContext, RefundStatus,
        RequestRefund, UnitLimits, order_id, place_order,
    },
    payments::{PaymentFailure, PaymentMethod, Provider, breaker::THRESHOLD},
    staff::Author,
    trace::{Cause, TraceParent},
};
use gateways::payments::PaymentProviders;
use jiff::{SignedDuration, Timestamp};
use local::emulators::Tables;
use payments::{Next, Payments};
use runtime::{ConsumeError, Environment};
use store::{ByStaff, ChangeOutcome, Consistency, CountStock, Placement, Store, VariantDetails};

use crate::provider::PreparedProvider;

/// The provider's id of the order's payment.
pub(crate) const PAYMENT: &str = "pay_1";
/// How long the order's stock is reserved for its payment, before and after the customer has begun to pay.
const HOLD: SignedDuration = SignedDuration::from_mins(5);
pub(crate) const WINDOW: SignedDuration = SignedDuration::from_mins(15);
/// Units on hand before the order.
const ON_HAND: i64 = 5;
/// Units and unit price of the order: 1700 minor units in all.
const QUANTITY: u32 = 2;
const PRICE: i64 = 850;

static SKU: LazyLock<Sku> = LazyLock::new(|| "TEE".parse().unwrap());

/// Time at which the order is placed.
pub(crate) fn placed_at() -> Timestamp {
    "2026-11-22T10:15:00Z".parse().unwrap()
}

/// Some seconds after the order was placed.
pub(crate) fn after(seconds: i64) -> Timestamp {
    placed_at() + SignedDuration::from_secs(seconds)
}

/// Time of the deliveries, unless a row says otherwise.
pub(crate) fn soon() -> Timestamp {
    after(60)
}

/// Time at which an unpaid order is due.
pub(crate) fn due() -> Timestamp {
    placed_at() + HOLD
}

/// A change by another process, or before the delivery.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Change {
    ActionRequired,
    Authorised,
    Captured,
    Failed(PaymentFailure),
    Expired,
    /// The customer is told that nothing was charged.
    UnpaidNotice,
    Cancelled,
    /// Staff request a refund of this amount.
    RefundRequested(i64),
    /// The provider has settled the first requested refund.
    RefundSettled,
    /// Somebody else buys the units that are left.
    SoldOut,
    /// The provider's circuit breaker opens for its cooldown, from the time of the deliveries.
    BreakerOpens,
}

/// The table with the order.
#[derive(Clone)]
pub(crate) struct Shop {
    pub(crate) store: Store,
    pub(crate) order_id: OrderId,
}

impl Shop {
    pub(crate) async fn order(&self) -> Order {
        let order = self.store.order(self.order_id, Consistency::Strong).await;
        order.unwrap().unwrap()
    }

    pub(crate) async fn apply(&self, change: Change) {
        let order = self.order().await;
        let total = order.totals.total.amount;
        let now = soon();
        let transition = match change {
            Change::ActionRequired => order.action_required(PAYMENT, Some("secret".into()), now),
            Change::Authorised => order.authorised(PAYMENT, now),
            Change::Captured => order.captured(PAYMENT, total, now),
            Change::Failed(failure) => order.payment_failed(failure, now),
            Change::Expired => order.expired(due()),
            Change::UnpaidNotice => order.unpaid_notice(now),
            Change::Cancelled => order.cancelled(None, Actor::Customer, now),
            Change::RefundRequested(amount) => {
                let command = RequestRefund {
                    amount: Some(amount),
                    lines: None,
                    restock: false,
                    reason: None,
                };
                let id = RefundId::derived(&[&order.refunds.len().to_string()]);
                order.refund_requested(id, &command, Actor::Staff("ada".into()), now)
            }
            Change::RefundSettled => {
                let mut refunds = order.refunds.iter();
                let refund = refunds.find(|refund| refund.status == RefundStatus::Requested);
                order.refund_settled(refund.unwrap().id, true, now)
            }
            Change::SoldOut => {
                let variant = self.store.whole_variant(&SKU).await.unwrap().unwrap();
                let reserved = variant.total().reserved;
                let author = Author {
                    actor: Actor::Staff("ada".into()),
                    at: now,
                    cause: Cause {
                        trace_id: "r",
                        traceparent: TraceParent::begin("r"),
                    },
                };
                let count = CountStock {
                    sku: &SKU,
                    on_hand: reserved,
                    expected: None,
                    by: ByStaff {
                        id: StockChangeId::at(now, [2; 16]),
                        author: &author,
                    },
                };
                self.store.count_stock(count).await.unwrap();
                return;
            }
            Change::BreakerOpens => {
                for number in 0..THRESHOLD {
                    let (name, payment) = (Provider::Test.name(), number.to_string());
                    let noted = self.store.note_failure(name, Some(&payment), now);
                    noted.await.unwrap();
                }
                return;
            }
        };
        let outcome = self.store.change_order(&transition.unwrap(), None).await;
        assert!(
            matches!(outcome, Ok(ChangeOutcome::Changed)),
            "{change:?}: {outcome:?}"
        );
    }

    /// Has the provider not answered before, so that the next call is this one.
    pub(crate) async fn unanswered_before(&self, attempt: u32) {
        for _ in 1..attempt {
            let order = self.order().await;
            self.store.count_unanswered(&order).await.unwrap();
        }
    }

    /// The order in one line: status, payment and refunds.
    pub(crate) async fn summary(&self) -> String {
        let order = self.order().await;
        let payment = &order.payment;
        let id = payment.payment_id.as_deref().unwrap_or("no payment");
        let mut text = format!("{:?}: {id} {:?}", order.status(), payment.status);
        if let Some(failure) = payment.failure {
            text += &format!(" ({failure:?})");
        }
        if order.took_money() {
            text += &format!(" {}", payment.captured);
        }
        for refund in &order.refunds {
            text += &format!(", refund {} {:?}", refund.amount, refund.status);
        }
        text
    }

    /// Asserts that the stock is held as the order says, so that no unit is lost or sold twice.
    pub(crate) async fn stock_must_match(&self, row: &str) {
        let order = self.order().await;
        let mut held = HeldUnits::default();
        for line in &order.lines {
            held += line.held(order.closed, order.payment.status);
        }
        let variant = self.store.whole_variant(&SKU).await.unwrap().unwrap();
        let stock = variant.total();
        assert_eq!(stock.held(), held, "{row}");
        assert!(stock.is_balanced(), "{row}: {stock:?}");
    }
}

/// A shop with one order and a provider with prepared answers.
pub(crate) struct World {
    /// Name of the table.
    pub(crate) table: String,
    pub(crate) shop: Shop,
    pub(crate) provider: PreparedProvider,
}

/// The order that a row begins with.
#[derive(Clone, Copy)]
pub(crate) struct Placed {
    pub(crate) unit_price: i64,
    pub(crate) provider: Provider,
}

impl Default for Placed {
    fn default() -> Self {
        Self {
            unit_price: PRICE,
            provider: Provider::Test,
        }
    }
}

impl World {
    /// Places an order in a table of its own, and applies the changes to it.
    pub(crate) async fn start(tables: &Tables, name: &str, before: &[Change]) -> Self {
        Self::with(tables, name, Placed::default(), before).await
    }

    pub(crate) async fn with(
        tables: &Tables,
        name: &str,
        placed: Placed,
        before: &[Change],
    ) -> Self {
        // A name of a table allows fewer characters.
        let table = name.replace(|letter: char| !letter.is_ascii_alphanumeric(), "-");
        tables.create(&table).unwrap();
        let environment = Environment::of(tables.environment("http://127.0.0.1:9"));
        let store = Store::new(&environment.sdk_config().unwrap(), table.clone());
        let order = place(&store, placed).await;
        let shop = Shop {
            store,
            order_id: order.id,
        };
        for change in before {
            shop.apply(*change).await;
        }
        Self {
            table,
            provider: PreparedProvider::new(shop.clone()),
            shop,
        }
    }

    pub(crate) fn payments(&self) -> Payments<PreparedProvider> {
        Payments {
            store: self.shop.store.clone(),
            providers: PaymentProviders::of(self.provider.clone()),
        }
    }
}

async fn place(store: &Store, placed: Placed) -> Order {
    let usd = "USD".parse().unwrap();
    let details = VariantDetails {
        sku: &SKU,
        product_slug: "tee",
        title: "Tee",
        price: Money::new(placed.unit_price, usd),
        for_sale: true,
        backorder: false,
        untracked: false,
        is_new: true,
        initial_quantity: ON_HAND,
        withdrawn: false,
        may_take: true,
        stamp: &ImportId::at(placed_at(), [1; 16]).into(),
    };
    store.put_variant_details(&details).await.unwrap();
    let cart = Cart::new([1; 16], None, placed_at());
    store.create_cart(&cart).await.unwrap();
    let cart = store.set_cart_line(cart.id, None, &SKU, QUANTITY, placed_at());
    let cart = cart.await.unwrap();
    let command = PlaceOrder {
        cart_id: cart.id,
        email: "ada@example.com".into(),
        shipping_address: Address {
            name: "Ada Lovelace".into(),
            line1: "12 Long Meadow".into(),
            line2: None,
            city: Some("Pilton".into()),
            region: None,
            postal_code: Some("BA4 4BY".into()),
            country: "GB".into(),
        },
        payment: PaymentMethod {
            provider: placed.provider,
            token: Some("tok_1".into()),
        },
    };
    let key = "key".parse().unwrap();
    let variant = store.whole_variant(&SKU).await.unwrap().unwrap();
    let context = PricingContext {
        cart: &cart,
        account: None,
        variants: &HashMap::from([(SKU.clone(), variant)]),
        currency: usd,
        now: placed_at(),
        payment_window: PaymentWindow {
            hold: HOLD,
            whole: WINDOW,
        },
        limits: UnitLimits::default(),
        random: 0,
        cause: Cause {
            trace_id: "request-1",
            traceparent: TraceParent::begin("request-1"),
        },
        revisions: domain::documents::Revisions::default(),
    };
    let fingerprint = Fingerprint::of(&command).unwrap();
    let order = place_order(command, &key, fingerprint, context).unwrap();
    assert_eq!(order.id, order_id(None, &key));
    let placement = store.place_order(&order, &cart).await.unwrap();
    assert!(
        matches!(placement, Placement::Placed { .. }),
        "{placement:?}"
    );
    order
}

/// Runs a test with DynamoDB for its rows, on a stack like that of a function's only thread: without
/// optimization, the futures of a payment do not fit on the stack of a test.
pub(crate) fn run(test: impl AsyncFnOnce(Tables) + Send) {
    const STACK: usize = 8 * 1024 * 1024;
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let root = root.canonicalize().unwrap();
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(STACK);
        let thread = thread.spawn_scoped(scope, || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(async { test(Tables::start(&root).await.unwrap()).await });
        });
        if let Err(panic) = thread.unwrap().join() {
            std::panic::resume_unwind(panic);
        }
    });
}

/// The result of a step in one line.
pub(crate) fn result(next: Result<Next, ConsumeError>) -> String {
    match next {
        Ok(Next::Done) => "done".to_owned(),
        Ok(Next::Refused) => "refused".to_owned(),
        Ok(Next::Wait(wait)) => format!("wait {} s", wait.as_secs()),
        Err(error) => format!("fails: {error}"),
    }
}

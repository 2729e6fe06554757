//! Sample emails of every kind, rendered from one invented order.

use jiff::Timestamp;

use super::{Email, of_change};
use crate::{
    cart::Totals,
    documents::Revisions,
    id::{CartId, FulfilmentId, OrderId, RefundId},
    idempotency::Fingerprint,
    money::Money,
    orders::{
        Actor, Address, Fulfil, GoodsLine, Order, OrderLine, Payment, PaymentWindow, RequestRefund,
        Transition, Units,
    },
    payments::{PaymentFailure, PaymentMethod, PaymentStatus, Provider},
    trace::TraceParent,
};

/// One sample email.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sample {
    /// Slug of the sample, unique among all samples.
    pub name: &'static str,
    /// The event after which it is sent.
    pub when: &'static str,
    /// The rendered email.
    pub email: Email,
}

/// Renders every kind of email as the shop `shop`. Each results from the same changes as in a real
/// order.
pub fn samples(shop: &str) -> Vec<Sample> {
    // No step on the invented order can fail; a test counts the emails.
    changes()
        .into_iter()
        .flatten()
        .filter_map(|(name, when, change)| {
            let entry = change.order.last_change()?;
            let email = of_change(&change.order, entry, shop).ok()??;
            Some(Sample { name, when, email })
        })
        .collect()
}

type Change = (&'static str, &'static str, Transition);

fn changes() -> Option<Vec<Change>> {
    let placed = order()?;
    let now = placed.placed_at;
    let total = placed.totals.total.amount;
    let staff = || Actor::Staff("ada".to_owned());
    let paid = placed.captured("pay_1", total, now).ok()?;
    let units = |index: usize, quantity| {
        let sku = placed.lines.get(index)?.sku.clone();
        Some(Units { sku, quantity })
    };
    let parcel = Fulfil {
        lines: Some(vec![units(0, 2)?, units(1, 1)?]),
        carrier: Some("Swift & Sons".to_owned()),
        tracking_number: Some("SW 0042 1337".to_owned()),
        tracking_url: Some("https://example.com/track?parcel=SW00421337&lang=en".to_owned()),
    };
    let rest = Fulfil {
        lines: None,
        carrier: Some("Royal Mail".to_owned()),
        tracking_number: None,
        tracking_url: None,
    };
    let in_part = paid
        .order
        .fulfilled(
            FulfilmentId::derived(&["sample", "1"]),
            &parcel,
            staff(),
            now,
        )
        .ok()?;
    let shipped = in_part
        .order
        .fulfilled(FulfilmentId::derived(&["sample", "2"]), &rest, staff(), now)
        .ok()?;
    let refund = RefundId::derived(&["sample"]);
    let back = RequestRefund {
        amount: None,
        lines: Some(vec![GoodsLine {
            sku: placed.lines.first()?.sku.clone(),
            quantity: 1,
            goods: None,
        }]),
        restock: true,
        reason: Some("One of the two mugs arrived chipped. We are sorry!".to_owned()),
    };
    let asked = shipped
        .order
        .refund_requested(refund, &back, staff(), now)
        .ok()?;
    let declined = placed.payment_failed(PaymentFailure::Declined, now).ok()?;
    let called_off = Some("Found it cheaper <elsewhere>.".to_owned());
    Some(vec![
        ("confirmation", "The order is paid", paid.clone()),
        ("payment-failed", "The payment failed", declined),
        (
            "expired",
            "The order was not paid in its time",
            placed.expired(placed.due_at).ok()?,
        ),
        ("shipped-in-part", "Some of it is on its way", in_part),
        ("shipped", "The rest is on its way", shipped),
        (
            "refunded",
            "Money went back",
            asked.order.refund_settled(refund, true, now).ok()?,
        ),
        (
            "cancelled",
            "The customer called it off after paying",
            paid.order
                .cancelled(called_off, Actor::Customer, now)
                .ok()?,
        ),
        (
            "cancelled-unpaid",
            "The shop called it off before it was paid",
            placed.cancelled(None, staff(), now).ok()?,
        ),
    ])
}

/// An order with difficult texts: HTML characters, a long title, two writing directions.
fn order() -> Option<Order> {
    let currency = "USD".parse().ok()?;
    let line = |sku: &str, title: &str, quantity, price| {
        Some(OrderLine {
            sku: sku.parse().ok()?,
            title: title.to_owned(),
            quantity,
            unit_price: Money::new(price, currency),
            shards: Vec::new(),
            fulfilled: 0,
            withdrawn: 0,
            returned: 0,
            returned_to_stock: 0,
            refunded: 0,
        })
    };
    let lines = vec![
        line("MUG-PINE", "Enamel Mug <350 ml> (Pine & Rust)", 2, 1_850)?,
        line("TEE-M", "قميص قطني (M)", 1, 3_200)?,
        line(
            "BLANKET",
            "Picnic Blanket of Undyed Wool, Woven in the Longmeadow Valley, with a Strap to Carry It By",
            1,
            12_000,
        )?,
    ];
    let amounts = lines
        .iter()
        .map(|line| line.unit_price.times(line.quantity));
    let amounts: Vec<Money> = amounts.collect::<Result<_, _>>().ok()?;
    let placed_at: Timestamp = "2026-11-22T10:00:00Z".parse().ok()?;
    Some(Order {
        id: OrderId::derived(&["sample"]),
        version: 1,
        closed: None,
        cart_id: CartId::random([0; 16]),
        account: None,
        email: "ada@example.com".to_owned(),
        shipping_address: Address {
            name: "Ada Lovelace".to_owned(),
            line1: "12 St James's Square".to_owned(),
            line2: None,
            city: Some("London".to_owned()),
            region: None,
            postal_code: Some("SW1Y 4JH".to_owned()),
            country: "GB".to_owned(),
        },
        totals: Totals::of(amounts, currency).ok()?,
        lines,
        payment: Payment {
            method: PaymentMethod {
                provider: Provider::Test,
                token: None,
            },
            status: PaymentStatus::Pending,
            failure: None,
            payment_id: None,
            client_secret: None,
            captured: 0,
            unanswered: 0,
        },
        fingerprint: Fingerprint::of(&"sample").ok()?,
        placed_at,
        due_at: placed_at + jiff::SignedDuration::from_mins(15),
        window: PaymentWindow::flat(jiff::SignedDuration::from_mins(15)),
        unpaid_notice_at: None,
        trace_id: "sample".to_owned(),
        traceparent: TraceParent::begin("sample"),
        revisions: Revisions::default(),
        fulfilments: Vec::new(),
        refunds: Vec::new(),
        returns: Vec::new(),
        history: Vec::new(),
    })
}

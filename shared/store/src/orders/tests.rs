use std::collections::HashMap;

use domain::{
    cart::{Cart, CartLine, MAX_LINES, MAX_QUANTITY},
    catalog::Sku,
    documents::Revisions,
    id::{AccountId, FulfilmentId, RefundId, RequestId, ReturnId},
    idempotency::{Fingerprint, Shown, StoredResponse},
    inventory::{Stock, Variant},
    invoices::{Invoice, Seller, TaxRule},
    money::{MAX_PRICE, Money},
    orders::{
        Actor, Address, FulfilOrderBody, MAX_PARTS, Order, PaymentWindow, PlaceOrder,
        PricingContext, RefundOrderBody, RefundStatus, ReturnGoodsBody, StaffOrderView, UnitLimits,
        place_order,
    },
    payments::{PaymentMethod, Provider},
    trace::{Cause, TraceParent},
};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{read_order, record::OrderRecord, requests::ResponseRecord};
use crate::{
    item::{size, to_item},
    keys::Key,
};

/// A character of four bytes.
const WIDE: &str = "\u{1F6D2}";
/// The longest form of a time.
const NOW: &str = "2026-11-22T10:15:00.123456789Z";

fn now() -> Timestamp {
    NOW.parse().unwrap()
}

fn wide(length: usize) -> String {
    WIDE.repeat(length)
}

/// An order with as many lines as a cart has, each with the longest texts and the most units, and taken from
/// several shards.
fn placed() -> Order {
    let currency = "USD".parse().unwrap();
    let sku = |line: usize| format!("{line:04}{}", wide(96)).parse::<Sku>().unwrap();
    let account = Some(AccountId::random([255; 16]));
    let mut cart = Cart::new([255; 16], account, now());
    let mut variants = HashMap::new();
    let half = i64::from(MAX_QUANTITY / 2 + 1);
    for line in 0..MAX_LINES {
        let stock = Stock {
            available: half,
            counted: half,
            ..Stock::default()
        };
        let variant = Variant {
            sku: sku(line),
            product_slug: "p".into(),
            title: wide(1_030),
            price: Money::new(MAX_PRICE, currency),
            for_sale: true,
            backorder: false,
            untracked: false,
            shards: 2,
            stock: vec![stock; 2],
            split_at: None,
        };
        variants.insert(sku(line), variant);
        cart.lines.push(CartLine {
            sku: sku(line),
            quantity: MAX_QUANTITY,
            added_at: now(),
        });
    }
    let command = PlaceOrder {
        cart_id: cart.id,
        email: wide(254),
        shipping_address: Address {
            name: wide(100),
            line1: wide(200),
            line2: Some(wide(200)),
            city: Some(wide(100)),
            region: Some(wide(100)),
            postal_code: Some(wide(20)),
            country: "GB".into(),
        },
        payment: PaymentMethod {
            provider: Provider::Stripe,
            token: Some(wide(255)),
        },
    };
    let fingerprint = Fingerprint::of(&command).unwrap();
    let basis = PricingContext {
        cart: &cart,
        account,
        variants: &variants,
        currency,
        now: now(),
        payment_window: PaymentWindow::flat(SignedDuration::from_mins(15)),
        limits: UnitLimits::default(),
        random: 0,
        cause: Cause {
            trace_id: &"t".repeat(100),
            traceparent: TraceParent::begin("another"),
        },
        revisions: Revisions { settings: u64::MAX },
    };
    place_order(command, &"key".parse().unwrap(), fingerprint, basis).unwrap()
}

/// Each further KB of a new order costs 2 write units.
#[test]
fn an_ordinary_order_takes_a_kilobyte() {
    let mut order = placed();
    let line = &mut order.lines[0];
    line.sku = "TEE-DUST-S".parse().unwrap();
    line.title = "Picnic Blanket of Undyed Wool - Dusty Green / Small".into();
    line.quantity = 2;
    line.unit_price.amount = 12_000;
    line.shards = Vec::new();
    order.lines.truncate(1);
    order.totals.total.amount = 24_000;
    order.email = "ada.lovelace@customers.example.com".into();
    order.shipping_address = Address {
        name: "Augusta Ada Lovelace".into(),
        line1: "12 St James's Square".into(),
        line2: Some("Apartment 3".into()),
        city: Some("London".into()),
        region: None,
        postal_code: Some("SW1Y 4JH".into()),
        country: "GB".into(),
    };
    order.payment.method.token = Some("pm_1MtwBwLkdIwHu7ix28a3tqPa".into());
    order.trace_id = "JKJaXmPLvHcESHA=".into();
    order.revisions = Revisions { settings: 9_999 };
    let item = to_item(&Key::order(order.id), &OrderRecord::from(&order)).unwrap();
    let bytes = size::of(&item);
    assert!(bytes <= 1024, "{bytes}");
    // Before the first change of settings they add nothing.
    order.revisions = Revisions::default();
    let none = to_item(&Key::order(order.id), &OrderRecord::from(&order)).unwrap();
    assert!((1..=32).contains(&(bytes - size::of(&none))));
}

/// Lines of a body: this many units of every line of the order.
fn all_lines(order: &Order, quantity: u32, goods: Option<&str>) -> Value {
    let lines = order.lines.iter().map(|line| {
        let mut line = json!({ "sku": line.sku, "quantity": quantity });
        if let Some(goods) = goods {
            line["goods"] = json!(goods);
        }
        line
    });
    lines.collect()
}

/// An order with everything that it may have, made of the longest bodies that the API accepts.
fn largest() -> Order {
    let placed = placed();
    let now = now();
    let by = || Actor::Staff("s".repeat(128));
    let long = "p".repeat(255);
    let order = placed.action_required(&long, Some(long.clone()), now);
    let order = order.unwrap().order.authorised(&long, now).unwrap().order;
    let total = order.totals.total.amount;
    let mut order = order.captured(&long, total, now).unwrap().order;
    // Two digits of units per line, as often as there are units.
    let units = MAX_QUANTITY / u32::try_from(MAX_PARTS).unwrap();
    for part in 0..MAX_PARTS {
        let id = part.to_string();
        let body = json!({
            "lines": all_lines(&order, units, None),
            "carrier": wide(100),
            "tracking_number": wide(100),
            "tracking_url": format!("https://{}", "x".repeat(492)),
        });
        let body: FulfilOrderBody = serde_json::from_value(body).unwrap();
        let id = FulfilmentId::derived(&[&id]);
        order = order
            .fulfilled(id, &body.parse().unwrap(), by(), now)
            .unwrap()
            .order;
    }
    for part in 0..MAX_PARTS {
        let id = part.to_string();
        let body = json!({
            "lines": all_lines(&order, units, Some("kept")),
            "reason": wide(200),
        });
        let body: RefundOrderBody = serde_json::from_value(body).unwrap();
        let id = RefundId::derived(&[&id]);
        let command = body.parse().unwrap();
        order = order
            .refund_requested(id, &command, by(), now)
            .unwrap()
            .order;
        order = order.refund_settled(id, true, now).unwrap().order;
    }
    for part in 0..MAX_PARTS {
        let id = part.to_string();
        let body = json!({
            "lines": all_lines(&order, units, Some("returned")),
            "restock": true,
            "reason": wide(200),
        });
        let body: ReturnGoodsBody = serde_json::from_value(body).unwrap();
        let id = ReturnId::derived(&[&id]);
        order = order
            .goods_returned(id, &body.parse().unwrap(), by(), now)
            .unwrap()
            .order;
    }
    assert!(
        order
            .refunds
            .iter()
            .all(|it| it.status == RefundStatus::Succeeded)
    );
    order
}

/// The kind of fault: a list inside an item without a bound.
#[test]
fn the_largest_order_fits_into_items_and_responses() {
    let order = largest();
    let item = to_item(&Key::order(order.id), &OrderRecord::from(&order)).unwrap();
    size::must_fit("order", &item);
    assert_eq!(read_order(item).unwrap(), order);

    let answer = StoredResponse {
        id: RequestId::random([255; 16]),
        fingerprint: order.fingerprint.clone(),
        shows: Shown::Order(Box::new(order.clone())),
        answered_at: now(),
    };
    let record = ResponseRecord::from(&answer);
    let item = to_item(&Key::request(answer.id), &record).unwrap();
    size::must_fit("response", &item);
    let record: ResponseRecord = crate::item::from_item(item).unwrap();
    assert_eq!(StoredResponse::try_from(record).unwrap(), answer);

    // A response is a JSON string inside of JSON, and a function returns at most 6 MB.
    let body = serde_json::to_string(&StaffOrderView::of(&order).unwrap()).unwrap();
    let body = serde_json::to_string(&body).unwrap();
    assert!(body.len() < 6 * 1024 * 1024, "{} bytes", body.len());

    let seller = Seller {
        name: wide(100),
        address: vec![wide(100); 10],
        tax_id: Some(wide(100)),
        email: wide(254),
    };
    let tax = TaxRule {
        name: wide(100),
        rate_basis_points: 1900,
    };
    let invoice = Invoice::of_order(&order, &seller, &tax, now())
        .unwrap()
        .numbered(1);
    let note = invoice
        .credit_note(&order.refunds[0], &seller, now())
        .unwrap()
        .numbered(1);
    for document in [invoice, note] {
        size::must_fit(
            &document.number,
            &crate::invoices::item_of(&document).unwrap(),
        );
    }
}

/// The filter of `append-audit` looks at this attribute.
#[test]
fn a_version_by_staff_names_its_author_and_no_other_does() {
    let by = |order: &Order| {
        let item = to_item(&Key::order(order.id), &OrderRecord::from(order)).unwrap();
        let author = item.get("changed_by").map(|it| it.as_s().unwrap().clone());
        assert_eq!(read_order(item).unwrap(), *order);
        author
    };
    let placed = placed();
    assert_eq!(by(&placed), None);
    let total = placed.totals.total.amount;
    let paid = placed.captured("p", total, now()).unwrap().order;
    assert_eq!(by(&paid), None);
    let ada = Actor::Staff("ada".into());
    let canceled = paid.cancelled(None, ada, now()).unwrap().order;
    assert_eq!(by(&canceled).as_deref(), Some("staff:ada"));
    let refund = canceled.refunds[0].id;
    let refunded = canceled.refund_settled(refund, true, now());
    let refunded = refunded.unwrap().order;
    assert_eq!(by(&refunded), None);
}

/// Orders that were stored when fulfilments and refunds had lists with SKUs, and goods followed the money.
#[test]
fn older_orders_are_read() {
    let mut order = placed();
    order.lines.truncate(2);
    let total = order.totals.total.amount;
    let mut order = order.captured("p", total, now()).unwrap().order;
    let sku = order.lines[1].sku.clone();
    let refund: RefundOrderBody = serde_json::from_value(json!({
        "lines": [{ "sku": sku, "quantity": 3 }],
        "reason": "Torn",
    }))
    .unwrap();
    let by = Actor::Staff("s".into());
    let id = RefundId::derived(&["r"]);
    order = order
        .refund_requested(id, &refund.parse().unwrap(), by, now())
        .unwrap()
        .order;
    let mut record = serde_json::to_value(OrderRecord::from(&order)).unwrap();
    record.as_object_mut().unwrap().remove("changed_by");
    assert_eq!(record["refunds"][0]["lines"], "1:3c");
    assert_eq!(
        record["history"][1]["reason"],
        Value::Null,
        "it is the refund's"
    );
    let read = |record: &Value| {
        let item = serde_dynamo::aws_sdk_dynamodb_1::to_item(record).unwrap();
        read_order(item)
    };
    assert_eq!(read(&record).unwrap(), order);

    record["refunds"][0]["lines"] = json!([{ "sku": sku, "quantity": 3 }]);
    record["history"][1]["reason"] = json!("Torn");
    let older = read(&record).unwrap();
    assert_eq!(older.lines[1].refunded, 3);
    assert_eq!(older.history, order.history);
    let line = &older.refunds[0].lines[0];
    assert_eq!((&line.sku, line.quantity, line.goods), (&sku, 3, None));

    for unreadable in ["2:1", "1:", "1:x", "x:1", "1", "1:1z", "1:1rr"] {
        record["refunds"][0]["lines"] = json!(unreadable);
        assert!(read(&record).is_err(), "{unreadable}");
    }
}

//! Covers: cancel-order, cancel-order-as-staff, fulfil-order, refund-order, return-goods, get-order-as-staff,
//! refund-payment, sweep-orders.

use std::{collections::BTreeMap, sync::Arc};

use serde_json::{Value, json};
use testkit::{Product, Response, Shop, StockCounts, order_body};

/// A shop with five tees at 10.00.
async fn shop() -> Shop {
    with(&[]).await
}

async fn with(parameters: &[(&str, &str)]) -> Shop {
    let parameters: BTreeMap<String, String> = parameters
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    let shop = Shop::start_with(parameters).await;
    shop.stock_up(&[
        Product::single("tee", "TEE", "10.00", 5),
        Product::single("mug", "MUG", "3.00", 5),
    ])
    .await;
    shop
}

async fn place(shop: &Shop, lines: &[(&str, u32)], token: &str) -> Value {
    let cart = shop.cart(lines).await;
    shop.order(&cart, &order_body(&cart, token))
        .await
        .expect(201)
}

pub(crate) async fn as_customer(shop: &Shop, placed: &Value, key: &str, body: &Value) -> Response {
    let path = format!("/v1/orders/{}/cancel", placed["id"].as_str().unwrap());
    let token = placed["access_token"].as_str().unwrap();
    let request = shop.request("POST", &path).bearer_auth(token);
    shop.send(request.header("Idempotency-Key", key).json(body))
        .await
}

pub(crate) async fn as_staff(
    shop: &Shop,
    placed: &Value,
    action: &str,
    key: &str,
    body: &Value,
) -> Response {
    let path = format!(
        "/v1/admin/orders/{}/{action}",
        placed["id"].as_str().unwrap()
    );
    let request = shop.request("POST", &path).bearer_auth(&shop.staff_token);
    shop.send(request.header("Idempotency-Key", key).json(body))
        .await
}

async fn order(shop: &Shop, placed: &Value) -> Value {
    let path = format!("/v1/admin/orders/{}", placed["id"].as_str().unwrap());
    shop.staff_get(&path).await.expect(200)
}

pub(crate) async fn becomes(
    shop: &Shop,
    placed: &Value,
    what: &str,
    is: impl Fn(&Value) -> bool,
) -> Value {
    shop.eventually(what, async || {
        let order = order(shop, placed).await;
        is(&order).then_some(order)
    })
    .await
}

/// Runs the sweep until an order is closed.
async fn swept(shop: &Shop, placed: &Value) -> Value {
    shop.eventually("its time is up", async || {
        shop.sweep().await;
        let order = order(shop, placed).await;
        (order["status"] != "pending_payment").then_some(order)
    })
    .await
}

fn history(order: &Value) -> Vec<&str> {
    let entries = order["history"].as_array().unwrap().iter();
    entries
        .map(|entry| entry["what"].as_str().unwrap())
        .collect()
}

#[tokio::test]
async fn an_order_is_shipped_in_parts_and_refunded_by_line() {
    let shop = shop().await;
    let placed = place(&shop, &[("TEE", 3), ("MUG", 1)], "tok_ok").await;
    shop.order_becomes(&placed, "paid").await;

    let part = json!({
        "lines": [{ "sku": "TEE", "quantity": 1 }],
        "carrier": "DHL",
        "tracking_number": "0034",
        "tracking_url": "https://example.com/0034",
    });
    let shipped = as_staff(&shop, &placed, "fulfilments", "f1", &part).await;
    let body = shipped.expect(201);
    assert_eq!(body["status"], "partially_fulfilled");
    assert_eq!(body["fulfilments"][0]["tracking_number"], "0034");
    // A repeated request returns the same response and the same parcel.
    let again = as_staff(&shop, &placed, "fulfilments", "f1", &part).await;
    assert_eq!((again.status, &again.text), (201, &shipped.text));
    let mut other = part.clone();
    other["carrier"] = json!("UPS");
    as_staff(&shop, &placed, "fulfilments", "f1", &other)
        .await
        .expect_problem(422, "idempotency_key_reused");
    // A shipped order cannot be canceled, and no more can be shipped than was ordered.
    as_customer(&shop, &placed, "c1", &json!({}))
        .await
        .expect_problem(409, "order_shipped");
    let too_many =
        json!({ "lines": [{ "sku": "TEE", "quantity": 3 }, { "sku": "CAP", "quantity": 1 }] });
    let refused = as_staff(&shop, &placed, "fulfilments", "f2", &too_many)
        .await
        .expect_problem(422, "validation_failed");
    let faults: Vec<&str> = refused["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|e| e["code"].as_str().unwrap())
        .collect();
    assert_eq!(faults, ["too_many", "not_in_order"]);

    // One unshipped tee is refunded and restocked.
    let one = json!({
        "lines": [{ "sku": "TEE", "quantity": 1, "goods": "cancelled" }],
        "reason": "Sold out at the printer's",
    });
    let requested = as_staff(&shop, &placed, "refunds", "r1", &one)
        .await
        .expect(202);
    assert_eq!(requested["refunds"][0]["amount"]["amount"], 1000);
    assert_eq!(requested["refundable"]["amount"], 2300);
    let order = becomes(&shop, &placed, "the refund is through", |order| {
        order["status"] == "partially_refunded"
    })
    .await;
    assert_eq!(order["refunds"][0]["status"], "succeeded");
    assert_eq!(shop.stock("TEE").await, StockCounts::unreserved(3));
    let rest = as_staff(&shop, &placed, "fulfilments", "f3", &json!({}))
        .await
        .expect(201);
    let tee = &rest["lines"][0];
    assert_eq!(
        (&tee["fulfilled"], &tee["refunded"]),
        (&json!(2), &json!(1))
    );

    // A refund by amount, up to the refundable amount.
    as_staff(&shop, &placed, "refunds", "r2", &json!({ "amount": 2301 }))
        .await
        .expect_problem(409, "refund_too_high");
    as_staff(&shop, &placed, "refunds", "r3", &json!({ "amount": 300 }))
        .await
        .expect(202);
    as_staff(&shop, &placed, "refunds", "r4", &json!({}))
        .await
        .expect(202);
    let order = becomes(&shop, &placed, "all of it went back", |order| {
        order["status"] == "refunded"
    })
    .await;
    assert_eq!(order["payment"]["refunded"]["amount"], 3300);
    assert_eq!(order["payment"]["status"], "refunded");
    as_staff(&shop, &placed, "refunds", "r5", &json!({ "amount": 1 }))
        .await
        .expect_problem(409, "refund_too_high");
    // The history names who changed what, in order.
    let what = history(&order);
    assert_eq!(
        what[..4],
        ["placed", "payment_authorised", "paid", "fulfilled"]
    );
    assert_eq!(what.iter().filter(|what| **what == "refunded").count(), 3);
    assert_eq!(order["history"][3]["by"], "staff:test");
    assert_eq!(order["version"], what.len());
    shop.invoke("reconcile-stock", &json!({})).await.unwrap();
    assert!(shop.log().contains(r#""StockDrift":0"#), "{}", shop.log());
}

/// Units of a line by what has become of them: shipped, canceled, returned, refunded.
fn units(order: &Value, line: usize) -> [u64; 4] {
    let line = &order["lines"][line];
    ["fulfilled", "cancelled", "returned", "refunded"].map(|it| line[it].as_u64().unwrap())
}

/// The kind of fault: money controls goods. Free units have no money to give back.
#[tokio::test]
async fn free_units_come_back_and_are_withdrawn() {
    let shop = shop().await;
    shop.stock_up(&[Product::single("gift", "GIFT", "0.00", 5)])
        .await;
    let placed = place(&shop, &[("TEE", 1), ("GIFT", 4)], "tok_ok").await;
    shop.order_becomes(&placed, "paid").await;
    let gift = |quantity: u32| json!({ "lines": [{ "sku": "GIFT", "quantity": quantity }] });
    // Refunded: nothing is paid, and the unit is sold again.
    let refunded = as_staff(&shop, &placed, "refunds", "a", &gift(1)).await;
    let order = refunded.expect(202);
    assert_eq!(units(&order, 1), [0, 1, 0, 1]);
    assert_eq!(
        (&order["refunds"], &order["status"]),
        (&json!([]), &json!("paid"))
    );
    // Canceled, with the same response for the same key.
    let canceled = as_staff(&shop, &placed, "returns", "b", &gift(1)).await;
    let order = canceled.expect(201);
    assert_eq!(units(&order, 1), [0, 2, 0, 1]);
    let again = as_staff(&shop, &placed, "returns", "b", &gift(1)).await;
    assert_eq!((again.status, &again.text), (201, &canceled.text));
    assert_eq!(shop.stock("GIFT").await, StockCounts::unreserved(3));
    // Returned after shipping, one of them damaged.
    as_staff(&shop, &placed, "fulfilments", "c", &json!({}))
        .await
        .expect(201);
    let mut back = gift(1);
    back["restock"] = json!(true);
    as_staff(&shop, &placed, "returns", "d", &back)
        .await
        .expect(201);
    let order = as_staff(&shop, &placed, "returns", "e", &gift(1))
        .await
        .expect(201);
    assert_eq!(units(&order, 1), [2, 2, 2, 1]);
    assert_eq!(shop.stock("GIFT").await, StockCounts::unreserved(4));
    assert_eq!(order["returns"].as_array().unwrap().len(), 4);
    assert_eq!(order["returns"][2]["lines"][0]["goods"], "returned");
    assert_eq!(history(&order).last(), Some(&"returned"));
    as_staff(&shop, &placed, "returns", "f", &gift(1))
        .await
        .expect_problem(422, "validation_failed");
    shop.invoke("reconcile-stock", &json!({})).await.unwrap();
    assert!(shop.log().contains(r#""StockDrift":0"#), "{}", shop.log());
}

/// The kind of fault: money controls goods. The money is back, the goods are still in the warehouse.
#[tokio::test]
async fn goods_of_a_refunded_order_are_withdrawn_or_shipped_by_choice() {
    let shop = shop().await;
    let placed = place(&shop, &[("TEE", 3), ("MUG", 1)], "tok_ok").await;
    shop.order_becomes(&placed, "paid").await;
    as_staff(&shop, &placed, "refunds", "r", &json!({ "amount": 3300 }))
        .await
        .expect(202);
    becomes(&shop, &placed, "the money went back", |order| {
        order["status"] == "refunded"
    })
    .await;
    assert_eq!(shop.stock("TEE").await, StockCounts::unreserved(2));
    as_staff(&shop, &placed, "fulfilments", "all", &json!({}))
        .await
        .expect_problem(409, "order_refunded");
    let tees = |quantity: u32| json!({ "lines": [{ "sku": "TEE", "quantity": quantity }] });
    as_staff(&shop, &placed, "fulfilments", "one", &tees(1))
        .await
        .expect(201);
    let mut rest = tees(2);
    rest["lines"][0]["goods"] = json!("cancelled");
    let order = as_staff(&shop, &placed, "returns", "rest", &rest)
        .await
        .expect(201);
    assert_eq!(units(&order, 0), [1, 2, 0, 0]);
    assert_eq!(shop.stock("TEE").await, StockCounts::unreserved(4));
    as_staff(&shop, &placed, "fulfilments", "more", &tees(1))
        .await
        .expect_problem(422, "validation_failed");

    // An order of which nothing is shipped can be canceled as a whole.
    let placed = place(&shop, &[("MUG", 2)], "tok_ok").await;
    shop.order_becomes(&placed, "paid").await;
    as_staff(&shop, &placed, "refunds", "r2", &json!({ "amount": 600 }))
        .await
        .expect(202);
    as_customer(&shop, &placed, "c", &json!({}))
        .await
        .expect(200);
    assert_eq!(shop.stock("MUG").await, StockCounts::unreserved(4));
    let order = becomes(&shop, &placed, "the money went back", |order| {
        order["payment"]["status"] == "refunded"
    })
    .await;
    assert_eq!(order["refunds"].as_array().unwrap().len(), 1);
    shop.invoke("reconcile-stock", &json!({})).await.unwrap();
    assert!(shop.log().contains(r#""StockDrift":0"#), "{}", shop.log());
}

/// The kind of fault: money controls goods. A partly shipped line has units in both places.
#[tokio::test]
async fn a_refund_of_a_partly_shipped_line_says_which_units_are_meant() {
    let shop = shop().await;
    let placed = place(&shop, &[("TEE", 2)], "tok_ok").await;
    shop.order_becomes(&placed, "paid").await;
    let mut one = json!({ "lines": [{ "sku": "TEE", "quantity": 1 }] });
    as_staff(&shop, &placed, "fulfilments", "f", &one)
        .await
        .expect(201);
    one["restock"] = json!(true);
    let refused = as_staff(&shop, &placed, "refunds", "r", &one)
        .await
        .expect_problem(422, "validation_failed");
    let fault = &refused["errors"][0];
    assert_eq!(
        (&fault["field"], &fault["code"]),
        (&json!("lines[0].goods"), &json!("required"))
    );
    one["lines"][0]["goods"] = json!("returned");
    let order = as_staff(&shop, &placed, "refunds", "r", &one)
        .await
        .expect(202);
    assert_eq!(units(&order, 0), [1, 0, 1, 1]);
    assert_eq!(order["refunds"][0]["lines"][0]["goods"], "returned");
    assert_eq!(shop.stock("TEE").await, StockCounts::unreserved(4));
    // The other unit is still to be shipped.
    let order = as_staff(&shop, &placed, "fulfilments", "g", &json!({}))
        .await
        .expect(201);
    assert_eq!(units(&order, 0), [2, 0, 1, 1]);
}

/// The kind of fault: a list inside an item without a bound. As many parcels as an order may have, of as many
/// lines, with the longest SKUs.
#[tokio::test]
async fn a_large_order_is_shipped_in_all_its_parcels() {
    const PARCELS: u32 = 60;
    let shop = shop().await;
    let skus: Vec<String> = (0..50)
        .map(|line| format!("{line:02}{}", "X".repeat(98)))
        .collect();
    let mut file = "Handle,Title,Variant SKU,Variant Price,Variant Inventory Qty\n".to_owned();
    for (line, sku) in skus.iter().enumerate() {
        file.push_str(&format!("p-{line},P,{sku},1.00,{PARCELS}\n"));
    }
    let import = shop.import(file).await;
    assert_eq!(import["rows_imported"], skus.len(), "{import}");
    let wanted: Vec<(&str, u32)> = skus.iter().map(|sku| (sku.as_str(), PARCELS)).collect();
    let placed = place(&shop, &wanted, "tok_ok").await;
    shop.order_becomes(&placed, "paid").await;
    let lines: Vec<Value> = skus
        .iter()
        .map(|sku| json!({ "sku": sku, "quantity": 1 }))
        .collect();
    let body = json!({ "lines": lines, "carrier": "DHL" });
    let mut last = None;
    for parcel in 0..PARCELS {
        let key = format!("f{parcel}");
        let shipped = as_staff(&shop, &placed, "fulfilments", &key, &body).await;
        shipped.expect(201);
        last = Some(shipped);
    }
    let last = last.unwrap();
    assert_eq!(last.json()["status"], "fulfilled");
    let key = format!("f{}", PARCELS - 1);
    let again = as_staff(&shop, &placed, "fulfilments", &key, &body).await;
    assert_eq!((again.status, &again.text), (201, &last.text));
    as_staff(&shop, &placed, "fulfilments", "more", &body)
        .await
        .expect_problem(422, "validation_failed");
}

#[tokio::test]
async fn a_customer_calls_a_paid_order_off() {
    let shop = shop().await;
    let placed = place(&shop, &[("TEE", 2)], "tok_ok").await;
    shop.order_becomes(&placed, "paid").await;
    let stranger = json!({ "id": placed["id"], "access_token": "oat_guess" });
    as_customer(&shop, &stranger, "c", &json!({}))
        .await
        .expect_problem(404, "not_found");
    let reason = json!({ "reason": "Ordered twice" });
    let first = as_customer(&shop, &placed, "c", &reason).await;
    assert_eq!(first.expect(200)["status"], "cancelled");
    assert_eq!(shop.stock("TEE").await, StockCounts::unreserved(5));
    let order = becomes(&shop, &placed, "the money went back", |order| {
        order["payment"]["status"] == "refunded"
    })
    .await;
    assert_eq!(order["status"], "cancelled");
    assert_eq!(order["payment"]["refunded"]["amount"], 2000);
    let again = as_customer(&shop, &placed, "c", &reason).await;
    assert_eq!(
        (again.status, &again.text),
        (200, &first.text),
        "the same answer, byte for byte"
    );
    as_customer(&shop, &placed, "d", &reason)
        .await
        .expect_problem(409, "order_status");
    as_staff(&shop, &placed, "fulfilments", "f", &json!({}))
        .await
        .expect_problem(409, "order_status");
}

#[tokio::test]
async fn a_double_tap_changes_an_order_once() {
    let shop = Arc::new(shop().await);
    let placed = place(&shop, &[("TEE", 2)], "tok_ok").await;
    shop.order_becomes(&placed, "paid").await;
    let taps: Vec<_> = (0..6)
        .map(|_| {
            let (shop, placed) = (Arc::clone(&shop), placed.clone());
            let body = json!({ "amount": 500 });
            tokio::spawn(async move { as_staff(&shop, &placed, "refunds", "tap", &body).await })
        })
        .collect();
    let mut answers = Vec::new();
    for tap in taps {
        let answer = tap.await.unwrap();
        if answer.status == 409 {
            // The first request was still in progress: a retry returns its response.
            answer.expect_problem(409, "request_in_progress");
            assert!(answer.headers.contains_key("retry-after"));
            continue;
        }
        answer.expect(202);
        answers.push(answer.text);
    }
    assert!(
        answers.windows(2).all(|pair| pair[0] == pair[1]),
        "{answers:?}"
    );
    let order = becomes(&shop, &placed, "the money went back", |order| {
        order["status"] == "partially_refunded"
    })
    .await;
    assert_eq!(order["refunds"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_refund_that_the_provider_refuses_can_be_tried_again() {
    let shop = shop().await;
    let placed = place(&shop, &[("TEE", 1)], "tok_refund_fails").await;
    shop.order_becomes(&placed, "paid").await;
    as_staff(&shop, &placed, "refunds", "r", &json!({}))
        .await
        .expect(202);
    let order = becomes(&shop, &placed, "the refund failed", |order| {
        order["refunds"][0]["status"] == "failed"
    })
    .await;
    assert_eq!(
        (&order["status"], &order["refundable"]["amount"]),
        (&json!("paid"), &json!(1000))
    );
    assert!(shop.log().contains(r#""RefundFailed":1"#));
}

#[tokio::test]
async fn an_order_that_nobody_pays_expires() {
    let shop = with(&[("PaymentWindowSeconds", "2")]).await;
    // A provider that never answers: the order is neither paid nor declined in time.
    let placed = place(&shop, &[("TEE", 5)], "tok_timeout").await;
    assert_eq!(
        shop.stock("TEE").await,
        StockCounts {
            on_hand: 5,
            reserved: 5,
            available: 0
        }
    );
    let order = swept(&shop, &placed).await;
    assert_eq!(
        (&order["status"], &order["payment"]["status"]),
        (&json!("expired"), &json!("voided"))
    );
    assert_eq!(shop.stock("TEE").await, StockCounts::unreserved(5));
    assert_eq!(history(&order)[..2], ["placed", "expired"]);
    // The units belong to another order now.
    let other = place(&shop, &[("TEE", 5)], "tok_ok").await;
    shop.order_becomes(&other, "paid").await;
    as_customer(&shop, &placed, "c", &json!({}))
        .await
        .expect_problem(409, "order_status");
}

/// The existing due notes, by order.
async fn due_notes(shop: &Shop) -> BTreeMap<String, Value> {
    let mut notes = BTreeMap::new();
    let mut start = Value::Null;
    loop {
        let mut scan = json!({
            "TableName": shop.stack().template.table["TableName"],
            "FilterExpression": "begins_with(PK, :due)",
            "ExpressionAttributeValues": { ":due": { "S": "DUE#" } },
            "ConsistentRead": true,
        });
        if !start.is_null() {
            scan["ExclusiveStartKey"] = start;
        }
        let page = shop.table("Scan", &scan).await;
        for note in page["Items"].as_array().unwrap() {
            let sort_key = note["SK"]["S"].as_str().unwrap();
            let (_, order) = sort_key.split_once('#').unwrap();
            notes.insert(order.to_owned(), note.clone());
        }
        start = page["LastEvaluatedKey"].clone();
        if start.is_null() {
            return notes;
        }
    }
}

/// Writes items to the table directly.
async fn put_all(shop: &Shop, items: &[Value]) {
    let table = shop.stack().template.table["TableName"].as_str().unwrap();
    for batch in items.chunks(25) {
        let writes = batch
            .iter()
            .map(|item| json!({ "PutRequest": { "Item": item } }));
        let request = json!({ "RequestItems": { table: writes.collect::<Vec<_>>() } });
        shop.table("BatchWriteItem", &request).await;
    }
}

#[tokio::test]
async fn an_order_is_noted_while_it_waits_and_no_longer() {
    let shop = shop().await;
    let noted = async |placed: &Value| {
        let notes = due_notes(&shop).await;
        notes.contains_key(placed["id"].as_str().unwrap())
    };
    let paid = place(&shop, &[("TEE", 1)], "tok_ok").await;
    let declined = place(&shop, &[("TEE", 1)], "tok_declined").await;
    let cancelled = place(&shop, &[("TEE", 1)], "tok_timeout").await;
    shop.eventually("it is noted", async || {
        noted(&cancelled).await.then_some(())
    })
    .await;
    shop.order_becomes(&paid, "paid").await;
    shop.order_becomes(&declined, "payment_failed").await;
    as_customer(&shop, &cancelled, "c", &json!({}))
        .await
        .expect(200);
    // Deleted by the relay; no sweep has to look at any of them.
    shop.eventually("no note is left", async || {
        due_notes(&shop).await.is_empty().then_some(())
    })
    .await;
}

/// An order of five tees that is neither paid nor failed, due in a second.
struct DueOrder {
    shop: Shop,
    placed: Value,
    /// Its due note.
    note: Value,
}

async fn due_order() -> DueOrder {
    let shop = with(&[("PaymentWindowSeconds", "1")]).await;
    // Its payment waits for an open circuit breaker.
    let breaker = json!({
        "PK": { "S": "BREAKER#test" },
        "SK": { "S": "BREAKER" },
        "failures": { "N": "5" },
        "open_until": { "N": "4102444800000" },
    });
    put_all(&shop, &[breaker]).await;
    let placed = place(&shop, &[("TEE", 5)], "tok_ok").await;
    let id = placed["id"].as_str().unwrap();
    let note = shop
        .eventually("the order is noted as due", async || {
            due_notes(&shop).await.remove(id)
        })
        .await;
    DueOrder { shop, placed, note }
}

#[tokio::test]
async fn the_sweep_gets_through_everything_that_is_due() {
    let DueOrder { shop, placed, note } = due_order().await;
    let id = placed["id"].as_str().unwrap();
    assert!(
        note["expires_at"].is_null(),
        "it must not go before its order is settled: {note}"
    );
    // Earlier in the same partition: more than two pages of notes that are a month old. One is
    // unreadable, one belongs to an order with a payment in progress, all others to missing orders.
    let at: i64 = note["at"]["N"].as_str().unwrap().parse().unwrap();
    let month_ago = at - 30 * 86_400_000;
    let copy = |at: i64, id: &str| {
        let mut copy = note.clone();
        copy["at"] = json!({ "N": at.to_string() });
        copy["order_id"] = json!({ "S": id });
        copy["SK"] = json!({ "S": format!("{at:013}#{id}") });
        copy
    };
    let part = u128::from(
        note["PK"]["S"].as_str().unwrap()[4..]
            .parse::<u8>()
            .unwrap(),
    );
    let mut notes: Vec<Value> = (0..250)
        .map(|number| copy(month_ago, &order_id(number * 16 + part)))
        .collect();
    let mut unreadable = copy(month_ago - 1, &order_id(16 * 1000 + part));
    unreadable["at"] = json!({ "S": "never" });
    notes.push(unreadable);
    let paying = order_id(16 * 1001 + part);
    notes.push(copy(month_ago, &paying));
    put_all(&shop, &notes).await;
    put_all(&shop, &[authorised(&shop, id, &paying).await]).await;

    let order = swept(&shop, &placed).await;
    assert_eq!(order["status"], "expired");
    assert_eq!(shop.stock("TEE").await, StockCounts::unreserved(5));
    let left: Vec<String> = due_notes(&shop).await.into_keys().collect();
    assert_eq!(
        left,
        [order_id(16 * 1000 + part), paying],
        "what could not be read, and what is being paid"
    );
    // Both are overdue by a month; the order that was due a moment ago is not reported.
    let log = shop.log();
    assert!(log.contains(r#""OrdersOverdue":1"#), "{log}");
    assert!(log.contains(r#""OrdersInPayment":1"#), "{log}");
    assert!(log.contains("due note not read"), "{log}");
}

#[tokio::test]
async fn an_order_that_ends_late_is_counted() {
    let DueOrder { shop, placed, note } = due_order().await;
    let id = placed["id"].as_str().unwrap();
    // Makes it due an hour ago: the order and its note.
    let table = &shop.stack().template.table["TableName"];
    let at: i64 = note["at"]["N"].as_str().unwrap().parse().unwrap();
    let earlier = at - 3_600_000;
    let mut moved = note.clone();
    moved["at"] = json!({ "N": earlier.to_string() });
    moved["SK"] = json!({ "S": format!("{earlier:013}#{id}") });
    put_all(&shop, &[moved]).await;
    let key = json!({ "PK": note["PK"], "SK": note["SK"] });
    shop.table("DeleteItem", &json!({ "TableName": table, "Key": key }))
        .await;
    let due_at = jiff::Timestamp::from_millisecond(earlier).unwrap();
    let overdue = json!({
        "TableName": table,
        "Key": { "PK": { "S": format!("ORDER#{id}") }, "SK": { "S": "ORDER" } },
        "UpdateExpression": "SET due_at = :due",
        "ExpressionAttributeValues": { ":due": { "S": due_at.to_string() } },
    });
    shop.table("UpdateItem", &overdue).await;
    swept(&shop, &placed).await;
    assert!(due_notes(&shop).await.is_empty());
    assert!(shop.log().contains(r#""OrdersOverdue":1"#));
}

/// An order id that ends with `number`.
fn order_id(number: u128) -> String {
    const DIGITS: &[u8] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    let digit = |place: u32| char::from(DIGITS[(number >> (5 * place)) as usize & 31]);
    let digits: String = (0..26).rev().map(digit).collect();
    format!("ord_{digits}")
}

/// A copy of an order with a payment in progress, which holds no stock and is not relayed.
async fn authorised(shop: &Shop, id: &str, copy_id: &str) -> Value {
    let key = json!({ "PK": { "S": format!("ORDER#{id}") }, "SK": { "S": "ORDER" } });
    let get = json!({ "TableName": shop.stack().template.table["TableName"], "Key": key });
    let mut order = shop.table("GetItem", &get).await["Item"].clone();
    order["PK"] = json!({ "S": format!("ORDER#{copy_id}") });
    order["id"] = json!({ "S": copy_id });
    order["entity_type"] = json!({ "S": "copy" });
    order["lines"] = json!({ "L": [] });
    order["payment"]["M"]["status"] = json!({ "S": "authorised" });
    order["payment"]["M"]["payment_id"] = json!({ "S": "test_copy" });
    order
}

#[tokio::test]
async fn bad_requests_change_nothing() {
    let shop = shop().await;
    let placed = place(&shop, &[("TEE", 1)], "tok_ok").await;
    let before = shop.order_becomes(&placed, "paid").await;
    let bad = [
        ("refunds", json!({ "amount": 0 }), 422, "validation_failed"),
        ("refunds", json!({ "amount": -5 }), 422, "validation_failed"),
        (
            "refunds",
            json!({ "amount": 1.5 }),
            422,
            "validation_failed",
        ),
        ("refunds", json!({ "lines": [] }), 422, "validation_failed"),
        (
            "refunds",
            json!({ "lines": [{ "sku": "TEE", "quantity": 0 }] }),
            422,
            "validation_failed",
        ),
        (
            "refunds",
            json!({ "lines": [{ "sku": "TEE", "quantity": 2 }] }),
            422,
            "validation_failed",
        ),
        (
            "refunds",
            json!({ "lines": [{ "sku": "MUG", "quantity": 1 }] }),
            422,
            "validation_failed",
        ),
        (
            "refunds",
            json!({ "reason": "x".repeat(201) }),
            422,
            "validation_failed",
        ),
        ("refunds", json!({ "all": true }), 422, "validation_failed"),
        ("returns", json!({}), 422, "validation_failed"),
        ("returns", json!({ "lines": [] }), 422, "validation_failed"),
        (
            "returns",
            json!({ "lines": [{ "sku": "TEE", "quantity": 2 }] }),
            422,
            "validation_failed",
        ),
        (
            "returns",
            json!({ "lines": [{ "sku": "TEE", "quantity": 1, "goods": "kept" }] }),
            422,
            "validation_failed",
        ),
        (
            "returns",
            json!({ "lines": [{ "sku": "TEE", "quantity": 1, "goods": "lost" }] }),
            422,
            "validation_failed",
        ),
        (
            "refunds",
            json!({ "lines": [{ "sku": "TEE", "quantity": 1, "goods": "returned" }] }),
            422,
            "validation_failed",
        ),
        ("refunds", json!({ "amount": 1001 }), 409, "refund_too_high"),
        (
            "fulfilments",
            json!({ "lines": [{ "sku": "TEE", "quantity": 2 }] }),
            422,
            "validation_failed",
        ),
        (
            "fulfilments",
            json!({ "tracking_url": "javascript:alert(1)" }),
            422,
            "validation_failed",
        ),
        (
            "fulfilments",
            json!({ "tracking_url": "https://a.example/\u{0}" }),
            422,
            "validation_failed",
        ),
        (
            "fulfilments",
            json!({ "carrier": 7 }),
            422,
            "validation_failed",
        ),
        (
            "cancel",
            json!({ "reason": ["a"] }),
            422,
            "validation_failed",
        ),
        ("cancel", json!([]), 422, "validation_failed"),
    ];
    for (action, body, status, code) in bad {
        let answer = as_staff(
            &shop,
            &placed,
            action,
            &format!("{action}{body}")
                .chars()
                .take(200)
                .collect::<String>(),
            &body,
        )
        .await;
        assert_eq!(answer.status, status, "{action} {body}: {}", answer.text);
        answer.expect_problem(status, code);
    }
    let nobody = json!({ "id": "ord_2GZ8W1Q4D6TN0XKJ5R7VBM3CYE" });
    for action in ["refunds", "fulfilments", "cancel", "returns"] {
        let body = match action {
            "returns" => json!({ "lines": [{ "sku": "TEE", "quantity": 1 }] }),
            _ => json!({}),
        };
        as_staff(&shop, &nobody, action, "k", &body)
            .await
            .expect_problem(404, "not_found");
        let path = format!(
            "/v1/admin/orders/{}/{action}",
            placed["id"].as_str().unwrap()
        );
        let keyless = shop.request("POST", &path).bearer_auth(&shop.staff_token);
        shop.send(keyless.json(&body))
            .await
            .expect_problem(400, "idempotency_key_missing");
    }
    let after = order(&shop, &placed).await;
    assert_eq!(
        after["history"].as_array().unwrap().len(),
        before["history"].as_array().unwrap().len()
    );
    assert_eq!(shop.stock("TEE").await, StockCounts::unreserved(4));
}

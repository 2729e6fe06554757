//! Loads the table that the last release populated, and reads and changes everything in it.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
};

use serde_json::{Value, json};
use testkit::{Product, Response, Shop, order_body, root};

use crate::world::World;

/// Kinds of items that the last release did not have. A release empties this list.
const NEWER: [&str; 42] = [
    "account",
    "account_cart",
    "account_request",
    "address_book",
    "api_key",
    "api_key_entry",
    "audit_entry",
    "audit_head",
    "audit_record",
    "challenge",
    "control",
    "customer_group",
    "document",
    "email_change",
    "entry",
    "export",
    "group_member",
    "holds",
    "invitation",
    "job",
    "job_errors",
    "job_request",
    "job_run",
    "job_step",
    "job_step_due",
    "limit",
    "login",
    "newest_export",
    "order_number",
    "owners",
    "passkey",
    "passkey_owner",
    "password_reset",
    "person_key",
    "redelivery",
    "registration",
    "role",
    "session",
    "staff",
    "stock_change",
    "totp",
    "wishlist",
];
/// Kinds of items that are no longer written, and read as others. A release empties this list.
const OLDER: [&str; 1] = ["import_chunk"];

/// Everything that the last release left, in DynamoDB's own JSON.
fn released() -> Vec<Value> {
    let folder = root().join("tests/contracts");
    let files = fs::read_dir(folder)
        .unwrap()
        .map(|file| file.unwrap().path());
    let tables: Vec<_> = files
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "jsonl")
        })
        .collect();
    let [table] = &tables[..] else {
        panic!("there is the table of one release: {tables:?}");
    };
    let text = fs::read_to_string(table).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn text<'a>(item: &'a Value, name: &str) -> &'a str {
    item[name]["S"].as_str().unwrap_or_default()
}

fn of<'a>(items: &'a [Value], entity: &str) -> Vec<&'a Value> {
    let items = items.iter();
    items
        .filter(|item| text(item, "entity_type") == entity)
        .collect()
}

/// A shop whose table has these items.
async fn shop(items: &[Value]) -> Shop {
    let shop = Shop::start().await;
    load(&shop, items).await;
    shop
}

/// Writes the items, which the stream tells of like any other change. Those with an expiry get another day, as the release was
/// longer ago.
async fn load(shop: &Shop, items: &[Value]) {
    let table = shop.stack().template.table["TableName"].clone();
    let tomorrow = (runtime::now().as_second() + 86_400).to_string();
    for item in items {
        let mut item = item.clone();
        if item["expires_at"].is_object() {
            item["expires_at"] = json!({ "N": tomorrow });
        }
        shop.table("PutItem", &json!({ "TableName": table, "Item": item }))
            .await;
    }
}

async fn as_staff(shop: &Shop, order: &Value, action: &str, body: &Value) -> Response {
    let id = text(order, "id");
    let request = shop.request("POST", &format!("/v1/admin/orders/{id}/{action}"));
    let request = request.bearer_auth(&shop.staff_token);
    let request = request.header("Idempotency-Key", format!("{id} {action}"));
    shop.send(request.json(body)).await
}

/// Orders by their status, as the table of the release names it.
fn orders(items: &[Value]) -> BTreeMap<&str, &Value> {
    let orders = of(items, "order").into_iter();
    orders.map(|order| (text(order, "status"), order)).collect()
}

#[test]
fn the_table_of_the_last_release_has_every_kind_of_item() {
    let items = released();
    let kinds = items
        .iter()
        .map(|item| text(item, "entity_type").to_owned());
    let mut kinds: BTreeSet<String> = kinds.collect();
    kinds.extend(NEWER.map(str::to_owned));
    kinds.retain(|kind| !OLDER.contains(&kind.as_str()));
    assert_eq!(kinds, crate::entities());
    let statuses: Vec<&str> = orders(&items).into_keys().collect();
    assert_eq!(
        statuses,
        [
            "cancelled",
            "expired",
            "fulfilled",
            "paid",
            "partially_fulfilled",
            "partially_refunded",
            "payment_failed",
            "pending_payment",
            "refunded"
        ]
    );
}

#[tokio::test]
async fn the_catalogue_carts_and_imports_of_the_last_release_are_read() {
    let items = released();
    let shop = shop(&items).await;

    let listed = shop.get("/v1/products?limit=100").await.expect(200);
    let listed: BTreeSet<&str> = listed["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| item["slug"].as_str().unwrap())
        .collect();
    let products = of(&items, "product");
    let slugs: BTreeSet<&str> = products.iter().map(|item| text(item, "slug")).collect();
    assert_eq!(listed, slugs);
    for facet in [
        "collection=Basics",
        "type=Shirt",
        "tag=summer",
        "collection=Basics&sort=price",
    ] {
        let page = shop.get(&format!("/v1/products?{facet}")).await.expect(200);
        assert_eq!(page["items"][0]["slug"], "tee", "{facet}");
    }
    for slug in slugs {
        let page = shop.get(&format!("/v1/products/{slug}")).await.expect(200);
        for variant in page["variants"].as_array().unwrap() {
            let sku = variant["sku"].as_str().unwrap();
            let stock = shop
                .staff_get(&format!("/v1/admin/stock/{sku}"))
                .await
                .expect(200);
            let shards = of(&items, "variant")
                .into_iter()
                .filter(|item| text(item, "sku") == sku);
            assert_eq!(stock["shards"], shards.count(), "{stock}");
        }
    }

    for cart in of(&items, "cart") {
        let read = shop
            .get(&format!("/v1/carts/{}", text(cart, "id")))
            .await
            .expect(200);
        let lines = cart["added"]["M"]
            .as_object()
            .map_or(0, serde_json::Map::len);
        assert_eq!(
            read["lines"].as_array().unwrap().len(),
            lines,
            "{read} {cart}"
        );
        assert_eq!(
            read["order_id"].as_str().unwrap_or_default(),
            text(cart, "order_id"),
            "{read}"
        );
    }

    for import in of(&items, "import") {
        let read = shop
            .staff_get(&format!("/v1/admin/imports/{}", text(import, "id")))
            .await
            .expect(200);
        assert_eq!(read["state"], "completed", "{read}");
        let failed = read["rows_failed"].as_u64().unwrap();
        let errors = read["errors"].as_array().unwrap().len();
        assert_eq!(failed > 0, errors > 0, "{read}");
    }
    // The next file, over what is there.
    shop.stock_up(&[
        Product::single("tee", "TEE", "11.00", 3),
        Product::single("mug", "MUG", "4.00", 9),
    ])
    .await;
    shop.forget_pages().await;
    let tee = shop.get("/v1/products/tee").await.expect(200);
    assert_eq!(tee["variants"][0]["price"]["amount"], 1100, "{tee}");
    assert_eq!(shop.stock("MUG").await.on_hand, 9);
}

#[tokio::test]
async fn the_orders_of_the_last_release_are_read_and_answered_again() {
    let items = released();
    let shop = shop(&items).await;
    for order in of(&items, "order") {
        let id = text(order, "id");
        let read = shop
            .staff_get(&format!("/v1/admin/orders/{id}"))
            .await
            .expect(200);
        assert_eq!(read["status"], text(order, "status"), "{read}");
        let history = order["history"]["L"].as_array().map_or(0, Vec::len);
        // The first entry is that it was placed.
        assert_eq!(
            read["history"].as_array().unwrap().len(),
            history + 1,
            "{read}"
        );
        for part in ["fulfilments", "refunds"] {
            let stored = order[part]["L"].as_array().map_or(0, Vec::len);
            assert_eq!(
                read[part].as_array().unwrap().len(),
                stored,
                "{part}: {read}"
            );
        }

        let papers = of(&items, "invoice")
            .into_iter()
            .filter(|paper| text(paper, "order_id") == id);
        let invoice = shop
            .staff_get(&format!("/v1/admin/orders/{id}/invoice"))
            .await;
        match papers.count() {
            0 => assert_eq!(invoice.status, 404, "{}", invoice.text),
            papers => {
                let notes = invoice.expect(200)["credit_notes"]
                    .as_array()
                    .unwrap()
                    .len();
                assert_eq!(1 + notes, papers, "{}", invoice.text);
            }
        }

        // The customer's request once more: the same order, and with it the token that reads it.
        if text(&order["payment"]["M"], "provider") == "test" {
            let cart = text(order, "cart_id");
            let body = order_body(cart, text(&order["payment"]["M"], "token"));
            let again = shop.order(cart, &body).await.expect(201);
            assert_eq!(again["id"], id);
            let token = again["access_token"].as_str().unwrap();
            let path = format!("/v1/orders/{id}");
            let read = shop
                .send(shop.request("GET", &path).bearer_auth(token))
                .await;
            assert_eq!(read.expect(200)["status"], text(order, "status"));
        }
    }
    // Nothing was lost or counted twice.
    shop.invoke("reconcile-stock", &json!({})).await.unwrap();
    assert!(
        !shop.log().contains("disagree") && !shop.log().contains("no stock"),
        "{}",
        shop.log()
    );
}

#[tokio::test]
async fn the_orders_of_the_last_release_go_on() {
    let items = released();
    let shop = shop(&items).await;
    let orders = orders(&items);
    let ship = json!({});
    for (status, action, body, becomes) in [
        ("paid", "fulfilments", &ship, "fulfilled"),
        ("partially_fulfilled", "fulfilments", &ship, "fulfilled"),
        (
            "fulfilled",
            "refunds",
            &json!({ "restock": true }),
            "refunded",
        ),
        ("partially_refunded", "cancel", &json!({}), "cancelled"),
        ("cancelled", "cancel", &json!({}), ""),
        ("expired", "fulfilments", &ship, ""),
        ("refunded", "refunds", &json!({}), ""),
        ("payment_failed", "cancel", &json!({}), ""),
    ] {
        let order = orders[status];
        let answer = as_staff(&shop, order, action, body).await;
        if becomes.is_empty() {
            assert_eq!(answer.status, 409, "{status}: {}", answer.text);
            continue;
        }
        assert!(answer.status < 300, "{status}: {}", answer.text);
        let path = format!("/v1/admin/orders/{}", text(order, "id"));
        shop.eventually(&format!("{status} becomes {becomes}"), async || {
            let order = shop.staff_get(&path).await.expect(200);
            (order["status"] == becomes).then_some(())
        })
        .await;
    }
    // Nobody has paid these, and their time is over; not all have a due note.
    shop.invoke("reconcile-stock", &json!({})).await.unwrap();
    let waiting: Vec<&Value> = of(&items, "order")
        .into_iter()
        .filter(|order| text(order, "status") == "pending_payment")
        .collect();
    assert_eq!(waiting.len(), 2);
    for order in waiting {
        let path = format!("/v1/admin/orders/{}", text(order, "id"));
        shop.eventually("it expires", async || {
            shop.sweep().await;
            let order = shop.staff_get(&path).await.expect(200);
            (order["status"] == "expired").then_some(())
        })
        .await;
    }
    // The next customer.
    shop.buy(&[("TEE-S", 1), ("MUG", 2)], "tok_ok", "paid")
        .await;
}

#[tokio::test]
async fn the_messages_that_follow_from_the_last_release_are_handled() {
    let items = released();
    // With a provider that knows none of its payments.
    let world = World::start(900).await;
    let shop = &world.shop;
    load(shop, &items).await;
    let messages = of(&items, "inbox").len();
    // What the last release had handled is not done again.
    for order in of(&items, "order") {
        let id = text(order, "id");
        let history = order["history"]["L"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        for (index, entry) in history.iter().enumerate() {
            let what = text(&entry["M"], "what");
            let version = index + 2;
            // As the last release sent it.
            let event = json!({
                "event_id": format!("{id}.{version}"),
                "occurred_at": "2026-11-22T10:00:00Z",
                "trace_id": text(order, "trace_id"),
                "type": "order_changed",
                "order_id": id,
                "version": version,
                "what": what,
            });
            let event = testkit::sqs_event(&[&event.to_string()], 1);
            for consumer in ["send-email", "render-invoice"] {
                let answer = shop.invoke(consumer, &event).await.unwrap();
                assert_eq!(
                    answer["batchItemFailures"],
                    json!([]),
                    "{consumer} {what}\n{}",
                    shop.log()
                );
            }
        }
    }
    assert!(!shop.log().contains("mail sent"), "{}", shop.log());
    let scan = json!({
        "TableName": shop.stack().template.table["TableName"],
        "FilterExpression": "entity_type = :inbox",
        "ExpressionAttributeValues": { ":inbox": { "S": "inbox" } },
    });
    let found = shop.table("Scan", &scan).await;
    assert_eq!(found["Count"], messages);

    for event in of(&items, "payment_event") {
        let event = json!({
            "event_id": format!("stripe.{}", text(event, "event_id")),
            "occurred_at": "2026-11-22T10:00:00Z",
            "trace_id": text(event, "trace_id"),
            "type": "provider_event_received",
            "provider": "stripe",
            "provider_event_id": text(event, "event_id"),
        });
        let event = testkit::sqs_event(&[&event.to_string()], 1);
        let answer = shop.invoke("handle-payment-event", &event).await.unwrap();
        assert_eq!(answer["batchItemFailures"], json!([]), "{}", shop.log());
    }
    // A complaint about the same address, and the breaker of its provider.
    let complaint = fs::read(root().join("events/suppress-address/complaint.json")).unwrap();
    let complaint: Value = serde_json::from_slice(&complaint).unwrap();
    let answer = shop.invoke("suppress-address", &complaint).await.unwrap();
    assert_eq!(answer["batchItemFailures"], json!([]), "{}", shop.log());
}

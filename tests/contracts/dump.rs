//! Makes a table as this code populates it, for the test that later versions read it with: items in DynamoDB's own JSON, one a line.
//! `make release-contracts` runs it.

use std::{collections::BTreeSet, fmt::Write as _, fs};

use local::stripe::{CARD, CARD_DECLINED};
use serde_json::{Value, json};
use testkit::{Product, order_body, root};

use crate::world::World;

/// Seconds until an order that nobody pays expires. Only orders that are swept do.
const WINDOW: u32 = 2;

/// Sells in every way that leaves items of their own, and writes the table to the file that `DUMP` names.
#[tokio::test]
#[ignore = "makes a file that is committed with a release"]
async fn dump() {
    let environment = runtime::Environment::load();
    let file = environment
        .require("DUMP")
        .expect("DUMP names the file to write");
    let limit = [("MaxUnpaidOrdersPerEmail", "100"), ("DefaultLimits", "on")];
    let mut world = World::start_with(WINDOW, &limit).await;
    stock(&world).await;
    orders(&world).await;
    let sample = |file: &str| -> Value {
        let text = fs::read_to_string(root().join("events").join(file)).unwrap();
        serde_json::from_str(&text).unwrap()
    };
    let complaint = sample("suppress-address/complaint.json");
    let suppressed = world.shop.invoke("suppress-address", &complaint).await;
    suppressed.unwrap();
    let mut again = sample("start-import/uploaded.json");
    again["Records"][0]["attributes"]["ApproximateReceiveCount"] = json!("2");
    let counted = world.shop.invoke("start-import", &again).await;
    counted.unwrap();

    world
        .shop
        .eventually("the lists show all orders", async || {
            let items = world.items().await;
            let count = |kind: &str| {
                let of_kind = items.iter().filter(|item| item["entity_type"]["S"] == kind);
                of_kind.count()
            };
            (count("order_number") == count("order")).then_some(())
        })
        .await;

    // From here on nothing follows from a request: an order waits for its payment, and the stream is not read.
    world.shop.stop_triggers();
    world.shop.cart(&[]).await;
    world.shop.cart(&[("TEE-M", 2), ("MUG", 1)]).await;
    let cart = world.shop.cart(&[("MUG", 2)]).await;
    let body = order_body(&cart, "tok_ok");
    world.shop.order(&cart, &body).await.expect(201);
    let ada = world.shop.person("ada").await;
    let empty = json!({});
    let created = world.shop.call_as(&ada, "POST", "/v1/carts", &empty);
    created.await.expect(201);

    let mut items = world.items().await;
    let kinds: BTreeSet<String> = items
        .iter()
        .map(|item| item["entity_type"]["S"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(
        kinds,
        crate::entities(),
        "every kind of item is part of the dump"
    );
    items.sort_by_key(|item| (item["PK"].to_string(), item["SK"].to_string()));
    let mut text = String::new();
    for item in &items {
        writeln!(text, "{item}").unwrap();
    }
    fs::write(root().join(file), text).unwrap();
}

/// Products with and without options, sold out, in a collection, and with stock in shards; and an import with faults.
async fn stock(world: &World) {
    let tee = Product {
        product_type: "Shirt",
        tags: "cotton,summer",
        collection: "Basics",
        variants: ["TEE-S", "TEE-M"]
            .map(|sku| testkit::Variant {
                option: &sku[4..],
                sku,
                price: "10.00",
                quantity: 20,
            })
            .into(),
        ..Product::single("tee", "TEE", "10.00", 0)
    };
    world
        .shop
        .stock_up(&[
            tee,
            Product::single("mug", "MUG", "3.50", 20),
            Product::single("pin", "PIN", "1.00", 0),
        ])
        .await;
    let faulty = "Handle,Title,Variant SKU,Variant Price,Variant Inventory Qty,Variant Inventory Tracker\n\
                  cap,Cap,CAP,7.00,3,\n\
                  hat,Hat,HAT,a lot,3,shopify\n";
    let import = world.shop.import(faulty).await;
    assert_eq!(import["rows_failed"], 1, "{import}");
    let shards = json!({ "shards": 3 });
    let split = world
        .shop
        .staff_call("PUT", "/v1/admin/stock/MUG/shards", &shards);
    split.await.expect(200);
}

/// An order in each state that a customer or staff can bring it to.
async fn orders(world: &World) {
    // The provider that never answers at first leaves a breaker with a failure.
    let paid = world
        .shop
        .buy(&[("TEE-S", 1), ("MUG", 1)], "tok_flaky", "paid")
        .await;
    let all = json!({});
    let one = json!({ "lines": [{ "sku": "TEE-M", "quantity": 1 }], "carrier": "DHL", "tracking_number": "0034",
        "tracking_url": "https://example.com/0034" });
    let sold = async || world.shop.buy(&[("TEE-M", 2)], "tok_ok", "paid").await;
    for (action, body, status) in [
        ("fulfilments", &one, "partially_fulfilled"),
        ("fulfilments", &all, "fulfilled"),
        (
            "refunds",
            &json!({ "amount": 500, "reason": "Late" }),
            "partially_refunded",
        ),
        ("refunds", &all, "refunded"),
        (
            "cancel",
            &json!({ "reason": "Changed my mind" }),
            "cancelled",
        ),
    ] {
        let order = sold().await;
        let answer = world.staff(&order, action, body).await;
        assert!(answer.status < 300, "{}", answer.text);
        settled(world, &order, status).await;
    }
    settled(world, &paid, "paid").await;

    let declined = world.place("MUG", Some(CARD_DECLINED)).await;
    settled(world, &declined, "payment_failed").await;
    // Nobody confirms it in time.
    let expired = world.place("MUG", None).await;
    begun(world, &expired).await;
    world.shop.until_due(&expired).await;
    world.shop.sweep().await;
    settled(world, &expired, "expired").await;
    // Confirmed by the customer, of which the provider tells by an event.
    let confirmed = world.place("MUG", None).await;
    let payment = begun(world, &confirmed).await;
    world.stripe.confirm(&payment, CARD).await.unwrap();
    settled(world, &confirmed, "paid").await;
    // Still to be confirmed.
    let waiting = world.place("MUG", None).await;
    begun(world, &waiting).await;
}

/// Id of the order's payment, once the customer can confirm it.
async fn begun(world: &World, placed: &Value) -> String {
    world
        .shop
        .eventually("the payment is begun", async || {
            let order = world.order(placed).await;
            order["payment_id"].as_str().map(str::to_owned)
        })
        .await
}

/// Waits until the order has this status, what followed is done, and each of its changes has its mail and its paper.
async fn settled(world: &World, placed: &Value, status: &str) {
    world
        .ends(placed, status, |order| {
            let refunds = order["refunds"].as_array().into_iter().flatten();
            order["status"] == status
                && refunds
                    .into_iter()
                    .all(|refund| refund["status"] == "succeeded")
        })
        .await;
    let order = world.order(placed).await;
    let history = order["history"].as_array().unwrap().iter();
    let papers = history
        .filter(|entry| ["paid", "refunded"].contains(&entry["what"].as_str().unwrap_or_default()));
    let papers = papers.count();
    world
        .shop
        .eventually("the papers are stored", async || {
            let items = world.items().await;
            let stored = items.iter().filter(|item| {
                item["entity_type"]["S"] == "invoice"
                    && item["order_id"]["S"] == order["id"]
                    && item["stored_at"].is_object()
            });
            (stored.count() == papers).then_some(())
        })
        .await;
}

//! Covers: project-orders with messages that are bad, late, seen twice or in another order; units of it and of its readers.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use testkit::{Product, Shop, email_of, order_body, sqs_event};

/// A shop without triggers: a test decides which messages come.
async fn quiet_shop() -> Shop {
    let debug = BTreeMap::from([("LogLevel".to_owned(), "debug".to_owned())]);
    let mut shop = Shop::start_with(debug).await;
    shop.stock_up(&[Product::single("tee", "TEE", "10.00", 50)])
        .await;
    shop.stop_triggers();
    shop
}

/// A message about an order, as `relay-events` sends it.
fn message(order: &Value, version: u64, what: &str) -> String {
    let id = order["id"].as_str().unwrap();
    let mut event = json!({
        "event_id": format!("{id}.{version}"),
        "occurred_at": runtime::now(),
        "trace_id": "test",
        "type": "order_placed",
        "order_id": id,
    });
    if version > 1 {
        event["type"] = json!("order_changed");
        event["version"] = json!(version);
        event["what"] = json!(what);
    }
    event.to_string()
}

async fn place(shop: &Shop) -> Value {
    let cart = shop.cart(&[("TEE", 1)]).await;
    let mut placed = shop
        .order(&cart, &order_body(&cart, "tok_ok"))
        .await
        .expect(201);
    placed["email"] = json!(email_of(&cart));
    placed
}

async fn pay(shop: &Shop, placed: &Value) {
    let event = sqs_event(&[&message(placed, 1, "")], 1);
    deliver(shop, "capture-payment", &event).await;
    shop.order_becomes(placed, "paid").await;
}

/// Delivers a batch; returns the ids of its messages that failed.
async fn deliver(shop: &Shop, function: &str, batch: &Value) -> Vec<String> {
    let answer = shop.invoke(function, batch).await.unwrap();
    let failures = answer["batchItemFailures"].as_array().unwrap().iter();
    failures
        .map(|failure| failure["itemIdentifier"].as_str().unwrap().to_owned())
        .collect()
}

async fn page(shop: &Shop, query: &str) -> Value {
    let page = shop.staff_get(&format!("/v1/admin/orders{query}")).await;
    page.expect(200)["items"].clone()
}

/// Read and write units of a function's calls in this part of the log.
fn units(log: &str, function: &str) -> (f64, f64) {
    let lines = log.lines().filter_map(|line| {
        let line = line.strip_prefix(function)?.strip_prefix(": ")?;
        serde_json::from_str::<Value>(line).ok()
    });
    let costs: Vec<Value> = lines.filter(|line| line["message"] == "units").collect();
    let sum = |is_read: bool| -> f64 {
        let of_kind = costs.iter().filter(|cost| {
            let operation = cost["dynamodb.operation"].as_str().unwrap();
            is_read == (operation.contains("Get") || operation.contains("Query"))
        });
        of_kind
            .map(|cost| cost["dynamodb.units"].as_f64().unwrap())
            .sum()
    };
    (sum(true), sum(false))
}

#[tokio::test]
async fn an_order_costs_five_units_in_its_lists_and_a_page_one() {
    let shop = quiet_shop().await;
    let placed = place(&shop).await;
    pay(&shop, &placed).await;
    // Both messages in one batch.
    let both = [message(&placed, 1, ""), message(&placed, 3, "paid")];
    let both: Vec<&str> = both.iter().map(String::as_str).collect();
    let before = shop.log().len();
    assert!(
        deliver(&shop, "project-orders", &sqs_event(&both, 1))
            .await
            .is_empty()
    );
    // The lists of all orders, of paid ones, of the SKU and of the customer, and the number.
    assert_eq!(units(&shop.log()[before..], "project-orders"), (2.0, 5.0));
    assert!(shop.log()[before..].contains("ProjectionLag"));
    // Later messages about the same version read, and write nothing; nor do they tell of a lag.
    let before = shop.log().len();
    assert!(
        deliver(&shop, "project-orders", &sqs_event(&both, 1))
            .await
            .is_empty()
    );
    assert_eq!(units(&shop.log()[before..], "project-orders"), (2.0, 0.0));
    assert!(!shop.log()[before..].contains("ProjectionLag"));

    // In the lists before it is paid: its status costs one more to leave.
    let placed = place(&shop).await;
    let first = sqs_event(&[&message(&placed, 1, "")], 1);
    deliver(&shop, "project-orders", &first).await;
    pay(&shop, &placed).await;
    let before = shop.log().len();
    deliver(
        &shop,
        "project-orders",
        &sqs_event(&[&message(&placed, 3, "paid")], 1),
    )
    .await;
    assert_eq!(units(&shop.log()[before..], "project-orders"), (2.0, 5.0));

    for (query, most) in [
        ("", 1.0),
        ("?status=paid", 1.0),
        ("?sku=TEE", 1.0),
        (
            &*format!("?email={}", placed["email"].as_str().unwrap()),
            0.5,
        ),
        (
            &*format!("?number={}", placed["number"].as_str().unwrap()),
            1.0,
        ),
    ] {
        let before = shop.log().len();
        assert!(
            !page(&shop, query).await.as_array().unwrap().is_empty(),
            "{query}"
        );
        let (reads, writes) = units(&shop.log()[before..], "list-orders");
        assert!(reads <= most && writes == 0.0, "{query}: {reads}");
    }
}

#[tokio::test]
async fn an_order_of_an_account_costs_a_unit_more_a_claim_two_and_a_page_half_a_one() {
    let shop = quiet_shop().await;
    let ada = shop.person("ada").await;
    let project = async |order: &Value, version: u64, what: &str| {
        let before = shop.log().len();
        let batch = sqs_event(&[&message(order, version, what)], 1);
        let failed = deliver(&shop, "project-orders", &batch).await;
        assert!(failed.is_empty(), "{failed:?}");
        units(&shop.log()[before..], "project-orders")
    };
    let cart = shop.cart(&[("TEE", 1)]).await;
    let request = shop.request("POST", "/v1/orders").bearer_auth(&ada.token);
    let request = request.header("Idempotency-Key", &cart);
    let placed = shop.send(request.json(&order_body(&cart, "tok_ok"))).await;
    let placed = placed.expect(201);
    assert_eq!(project(&placed, 1, "").await, (2.0, 6.0));

    let cart = shop.cart(&[("TEE", 1)]).await;
    let mut body = order_body(&cart, "tok_ok");
    body["email"] = json!(ada.email);
    let claimed = shop.order(&cart, &body).await.expect(201);
    assert_eq!(project(&claimed, 1, "").await, (2.0, 5.0), "a guest's");
    let path = format!("/v1/orders/{}/claim", claimed["id"].as_str().unwrap());
    shop.call_as(&ada, "POST", &path, &json!({}))
        .await
        .expect(200);
    assert_eq!(project(&claimed, 2, "claimed").await, (2.0, 2.0));
    assert_eq!(project(&claimed, 2, "claimed").await, (2.0, 0.0));

    let before = shop.log().len();
    let page = shop.get_as(&ada, "/v1/orders").await.expect(200);
    let items = page["items"].as_array().unwrap().iter();
    let ids: Vec<&Value> = items.map(|item| &item["id"]).collect();
    assert_eq!(ids, [&claimed["id"], &placed["id"]]);
    let (reads, writes) = units(&shop.log()[before..], "list-my-orders");
    // And the control item, of a process that has just started.
    assert!(reads <= 1.0 && writes == 0.0, "{reads}");
}

#[tokio::test]
async fn messages_twice_late_and_in_another_order_leave_the_lists_as_they_are() {
    let shop = quiet_shop().await;
    let placed = place(&shop).await;
    let first = message(&placed, 1, "");
    deliver(&shop, "project-orders", &sqs_event(&[&first], 1)).await;
    assert_eq!(page(&shop, "").await[0]["status"], "pending_payment");
    pay(&shop, &placed).await;
    let paid = message(&placed, 3, "paid");
    // The newer one first; the older one says nothing that is true.
    deliver(&shop, "project-orders", &sqs_event(&[&paid], 1)).await;
    let shown = page(&shop, "").await;
    assert_eq!(shown[0]["status"], "paid");
    for attempt in [1, 2, 7] {
        let batch = [first.as_str(), &paid, &first, &first];
        let failed = deliver(&shop, "project-orders", &sqs_event(&batch, attempt)).await;
        assert!(failed.is_empty(), "{failed:?}");
        assert_eq!(page(&shop, "").await, shown);
        assert_eq!(page(&shop, "?status=paid").await, shown);
        assert_eq!(page(&shop, "?status=pending_payment").await, json!([]));
    }
    // Two at once.
    let batch = sqs_event(&[&first, &paid], 2);
    let (one, two) = tokio::join!(
        deliver(&shop, "project-orders", &batch),
        deliver(&shop, "project-orders", &batch)
    );
    assert!(one.is_empty() && two.is_empty(), "{one:?} {two:?}");
    assert_eq!(page(&shop, "?sku=TEE").await, shown);
}

#[tokio::test]
async fn of_a_batch_only_the_bad_messages_fail() {
    let shop = quiet_shop().await;
    let placed = place(&shop).await;
    let good = message(&placed, 1, "");
    let mut unknown = placed.clone();
    unknown["id"] = json!("ord_2GZ8W1Q4D6TN0XKJ5R7VBM3CYE");
    let unknown = message(&unknown, 1, "");
    let newer = good.replace("\"trace_id\"", "\"schema_version\":2,\"trace_id\"");
    let availability = json!({
        "event_id": "TEE.1", "occurred_at": runtime::now(), "trace_id": "test",
        "type": "availability_changed", "sku": "TEE", "product_slug": "tee",
    });
    let bodies = [
        "not json",
        &good,
        "{}",
        &unknown,
        &newer,
        &availability.to_string(),
    ];
    let failed = deliver(&shop, "project-orders", &sqs_event(&bodies, 1)).await;
    assert_eq!(failed, ["m0", "m2", "m3", "m4"]);
    assert_eq!(page(&shop, "").await[0]["id"], placed["id"]);
    let log = shop.log();
    assert!(
        log.contains("ord_2GZ8W1Q4D6TN0XKJ5R7VBM3CYE not found"),
        "{log}"
    );
}

//! Covers: capture-payment, send-email, import-rows, start-import and export-account with messages that are bad, late
//! or seen twice; relay-events with records that are bad; reconcile-stock and sweep-orders after records were
//! lost.

use serde_json::{Value, json};
use testkit::{Product, Shop, StockCounts, email_of, order_body, sqs_event};

/// URL of the queue whose name ends so.
fn queue(shop: &Shop, name: &str) -> String {
    let stack = shop.stack();
    let mut queues = stack.template.queues.iter();
    let queue = queues.find(|queue| queue.name.ends_with(name)).unwrap();
    format!("{}/000000000000/{}", stack.emulators.endpoint, queue.name)
}

/// Orders that have a due note.
async fn noted(shop: &Shop) -> Vec<String> {
    let scan = json!({
        "TableName": shop.stack().template.table["TableName"],
        "FilterExpression": "entity_type = :due",
        "ExpressionAttributeValues": { ":due": { "S": "due" } },
    });
    let notes = shop.table("Scan", &scan).await;
    let notes = notes["Items"].as_array().unwrap().iter();
    notes
        .map(|note| note["order_id"]["S"].as_str().unwrap().to_owned())
        .collect()
}

fn failed(answer: &Value) -> Vec<&str> {
    let failures = answer["batchItemFailures"].as_array().unwrap().iter();
    failures
        .map(|failure| failure["itemIdentifier"].as_str().unwrap())
        .collect()
}

fn event(id: &str, kind: &str, order: &Value) -> String {
    json!({
        "event_id": id,
        "occurred_at": "2026-11-22T10:00:00Z",
        "trace_id": "test",
        "type": kind,
        "order_id": order["id"],
        "version": 3,
        "what": "paid",
    })
    .to_string()
}

#[tokio::test]
async fn a_message_seen_twice_or_late_changes_nothing() {
    let shop = Shop::start().await;
    shop.stock_up(&[Product::single("tee", "TEE", "10.00", 5)])
        .await;
    let cart = shop.cart(&[("TEE", 2)]).await;
    let placed = shop
        .order("twice", &order_body(&cart, "tok_ok"))
        .await
        .expect(201);
    let order = shop.order_becomes(&placed, "paid").await;
    let email = email_of(&cart);
    shop.eventually("the mail is sent", async || {
        shop.mails_to(&email).await.into_iter().next()
    })
    .await;

    let id = placed["id"].as_str().unwrap();
    let placed_again = event(&format!("{id}.1"), "order_placed", &placed);
    let paid_again = event(&format!("{id}.3"), "order_changed", &placed);
    for _ in 0..2 {
        // Also with duplicates in one batch.
        let batch = sqs_event(&[&placed_again, &placed_again], 1);
        let answer = shop.invoke("capture-payment", &batch).await.unwrap();
        assert!(failed(&answer).is_empty(), "{answer}");
        let batch = sqs_event(&[&paid_again, &paid_again], 1);
        let answer = shop.invoke("send-email", &batch).await.unwrap();
        assert!(failed(&answer).is_empty(), "{answer}");
    }
    let path = format!("/v1/orders/{id}");
    let token = placed["access_token"].as_str().unwrap();
    let now = shop
        .send(shop.request("GET", &path).bearer_auth(token))
        .await
        .expect(200);
    assert_eq!(now, order);
    assert_eq!(shop.stock("TEE").await, StockCounts::unreserved(3));
    assert_eq!(shop.mails_to(&email).await.len(), 1);
}

#[tokio::test]
async fn an_export_seen_twice_or_late_is_counted_once() {
    let mut shop = Shop::start().await;
    let ada = shop.person("ada").await;
    shop.stop_triggers();
    let started = shop
        .send(
            shop.request("POST", "/v1/me/export")
                .bearer_auth(&ada.token),
        )
        .await
        .expect(202);
    let job = started["id"].as_str().unwrap().replace("exp_", "job_");
    let message = |mut event: Value| {
        event["event_id"] = json!(job);
        event["occurred_at"] = json!("2026-11-22T10:00:00Z");
        event["trace_id"] = json!("test");
        event["job_id"] = json!(job);
        event["kind"] = json!("account_export");
        event.to_string()
    };
    let begin = message(json!({ "type": "job_started", "run": 1 }));
    let step = |step: u32| message(json!({ "type": "job_step_due", "step": step }));
    let deliver = async |body: &str| {
        // One after the other, and at once.
        for batch in [sqs_event(&[body], 1), sqs_event(&[body, body], 1)] {
            let answer = shop.invoke("export-account", &batch).await.unwrap();
            assert!(failed(&answer).is_empty(), "{answer}\n{}", shop.log());
        }
    };
    // No order: the account, and the document.
    for body in [&begin, &step(1), &step(2)] {
        deliver(body).await;
    }
    let path = format!("/v1/admin/jobs/{job}");
    let done = shop.staff_get(&path).await.expect(200);
    assert_eq!(done["state"], "completed", "{done}");
    assert_eq!(done["progress"]["done"], 1, "{done}");
    let export = format!("/v1/me/exports/{}", started["id"].as_str().unwrap());
    let before = shop.get_as(&ada, &export).await.expect(200);
    // Late: after what it needs is gone.
    for body in [&step(2), &step(1), &begin] {
        deliver(body).await;
    }
    let after = shop.get_as(&ada, &export).await.expect(200);
    assert_eq!(after["available_until"], before["available_until"]);
    let url = after["download_url"].as_str().unwrap();
    let document = reqwest::get(url).await.unwrap();
    assert_eq!(document.status(), 200);
    // One mail, by the step that follows all others.
    let notice = step(0);
    let sent = sqs_event(&[&notice, &notice], 1);
    for _ in 0..2 {
        shop.invoke("send-email", &sent).await.unwrap();
    }
    let mails = shop.mails_to(&ada.email).await;
    assert_eq!(mails.len(), 1, "{mails:?}");
}

#[tokio::test]
async fn two_deliveries_at_once_charge_once() {
    let shop = Shop::start().await;
    shop.stock_up(&[Product::single("tee", "TEE", "10.00", 5)])
        .await;
    let cart = shop.cart(&[("TEE", 1)]).await;
    let placed = shop
        .order("at-once", &order_body(&cart, "tok_ok"))
        .await
        .expect(201);
    let message = event("x.1", "order_placed", &placed);
    let messages: Vec<&str> = std::iter::repeat_n(message.as_str(), 8).collect();
    let batch = sqs_event(&messages, 1);
    let (one, two) = tokio::join!(
        shop.invoke("capture-payment", &batch),
        shop.invoke("capture-payment", &batch)
    );
    // Concurrent deliveries fail, and have nothing to do when they are retried.
    assert!(one.is_ok() && two.is_ok());
    shop.order_becomes(&placed, "paid").await;
    assert!(failed(&shop.invoke("capture-payment", &batch).await.unwrap()).is_empty());
    assert_eq!(shop.stock("TEE").await, StockCounts::unreserved(4));
}

#[tokio::test]
async fn one_bad_message_fails_alone() {
    let shop = Shop::start().await;
    shop.stock_up(&[Product::single("tee", "TEE", "10.00", 5)])
        .await;
    let cart = shop.cart(&[("TEE", 1)]).await;
    let placed = shop
        .order("batch", &order_body(&cart, "tok_ok"))
        .await
        .expect(201);
    shop.order_becomes(&placed, "paid").await;
    let good = event("x.1", "order_placed", &placed);
    let unknown = event(
        "y.1",
        "order_placed",
        &json!({ "id": "ord_2GZ8W1Q4D6TN0XKJ5R7VBM3CYE" }),
    );
    let other_type = event("z.1", "order_changed", &placed);
    let bodies = [
        "not json",
        good.as_str(),
        "{}",
        unknown.as_str(),
        other_type.as_str(),
        "",
    ];
    let answer = shop
        .invoke("capture-payment", &sqs_event(&bodies, 1))
        .await
        .unwrap();
    assert_eq!(failed(&answer), ["m0", "m2", "m3", "m5"]);
    for consumer in [
        "send-email",
        "import-rows",
        "start-import",
        "refresh-availability",
        "project-orders",
    ] {
        let answer = shop
            .invoke(consumer, &sqs_event(&["not json"], 1))
            .await
            .unwrap();
        assert_eq!(failed(&answer), ["m0"], "{consumer}");
    }
    // A record without an id cannot be reported as failed: the whole batch must be retried.
    let mut nameless = sqs_event(&[good.as_str()], 1);
    nameless["Records"][0]
        .as_object_mut()
        .unwrap()
        .remove("messageId");
    assert!(shop.invoke("capture-payment", &nameless).await.is_err());
}

#[tokio::test]
async fn what_cannot_be_handled_ends_in_the_dead_letter_queue() {
    let shop = Shop::start().await;
    let sqs = &shop.stack().emulators.sqs;
    let event = |field: &str, value: Value| {
        let mut event = json!({
            "event_id": "TEE-1.1",
            "occurred_at": "2026-11-22T10:00:00Z",
            "trace_id": "test",
            "schema_version": 1,
            "type": "availability_changed",
            "sku": "TEE-1",
            "product_slug": "none",
        });
        event[field] = value;
        event.to_string()
    };
    let known = event("schema_version", 1.into());
    let mut bad = [
        "not json".to_owned(),
        event("schema_version", 2.into()),
        event("type", "availability_lost".into()),
    ];
    for body in bad.iter().chain([&known]) {
        sqs.send_message()
            .queue_url(queue(&shop, "RefreshAvailabilityQueue"))
            .message_body(body)
            .send()
            .await
            .unwrap();
    }
    let mut dead = Vec::new();
    shop.eventually("the messages are dead letters", async || {
        let received = sqs
            .receive_message()
            .queue_url(queue(&shop, "ProjectionDeadLetters"))
            .max_number_of_messages(10)
            .send()
            .await
            .unwrap();
        let bodies = received
            .messages()
            .iter()
            .filter_map(|message| message.body());
        dead.extend(bodies.map(str::to_owned));
        (dead.len() >= bad.len()).then_some(())
    })
    .await;
    dead.sort();
    bad.sort();
    assert_eq!(dead, bad);
    let log = shop.log();
    assert!(
        log.contains("availability_changed has the unknown version 2; this code reads version 1"),
        "{log}"
    );
}

/// The kind of fault: given up for lost. A record that this version cannot read does not hold up the others.
#[tokio::test]
async fn an_unreadable_record_is_set_aside_alone() {
    let shop = Shop::start().await;
    let sample = include_str!("../../events/relay-events/order-placed-and-variant-sold-out.json");
    let sample: Value = serde_json::from_str(sample).unwrap();
    let placed = |id: &str, sequence: &str| {
        let mut record = sample["Records"][0].clone();
        let change = &mut record["dynamodb"];
        let key = json!({ "S": format!("ORDER#{id}") });
        change["Keys"]["PK"] = key.clone();
        change["NewImage"]["PK"] = key;
        change["NewImage"]["id"] = json!({ "S": id });
        change["SequenceNumber"] = json!(sequence);
        record
    };
    let (first, last) = (
        "ord_2GZ8W1Q4D6TN0XKJ5R7VBM3CY0",
        "ord_2GZ8W1Q4D6TN0XKJ5R7VBM3CY1",
    );
    let mut unreadable = placed("ord_2GZ8W1Q4D6TN0XKJ5R7VBM3CY2", "200");
    unreadable["dynamodb"]["NewImage"]["schema_version"] = json!({ "N": "99" });
    unreadable["dynamodb"]["NewImage"]["lines"] = json!({ "S": "of a later version" });
    let event = json!({ "Records": [placed(first, "100"), unreadable, placed(last, "300")] });
    let answer = shop.invoke("relay-events", &event).await.unwrap();
    assert!(failed(&answer).is_empty(), "{answer}\n{}", shop.log());

    let mut notes = noted(&shop).await;
    notes.sort();
    assert_eq!(notes, [first, last]);
    let sqs = &shop.stack().emulators.sqs;
    let aside = sqs
        .receive_message()
        .queue_url(queue(&shop, "RelayFailuresQueue"))
        .max_number_of_messages(10)
        .send()
        .await
        .unwrap();
    let [message] = aside.messages() else {
        panic!("one message is set aside: {aside:?}");
    };
    let message: Value = serde_json::from_str(message.body().unwrap()).unwrap();
    let expected = json!({
        "reader": "relay-events",
        "sequence_number": "200",
        "entity_type": "order",
        "pk": "ORDER#ord_2GZ8W1Q4D6TN0XKJ5R7VBM3CY2",
        "sk": "ORDER",
    });
    assert_eq!(message, expected);
}

/// The kind of fault: given up for lost. An order whose stream record was lost has neither a message nor a due
/// note: the daily check finds it, and it releases its stock.
#[tokio::test]
async fn an_overdue_order_without_a_due_note_is_found() {
    let mut shop = Shop::start().await;
    shop.stock_up(&[Product::single("tee", "TEE", "10.00", 5)])
        .await;
    shop.stop_triggers();
    let mut orders = Vec::new();
    for key in ["lost", "waiting"] {
        let cart = shop.cart(&[("TEE", 1)]).await;
        let body = order_body(&cart, "tok_ok");
        orders.push(shop.order(key, &body).await.expect(201));
    }
    let overdue = json!({
        "TableName": shop.stack().template.table["TableName"],
        "Key": {
            "PK": { "S": format!("ORDER#{}", orders[0]["id"].as_str().unwrap()) },
            "SK": { "S": "ORDER" },
        },
        "UpdateExpression": "SET due_at = :due",
        "ExpressionAttributeValues": { ":due": { "S": "2020-01-01T00:00:00Z" } },
    });
    shop.table("UpdateItem", &overdue).await;
    assert_eq!(noted(&shop).await, [""; 0]);

    shop.invoke("reconcile-stock", &json!({})).await.unwrap();
    assert_eq!(noted(&shop).await, [orders[0]["id"].as_str().unwrap()]);
    let found = || shop.log().matches("the order had no due note").count();
    assert!(
        shop.log().contains(r#""OrdersOverdue":1"#),
        "{}",
        shop.log()
    );
    // It is announced once.
    shop.invoke("reconcile-stock", &json!({})).await.unwrap();
    assert_eq!(found(), 1);

    shop.sweep().await;
    shop.order_becomes(&orders[0], "expired").await;
    assert_eq!(shop.stock("TEE").await.reserved, 1, "of the other order");
}

//! Covers: capture-payment, send-email, import-rows and start-import with messages that are bad, late
//! or seen twice; relay-events with records seen twice.

use serde_json::{Value, json};
use testkit::{Product, Shop, StockCounts, email_of, order_body, sqs_event};

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
    let stack = shop.stack();
    let url = |name: &str| {
        let queue = stack
            .template
            .queues
            .iter()
            .find(|queue| queue.name.ends_with(name))
            .unwrap();
        format!("{}/000000000000/{}", stack.emulators.endpoint, queue.name)
    };
    let sqs = &stack.emulators.sqs;
    sqs.send_message()
        .queue_url(url("RefreshAvailabilityQueue"))
        .message_body("not json")
        .send()
        .await
        .unwrap();
    let dead = shop
        .eventually("the message is a dead letter", async || {
            let received = sqs
                .receive_message()
                .queue_url(url("RefreshAvailabilityDeadLetters"))
                .send()
                .await
                .unwrap();
            received.messages().first().cloned()
        })
        .await;
    assert_eq!(dead.body(), Some("not json"));
}

//! Covers: the ids of log lines, from place-order through relay-events to capture-payment, render-invoice
//! and send-email; sweep-orders.

use serde_json::{Value, json};
use testkit::{Product, Shop, order_body};

/// The trace that a caller is in.
const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

/// The lines that a function has logged, metrics excepted.
fn lines(shop: &Shop, function: &str) -> Vec<Value> {
    let prefix = format!("{function}: ");
    let log = shop.log();
    let lines = log.lines().filter_map(|line| line.strip_prefix(&prefix));
    let lines = lines.map(|line| serde_json::from_str::<Value>(line).unwrap());
    lines.filter(|line| line["level"].is_string()).collect()
}

fn logged(shop: &Shop, function: &str, message: &str) -> Option<Value> {
    let lines = lines(shop, function).into_iter();
    lines.rev().find(|line| line["message"] == message)
}

#[tokio::test]
async fn everything_that_an_order_sets_off_is_logged_with_the_id_of_its_request() {
    let debug = ("LogLevel".to_owned(), "debug".to_owned());
    let shop = Shop::start_with([debug].into()).await;
    shop.stock_up(&[Product::single("tee", "TEE", "10.00", 5)])
        .await;
    let cart = shop.cart(&[("TEE", 1)]).await;
    let caller = format!("00-{TRACE}-00f067aa0ba902b7-01");
    let place = shop
        .request("POST", "/v1/orders")
        .header("traceparent", &caller);
    let place = place
        .header("Idempotency-Key", &cart)
        .json(&order_body(&cart, "tok_ok"));
    let placed = shop.send(place).await.expect(201);
    let request = logged(&shop, "place-order", "request").unwrap();
    let id = request["request.id"].as_str().unwrap();
    assert!(!id.is_empty());

    let steps = [
        ("place-order", "order placed"),
        ("relay-events", "event relayed"),
        ("capture-payment", "order changed"),
        ("render-invoice", "invoice stored"),
        ("send-email", "mail sent"),
    ];
    for (function, message) in steps {
        let line = shop
            .eventually("the step is logged", async || {
                logged(&shop, function, message)
            })
            .await;
        assert_eq!(line["request.id"], id, "{function}: {line}");
        assert_eq!(line["trace.id"], TRACE, "{function}: {line}");
        // Also where the table is called, far from code that knows the id. The relay's calls are for many
        // requests at once.
        if function != "relay-events" {
            let units = |line: &Value| line["message"] == "units" && line["request.id"] == id;
            assert!(lines(&shop, function).iter().any(units), "{function}");
        }
        // Lines of a batch have the id of its invocation.
        for line in lines(&shop, function) {
            let id = line["request.id"].as_str();
            assert!(id.is_some_and(|id| !id.is_empty()), "{function}: {line}");
            assert_eq!(
                line["trace.id"].as_str().map(str::len),
                Some(32),
                "{function}: {line}"
            );
        }
    }
    // The item carries the request's own place in the trace, not the caller's.
    let key = json!({ "PK": { "S": format!("ORDER#{}", placed["id"].as_str().unwrap()) }, "SK": { "S": "ORDER" } });
    let read = json!({ "TableName": shop.stack().template.table["TableName"], "Key": key });
    let item = shop.table("GetItem", &read).await;
    let stored = item["Item"]["traceparent"]["S"].as_str().unwrap();
    assert!(
        stored.starts_with(&format!("00-{TRACE}-")) && stored != caller,
        "{stored}"
    );
}

#[tokio::test]
async fn a_later_change_of_an_order_is_in_the_trace_of_its_own_request() {
    let shop = Shop::start().await;
    shop.stock_up(&[Product::single("tee", "TEE", "10.00", 5)])
        .await;
    let paid = shop.buy(&[("TEE", 1)], "tok_ok", "paid").await;
    let first = shop
        .eventually("the mail is sent", async || {
            logged(&shop, "send-email", "mail sent")
        })
        .await;
    let path = format!(
        "/v1/admin/orders/{}/fulfilments",
        paid["id"].as_str().unwrap()
    );
    let ship = shop.request("POST", &path).bearer_auth(&shop.staff_token);
    let ship = ship.header("traceparent", format!("00-{TRACE}-00f067aa0ba902b7-01"));
    let ship = ship.header("Idempotency-Key", "ship").json(&json!({}));
    shop.send(ship).await.expect(201);
    let second = shop
        .eventually("another mail is sent", async || {
            let mail = logged(&shop, "send-email", "mail sent")?;
            (mail["mail.id"] != first["mail.id"]).then_some(mail)
        })
        .await;
    assert_eq!(second["trace.id"], TRACE, "{second}");
    // The order is still found by the id of the request that placed it.
    assert_eq!(second["request.id"], first["request.id"]);
    assert_ne!(first["trace.id"], TRACE);
}

#[tokio::test]
async fn failures_and_expiry_are_logged_with_the_id_of_the_request_that_placed_the_order() {
    let window = ("PaymentWindowSeconds".to_owned(), "1".to_owned());
    let shop = Shop::start_with([window].into()).await;
    shop.stock_up(&[Product::single("tee", "TEE", "10.00", 5)])
        .await;
    let cart = shop.cart(&[("TEE", 1)]).await;
    shop.order(&cart, &order_body(&cart, "tok_timeout"))
        .await
        .expect(201);
    let placed = logged(&shop, "place-order", "order placed").unwrap();
    let id = &placed["request.id"];
    assert!(id.is_string(), "{placed}");

    // The provider does not answer.
    for message in ["provider failed", "message failed"] {
        let line = shop
            .eventually("the failure is logged", async || {
                logged(&shop, "capture-payment", message)
            })
            .await;
        assert_eq!(line["request.id"], *id, "{line}");
        assert!(line["message.id"].is_string(), "{line}");
        assert!(line["message.attempt"].is_u64(), "{line}");
    }
    let expired = shop
        .eventually("its time is up", async || {
            shop.sweep().await;
            logged(&shop, "sweep-orders", "order expired")
        })
        .await;
    assert_eq!(expired["request.id"], *id, "{expired}");
    assert_eq!(expired["order.id"], placed["order.id"], "{expired}");
    // The sweep itself goes back to no request.
    let swept = logged(&shop, "sweep-orders", "swept").unwrap();
    assert!(swept["request.id"].is_string(), "{swept}");
    assert_ne!(swept["request.id"], *id);
}

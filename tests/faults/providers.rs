//! Webhook events: signed, duplicated, late, invalid, and about unknown orders.

use local::stripe::{CARD, CARD_ASKS, sign};
use serde_json::{Value, json};

use crate::world::{WEBHOOK_SECRET, World};

/// Delivers an event as the provider does, with a signature `skew` seconds from now.
pub(crate) async fn deliver(
    world: &World,
    secret: &str,
    skew: i64,
    event: &Value,
) -> testkit::Response {
    let body = event.to_string();
    let signature = sign(secret, runtime::now().as_second() + skew, body.as_bytes());
    let request = world
        .shop
        .request("POST", "/v1/payments/stripe/events")
        .header("Content-Type", "application/json")
        .header("Stripe-Signature", signature);
    world.shop.send(request.body(body)).await
}

/// An event about a payment, and about an order if one is given.
pub(crate) fn event(id: &str, kind: &str, payment: &str, order: Option<&str>) -> Value {
    json!({
        "id": id,
        "object": "event",
        "created": runtime::now().as_second(),
        "type": kind,
        "data": { "object": {
            "id": payment,
            "object": "payment_intent",
            "metadata": order.map_or(json!({}), |order| json!({ "order_id": order })),
        } },
    })
}

async fn kept(world: &World, id: &str) -> Option<String> {
    let items = world.items().await;
    let item = items.iter().find(|item| item["event_id"]["S"] == id)?;
    item["outcome"]["S"].as_str().map(str::to_owned)
}

/// The id of the order's payment, once it is recorded.
pub(crate) async fn payment_of(world: &World, placed: &Value) -> String {
    world
        .shop
        .eventually("the payment is begun", async || {
            let order = world.order(placed).await;
            order["payment_id"].as_str().map(str::to_owned)
        })
        .await
}

#[tokio::test]
async fn a_customer_confirms_and_the_event_brings_the_order_on() {
    let world = World::start(900).await;
    world.stock_up(&["tee"], 5).await;
    let placed = world.place("TEE", None).await;
    let payment = payment_of(&world, &placed).await;
    // The customer's client finds the secret to confirm with.
    let path = format!("/v1/orders/{}", placed["id"].as_str().unwrap());
    let token = placed["access_token"].as_str().unwrap();
    let order = world
        .shop
        .send(world.shop.request("GET", &path).bearer_auth(token))
        .await
        .expect(200);
    assert_eq!(order["payment"]["status"], "requires_action");
    // The shop has made the payment; the customer has not begun to confirm it.
    assert_eq!(order["due_at"], placed["due_at"]);
    assert!(
        order["payment"]["client_secret"]
            .as_str()
            .unwrap()
            .starts_with(&payment)
    );
    world.stripe.confirm(&payment, CARD).await.unwrap();
    world
        .ends(&placed, "it is paid", |order| order["status"] == "paid")
        .await;
    let order = world
        .shop
        .send(world.shop.request("GET", &path).bearer_auth(token))
        .await
        .expect(200);
    assert!(order["payment"].get("client_secret").is_none());
    world.must_hold().await;
}

#[tokio::test]
async fn a_bank_that_asks_first() {
    let world = World::start(900).await;
    world.stock_up(&["tee"], 5).await;
    let placed = world.place("TEE", Some(CARD_ASKS)).await;
    let payment = payment_of(&world, &placed).await;
    // Kind of fault: one caller keeps the shop sold out for free. The long reservation is for those who pay.
    let time = |order: &Value, name: &str| -> jiff::Timestamp {
        order[name].as_str().unwrap().parse().unwrap()
    };
    let (order, placed_at) = (world.order(&placed).await, time(&placed, "placed_at"));
    let held = |order: &Value| time(order, "due_at").duration_since(placed_at).as_secs();
    assert_eq!((held(&placed), held(&order)), (300, 900));
    world.stripe.authenticate(&payment, true).await.unwrap();
    world
        .ends(&placed, "it is paid", |order| order["status"] == "paid")
        .await;
}

#[tokio::test]
async fn money_that_comes_late_is_honoured_or_goes_back() {
    let world = World::start(2).await;
    world.stock_up(&["tee"], 2).await;
    let first = world.place("TEE", None).await;
    let second = world.place("TEE", None).await;
    let payments = [
        payment_of(&world, &first).await,
        payment_of(&world, &second).await,
    ];
    // The provider cannot be told in time that the orders are closed.
    world.faults.take_down(&["stripe"]);
    for order in [&first, &second] {
        world
            .shop
            .eventually("its time is up", async || {
                world.shop.sweep().await;
                (world.order(order).await["status"] == "expired").then_some(())
            })
            .await;
    }
    // Meanwhile another customer buys one of the units, and both customers confirm.
    world
        .shop
        .staff_call("PUT", "/v1/admin/stock/TEE", &json!({ "on_hand": 1 }))
        .await
        .expect(200);
    for payment in &payments {
        world.stripe.confirm(payment, CARD).await.unwrap();
    }
    world.faults.take_down(&[]);
    for (index, (order, payment)) in [&first, &second].into_iter().zip(&payments).enumerate() {
        let kind = "payment_intent.amount_capturable_updated";
        let told = event(
            &format!("evt_late{index}"),
            kind,
            payment,
            order["id"].as_str(),
        );
        deliver(&world, WEBHOOK_SECRET, 0, &told).await.expect(200);
    }
    for order in [&first, &second] {
        world
            .ends(order, "it has its end", |order| {
                ["paid", "expired", "payment_failed"].contains(&order["status"].as_str().unwrap())
            })
            .await;
    }
    let sold = world.sold("TEE").await;
    assert!(sold <= 1, "one unit was there, and {sold} were sold");
    world.must_hold().await;
}

#[tokio::test]
async fn events_are_believed_only_when_signed_and_taken_once() {
    let world = World::start(900).await;
    world.stock_up(&["tee"], 5).await;
    let placed = world.place("TEE", World::CARD).await;
    world
        .ends(&placed, "it is paid", |order| order["status"] == "paid")
        .await;
    let before = world.order(&placed).await;
    let payment = payment_of(&world, &placed).await;
    let id = placed["id"].as_str().unwrap();
    let good = event("evt_once", "payment_intent.canceled", &payment, Some(id));
    // Signed with a wrong secret, ten minutes ago, or in the future.
    for (secret, skew) in [
        ("whsec_other", 0),
        (WEBHOOK_SECRET, -600),
        (WEBHOOK_SECRET, 600),
    ] {
        deliver(&world, secret, skew, &good)
            .await
            .expect_problem(400, "invalid_signature");
    }
    let unsigned = world
        .shop
        .request("POST", "/v1/payments/stripe/events")
        .json(&good);
    world
        .shop
        .send(unsigned)
        .await
        .expect_problem(400, "invalid_signature");
    world
        .shop
        .send(
            world
                .shop
                .request("POST", "/v1/payments/test/events")
                .json(&good),
        )
        .await
        .expect_problem(404, "not_found");
    world
        .shop
        .send(
            world
                .shop
                .request("POST", "/v1/payments/other/events")
                .json(&good),
        )
        .await
        .expect_problem(404, "not_found");
    assert_eq!(
        kept(&world, "evt_once").await,
        None,
        "nothing is kept of it"
    );
    // Clocks may differ by minutes, and a redelivery gets the same response.
    for skew in [0, -120, 120, 0] {
        deliver(&world, WEBHOOK_SECRET, skew, &good)
            .await
            .expect(200);
    }
    let outcome = world
        .shop
        .eventually("the event is handled", async || {
            kept(&world, "evt_once").await
        })
        .await;
    assert_eq!(
        outcome, "done",
        "the provider says that it is captured, whatever the event says"
    );
    let items = world.items().await;
    assert_eq!(
        items
            .iter()
            .filter(|item| item["event_id"]["S"] == "evt_once")
            .count(),
        1
    );
    // Orders of other shops, missing payments, payments of other orders, other event types.
    let other = world.place("TEE", World::CARD).await;
    world
        .ends(&other, "it is paid", |order| order["status"] == "paid")
        .await;
    let strangers = [
        (
            "evt_none",
            "payment_intent.succeeded",
            "pi_none",
            Some("ord_2GZ8W1Q4D6TN0XKJ5R7VBM3CYE"),
            "refused",
        ),
        ("evt_kind", "customer.created", &payment, None, "done"),
    ];
    for (name, kind, payment, order, expected) in strangers {
        deliver(
            &world,
            WEBHOOK_SECRET,
            0,
            &event(name, kind, payment, order),
        )
        .await
        .expect(200);
        let outcome = world
            .shop
            .eventually("the event is handled", async || kept(&world, name).await)
            .await;
        assert_eq!(outcome, expected, "{name}");
    }
    for bad in ["not json", "[]", "{}"] {
        let signature = sign(WEBHOOK_SECRET, runtime::now().as_second(), bad.as_bytes());
        let request = world.shop.request("POST", "/v1/payments/stripe/events");
        let request = request.header("Stripe-Signature", signature).body(bad);
        world
            .shop
            .send(request)
            .await
            .expect_problem(400, "bad_request");
    }
    assert_eq!(world.order(&placed).await, before);
    world.must_hold().await;
}

//! Storms: many buyers of few units, duplicate and reordered messages, random faults; and a check that
//! the invariants would detect an oversale.

use futures_util::future::join_all;
use serde_json::json;
use testkit::{AwsCall, Fault};

use crate::{Random, seeds, world::World};

/// Has `buyers` order a SKU concurrently; returns the number of orders placed.
async fn storm(world: &World, sku: &str, buyers: usize) -> usize {
    let mut carts = Vec::new();
    for _ in 0..buyers {
        carts.push(world.shop.cart(&[(sku, 1)]).await);
    }
    let buyers = carts.iter().map(async |cart| {
        let body = world.body(cart, World::CARD).await;
        let answer = world
            .insist(async || Some(world.shop.order(cart, &body).await))
            .await;
        match answer.status {
            201 => Some(answer.json()),
            _ => {
                answer.expect_problem(409, "out_of_stock");
                None
            }
        }
    });
    let placed: Vec<_> = join_all(buyers).await.into_iter().flatten().collect();
    for order in &placed {
        world
            .ends(order, "every order has its end", |order| {
                order["status"] != "pending_payment"
            })
            .await;
    }
    placed.len()
}

#[tokio::test]
async fn many_buyers_on_few_units_with_faults() {
    let world = World::start(900).await;
    let functions = ["place-order", "capture-payment", "relay-events"];
    for seed in 0..seeds().unwrap_or(2) {
        let mut random = Random(seed);
        let name = format!("drop{seed}");
        world.faults.reset();
        world.stock_up(&[&name], 6).await;
        let sku = name.to_uppercase();
        if seed % 2 == 1 {
            let path = format!("/v1/admin/stock/{sku}/shards");
            let split = world
                .shop
                .staff_call("PUT", &path, &json!({ "shards": 3 }))
                .await;
            split.expect(200);
        }
        let function = functions[random.below(3) as usize];
        let number = random.below(30) as usize;
        // Not a fault that takes a minute: a storm makes many calls.
        let fault = Fault::ALL[random.below(5) as usize];
        println!("seed {seed}: {fault:?} at call {number} of {function}");
        world.faults.plan(function, number, fault);
        let placed = storm(&world, &sku, 15).await;
        world.must_hold().await;
        assert_eq!(placed, 6, "seed {seed}: to the last unit, and no further");
        assert_eq!(world.sold(&sku).await, 6);
    }
}

#[tokio::test]
async fn messages_twice_late_and_in_any_order() {
    let world = World::start(900).await;
    world.stock_up(&["tee"], 5).await;
    let placed = world.place("TEE", World::CARD).await;
    world
        .ends(&placed, "it is paid", |order| order["status"] == "paid")
        .await;
    world
        .staff(&placed, "refunds", &json!({ "amount": 100 }))
        .await
        .expect(202);
    world.staff(&placed, "cancel", &json!({})).await.expect(200);
    world
        .ends(&placed, "its money went back", |order| {
            order["payment"]["status"] == "refunded"
        })
        .await;
    let before = world.order(&placed).await;
    let id = placed["id"].as_str().unwrap();
    let envelope = |version: u64, event: serde_json::Value| {
        let mut body = json!({
            "event_id": format!("{id}.{version}"),
            "occurred_at": "2026-11-22T10:00:00Z",
            "trace_id": "again",
            "order_id": id,
        });
        body.as_object_mut()
            .unwrap()
            .extend(event.as_object().unwrap().clone());
        body.to_string()
    };
    let mut messages = vec![envelope(1, json!({ "type": "order_placed" }))];
    for (index, entry) in before["history"]
        .as_array()
        .unwrap()
        .iter()
        .enumerate()
        .skip(1)
    {
        let version = index as u64 + 1;
        let what = json!({ "type": "order_changed", "version": version, "what": entry["what"] });
        messages.push(envelope(version, what));
    }
    let mut random = Random(7);
    for _ in 0..3 {
        for index in (1..messages.len()).rev() {
            messages.swap(index, random.below(index as u64 + 1) as usize);
        }
        let bodies: Vec<&str> = messages.iter().map(String::as_str).collect();
        let event = testkit::sqs_event(&bodies, 2);
        for consumer in ["refund-payment", "capture-payment", "send-email"] {
            world.shop.invoke(consumer, &event).await.unwrap();
        }
        world.shop.sweep().await;
    }
    assert_eq!(world.order(&placed).await, before, "nothing has changed");
    world.must_hold().await;
}

/// Kind of fault: retries. The stock is split after the response, for which the buyer does not wait, and once
/// however many orders of a burst collide.
#[tokio::test]
async fn stock_that_many_orders_meet_at_is_split() {
    let world = World::start(900).await;
    world.stock_up(&["drop"], 100).await;
    let transaction = AwsCall {
        function: "place-order".to_owned(),
        number: 0,
        service: "dynamodb".to_owned(),
        operation: "TransactWriteItems".to_owned(),
        of_operation: 0,
    };
    let shards = async || {
        let stock = world.shop.staff_get("/v1/admin/stock/DROP").await;
        stock.expect(200)["shards"].clone()
    };
    let collided = async || {
        // The same order conflicts with others twice before it succeeds.
        world
            .faults
            .plan_operation_times(&transaction, Fault::Conflict, 2);
        let placed = world.place("DROP", World::CARD).await;
        world.faults.hit().expect("the transaction was met");
        placed
    };
    let mut orders = vec![collided().await];
    world
        .shop
        .eventually("the stock is split", async || {
            (shards().await == 2).then_some(())
        })
        .await;
    for _ in 0..3 {
        orders.push(collided().await);
    }
    // Only looked at: a split would be a transaction.
    world
        .shop
        .eventually("the others have looked", async || {
            let calls = world.faults.calls();
            let looks = calls
                .iter()
                .filter(|call| call.function == "place-order")
                .filter(|call| call.operation == "BatchGetItem");
            (looks.count() >= 2).then_some(())
        })
        .await;
    assert_eq!(shards().await, 2);
    for placed in &orders {
        world
            .ends(placed, "it is paid", |order| order["status"] == "paid")
            .await;
    }
    world.must_hold().await;
}

#[tokio::test]
async fn the_same_request_at_the_same_moment_is_told_to_wait() {
    let world = World::start(900).await;
    world.stock_up(&["tee"], 5).await;
    let cart = world.shop.cart(&[("TEE", 1)]).await;
    let body = world.body(&cart, World::CARD).await;
    // By its operation: a check of the settings may come before it.
    let transaction = AwsCall {
        function: "place-order".to_owned(),
        number: 0,
        service: "dynamodb".to_owned(),
        operation: "TransactWriteItems".to_owned(),
        of_operation: 0,
    };
    world
        .faults
        .plan_operation(&transaction, Fault::SameRequest);
    let told = world.shop.order("same", &body).await;
    told.expect_problem(409, "request_in_progress");
    let wait: u64 = told.headers["retry-after"].parse().unwrap();
    assert!((1..=3).contains(&wait), "{wait}");
    let placed = world.shop.order("same", &body).await.expect(201);
    world
        .ends(&placed, "it is paid", |order| order["status"] == "paid")
        .await;
    // The stored response of a staff request is protected likewise.
    let path = format!(
        "/v1/admin/orders/{}/refunds",
        placed["id"].as_str().unwrap()
    );
    let ask = async || {
        let request = world
            .shop
            .request("POST", &path)
            .bearer_auth(&world.shop.staff_token);
        let request = request
            .header("Idempotency-Key", "r")
            .json(&json!({ "amount": 5 }));
        world.shop.send(request).await
    };
    world.faults.plan("refund-order", 2, Fault::SameRequest);
    ask().await.expect_problem(409, "request_in_progress");
    ask().await.expect(202);
    world
        .ends(&placed, "it went back", |order| {
            order["status"] == "partially_refunded"
        })
        .await;
}

#[tokio::test]
async fn a_payment_that_starts_after_the_reservation_takes_nothing() {
    let world = World::start(3).await;
    world.stock_up(&["tee"], 5).await;
    // The provider has authorized the payment, but its response is lost until the order is closed.
    world
        .faults
        .plan_times("capture-payment", 2, Fault::DropReply, 2);
    let placed = world.place("TEE", World::CARD).await;
    world
        .expires(&placed, "it has its end", |order| {
            order["status"] != "pending_payment"
        })
        .await;
    let second = world.place("TEE", World::CARD).await;
    world.faults.reset();
    world
        .expires(&second, "it has its end", |order| {
            order["status"] != "pending_payment"
        })
        .await;
    for order in [&placed, &second] {
        let id = order["id"].as_str().unwrap();
        let late = json!({
            "event_id": format!("{id}.1"),
            "occurred_at": "2026-11-22T10:00:00Z",
            "trace_id": "late",
            "type": "order_placed",
            "order_id": id,
        });
        for attempt in 1..4 {
            let event = testkit::sqs_event(&[&late.to_string()], attempt);
            world.shop.invoke("capture-payment", &event).await.unwrap();
        }
    }
    world.must_hold().await;
}

/// Has eight buyers order three units, with a text of the calls replaced; returns the shop and the
/// number of orders.
async fn unguarded(text: &str, by: &str) -> (World, usize) {
    let world = World::start(900).await;
    world.stock_up(&["drop"], 3).await;
    let (mut carts, mut bodies) = (Vec::new(), Vec::new());
    for _ in 0..8 {
        let cart = world.shop.cart(&[("DROP", 1)]).await;
        bodies.push(world.body(&cart, World::CARD).await);
        carts.push(cart);
    }
    world.faults.mutate(text, by);
    // Many have read the stock before anybody writes: without the condition, all of them may buy.
    let buyers = carts.iter().zip(&bodies).map(async |(cart, body)| {
        for _ in 0..3 {
            let answer = world.shop.order(cart, body).await;
            if answer.status < 500 {
                return usize::from(answer.status == 201);
            }
        }
        0
    });
    let placed: usize = join_all(buyers).await.into_iter().sum();
    println!("without {text:?}: {placed} orders for 3 units");
    (world, placed)
}

/// A check must be able to fail: with the stock condition removed from the calls, the invariants are
/// violated and detected.
#[tokio::test]
async fn without_the_condition_on_stock_the_invariants_fail() {
    let (world, placed) = unguarded("no such text", "").await;
    assert_eq!(placed, 3);
    world
        .shop
        .eventually("all is well", async || world.check().await.ok())
        .await;
    let (world, placed) = unguarded("(available >= :quantity OR backorder = :yes) AND ", "").await;
    assert!(placed > 3, "reads alone kept {placed} buyers apart");
    let broken = world
        .shop
        .eventually("the invariants notice", async || world.check().await.err())
        .await;
    println!("{broken}");
    assert!(broken.contains("sold what is not there"), "{broken}");
}

/// Kind of fault: a conflict that only transactions were thought to meet. A hot SKU can still be
/// counted, repriced and withdrawn while orders hold it in transactions.
#[tokio::test]
async fn staff_can_change_stock_that_transactions_hold() {
    let world = World::start(900).await;
    world.stock_up(&["hot"], 5).await;
    let write = |function: &str, operation: &str| AwsCall {
        function: function.to_owned(),
        number: 0,
        service: "dynamodb".to_owned(),
        operation: operation.to_owned(),
        of_operation: 0,
    };
    let met = |world: &World, function: &str, operation: &str| {
        let hit = world.faults.hit().expect("the write met a conflict");
        assert_eq!(
            (hit.function.as_str(), hit.operation.as_str()),
            (function, operation)
        );
    };

    world.faults.plan_operation_times(
        &write("set-stock", "TransactWriteItems"),
        Fault::Conflict,
        4,
    );
    let counted = world
        .shop
        .staff_call("PUT", "/v1/admin/stock/HOT", &json!({ "on_hand": 9 }))
        .await
        .expect(200);
    assert_eq!(counted["on_hand"], 9);
    met(&world, "set-stock", "TransactWriteItems");

    // The same product at another price, then without this variant: two kinds of update.
    for (sku, price) in [("HOT", "12.00"), ("COLD", "12.00")] {
        world
            .faults
            .plan_operation_times(&write("import-rows", "UpdateItem"), Fault::Conflict, 4);
        let file = format!(
            "Handle,Title,Variant SKU,Variant Price,Variant Inventory Qty\nhot,hot,{sku},{price},9\n"
        );
        let import = world.shop.import(file).await;
        assert_eq!(import["rows_failed"], 0, "{import}");
        met(&world, "import-rows", "UpdateItem");
    }
    world.must_hold().await;
}

//! Outages: a context that is down does not affect the others, and catches up afterwards.

use serde_json::json;
use testkit::{AwsCall, Fault};

use crate::world::World;

#[tokio::test]
async fn without_e_mail_people_still_buy() {
    let world = World::start(900).await;
    world.stock_up(&["tee"], 5).await;
    world.faults.take_down(&["ses"]);
    let placed = world.place("TEE", World::CARD).await;
    world
        .ends(&placed, "it is paid", |order| order["status"] == "paid")
        .await;
    let email = placed["email"].as_str().unwrap();
    assert!(world.shop.mails_to(email).await.is_empty());
    world.faults.take_down(&[]);
    world
        .shop
        .eventually("the mail is sent after all", async || {
            world.shop.mails_to(email).await.into_iter().next()
        })
        .await;
    assert_eq!(world.shop.mails_to(email).await.len(), 1);
}

#[tokio::test]
async fn without_the_provider_people_still_order_and_pay_when_it_is_back() {
    let world = World::start(900).await;
    world.stock_up(&["tee"], 20).await;
    // A first order, so that the keys are cached.
    let first = world.place("TEE", World::CARD).await;
    world
        .ends(&first, "it is paid", |order| order["status"] == "paid")
        .await;
    let cart = world.shop.cart(&[("TEE", 1)]).await;
    let body = world.body(&cart, World::CARD).await;
    world.faults.take_down(&["stripe"]);
    let mut placed = Vec::new();
    placed.push(world.shop.order(&cart, &body).await.expect(201));
    for _ in 0..7 {
        let cart = world.shop.cart(&[("TEE", 1)]).await;
        let mut own = body.clone();
        own["cart_id"] = json!(cart);
        placed.push(world.shop.order(&cart, &own).await.expect(201));
    }
    // After a few failures the circuit breaker opens, and the orders wait in their queue.
    world
        .shop
        .eventually("the breaker is open", async || {
            world
                .shop
                .log()
                .contains(r#""ProviderLeftAlone":1"#)
                .then_some(())
        })
        .await;
    assert_eq!(world.shop.stock("TEE").await.reserved, 8, "still reserved");
    world.faults.take_down(&[]);
    // Skips the breaker's cooldown of half a minute.
    let table = world.shop.stack().template.table["TableName"].clone();
    let past = json!({
        "TableName": table,
        "Key": { "PK": { "S": "BREAKER#stripe" }, "SK": { "S": "BREAKER" } },
        "UpdateExpression": "SET open_until = :past",
        "ExpressionAttributeValues": { ":past": { "N": "1" } },
    });
    world.shop.table("UpdateItem", &past).await;
    for order in &placed {
        world
            .ends(order, "it has its end", |order| {
                order["status"] != "pending_payment"
            })
            .await;
    }
    let mut paid = 0;
    for order in &placed {
        paid += usize::from(world.order(order).await["status"] == "paid");
    }
    println!(
        "{paid} of {} orders were paid after the outage",
        placed.len()
    );
    assert!(paid >= 4, "those that had not run out of attempts are paid");
    world.must_hold().await;
}

/// The kind of fault: given up for lost. The relay dies more often than it was once allowed to, and then goes
/// on where it was.
#[tokio::test]
async fn what_the_relay_fails_to_relay_is_retried_until_it_succeeds() {
    let world = World::start(900).await;
    world.stock_up(&["tee"], 5).await;
    world.faults.plan_operation_times(
        &AwsCall {
            function: "relay-events".to_owned(),
            number: 0,
            service: "dynamodb".to_owned(),
            operation: "BatchWriteItem".to_owned(),
            of_operation: 0,
        },
        Fault::KillBefore,
        12,
    );
    let placed = world.place("TEE", World::CARD).await;
    world
        .ends(&placed, "it is paid", |order| order["status"] == "paid")
        .await;
    world.faults.hit().expect("the relay died");
    world.must_hold().await;
}

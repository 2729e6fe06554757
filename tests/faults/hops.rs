//! Limits of requeuing: Lambda stops a message that a function keeps sending to its own queue after
//! about 16 deliveries; the shop's requeues stop before that.

use domain::event::MAX_REQUEUES;
use serde_json::{Value, json};

use crate::{
    providers::{deliver, event},
    world::{WEBHOOK_SECRET, World},
};

/// Deliveries after which Lambda's recursive loop detection stops a message.
const STOPPED_BY_LAMBDA: u32 = 16;
/// Maximum delay of a message in SQS, in seconds.
const MAX_DELAY: u64 = 900;

/// Keeps the provider's circuit breaker open from now on.
async fn leave_alone(world: &World) {
    let item = json!({
        "PK": { "S": "BREAKER#stripe" },
        "SK": { "S": "BREAKER" },
        "failures": { "N": "5" },
        "open_until": { "N": "4102444800000" },
    });
    let table = world.shop.stack().template.table["TableName"].clone();
    let put = json!({ "TableName": table, "Item": item });
    world.shop.table("PutItem", &put).await;
}

/// Delivers a message and all requeued copies of it; returns the number of deliveries until one failed.
async fn follow(world: &World, consumer: &str, first: &Value) -> u32 {
    let mut message = first.clone();
    let mut before = 0;
    for hops in 1..=2 * STOPPED_BY_LAMBDA {
        let delivery = testkit::sqs_event(&[&message.to_string()], 1);
        let answer = world.shop.invoke(consumer, &delivery).await.unwrap();
        let failed = !answer["batchItemFailures"].as_array().unwrap().is_empty();
        let next = world.faults.sent().into_iter().find(|sent| {
            sent.function == consumer
                && sent.body["event_id"] == message["event_id"]
                && sent.body["requeues"] == hops
        });
        match (failed, next) {
            (false, Some(sent)) => {
                let own_queue = world.shop.stack().template.functions.iter();
                let own_queue = own_queue
                    .filter(|function| function.binary == consumer)
                    .flat_map(|function| function.environment.values())
                    .any(|value| *value == sent.queue_url);
                assert!(own_queue, "{consumer} sends to {}", sent.queue_url);
                assert!(
                    (before..=MAX_DELAY).contains(&sent.delay_seconds),
                    "{consumer}: {} s after {before} s",
                    sent.delay_seconds
                );
                before = sent.delay_seconds;
                message = sent.body;
            }
            (true, None) => return hops,
            (failed, next) => panic!("{consumer}, hop {hops}: failed {failed}, and sent {next:?}"),
        }
    }
    panic!("{consumer} requeues for ever");
}

#[tokio::test]
async fn a_message_that_waits_for_its_provider_ends_before_lambda_stops_it() {
    let world = World::start(900).await;
    world.stock_up(&["tee"], 5).await;
    let paid = world.place("TEE", World::CARD).await;
    world
        .ends(&paid, "it is paid", |order| order["status"] == "paid")
        .await;
    let payment = world.order(&paid).await["payment_id"].clone();
    leave_alone(&world).await;
    world.faults.reset();

    // One message for each consumer that requeues: a payment, a refund, and a webhook event.
    let placed = world.place("TEE", World::CARD).await;
    world
        .staff(&paid, "refunds", &json!({ "amount": 100 }))
        .await
        .expect(202);
    let kind = "payment_intent.succeeded";
    let told = event("evt_hops", kind, payment.as_str().unwrap(), None);
    deliver(&world, WEBHOOK_SECRET, 0, &told).await.expect(200);

    for consumer in ["capture-payment", "refund-payment", "handle-payment-event"] {
        // As sent by the relay; its first delivery has been requeued by then, which makes no
        // difference.
        let first = world
            .shop
            .eventually("the relay has sent it", async || {
                let sent = world.faults.sent().into_iter();
                let mut sent = sent.filter(|sent| sent.function == "relay-events");
                sent.find(|sent| {
                    let function = consumer.replace('-', "");
                    let queue = sent.queue_url.to_lowercase();
                    queue.ends_with(&format!("{function}queue"))
                })
            })
            .await;
        let hops = follow(&world, consumer, &first.body).await;
        println!("{consumer}: {hops} deliveries");
        assert_eq!(hops, 1 + MAX_REQUEUES, "{consumer}");
        assert!(hops < STOPPED_BY_LAMBDA, "{consumer}");
    }
    // An order that waits in vain for its payment is expired by the sweep like any other.
    let order = world.order(&placed).await;
    assert_eq!(order["status"], "pending_payment");
    assert_eq!(world.shop.stock("TEE").await.reserved, 1, "still reserved");
}

//! Money and messages that come late: nothing is paid twice, and what the customer was told stays true.

use local::stripe::CARD;
use serde_json::{Value, json};
use testkit::{AwsCall, Fault};

use crate::{
    providers::{deliver, event, payment_of},
    world::{WEBHOOK_SECRET, World},
};

/// Runs the sweep until the order has expired.
async fn expire(world: &World, placed: &Value) {
    world.shop.until_due(placed).await;
    world
        .shop
        .eventually("its time is up", async || {
            world.shop.sweep().await;
            (world.order(placed).await["status"] == "expired").then_some(())
        })
        .await;
}

/// Subjects of the emails that the order's customer has received.
async fn subjects(world: &World, placed: &Value) -> Vec<String> {
    let address = placed["email"].as_str().unwrap();
    let mails = world.shop.mails_to(address).await;
    let subjects = mails.iter().map(|mail| mail["subject"].as_str().unwrap());
    subjects.map(str::to_owned).collect()
}

/// Tells the shop that the payment of an order is authorized.
async fn tell(world: &World, payment: &str, placed: &Value) {
    let kind = "payment_intent.amount_capturable_updated";
    let told = event("evt_late", kind, payment, placed["id"].as_str());
    deliver(world, WEBHOOK_SECRET, 0, &told).await.expect(200);
}

/// The kind of fault: a message outlives what makes it harmless to repeat. A process has paid a refund and died
/// before it recorded that; its message is redriven when the provider has forgotten the key.
#[tokio::test]
async fn a_refund_is_paid_once_however_late_its_message_is() {
    let world = World::start(900).await;
    world.stock_up(&["tee"], 5).await;
    let placed = world.place("TEE", World::CARD).await;
    world
        .ends(&placed, "it is paid", |order| order["status"] == "paid")
        .await;
    let amount = json!({ "amount": 400 });
    world.staff(&placed, "refunds", &amount).await.expect(202);
    let refunded = |order: &Value| order["status"] == "partially_refunded";
    world.ends(&placed, "some of it went back", refunded).await;

    let id = placed["id"].as_str().unwrap();
    let then = runtime::now() - std::time::Duration::from_secs(17 * 24 * 3600);
    let forget = json!({
        "TableName": world.shop.stack().template.table["TableName"],
        "Key": { "PK": { "S": format!("ORDER#{id}") }, "SK": { "S": "ORDER" } },
        "UpdateExpression": "SET refunds[0].#status = :requested, refunds[0].#at = :then, payment.#status = :captured",
        "ExpressionAttributeNames": { "#status": "status", "#at": "at" },
        "ExpressionAttributeValues": {
            ":requested": { "S": "requested" },
            ":then": { "S": then.to_string() },
            ":captured": { "S": "captured" },
        },
    });
    world.shop.table("UpdateItem", &forget).await;
    world.stripe.forget_keys();
    assert_eq!(world.order(&placed).await["status"], "paid");

    let message = json!({
        "event_id": format!("{id}.4"),
        "occurred_at": then.to_string(),
        "trace_id": "redriven",
        "type": "order_changed",
        "order_id": id,
        "version": 4,
        "what": "refund_requested",
    });
    let event = testkit::sqs_event(&[&message.to_string()], 1);
    let answer = world.shop.invoke("refund-payment", &event).await.unwrap();
    assert_eq!(answer["batchItemFailures"], json!([]), "{answer}");
    world.ends(&placed, "it is recorded", refunded).await;
    let intents = world.stripe.intents().await.unwrap();
    assert_eq!(intents[0].refunded, 400, "once");
}

/// The kind of fault: money that contradicts what the customer was told. The process dies between the record and
/// the mail; the next delivery sends it, and the money that comes then is not kept.
#[tokio::test]
async fn who_is_told_that_nothing_was_charged_is_not_charged() {
    let world = World::start(2).await;
    world.stock_up(&["tee"], 5).await;
    let placed = world.place("TEE", None).await;
    let payment = payment_of(&world, &placed).await;
    // The provider does not learn in time that the order is over.
    world.faults.plan_operation(
        &AwsCall {
            function: "send-email".to_owned(),
            number: 0,
            service: "ses".to_owned(),
            operation: "POST /v2/email/outbound-emails".to_owned(),
            of_operation: 0,
        },
        Fault::KillBefore,
    );
    world.faults.take_down(&["stripe"]);
    expire(&world, &placed).await;
    world
        .shop
        .eventually("the customer is told", async || {
            (!subjects(&world, &placed).await.is_empty()).then_some(())
        })
        .await;
    assert!(world.faults.hit().is_some(), "the first delivery died");
    let order = world.order(&placed).await;
    let history = order["history"].as_array().unwrap();
    let notices = history.iter().filter(|it| it["what"] == "unpaid_notice");
    assert_eq!(notices.count(), 1, "recorded once: {order}");

    world.stripe.confirm(&payment, CARD).await.unwrap();
    world.faults.take_down(&[]);
    tell(&world, &payment, &placed).await;
    world
        .shop
        .eventually("the money is released", async || {
            let intents = world.stripe.intents().await.unwrap();
            (intents[0].status == "canceled").then_some(())
        })
        .await;
    world
        .ends(&placed, "it stays expired", |order| {
            order["status"] == "expired"
        })
        .await;
    assert_eq!(subjects(&world, &placed).await.len(), 1);
    assert_eq!(world.sold("TEE").await, 0);
    world.must_hold().await;
}

/// The kind of fault: money that contradicts what the customer was told. A payment arrives while the mail is being
/// written: it is kept, and the mail is not sent.
#[tokio::test]
async fn a_payment_before_the_record_is_kept_and_not_denied() {
    let world = World::start(2).await;
    world.stock_up(&["tee"], 5).await;
    let placed = world.place("TEE", None).await;
    let payment = payment_of(&world, &placed).await;
    world.faults.reset();
    // The first write claims the event, the second one is the record.
    let mut record = world.faults.hold("send-email", "PutItem", 1);
    let part = if payment.len() > 20 { "…" } else { &payment };
    let cancel = format!("POST /v1/payment_intents/{part}/cancel");
    let void = world.faults.hold("refund-payment", &cancel, 0);
    expire(&world, &placed).await;
    record.reached().await;
    world.stripe.confirm(&payment, CARD).await.unwrap();
    tell(&world, &payment, &placed).await;
    world
        .shop
        .eventually("it is paid", async || {
            (world.order(&placed).await["status"] == "paid").then_some(())
        })
        .await;
    record.release();
    void.release();
    let id = placed["id"].as_str().unwrap();
    world
        .shop
        .eventually("the mail is given up", async || {
            let items = world.items().await;
            let noted = items.iter().find(|item| {
                let key = item["PK"]["S"].as_str().unwrap();
                key.starts_with(&format!("INBOX#send-email#{id}"))
                    && item["effect"]["S"] == "overtaken"
            });
            noted.map(|_| ())
        })
        .await;
    world
        .ends(&placed, "it stays paid", |order| order["status"] == "paid")
        .await;
    let subjects = subjects(&world, &placed).await;
    assert!(
        subjects
            .iter()
            .all(|subject| subject.contains("is confirmed")),
        "{subjects:?}"
    );
}

//! The fault matrix of the lists of orders: every fault, at every call of a projection. Its message comes again, and then the
//! lists show the order as it is, and nowhere else.
//!
//! Covers: project-orders, list-orders, list-customers.

use serde_json::{Value, json};
use testkit::{Faults, Product, Shop, email_of, order_body, sqs_event};

use crate::{injected, intercepted::Intercepted};

struct World {
    shop: Shop,
    faults: Faults,
}

impl World {
    async fn start() -> Self {
        let Intercepted { mut shop, faults } = Intercepted::start().await;
        shop.stock_up(&[Product::single("tee", "TEE", "10.00", 5_000)])
            .await;
        shop.stop_triggers();
        Self { shop, faults }
    }

    async fn place(&self) -> Value {
        let cart = self.shop.cart(&[("TEE", 1)]).await;
        let placed = self.shop.order(&cart, &order_body(&cart, "tok_ok")).await;
        let mut placed = placed.expect(201);
        placed["email"] = json!(email_of(&cart));
        placed
    }

    /// Delivers the message about an order to a consumer until it is handled, as SQS does. Returns how often.
    async fn deliver(&self, function: &str, order: &Value) -> u32 {
        let id = order["id"].as_str().unwrap();
        let message = json!({
            "event_id": format!("{id}.1"), "occurred_at": runtime::now(), "trace_id": "test",
            "type": "order_placed", "order_id": id,
        });
        for attempt in 1..10 {
            let batch = sqs_event(&[&message.to_string()], attempt);
            if let Ok(answer) = self.shop.invoke(function, &batch).await
                && answer["batchItemFailures"] == json!([])
            {
                return attempt;
            }
        }
        panic!("never handled\n{}", self.shop.log());
    }

    async fn find(&self, query: &str) -> Vec<Value> {
        let path = format!("/v1/admin/orders?limit=100&{query}");
        let page = self.shop.staff_get(&path).await.expect(200);
        page["items"].as_array().unwrap().clone()
    }

    /// Asserts that every list shows the order with this status, and that of no other status does.
    async fn must_show(&self, order: &Value, status: &str, case: &str) {
        let email = order["email"].as_str().unwrap();
        let number = order["number"].as_str().unwrap();
        for query in [
            format!("email={email}"),
            format!("number={number}"),
            "sku=TEE".to_owned(),
            format!("status={status}"),
            String::new(),
        ] {
            let found = self.find(&query).await;
            let ours: Vec<&Value> = found.iter().filter(|it| it["id"] == order["id"]).collect();
            assert_eq!(ours.len(), 1, "{case}: {query}: {found:?}");
            assert_eq!(ours[0]["status"], status, "{case}: {query}");
        }
        for other in ["pending_payment", "paid", "refunded", "cancelled"] {
            let found = self.find(&format!("status={other}")).await;
            let is_there = found.iter().any(|it| it["id"] == order["id"]);
            assert_eq!(is_there, other == status, "{case}: {other}");
        }
        let customer = format!("/v1/admin/customers?email={email}");
        let customer = self.shop.staff_get(&customer).await.expect(200);
        let customer = &customer["items"][0];
        let paid = if status == "paid" { 1000 } else { 0 };
        assert_eq!(customer["orders"], 1, "{case}: {customer}");
        assert_eq!(customer["totals"][0]["amount"], paid, "{case}: {customer}");
    }
}

#[tokio::test]
async fn an_order_is_in_its_lists_whatever_fails() {
    let world = World::start().await;
    // Both functions are running.
    let order = world.place().await;
    world.deliver("project-orders", &order).await;
    world.deliver("capture-payment", &order).await;
    let (mut met, mut again, mut cases) = (0, 0, 0);
    // Of a new order: two reads, the customer's, the SKU's and the status's list, the number, and the list of all orders. Of a
    // paid one the number is there, and its old status is left.
    for status in ["pending_payment", "paid"] {
        for call in 0..7 {
            for fault in injected() {
                let case = format!("{fault:?} at call {call}, {status}");
                println!("{case}");
                let order = world.place().await;
                if status == "paid" {
                    world.deliver("project-orders", &order).await;
                    world.deliver("capture-payment", &order).await;
                }
                world.faults.plan("project-orders", call, fault);
                let attempts = world.deliver("project-orders", &order).await;
                cases += 1;
                met += usize::from(world.faults.hit().is_some());
                again += usize::from(attempts > 1);
                world.faults.reset();
                world.must_show(&order, status, &case).await;
            }
        }
    }
    assert_eq!(met, cases, "a call that is not made any more");
    assert!(again > 0, "no message came again");
}

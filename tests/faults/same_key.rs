//! Requests with the same key, at the same moment: whoever of them takes effect, all get its response.
//!
//! The kind of fault: a request that loses a race reads the order again, and is rejected because of the
//! effect of its own twin.

use std::collections::BTreeMap;

use futures_util::future::join_all;
use reqwest::RequestBuilder;
use serde_json::{Value, json};
use testkit::{Faults, Product, Response, Shop, order_body};

/// A shop with two tees at 10.00, whose functions' calls a test can hold back.
async fn shop(faults: &Faults) -> Shop {
    let shop = Shop::start_wired(BTreeMap::new(), Some(faults.wiring(None))).await;
    shop.stock_up(&[Product::single("tee", "TEE", "10.00", 2)])
        .await;
    shop
}

/// A paid order of two tees, as it was placed.
async fn paid(shop: &Shop) -> Value {
    let cart = shop.cart(&[("TEE", 2)]).await;
    let placed = shop.order(&cart, &order_body(&cart, "tok_ok")).await;
    let placed = placed.expect(201);
    shop.order_becomes(&placed, "paid").await;
    placed
}

/// An operation that changes an order.
struct Operation {
    function: &'static str,
    /// Whether the customer calls it, and not staff.
    by_customer: bool,
    action: &'static str,
    body: Value,
    status: u16,
    /// A change of the order that makes the operation lose its race, and does not forbid it.
    meanwhile: (&'static str, Value),
}

impl Operation {
    fn request(&self, shop: &Shop, placed: &Value) -> RequestBuilder {
        let id = placed["id"].as_str().unwrap();
        let (path, token) = match self.by_customer {
            true => (
                format!("/v1/orders/{id}/{}", self.action),
                placed["access_token"].as_str().unwrap(),
            ),
            false => (
                format!("/v1/admin/orders/{id}/{}", self.action),
                shop.staff_token.as_str(),
            ),
        };
        let request = shop.request("POST", &path).bearer_auth(token);
        request
            .header("Idempotency-Key", format!("{id}.twins"))
            .json(&self.body)
    }
}

fn operations() -> Vec<Operation> {
    let refund = ("refunds", json!({ "amount": 100 }));
    let fulfil = json!({ "lines": [{ "sku": "TEE", "quantity": 1 }] });
    vec![
        Operation {
            function: "cancel-order",
            by_customer: true,
            action: "cancel",
            body: json!({ "reason": "Ordered twice" }),
            status: 200,
            meanwhile: refund.clone(),
        },
        Operation {
            function: "cancel-order-as-staff",
            by_customer: false,
            action: "cancel",
            body: json!({}),
            status: 200,
            meanwhile: refund.clone(),
        },
        Operation {
            function: "refund-order",
            by_customer: false,
            action: "refunds",
            body: json!({}),
            status: 202,
            meanwhile: ("fulfilments", fulfil),
        },
        Operation {
            function: "fulfil-order",
            by_customer: false,
            action: "fulfilments",
            body: json!({}),
            status: 201,
            meanwhile: refund.clone(),
        },
        Operation {
            function: "return-goods",
            by_customer: false,
            action: "returns",
            body: json!({ "lines": [{ "sku": "TEE", "quantity": 2 }] }),
            status: 201,
            meanwhile: refund,
        },
    ]
}

/// One call is held twice: before its transaction, until another change has made it stale, and before it
/// reads the order again, until its twin has taken effect.
#[tokio::test]
async fn the_loser_of_a_race_gets_its_twins_response() {
    for operation in operations() {
        let faults = Faults::new();
        let shop = shop(&faults).await;
        let placed = paid(&shop).await;
        let Operation { function, .. } = operation;
        faults.reset();

        let mut write = faults.hold(function, "TransactWriteItems", 0);
        let loser = async { shop.send(operation.request(&shop, &placed)).await };
        let others = async {
            write.reached().await;
            let (action, body) = &operation.meanwhile;
            let id = placed["id"].as_str().unwrap();
            let request = shop
                .request("POST", &format!("/v1/admin/orders/{id}/{action}"))
                .bearer_auth(&shop.staff_token)
                .header("Idempotency-Key", "meanwhile")
                .json(body);
            let changed = shop.send(request).await;
            assert!(changed.status < 300, "{function}: {}", changed.text);
            // Order and response were read once each.
            let mut read = faults.hold(function, "GetItem", 2);
            write.release();
            read.reached().await;
            let twin = shop.send(operation.request(&shop, &placed)).await;
            read.release();
            twin
        };
        let (loser, twin) = tokio::join!(loser, others);
        twin.expect(operation.status);
        assert_eq!(
            (loser.status, &loser.text),
            (twin.status, &twin.text),
            "{function}"
        );
    }
}

/// The same when an order is placed: the twin has taken the last units.
#[tokio::test]
async fn the_last_units_are_sold_to_the_request_that_asks_twice() {
    let faults = Faults::new();
    let shop = shop(&faults).await;
    let cart = shop.cart(&[("TEE", 1)]).await;
    let body = order_body(&cart, "tok_ok");
    faults.reset();
    let mut write = faults.hold("place-order", "TransactWriteItems", 0);
    let others = async {
        write.reached().await;
        let path = format!("/v1/carts/{cart}/lines/TEE");
        let changed = shop.call("PUT", &path, &json!({ "quantity": 2 })).await;
        changed.expect(200);
        // The cart has been read again, and is still open.
        let mut read = faults.hold("place-order", "BatchGetItem", 1);
        write.release();
        read.reached().await;
        let twin = shop.order("twins", &body).await;
        read.release();
        twin
    };
    let (loser, twin) = tokio::join!(shop.order("twins", &body), others);
    twin.expect(201);
    assert_eq!((loser.status, &loser.text), (twin.status, &twin.text));

    // A request of its own is rejected, as before.
    let cart = shop.cart(&[("TEE", 1)]).await;
    shop.order("other", &order_body(&cart, "tok_ok"))
        .await
        .expect_problem(409, "out_of_stock");
}

/// Repeats a request while its response says that it may succeed, as a client does.
async fn insist(shop: &Shop, request: RequestBuilder) -> Response {
    shop.eventually("a final response", async || {
        let answer = shop.send(request.try_clone().unwrap()).await;
        let may_pass = answer.status == 503 || answer.text.contains("request_in_progress");
        (!may_pass).then_some(answer)
    })
    .await
}

#[tokio::test]
async fn a_storm_of_the_same_cancellation_gets_one_response() {
    let shop = Shop::start().await;
    shop.stock_up(&[Product::single("tee", "TEE", "10.00", 50)])
        .await;
    for cancel in operations().iter().filter(|it| it.action == "cancel") {
        for round in 0..3 {
            let placed = paid(&shop).await;
            let id = placed["id"].as_str().unwrap();
            let refund = |number: u32| {
                shop.request("POST", &format!("/v1/admin/orders/{id}/refunds"))
                    .bearer_auth(&shop.staff_token)
                    .header("Idempotency-Key", format!("{id}.{number}"))
                    .json(&json!({ "amount": 1 }))
            };
            let cancels = (0..8).map(|_| insist(&shop, cancel.request(&shop, &placed)));
            let refunds = (0..8).map(|number| insist(&shop, refund(number)));
            let (answers, refunds) = tokio::join!(join_all(cancels), join_all(refunds));
            let what = format!("{}, round {round}", cancel.function);
            for answer in &answers {
                assert_eq!(
                    (answer.status, &answer.text),
                    (200, &answers[0].text),
                    "{what}"
                );
            }
            for refund in refunds {
                assert!(
                    refund.status == 202 || refund.text.contains("refund_too_high"),
                    "{what}: {}",
                    refund.text
                );
            }
        }
    }
}

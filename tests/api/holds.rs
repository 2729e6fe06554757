//! Covers: place-order, set-cart-line, sweep-orders: how much stock a caller can hold without paying.
//!
//! The kind of fault: one caller keeps the shop sold out for free.

use std::{collections::BTreeMap, sync::Arc};

use local::event::{headers, http_event};
use serde_json::{Value, json};
use testkit::{Person, Product, Response, Shop, order_body};

/// A shop with these limits and 1,000 units of two SKUs, whose orders nobody pays.
async fn limited(limits: &[(&str, &str)]) -> Shop {
    let limits = limits
        .iter()
        .map(|(name, limit)| ((*name).to_owned(), (*limit).to_owned()));
    let mut shop = Shop::start_with(limits.collect::<BTreeMap<_, _>>()).await;
    shop.stock_up(&[
        Product::single("tee", "TEE", "10.00", 1000),
        Product::single("mug", "MUG", "3.00", 1000),
    ])
    .await;
    shop.stop_triggers();
    shop
}

/// Orders one unit for an email address.
async fn order_for(shop: &Shop, email: &str) -> Response {
    let cart = shop.cart(&[("TEE", 1)]).await;
    let mut body = order_body(&cart, "tok_ok");
    body["email"] = json!(email);
    shop.order(&cart, &body).await
}

/// Orders one unit from a network, past the CDN; returns the status.
async fn order_from(shop: &Shop, address: &str) -> u64 {
    let cart = shop.cart(&[("TEE", 1)]).await;
    let sent = headers([("idempotency-key", cart.as_str())]);
    let body = order_body(&cart, "tok_ok");
    let request = http_event("POST /v1/orders", &[], &sent, Some(&body));
    let answer = shop.invoke_from(address, "place-order", request).await;
    answer["statusCode"].as_u64().unwrap()
}

/// Charges the payment of an order, as its message does, after which it has this status.
async fn charge(shop: &Shop, placed: &Value, status: &str) {
    let message = json!({
        "event_id": "e.1",
        "occurred_at": "2026-11-22T10:00:00Z",
        "trace_id": "test",
        "type": "order_placed",
        "order_id": placed["id"],
    });
    let event = testkit::sqs_event(&[&message.to_string()], 1);
    shop.invoke("capture-payment", &event).await.unwrap();
    shop.order_becomes(placed, status).await;
}

#[tokio::test]
async fn an_order_has_so_many_units_and_no_more() {
    let shop = limited(&[("MaxUnitsPerSku", "20"), ("MaxUnitsPerOrder", "30")]).await;
    let cart = shop.cart(&[("TEE", 20)]).await;
    let line = |sku: &str| format!("/v1/carts/{cart}/lines/{sku}");
    let all = json!({ "quantity": 900 });
    let refused = shop.call("PUT", &line("TEE"), &all).await;
    let problem = refused.expect_problem(422, "too_many_units");
    assert_eq!(problem["errors"][0]["field"], "TEE", "{problem}");
    assert_eq!(problem["errors"][0]["code"], "too_many", "{problem}");

    let eleven = json!({ "quantity": 11 });
    shop.call("PUT", &line("MUG"), &eleven).await.expect(200);
    let body = order_body(&cart, "tok_ok");
    let problem = shop.order(&cart, &body).await;
    let problem = problem.expect_problem(422, "too_many_units");
    assert_eq!(problem["errors"][0]["field"], "order", "{problem}");
    assert_eq!(shop.stock("TEE").await.reserved, 0);
    // The key is not used up.
    let ten = json!({ "quantity": 10 });
    shop.call("PUT", &line("MUG"), &ten).await.expect(200);
    shop.order(&cart, &body).await.expect(201);
    assert_eq!(shop.stock("TEE").await.reserved, 20);
}

#[tokio::test]
async fn an_email_address_has_so_many_unpaid_orders_until_they_are_paid() {
    let shop = limited(&[("MaxUnpaidOrdersPerEmail", "2")]).await;
    let first = order_for(&shop, "ada@example.com").await.expect(201);
    order_for(&shop, "Ada+1@Example.com").await.expect(201);
    let third = order_for(&shop, "ada+2@example.com").await;
    third.expect_problem(429, "too_many_unpaid_orders");
    let wait: u64 = third.headers["retry-after"].parse().unwrap();
    assert!((10..=20).contains(&wait), "{wait}");
    order_for(&shop, "bob@example.com").await.expect(201);
    assert_eq!(shop.stock("TEE").await.reserved, 3);

    // A paid order does not count; one that its customer canceled does, for a while.
    charge(&shop, &first, "paid").await;
    let fourth = shop
        .eventually("it is noticed that one is paid", async || {
            let answer = order_for(&shop, "ada@example.com").await;
            (answer.status != 429).then_some(answer)
        })
        .await
        .expect(201);
    let path = format!("/v1/orders/{}/cancel", fourth["id"].as_str().unwrap());
    let token = fourth["access_token"].as_str().unwrap();
    let cancel = shop.request("POST", &path).bearer_auth(token);
    let cancel = cancel.header("Idempotency-Key", "c").json(&json!({}));
    shop.send(cancel).await.expect(200);
    order_for(&shop, "ada@example.com")
        .await
        .expect_problem(429, "too_many_unpaid_orders");
}

#[tokio::test]
async fn a_declined_card_counts_for_a_while() {
    let shop = limited(&[("MaxUnpaidOrdersPerEmail", "1")]).await;
    let cart = shop.cart(&[("TEE", 1)]).await;
    let mut body = order_body(&cart, "tok_declined");
    body["email"] = json!("ada@example.com");
    let placed = shop.order(&cart, &body).await.expect(201);
    charge(&shop, &placed, "payment_failed").await;
    order_for(&shop, "ada@example.com")
        .await
        .expect_problem(429, "too_many_unpaid_orders");
}

#[tokio::test]
async fn the_units_of_an_email_address_are_limited() {
    let shop = limited(&[("MaxUnpaidUnitsPerEmail", "5")]).await;
    let units = async |quantity: u32| {
        let cart = shop.cart(&[("TEE", quantity)]).await;
        let mut body = order_body(&cart, "tok_ok");
        body["email"] = json!("ada@example.com");
        shop.order(&cart, &body).await.status
    };
    assert_eq!(
        (units(3).await, units(3).await, units(2).await),
        (201, 429, 201)
    );
    assert_eq!(shop.stock("TEE").await.reserved, 5);
}

#[tokio::test]
async fn a_network_has_so_many_unpaid_orders() {
    let shop = limited(&[("MaxUnpaidOrdersPerNetwork", "2")]).await;
    for (address, status) in [
        ("203.0.113.7", 201),
        ("203.0.113.200", 201),
        ("203.0.113.9", 429),
        ("203.0.114.9", 201),
        ("2001:db8:0:1100::1", 201),
        ("2001:db8:0:1101::1", 201),
        ("2001:db8:0:11ff::1", 429),
        ("2001:db8:0:1200::1", 201),
    ] {
        assert_eq!(order_from(&shop, address).await, status, "{address}");
    }
    // Behind the CDN, which names its viewers: all of them are this machine.
    let statuses = [
        order_for(&shop, "a@example.com").await.status,
        order_for(&shop, "b@example.com").await.status,
        order_for(&shop, "c@example.com").await.status,
    ];
    assert_eq!(statuses, [201, 201, 429]);
    // Nobody is known by these counts.
    let scan = json!({
        "TableName": shop.stack().template.table["TableName"],
        "FilterExpression": "entity_type = :holds",
        "ExpressionAttributeValues": { ":holds": { "S": "holds" } },
    });
    let holds = shop.table("Scan", &scan).await;
    assert_eq!(holds["Count"], 5, "{holds}");
    let text = holds.to_string();
    for known in [
        "203.0.113",
        "cb0071",
        "127.0.0",
        "7f0000",
        "2001",
        "example.com",
    ] {
        assert!(!text.contains(known), "{known}: {text}");
    }
}

#[tokio::test]
async fn an_account_has_so_many_unpaid_orders_whatever_their_addresses_are() {
    let limits = [
        ("MaxUnpaidOrdersPerEmail", "2"),
        ("MaxUnpaidUnitsPerEmail", "5"),
    ];
    let shop = limited(&limits).await;
    let (ada, bea) = (shop.person("ada").await, shop.person("bea").await);
    let order_as = async |person: &Person, email: &str, units: u32| {
        let cart = shop.cart(&[("TEE", units)]).await;
        let mut body = order_body(&cart, "tok_ok");
        body["email"] = json!(email);
        let request = shop.request("POST", "/v1/orders").json(&body);
        let request = request.header("Idempotency-Key", &cart);
        shop.send(request.bearer_auth(&person.token)).await
    };
    let first = order_as(&ada, "a@example.com", 2).await.expect(201);
    // Six units together.
    order_as(&ada, "b@example.com", 4)
        .await
        .expect_problem(429, "too_many_unpaid_orders");
    order_as(&ada, "c@example.com", 2).await.expect(201);
    order_as(&ada, "d@example.com", 1)
        .await
        .expect_problem(429, "too_many_unpaid_orders");
    // Nobody else is held back, from the same network either.
    order_as(&bea, "e@example.com", 1).await.expect(201);
    order_for(&shop, "f@example.com").await.expect(201);
    // A paid order does not count.
    charge(&shop, &first, "paid").await;
    // Each attempt counts for its email address for a while, so each has another one.
    let mut attempt = 0;
    shop.eventually("it is noticed that one is paid", async || {
        attempt += 1;
        let answer = order_as(&ada, &format!("g{attempt}@example.com"), 1).await;
        (answer.status == 201).then_some(())
    })
    .await;
    assert_eq!(shop.stock("TEE").await.reserved, 5);
}

#[tokio::test]
async fn a_burst_is_limited_too() {
    let shop = Arc::new(limited(&[("MaxUnpaidOrdersPerEmail", "3")]).await);
    let buyers = (0..24).map(|_| {
        let shop = Arc::clone(&shop);
        tokio::spawn(async move { order_for(&shop, "ada@example.com").await })
    });
    let buyers: Vec<_> = buyers.collect();
    let mut placed = 0;
    for buyer in buyers {
        let answer = buyer.await.unwrap();
        match answer.status {
            201 => placed += 1,
            503 => {}
            _ => {
                answer.expect_problem(429, "too_many_unpaid_orders");
            }
        }
    }
    assert!((1..=3).contains(&placed), "{placed}");
    assert_eq!(shop.stock("TEE").await.reserved, placed);
}

#[tokio::test]
async fn stock_is_held_briefly_for_those_who_do_nothing() {
    let window = [("HoldSeconds", "1"), ("PaymentWindowSeconds", "900")];
    let window = window.map(|(name, seconds)| (name.to_owned(), seconds.to_owned()));
    let shop = Shop::start_with(window.into()).await;
    shop.stock_up(&[Product::single("tee", "TEE", "10.00", 5)])
        .await;
    // The provider does not answer, so nobody has begun to pay.
    let cart = shop.cart(&[("TEE", 1)]).await;
    let body = order_body(&cart, "tok_timeout");
    let placed = shop.order(&cart, &body).await.expect(201);
    shop.until_due(&placed).await;
    shop.eventually("the sweep ends it", async || {
        shop.sweep().await;
        (shop.stock("TEE").await.reserved == 0).then_some(())
    })
    .await;
    shop.order_becomes(&placed, "expired").await;
    // As it was placed, whatever has become of it.
    let again = shop.order(&cart, &body).await.expect(201);
    assert_eq!(again, placed);
}

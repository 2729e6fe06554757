//! Covers: place-order, get-order.

use std::sync::Arc;

use serde_json::{Value, json};
use testkit::{Product, Shop, StockCounts, order_body};

#[tokio::test]
async fn the_same_request_gets_the_same_answer_byte_for_byte() {
    let shop = Shop::start().await;
    shop.stock_up(&[Product::single("tee", "TEE", "10.00", 5)])
        .await;
    let cart = shop.cart(&[("TEE", 2)]).await;
    let body = order_body(&cart, "tok_ok");
    let first = shop.order("same", &body).await;
    let placed = first.expect(201);
    assert_eq!(
        first.headers["location"],
        format!("/v1/orders/{}", placed["id"].as_str().unwrap())
    );
    assert_eq!(placed["status"], "pending_payment");
    assert_eq!(placed["payment"]["status"], "pending");

    let again = shop.order("same", &body).await;
    assert_eq!((again.status, &again.text), (201, &first.text));
    shop.order_becomes(&placed, "paid").await;
    let later = shop.order("same", &body).await;
    assert_eq!(
        (later.status, &later.text),
        (201, &first.text),
        "also when the order has moved on"
    );
    assert_eq!(later.headers["location"], first.headers["location"]);
    assert_eq!(shop.stock("TEE").await, StockCounts::unreserved(3));

    // Field order and white space do not make a different request.
    let spaced = serde_json::to_string_pretty(&body).unwrap();
    let request = shop
        .request("POST", "/v1/orders")
        .header("Idempotency-Key", "same");
    let request = request
        .header("Content-Type", "application/json")
        .body(spaced);
    assert_eq!(shop.send(request).await.text, first.text);

    let mut other = body.clone();
    other["email"] = json!("eve@example.com");
    shop.order("same", &other)
        .await
        .expect_problem(422, "idempotency_key_reused");
    let other_cart = shop.cart(&[("TEE", 1)]).await;
    let other = order_body(&other_cart, "tok_ok");
    shop.order("same", &other)
        .await
        .expect_problem(422, "idempotency_key_reused");
    shop.order("another", &body)
        .await
        .expect_problem(409, "cart_already_ordered");
    shop.call("POST", "/v1/orders", &body)
        .await
        .expect_problem(400, "idempotency_key_missing");
    assert_eq!(shop.stock("TEE").await, StockCounts::unreserved(3));
}

#[tokio::test]
async fn a_double_tap_places_one_order() {
    let shop = Arc::new(Shop::start().await);
    shop.stock_up(&[Product::single("tee", "TEE", "10.00", 5)])
        .await;
    let cart = shop.cart(&[("TEE", 1)]).await;
    let body = order_body(&cart, "tok_ok");
    let taps: Vec<_> = (0..6)
        .map(|_| {
            let (shop, body) = (Arc::clone(&shop), body.clone());
            tokio::spawn(async move { shop.order("tap", &body).await.expect(201) })
        })
        .collect();
    let mut answers = Vec::new();
    for tap in taps {
        answers.push(tap.await.unwrap());
    }
    assert!(
        answers.iter().all(|answer| *answer == answers[0]),
        "{answers:?}"
    );
    shop.order_becomes(&answers[0], "paid").await;
    assert_eq!(shop.stock("TEE").await, StockCounts::unreserved(4));
}

#[tokio::test]
async fn an_order_fails_whole_and_names_the_lines_that_cannot_be_served() {
    let shop = Shop::start().await;
    let products = [("tee", "TEE"), ("mug", "MUG"), ("cap", "CAP")];
    shop.stock_up(&products.map(|(handle, sku)| Product::single(handle, sku, "10.00", 3)))
        .await;
    let cart = shop.cart(&[("TEE", 3), ("MUG", 4), ("CAP", 999)]).await;
    let refused = shop
        .order("short", &order_body(&cart, "tok_ok"))
        .await
        .expect_problem(409, "out_of_stock");
    let skus: Vec<&str> = refused["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|e| e["field"].as_str().unwrap())
        .collect();
    assert_eq!(skus, ["MUG", "CAP"]);
    for (_, sku) in products {
        assert_eq!(shop.stock(sku).await, StockCounts::unreserved(3));
    }
    // The cart is unchanged, and the key may be reused for quantities that are in stock.
    for (sku, quantity) in [("MUG", 3), ("CAP", 1)] {
        let path = format!("/v1/carts/{cart}/lines/{sku}");
        shop.call("PUT", &path, &json!({ "quantity": quantity }))
            .await
            .expect(200);
    }
    let placed = shop
        .order("short", &order_body(&cart, "tok_ok"))
        .await
        .expect(201);
    assert_eq!(placed["totals"]["total"]["amount"], 7000);
    shop.order_becomes(&placed, "paid").await;
    assert_eq!(shop.stock("CAP").await, StockCounts::unreserved(2));
}

#[tokio::test]
async fn an_empty_cart_is_no_order() {
    let shop = Shop::start().await;
    let cart = shop.cart(&[]).await;
    shop.order("empty", &order_body(&cart, "tok_ok"))
        .await
        .expect_problem(409, "cart_empty");
}

#[tokio::test]
async fn only_its_token_opens_an_order() {
    let shop = Shop::start().await;
    shop.stock_up(&[Product::single("tee", "TEE", "10.00", 5)])
        .await;
    let mut placed = Vec::new();
    for key in ["one", "two"] {
        let cart = shop.cart(&[("TEE", 1)]).await;
        placed.push(
            shop.order(key, &order_body(&cart, "tok_ok"))
                .await
                .expect(201),
        );
    }
    let path = format!("/v1/orders/{}", placed[0]["id"].as_str().unwrap());
    shop.get(&path).await.expect_problem(401, "unauthenticated");
    let tokens = [
        placed[1]["access_token"].as_str().unwrap(),
        placed[0]["id"].as_str().unwrap(),
        "oat_guess",
        shop.staff_token.as_str(),
    ];
    for token in tokens {
        let answer = shop
            .send(shop.request("GET", &path).bearer_auth(token))
            .await;
        answer.expect_problem(404, "not_found");
    }
    let token = placed[0]["access_token"].as_str().unwrap();
    let order = shop
        .send(shop.request("GET", &path).bearer_auth(token))
        .await
        .expect(200);
    assert_eq!(order["id"], placed[0]["id"]);
    assert!(
        order.get("access_token").is_none(),
        "the token is given once"
    );
}

#[tokio::test]
async fn nothing_is_sold_at_a_price_that_is_no_longer_true() {
    let shop = Shop::start().await;
    shop.stock_up(&[Product::single("tee", "TEE", "10.00", 5)])
        .await;
    let cart = shop.cart(&[("TEE", 1)]).await;
    shop.stock_up(&[Product::single("tee", "TEE", "12.00", 5)])
        .await;
    let placed = shop
        .order("price", &order_body(&cart, "tok_ok"))
        .await
        .expect(201);
    assert_eq!(placed["totals"]["total"]["amount"], 1200);
}

#[tokio::test]
async fn carts_of_several_lines_in_any_order_never_oversell() {
    let shop = Arc::new(Shop::start().await);
    let skus = ["A", "B", "C", "D"];
    let products = skus.map(|sku| Product::single(sku, sku, "1.00", 12));
    shop.stock_up(&products).await;
    let buyers: Vec<_> = (0..40_usize)
        .map(|buyer| {
            let shop = Arc::clone(&shop);
            tokio::spawn(async move {
                // Three of the four SKUs, starting with a different one each, every second time in
                // reverse.
                let mut lines: Vec<(&str, u32)> = (0..3)
                    .map(|i| (skus[(buyer + i) % 4], 1 + (buyer % 2) as u32))
                    .collect();
                if buyer % 2 == 0 {
                    lines.reverse();
                }
                let cart = shop.cart(&lines).await;
                shop.order(&cart, &order_body(&cart, "tok_ok")).await
            })
        })
        .collect();
    let mut sold = std::collections::BTreeMap::new();
    for buyer in buyers {
        let answer = buyer.await.unwrap();
        if answer.status != 201 {
            answer.expect_problem(409, "out_of_stock");
            continue;
        }
        let order = shop.order_becomes(&answer.json(), "paid").await;
        for line in order["lines"].as_array().unwrap() {
            *sold
                .entry(line["sku"].as_str().unwrap().to_owned())
                .or_insert(0) += line["quantity"].as_i64().unwrap();
        }
    }
    for sku in skus {
        let left = 12 - sold[sku];
        assert!(left >= 0, "{sku} was sold {} times", sold[sku]);
        assert_eq!(
            shop.stock(sku).await,
            StockCounts::unreserved(left),
            "{sku}"
        );
    }
}

#[tokio::test]
async fn twenty_units_and_sixty_orders_by_thirty_buyers_at_a_time() {
    let shop = Arc::new(Shop::start().await);
    shop.stock_up(&[Product::single("drop", "DROP", "50.00", 20)])
        .await;
    let mut carts = Vec::new();
    for _ in 0..60 {
        carts.push(shop.cart(&[("DROP", 1)]).await);
    }
    let carts = Arc::new(std::sync::Mutex::new(carts));
    let buyers: Vec<_> = (0..30)
        .map(|_| {
            let (shop, carts) = (Arc::clone(&shop), Arc::clone(&carts));
            tokio::spawn(async move {
                let mut answers = Vec::new();
                loop {
                    let cart = carts.lock().unwrap().pop();
                    let Some(cart) = cart else { return answers };
                    answers.push(shop.order(&cart, &order_body(&cart, "tok_ok")).await);
                }
            })
        })
        .collect();
    let (mut placed, mut refused) = (Vec::new(), 0);
    for buyer in buyers {
        for answer in buyer.await.unwrap() {
            if answer.status == 201 {
                placed.push(answer.json());
            } else {
                answer.expect_problem(409, "out_of_stock");
                refused += 1;
            }
        }
    }
    assert_eq!((placed.len(), refused), (20, 40));
    for order in &placed {
        shop.order_becomes(order, "paid").await;
    }
    assert_eq!(shop.stock("DROP").await, StockCounts::unreserved(0));
}

/// Consumed capacity as reported by the database: the cost of an order during a launch. The unpaid orders of the
/// email address and the network are counted outside of the transaction.
#[tokio::test]
async fn an_order_costs_six_write_units_two_for_each_further_line_and_two_to_be_counted() {
    let parameters = [
        ("LogLevel", "debug"),
        ("MaxUnpaidOrdersPerEmail", "5"),
        ("MaxUnpaidUnitsPerEmail", "100"),
        ("MaxUnpaidOrdersPerNetwork", "20"),
    ];
    let parameters = parameters.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let shop = Shop::start_with(parameters.into()).await;
    let skus = ["A", "B", "C"];
    shop.stock_up(&skus.map(|sku| Product::single(sku, sku, "1.00", 9)))
        .await;
    for (lines, writes, reads) in [(1, 6.0, 1.0), (3, 10.0, 2.0)] {
        let lines: Vec<(&str, u32)> = skus.iter().take(lines).map(|sku| (*sku, 1)).collect();
        let cart = shop.cart(&lines).await;
        let before = shop.log().len();
        shop.order(&cart, &order_body(&cart, "tok_ok"))
            .await
            .expect(201);
        let log = shop.log();
        let costs = log[before..]
            .lines()
            .filter_map(|line| line.strip_prefix("place-order: "));
        let costs: Vec<Value> = costs
            .map(|line| serde_json::from_str(line).unwrap())
            .filter(|line: &Value| line["message"] == "units")
            .collect();
        let units = |is_of: fn(&str) -> bool| -> f64 {
            let of_kind = costs
                .iter()
                .filter(|cost| is_of(cost["dynamodb.operation"].as_str().unwrap()));
            of_kind
                .map(|cost| cost["dynamodb.units"].as_f64().unwrap())
                .sum()
        };
        let transaction = units(|operation| operation == "place order");
        let counts = units(|operation| operation == "UpdateItem holds");
        // A check of the settings is a process's and not an order's (docs/adr/0022).
        let read = units(|it| it.contains("GetItem") && it != "GetItem control");
        assert!(units(|operation| operation == "GetItem control") <= 0.5);
        assert_eq!(
            (transaction, counts, read),
            (writes, 2.0, reads),
            "{costs:?}"
        );
    }
}

//! Covers: list-orders, list-customers, project-orders.

use serde_json::{Value, json};
use testkit::{Product, Shop, order_body};

const ORDERS: &str = "/v1/admin/orders";
const CUSTOMERS: &str = "/v1/admin/customers";

/// Places an order of this customer and waits for its status.
async fn order(shop: &Shop, email: &str, skus: &[&str], token: &str, status: &str) -> Value {
    let lines: Vec<(&str, u32)> = skus.iter().map(|sku| (*sku, 1)).collect();
    let cart = shop.cart(&lines).await;
    let mut body = order_body(&cart, token);
    body["email"] = json!(email);
    let placed = shop.order(&cart, &body).await.expect(201);
    match status {
        "pending_payment" => placed,
        status => shop.order_becomes(&placed, status).await,
    }
}

/// Ids of the orders of a page.
async fn ids(shop: &Shop, query: &str) -> Vec<Value> {
    let page = shop.staff_get(&format!("{ORDERS}{query}")).await;
    let page = page.expect(200);
    let items = page["items"].as_array().unwrap().iter();
    items.map(|item| item["id"].clone()).collect()
}

/// Waits until the list shows just these orders.
async fn shows(shop: &Shop, query: &str, orders: &[&Value]) {
    let wanted: Vec<Value> = orders.iter().map(|order| order["id"].clone()).collect();
    shop.eventually(&format!("{query} shows {wanted:?}"), async || {
        (ids(shop, query).await == wanted).then_some(())
    })
    .await;
}

#[tokio::test]
async fn staff_find_orders_and_customers() {
    let shop = Shop::start().await;
    for path in ["", "?status=paid", "?email=ada@example.com"] {
        let page = shop.staff_get(&format!("{ORDERS}{path}")).await.expect(200);
        assert_eq!(page, json!({ "items": [], "next_cursor": null }), "{path}");
    }
    shop.stock_up(&[
        Product::single("tee", "TEE", "10.00", 50),
        Product::single("mug", "MUG-2", "4.00", 50),
    ])
    .await;
    let first = order(&shop, "Ada@Example.com", &["TEE"], "tok_ok", "paid").await;
    let second = order(
        &shop,
        "bea@example.com",
        &["TEE", "MUG-2"],
        "tok_ok",
        "paid",
    )
    .await;
    let third = order(
        &shop,
        "ada@example.com",
        &["MUG-2"],
        "tok_no",
        "payment_failed",
    )
    .await;
    shows(&shop, "", &[&third, &second, &first]).await;
    // An order may have been listed before it was paid or refused.
    shows(&shop, "?status=paid", &[&second, &first]).await;
    shows(&shop, "?status=payment_failed", &[&third]).await;

    let number = first["number"].as_str().unwrap();
    let bare = number.replace('-', "").to_lowercase();
    let placed_at = second["placed_at"].as_str().unwrap();
    for (query, orders) in [
        ("?status=paid".to_owned(), vec![&second, &first]),
        ("?status=payment_failed".to_owned(), vec![&third]),
        ("?status=refunded".to_owned(), vec![]),
        ("?sku=TEE".to_owned(), vec![&second, &first]),
        ("?sku=MUG-2&status=paid".to_owned(), vec![&second]),
        ("?sku=NOBODY".to_owned(), vec![]),
        ("?email=ADA@example.com".to_owned(), vec![&third, &first]),
        (
            "?email=ada@example.com&status=paid".to_owned(),
            vec![&first],
        ),
        ("?email=ada@example.com&sku=MUG-2".to_owned(), vec![&third]),
        ("?email=eve@example.com".to_owned(), vec![]),
        (format!("?number={number}"), vec![&first]),
        (format!("?number={bare}&status=paid"), vec![&first]),
        (format!("?number={bare}&status=refunded"), vec![]),
        ("?number=00000-00000".to_owned(), vec![]),
        (format!("?from={placed_at}"), vec![&third, &second]),
        (format!("?to={placed_at}"), vec![&first]),
        ("?to=2026-01-01".to_owned(), vec![]),
        (
            "?from=2020-01-01&to=9998-01-01".to_owned(),
            vec![&third, &second, &first],
        ),
    ] {
        let wanted: Vec<Value> = orders.iter().map(|order| order["id"].clone()).collect();
        assert_eq!(ids(&shop, &query).await, wanted, "{query}");
    }

    let item = shop.staff_get(&format!("{ORDERS}?number={number}")).await;
    let item = &item.expect(200)["items"][0];
    let total = json!({ "amount": 1000, "currency": "USD", "decimals": 2 });
    assert_eq!(
        *item,
        json!({
            "id": first["id"],
            "number": number,
            "status": "paid",
            "placed_at": first["placed_at"],
            "email": "Ada@example.com",
            "name": "Ada Lovelace",
            "units": 1,
            "total": total,
            "paid": total,
        })
    );
    // The entry of the list is the same.
    let page = shop
        .staff_get(&format!("{ORDERS}?status=paid"))
        .await
        .expect(200);
    assert_eq!(page["items"][1], *item);

    // Page by page.
    let mut found = Vec::new();
    let mut path = format!("{ORDERS}?limit=1");
    for _ in 0..5 {
        let page = shop.staff_get(&path).await.expect(200);
        found.extend(
            page["items"]
                .as_array()
                .unwrap()
                .iter()
                .map(|it| it["id"].clone()),
        );
        let Some(cursor) = page["next_cursor"].as_str() else {
            break;
        };
        path = format!("{ORDERS}?limit=1&cursor={cursor}");
    }
    assert_eq!(
        found,
        [&third, &second, &first].map(|order| order["id"].clone())
    );

    let customer = shop
        .staff_get(&format!("{CUSTOMERS}?email=ADA@example.com"))
        .await;
    let customer = customer.expect(200);
    assert_eq!(customer["next_cursor"], Value::Null);
    let customer = &customer["items"][0];
    assert_eq!(customer["email"], "ADA@example.com");
    assert_eq!(
        (&customer["orders"], &customer["has_more"]),
        (&json!(2), &json!(false))
    );
    assert_eq!(customer["totals"], json!([total]));
    assert_eq!(customer["first_order"]["id"], first["id"]);
    assert_eq!(customer["last_order"]["id"], third["id"]);
    let nobody = shop
        .staff_get(&format!("{CUSTOMERS}?email=eve@example.com"))
        .await;
    assert_eq!(
        nobody.expect(200),
        json!({ "items": [], "next_cursor": null })
    );

    // A refund changes status, amount and sums.
    let id = first["id"].as_str().unwrap();
    let refund = shop.request("POST", &format!("{ORDERS}/{id}/refunds"));
    let refund = refund
        .header("Idempotency-Key", "r")
        .json(&json!({ "amount": 300 }));
    shop.send(refund.bearer_auth(&shop.staff_token))
        .await
        .expect(202);
    shows(&shop, "?status=partially_refunded", &[&first]).await;
    assert_eq!(ids(&shop, "?status=paid").await, [second["id"].clone()]);
    let customer = shop
        .staff_get(&format!("{CUSTOMERS}?email=ada@example.com"))
        .await;
    assert_eq!(customer.expect(200)["items"][0]["totals"][0]["amount"], 700);
}

#[tokio::test]
async fn a_query_that_is_not_valid_says_so() {
    let shop = Shop::start().await;
    for (query, field) in [
        ("?email=ada", "email"),
        ("?email=", "email"),
        ("?number=7", "number"),
        ("?status=payed", "status"),
        ("?sku=a%2Fb", "sku"),
        ("?from=yesterday", "from"),
        ("?to=2026-02-30", "to"),
        ("?from=2026-11-23&to=2026-11-22", "to"),
        ("?limit=0", "limit"),
        ("?limit=101", "limit"),
    ] {
        let problem = shop.staff_get(&format!("{ORDERS}{query}")).await;
        let problem = problem.expect_problem(422, "validation_failed");
        assert_eq!(problem["errors"][0]["field"], field, "{query}");
    }
    for (path, field) in [
        (CUSTOMERS.to_owned(), "email"),
        (format!("{CUSTOMERS}?email=ada"), "email"),
    ] {
        let problem = shop.staff_get(&path).await;
        let problem = problem.expect_problem(422, "validation_failed");
        assert_eq!(problem["errors"][0]["field"], field, "{path}");
    }
    // A filter that is misspelt must not be left out.
    for path in [
        format!("{ORDERS}?stauts=paid"),
        format!("{CUSTOMERS}?mail=ada@example.com"),
    ] {
        let problem = shop.staff_get(&path).await;
        problem.expect_problem(400, "bad_request");
    }
    for query in ["?cursor=x", "?cursor=", "?number=00000-00000&cursor=x"] {
        let problem = shop.staff_get(&format!("{ORDERS}{query}")).await;
        problem.expect_problem(400, "invalid_cursor");
    }
    for path in [ORDERS, CUSTOMERS] {
        let problem = shop.staff_call("POST", path, &json!({})).await;
        problem.expect_problem(405, "method_not_allowed");
    }
}

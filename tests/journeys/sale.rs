//! Covers: create-import, start-import, import-rows, list-products, create-cart, set-cart-line,
//! place-order, relay-events, capture-payment, send-email, get-order, fulfil-order, refund-order,
//! refund-payment, cancel-order, split-stock, get-order-as-staff, render-invoice, get-invoice.

use serde_json::json;
use testkit::{Shop, StockCounts, email_of, order_body};

use crate::life::{as_customer, as_staff, becomes};

/// A small shop's file: products with several rows, a quoted description, no SKUs.
const FILE: &str = include_str!("bakery.csv");

#[tokio::test]
async fn sale() {
    let shop = Shop::deployed_or_started().await;
    let import = shop.import(FILE).await;
    assert_eq!(import["state"], "completed", "{import}");
    let counts =
        ["rows_total", "rows_imported", "rows_failed"].map(|count| import[count].as_u64().unwrap());
    assert_eq!(counts, [7, 7, 0], "{import}");

    let page = shop
        .get("/v1/products?tag=bread&sort=price")
        .await
        .expect(200);
    let slugs: Vec<&str> = page["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|p| p["slug"].as_str().unwrap())
        .collect();
    assert_eq!(slugs, ["rye-loaf", "olive-bread"]);
    assert_eq!(page["items"][0]["price"]["amount"], 280);
    let rye = &shop.get("/v1/products/rye-loaf").await.expect(200)["variants"];
    let skus = [
        rye[0]["sku"].as_str().unwrap(),
        rye[1]["sku"].as_str().unwrap(),
    ];
    assert_eq!(skus, ["rye-loaf.whole", "rye-loaf.half"]);
    for sku in skus {
        let path = format!("/v1/admin/stock/{sku}");
        shop.staff_call("PUT", &path, &json!({ "on_hand": 20 }))
            .await
            .expect(200);
    }

    let cart = shop.cart(&[(skus[0], 2), (skus[1], 1)]).await;
    let placed = shop
        .order(&cart, &order_body(&cart, "tok_ok"))
        .await
        .expect(201);
    assert_eq!(placed["totals"]["total"]["amount"], 2 * 520 + 280);
    let order = shop.order_becomes(&placed, "paid").await;
    assert_eq!(order["payment"]["status"], "captured");
    assert_eq!(shop.stock(skus[0]).await, StockCounts::unreserved(18));
    assert_eq!(shop.stock(skus[1]).await, StockCounts::unreserved(19));

    let mail = shop
        .eventually("the confirmation is mailed", async || {
            shop.mails_to(&email_of(&cart)).await.into_iter().next()
        })
        .await;
    let mail = mail.to_string();
    for fact in [
        placed["number"].as_str().unwrap(),
        "13.20 USD",
        "Rye Loaf (Whole)",
    ] {
        assert!(mail.contains(fact), "{fact}: {mail}");
    }

    // The invoice follows a little later, with its own presigned URL.
    let path = format!("/v1/orders/{}/invoice", placed["id"].as_str().unwrap());
    let token = placed["access_token"].as_str().unwrap();
    let invoice = shop
        .eventually("the invoice is there", async || {
            let asked = shop.request("GET", &path).bearer_auth(token);
            let answer = shop.send(asked).await;
            (answer.status == 200).then(|| answer.json())
        })
        .await;
    assert!(
        invoice["number"].as_str().unwrap().starts_with("INV-"),
        "{invoice}"
    );
    let file = reqwest::get(invoice["url"].as_str().unwrap())
        .await
        .unwrap();
    assert_eq!(file.status(), 200);
    assert!(file.bytes().await.unwrap().starts_with(b"%PDF"));

    // Then half of it is shipped, and part of the amount is refunded.
    let part = json!({ "lines": [{ "sku": skus[0], "quantity": 2 }], "carrier": "DHL" });
    let shipped = as_staff(&shop, &placed, "fulfilments", &format!("{cart}.f"), &part).await;
    assert_eq!(shipped.expect(201)["status"], "partially_fulfilled");
    let line = json!({ "lines": [{ "sku": skus[1], "quantity": 1 }], "reason": "Burnt" });
    as_staff(&shop, &placed, "refunds", &format!("{cart}.r"), &line)
        .await
        .expect(202);
    becomes(&shop, &placed, "the money is on its way", |order| {
        order["status"] == "partially_refunded"
    })
    .await;
    assert_eq!(shop.stock(skus[1]).await, StockCounts::unreserved(20));

    // Another customer cancels, a third one's card is declined, and the stock is split.
    let path = format!("/v1/admin/stock/{}/shards", skus[0]);
    shop.staff_call("PUT", &path, &json!({ "shards": 4 }))
        .await
        .expect(200);
    let second = shop.cart(&[(skus[0], 6)]).await;
    let ordered = shop
        .order(&second, &order_body(&second, "tok_ok"))
        .await
        .expect(201);
    shop.order_becomes(&ordered, "paid").await;
    let cancelled = as_customer(&shop, &ordered, &format!("{second}.c"), &json!({})).await;
    assert_eq!(cancelled.expect(200)["status"], "cancelled");
    becomes(&shop, &ordered, "the money went back", |order| {
        order["payment"]["status"] == "refunded"
    })
    .await;
    let third = shop.cart(&[(skus[0], 1)]).await;
    let declined = shop
        .order(&third, &order_body(&third, "tok_declined"))
        .await
        .expect(201);
    shop.order_becomes(&declined, "payment_failed").await;
    assert_eq!(shop.stock(skus[0]).await, StockCounts::unreserved(18));
}

//! Covers: split-stock, place-order on a split stock, set-stock on a split stock, reconcile-stock.

use std::sync::Arc;

use serde_json::json;
use testkit::{Product, Shop, StockCounts, order_body};

async fn split(shop: &Shop, shards: i64) -> testkit::Response {
    shop.staff_call(
        "PUT",
        "/v1/admin/stock/DROP/shards",
        &json!({ "shards": shards }),
    )
    .await
}

async fn reconciled(shop: &Shop) {
    shop.invoke("reconcile-stock", &json!({})).await.unwrap();
    let log = shop.log();
    assert!(
        log.contains(r#""StockDrift":0"#) && !log.contains("disagree"),
        "{log}"
    );
}

#[tokio::test]
async fn a_split_stock_sells_to_the_last_unit_and_no_further() {
    let shop = Arc::new(Shop::start().await);
    shop.stock_up(&[Product::single("drop", "DROP", "50.00", 20)])
        .await;
    let view = split(&shop, 8).await.expect(200);
    assert_eq!(
        (&view["shards"], &view["available"]),
        (&json!(8), &json!(20))
    );
    split(&shop, 8).await.expect(200);
    split(&shop, 4)
        .await
        .expect_problem(409, "shards_cannot_shrink");
    for bad in [0, 17, -1] {
        split(&shop, bad)
            .await
            .expect_problem(422, "validation_failed");
    }
    // More than any shard has, and everything there is.
    let big = shop.buy(&[("DROP", 7)], "tok_ok", "paid").await;
    assert_eq!(big["lines"][0]["quantity"], 7);
    assert_eq!(shop.stock("DROP").await, StockCounts::unreserved(13));
    let mut buyers = Vec::new();
    for _ in 0..20 {
        let cart = shop.cart(&[("DROP", 1)]).await;
        let shop = Arc::clone(&shop);
        buyers.push(tokio::spawn(async move {
            shop.order(&cart, &order_body(&cart, "tok_ok")).await
        }));
    }
    let mut sold = 0;
    for buyer in buyers {
        let answer = buyer.await.unwrap();
        if answer.status == 201 {
            shop.order_becomes(&answer.json(), "paid").await;
            sold += 1;
        } else {
            answer.expect_problem(409, "out_of_stock");
        }
    }
    assert_eq!(sold, 13, "to the last unit");
    assert_eq!(shop.stock("DROP").await, StockCounts::unreserved(0));
    // A new count, and a declined payment that releases stock to the shard it came from.
    shop.staff_call("PUT", "/v1/admin/stock/DROP", &json!({ "on_hand": 5 }))
        .await
        .expect(200);
    assert_eq!(shop.stock("DROP").await, StockCounts::unreserved(5));
    shop.buy(&[("DROP", 4)], "tok_declined", "payment_failed")
        .await;
    assert_eq!(shop.stock("DROP").await, StockCounts::unreserved(5));
    reconciled(&shop).await;
}

#[tokio::test]
async fn a_new_price_holds_for_every_shard() {
    let shop = Shop::start().await;
    shop.stock_up(&[Product::single("drop", "DROP", "50.00", 200)])
        .await;
    split(&shop, 16).await.expect(200);
    shop.stock_up(&[Product::single("drop", "DROP", "60.00", 200)])
        .await;
    for _ in 0..12 {
        let cart = shop.cart(&[("DROP", 1)]).await;
        let placed = shop
            .order(&cart, &order_body(&cart, "tok_ok"))
            .await
            .expect(201);
        assert_eq!(placed["totals"]["total"]["amount"], 6000);
        shop.order_becomes(&placed, "paid").await;
    }
    assert_eq!(shop.stock("DROP").await, StockCounts::unreserved(188));
    let page = shop.get("/v1/products/drop").await.expect(200);
    assert_eq!(page["variants"][0]["available"], true);
    reconciled(&shop).await;
}

#[tokio::test]
async fn a_stock_that_somebody_changed_by_hand_is_found() {
    let shop = Shop::start().await;
    shop.stock_up(&[
        Product::single("drop", "DROP", "50.00", 20),
        Product::single("tee", "TEE", "10.00", 20),
    ])
    .await;
    split(&shop, 4).await.expect(200);
    shop.buy(&[("DROP", 7), ("TEE", 1)], "tok_ok", "paid").await;
    reconciled(&shop).await;
    // A unit disappears from a shard, and a sold one is not recorded.
    let by_hand = [
        (
            "VARIANT#DROP#2",
            "SHARD",
            "SET available = available - :units",
        ),
        (
            "VARIANT#TEE",
            "VARIANT",
            "SET sold = sold - :units, available = available + :units",
        ),
    ];
    for (found, (partition, sort, change)) in by_hand.into_iter().enumerate() {
        let update = json!({
            "TableName": shop.stack().template.table["TableName"],
            "Key": { "PK": { "S": partition }, "SK": { "S": sort } },
            "UpdateExpression": change,
            "ExpressionAttributeValues": { ":units": { "N": "1" } },
        });
        shop.table("UpdateItem", &update).await;
        shop.invoke("reconcile-stock", &json!({})).await.unwrap();
        let expected = format!(r#""StockDrift":{}"#, found + 1);
        assert!(shop.log().contains(&expected), "{}", shop.log());
    }
}

#[tokio::test]
async fn a_variant_on_backorder_sells_what_is_not_there() {
    let shop = Shop::start().await;
    let file = "Handle,Title,Variant SKU,Variant Price,Variant Inventory Qty,Variant Inventory Policy\n\
                poster,Poster,POSTER,12.00,1,continue\ncard,Card,CARD,2.00,1,deny\nbad,Bad,BAD,1.00,1,sometimes\n";
    let import = shop.import(file).await;
    assert_eq!(
        (&import["rows_imported"], &import["rows_failed"]),
        (&json!(2), &json!(1)),
        "{import}"
    );
    assert_eq!(
        import["errors"][0]["code"], "invalid_inventory_policy",
        "{import}"
    );
    shop.buy(&[("POSTER", 3)], "tok_ok", "paid").await;
    assert_eq!(shop.stock("POSTER").await, StockCounts::unreserved(-2));
    let page = shop.get("/v1/products/poster").await.expect(200);
    assert_eq!(page["variants"][0]["available"], true);
    let cart = shop.cart(&[("CARD", 2)]).await;
    shop.order(&cart, &order_body(&cart, "tok_ok"))
        .await
        .expect_problem(409, "out_of_stock");
    reconciled(&shop).await;
}

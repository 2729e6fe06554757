//! Covers: create-cart, get-cart, set-cart-line, remove-cart-line.

use serde_json::{Value, json};
use testkit::{Product, Shop, StockCounts};

fn skus(cart: &Value) -> Vec<&str> {
    let lines = cart["lines"].as_array().unwrap().iter();
    lines.map(|line| line["sku"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn lines_are_set_removed_and_priced_as_of_now() {
    let shop = Shop::start().await;
    let tee = |price| Product::single("tee", "TEE", price, 5);
    shop.stock_up(&[tee("10.00"), Product::single("mug", "MUG", "2.50", 5)])
        .await;

    let created = shop.send(shop.request("POST", "/v1/carts")).await;
    let empty = created.expect(201);
    let id = empty["id"].as_str().unwrap();
    assert_eq!(created.headers["location"], format!("/v1/carts/{id}"));
    assert_eq!(
        empty["totals"]["total"],
        json!({ "amount": 0, "currency": "USD", "decimals": 2 })
    );

    // The kind of fault: a response of its own making instead of the stored resource.
    let stored = shop.get(&format!("/v1/carts/{id}")).await.expect(200);
    assert_eq!(stored, empty);

    let path = |sku: &str| format!("/v1/carts/{id}/lines/{sku}");
    shop.call("PUT", &path("TEE"), &json!({ "quantity": 1 }))
        .await
        .expect(200);
    shop.call("PUT", &path("MUG"), &json!({ "quantity": 999 }))
        .await
        .expect(200);
    let cart = shop
        .call("PUT", &path("TEE"), &json!({ "quantity": 3 }))
        .await
        .expect(200);
    assert_eq!(
        skus(&cart),
        ["TEE", "MUG"],
        "lines stay in the order they were added"
    );
    let tee_line = &cart["lines"][0];
    assert_eq!(tee_line["quantity"], 3);
    assert_eq!(tee_line["title"], "tee title");
    assert_eq!(tee_line["unit_price"]["amount"], 1000);
    assert_eq!(tee_line["line_total"]["amount"], 3000);
    assert_eq!(tee_line["available"], true);
    assert_eq!(
        cart["lines"][1]["available"], false,
        "the stock would not serve it"
    );
    assert_eq!(cart["totals"]["total"]["amount"], 3000 + 999 * 250);

    shop.stock_up(&[tee("11.00")]).await;
    let again = shop.get(&format!("/v1/carts/{id}")).await.expect(200);
    assert_eq!(again["lines"][0]["unit_price"]["amount"], 1100);

    let cart = shop
        .send(shop.request("DELETE", &path("MUG")))
        .await
        .expect(200);
    assert_eq!(skus(&cart), ["TEE"]);
    shop.send(shop.request("DELETE", &path("MUG")))
        .await
        .expect_problem(404, "not_found");
}

#[tokio::test]
async fn a_full_cart_takes_no_further_line() {
    let shop = Shop::start().await;
    let mut file =
        "Handle,Title,Option1 Name,Option1 Value,Variant SKU,Variant Inventory Qty,Variant Price\n"
            .to_owned();
    for index in 0..51 {
        let head = if index == 0 { "Many,Number" } else { "," };
        file.push_str(&format!("many,{head},{index},SKU-{index},9,1\n"));
    }
    assert_eq!(shop.import(file).await["rows_imported"], 51);
    let all: Vec<String> = (0..50).map(|index| format!("SKU-{index}")).collect();
    let lines: Vec<(&str, u32)> = all.iter().map(|sku| (sku.as_str(), 1)).collect();
    let cart = shop.cart(&lines).await;
    let set = async |sku: &str, quantity: u32| {
        let path = format!("/v1/carts/{cart}/lines/{sku}");
        shop.call("PUT", &path, &json!({ "quantity": quantity }))
            .await
    };
    set("SKU-50", 1).await.expect_problem(409, "cart_full");
    set("SKU-49", 2).await.expect(200);
    // A cart of the maximum size can be ordered.
    let order = shop
        .order("full", &testkit::order_body(&cart, "tok_ok"))
        .await
        .expect(201);
    assert_eq!(order["totals"]["total"]["amount"], 5100);
}

#[tokio::test]
async fn an_expired_cart_is_gone() {
    let shop = Shop::start().await;
    shop.stock_up(&[Product::single("tee", "TEE", "10.00", 5)])
        .await;
    let cart = shop.cart(&[("TEE", 1)]).await;
    // The table deletes expired items days later; until then they must be ignored.
    let update = json!({
        "TableName": shop.stack().template.table["TableName"],
        "Key": { "PK": { "S": format!("CART#{cart}") }, "SK": { "S": "CART" } },
        "UpdateExpression": "SET expires_at = :past",
        "ExpressionAttributeValues": { ":past": { "N": "1000000000" } },
    });
    shop.table("UpdateItem", &update).await;
    shop.get(&format!("/v1/carts/{cart}"))
        .await
        .expect_problem(404, "not_found");
    let path = format!("/v1/carts/{cart}/lines/TEE");
    shop.call("PUT", &path, &json!({ "quantity": 1 }))
        .await
        .expect_problem(404, "not_found");
    shop.send(shop.request("DELETE", &path))
        .await
        .expect_problem(404, "not_found");
    let order = shop
        .order("expired", &testkit::order_body(&cart, "tok_ok"))
        .await;
    order.expect_problem(404, "not_found");
    assert_eq!(shop.stock("TEE").await, StockCounts::unreserved(5));
}

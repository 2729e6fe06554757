//! Covers: place-order, send-email and render-invoice with settings of staff instead of the template's values.

use serde_json::{Value, json};
use testkit::{Product, Shop, email_of, order_body};

async fn set(shop: &Shop, body: &Value) {
    shop.set(body).await;
    // Or the processes would see it some seconds later.
    let readers = ["place-order", "send-email", "render-invoice"].map(str::to_owned);
    shop.stack().lambda.restart(Some(&readers)).await;
}

#[tokio::test]
async fn settings_reach_orders_mails_and_invoices() {
    let parameters = [
        ("TaxRateBasisPoints", "1900"),
        ("SellerAddress", "Old Street 1"),
    ];
    let parameters = parameters.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let shop = Shop::start_with(parameters.into()).await;
    shop.stock_up(&[Product::single("tee", "TEE", "10.00", 9)])
        .await;
    set(
        &shop,
        &json!({
            "shop_name": "Long Meadow",
            "mail_sender_name": "Wüste & Söhne",
            "seller": { "name": "Meadow Goods GmbH", "address": ["Langwiese 1", "10115 Berlin"], "tax_id": "DE 136695976" },
            "tax_name": "MwSt.",
            "payment_window_seconds": 600,
            "hold_seconds": 60,
        }),
    )
    .await;
    let cart = shop.cart(&[("TEE", 1)]).await;
    let placed = shop.order(&cart, &order_body(&cart, "tok_ok")).await;
    let placed = placed.expect(201);
    let time = |name: &str| -> jiff::Timestamp { placed[name].as_str().unwrap().parse().unwrap() };
    let hold = time("due_at").duration_since(time("placed_at"));
    assert_eq!(hold.as_secs(), 60);
    shop.order_becomes(&placed, "paid").await;

    let address = email_of(&cart);
    let mail = shop
        .eventually("the confirmation", async || {
            shop.mails_to(&address).await.into_iter().next()
        })
        .await;
    let said = mail["text"].as_str().unwrap();
    assert!(said.contains("Long Meadow"), "{said}");
    assert!(!said.contains("Stampede Demo Shop"), "{said}");
    // "Wüste & Söhne", as a header has it.
    assert_eq!(
        mail["from"],
        "=?UTF-8?B?V8O8c3RlICYgU8O2aG5l?= <shop@example.com>"
    );

    let path = format!("/v1/orders/{}/invoice", placed["id"].as_str().unwrap());
    let token = placed["access_token"].as_str().unwrap();
    let invoice = shop
        .eventually("the invoice", async || {
            let request = shop.request("GET", &path).bearer_auth(token);
            let answer = shop.send(request).await;
            (answer.status == 200).then(|| answer.json())
        })
        .await;
    let pdf = reqwest::get(invoice["url"].as_str().unwrap());
    let pdf = pdf.await.unwrap().bytes().await.unwrap();
    let text = pdf_extract::extract_text_from_mem(&pdf).unwrap();
    for printed in ["Meadow Goods GmbH", "Langwiese 1", "DE 136695976", "MwSt."] {
        assert!(text.contains(printed), "{printed}: {text}");
    }
    assert!(!text.contains("Old Street"), "{text}");

    // An invoice that is issued stays as it is.
    set(&shop, &json!({ "seller": { "name": "Another Company" } })).await;
    let again = shop
        .send(shop.request("GET", &path).bearer_auth(token))
        .await;
    assert_eq!(again.expect(200)["number"], invoice["number"]);
}

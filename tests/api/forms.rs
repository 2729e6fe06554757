//! Values that people enter into forms, and the facts that forms need. Covers: place-order.

use serde_json::{Value, json};
use testkit::{Product, Shop, order_body};

/// Kinds of fault: accepted more loosely than by the next system (email addresses that SES does not
/// take), and invisible text (a name that shows nothing, line separators, direction overrides).
#[tokio::test]
async fn an_order_stores_text_that_can_be_seen_and_an_address_that_can_be_mailed() {
    let shop = Shop::start().await;
    shop.stock_up(&[Product::single("tee", "TEE", "10.00", 5)])
        .await;
    let cart = shop.cart(&[("TEE", 1)]).await;
    let order = order_body(&cart, "tok_ok");
    let refused = [
        ("/email", "pelé@example.com", "invalid_email"),
        ("/email", "pat@example.123", "invalid_email"),
        (
            "/shipping_address/name",
            "\u{200B}\u{200B}\u{3164}",
            "required",
        ),
        ("/shipping_address/city", "Lon\u{2028}don", "invalid"),
    ];
    for (pointer, value, code) in refused {
        let mut body = order.clone();
        *body.pointer_mut(pointer).unwrap() = json!(value);
        let problem = shop.order("k", &body).await;
        let problem = problem.expect_problem(422, "validation_failed");
        let field = pointer[1..].replace('/', ".");
        let error = json!([problem["errors"][0]["field"], problem["errors"][0]["code"]]);
        assert_eq!(error, json!([field, code]), "{value:?}");
    }
    let mut body = order;
    body["email"] = json!("Pia@Bu\u{308}cher.Example");
    body["shipping_address"]["name"] = json!("Pia \u{202E}Mu\u{308}ller\u{200B}");
    body["shipping_address"]["line2"] = json!("\u{2060}");
    let placed = shop.order("k", &body).await.expect(201);
    assert_eq!(placed["email"], "Pia@xn--bcher-kva.example");
    assert_eq!(placed["shipping_address"]["name"], "Pia Müller");
    assert_eq!(placed["shipping_address"]["line2"], Value::Null);
    // The mail goes to the address as the mail service takes it.
    shop.order_becomes(&placed, "paid").await;
    shop.eventually("the mail is caught", async || {
        let mails = shop.get("/_dev/mails").await.expect(200);
        let to = "Pia@xn--bcher-kva.example";
        mails.to_string().contains(to).then_some(())
    })
    .await;
}

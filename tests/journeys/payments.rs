//! Covers: capture-payment with every token of the test provider, send-email.

use testkit::{Product, Shop, StockCounts, email_of, order_body};

#[tokio::test]
async fn a_declined_payment_gives_the_stock_back_and_says_so() {
    let shop = Shop::start().await;
    shop.stock_up(&[Product::single("tee", "TEE", "10.00", 1)])
        .await;
    let cart = shop.cart(&[("TEE", 1)]).await;
    let placed = shop
        .order("declined", &order_body(&cart, "tok_declined"))
        .await
        .expect(201);
    assert_eq!(placed["status"], "pending_payment");
    let order = shop.order_becomes(&placed, "payment_failed").await;
    assert_eq!(
        (&order["payment"]["status"], &order["payment"]["failure"]),
        (&"failed".into(), &"declined".into())
    );
    assert_eq!(shop.stock("TEE").await, StockCounts::unreserved(1));
    // The unit can be sold to another customer.
    let cart_of_another = shop.cart(&[("TEE", 1)]).await;
    let placed = shop
        .order("another", &order_body(&cart_of_another, "tok_ok"))
        .await
        .expect(201);
    shop.order_becomes(&placed, "paid").await;
    for (cart, subject) in [
        (&cart_of_another, "is confirmed"),
        (&cart, "could not be paid"),
    ] {
        let mail = shop
            .eventually("both are mailed", async || {
                shop.mails_to(&email_of(cart)).await.into_iter().next()
            })
            .await;
        assert!(mail.to_string().contains(subject), "{mail}");
    }
}

#[tokio::test]
async fn a_flaky_provider_is_asked_again() {
    let shop = Shop::start().await;
    shop.stock_up(&[Product::single("tee", "TEE", "10.00", 1)])
        .await;
    let order = shop.buy(&[("TEE", 1)], "tok_flaky", "paid").await;
    assert_eq!(order["payment"]["status"], "captured");
    assert_eq!(shop.stock("TEE").await, StockCounts::unreserved(0));
}

#[tokio::test]
async fn a_provider_that_never_answers_fails_the_order_in_the_end() {
    let shop = Shop::start().await;
    shop.stock_up(&[Product::single("tee", "TEE", "10.00", 1)])
        .await;
    let order = shop
        .buy(&[("TEE", 1)], "tok_timeout", "payment_failed")
        .await;
    assert_eq!(order["payment"]["failure"], "provider_unavailable");
    assert_eq!(shop.stock("TEE").await, StockCounts::unreserved(1));
}

#[tokio::test]
async fn nothing_personal_is_logged() {
    let shop = Shop::start_with([("LogLevel".to_owned(), "debug".to_owned())].into()).await;
    shop.stock_up(&[Product::single("tee", "TEE", "10.00", 1)])
        .await;
    let cart = shop.cart(&[("TEE", 1)]).await;
    let placed = shop
        .order("logged", &order_body(&cart, "tok_ok"))
        .await
        .expect(201);
    shop.order_becomes(&placed, "paid").await;
    let email = email_of(&cart);
    shop.eventually("the mail is sent", async || {
        shop.mails_to(&email).await.into_iter().next()
    })
    .await;
    let log = shop.log();
    assert!(
        log.contains(placed["id"].as_str().unwrap()),
        "the order can be followed"
    );
    let secrets = [
        email.as_str(),
        "Lovelace",
        "St James",
        "tok_ok",
        placed["access_token"].as_str().unwrap(),
        shop.staff_token.as_str(),
        cart.as_str(),
    ];
    for secret in secrets {
        assert!(!log.contains(secret), "{secret} is in the log:\n{log}");
    }
}

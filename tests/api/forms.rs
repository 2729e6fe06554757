//! Values that people enter into forms, and the facts that forms need. Covers: place-order, list-countries, import-rows.

use std::collections::BTreeMap;

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

/// Kind of fault: one country's address format for all.
#[tokio::test]
async fn the_country_decides_which_fields_an_address_needs() {
    let shop = Shop::start().await;
    shop.stock_up(&[Product::single("tee", "TEE", "10.00", 5)])
        .await;
    let answer = shop.get("/v1/countries").await;
    assert!(answer.headers["cache-control"].starts_with("public, "));
    let countries = answer.expect(200);
    let country = |code: &str| {
        let countries = countries["items"].as_array().unwrap();
        countries
            .iter()
            .find(|country| country["code"] == code)
            .unwrap()
            .clone()
    };
    assert_eq!(
        country("US"),
        json!({
            "code": "US",
            "name": "United States",
            "fields": ["name", "line1", "line2", "city", "region", "postal_code"],
            "required": ["name", "line1", "city", "region", "postal_code"],
            "labels": {
                "name": "Full name", "line1": "Street and number", "line2": "Apartment, floor, company",
                "city": "City", "region": "State", "postal_code": "ZIP code",
            },
        })
    );
    assert_eq!(
        country("HK")["required"],
        json!(["name", "line1", "region"])
    );

    // A form that asks for what the API names as required places an order, wherever the country is.
    let cart = shop.cart(&[("TEE", 1)]).await;
    for (index, code) in ["HK", "QA", "AE", "IE", "XK", "US", "JP"]
        .iter()
        .enumerate()
    {
        let mut address = json!({ "country": code });
        for field in country(code)["required"].as_array().unwrap() {
            address[field.as_str().unwrap()] = json!("A");
        }
        let cart = if index == 0 {
            cart.clone()
        } else {
            shop.cart(&[("TEE", 1)]).await
        };
        let mut body = order_body(&cart, "tok_declined");
        body["shipping_address"] = address.clone();
        let placed = shop.order(&format!("k-{code}"), &body).await.expect(201);
        assert_eq!(placed["shipping_address"], address);
        shop.order_becomes(&placed, "payment_failed").await;
    }
    let mut body = order_body(&cart, "tok_ok");
    body["shipping_address"] =
        json!({ "name": "Ada", "line1": "1", "city": "Springfield", "country": "US" });
    let problem = shop.order("k-us", &body).await;
    let problem = problem.expect_problem(422, "validation_failed");
    let fields: Vec<&Value> = problem["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|error| &error["field"])
        .collect();
    assert_eq!(
        fields,
        ["shipping_address.region", "shipping_address.postal_code"]
    );
}

/// Kinds of fault: two tables for one fact (the decimals of a currency), and a value that is accepted
/// although a later system rejects it (Stripe charges three-decimal currencies in steps of 0.010).
#[tokio::test]
async fn a_price_says_its_decimals_and_can_be_charged() {
    let parameters = [("Currency", "KWD"), ("PaymentMethods", "test,stripe")];
    let parameters: BTreeMap<String, String> = parameters
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
    let shop = Shop::start_with(parameters).await;
    let file =
        "Handle,Title,Variant Price\ngood,Good,1.230\nodd,Odd,1.234\nhigh,High,10000000.001\n";
    let import = shop.import(file.as_bytes().to_vec()).await;
    let errors = import["errors"].as_array().unwrap();
    let said: Vec<(&Value, &Value)> = errors
        .iter()
        .map(|error| (&error["line"], &error["code"]))
        .collect();
    assert_eq!(
        said,
        [
            (&json!(3), &json!("invalid_price")),
            (&json!(4), &json!("invalid_price"))
        ]
    );
    let message = |index: usize| errors[index]["message"].as_str().unwrap();
    assert!(message(0).contains("0.010 KWD"), "{}", message(0));
    assert!(
        message(1).contains("from 0 to 10000000.000"),
        "{}",
        message(1)
    );
    let good = shop.get("/v1/products/good").await.expect(200);
    assert_eq!(
        good["variants"][0]["price"],
        json!({ "amount": 1230, "currency": "KWD", "decimals": 3 })
    );
    let list = shop.get("/v1/products").await.expect(200);
    assert_eq!(list["items"][0]["price"]["decimals"], 3);
}

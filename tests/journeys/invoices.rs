//! Covers: render-invoice, get-invoice, get-invoice-as-staff.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use testkit::{Product, Response, Shop, email_of, order_body, sqs_event};

/// The event of an order's change, as the relay sends it.
fn changed(order: &Value, version: u64, what: &str) -> String {
    let id = order["id"].as_str().unwrap();
    json!({
        "event_id": format!("{id}.{version}"),
        "occurred_at": "2026-11-22T10:00:00Z",
        "trace_id": "test",
        "type": "order_changed",
        "order_id": id,
        "version": version,
        "what": what,
    })
    .to_string()
}

/// The version that a change produced. The history begins with `placed`, which produced the first.
fn version(order: &Value, what: &str) -> u64 {
    let history = order["history"].as_array().unwrap();
    let index = history.iter().position(|entry| entry["what"] == what);
    assert!(index.is_some(), "never {what}: {order}");
    index.unwrap() as u64 + 1
}

async fn deliver(shop: &Shop, bodies: &[&str]) -> usize {
    let answer = shop.invoke("render-invoice", &sqs_event(bodies, 1)).await;
    let answer = answer.unwrap();
    answer["batchItemFailures"].as_array().unwrap().len()
}

async fn ask(shop: &Shop, placed: &Value) -> Response {
    let path = format!("/v1/orders/{}/invoice", placed["id"].as_str().unwrap());
    let token = placed["access_token"].as_str().unwrap();
    shop.send(shop.request("GET", &path).bearer_auth(token))
        .await
}

/// Waits until the invoice of an order is available and returns it.
async fn invoice(shop: &Shop, placed: &Value) -> Value {
    shop.eventually("the invoice is there", async || {
        let answer = ask(shop, placed).await;
        (answer.status == 200).then(|| answer.json())
    })
    .await
}

/// Downloads a document by its presigned URL, without a token.
async fn fetch(document: &Value) -> Vec<u8> {
    let answer = reqwest::get(document["url"].as_str().unwrap())
        .await
        .unwrap();
    assert_eq!(answer.status(), 200, "{document}");
    assert_eq!(answer.headers()["content-type"], "application/pdf");
    let name = format!("{}.pdf", document["number"].as_str().unwrap());
    let disposition = answer.headers()["content-disposition"].to_str().unwrap();
    assert!(
        disposition.contains("attachment") && disposition.contains(&name),
        "{disposition}"
    );
    let bytes = answer.bytes().await.unwrap().to_vec();
    assert!(bytes.starts_with(b"%PDF"));
    bytes
}

async fn text(document: &Value) -> String {
    pdf_extract::extract_text_from_mem(&fetch(document).await).unwrap()
}

/// An order at two times.
struct Bought {
    /// The response to its placement.
    placed: Value,
    /// The order once it is paid.
    order: Value,
}

/// Places an order with the given body and waits until it is paid.
async fn buy(shop: &Shop, key: &str, body: &Value) -> Bought {
    let placed = shop.order(key, body).await.expect(201);
    let order = shop.order_becomes(&placed, "paid").await;
    Bought { placed, order }
}

async fn refund(shop: &Shop, placed: &Value, key: &str, body: &Value) -> Response {
    let path = format!(
        "/v1/admin/orders/{}/refunds",
        placed["id"].as_str().unwrap()
    );
    let request = shop
        .request("POST", &path)
        .bearer_auth(&shop.staff_token)
        .header("Idempotency-Key", key)
        .json(body);
    shop.send(request).await
}

/// Waits until an order has this number of credit notes; returns its invoice.
async fn credited(shop: &Shop, placed: &Value, count: usize) -> Value {
    shop.eventually("the credit notes are there", async || {
        let invoice = ask(shop, placed).await.expect(200);
        (invoice["credit_notes"].as_array().unwrap().len() == count).then_some(invoice)
    })
    .await
}

/// Asserts that the numbers are `<series>-000001` to `<series>-<count>` of this or the next year,
/// without gaps.
fn assert_gapless(numbers: &[String], prefix: &str) {
    let distinct: BTreeSet<&String> = numbers.iter().collect();
    assert_eq!(distinct.len(), numbers.len(), "{numbers:?}");
    let counts: BTreeSet<u64> = numbers
        .iter()
        .map(|number| {
            let mut parts = number.split('-');
            assert_eq!(parts.next(), Some(prefix), "{number}");
            assert_eq!(parts.next().unwrap().len(), 4, "{number}");
            parts.next().unwrap().parse().unwrap()
        })
        .collect();
    assert_eq!(
        counts.into_iter().collect::<Vec<_>>(),
        (1..=numbers.len() as u64).collect::<Vec<_>>()
    );
}

#[tokio::test]
async fn a_paid_order_gets_an_invoice_and_only_who_may_sees_it() {
    let parameters = [
        ("SellerName", "Longmeadow Ltd"),
        ("SellerAddress", "12 Long Meadow|BA4 4BY Pilton|GB"),
        ("SellerTaxId", "GB 999 9999 73"),
        ("TaxName", "VAT"),
        ("TaxRateBasisPoints", "2000"),
    ];
    let parameters = parameters.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let shop = Shop::start_with(parameters.into()).await;
    shop.stock_up(&[
        Product::single("tee", "TEE", "10.00", 9),
        Product::single("mug", "MUG", "4.50", 9),
    ])
    .await;
    let cart = shop.cart(&[("TEE", 2), ("MUG", 1)]).await;
    let Bought { placed, order } = buy(&shop, "one", &order_body(&cart, "tok_ok")).await;
    let invoice = invoice(&shop, &placed).await;
    let number = invoice["number"].as_str().unwrap();
    assert_gapless(&[number.to_owned()], "INV");
    assert_eq!(
        invoice["total"],
        json!({ "amount": 2_450, "currency": "USD", "decimals": 2 })
    );
    assert_eq!(invoice["credit_notes"], json!([]));
    let text = text(&invoice).await;
    for fact in [
        number,
        order["number"].as_str().unwrap(),
        "Ada Lovelace",
        "12 St James",
        &email_of(&cart),
        "Longmeadow Ltd",
        "BA4 4BY Pilton",
        "GB 999 9999 73",
        "VAT",
        "4.08",
        "20.42",
        "24.50",
    ] {
        assert!(text.contains(fact), "{fact}: {text}");
    }

    let id = placed["id"].as_str().unwrap();
    let path = format!("/v1/orders/{id}/invoice");
    shop.get(&path).await.expect_problem(401, "unauthenticated");
    for token in ["oat_guess", shop.staff_token.as_str()] {
        let request = shop.request("GET", &path).bearer_auth(token);
        shop.send(request).await.expect_problem(404, "not_found");
    }
    let staff = format!("/v1/admin/orders/{id}/invoice");
    let seen = shop.staff_get(&staff).await.expect(200);
    assert_eq!(seen["number"], invoice["number"]);
    let customer = placed["access_token"].as_str().unwrap();
    let request = shop.request("GET", &staff).bearer_auth(customer);
    assert_eq!(shop.send(request).await.status, 401);
    let unknown = "/v1/admin/orders/ord_2GZ8W1Q4D6TN0XKJ5R7VBM3CYE/invoice";
    shop.staff_get(unknown)
        .await
        .expect_problem(404, "not_found");

    // Anyone who has the URL can download the file, for five minutes.
    let url = invoice["url"].as_str().unwrap();
    assert!(url.contains("X-Amz-Expires=300"), "{url}");
}

#[tokio::test]
async fn orders_at_once_get_numbers_without_gaps() {
    let shop = Shop::start().await;
    shop.stock_up(&[Product::single("tee", "TEE", "10.00", 50)])
        .await;
    let mut orders = Vec::new();
    for index in 0..20 {
        let cart = shop.cart(&[("TEE", 1)]).await;
        orders.push((format!("at-once-{index}"), order_body(&cart, "tok_ok")));
    }
    let bought = futures_util::future::join_all(
        orders
            .iter()
            .map(async |(key, body)| buy(&shop, key, body).await),
    )
    .await;
    // Orders whose messages are still queued are delivered again, all at once and beside the queue.
    let messages: Vec<String> = bought
        .iter()
        .map(|bought| changed(&bought.placed, version(&bought.order, "paid"), "paid"))
        .collect();
    let messages: Vec<&str> = messages.iter().map(String::as_str).collect();
    let batches = messages.chunks(4).map(|batch| deliver(&shop, batch));
    futures_util::future::join_all(batches).await;
    let mut numbers = Vec::new();
    for bought in &bought {
        let invoice = invoice(&shop, &bought.placed).await;
        numbers.push(invoice["number"].as_str().unwrap().to_owned());
    }
    assert_gapless(&numbers, "INV");
}

#[tokio::test]
async fn delivered_again_it_is_the_same_number_and_the_same_file() {
    let shop = Shop::start().await;
    shop.stock_up(&[Product::single("tee", "TEE", "10.00", 9)])
        .await;
    let cart = shop.cart(&[("TEE", 1)]).await;
    let Bought { placed, order } = buy(&shop, "again", &order_body(&cart, "tok_ok")).await;
    let first = invoice(&shop, &placed).await;
    let bytes = fetch(&first).await;
    let message = changed(&placed, version(&order, "paid"), "paid");

    let batch = [message.as_str(); 5];
    let failures =
        futures_util::future::join_all([deliver(&shop, &batch), deliver(&shop, &batch)]).await;
    assert_eq!(failures, [0, 0]);
    assert_eq!(fetch(&first).await, bytes);

    // The file is lost: the next delivery creates it again.
    let bucket = &shop.stack().template.outputs["InvoiceBucketName"];
    let key = format!(
        "invoices/{}/{}.pdf",
        placed["id"].as_str().unwrap(),
        first["number"].as_str().unwrap()
    );
    let s3 = &shop.stack().emulators.s3;
    let deleted = s3.delete_object().bucket(bucket).key(&key).send().await;
    deleted.unwrap();
    assert_eq!(deliver(&shop, &[&message]).await, 0);
    let again = invoice(&shop, &placed).await;
    assert_eq!(again["number"], first["number"]);
    assert_eq!(again["issued_at"], first["issued_at"]);
    assert_eq!(fetch(&again).await, bytes);

    // The next order has the next number: no number was used up meanwhile.
    let cart = shop.cart(&[("TEE", 1)]).await;
    let placed = buy(&shop, "next", &order_body(&cart, "tok_ok"))
        .await
        .placed;
    let next = invoice(&shop, &placed).await;
    assert!(next["number"].as_str().unwrap().ends_with("-000002"));
}

#[tokio::test]
async fn a_refund_gets_a_credit_note_of_its_own_series() {
    let shop = Shop::start().await;
    shop.stock_up(&[Product::single("tee", "TEE", "10.00", 9)])
        .await;
    let cart = shop.cart(&[("TEE", 3)]).await;
    let placed = buy(&shop, "refunded", &order_body(&cart, "tok_ok"))
        .await
        .placed;
    let first = invoice(&shop, &placed).await;
    let goods = json!({ "lines": [{ "sku": "TEE", "quantity": 1 }], "reason": "Too small." });
    assert!(refund(&shop, &placed, "goods", &goods).await.status < 300);
    credited(&shop, &placed, 1).await;
    let rest = refund(&shop, &placed, "rest", &json!({ "amount": 700 })).await;
    assert!(rest.status < 300, "{}", rest.text);
    let now = credited(&shop, &placed, 2).await;
    assert_eq!(now["number"], first["number"]);
    let notes = now["credit_notes"].as_array().unwrap();
    let numbers: Vec<String> = notes
        .iter()
        .map(|note| note["number"].as_str().unwrap().to_owned())
        .collect();
    assert_gapless(&numbers, "CRN");
    let totals: Vec<i64> = notes
        .iter()
        .map(|note| note["total"]["amount"].as_i64().unwrap())
        .collect();
    assert_eq!(totals, [1_000, 700]);
    let goods = text(&notes[0]).await;
    for fact in [
        "Credit note",
        &numbers[0],
        first["number"].as_str().unwrap(),
        "TEE",
        "Too small.",
    ] {
        assert!(goods.contains(fact), "{fact}: {goods}");
    }
    let amount = text(&notes[1]).await;
    assert!(
        amount.contains("Refund") && amount.contains("7.00"),
        "{amount}"
    );
}

#[tokio::test]
async fn what_cannot_be_stored_holds_nothing_up_and_is_made_later() {
    let shop = Shop::start().await;
    shop.stock_up(&[Product::single("tee", "TEE", "10.00", 9)])
        .await;
    // Storage is down: numbers are assigned, but files are not stored.
    let bucket = &shop.stack().template.outputs["InvoiceBucketName"];
    let s3 = &shop.stack().emulators.s3;
    s3.delete_bucket().bucket(bucket).send().await.unwrap();
    let cart = shop.cart(&[("TEE", 1)]).await;
    let Bought { placed, order } = buy(&shop, "outage", &order_body(&cart, "tok_ok")).await;
    let paid = changed(&placed, version(&order, "paid"), "paid");
    assert_eq!(deliver(&shop, &[&paid]).await, 1);
    let answer = ask(&shop, &placed).await;
    answer.expect_problem(404, "invoice_not_ready");
    let wait: u64 = answer.headers["retry-after"].parse().unwrap();
    assert!((5..=10).contains(&wait), "{wait}");
    let everything = refund(&shop, &placed, "everything", &json!({})).await;
    assert!(everything.status < 300, "{}", everything.text);
    let path = format!("/v1/admin/orders/{}", placed["id"].as_str().unwrap());
    let order = shop
        .eventually("the money is back", async || {
            let order = shop.staff_get(&path).await.expect(200);
            (order["status"] == "refunded").then_some(order)
        })
        .await;
    s3.create_bucket().bucket(bucket).send().await.unwrap();

    let refunded = changed(&placed, version(&order, "refunded"), "refunded");
    assert_eq!(deliver(&shop, &[&refunded]).await, 0);
    let now = credited(&shop, &placed, 1).await;
    assert!(now["number"].as_str().unwrap().ends_with("-000001"));
    let note = &now["credit_notes"][0];
    assert!(note["number"].as_str().unwrap().ends_with("-000001"));
    assert_eq!(note["total"]["amount"], 1_000);
    let file = fetch(&now).await;
    assert_eq!(deliver(&shop, &[&paid, &refunded]).await, 0);
    assert_eq!(fetch(&now).await, file);
}

#[tokio::test]
async fn a_refund_told_of_first_makes_the_invoice_too() {
    let shop = Shop::start().await;
    shop.stock_up(&[Product::single("tee", "TEE", "10.00", 9)])
        .await;
    let cart = shop.cart(&[("TEE", 1)]).await;
    let placed = buy(&shop, "order", &order_body(&cart, "tok_ok"))
        .await
        .placed;
    let first = invoice(&shop, &placed).await;
    let answer = refund(&shop, &placed, "everything", &json!({})).await;
    assert!(answer.status < 300, "{}", answer.text);
    let before = credited(&shop, &placed, 1).await;
    // Simulates a first delivery: both documents and their counters are deleted.
    let id = placed["id"].as_str().unwrap();
    let note = &before["credit_notes"][0];
    let series = |document: &Value| {
        let number = document["number"].as_str().unwrap().to_owned();
        format!("COUNTER#{}", number.rsplit_once('-').unwrap().0)
    };
    let credit_note = format!("CREDIT_NOTE#{}", note["refund_id"].as_str().unwrap());
    let keys = [
        (format!("INVOICE#{id}"), "INVOICE"),
        (format!("INVOICE#{id}"), credit_note.as_str()),
        (series(&first), "COUNTER"),
        (series(note), "COUNTER"),
    ];
    for (pk, sk) in keys {
        let request = json!({
            "TableName": shop.stack().template.table["TableName"],
            "Key": { "PK": { "S": pk }, "SK": { "S": sk } },
            "ReturnValues": "ALL_OLD",
        });
        let deleted = shop.table("DeleteItem", &request).await;
        assert!(deleted["Attributes"].is_object(), "{pk} {sk}");
    }
    ask(&shop, &placed)
        .await
        .expect_problem(404, "invoice_not_ready");

    let path = format!("/v1/admin/orders/{id}");
    let order = shop.staff_get(&path).await.expect(200);
    let refunded = changed(&placed, version(&order, "refunded"), "refunded");
    assert_eq!(deliver(&shop, &[&refunded]).await, 0);
    let now = credited(&shop, &placed, 1).await;
    assert_eq!(now["number"], first["number"]);
    assert_eq!(now["credit_notes"][0]["number"], note["number"]);
}

#[tokio::test]
async fn what_was_not_sold_has_no_invoice() {
    let shop = Shop::start().await;
    shop.stock_up(&[Product::single("tee", "TEE", "10.00", 9)])
        .await;
    let cart = shop.cart(&[("TEE", 1)]).await;
    let placed = shop
        .order("declined", &order_body(&cart, "tok_declined"))
        .await
        .expect(201);
    shop.order_becomes(&placed, "payment_failed").await;
    let answer = ask(&shop, &placed).await;
    let problem = answer.expect_problem(404, "not_found");
    assert!(problem["detail"].as_str().unwrap().contains("invoice"));
    assert!(!answer.headers.contains_key("retry-after"));
    // The event's kind does not matter: the order's history decides.
    let lie = changed(&placed, 2, "paid");
    assert_eq!(deliver(&shop, &[&lie]).await, 0);
    ask(&shop, &placed).await.expect_problem(404, "not_found");
}

#[tokio::test]
async fn names_of_every_script_are_printed() {
    let shop = Shop::start().await;
    shop.stock_up(&[Product::single("tee", "TEE", "10.00", 9)])
        .await;
    for name in ["王小明", "محمد علي", "Łukasz Żółć"] {
        let cart = shop.cart(&[("TEE", 1)]).await;
        let mut body = order_body(&cart, "tok_ok");
        body["shipping_address"]["name"] = name.into();
        body["shipping_address"]["city"] = "القاهرة 北京".into();
        let placed = buy(&shop, &cart, &body).await.placed;
        let text = text(&invoice(&shop, &placed).await).await;
        assert!(!text.contains('\u{fffd}'), "{name}: {text}");
        // Right-to-left text is drawn in visual order; its letters are present.
        let letters: BTreeSet<char> = text.chars().collect();
        for letter in name.chars() {
            assert!(letters.contains(&letter), "{letter} of {name}: {text}");
        }
    }
}

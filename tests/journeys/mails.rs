//! Covers: send-email and suppress-address: each mail once for its event, and none to who must not
//! get any.

use serde_json::{Value, json};
use testkit::{Product, Shop, email_of, order_body, sqs_event};

async fn shop() -> Shop {
    let shop = Shop::start().await;
    let products = [
        Product::single("tee", "TEE", "10.00", 9),
        Product::single("mug", "MUG", "8.50", 9),
    ];
    shop.stock_up(&products).await;
    shop
}

/// Waits until an address has received this many emails, and asserts that one of them has this subject;
/// returns that one.
async fn mailed(shop: &Shop, address: &str, count: usize, subject: &str) -> Value {
    let mails = shop
        .eventually(&format!("mail {count}: {subject}"), async || {
            let mails = shop.mails_to(address).await;
            (mails.len() >= count).then_some(mails)
        })
        .await;
    assert_eq!(mails.len(), count, "{mails:?}");
    let found: Vec<&Value> = mails
        .iter()
        .filter(|mail| mail["subject"].as_str().unwrap().contains(subject))
        .collect();
    assert_eq!(found.len(), 1, "{subject}: {mails:?}");
    found[0].clone()
}

/// Asserts that both versions of an email contain each of these facts.
#[track_caller]
fn says(mail: &Value, facts: &[&str]) {
    for form in ["text", "html"] {
        let said = mail[form].as_str().unwrap();
        for fact in facts {
            assert!(said.contains(fact), "{fact}: {said}");
        }
    }
}

async fn place(shop: &Shop, lines: &[(&str, u32)], token: &str) -> (String, Value) {
    let cart = shop.cart(lines).await;
    let placed = shop
        .order(&cart, &order_body(&cart, token))
        .await
        .expect(201);
    (email_of(&cart), placed)
}

/// Performs a staff action on an order.
async fn staff(shop: &Shop, placed: &Value, what: &str, key: &str, body: Value) {
    let path = format!("/v1/admin/orders/{}/{what}", placed["id"].as_str().unwrap());
    let request = shop
        .request("POST", &path)
        .bearer_auth(&shop.staff_token)
        .header("Idempotency-Key", key)
        .json(&body);
    // A repeated request changes nothing, and so sends no email.
    let again = request.try_clone().unwrap();
    // The refund is executed later by another function.
    let status = if what == "refunds" { 202 } else { 201 };
    shop.send(request).await.expect(status);
    shop.send(again).await.expect(status);
}

async fn cancel(shop: &Shop, placed: &Value, body: &Value) {
    let path = format!("/v1/orders/{}/cancel", placed["id"].as_str().unwrap());
    let request = shop
        .request("POST", &path)
        .bearer_auth(placed["access_token"].as_str().unwrap())
        .header("Idempotency-Key", "cancel")
        .json(body);
    shop.send(request).await.expect(200);
}

#[tokio::test]
async fn every_step_of_an_order_is_mailed_once() {
    let shop = shop().await;
    let (address, placed) = place(&shop, &[("TEE", 2), ("MUG", 1)], "tok_ok").await;
    shop.order_becomes(&placed, "paid").await;
    let number = placed["number"].as_str().unwrap();
    let mail = mailed(&shop, &address, 1, "is confirmed").await;
    says(
        &mail,
        &[
            number,
            "28.50 USD",
            "20.00 USD",
            "Ada Lovelace",
            "Stampede Demo Shop",
        ],
    );

    let parcel = json!({
        "lines": [{ "sku": "TEE", "quantity": 1 }],
        "carrier": "Swift <b>",
        "tracking_number": "SW-1",
        "tracking_url": "https://example.com/track?id=SW-1",
    });
    staff(&shop, &placed, "fulfilments", "first", parcel).await;
    let mail = mailed(&shop, &address, 2, "Part of your order").await;
    says(
        &mail,
        &[
            number,
            "SW-1",
            "https://example.com/track?id=SW-1",
            "Still to come",
        ],
    );
    assert!(mail["html"].as_str().unwrap().contains("Swift &#60;b&#62;"));

    staff(&shop, &placed, "fulfilments", "rest", json!({})).await;
    let mail = mailed(
        &shop,
        &address,
        3,
        &format!("Your order {number} is on its way"),
    )
    .await;
    assert!(!mail["text"].as_str().unwrap().contains("Still to come"));

    let back = json!({ "lines": [{ "sku": "MUG", "quantity": 1 }], "reason": "Chipped" });
    staff(&shop, &placed, "refunds", "mug", back).await;
    let mail = mailed(&shop, &address, 4, "Your refund").await;
    says(&mail, &[number, "8.50 USD", "Chipped"]);
}

#[tokio::test]
async fn who_cancels_after_paying_hears_of_the_money_twice() {
    let shop = shop().await;
    let (address, placed) = place(&shop, &[("TEE", 1)], "tok_ok").await;
    shop.order_becomes(&placed, "paid").await;
    mailed(&shop, &address, 1, "is confirmed").await;
    cancel(&shop, &placed, &json!({ "reason": "Changed my mind" })).await;
    // The refund follows by itself; the order of the emails depends on the queues.
    let mail = mailed(&shop, &address, 3, "is cancelled").await;
    says(&mail, &["on its way back", "10.00 USD", "Changed my mind"]);
    says(
        &mailed(&shop, &address, 3, "Your refund").await,
        &["10.00 USD"],
    );
}

#[tokio::test]
async fn who_was_not_charged_is_told_so() {
    let shop = Shop::start_with([("PaymentWindowSeconds".to_owned(), "1".to_owned())].into()).await;
    shop.stock_up(&[Product::single("tee", "TEE", "10.00", 9)])
        .await;
    let (address, placed) = place(&shop, &[("TEE", 1)], "tok_declined").await;
    shop.order_becomes(&placed, "payment_failed").await;
    let mail = mailed(&shop, &address, 1, "could not be paid").await;
    says(&mail, &["declined", "Nothing was charged", "10.00 USD"]);

    // The provider does not answer for longer than the reservation lasts.
    let (address, placed) = place(&shop, &[("TEE", 1)], "tok_timeout").await;
    let path = format!("/v1/admin/orders/{}", placed["id"].as_str().unwrap());
    shop.eventually("its time is up", async || {
        shop.sweep().await;
        let order = shop.staff_get(&path).await.expect(200);
        (order["status"] == "expired").then_some(())
    })
    .await;
    let mail = mailed(&shop, &address, 1, "has expired").await;
    says(
        &mail,
        &["was not paid by", "Nothing was charged", "10.00 USD"],
    );
}

/// A bounce or complaint as SNS delivers it.
fn feedback(kind: &str, detail: &str, address: &str) -> Value {
    let event = match kind {
        "Complaint" => json!({
            "eventType": "Complaint",
            "complaint": { "complainedRecipients": [{ "emailAddress": address }], "complaintFeedbackType": detail },
            "mail": { "messageId": "m" },
        }),
        kind => json!({
            "eventType": "Bounce",
            "bounce": { "bounceType": kind, "bounceSubType": detail, "bouncedRecipients": [{ "emailAddress": address }] },
            "mail": { "messageId": "m" },
        }),
    };
    json!({ "Type": "Notification", "Message": event.to_string() })
}

#[tokio::test]
async fn who_bounces_or_complains_gets_no_further_mail() {
    let shop = shop().await;
    for (kind, detail, gets_more) in [
        ("Permanent", "General", false),
        ("Complaint", "abuse", false),
        ("Transient", "MailboxFull", true),
        ("Complaint", "not-spam", true),
    ] {
        let (address, placed) = place(&shop, &[("TEE", 1)], "tok_ok").await;
        shop.order_becomes(&placed, "paid").await;
        mailed(&shop, &address, 1, "is confirmed").await;

        // Through the queue, like a real one; SES may change the case of the address.
        let stack = shop.stack();
        let mut queues = stack.template.queues.iter();
        let queue = queues.find(|queue| queue.name.ends_with("SuppressAddressQueue"));
        let url = format!(
            "{}/000000000000/{}",
            stack.emulators.endpoint,
            queue.unwrap().name
        );
        let before = handled(&shop);
        let body = feedback(kind, detail, &address.to_uppercase()).to_string();
        let sent = stack.emulators.sqs.send_message().queue_url(url);
        sent.message_body(body).send().await.unwrap();
        shop.eventually("the feedback is read", async || {
            (handled(&shop) > before).then_some(())
        })
        .await;

        staff(&shop, &placed, "fulfilments", &address, json!({})).await;
        if gets_more {
            mailed(&shop, &address, 2, "is on its way").await;
            continue;
        }
        let id = placed["id"].as_str().unwrap();
        let key =
            json!({ "PK": { "S": format!("INBOX#send-email#{id}.4") }, "SK": { "S": "INBOX" } });
        let request = json!({ "TableName": stack.template.table["TableName"], "Key": key });
        let noted = shop
            .eventually("the event is noted as done", async || {
                let answer = shop.table("GetItem", &request).await;
                let item = answer["Item"].clone();
                (item["done"]["BOOL"] == true).then_some(item)
            })
            .await;
        assert_eq!(noted["effect"]["S"], "suppressed", "{noted}");
        assert_eq!(shop.mails_to(&address).await.len(), 1, "{kind} {detail}");
    }
    let log = shop.log();
    assert!(log.contains("mail suppressed") && log.contains("mail bounced for now"));
    assert!(
        !log.to_lowercase().contains("@example.com"),
        "an address is in the log:\n{log}"
    );
}

/// The kind of fault: an older message overwrites newer truth.
#[tokio::test]
async fn late_feedback_does_not_undo_a_lifting() {
    let shop = Shop::start().await;
    let complaint = |minute: u32| {
        let at = format!("2026-11-22T10:{minute:02}:00.000Z");
        let event = json!({
            "eventType": "Complaint",
            "complaint": {
                "complainedRecipients": [{ "emailAddress": "ada@example.com" }],
                "complaintFeedbackType": format!("abuse-{minute}"),
                "timestamp": at,
            },
            "mail": { "messageId": "m" },
        });
        json!({ "Type": "Notification", "Message": event.to_string() }).to_string()
    };
    let deliver = async |minute: u32| {
        let event = sqs_event(&[&complaint(minute)], 1);
        shop.invoke("suppress-address", &event).await.unwrap();
        let written = shop.log();
        written.matches("older than the address").count()
    };
    assert_eq!(deliver(10).await, 0);
    assert_eq!(deliver(10).await, 0, "a duplicate is not late");
    assert_eq!(deliver(5).await, 1);

    // As the runbook lifts it.
    let hash = domain::notifications::suppression::AddressHash::of("ada@example.com");
    const TWENTY_PAST_TEN: &str = "1795342800000";
    let lift = json!({
        "TableName": shop.stack().template.table["TableName"],
        "Key": { "PK": { "S": format!("SUPPRESSED#{hash}") }, "SK": { "S": "SUPPRESSED" } },
        "UpdateExpression": "SET lifted_at_ms = :now",
        "ConditionExpression": "attribute_exists(PK)",
        "ExpressionAttributeValues": { ":now": { "N": TWENTY_PAST_TEN } },
    });
    shop.table("UpdateItem", &lift).await;
    assert_eq!(deliver(15).await, 2);
    assert_eq!(deliver(25).await, 2, "a new complaint counts");
}

/// Number of batches that suppress-address has logged.
fn handled(shop: &Shop) -> usize {
    let log = shop.log();
    let lines = log
        .lines()
        .filter(|line| line.starts_with("suppress-address: "));
    lines.filter(|line| line.contains("batch.failures")).count()
}

#[tokio::test]
async fn feedback_that_cannot_be_read_fails_alone() {
    let shop = Shop::start().await;
    let good = feedback("Permanent", "General", "ada@example.com").to_string();
    let works =
        json!({ "Message": "Successfully validated SNS topic for Amazon SES event publishing." });
    let works = works.to_string();
    let odd = json!({ "Message": "ada@example.com" }).to_string();
    let bodies = ["not json", &good, &works, &odd, "{}", &good];
    let answer = shop
        .invoke("suppress-address", &sqs_event(&bodies, 1))
        .await
        .unwrap();
    let failures = answer["batchItemFailures"].as_array().unwrap().iter();
    let failed: Vec<&str> = failures
        .map(|failure| failure["itemIdentifier"].as_str().unwrap())
        .collect();
    assert_eq!(failed, ["m0", "m3", "m4"]);
    // One item per address, without the address itself.
    assert_eq!(shop.items(), 1);
    assert!(!shop.log().contains("ada@example.com"));
}

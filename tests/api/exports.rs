//! Covers: start-export, get-export, export-account, delete-me: what a person gets of their data, and what stays of an account that
//! was deleted.

use futures_util::future::join_all;
use serde_json::{Value, json};
use testkit::{Product, Shop, order_body, sqs_event};

use crate::{
    accounts::{PASSWORD, access, account, link_token, log_in, with},
    audit::{chain_of, put, records, verify},
    people::{account_of, item, told},
};

const EXPORT: &str = "/v1/me/export";
const NAME: &str = "Ada Lovelace-Byron";
const STREET: &str = "12 Unlikely Street";

/// Keys of the files of exports.
async fn files(shop: &Shop) -> Vec<String> {
    let stack = shop.stack();
    let bucket = &stack.template.outputs["UploadBucketName"];
    let list = stack.emulators.s3.list_objects_v2().bucket(bucket);
    let listed = list.prefix("exports/").send().await.unwrap();
    let keys = listed.contents().iter();
    keys.map(|object| object.key().unwrap().to_owned())
        .collect()
}

/// All items of the table.
async fn items(shop: &Shop) -> Vec<Value> {
    let scan = json!({
        "TableName": shop.stack().template.table["TableName"], "ConsistentRead": true,
    });
    let found = shop.table("Scan", &scan).await;
    found["Items"].as_array().unwrap().clone()
}

/// Items that have one of these texts.
async fn naming(shop: &Shop, texts: &[&str]) -> Vec<String> {
    let items = items(shop).await.into_iter();
    items
        .map(|item| item.to_string())
        .filter(|item| texts.iter().any(|text| item.contains(text)))
        .collect()
}

async fn start(shop: &Shop, tokens: &Value) -> Value {
    let started = with(shop, tokens, "POST", EXPORT, &Value::Null).await;
    let export = started.expect(202);
    let place = format!("/v1/me/exports/{}", id(&export));
    assert_eq!(started.headers["location"], place);
    export
}

fn id(export: &Value) -> &str {
    export["id"].as_str().unwrap()
}

/// The job of an export.
fn job(export: &Value) -> String {
    id(export).replace("exp_", "job_")
}

async fn get(shop: &Shop, tokens: &Value, export: &Value) -> Value {
    let path = format!("/v1/me/exports/{}", id(export));
    let got = with(shop, tokens, "GET", &path, &Value::Null).await;
    got.expect(200)
}

async fn completed(shop: &Shop, tokens: &Value, export: &Value) -> Value {
    shop.eventually("the export is complete", async || {
        let export = get(shop, tokens, export).await;
        assert_ne!(export["state"], "failed", "{}", shop.log());
        (export["state"] == "completed").then_some(export)
    })
    .await
}

async fn download(export: &Value) -> Value {
    let url = export["download_url"].as_str().unwrap();
    let answer = reqwest::get(url).await.unwrap();
    let kind = &answer.headers()["content-type"];
    assert_eq!(kind, "application/json");
    serde_json::from_str(&answer.text().await.unwrap()).unwrap()
}

/// Gives an account a name, an address, and a cart with these lines.
async fn furnish(shop: &Shop, tokens: &Value, lines: &[(&str, u32)]) -> String {
    let name = json!({ "name": NAME, "email_consent": true });
    with(shop, tokens, "PATCH", "/v1/me", &name)
        .await
        .expect(200);
    let mut address = json!({ "address": order_body("", "")["shipping_address"] });
    address["address"]["line1"] = json!(STREET);
    with(shop, tokens, "POST", "/v1/me/addresses", &address)
        .await
        .expect(201);
    cart(shop, tokens, lines).await
}

async fn cart(shop: &Shop, tokens: &Value, lines: &[(&str, u32)]) -> String {
    let cart = with(shop, tokens, "POST", "/v1/carts", &Value::Null).await;
    let cart = id(&cart.expect(201)).to_owned();
    for (sku, quantity) in lines {
        let path = format!("/v1/carts/{cart}/lines/{sku}");
        let body = json!({ "quantity": quantity });
        with(shop, tokens, "PUT", &path, &body).await.expect(200);
    }
    cart
}

/// Places an order for a cart, and waits until it is paid, has its invoice, and is in the list of its owner.
async fn order(shop: &Shop, tokens: &Value, cart: &str) -> Value {
    let request = shop
        .request("POST", "/v1/orders")
        .bearer_auth(access(tokens));
    let request = request.header("Idempotency-Key", cart);
    let placed = shop.send(request.json(&order_body(cart, "tok_ok"))).await;
    let placed = placed.expect(201);
    let path = format!("/v1/orders/{}", id(&placed));
    shop.eventually("the order has its invoice", async || {
        let invoice = format!("{path}/invoice");
        let invoice = with(shop, tokens, "GET", &invoice, &Value::Null).await;
        (invoice.status == 200).then_some(())
    })
    .await;
    shop.eventually("the order is listed", async || {
        let listed = with(shop, tokens, "GET", "/v1/orders", &Value::Null).await;
        let listed = listed.expect(200);
        let mut items = listed["items"].as_array().unwrap().iter();
        items.any(|it| it["id"] == placed["id"]).then_some(())
    })
    .await;
    placed
}

async fn delete(shop: &Shop, tokens: &Value) {
    let body = json!({ "password": PASSWORD });
    let deleted = with(shop, tokens, "DELETE", "/v1/me", &body).await;
    assert_eq!(deleted.status, 204, "{}", deleted.text);
}

#[tokio::test]
async fn a_person_gets_everything_that_the_shop_has() {
    let shop = Shop::start().await;
    shop.stock_up(&[Product::single("tee", "TEE", "10.00", 50)])
        .await;
    let ada = account(&shop, "ada@example.com").await;
    let first = furnish(&shop, &ada, &[("TEE", 2)]).await;
    let placed = order(&shop, &ada, &first).await;
    let second = cart(&shop, &ada, &[("TEE", 3)]).await;
    with(&shop, &ada, "PUT", "/v1/me/wishlist/TEE", &Value::Null)
        .await
        .expect(200);

    // However often it is asked for, one is made.
    let started = join_all((0..4).map(|_| start(&shop, &ada))).await;
    let export = &started[0];
    for other in &started {
        assert_eq!(other["id"], export["id"]);
        assert_eq!(other["download_url"], Value::Null);
    }
    let export = completed(&shop, &ada, export).await;
    assert!(export["available_until"].is_string(), "{export}");
    assert!(export["download_url_expires_at"].is_string(), "{export}");
    let document = download(&export).await;
    assert_eq!(document["format"], 1);
    assert_eq!(document["not_included"], json!(["audit_trail"]));
    let of_account = &document["account"];
    assert_eq!(of_account["profile"]["email"], "ada@example.com");
    assert_eq!(of_account["profile"]["name"], NAME);
    assert!(of_account["profile"]["email_consent_at"].is_string());
    assert_eq!(of_account["addresses"][0]["address"]["line1"], STREET);
    assert_eq!(of_account["sessions"].as_array().unwrap().len(), 1);
    assert_eq!(of_account["passkeys"], json!([]));
    assert_eq!(of_account["authenticator_app"]["is_set_up"], false);
    assert_eq!(of_account["cart"]["id"], second.as_str());
    assert_eq!(of_account["cart"]["lines"][0]["quantity"], 3);
    assert_eq!(of_account["wishlist"][0]["sku"], "TEE");
    assert_eq!(of_account["profile"]["customer_groups"], json!([]));
    let orders = document["orders"].as_array().unwrap();
    assert_eq!(orders.len(), 1);
    assert_eq!(orders[0]["id"], placed["id"]);
    assert_eq!(orders[0]["status"], "paid");
    assert_eq!(orders[0]["payment"]["status"], "captured");
    assert_eq!(orders[0]["lines"][0]["sku"], "TEE");
    let number = orders[0]["invoices"][0]["number"].as_str().unwrap();
    assert!(number.starts_with("INV-"), "{number}");
    let text = document.to_string();
    for secret in ["argon2", "oat_", "client_secret", access(&ada)] {
        assert!(!text.contains(secret), "{secret}: {text}");
    }

    // The owner is told, without the file.
    told(&shop, "ada@example.com", "Your data are ready").await;
    let mails = shop.mails_to("ada@example.com").await;
    assert!(mails.iter().all(|it| !it.to_string().contains("X-Amz")));
    // What was needed on the way is gone.
    let document_key = format!("exports/{}/data.json", id(&export));
    shop.eventually("only the document is left", async || {
        (files(&shop).await == [document_key.clone()]).then_some(())
    })
    .await;
    // It is on record, and the staff see that it is, but not whose.
    let person = account_of(&ada);
    let query = format!("subject=account:{person}&action=account.exported");
    let recorded = records(&shop, &query, 1).await;
    assert_eq!(recorded[0]["actor"], format!("customer:{person}"));
    let path = format!("/v1/admin/jobs/{}", job(&export));
    let seen = shop.staff_get(&path).await.expect(200);
    assert_eq!(seen["kind"], "account_export");
    assert_eq!(seen["progress"]["done"], 2);
    assert_eq!(seen["result_url"], Value::Null);
    let seen = seen.to_string();
    assert!(!seen.contains(&person) && !seen.contains("ada@"), "{seen}");
    let log = shop.log();
    assert!(!log.contains(NAME) && !log.contains(STREET), "{log}");
}

#[tokio::test]
async fn an_export_is_its_owners_alone() {
    let shop = Shop::start().await;
    let ada = account(&shop, "ada@example.com").await;
    let bob = account(&shop, "bob@example.com").await;
    let export = start(&shop, &ada).await;
    let export = completed(&shop, &ada, &export).await;
    let path = format!("/v1/me/exports/{}", id(&export));
    with(&shop, &bob, "GET", &path, &Value::Null)
        .await
        .expect_problem(404, "not_found");
    for (method, path) in [("GET", path.as_str()), ("POST", EXPORT)] {
        shop.send(shop.request(method, path))
            .await
            .expect_problem(401, "unauthenticated");
    }
    let unknown = "/v1/me/exports/exp_01M80ZDQCX70JRTJ4H42YQDFMD";
    with(&shop, &ada, "GET", unknown, &Value::Null)
        .await
        .expect_problem(404, "not_found");
    // A job of another kind is no export.
    let request = shop
        .request("POST", "/v1/admin/jobs")
        .bearer_auth(&shop.staff_token)
        .header("Idempotency-Key", "rebuild")
        .json(&json!({ "kind": "order_lists_rebuild" }));
    let rebuild = shop.send(request).await.expect(202);
    let path = format!("/v1/me/exports/{}", id(&rebuild).replace("job_", "exp_"));
    with(&shop, &ada, "GET", &path, &Value::Null)
        .await
        .expect_problem(404, "not_found");
    // Staff do not start exports of others.
    let request = shop.request("POST", "/v1/admin/jobs");
    let request = request
        .bearer_auth(&shop.staff_token)
        .header("Idempotency-Key", "export");
    shop.send(request.json(&json!({ "kind": "account_export" })))
        .await
        .expect_problem(422, "validation_failed");
}

#[tokio::test]
async fn a_person_starts_a_few_exports_a_day() {
    let shop = Shop::start().await;
    shop.set(&json!({ "limits": { "export_data": { "requests": 1, "seconds": 86_400 } } }))
        .await;
    let readers = ["start-export".to_owned()];
    shop.stack().lambda.restart(Some(&readers)).await;
    let ada = account(&shop, "ada@example.com").await;
    let bob = account(&shop, "bob@example.com").await;
    let export = start(&shop, &ada).await;
    completed(&shop, &ada, &export).await;
    with(&shop, &ada, "POST", EXPORT, &Value::Null)
        .await
        .expect_problem(429, "rate_limited");
    start(&shop, &bob).await;
}

/// A message of the consumer.
fn message(event: &Value) -> Value {
    let mut body = json!({
        "event_id": event["job_id"].as_str().unwrap_or("erased"),
        "occurred_at": "2026-11-22T10:00:00Z", "trace_id": "test", "kind": "account_export",
    });
    let fields = event.as_object().unwrap().clone();
    body.as_object_mut().unwrap().extend(fields);
    sqs_event(&[&body.to_string()], 1)
}

async fn deliver(shop: &Shop, event: &Value) -> usize {
    let answer = shop.invoke("export-account", &message(event)).await;
    answer.unwrap()["batchItemFailures"]
        .as_array()
        .unwrap()
        .len()
}

/// The kind of fault: a process that goes on for a person who is not there any more.
#[tokio::test]
async fn the_export_of_an_account_that_is_deleted_meanwhile_ends() {
    let mut shop = Shop::start().await;
    let ada = account(&shop, "ada@example.com").await;
    furnish(&shop, &ada, &[]).await;
    let person = account_of(&ada);
    shop.stop_triggers();
    let export = start(&shop, &ada).await;
    let job = job(&export);
    let started = json!({ "type": "job_started", "job_id": job, "run": 1 });
    let step = |step: u32| json!({ "type": "job_step_due", "job_id": job, "step": step });
    assert_eq!(deliver(&shop, &started).await, 0);
    assert_eq!(deliver(&shop, &step(1)).await, 0);
    assert_eq!(files(&shop).await.len(), 2, "the plan and a part");
    delete(&shop, &ada).await;

    assert_eq!(deliver(&shop, &step(2)).await, 0);
    assert_eq!(files(&shop).await, [""; 0]);
    let path = format!("/v1/admin/jobs/{job}");
    let ended = shop.staff_get(&path).await.expect(200);
    assert_eq!(ended["state"], "failed");
    assert_eq!(ended["errors"][0]["code"], "account_deleted");
    // Its token is valid for some minutes, and starts no other one.
    with(&shop, &ada, "POST", EXPORT, &Value::Null)
        .await
        .expect_problem(401, "unauthenticated");
    let seen = format!("/v1/me/exports/{}", id(&export));
    with(&shop, &ada, "GET", &seen, &Value::Null)
        .await
        .expect_problem(401, "unauthenticated");

    // What a request with such a token writes goes with the second round.
    let address = json!({ "address": order_body("", "")["shipping_address"] });
    with(&shop, &ada, "POST", "/v1/me/addresses", &address)
        .await
        .expect(201);
    let erased = |at: &str| {
        json!({
            "type": "account_changed", "account_id": person, "version": 9, "what": "erased",
            "occurred_at": at,
        })
    };
    let now = runtime::now().to_string();
    assert_eq!(deliver(&shop, &erased(&now)).await, 1, "it comes again");
    let left = async || {
        let items = items(&shop).await;
        let partition = format!("ACCOUNT#{person}");
        let own = items.iter().filter(|it| it["PK"]["S"] == partition);
        let mut keys: Vec<String> = own
            .map(|it| it["SK"]["S"].as_str().unwrap().to_owned())
            .collect();
        keys.sort();
        keys
    };
    let entry = format!("EXPORT#{}", id(&export));
    assert_eq!(left().await, ["ACCOUNT".to_owned(), entry]);
    assert_eq!(deliver(&shop, &erased("2026-11-22T10:00:00Z")).await, 0);
    assert_eq!(left().await, ["ACCOUNT"]);
    assert_eq!(deliver(&shop, &erased("2026-11-22T10:00:00Z")).await, 0);
}

/// The kind of fault: data of a person whom nobody knows any more.
#[tokio::test]
async fn a_deleted_account_leaves_nothing_personal() {
    let shop = Shop::start().await;
    shop.stock_up(&[Product::single("tee", "TEE", "10.00", 50)])
        .await;
    let ada = account(&shop, "ada@example.com").await;
    let bob = account(&shop, "bob@example.com").await;
    let person = account_of(&ada);
    let cart = furnish(&shop, &ada, &[("TEE", 1)]).await;
    log_in(&shop, "ada@example.com", PASSWORD).await.expect(200);
    let change = json!({ "email": "countess@example.org", "password": PASSWORD });
    with(&shop, &ada, "POST", "/v1/me/email", &change)
        .await
        .expect(202);
    let link = link_token(&shop, "countess@example.org", 1).await;
    let export = start(&shop, &ada).await;
    completed(&shop, &ada, &export).await;
    // Enough is known of the person: account, profile, sessions.
    let of_ada = format!("subject=account:{person}&limit=100");
    shop.eventually("the trail knows the person", async || {
        let page = shop.staff_get(&format!("/v1/admin/audit?{of_ada}")).await;
        let text = page.expect(200).to_string();
        (text.contains("ada@example.com") && text.contains(NAME)).then_some(())
    })
    .await;
    let texts = ["ada@example.com", "countess@example.org", NAME, STREET];
    assert!(naming(&shop, &texts).await.len() >= 4);

    delete(&shop, &ada).await;
    shop.eventually("nothing of the person is in the table", async || {
        let left = naming(&shop, &texts).await;
        left.is_empty().then_some(())
    })
    .await;
    shop.eventually("no file is left", async || {
        files(&shop).await.is_empty().then_some(())
    })
    .await;
    assert_eq!(
        item(&shop, &format!("CART#{cart}"), "CART").await,
        Value::Null
    );
    let tombstone = item(&shop, &format!("ACCOUNT#{person}"), "ACCOUNT").await;
    assert_eq!(
        tombstone["last_change"]["M"].get("from"),
        None,
        "{tombstone}"
    );
    let key = item(&shop, &format!("PERSON#{person}"), "KEY").await;
    assert_eq!(key.get("key"), None);
    assert!(key["destroyed_at"].is_object(), "{key}");
    let confirm = json!({ "token": link });
    shop.call("POST", "/v1/auth/email/confirm", &confirm)
        .await
        .expect_problem(400, "invalid_link");

    // The trail says that it was, and no more: not of before, and not of a record that comes late.
    let erased = records(
        &shop,
        &format!("subject=account:{person}&action=account.erased"),
        1,
    )
    .await;
    assert_eq!(erased[0]["personal"], json!([]));
    assert_eq!(erased[0]["from"], Value::Null);
    put(&shop, &late_session(&person)).await;
    let late = format!("subject=account:{person}&action=login.succeeded");
    let logins = records(&shop, &late, 3).await;
    assert_eq!(logins[0]["personal"], json!([]), "{}", logins[0]);
    let page = shop.staff_get(&format!("/v1/admin/audit?{of_ada}")).await;
    let page = page.expect(200);
    for record in page["items"].as_array().unwrap() {
        assert_eq!(record["from"], Value::Null, "{record}");
        let values = record["personal"].as_array().unwrap().iter();
        assert!(
            values.into_iter().all(|it| it["value"].is_null()),
            "{record}"
        );
    }
    verify(&shop, chain_of(&format!("account:{person}"))).await;
    // Of others everything is there.
    let of_bob = format!(
        "subject=account:{}&action=login.succeeded",
        account_of(&bob)
    );
    let of_bob = records(&shop, &of_bob, 1).await;
    assert!(of_bob[0]["personal"][0]["value"].is_string());
    with(&shop, &bob, "GET", "/v1/me", &Value::Null)
        .await
        .expect(200);
    // The address is free.
    let body = json!({ "email": "ada@example.com", "password": PASSWORD });
    shop.call("POST", "/v1/auth/register", &body)
        .await
        .expect(202);
}

/// A session whose stream record comes after its account was deleted.
fn late_session(account: &str) -> Value {
    let id = "ses_01KB0Z3VWQ8X4H2YJZ9N6KDP09";
    json!({
        "PK": { "S": format!("ACCOUNT#{account}") }, "SK": { "S": format!("SESSION#{id}") },
        "entity_type": { "S": "session" }, "schema_version": { "N": "1" }, "id": { "S": id },
        "account": { "S": account }, "generation": { "N": "1" }, "current": { "S": "x" },
        "rotated_at": { "S": "2099-11-22T10:00:00Z" }, "created_at": { "S": "2099-11-22T10:00:00Z" },
        "device": { "S": "Firefox" }, "is_strong": { "BOOL": false },
        "idle_seconds": { "N": "2592000" }, "ends_at": { "N": "4102444800" },
        "trace_id": { "S": "late" }, "expires_at": { "N": "4102444800" },
    })
}

/// Orders stay for accounting: as they are, with the account that has no owner any more.
#[tokio::test]
async fn orders_outlive_their_account() {
    let shop = Shop::start().await;
    shop.stock_up(&[Product::single("tee", "TEE", "10.00", 50)])
        .await;
    let ada = account(&shop, "ada@example.com").await;
    let cart = cart(&shop, &ada, &[("TEE", 2)]).await;
    let placed = order(&shop, &ada, &cart).await;
    let path = format!("/v1/admin/orders/{}", id(&placed));
    let before = shop.staff_get(&path).await.expect(200);
    delete(&shop, &ada).await;
    let after = shop.staff_get(&path).await.expect(200);
    assert_eq!(after, before);
    // To refund it, nobody needs the account.
    let request = shop
        .request("POST", &format!("{path}/refunds"))
        .bearer_auth(&shop.staff_token)
        .header("Idempotency-Key", "refund");
    let refund = shop.send(request.json(&json!({ "amount": 500 }))).await;
    assert_eq!(refund.status, 202, "{}", refund.text);
}

//! Covers: get-shop, get-settings, change-settings, list-settings-revisions, get-settings-revision, restore-settings.

use std::{
    collections::BTreeSet,
    sync::atomic::{AtomicBool, AtomicU32, Ordering},
    time::{Duration, Instant},
};

use futures_util::future::join_all;
use serde_json::{Value, json};
use testkit::{Product, Response, Shop, order_body};

const SETTINGS: &str = "/v1/admin/settings";
const REVISIONS: &str = "/v1/admin/settings/revisions";

/// Changes settings under the version `etag`, or without one.
async fn patch(shop: &Shop, etag: Option<&str>, body: &Value) -> Response {
    let mut request = shop.request("PATCH", SETTINGS);
    if let Some(etag) = etag {
        request = request.header("If-Match", etag);
    }
    shop.send(request.bearer_auth(&shop.staff_token).json(body))
        .await
}

async fn etag(shop: &Shop) -> String {
    let read = shop.staff_get(SETTINGS).await;
    read.expect(200);
    read.headers["etag"].clone()
}

async fn restore(shop: &Shop, revision: &str, etag: Option<&str>) -> Response {
    let path = format!("{REVISIONS}/{revision}/restore");
    let mut request = shop.request("POST", &path);
    if let Some(etag) = etag {
        request = request.header("If-Match", etag);
    }
    shop.send(request.bearer_auth(&shop.staff_token)).await
}

/// A parameter of the template.
fn parameter(name: &str, value: &str) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

#[tokio::test]
async fn the_shop_says_what_clients_need() {
    let parameters = [
        parameter("ShopName", "Long Meadow"),
        parameter("Currency", "JPY"),
        parameter("PaymentMethods", "stripe,test"),
        parameter("StripePublishableKey", "pk_test_123"),
        parameter("Locales", "DE-ch,en,de-CH"),
    ];
    let shop = Shop::start_with(parameters.into()).await;
    let read = shop.get("/v1/shop").await;
    let view = read.expect(200);
    let countries = shop.get("/v1/countries").await.expect(200);
    assert_eq!(
        view,
        json!({
            "name": "Long Meadow",
            "currencies": [{ "code": "JPY", "decimals": 0 }],
            "countries": countries["items"],
            "payment_methods": [
                { "method": "stripe", "publishable_key": "pk_test_123" },
                { "method": "test" },
            ],
            "locales": ["de-CH", "en"],
            "legal_links": {},
            "flags": {},
        })
    );
    let etag = &read.headers["etag"];
    let again = shop.request("GET", "/v1/shop");
    let again = shop.send(again.header("If-None-Match", etag)).await;
    assert_eq!((again.status, again.text.as_str()), (304, ""));
    let head = shop.send(shop.request("HEAD", "/v1/shop")).await;
    assert_eq!((head.status, head.text.as_str()), (200, ""));
    assert_eq!(&head.headers["etag"], etag);
    // Never longer than a change may take, and never stale.
    for answer in [&read, &again, &head] {
        let control = &answer.headers["cache-control"];
        let age = control
            .strip_prefix("public, max-age=")
            .and_then(|rest| rest.split_once(", s-maxage="))
            .unwrap();
        assert_eq!(age.0, age.1, "{control}");
        assert!(age.0.parse::<u32>().unwrap() < 10, "{control}");
    }
    shop.call("POST", "/v1/shop", &json!({}))
        .await
        .expect_problem(405, "method_not_allowed");
}

#[tokio::test]
async fn settings_replace_the_template_and_null_returns_to_it() {
    let shop = Shop::start_with([parameter("SellerAddress", "1 High Street|London")].into()).await;
    let read = shop.staff_get(SETTINGS).await;
    let before = read.expect(200);
    assert_eq!(read.headers["etag"], "\"0\"");
    assert_eq!(before["revision"], 0);
    assert_eq!(before["set"], json!([]));
    assert_eq!(
        before["seller"]["address"],
        json!(["1 High Street", "London"])
    );
    assert_eq!(before["mail_sender_name"], before["shop_name"]);
    assert_eq!(before["payment_window_seconds"], 900);
    assert_eq!(before["seller"], before["defaults"]["seller"]);
    assert!(before.get("changed_by").is_none() && before.get("changed_at").is_none());

    let change = json!({
        "shop_name": "  Long   Meadow ",
        "seller": { "name": "Long Meadow GmbH", "tax_id": "" },
        "tax_name": "MwSt.",
        "payment_window_seconds": 1200,
        "legal_links": { "terms": "https://wiese.example/agb", "imprint": "/imprint.html" },
        "publishable_keys": { "stripe": "pk_live_1" },
        "locales": ["DE", "en"],
        "flags": { "reviews": true, "wishlist": false },
    });
    let answer = patch(&shop, Some("\"0\""), &change).await;
    let changed = answer.expect(200);
    assert_eq!(answer.headers["etag"], "\"1\"");
    assert_eq!(changed["revision"], 1);
    assert_eq!(changed["shop_name"], "Long Meadow");
    assert_eq!(changed["mail_sender_name"], "Long Meadow");
    assert_eq!(changed["seller"]["name"], "Long Meadow GmbH");
    assert_eq!(changed["seller"].get("tax_id"), None);
    assert_eq!(changed["locales"], json!(["de", "en"]));
    assert_eq!(changed["changed_by"], "staff:test");
    assert_eq!(changed["defaults"], before["defaults"]);
    assert_eq!(shop.staff_get(SETTINGS).await.expect(200), changed);

    // Absent members stay, those of an object, too.
    let body = json!({ "seller": { "name": null }, "flags": { "reviews": null, "gifts": true } });
    let second = shop.set(&body).await;
    assert_eq!(
        second["seller"],
        json!({
            "name": before["seller"]["name"],
            "address": before["seller"]["address"],
            "email": before["seller"]["email"],
        })
    );
    assert_eq!(second["flags"], json!({ "gifts": true, "wishlist": false }));
    assert_eq!(second["tax_name"], "MwSt.");

    // A patch without effect makes no revision.
    for body in [
        json!({}),
        json!({ "tax_name": " MwSt. " }),
        json!({ "hold_seconds": null }),
    ] {
        assert_eq!(shop.set(&body).await, second);
    }
    let all = json!({
        "shop_name": null, "mail_sender_name": null, "seller": null, "tax_name": null,
        "payment_window_seconds": null, "hold_seconds": null, "locales": null,
        "legal_links": null, "publishable_keys": null, "flags": null,
    });
    let mut none = shop.set(&all).await;
    assert_eq!(none["revision"], 3);
    for added in ["revision", "changed_at", "changed_by"] {
        none.as_object_mut().unwrap().remove(added);
    }
    let mut plain = before.clone();
    plain.as_object_mut().unwrap().remove("revision");
    assert_eq!(none, plain);
}

#[tokio::test]
async fn a_change_names_the_version_that_it_replaces() {
    let shop = Shop::start().await;
    let body = json!({ "tax_name": "MwSt." });
    patch(&shop, None, &body)
        .await
        .expect_problem(428, "precondition_required");
    for stale in ["\"1\"", "\"99\"", "\"x\"", "W/\"1\"", "\"\""] {
        patch(&shop, Some(stale), &body)
            .await
            .expect_problem(412, "precondition_failed");
    }
    for malformed in ["0", "\"0", "\"0\", \"1\""] {
        patch(&shop, Some(malformed), &body)
            .await
            .expect_problem(400, "bad_request");
    }
    assert_eq!(etag(&shop).await, "\"0\"");
    // As a client returns the tag that a CDN has weakened.
    patch(&shop, Some("W/\"0\""), &body).await.expect(200);
    // Repeated after a lost response: once is enough.
    patch(&shop, Some("\"0\""), &body)
        .await
        .expect_problem(412, "precondition_failed");
    patch(&shop, Some("*"), &json!({ "tax_name": "USt." }))
        .await
        .expect(200);
    assert_eq!(etag(&shop).await, "\"2\"");
    restore(&shop, "1", None)
        .await
        .expect_problem(428, "precondition_required");
    restore(&shop, "1", Some("\"1\""))
        .await
        .expect_problem(412, "precondition_failed");
}

#[tokio::test]
async fn faults_of_a_change_are_named_and_change_nothing() {
    let shop = Shop::start().await;
    let faults = async |body: Value| {
        let answer = patch(&shop, Some("\"0\""), &body).await;
        let problem = answer.expect_problem(422, "validation_failed");
        let faults = problem["errors"].as_array().unwrap().iter();
        let names: Vec<String> = faults
            .map(|fault| {
                format!(
                    "{} {}",
                    fault["field"].as_str().unwrap(),
                    fault["code"].as_str().unwrap()
                )
            })
            .collect();
        names
    };
    let many = json!({
        "shop_name": "",
        "seller": { "email": "nobody" },
        "payment_window_seconds": 604_801,
        "publishable_keys": { "stripe": "sk_live_1" },
    });
    assert_eq!(
        faults(many).await,
        [
            "shop_name required",
            "seller.email invalid_email",
            "payment_window_seconds out_of_range",
            "publishable_keys.stripe invalid",
        ]
    );
    for (body, fault) in [
        (json!({ "shopname": "x" }), "shopname unknown_field"),
        (
            json!({ "seller": { "phone": "1" } }),
            "seller.phone unknown_field",
        ),
        (json!({ "revision": 7 }), "revision unknown_field"),
        (json!({ "shop_name": 7 }), "shop_name wrong_type"),
        (json!({ "seller": ["x"] }), "seller wrong_type"),
        (
            json!({ "payment_window_seconds": 1.5 }),
            "payment_window_seconds wrong_type",
        ),
        (
            json!({ "payment_window_seconds": -1 }),
            "payment_window_seconds wrong_type",
        ),
        (json!({ "flags": { "a": "yes" } }), "flags.a wrong_type"),
        (json!({ "hold_seconds": 901 }), "hold_seconds out_of_range"),
    ] {
        assert_eq!(faults(body).await, [fault]);
    }
    let twice = shop
        .request("PATCH", SETTINGS)
        .bearer_auth(&shop.staff_token)
        .header("If-Match", "\"0\"")
        .header("Content-Type", "application/merge-patch+json")
        .body(r#"{"flags":{"a":true,"a":false}}"#);
    let problem = shop
        .send(twice)
        .await
        .expect_problem(422, "validation_failed");
    assert_eq!(problem["errors"][0]["code"], "duplicate_field");
    let read = shop.staff_get(SETTINGS).await.expect(200);
    assert_eq!(read["revision"], 0);
    assert_eq!(shop.items(), 0, "no document");
}

#[tokio::test]
async fn every_revision_is_listed_and_can_be_restored() {
    let shop = Shop::start().await;
    let list = async |query: &str| {
        let path = format!("{REVISIONS}{query}");
        shop.staff_get(&path).await.expect(200)
    };
    assert_eq!(list("").await, json!({ "items": [], "next_cursor": null }));
    for number in 1..=5 {
        shop.set(&json!({ "tax_name": format!("Tax {number}") }))
            .await;
    }
    let full = list("").await;
    let items = full["items"].as_array().unwrap();
    let numbers: Vec<u64> = items
        .iter()
        .map(|it| it["revision"].as_u64().unwrap())
        .collect();
    assert_eq!(numbers, [5, 4, 3, 2, 1]);
    assert_eq!(items[0]["changed"], json!(["tax_name"]));
    assert_eq!(items[0]["changed_by"], "staff:test");
    assert_eq!(full["next_cursor"], Value::Null);

    // Page by page: each once, also if one is added meanwhile.
    let mut seen = Vec::new();
    let mut page = list("?limit=2").await;
    shop.set(&json!({ "tax_name": "Tax 6" })).await;
    loop {
        let items = page["items"].as_array().unwrap();
        assert!(items.len() <= 2);
        seen.extend(items.iter().map(|it| it["revision"].as_u64().unwrap()));
        let Some(cursor) = page["next_cursor"].as_str() else {
            break;
        };
        page = list(&format!("?limit=2&cursor={cursor}")).await;
    }
    assert_eq!(seen, [5, 4, 3, 2, 1]);
    for (query, code) in [
        ("?cursor=x", "invalid_cursor"),
        ("?limit=0", "validation_failed"),
    ] {
        let status = if code == "invalid_cursor" { 400 } else { 422 };
        let path = format!("{REVISIONS}{query}");
        shop.staff_get(&path).await.expect_problem(status, code);
    }

    let second = shop.staff_get(&format!("{REVISIONS}/2")).await.expect(200);
    assert_eq!(
        (&second["revision"], &second["tax_name"]),
        (&json!(2), &json!("Tax 2"))
    );
    let answer = restore(&shop, "2", Some("\"6\"")).await;
    let restored = answer.expect(200);
    assert_eq!(answer.headers["etag"], "\"7\"");
    assert_eq!(restored["tax_name"], "Tax 2");
    assert_eq!(restored["restored_from"], 2);
    assert_eq!(list("?limit=1").await["items"][0]["restored_from"], 2);
    // What was restored from is as it was.
    let again = shop.staff_get(&format!("{REVISIONS}/2")).await.expect(200);
    assert_eq!(again, second);

    let none = restore(&shop, "0", Some("\"7\"")).await.expect(200);
    assert_eq!((&none["revision"], &none["set"]), (&json!(8), &json!([])));
    assert_eq!(none["tax_name"], none["defaults"]["tax_name"]);
    for unknown in ["9", "07", "x", "-1", "18446744073709551616"] {
        restore(&shop, unknown, Some("\"8\""))
            .await
            .expect_problem(404, "not_found");
        shop.staff_get(&format!("{REVISIONS}/{unknown}"))
            .await
            .expect_problem(404, "not_found");
    }
    let template = shop.staff_get(&format!("{REVISIONS}/0")).await.expect(200);
    assert_eq!(template["set"], json!([]));
}

#[tokio::test]
async fn of_two_changes_at_once_one_wins_and_none_is_lost() {
    let shop = Shop::start().await;
    for round in 0..3 {
        let version = etag(&shop).await;
        let changes = (0..6).map(|number| {
            let body = json!({ "flags": { format!("r{round}_{number}"): true } });
            let (shop, version) = (&shop, version.clone());
            async move { patch(shop, Some(&version), &body).await }
        });
        let answers = join_all(changes).await;
        let won = answers.iter().filter(|answer| answer.status == 200).count();
        assert_eq!(won, 1, "round {round}");
        for lost in answers.iter().filter(|answer| answer.status != 200) {
            lost.expect_problem(412, "precondition_failed");
        }
    }
    // Who asks for any version gets the one that is there: all changes are made, one after the other.
    let changes = (0..6).map(|number| {
        let body = json!({ "flags": { format!("any_{number}"): true } });
        let shop = &shop;
        async move {
            shop.eventually("it is changed", async || {
                let answer = patch(shop, Some("*"), &body).await;
                assert!([200, 503].contains(&answer.status), "{}", answer.text);
                (answer.status == 200).then(|| answer.json()["revision"].as_u64().unwrap())
            })
            .await
        }
    });
    let revisions: BTreeSet<u64> = join_all(changes).await.into_iter().collect();
    assert_eq!(revisions, (4..=9).collect());
    let flags = shop.staff_get(SETTINGS).await.expect(200)["flags"].clone();
    assert_eq!(flags.as_object().unwrap().len(), 3 + 6);
}

/// The time in which a change takes effect everywhere.
const EVERYWHERE: Duration = Duration::from_secs(10);

/// Under load: many processes, each with settings of its own age.
#[tokio::test]
async fn a_change_is_seen_everywhere_within_ten_seconds() {
    let shop = Shop::start().await;
    shop.stock_up(&[Product::single("tee", "TEE", "10.00", 500)])
        .await;
    let is_over = AtomicBool::new(false);
    // Responses before the change, each by a process that has the old settings.
    let (old_reads, old_orders) = (AtomicU32::new(0), AtomicU32::new(0));
    let changed_at = std::sync::OnceLock::new();
    // Reads all the while; a response that began late and is old is a fault.
    let reader = async || {
        let mut new = false;
        let mut reads = 0_u32;
        while !is_over.load(Ordering::Relaxed) {
            let began = Instant::now();
            let name = shop.get("/v1/shop").await.expect(200)["name"].clone();
            let is_new = name == "After";
            old_reads.fetch_add(u32::from(!is_new), Ordering::Relaxed);
            if let Some(changed) = changed_at.get() {
                let late = began.duration_since(*changed) > EVERYWHERE;
                assert!(is_new || !late, "{name} after {:?}", changed.elapsed());
            }
            new = is_new;
            reads += 1;
        }
        (new, reads)
    };
    let orders = async || {
        let mut windows = Vec::new();
        while !is_over.load(Ordering::Relaxed) {
            let cart = shop.cart(&[("TEE", 1)]).await;
            let began = Instant::now();
            let placed = shop.order(&cart, &order_body(&cart, "tok_ok")).await;
            let placed = placed.expect(201);
            let time =
                |name: &str| -> jiff::Timestamp { placed[name].as_str().unwrap().parse().unwrap() };
            let window = time("due_at").duration_since(time("placed_at")).as_secs();
            assert!([300, 120].contains(&window), "{window}");
            old_orders.fetch_add(u32::from(window == 300), Ordering::Relaxed);
            if let Some(changed) = changed_at.get() {
                let late = began.duration_since(*changed) > EVERYWHERE;
                assert!(
                    window == 120 || !late,
                    "{window} after {:?}",
                    changed.elapsed()
                );
            }
            windows.push(window);
        }
        windows
    };
    let change = async {
        shop.eventually("processes have the old settings", async || {
            let enough = |count: &AtomicU32, least| count.load(Ordering::Relaxed) >= least;
            (enough(&old_reads, 50) && enough(&old_orders, 3)).then_some(())
        })
        .await;
        let version = etag(&shop).await;
        let body = json!({ "shop_name": "After", "payment_window_seconds": 120 });
        patch(&shop, Some(&version), &body).await.expect(200);
        changed_at.set(Instant::now()).unwrap();
        shop.eventually("time has passed", async || {
            let changed: &Instant = changed_at.get().unwrap();
            (changed.elapsed() > EVERYWHERE + Duration::from_secs(2)).then_some(())
        })
        .await;
        is_over.store(true, Ordering::Relaxed);
    };
    let (a, b, c, d, windows, ()) =
        tokio::join!(reader(), reader(), reader(), reader(), orders(), change);
    for (new, reads) in [a, b, c, d] {
        assert!(new && reads > 10, "{reads} reads");
    }
    assert_eq!(windows.last(), Some(&120));
}

#[tokio::test]
async fn an_order_records_the_revisions_that_it_was_placed_with() {
    let shop = Shop::start().await;
    shop.stock_up(&[Product::single("tee", "TEE", "10.00", 9)])
        .await;
    let place = async || {
        let cart = shop.cart(&[("TEE", 1)]).await;
        let placed = shop.order(&cart, &order_body(&cart, "tok_ok")).await;
        let placed = placed.expect(201);
        assert!(placed.get("revisions").is_none(), "for staff only");
        let path = format!("/v1/admin/orders/{}", placed["id"].as_str().unwrap());
        shop.staff_get(&path).await.expect(200)["revisions"].clone()
    };
    assert_eq!(place().await, json!({ "settings": 0 }));
    shop.set(&json!({ "payment_window_seconds": 60 })).await;
    shop.set(&json!({ "payment_window_seconds": 90 })).await;
    let restart = ["place-order".to_owned()];
    shop.stack().lambda.restart(Some(&restart)).await;
    assert_eq!(place().await, json!({ "settings": 2 }));
}

/// What somebody has done to the table.
struct Damage<'a>(&'a Shop);

impl Damage<'_> {
    fn table(&self) -> Value {
        self.0.stack().template.table["TableName"].clone()
    }

    async fn delete(&self, pk: &str, sk: &str) {
        let key = json!({ "PK": { "S": pk }, "SK": { "S": sk } });
        let request = json!({ "TableName": self.table(), "Key": key });
        self.0.table("DeleteItem", &request).await;
    }

    /// Has the control item name this revision, as a copy from a backup does.
    async fn point_to(&self, revision: u32) {
        let request = json!({
            "TableName": self.table(),
            "Key": { "PK": { "S": "CONTROL" }, "SK": { "S": "CONTROL" } },
            "UpdateExpression": "SET settings = :revision",
            "ExpressionAttributeValues": { ":revision": { "N": revision.to_string() } },
        });
        self.0.table("UpdateItem", &request).await;
    }

    /// Sets an attribute to a text.
    async fn garble(&self, pk: &str, sk: &str, attribute: &str) {
        let request = json!({
            "TableName": self.table(),
            "Key": { "PK": { "S": pk }, "SK": { "S": sk } },
            "UpdateExpression": "SET #a = :text",
            "ExpressionAttributeNames": { "#a": attribute },
            "ExpressionAttributeValues": { ":text": { "S": "{" } },
        });
        self.0.table("UpdateItem", &request).await;
    }
}

fn position(revision: u32) -> String {
    format!("{revision:010}")
}

/// What a shopper sees through a process that starts now.
async fn cold_name(shop: &Shop) -> Value {
    shop.stack()
        .lambda
        .restart(Some(&["get-shop".to_owned()]))
        .await;
    shop.get("/v1/shop").await.expect(200)["name"].clone()
}

#[tokio::test]
async fn a_document_that_is_gone_or_broken_gives_way_to_the_last_good_one() {
    for broken in [None, Some("body"), Some("revision")] {
        let shop = Shop::start().await;
        shop.set(&json!({ "shop_name": "First" })).await;
        shop.set(&json!({ "shop_name": "Second" })).await;
        let damage = Damage(&shop);
        match broken {
            None => damage.delete("DOCUMENT#settings", &position(2)).await,
            Some(attribute) => {
                let sk = position(2);
                damage.garble("DOCUMENT#settings", &sk, attribute).await;
            }
        }
        assert_eq!(cold_name(&shop).await, "First", "{broken:?}");
        assert_eq!(cold_name(&shop).await, "First", "{broken:?}");
        let log = shop.log();
        let said = log.matches("document not used").count();
        assert_eq!(said, 2, "once in each process: {log}");
        assert_eq!(log.matches(r#""DocumentNotUsed":1"#).count(), 2, "{log}");
        // Staff see that, and a change repairs it.
        let read = shop.staff_get(SETTINGS).await.expect(200);
        assert_eq!(read["revision"], 2);
        assert_eq!(read["revision_in_use"], 1);
        assert_eq!(read["shop_name"], "First");
        let path = format!("{REVISIONS}/2");
        let (status, code) = match broken {
            None => (404, "not_found"),
            Some(_) => (409, "revision_unreadable"),
        };
        shop.staff_get(&path).await.expect_problem(status, code);
        restore(&shop, "2", Some("\"2\""))
            .await
            .expect_problem(status, code);
        let list = shop.staff_get(REVISIONS).await.expect(200);
        let oldest = list["items"].as_array().unwrap().last().unwrap();
        assert_eq!(oldest["revision"], 1, "others are listed");
        // Even one that changes nothing of what is in use.
        let repaired = patch(&shop, Some("\"2\""), &json!({})).await.expect(200);
        assert_eq!(repaired["revision"], 3);
        assert!(repaired.get("revision_in_use").is_none());
        assert_eq!(cold_name(&shop).await, "First");
    }
}

#[tokio::test]
async fn a_lost_control_item_loses_no_revision() {
    let shop = Shop::start().await;
    shop.set(&json!({ "shop_name": "First" })).await;
    shop.set(&json!({ "shop_name": "Second" })).await;
    assert_eq!(cold_name(&shop).await, "Second");
    Damage(&shop).delete("CONTROL", "CONTROL").await;
    // A running process keeps what it has, and says so once.
    shop.eventually("it has checked again", async || {
        assert_eq!(shop.get("/v1/shop").await.expect(200)["name"], "Second");
        shop.log().contains("document not used").then_some(())
    })
    .await;
    // The numbers of the documents that are there are not given again.
    let list = shop.staff_get(REVISIONS).await.expect(200);
    assert_eq!(list["items"].as_array().unwrap().len(), 2);
    let answer = restore(&shop, "2", Some("\"0\"")).await;
    let restored = answer.expect(200);
    assert_eq!(
        (&restored["revision"], &restored["shop_name"]),
        (&json!(3), &json!("Second"))
    );
    assert_eq!(cold_name(&shop).await, "Second");
    let log = shop.log();
    assert_eq!(log.matches("document not used").count(), 1, "{log}");

    // Lost together with the newest document: its number is not given again either.
    let damage = Damage(&shop);
    damage.delete("CONTROL", "CONTROL").await;
    damage
        .garble("DOCUMENT#settings", &position(3), "revision")
        .await;
    let body = json!({ "shop_name": "Fourth" });
    let fourth = patch(&shop, Some("\"0\""), &body).await.expect(200);
    assert_eq!(fourth["revision"], 4);
}

/// Kind of fault: after a loss, the next change takes all other settings with it, everywhere and unnoticed.
#[tokio::test]
async fn a_change_after_a_lost_or_older_control_item_keeps_the_other_settings() {
    let shop = Shop::start().await;
    shop.set(&json!({ "shop_name": "First" })).await;
    let body = json!({ "shop_name": "Second", "tax_name": "MwSt." });
    shop.set(&body).await;
    let damage = Damage(&shop);
    damage.delete("CONTROL", "CONTROL").await;
    let read = shop.staff_get(SETTINGS).await;
    let lost = read.expect(200);
    assert_eq!(read.headers["etag"], "\"0\"");
    assert_eq!(
        (&lost["revision"], &lost["revision_in_use"]),
        (&json!(0), &json!(2))
    );
    assert_eq!(lost["shop_name"], "Second");
    // By somebody who does not look, as the runbook does during an attack.
    let limit = json!({ "limits": { "create_cart": { "requests": 60 } } });
    let changed = patch(&shop, Some("*"), &limit).await.expect(200);
    assert_eq!(changed["revision"], 3);
    assert!(changed.get("revision_in_use").is_none(), "{changed}");
    assert_eq!(
        changed["set"],
        json!(["limits.create_cart", "shop_name", "tax_name"])
    );
    let list = shop.staff_get(&format!("{REVISIONS}?limit=1")).await;
    let newest = list.expect(200)["items"][0].clone();
    assert_eq!(newest["changed"], json!(["limits.create_cart"]));

    damage.point_to(1).await;
    let read = shop.staff_get(SETTINGS).await;
    assert_eq!(read.headers["etag"], "\"1\"");
    assert_eq!(read.expect(200)["revision_in_use"], 3);
    let body = json!({ "tax_name": null });
    let changed = patch(&shop, Some("\"1\""), &body).await.expect(200);
    assert_eq!(changed["revision"], 4);
    assert_eq!(changed["set"], json!(["limits.create_cart", "shop_name"]));
    assert_eq!(cold_name(&shop).await, "Second");

    // The newest document cannot be read, either; and a change of nothing repairs it.
    damage.point_to(2).await;
    let sk = position(4);
    damage.garble("DOCUMENT#settings", &sk, "body").await;
    let read = shop.staff_get(SETTINGS).await.expect(200);
    assert_eq!(
        (&read["revision"], &read["revision_in_use"]),
        (&json!(2), &json!(3))
    );
    let repaired = patch(&shop, Some("*"), &json!({})).await.expect(200);
    assert_eq!(repaired["revision"], 5);
    assert_eq!(repaired["tax_name"], "MwSt.");
    let again = patch(&shop, Some("*"), &json!({})).await.expect(200);
    assert_eq!(again["revision"], 5, "once is enough");
}

/// A control item that cannot be read is not a reason to sell by guess.
#[tokio::test]
async fn a_broken_control_item_fails_cold_processes_only() {
    let shop = Shop::start().await;
    shop.set(&json!({ "shop_name": "First" })).await;
    assert_eq!(cold_name(&shop).await, "First");
    Damage(&shop).garble("CONTROL", "CONTROL", "settings").await;
    shop.eventually("it has checked again", async || {
        assert_eq!(shop.get("/v1/shop").await.expect(200)["name"], "First");
        shop.log().contains("documents not checked").then_some(())
    })
    .await;
    shop.stack()
        .lambda
        .restart(Some(&["get-shop".to_owned()]))
        .await;
    shop.get("/v1/shop")
        .await
        .expect_problem(500, "internal_error");
}

//! Covers: create-cart, create-import, register-account, request-password-reset: how many requests of one caller are taken.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use futures_util::future::join_all;
use local::event::{headers, http_event};
use serde_json::{Value, json};
use testkit::Shop;

/// A number that no test refills within its time: one token an hour.
fn slow(burst: u32) -> Value {
    json!({ "requests": 1, "seconds": 3600, "burst": burst })
}

/// Sets limits, and has processes start that know them.
async fn set(shop: &Shop, limits: &Value) -> Value {
    let changed = shop.set(&json!({ "limits": limits })).await;
    restart(shop).await;
    changed
}

/// Sends limits that are refused.
async fn refused(shop: &Shop, limits: &Value) -> Value {
    let request = shop.request("PATCH", "/v1/admin/settings");
    let request = request
        .header("If-Match", "*")
        .json(&json!({ "limits": limits }));
    let answer = shop.send(request.bearer_auth(&shop.staff_token)).await;
    answer.expect_problem(422, "validation_failed")
}

/// Stops the processes that check limits.
async fn restart(shop: &Shop) {
    let readers = ["create-cart", "create-import"].map(str::to_owned);
    shop.stack().lambda.restart(Some(&readers)).await;
}

async fn limited(limits: Value) -> Shop {
    let shop = Shop::start().await;
    set(&shop, &limits).await;
    shop
}

/// Creates a cart past the CDN, from this address; returns the response as the function gives it.
async fn cart_from(shop: &Shop, address: &str) -> Value {
    let sent = headers([("x-forwarded-for", address)]);
    let request = http_event("POST /v1/carts", &[], &sent, None);
    shop.invoke_from(address, "create-cart", request).await
}

async fn status_from(shop: &Shop, address: &str) -> u64 {
    let answer = cart_from(shop, address).await;
    answer["statusCode"].as_u64().unwrap()
}

/// The items of limits.
async fn items(shop: &Shop) -> Vec<Value> {
    let scan = json!({
        "TableName": shop.stack().template.table["TableName"],
        "FilterExpression": "entity_type = :limit",
        "ExpressionAttributeValues": { ":limit": { "S": "limit" } },
    });
    let found = shop.table("Scan", &scan).await;
    found["Items"].as_array().unwrap().clone()
}

#[tokio::test]
async fn a_burst_gets_exactly_its_number_and_is_told_when_to_return() {
    let shop = limited(json!({ "create_cart": slow(3) })).await;
    let mut statuses = Vec::new();
    for _ in 0..6 {
        let answer = shop.send(shop.request("POST", "/v1/carts")).await;
        statuses.push(answer.status);
        if answer.status == 429 {
            let problem = answer.expect_problem(429, "rate_limited");
            assert_eq!(problem["type"], "/problems/rate_limited");
            assert_eq!(problem["title"], "Too many requests");
            assert!(problem.get("errors").is_none(), "{problem}");
            let wait: u64 = answer.headers["retry-after"].parse().unwrap();
            // The next token comes within the hour; half as long again by chance.
            assert!((3590..=5400).contains(&wait), "{wait}");
            assert_eq!(answer.headers["cache-control"], "no-store");
        }
    }
    assert_eq!(statuses, [201, 201, 201, 429, 429, 429]);
    // Another process knows as well.
    restart(&shop).await;
    let answer = shop.send(shop.request("POST", "/v1/carts")).await;
    answer.expect_problem(429, "rate_limited");
    // A cart that is there is not limited.
    shop.get("/v1/shop").await.expect(200);
}

#[tokio::test]
async fn a_caller_that_waits_as_told_is_taken() {
    let limit = json!({ "create_cart": { "requests": 1, "seconds": 1, "burst": 1 } });
    let shop = limited(limit).await;
    let create = || shop.send(shop.request("POST", "/v1/carts"));
    create().await.expect(201);
    let refused = create().await;
    refused.expect_problem(429, "rate_limited");
    let wait: u64 = refused.headers["retry-after"].parse().unwrap();
    assert!((1..=3).contains(&wait), "{wait}");
    // As the header asks: time has to pass.
    tokio::time::sleep(Duration::from_secs(wait)).await;
    create().await.expect(201);
}

/// Kind of fault: strangers use up what a limit leaves to the owner of an address.
#[tokio::test]
async fn strangers_keep_nobody_from_the_link_of_an_address() {
    let shop = limited(json!({
        "mail_link": { "requests": 2, "seconds": 86_400 },
        "register_email": { "requests": 4, "seconds": 86_400 },
        "reset_email": { "requests": 3, "seconds": 86_400 },
    }))
    .await;
    let readers = ["register-account", "request-password-reset"].map(str::to_owned);
    shop.stack().lambda.restart(Some(&readers)).await;
    let send = async |what: &str, network: &str| {
        let mut body = json!({ "email": "ada@example.com" });
        let function = match what {
            "register" => {
                body["password"] = json!("correct horse battery");
                "register-account"
            }
            _ => "request-password-reset",
        };
        let route = format!("POST /v1/auth/{what}");
        let none = headers([] as [(&str, &str); 0]);
        let request = http_event(&route, &[], &none, Some(&body));
        let answer = shop.invoke_from(network, function, request).await;
        answer["statusCode"].as_u64().unwrap()
    };
    for (what, network, status) in [
        ("register", "203.0.113.7", 202),
        ("register", "203.0.113.7", 202),
        ("register", "203.0.113.7", 429),
        ("password-reset", "203.0.113.7", 429),
        // Of another network, and then of many: registrations leave resets alone.
        ("register", "203.0.113.8", 202),
        ("register", "203.0.113.9", 202),
        ("register", "203.0.113.10", 429),
        ("password-reset", "203.0.113.10", 202),
        ("password-reset", "203.0.113.11", 202),
        ("password-reset", "203.0.113.12", 202),
        ("password-reset", "203.0.113.13", 429),
    ] {
        assert_eq!(send(what, network).await, status, "{what} from {network}");
    }
}

#[tokio::test]
async fn a_network_is_an_address_of_ipv4_and_a_64_of_ipv6() {
    let shop = limited(json!({ "create_cart": slow(2) })).await;
    for (address, status) in [
        ("203.0.113.7", 201),
        ("203.0.113.7", 201),
        ("203.0.113.7", 429),
        ("::ffff:203.0.113.7", 429),
        ("203.0.113.8", 201),
        ("2001:db8:0:1100::1", 201),
        ("2001:db8:0:1100:ffff::2", 201),
        ("2001:db8:0:1100:1:2:3:4", 429),
        ("2001:db8:0:1101::1", 201),
    ] {
        assert_eq!(status_from(&shop, address).await, status, "{address}");
    }
    // Nobody is known by the items.
    let items = items(&shop).await;
    assert_eq!(items.len(), 4, "{items:?}");
    let text = json!(items).to_string();
    for known in ["203.0.113", "cb0071", "2001:db8", "20010db8"] {
        assert!(!text.contains(known), "{known}: {text}");
    }
    let now = runtime::now().as_second();
    for item in &items {
        let expiry: i64 = item["expires_at"]["N"].as_str().unwrap().parse().unwrap();
        // Two tokens of an hour each, and an hour for clocks that differ.
        assert!(expiry > now + 3600 && expiry <= now + 4 * 3600, "{item}");
        assert!(item.to_string().len() < 512, "{item}");
    }

    let block = json!({ "create_cart": { "ipv4_prefix": 24 } });
    set(&shop, &block).await;
    let of_block = [
        status_from(&shop, "198.51.100.1").await,
        status_from(&shop, "198.51.100.2").await,
        status_from(&shop, "198.51.100.3").await,
        status_from(&shop, "198.51.101.1").await,
    ];
    assert_eq!(of_block, [201, 201, 429, 201]);
}

/// Kind of fault: a header that everybody can send decides.
#[tokio::test]
async fn a_forged_address_does_not_help() {
    let shop = limited(json!({ "create_cart": slow(2) })).await;
    let mut statuses = Vec::new();
    for number in 1..=4 {
        let forged = format!("192.0.2.{number}");
        let sent = headers([
            ("x-forwarded-for", forged.as_str()),
            ("forwarded", &format!("for={forged}")),
            ("cloudfront-viewer-address", &format!("{forged}:1")),
        ]);
        let event = http_event("POST /v1/carts", &[], &sent, None);
        let answer = shop.invoke("create-cart", &event).await.unwrap();
        statuses.push(answer["statusCode"].as_u64().unwrap());
    }
    assert_eq!(statuses, [201, 201, 429, 429]);
}

#[tokio::test]
async fn a_hundred_at_once_do_not_exceed_a_limit() {
    for shards in [1, 4] {
        let mut limit = slow(20);
        limit["shards"] = json!(shards);
        let shop = Arc::new(limited(json!({ "create_cart": limit })).await);
        let callers = (0..100).map(|_| {
            let shop = Arc::clone(&shop);
            tokio::spawn(async move {
                let answer = shop.send(shop.request("POST", "/v1/carts")).await;
                if answer.status == 429 {
                    answer.expect_problem(429, "rate_limited");
                }
                answer.status
            })
        });
        let statuses: Vec<u16> = join_all(callers.collect::<Vec<_>>())
            .await
            .into_iter()
            .map(Result::unwrap)
            .collect();
        let taken = statuses.iter().filter(|status| **status == 201).count();
        let known = [201, 429];
        assert!(statuses.iter().all(|it| known.contains(it)), "{statuses:?}");
        // On a busy machine, a process may not get an answer in time.
        let open = shop.log().matches("limit not checked").count();
        assert!(taken <= 20 + open, "{taken} of 20, {open} unchecked");
        if shards == 1 {
            assert!(taken >= 20, "nothing is withheld: {taken}");
        }
        assert_eq!(items(&shop).await.len(), shards, "one item for each part");
    }
}

/// Consumed capacity as reported by the database.
#[tokio::test]
async fn a_check_costs_one_write_unit_and_a_known_refusal_none() {
    let parameters = [("LogLevel".to_owned(), "debug".to_owned())];
    let shop = Shop::start_with(parameters.into()).await;
    set(&shop, &json!({ "create_cart": slow(3) })).await;
    let create = || shop.send(shop.request("POST", "/v1/carts"));
    let costs = |log: &str| -> Vec<f64> {
        let lines = log.lines();
        let lines = lines.filter_map(|line| line.strip_prefix("create-cart: "));
        let lines = lines.map(|line| serde_json::from_str::<Value>(line).unwrap());
        let costs = lines.filter(|line| line["dynamodb.operation"] == "UpdateItem limit");
        costs
            .map(|line| line["dynamodb.units"].as_f64().unwrap())
            .collect()
    };
    for _ in 0..3 {
        create().await.expect(201);
    }
    assert_eq!(costs(&shop.log()), [1.0, 1.0, 1.0]);
    // The process has taken the last token and knows; nothing of the table is asked.
    let item = items(&shop).await;
    let before = shop.log().len();
    create().await.expect_problem(429, "rate_limited");
    let log = shop.log()[before..].to_owned();
    assert!(
        !log.contains("UpdateItem") && !log.contains("PutItem"),
        "{log}"
    );
    assert_eq!(items(&shop).await, item);
}

#[tokio::test]
async fn staff_are_limited_by_account() {
    let limit = json!({ "create_import": { "requests": 2, "seconds": 86_400 } });
    let shop = limited(limit).await;
    let body = json!({ "bytes": 1000 });
    let create = || shop.staff_call("POST", "/v1/admin/imports", &body);
    create().await.expect(202);
    create().await.expect(202);
    let refused = create().await;
    refused.expect_problem(429, "rate_limited");
    let wait: u64 = refused.headers["retry-after"].parse().unwrap();
    assert!((1..=129_600).contains(&wait), "{wait}");
    // They are authenticated before: a stranger uses up nobody's limit.
    let stranger = shop.request("POST", "/v1/admin/imports").json(&body);
    shop.send(stranger)
        .await
        .expect_problem(401, "unauthenticated");
    let items = items(&shop).await;
    assert_eq!(items.len(), 1);
    assert_eq!(items[0]["taken"]["N"], "2");
}

#[tokio::test]
async fn staff_see_and_change_limits() {
    let parameters = [("DefaultLimits", "on")];
    let parameters = parameters.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let shop = Shop::start_with(parameters.into()).await;
    let read = shop.staff_get("/v1/admin/settings").await.expect(200);
    assert_eq!(read["limits"], read["defaults"]["limits"]);
    let cart = &read["limits"]["create_cart"];
    assert!(cart["requests"].as_u64() > Some(0), "{cart}");
    assert_eq!(
        (&cart["shards"], &cart["ipv4_prefix"]),
        (&json!(1), &json!(32))
    );
    let import = &read["limits"]["create_import"];
    assert!(import.get("burst").is_none() && import.get("ipv4_prefix").is_none());

    let changed = set(
        &shop,
        &json!({ "create_cart": { "burst": 1, "requests": 1, "seconds": 3600 } }),
    )
    .await;
    assert_eq!(changed["set"], json!(["limits.create_cart"]));
    assert_eq!(changed["limits"]["create_cart"]["burst"], 1);
    assert_eq!(changed["limits"]["create_import"], *import);
    let create = || shop.send(shop.request("POST", "/v1/carts"));
    create().await.expect(201);
    create().await.expect_problem(429, "rate_limited");
    // Back to the default, whose counts are its own.
    let back = set(&shop, &json!({ "create_cart": null })).await;
    assert_eq!(back["set"], json!([]));
    create().await.expect(201);
    // 0 turns it off.
    set(&shop, &json!({ "create_cart": { "requests": 0 } })).await;
    let before = items(&shop).await.len();
    create().await.expect(201);
    assert_eq!(items(&shop).await.len(), before);

    for (limits, field, code) in [
        (
            json!({ "create_cart": { "burst": 0 } }),
            "limits.create_cart.burst",
            "out_of_range",
        ),
        (
            json!({ "create_cart": { "ipv4_prefix": 16 } }),
            "limits.create_cart.ipv4_prefix",
            "unknown_value",
        ),
        (
            json!({ "create_import": { "burst": 5 } }),
            "limits.create_import.burst",
            "conflict",
        ),
        (
            json!({ "create_carts": { "burst": 5 } }),
            "limits.create_carts",
            "unknown_field",
        ),
        (
            json!({ "create_carts": null }),
            "limits.create_carts",
            "unknown_field",
        ),
    ] {
        let problem = refused(&shop, &limits).await;
        assert_eq!(problem["errors"][0]["field"], field, "{problem}");
        assert_eq!(problem["errors"][0]["code"], code, "{problem}");
    }
    for limits in [
        json!([]),
        json!({ "create_cart": [1, 2] }),
        json!({ "create_cart": { "requests": -1 } }),
        json!({ "create_cart": { "requests": 1.5 } }),
        json!({ "create_cart": { "requests": "many" } }),
        json!({ "create_cart": { "often": 1 } }),
    ] {
        refused(&shop, &limits).await;
    }
}

/// A running process, which is not told: it finds the change by itself.
#[tokio::test]
async fn a_change_is_in_effect_within_ten_seconds() {
    let many = json!({ "requests": 100, "seconds": 3600, "burst": 1000 });
    let shop = limited(json!({ "create_cart": many })).await;
    let create = || shop.send(shop.request("POST", "/v1/carts"));
    create().await.expect(201);
    let body = json!({ "limits": { "create_cart": { "burst": 1 } } });
    shop.set(&body).await;
    let changed = std::time::Instant::now();
    shop.eventually("the new limit is met", async || {
        (create().await.status == 429).then_some(())
    })
    .await;
    assert!(
        changed.elapsed() < Duration::from_secs(10),
        "{:?}",
        changed.elapsed()
    );
}

/// Clocks that differ by minutes: a process whose clock is ahead neither refills the bucket for others nor locks them out.
#[tokio::test]
async fn a_clock_that_is_ahead_does_no_harm() {
    let limit = json!({ "create_cart": { "requests": 60, "seconds": 60, "burst": 5 } });
    let shop = limited(limit).await;
    let create = || shop.send(shop.request("POST", "/v1/carts"));
    create().await.expect(201);
    let found = items(&shop).await;
    let [item] = &found[..] else {
        unreachable!("one caller: {found:?}")
    };
    // As a process writes it whose clock is five minutes ahead, with two tokens left.
    let ahead = runtime::now().as_microsecond() + 300_000_000;
    let request = json!({
        "TableName": shop.stack().template.table["TableName"],
        "Key": { "PK": item["PK"], "SK": item["SK"] },
        "UpdateExpression": "SET next_at = :next, seen_at = :seen",
        "ExpressionAttributeValues": {
            ":next": { "N": (ahead - 1_000_000).to_string() },
            ":seen": { "N": ahead.to_string() },
        },
    });
    shop.table("UpdateItem", &request).await;
    restart(&shop).await;
    create().await.expect(201);
    create().await.expect(201);
    let refused = create().await;
    refused.expect_problem(429, "rate_limited");
    let wait: u64 = refused.headers["retry-after"].parse().unwrap();
    // Until the other clocks get there, nobody knows: as long as the bucket takes to fill, and half as long again.
    assert!((5..=8).contains(&wait), "not five minutes: {wait}");
}

/// The latest time is written now and then, so that processes whose clock is behind know it.
#[tokio::test]
async fn a_bucket_in_use_tells_the_latest_time() {
    let shop = limited(json!({ "create_cart": slow(3) })).await;
    let create = || shop.send(shop.request("POST", "/v1/carts"));
    let item = async || items(&shop).await.remove(0);
    let number =
        |item: &Value, name: &str| -> i64 { item[name]["N"].as_str().unwrap().parse().unwrap() };
    create().await.expect(201);
    let first = item().await;
    let (next_at, seen_at) = (number(&first, "next_at"), number(&first, "seen_at"));
    let hour = 3_600_000_000;
    assert_eq!(seen_at - next_at, hour, "two tokens are left");
    // Soon after, it is left as it is.
    create().await.expect(201);
    let second = item().await;
    assert_eq!(number(&second, "next_at"), next_at + hour);
    assert_eq!(number(&second, "seen_at"), seen_at);
    // As if the last request had been a while ago, for a process that learns it from the refused write.
    let request = json!({
        "TableName": shop.stack().template.table["TableName"],
        "Key": { "PK": first["PK"], "SK": first["SK"] },
        "UpdateExpression": "SET seen_at = :seen, next_at = :next",
        "ExpressionAttributeValues": {
            ":seen": { "N": (seen_at - 10_000_000).to_string() },
            ":next": { "N": (next_at + hour - 10_000_000).to_string() },
        },
    });
    shop.table("UpdateItem", &request).await;
    restart(&shop).await;
    create().await.expect(201);
    let third = item().await;
    assert_eq!(number(&third, "next_at"), next_at + 2 * hour - 10_000_000);
    assert!(number(&third, "seen_at") >= seen_at, "{third}");
    create().await.expect_problem(429, "rate_limited");
}

#[tokio::test]
async fn an_item_that_cannot_be_read_is_as_good_as_a_table_that_is_down() {
    let limits = json!({
        "create_cart": slow(5),
        "create_import": { "requests": 5, "seconds": 86_400 },
    });
    let shop = limited(limits).await;
    let body = json!({ "bytes": 1000 });
    let import = || shop.staff_call("POST", "/v1/admin/imports", &body);
    let create = || shop.send(shop.request("POST", "/v1/carts"));
    create().await.expect(201);
    import().await.expect(202);
    for item in items(&shop).await {
        let text: BTreeMap<&str, Value> = ["next_at", "seen_at", "taken"]
            .into_iter()
            .map(|name| (name, json!({ "S": "soon" })))
            .collect();
        let mut broken = item.clone();
        for (name, value) in text {
            broken[name] = value;
        }
        let table = &shop.stack().template.table["TableName"];
        let request = json!({ "TableName": table, "Item": broken });
        shop.table("PutItem", &request).await;
    }
    restart(&shop).await;
    create().await.expect(201);
    import().await.expect_problem(503, "busy");
    let log = shop.log();
    assert_eq!(log.matches("limit not checked").count(), 1, "{log}");
    assert_eq!(log.matches(r#""LimitNotChecked":1"#).count(), 2, "{log}");
}

/// Kind of fault: a CDN that does not name its viewers turns a limit off, and nobody notices.
#[tokio::test]
async fn a_request_of_an_unknown_caller_is_taken_and_noticed() {
    let shop = limited(json!({ "create_cart": slow(1) })).await;
    for _ in 0..3 {
        assert_eq!(status_from(&shop, "").await, 201);
    }
    let log = shop.log();
    assert!(log.contains("the caller is not known"), "{log}");
    assert_eq!(log.matches(r#""LimitNotChecked":1"#).count(), 3, "{log}");
    assert!(items(&shop).await.is_empty());
}

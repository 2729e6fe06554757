//! Covers: append-audit, list-audit, export-audit-chain, set-stock, split-stock.

use std::collections::{BTreeMap, BTreeSet};

use domain::audit::{AuditSubject, ChainHead, ChainNumber, ExportedChain, Verifier};
use jiff::Timestamp;
use local::stack::{Options, Stack};
use serde_json::{Value, json};
use testkit::{Product, Shop, order_body, root};

const AUDIT: &str = "/v1/admin/audit";

/// Records of a page, once there are so many besides that of the shop's first signing keys, which may come at any time.
pub(crate) async fn records(shop: &Shop, query: &str, count: usize) -> Vec<Value> {
    shop.eventually(&format!("{count} records of {query:?}"), async || {
        let page = shop
            .staff_get(&format!("{AUDIT}?{query}"))
            .await
            .expect(200);
        let mut items = page["items"].as_array().unwrap().clone();
        items.retain(|it| it["action"] != "keys.rotated");
        (items.len() == count).then_some(items)
    })
    .await
}

/// The record of the shop's first signing keys, which is the first of every trail.
pub(crate) async fn first_keys(shop: &Shop) -> Value {
    shop.eventually("the keys are in the trail", async || {
        let page = shop
            .staff_get(&format!("{AUDIT}?action=keys.rotated"))
            .await;
        let page = page.expect(200);
        let first = &page["items"][0];
        (!first.is_null()).then(|| first.clone())
    })
    .await
}

/// The chain of a subject.
pub(crate) fn chain_of(subject: &str) -> ChainNumber {
    ChainNumber::of(&subject.parse::<AuditSubject>().unwrap())
}

pub(crate) async fn put(shop: &Shop, item: &Value) {
    let table = &shop.stack().template.table["TableName"];
    let request = json!({ "TableName": table, "Item": item });
    shop.table("PutItem", &request).await;
}

fn time(value: &Value) -> Timestamp {
    value.as_str().unwrap().parse().unwrap()
}

/// Changes as texts: `field: before → after`.
fn changes(record: &Value) -> Vec<String> {
    let side = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    let changes = record["changes"].as_array().unwrap().iter();
    changes
        .map(|it| {
            format!(
                "{}: {} → {}",
                side(&it["field"]),
                side(&it["before"]),
                side(&it["after"])
            )
        })
        .collect()
}

#[tokio::test]
async fn a_change_of_settings_is_in_the_trail() {
    let shop = Shop::start().await;
    let keys = first_keys(&shop).await;
    assert_eq!(keys["actor"], "system");
    let page = shop.staff_get(AUDIT).await.expect(200);
    assert_eq!(page, json!({ "items": [keys], "next_cursor": null }));
    let before = runtime::now();
    let window = json!({ "payment_window_seconds": 600, "flags": { "gifts": true } });
    shop.set(&window).await;
    shop.set(&json!({ "payment_window_seconds": 1200, "seller": { "name": "Long Meadow" } }))
        .await;
    let after = runtime::now();
    let records = records(&shop, "action=settings.changed", 2).await;
    let [second, first] = &records[..] else {
        unreachable!("there are two")
    };
    assert_eq!(first["actor"], "token:test");
    assert_eq!(first["subject"], "settings:settings");
    assert_eq!(first["id"], "settings.1");
    assert_eq!(first["from"], Value::Null);
    assert_eq!(
        changes(first),
        [
            "revision: - → 1",
            "flags: - → {\"gifts\":true}",
            "payment_window_seconds: - → 600"
        ]
    );
    assert_eq!(
        changes(second),
        [
            "revision: - → 2",
            "payment_window_seconds: 600 → 1200",
            "seller.name: - → Long Meadow"
        ]
    );
    for record in &records {
        assert!((before..=after).contains(&time(&record["at"])), "{record}");
        assert!(
            time(&record["recorded_at"]) >= time(&record["at"]),
            "{record}"
        );
        assert_eq!(record["chain"], chain_of("settings:settings").get());
    }
    assert_eq!(
        (&first["sequence"], &second["sequence"]),
        (&json!(1), &json!(2))
    );
    assert_eq!(second["previous"], first["hash"]);
}

#[tokio::test]
async fn staff_are_recorded_and_a_sale_is_not() {
    let shop = Shop::start().await;
    first_keys(&shop).await;
    shop.stock_up(&[Product::single("tee", "TEE", "10.00", 50)])
        .await;
    let [import] = &records(&shop, "", 1).await[..] else {
        unreachable!("there is one")
    };
    assert_eq!(import["action"], "import.created");
    let read = |shop: &Shop| shop.stack().lambda.counts()["append-audit"].invocations;
    let before = read(&shop);
    let cart = shop.cart(&[("TEE", 2)]).await;
    let placed = shop.order(&cart, &order_body(&cart, "tok_ok")).await;
    let order = shop.order_becomes(&placed.expect(201), "paid").await;
    assert_eq!(read(&shop), before, "a sale wakes the other reader only");

    let id = order["id"].as_str().unwrap();
    let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    let refund = shop
        .request("POST", &format!("/v1/admin/orders/{id}/refunds"))
        .bearer_auth(&shop.staff_token)
        .header("Idempotency-Key", "r")
        .header("traceparent", format!("00-{trace}-00f067aa0ba902b7-01"))
        .json(&json!({ "amount": 550, "reason": "Ada Lovelace called" }));
    shop.send(refund).await.expect(202);
    let query = format!("subject=order:{id}");
    let [refunded] = &records(&shop, &query, 1).await[..] else {
        unreachable!("there is one")
    };
    assert_eq!(refunded["action"], "order.changed");
    assert_eq!(refunded["actor"], "token:test");
    assert_eq!(refunded["trace_id"], trace);
    let made = changes(refunded);
    assert_eq!(made[0], "what: - → refund_requested");
    assert!(
        made.contains(&"amount: - → 5.50 USD".to_owned()),
        "{made:?}"
    );
    // What the shop does then is the shop's.
    let path = format!("/v1/admin/orders/{id}");
    shop.eventually("the refund is paid", async || {
        let order = shop.staff_get(&path).await.expect(200);
        (order["status"] == "partially_refunded").then_some(())
    })
    .await;
    records(&shop, &query, 1).await;

    let rebuild = shop
        .request("POST", "/v1/admin/jobs")
        .bearer_auth(&shop.staff_token)
        .header("Idempotency-Key", "j")
        .json(&json!({ "kind": "order_lists_rebuild" }));
    let job = shop.send(rebuild).await.expect(202)["id"].clone();
    let ticket = shop.import_ticket(100).await;
    let waiting = ticket["job_id"].as_str().unwrap();
    for state in ["paused", "running", "cancelled"] {
        let path = format!("/v1/admin/jobs/{waiting}");
        let body = json!({ "state": state });
        shop.staff_call("PATCH", &path, &body).await.expect(200);
    }
    let changed = records(&shop, &format!("subject=job:{waiting}"), 3).await;
    let states: Vec<String> = changed.iter().map(|it| changes(it)[0].clone()).collect();
    assert_eq!(
        states,
        [
            "state: queued → cancelled",
            "state: - → running",
            "state: queued → paused"
        ]
    );
    let created = records(&shop, "action=job.created", 1).await;
    assert_eq!(
        created[0]["subject"],
        format!("job:{}", job.as_str().unwrap())
    );
    let log = shop.log();
    assert!(!log.contains("record set aside"), "{log}");
}

/// A session as `log-in` stores it.
fn session(account: &str, number: u8) -> Value {
    let id = format!("ses_01KB0Z3VWQ8X4H2YJZ9N6KDP{number:02}");
    json!({
        "PK": { "S": format!("ACCOUNT#{account}") }, "SK": { "S": format!("SESSION#{id}") },
        "entity_type": { "S": "session" }, "schema_version": { "N": "1" }, "id": { "S": id },
        "account": { "S": account }, "generation": { "N": "1" }, "current": { "S": "x" },
        "rotated_at": { "S": "2026-11-22T10:00:00Z" }, "created_at": { "S": "2026-11-22T10:00:00Z" },
        "device": { "S": format!("Firefox {number}") }, "is_strong": { "BOOL": false },
        "idle_seconds": { "N": "2592000" }, "ends_at": { "N": "4102444800" },
        "trace_id": { "S": format!("trace {number}") }, "expires_at": { "N": "4102444800" },
    })
}

async fn delete(shop: &Shop, item: &Value) {
    let request = json!({
        "TableName": shop.stack().template.table["TableName"],
        "Key": { "PK": item["PK"], "SK": item["SK"] },
    });
    shop.table("DeleteItem", &request).await;
}

/// Devices of records, as the trail shows them.
fn devices(records: &[Value]) -> Vec<&Value> {
    records
        .iter()
        .map(|it| &it["personal"][0]["value"])
        .collect()
}

#[tokio::test]
async fn a_person_who_is_erased_leaves_a_chain_that_verifies() {
    let shop = Shop::start().await;
    let (ada, bea) = (
        "acc_5T0RCE3VWQ8X4H2YJZ9N6KDPGA",
        "acc_5T0RCE3VWQ8X4H2YJZ9N6KDPGB",
    );
    for (account, number) in [(ada, 1), (ada, 2), (bea, 3)] {
        put(&shop, &session(account, number)).await;
    }
    let logins = |account: &str| format!("subject=account:{account}&actor=customer:{account}");
    let of_ada = records(&shop, &logins(ada), 2).await;
    assert_eq!(of_ada[0]["action"], "login.succeeded");
    assert_eq!(of_ada[0]["trace_id"], "trace 2");
    assert_eq!(of_ada[0]["personal"][0]["person"], ada);
    assert_eq!(of_ada[0]["personal"][0]["name"], "device");
    assert_eq!(devices(&of_ada), ["Firefox 2", "Firefox 1"]);
    delete(&shop, &session(ada, 2)).await;
    let ended = records(&shop, &format!("{}&action=session.ended", logins(ada)), 1).await;
    assert_eq!(devices(&ended), ["Firefox 2"]);

    // As `Store::destroy_person_key` does.
    let key = json!({ "PK": { "S": format!("PERSON#{ada}") }, "SK": { "S": "KEY" } });
    let destroy = json!({
        "TableName": shop.stack().template.table["TableName"], "Key": key,
        "UpdateExpression": "SET destroyed_at = :now REMOVE #key",
        "ExpressionAttributeNames": { "#key": "key" },
        "ExpressionAttributeValues": { ":now": { "S": "2026-11-22T10:00:00Z" } },
    });
    shop.table("UpdateItem", &destroy).await;
    let erased = records(&shop, &logins(ada), 3).await;
    assert_eq!(devices(&erased), [&Value::Null; 3]);
    let of_bea = records(&shop, &logins(bea), 1).await;
    assert_eq!(devices(&of_bea), ["Firefox 3"]);
    // A late event makes no other key.
    put(&shop, &session(ada, 4)).await;
    let late = records(&shop, &logins(ada), 4).await;
    assert_eq!(late[0]["personal"], json!([]));
    verify(&shop, chain_of(&format!("account:{ada}"))).await;
    let exported = export(&shop, chain_of(&format!("account:{ada}")), "").await;
    let text = serde_json::to_string(&exported).unwrap();
    assert!(!text.contains("Firefox"), "{text}");
}

/// A page of the export.
async fn export(shop: &Shop, chain: ChainNumber, query: &str) -> ExportedChain {
    let page = shop
        .staff_get(&format!("{AUDIT}/chains/{chain}{query}"))
        .await;
    serde_json::from_value(page.expect(200)).unwrap()
}

/// Verifies an export, in small pages.
pub(crate) async fn verify(shop: &Shop, chain: ChainNumber) -> u64 {
    let mut verifier = Verifier::new(ChainHead::genesis(chain));
    let mut query = "?limit=2".to_owned();
    loop {
        let page = export(shop, chain, &query).await;
        verifier.check_head(&page.head()).unwrap();
        let next = page.next;
        verifier.feed(&page.into_items()).unwrap();
        match next {
            Some(next) => query = format!("?limit=2&after={next}"),
            None => return verifier.finish().unwrap().sequence,
        }
    }
}

#[tokio::test]
async fn filters_pages_and_exports_show_the_same_trail() {
    let shop = Shop::start().await;
    let ada = "acc_5T0RCE3VWQ8X4H2YJZ9N6KDPGA";
    for number in 1..=5 {
        put(&shop, &session(ada, number)).await;
        shop.set(&json!({ "tax_name": format!("Tax {number}") }))
            .await;
    }
    let all = records(&shop, "limit=100", 10).await;
    let ids =
        |records: &[Value]| -> Vec<Value> { records.iter().map(|it| it["id"].clone()).collect() };
    // Page by page.
    let (mut paged, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = shop
            .staff_get(&format!("{AUDIT}?limit=3{cursor}"))
            .await
            .expect(200);
        paged.extend(page["items"].as_array().unwrap().clone());
        let Some(next) = page["next_cursor"].as_str() else {
            break;
        };
        cursor = format!("&cursor={next}");
    }
    paged.retain(|it| it["action"] != "keys.rotated");
    assert_eq!(ids(&paged), ids(&all));
    let settings = chain_of("settings:settings");
    let since = all.iter().find(|it| it["id"] == "settings.3").unwrap();
    let since = since["at"].as_str().unwrap();
    for (query, count) in [
        (format!("chain={settings}"), 5),
        ("actor=token:test".to_owned(), 5),
        (format!("actor=customer:{ada}"), 5),
        ("actor=system".to_owned(), 0),
        ("action=settings.changed".to_owned(), 5),
        ("action=order.changed".to_owned(), 0),
        (format!("subject=account:{ada}&action=login.succeeded"), 5),
        (format!("action=settings.changed&since={since}"), 3),
        (format!("action=settings.changed&until={since}"), 2),
        ("since=2100-01-01".to_owned(), 0),
    ] {
        records(&shop, &query, count).await;
    }
    assert_eq!(verify(&shop, settings).await, 5);
    assert_eq!(verify(&shop, chain_of(&format!("account:{ada}"))).await, 5);
    let rest = export(&shop, settings, "?after=4").await;
    assert_eq!(
        (rest.items.len(), rest.items[0].sequence, rest.next),
        (1, 5, None)
    );
    let empty =
        ChainNumber::all().find(|it| *it != settings && *it != chain_of(&format!("account:{ada}")));
    let empty = export(&shop, empty.unwrap(), "").await;
    assert_eq!(
        (empty.head.sequence, empty.items.len(), empty.next),
        (0, 0, None)
    );
}

#[tokio::test]
async fn bad_requests_are_rejected() {
    let shop = Shop::start().await;
    let get = async |path: &str| shop.staff_get(&format!("{AUDIT}{path}")).await;
    get("?form=x").await.expect_problem(400, "bad_request");
    get("?cursor=x").await.expect_problem(400, "invalid_cursor");
    let problem = get("?actor=ada&action=x&chain=16&limit=0").await;
    let problem = problem.expect_problem(422, "validation_failed");
    let fields: BTreeSet<&str> = problem["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["field"].as_str().unwrap())
        .collect();
    assert_eq!(
        fields,
        BTreeSet::from(["actor", "action", "chain", "limit"])
    );
    for none in ["16", "03", "x", "-1"] {
        get(&format!("/chains/{none}"))
            .await
            .expect_problem(404, "not_found");
    }
    get("/chains/3?after=x&limit=501")
        .await
        .expect_problem(422, "validation_failed");
    get("/chains/3?from=1")
        .await
        .expect_problem(400, "bad_request");
    for path in [AUDIT, "/v1/admin/audit/chains/3"] {
        shop.get(path).await.expect_problem(401, "unauthenticated");
    }
}

#[tokio::test]
async fn what_staff_may_do_is_in_the_trail() {
    let shop = Shop::start().await;
    let role = json!({ "permissions": ["stock:read"] });
    let path = "/v1/admin/roles/packer";
    shop.staff_call("PUT", path, &role).await.expect(200);
    let invite = json!({ "email": "bob@example.com", "role": "packer" });
    let path = "/v1/admin/staff/invitations";
    let invited = shop.staff_call("POST", path, &invite).await.expect(201);
    let key = json!({ "name": "warehouse", "scopes": ["stock:read"], "expires_in_days": 30 });
    let path = "/v1/admin/api-keys";
    let key = shop.staff_call("POST", path, &key).await.expect(201);
    let id = |of: &Value| of["id"].as_str().unwrap().to_owned();
    for path in [
        format!("/v1/admin/staff/invitations/{}", id(&invited)),
        format!("/v1/admin/api-keys/{}", id(&key)),
        "/v1/admin/roles/packer".to_owned(),
    ] {
        let request = shop.request("DELETE", &path);
        let answer = shop.send(request.bearer_auth(&shop.staff_token)).await;
        assert_eq!(answer.status, 204, "{path}: {}", answer.text);
    }
    let all = records(&shop, "actor=token:test", 6).await;
    let actions: BTreeSet<&str> = all.iter().filter_map(|it| it["action"].as_str()).collect();
    let expected = [
        "api_key.created",
        "api_key.revoked",
        "role.changed",
        "role.removed",
        "staff.invitation_revoked",
        "staff.invited",
    ];
    assert_eq!(actions, BTreeSet::from(expected));
    let texts = json!(all).to_string();
    for secret in [key["secret"].as_str().unwrap(), "bob@example.com"] {
        assert!(!texts.contains(secret), "{texts}");
    }
}

#[tokio::test]
async fn what_staff_do_with_the_stock_is_in_the_trail_once() {
    let shop = Shop::start().await;
    first_keys(&shop).await;
    shop.stock_up(&[Product::single("tee", "TEE", "10.00", 5)])
        .await;
    let before = runtime::now();
    let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    let path = "/v1/admin/stock/TEE";
    let count = async |on_hand: i64, version: &str| {
        let request = shop
            .request("PUT", path)
            .bearer_auth(&shop.staff_token)
            .header("If-Match", version)
            .header("traceparent", format!("00-{trace}-00f067aa0ba902b7-01"))
            .json(&json!({ "on_hand": on_hand }));
        shop.send(request).await
    };
    // An import and a sale are not counts.
    let cart = shop.cart(&[("TEE", 2)]).await;
    let placed = shop.order(&cart, &order_body(&cart, "tok_ok")).await;
    shop.order_becomes(&placed.expect(201), "paid").await;
    let version = shop.staff_get(path).await.expect(200)["stock_version"].clone();
    let counted = count(20, &format!("\"{version}\"")).await.expect(200);
    // The same request again, for want of an answer.
    count(20, &format!("\"{version}\""))
        .await
        .expect_problem(412, "precondition_failed");
    assert_eq!(counted["on_hand"], 20);
    let split = json!({ "shards": 4 });
    for _ in 0..2 {
        let shards = format!("{path}/shards");
        shop.staff_call("PUT", &shards, &split).await.expect(200);
    }
    // One by a key, which confirms the number.
    let key = json!({ "name": "warehouse", "scopes": ["stock:write"], "expires_in_days": 30 });
    let key = shop.staff_call("POST", "/v1/admin/api-keys", &key).await;
    let secret = key.expect(201)["secret"].as_str().unwrap().to_owned();
    let confirmed = shop
        .request("PUT", path)
        .bearer_auth(secret)
        .json(&json!({ "on_hand": 20 }));
    shop.send(confirmed).await.expect(200);
    for (sku, status) in [("NOBODY", 404), ("TEE", 422)] {
        let path = format!("/v1/admin/stock/{sku}");
        let on_hand = if status == 404 { 1 } else { -1 };
        let body = json!({ "on_hand": on_hand });
        let refused = shop.staff_call("PUT", &path, &body).await;
        assert_eq!(refused.status, status, "{sku}");
    }

    let all = records(&shop, "action=stock.changed", 3).await;
    let made: Vec<Vec<String>> = all.iter().map(changes).collect();
    assert_eq!(
        made,
        [["on_hand: 20 → 20"], ["shards: 1 → 4"], ["on_hand: 3 → 20"]]
    );
    let first = &all[2];
    assert_eq!(first["subject"], "stock:TEE");
    assert_eq!(first["actor"], "token:test");
    assert_eq!(first["from"], Value::Null);
    assert!(first["id"].as_str().unwrap().starts_with("stk_"), "{first}");
    assert!((before..=runtime::now()).contains(&time(&first["at"])));
    assert_eq!(all[1]["actor"], "token:test");
    assert_ne!(all[0]["actor"], "token:test");
    assert_eq!(records(&shop, "subject=stock:TEE", 3).await, all);
    // Records of the key and of the import may be in the same chain, as their ids are drawn.
    let chain = chain_of("stock:TEE");
    let mut length = 3;
    for action in ["api_key.created", "import.created"] {
        let other = &records(&shop, &format!("action={action}"), 1).await[0];
        length += u64::from(other["chain"] == chain.get());
    }
    assert_eq!(verify(&shop, chain).await, length);
    // What the stream takes to the trail goes away by itself, and then is nobody's action.
    let scan = json!({
        "TableName": shop.stack().template.table["TableName"],
        "FilterExpression": "entity_type = :change",
        "ExpressionAttributeValues": { ":change": { "S": "stock_change" } },
    });
    let items = shop.table("Scan", &scan).await["Items"].clone();
    for item in items.as_array().unwrap() {
        assert!(item["expires_at"].is_object(), "{item}");
        delete(&shop, item).await;
    }
    shop.set(&json!({ "tax_name": "MwSt." })).await;
    records(&shop, "action=settings.changed", 1).await;
    records(&shop, "action=stock.changed", 3).await;
    let log = shop.log();
    assert!(!log.contains("record set aside"), "{log}");
}

/// `make dev` goes on where it was, with either reader.
#[tokio::test]
async fn each_reader_of_the_stream_keeps_its_own_position() {
    let data = std::env::temp_dir().join(format!("stampede-audit-{}", std::process::id()));
    let start = async || {
        let test = std::env::current_exe().unwrap();
        Stack::start(Options {
            root: root(),
            binaries: test.ancestors().nth(2).unwrap().to_owned(),
            data: Some(data.clone()),
            port: 0,
            parameters: BTreeMap::new(),
            log: std::sync::Arc::new(|_, _| {}),
            before_invoke: None,
            wiring: None,
            impatient: false,
        })
        .await
        .unwrap()
    };
    let invocations = |stack: &Stack| stack.lambda.counts()["append-audit"].invocations;
    let put = |stack: &Stack, number: u8| {
        // A role wakes this reader alone.
        let item = json!({
            "PK": { "S": "ROLES" }, "SK": { "S": format!("ROLE#packer-{number}") },
            "entity_type": { "S": "role" }, "schema_version": { "N": "1" },
            "name": { "S": format!("packer-{number}") }, "permissions": { "L": [] },
            "version": { "N": "1" }, "uses": { "N": "0" }, "changed_by": { "S": "staff:ada" },
            "changed_at": { "S": "2026-11-22T10:00:00Z" }, "trace_id": { "S": "t" },
        });
        let request = json!({ "TableName": stack.template.table["TableName"], "Item": item });
        let database = &stack.emulators.database;
        database
            .put_item(serde_json::from_value(request).unwrap())
            .unwrap();
    };
    let positions = || {
        let read = |name: &str| {
            let text = std::fs::read_to_string(data.join(format!("stream-position-{name}")));
            text.unwrap_or_default()
        };
        (read("append-audit"), read("relay-events"))
    };
    let until = async |stack: &Stack, is: &dyn Fn() -> bool| {
        let mut progress = stack.lambda.progress();
        for _ in 0..600 {
            if is() {
                return;
            }
            let pause = std::time::Duration::from_millis(100);
            let _ = tokio::time::timeout(pause, progress.changed()).await;
        }
        unreachable!("waited in vain");
    };
    let stack = start().await;
    // The signing keys are published at the first start.
    until(&stack, &|| invocations(&stack) == 1).await;
    put(&stack, 1);
    until(&stack, &|| {
        let (append, relay) = positions();
        invocations(&stack) == 2 && append == relay
    })
    .await;
    let before = positions();
    stack.stop().await;
    // What was read is not read again; what comes is.
    let stack = start().await;
    put(&stack, 2);
    until(&stack, &|| {
        let (append, relay) = positions();
        append != before.0 && append == relay
    })
    .await;
    assert_eq!(invocations(&stack), 1);
    assert_eq!(stack.lambda.counts()["relay-events"].invocations, 0);
    stack.stop().await;
    std::fs::remove_dir_all(&data).unwrap();
}

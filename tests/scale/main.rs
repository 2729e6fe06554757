//! The shop at several sizes: the cost of a request must not depend on the size. A launch in which
//! nobody pays: all orders must expire. And a job of many lines, which is canceled at work.
//!
//! 100, 10,000, 100,000 and 1,000,000 products with as many orders. The largest takes minutes and 12 GB of
//! memory, so only `make scale` (`SCALE=full`) runs it; `make test` compares the first two. There are
//! 2,000 unpaid orders, and 10,000 with `SCALE=full`; a file of 20,000 lines, and of 1,000,000.

#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test that cannot go on says why and fails"
)]

use std::collections::BTreeMap;

use local::meter::{Meter, Operations};
use runtime::Environment;
use serde_json::{Value, json};
use testkit::{Product, Shop, StockCounts, order_body};

/// The product and the order that all others are copies of.
const MODEL: &str = "model-0000000";

/// Orders at which the lists are rebuilt.
const REBUILT: u64 = 10_000;

/// Whether the sizes that take minutes are tried, too.
fn is_full() -> bool {
    Environment::load().get("SCALE") == Some("full")
}

/// Cost of the calls of one function.
#[derive(Debug, PartialEq)]
struct Cost {
    requests: u64,
    read_units: f64,
    write_units: f64,
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_costs_the_same_whatever_there_is() {
    let sizes: &[u64] = match is_full() {
        true => &[100, 10_000, 100_000, 1_000_000],
        false => &[100, 10_000],
    };
    let mut costs = Vec::new();
    for size in sizes {
        println!("{size} products and orders");
        costs.push(costs_at(*size).await);
    }
    // Cursors and identifiers have the same length at any size, and so have the costs.
    for (size, cost) in sizes.iter().zip(&costs).skip(1) {
        assert_eq!(cost, &costs[0], "at {size}, and at {}", sizes[0]);
    }
    // They also match docs/performance.md.
    let units = |function: &str| {
        let cost = &costs[0][function];
        (cost.read_units, cost.write_units)
    };
    assert_eq!(units("get-product"), (0.5, 0.0));
    assert_eq!(units("set-cart-line"), (0.5, 1.0));
    assert_eq!(units("place-order"), (1.0, 6.0));
    // Nine pages of 25, one of a customer, one number (docs/adr/0024).
    assert_eq!(units("list-orders"), (9.0 + 0.5 + 1.0, 0.0));
    // The customer's list, and whether the address has an account.
    assert_eq!(units("list-customers"), (1.0, 0.0));
}

/// Cost of each function in a shop of this size, for the same requests.
async fn costs_at(size: u64) -> BTreeMap<String, Cost> {
    let meter = Meter::new();
    let shop = Shop::start_wired(BTreeMap::new(), Some(meter.wiring())).await;
    shop.stock_up(&[Product::single(MODEL, MODEL, "10.00", 1_000_000)])
        .await;
    let model = shop.buy(&[(MODEL, 1)], "tok_ok", "paid").await;
    let number = model["number"].as_str().unwrap();
    // The list of all orders is written last.
    shop.eventually("the lists show the model", async || {
        let page = shop.staff_get("/v1/admin/orders").await.expect(200);
        (page["items"][0]["status"] == "paid").then_some(())
    })
    .await;
    fill(&shop, model["id"].as_str().unwrap(), size).await;
    // Filling takes longer than processes go without a check of the settings, which is not an order's cost.
    shop.buy(&[(MODEL, 1)], "tok_ok", "paid").await;

    // A process checks the settings when it starts and every few seconds, which is not a cost of a request.
    let checking = ["create-cart", "place-order"].map(str::to_owned);
    shop.stack().lambda.restart(Some(&checking)).await;
    shop.buy(&[(MODEL, 1)], "tok_ok", "paid").await;
    meter.reset();
    let sku = format!("model-{:07}", size / 2);
    let cart = shop.cart(&[(&sku, 1)]).await;
    let placed = shop
        .order(&cart, &order_body(&cart, "tok_ok"))
        .await
        .expect(201);
    shop.get(&format!("/v1/products/{sku}")).await.expect(200);
    for sort in ["newest", "price", "-price"] {
        let mut path = format!("/v1/products?sort={sort}&limit=24");
        // The first pages, one after the other.
        for _ in 0..3 {
            let page = shop.get(&path).await.expect(200);
            assert_eq!(page["items"].as_array().unwrap().len(), 24, "{page}");
            let cursor = page["next_cursor"].as_str().unwrap();
            path = format!("/v1/products?sort={sort}&limit=24&cursor={cursor}");
        }
    }
    shop.get(&format!("/v1/carts/{cart}")).await.expect(200);
    shop.staff_get(&format!("/v1/admin/stock/{sku}"))
        .await
        .expect(200);
    let id = placed["id"].as_str().unwrap();
    shop.order_becomes(&placed, "paid").await;
    shop.staff_get(&format!("/v1/admin/orders/{id}"))
        .await
        .expect(200);

    // Pages of 25 of lists that contain every order, one after the other, and of one customer's.
    let email = model["email"].as_str().unwrap();
    for filter in ["", "&status=paid", "&sku=model-0000000"] {
        let mut path = format!("/v1/admin/orders?limit=25{filter}");
        for _ in 0..3 {
            let page = shop.staff_get(&path).await.expect(200);
            let items = page["items"].as_array().unwrap().len();
            assert!((18..=25).contains(&items), "{page}");
            let cursor = page["next_cursor"].as_str().unwrap();
            path = format!("/v1/admin/orders?limit=25{filter}&cursor={cursor}");
        }
    }
    for filter in [&*format!("email={email}"), &*format!("number={number}")] {
        let page = shop.staff_get(&format!("/v1/admin/orders?{filter}")).await;
        let page = page.expect(200);
        assert_eq!(page["items"][0]["id"], model["id"], "{page}");
    }
    shop.staff_get(&format!("/v1/admin/customers?email={email}"))
        .await
        .expect(200);

    if size == REBUILT && is_full() {
        rebuild(&shop).await;
    }
    // The number of polls and scheduled runs depends on time.
    let functions = [
        "get-product",
        "list-products",
        "create-cart",
        "set-cart-line",
        "get-cart",
        "place-order",
        "capture-payment",
        "get-stock",
        "get-order-as-staff",
        "list-orders",
        "list-customers",
    ];
    let counts = meter.counts();
    let costs = functions.into_iter().map(|function| {
        let operations = counts.get(function);
        (
            function.to_owned(),
            cost(operations.unwrap_or(&Operations::new())),
        )
    });
    costs.collect()
}

/// Cost of all operations on the table.
fn cost(operations: &Operations) -> Cost {
    let mut cost = Cost {
        requests: 0,
        read_units: 0.0,
        write_units: 0.0,
    };
    for (operation, usage) in operations {
        if operation.starts_with("DynamoDB") {
            cost.requests += usage.requests;
            cost.read_units = [cost.read_units, usage.read_units].iter().sum();
            cost.write_units = [cost.write_units, usage.write_units].iter().sum();
        }
    }
    cost
}

/// Rebuilds the lists of orders, and prints how fast.
async fn rebuild(shop: &Shop) {
    let started = std::time::Instant::now();
    let request = shop
        .request("POST", "/v1/admin/jobs")
        .bearer_auth(shop.token("staff", 60))
        .header("idempotency-key", "rebuild")
        .json(&json!({ "kind": "order_lists_rebuild" }));
    let job = shop.send(request).await.expect(202);
    let path = format!("/v1/admin/jobs/{}", job["id"].as_str().unwrap());
    let mut done = None;
    let job = loop {
        // As long as it goes on.
        let job = shop
            .eventually("the rebuild goes on", async || {
                let job = shop.staff_get(&path).await.expect(200);
                let now = job["progress"]["done"].as_u64();
                (job["state"] == "completed" || now > done).then_some(job)
            })
            .await;
        done = job["progress"]["done"].as_u64();
        if job["state"] == "completed" {
            break job;
        }
    };
    assert_eq!(job["progress"]["failed"], 0, "{job}");
    let seconds = started.elapsed().as_secs().max(1);
    println!(
        "{REBUILT} orders are in the lists again after {seconds} s: {} a second",
        REBUILT / seconds
    );
}

/// Copies the model's items until there are `size` products, each with its list entries and variant,
/// and as many orders. The copies have the form in which the shop itself stores items.
async fn fill(shop: &Shop, order_id: &str, size: u64) {
    let table = shop.stack().template.table["TableName"]
        .as_str()
        .unwrap()
        .to_owned();
    let found = shop
        .table(
            "Scan",
            &json!({ "TableName": table, "ConsistentRead": true }),
        )
        .await;
    let texts: Vec<String> = found["Items"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|item| {
            let kind = item["entity_type"]["S"].as_str().unwrap_or_default();
            let is_of_customer = item["PK"]["S"].as_str().unwrap().contains("customer");
            let copied = [
                "product",
                "listing",
                "variant",
                "order",
                "entry",
                "order_number",
            ];
            // Each copy would have a customer of its own.
            copied.contains(&kind) && !is_of_customer
        })
        .map(Value::to_string)
        .collect();
    let product_id = texts
        .iter()
        .filter_map(|text| text.split("prd_").nth(1))
        .map(|rest| format!("prd_{}", &rest[..26]))
        .next()
        .unwrap();
    assert!(texts.len() >= 5, "{texts:?}");
    let mut batch = Vec::new();
    for number in 1..size {
        let (name, digits) = (format!("model-{number:07}"), format!("{number:07}"));
        // Identifiers of the same length that differ in their last digits.
        let other = |id: &str| format!("{}{digits}", &id[..id.len() - digits.len()]);
        let (product, order) = (other(&product_id), other(order_id));
        // Entries of an order have its digits, and its last ten.
        let (own, copied) = (&order_id["ord_".len()..], &order["ord_".len()..]);
        for text in &texts {
            let copy = text
                .replace(MODEL, &name)
                .replace(&product_id, &product)
                .replace(own, copied)
                .replace(&own[16..], &copied[16..]);
            let mut copy: Value = serde_json::from_str(&copy).unwrap();
            if copy["entity_type"]["S"] == "entry" {
                // The part follows from the last digit.
                let list = copy["PK"]["S"].as_str().unwrap();
                let (list, _) = list.rsplit_once('#').unwrap();
                copy["PK"]["S"] = json!(format!("{list}#{}", number % 2));
            }
            batch.push(copy);
        }
        if batch.len() >= 20_000 {
            shop.stack()
                .emulators
                .load(&table, std::mem::take(&mut batch))
                .unwrap();
        }
    }
    shop.stack().emulators.load(&table, batch).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_launch_that_nobody_pays_ends() {
    // The emulated table gets slower with the number of past transactions.
    let size: u64 = if is_full() { 10_000 } else { 2_000 };
    let window = BTreeMap::from([("PaymentWindowSeconds".to_owned(), "1".to_owned())]);
    let mut shop = Shop::start_with(window).await;
    let table = shop.stack().template.table["TableName"].clone();
    // Payments wait for an open circuit breaker.
    let breaker = json!({
        "PK": { "S": "BREAKER#test" },
        "SK": { "S": "BREAKER" },
        "failures": { "N": "5" },
        "open_until": { "N": "4102444800000" },
    });
    let put = json!({ "TableName": table, "Item": breaker });
    shop.table("PutItem", &put).await;
    shop.stock_up(&[Product::single(MODEL, MODEL, "10.00", 1_000_000)])
        .await;
    let cart = shop.cart(&[(MODEL, 1)]).await;
    let model = shop
        .order(&cart, &order_body(&cart, "tok_ok"))
        .await
        .expect(201);
    let id = model["id"].as_str().unwrap();
    let [order, note] = shop
        .eventually("the order is noted as due", async || {
            let scan = json!({ "TableName": table, "ConsistentRead": true });
            let found = shop.table("Scan", &scan).await;
            let items = found["Items"].as_array().unwrap();
            let of = |kind: &str| {
                let mut items = items.iter();
                items.find(|item| item["entity_type"]["S"] == kind).cloned()
            };
            Some([of("order")?, of("due")?])
        })
        .await;
    // Emails and refunds have their own tests.
    shop.stop_triggers();
    let mut copies = Vec::new();
    for number in 1..size {
        let digits = format!("{number:07}");
        let copy = format!("{}{digits}", &id[..id.len() - digits.len()]);
        let of = |item: &Value| -> Value {
            serde_json::from_str(&item.to_string().replace(id, &copy)).unwrap()
        };
        let mut note = of(&note);
        // The partition follows from the last digit.
        note["PK"] = json!({ "S": format!("DUE#{:02}", number % 10) });
        copies.extend([of(&order), note]);
    }
    let name = table.as_str().unwrap();
    shop.stack().emulators.load(name, copies).unwrap();
    let more = json!({ ":more": { "N": (size - 1).to_string() }, ":less": { "N": (1 - i64::try_from(size).unwrap()).to_string() } });
    let reserve = json!({
        "TableName": table,
        "Key": { "PK": { "S": format!("VARIANT#{MODEL}") }, "SK": { "S": "VARIANT" } },
        "UpdateExpression": "ADD reserved :more, available :less",
        "ExpressionAttributeValues": more,
    });
    shop.table("UpdateItem", &reserve).await;
    let reserved = i64::try_from(size).unwrap();
    assert_eq!(shop.stock(MODEL).await.reserved, reserved);

    // The copies are due at the same time as the model.
    shop.until_due(&model).await;
    let started = std::time::Instant::now();
    let mut sweeps = 0;
    while shop.stock(MODEL).await.reserved > 0 {
        shop.invoke("sweep-orders", &json!({})).await.unwrap();
        sweeps += 1;
        assert!(sweeps < 60, "{}", shop.log());
    }
    println!(
        "{size} orders ended by {sweeps} sweeps in {:?}",
        started.elapsed()
    );
    assert_eq!(shop.stock(MODEL).await, StockCounts::unreserved(1_000_000));
    // Nothing remains to be swept.
    shop.invoke("sweep-orders", &json!({})).await.unwrap();
    let log = shop.log();
    let last = log.lines().rfind(|line| line.contains(r#""swept""#));
    assert!(
        last.is_some_and(|line| line.contains(r#""orders.ended":0,"orders.over":0"#)),
        "{last:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_of_many_lines_starts_is_paused_and_canceled() {
    let lines: u64 = if is_full() { 1_000_000 } else { 20_000 };
    let shop = Shop::start().await;
    // The shortest rows there are: a million of them are within the 15 MB of a file.
    let mut file = "Handle,Title,Variant SKU,Variant Price\n".to_owned();
    for line in 0..lines {
        let name = short_name(line);
        file.push_str(&format!("{name},T,{name},1\n"));
    }
    let started = std::time::Instant::now();
    let ticket = shop.import_ticket(file.len()).await;
    shop.upload(&ticket, file).await;
    let path = format!("/v1/admin/jobs/{}", ticket["job_id"].as_str().unwrap());
    let job = async || shop.staff_get(&path).await.expect(200);
    let becomes = async |state: &str| {
        let body = json!({ "state": state });
        let changed = shop.staff_call("PATCH", &path, &body).await.expect(200);
        assert_eq!(changed["state"], state);
    };
    let at_work = async || {
        let job = job().await;
        let progress = &job["progress"];
        assert!(
            progress["total"].is_null() || progress["total"] == lines,
            "{job}"
        );
        (progress["done"].as_u64() > Some(0)).then_some(job)
    };
    shop.eventually("the file is read", async || {
        (job().await["state"] == "running").then_some(())
    })
    .await;
    let job_at_work = shop.eventually("lines are imported", at_work).await;
    println!("{lines} lines: at work after {:?}", started.elapsed());
    assert_eq!(job_at_work["state"], "running", "{job_at_work}");

    becomes("paused").await;
    messages_end(&shop).await;
    let paused = job().await;
    messages_end(&shop).await;
    assert_eq!(job().await["progress"], paused["progress"]);

    becomes("running").await;
    let before = paused["progress"]["done"].as_u64().unwrap();
    shop.eventually("more lines are imported", async || {
        let progress = job().await["progress"].clone();
        (progress["done"].as_u64().unwrap() > before).then_some(())
    })
    .await;
    becomes("cancelled").await;
    messages_end(&shop).await;
    let ended = job().await;
    assert_eq!(ended["state"], "cancelled", "{ended}");
    let counts = ["done", "failed", "total"].map(|count| ended["progress"][count].as_u64());
    let [Some(done), Some(0), Some(total)] = counts else {
        unreachable!("{ended}")
    };
    assert!(before < done && done < total && total == lines, "{ended}");
    println!(
        "{done} lines when it was canceled, after {:?}",
        started.elapsed()
    );
}

/// A name of four characters.
fn short_name(number: u64) -> String {
    let digit =
        |place: u32| char::from_digit(u32::try_from(number / 36_u64.pow(place) % 36).unwrap(), 36);
    (0..4).rev().filter_map(digit).collect()
}

/// Waits until no message waits or is at work, as long as their number changes.
async fn messages_end(shop: &Shop) {
    let mut left = u64::MAX;
    while left > 0 {
        left = shop
            .eventually("other messages are left", async || {
                let state = shop.get("/_dev/state").await.json();
                let queues = state["queues"].as_array().unwrap().iter();
                let now: u64 = queues
                    .flat_map(|queue| [&queue["waiting"], &queue["in_flight"]])
                    .filter_map(Value::as_u64)
                    .sum();
                (now == 0 || now != left).then_some(now)
            })
            .await;
    }
}

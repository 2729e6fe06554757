//! Covers: create-job, list-jobs, get-job, change-job; project-orders that rebuilds its lists; create-import with an idempotency key, start-import and import-rows when
//! their job is paused, resumed, canceled, or of an earlier release.

use std::time::Duration;

use serde_json::{Value, json};
use testkit::{Product, Response, Shop, catalogue, sqs_event};

/// Products with one variant each.
fn products(names: &[&'static str]) -> String {
    let products: Vec<Product> = names
        .iter()
        .map(|name| Product::single(name, name, "5.00", 3))
        .collect();
    catalogue(&products)
}

async fn change(shop: &Shop, job: &Value, state: &str) -> Response {
    let path = format!("/v1/admin/jobs/{}", job.as_str().unwrap());
    shop.staff_call("PATCH", &path, &json!({ "state": state }))
        .await
}

async fn job(shop: &Shop, id: &Value) -> Value {
    let path = format!("/v1/admin/jobs/{}", id.as_str().unwrap());
    shop.staff_get(&path).await.expect(200)
}

async fn becomes(shop: &Shop, id: &Value, state: &str) -> Value {
    shop.eventually(&format!("the job is {state}"), async || {
        let job = job(shop, id).await;
        (job["state"] == state).then_some(job)
    })
    .await
}

/// Waits until the queue of a consumer is empty.
async fn is_idle(shop: &Shop, name: &str) {
    shop.eventually("the queue is empty", async || {
        let state = shop.get("/_dev/state").await.json();
        let queues = state["queues"].as_array().unwrap().iter();
        let mut queues = queues.filter(|queue| queue["name"].as_str().unwrap().contains(name));
        let queue = queues.next().unwrap();
        (queue["waiting"] == 0 && queue["in_flight"].as_i64().unwrap_or(0) == 0).then_some(())
    })
    .await;
}

#[tokio::test]
async fn an_import_is_a_job_with_progress_errors_and_a_result() {
    let shop = Shop::start().await;
    let file = format!(
        "{}bad,Bad,BAD,\"1,00\",1\n",
        "Handle,Title,Variant SKU,Variant Price,Variant Inventory Qty\ngood,Good,GOOD,1.00,1\n"
    );
    let import = shop.import(file).await;
    let done = job(&shop, &import["job_id"]).await;
    assert_eq!(done["kind"], "product_import");
    assert_eq!(done["state"], "completed");
    let progress = &done["progress"];
    assert_eq!(progress["done"], 1, "{done}");
    assert_eq!(
        (&progress["failed"], &progress["total"]),
        (&json!(1), &json!(2))
    );
    assert_eq!(done["errors"], import["errors"]);
    assert_eq!(done["errors"][0]["line"], 3);
    let path = format!("/v1/admin/imports/{}", import["id"].as_str().unwrap());
    assert_eq!(done["resource"], path.as_str());
    assert!(
        done["created_by"].as_str().unwrap().starts_with("staff:"),
        "{done}"
    );
    let list = reqwest::get(done["result_url"].as_str().unwrap())
        .await
        .unwrap();
    assert!(list.status().is_success(), "{}", list.status());
    let list = list.text().await.unwrap();
    assert!(
        list.starts_with("Line,Code,Message\n3,invalid_price,"),
        "{list}"
    );
    // Nothing to correct, no file.
    let faultless = shop.import(products(&["mug"])).await;
    assert_eq!(
        job(&shop, &faultless["job_id"]).await["result_url"],
        Value::Null
    );
    change(&shop, &import["job_id"], "paused")
        .await
        .expect_problem(409, "job_ended");
    change(&shop, &import["job_id"], "running")
        .await
        .expect_problem(409, "job_ended");
    change(&shop, &import["job_id"], "stopped")
        .await
        .expect_problem(422, "validation_failed");
    let nobody = json!("job_01M8BEZVK4Q6TPAC93E3PRPB41");
    change(&shop, &nobody, "paused")
        .await
        .expect_problem(404, "not_found");

    let list = |query: &str| {
        let path = format!("/v1/admin/jobs{query}");
        let shop = &shop;
        async move { shop.staff_get(&path).await }
    };
    let all = list("").await.expect(200);
    let ids = |page: &Value| {
        let items = page["items"].as_array().unwrap().iter();
        items.map(|item| item["id"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(
        ids(&all),
        [faultless["job_id"].clone(), import["job_id"].clone()]
    );
    assert_eq!(all["next_cursor"], Value::Null);
    let first = list("?limit=1").await.expect(200);
    let cursor = first["next_cursor"].as_str().unwrap();
    let second = list(&format!("?limit=1&cursor={cursor}")).await.expect(200);
    assert_eq!([ids(&first), ids(&second)].concat(), ids(&all));
    assert_eq!(second["next_cursor"], Value::Null);
    list("?limit=101")
        .await
        .expect_problem(422, "validation_failed");
    list("?cursor=x")
        .await
        .expect_problem(400, "invalid_cursor");
    // What is not a filter must not look like one.
    list("?state=running")
        .await
        .expect_problem(400, "bad_request");
}

#[tokio::test]
async fn the_same_key_creates_one_import() {
    let shop = Shop::start().await;
    let create = async |key: Option<&str>, bytes: usize| {
        let request = shop
            .request("POST", "/v1/admin/imports")
            .bearer_auth(&shop.staff_token);
        let request = match key {
            Some(key) => request.header("Idempotency-Key", key),
            None => request,
        };
        shop.send(request.json(&json!({ "bytes": bytes }))).await
    };
    let file = products(&["tee"]);
    let (one, two) = tokio::join!(create(Some("k"), file.len()), create(Some("k"), file.len()));
    let mut created = Vec::new();
    for answer in [one, two] {
        match answer.status {
            202 => created.push(answer.json()),
            _ => drop(answer.expect_problem(409, "request_in_progress")),
        }
    }
    let again = create(Some("k"), file.len()).await.expect(202);
    for ticket in &created {
        assert_eq!(ticket["id"], again["id"]);
    }
    assert!(!created.is_empty());
    create(Some("k"), file.len() + 1)
        .await
        .expect_problem(422, "idempotency_key_reused");
    create(Some(""), 5)
        .await
        .expect_problem(400, "idempotency_key_missing");
    let other = create(None, file.len()).await.expect(202);
    assert_ne!(other["id"], again["id"]);
    shop.upload(&again, file.as_str()).await;
    becomes(&shop, &again["job_id"], "completed").await;
    let after = create(Some("k"), file.len()).await.expect(202);
    assert_eq!(
        (&after["id"], &after["state"]),
        (&again["id"], &json!("completed"))
    );
}

#[tokio::test]
async fn a_job_that_is_paused_before_its_file_comes_begins_when_it_is_resumed() {
    let shop = Shop::start().await;
    let file = products(&["tee", "mug"]);
    let ticket = shop.import_ticket(file.len()).await;
    let id = &ticket["job_id"];
    assert_eq!(job(&shop, id).await["state"], "queued");
    assert_eq!(
        change(&shop, id, "paused").await.expect(200)["state"],
        "paused"
    );
    change(&shop, id, "paused").await.expect(200);
    shop.upload(&ticket, file.as_str()).await;
    is_idle(&shop, "StartImport").await;
    let paused = job(&shop, id).await;
    assert_eq!(
        (&paused["state"], &paused["progress"]["total"]),
        (&json!("paused"), &Value::Null)
    );
    assert_eq!(
        change(&shop, id, "running").await.expect(200)["state"],
        "queued"
    );
    let done = becomes(&shop, id, "completed").await;
    assert_eq!(done["progress"]["done"], 2, "{done}");
    // Without a file it waits on.
    let empty = shop.import_ticket(file.len()).await;
    change(&shop, &empty["job_id"], "running").await.expect(200);
    is_idle(&shop, "StartImport").await;
    assert_eq!(job(&shop, &empty["job_id"]).await["state"], "queued");
    shop.upload(&empty, file.as_str()).await;
    becomes(&shop, &empty["job_id"], "completed").await;
}

#[tokio::test]
async fn a_job_that_is_canceled_imports_nothing_and_says_so() {
    let shop = Shop::start().await;
    let file = products(&["tee"]);
    let ticket = shop.import_ticket(file.len()).await;
    let id = &ticket["job_id"];
    change(&shop, id, "cancelled").await.expect(200);
    change(&shop, id, "cancelled").await.expect(200);
    shop.upload(&ticket, file.as_str()).await;
    is_idle(&shop, "StartImport").await;
    assert_eq!(job(&shop, id).await["state"], "cancelled");
    let path = format!("/v1/admin/imports/{}", ticket["id"].as_str().unwrap());
    let import = shop.staff_get(&path).await.expect(200);
    assert_eq!(import["state"], "failed");
    assert_eq!(import["errors"][0]["code"], "cancelled", "{import}");
    shop.get("/v1/products/tee")
        .await
        .expect_problem(404, "not_found");
    change(&shop, id, "running")
        .await
        .expect_problem(409, "job_ended");
}

/// An item of an import as the release 0.1.0-rc.1 wrote it: one of two chunks is done.
fn of_earlier_release(import: &str, chunk: Option<&str>) -> Value {
    let text = |text: &str| json!({ "S": text });
    let number = |number: u64| json!({ "N": number.to_string() });
    let mut item = json!({
        "PK": text(&format!("IMPORT#{import}")),
        "SK": text("IMPORT"),
        "entity_type": text("import"),
        "schema_version": number(1),
        "id": text(import),
        "state": text("running"),
        "rows_total": number(101),
        "rows_imported": number(99),
        "rows_failed": number(1),
        "chunks_total": number(2),
        "chunks_done": number(1),
        "upload": text("etag"),
        "created_at": text("2026-11-26T08:19:12Z"),
        "expires_at": number(4_000_000_000),
    });
    if let Some(sort_key) = chunk {
        let fault = json!({ "M": {
            "line": number(7), "code": text("invalid_price"), "message": text("…"),
        } });
        item = json!({
            "PK": text(&format!("IMPORT#{import}")),
            "SK": text(sort_key),
            "entity_type": text("import_chunk"),
            "schema_version": number(1),
            "faults": { "L": [fault] },
            "expires_at": number(4_000_000_000),
        });
    }
    item
}

#[tokio::test]
async fn an_import_of_an_earlier_release_is_finished_as_a_job() {
    let shop = Shop::start().await;
    let import = "imp_01M8BEZVK4Q6TPAC93E3PRPB41";
    let table = shop.stack().template.table["TableName"].clone();
    for item in [
        of_earlier_release(import, None),
        of_earlier_release(import, Some("CHUNK#000001")),
    ] {
        shop.table("PutItem", &json!({ "TableName": table, "Item": item }))
            .await;
    }
    let id = json!(import.replace("imp_", "job_"));
    let before = job(&shop, &id).await;
    assert_eq!(
        (&before["state"], &before["progress"]["done"]),
        (&json!("running"), &json!(99))
    );
    let row = json!({
        "line": 102, "title": "P", "option1_name": "Title", "option1_value": "Default Title",
        "sku": "LAST", "quantity": "1", "price": "1.00",
    });
    let chunk = |number: u32| {
        let columns = [
            "handle",
            "title",
            "option1_name",
            "option1_value",
            "sku",
            "quantity",
            "price",
        ];
        let group = json!({ "slug": "p", "handle": "p", "rows": [row] });
        json!({ "import_id": import, "number": number, "columns": columns, "groups": [group] })
            .to_string()
    };
    // The first one comes again; the second one twice.
    for number in [1, 2, 2] {
        let event = sqs_event(&[&chunk(number)], 1);
        let answer = shop.invoke("import-rows", &event).await.unwrap();
        assert_eq!(answer["batchItemFailures"], json!([]), "{answer}");
    }
    // Its errors are listed by a step of its own.
    let after = becomes(&shop, &id, "completed").await;
    assert_eq!(
        (&after["progress"]["done"], &after["progress"]["failed"]),
        (&json!(100), &json!(1))
    );
    assert_eq!(after["errors"][0]["line"], 7, "{after}");
    assert!(after["result_url"].is_string(), "{after}");
    let path = format!("/v1/admin/imports/{import}");
    assert_eq!(
        shop.staff_get(&path).await.expect(200)["state"],
        "completed"
    );
}

#[tokio::test]
async fn a_file_that_is_replaced_or_gone_ends_its_job() {
    let shop = Shop::start().await;
    let table = shop.stack().template.table["TableName"].clone();
    for (replaced, code) in [(true, "file_replaced"), (false, "file_gone")] {
        let file = products(&["tee"]);
        let ticket = shop.import_ticket(file.len()).await;
        let id = &ticket["job_id"];
        // As if it had begun with another file and lost its messages.
        let begun = json!({
            "TableName": shop.stack().template.table["TableName"],
            "Key": { "PK": { "S": "JOBS" }, "SK": { "S": id } },
            "UpdateExpression": "SET #state = :running, #input = :input, chains_total = :two",
            "ConditionExpression": "attribute_exists(PK)",
            "ExpressionAttributeNames": { "#state": "state", "#input": "input" },
            "ExpressionAttributeValues": {
                ":running": { "S": "running" },
                ":two": { "N": "2" },
                ":input": { "M": { "version": { "S": "another" } } },
            },
        });
        shop.table("UpdateItem", &begun).await;
        // With as many errors as are shown.
        let fault = json!({ "M": {
            "line": { "N": "7" }, "code": { "S": "invalid_price" }, "message": { "S": "…" },
        } });
        let errors = json!({
            "PK": { "S": format!("JOB#{}", id.as_str().unwrap()) },
            "SK": { "S": "ERRORS#000000000" },
            "entity_type": { "S": "job_errors" },
            "schema_version": { "N": "1" },
            "faults": { "L": vec![fault; 1_000] },
            "expires_at": { "N": "4000000000" },
        });
        let put = json!({ "TableName": table, "Item": errors });
        shop.table("PutItem", &put).await;
        if replaced {
            shop.upload(&ticket, file.as_str()).await;
            shop.eventually("it is not looked at", async || {
                shop.log()
                    .contains("the import has had its file")
                    .then_some(())
            })
            .await;
            assert_eq!(job(&shop, id).await["state"], "running");
        }
        change(&shop, id, "running").await.expect(200);
        let failed = becomes(&shop, id, "failed").await;
        assert_eq!(failed["errors"][0]["code"], code);
        assert_eq!(failed["errors"].as_array().unwrap().len(), 1_000);
    }
}

/// What a job reports while it runs: a rate, and the time that is left.
#[tokio::test]
async fn a_running_job_says_how_long_it_will_take() {
    let shop = Shop::start().await;
    let ticket = shop.import_ticket(100).await;
    let id = &ticket["job_id"];
    let begun = runtime::now() - Duration::from_secs(60);
    let running = json!({
        "TableName": shop.stack().template.table["TableName"],
        "Key": { "PK": { "S": "JOBS" }, "SK": { "S": id } },
        "UpdateExpression": "SET #state = :running, #input = :input, chains_total = :two, done = :done, #total = :total, \
                             run.began_at = :begun",
        "ExpressionAttributeNames": { "#state": "state", "#input": "input", "#total": "total" },
        "ExpressionAttributeValues": {
            ":running": { "S": "running" },
            ":two": { "N": "2" },
            ":done": { "N": "50" },
            ":total": { "N": "100" },
            ":begun": { "S": begun.to_string() },
            ":input": { "M": { "version": { "S": "etag" } } },
        },
    });
    shop.table("UpdateItem", &running).await;
    let running = job(&shop, id).await;
    let rate = running["progress"]["per_minute"].as_u64().unwrap();
    let left = running["progress"]["seconds_left"].as_u64().unwrap();
    assert!((45..=50).contains(&rate), "{running}");
    assert!((55..=66).contains(&left), "{running}");
}

/// Creates a job that rebuilds the lists of orders.
async fn rebuild(shop: &Shop, key: &str) -> Response {
    let request = shop
        .request("POST", "/v1/admin/jobs")
        .bearer_auth(&shop.staff_token)
        .header("Idempotency-Key", key)
        .json(&json!({ "kind": "order_lists_rebuild" }));
    shop.send(request).await
}

/// Ids of the orders that staff see in a list.
async fn listed(shop: &Shop, query: &str) -> Vec<Value> {
    let path = format!("/v1/admin/orders?limit=100{query}");
    let page = shop.staff_get(&path).await.expect(200);
    let items = page["items"].as_array().unwrap().iter();
    items.map(|item| item["id"].clone()).collect()
}

#[tokio::test]
async fn lists_that_were_lost_are_rebuilt_by_a_job_while_orders_arrive() {
    let shop = Shop::start().await;
    shop.stock_up(&[Product::single("tee", "TEE", "10.00", 50)])
        .await;
    let mut orders = Vec::new();
    for _ in 0..3 {
        orders.push(shop.buy(&[("TEE", 1)], "tok_ok", "paid").await["id"].clone());
    }
    shop.eventually("they are listed", async || {
        (listed(&shop, "&status=paid").await.len() == 3).then_some(())
    })
    .await;
    // Every entry is lost. A message that was still on its way may have written some again.
    let table = shop.stack().template.table["TableName"].clone();
    let scan = json!({
        "TableName": table,
        "FilterExpression": "begins_with(PK, :lists)",
        "ExpressionAttributeValues": { ":lists": { "S": "ORDERS#" } },
        "ProjectionExpression": "PK, SK",
    });
    shop.eventually("the lists are empty", async || {
        let entries = shop.table("Scan", &scan).await["Items"].clone();
        for key in entries.as_array().unwrap() {
            let entry = json!({ "TableName": table, "Key": key });
            shop.table("DeleteItem", &entry).await;
        }
        listed(&shop, "").await.is_empty().then_some(())
    })
    .await;

    let created = rebuild(&shop, "first").await;
    let location = created.headers["location"].clone();
    let created = created.expect(202);
    assert_eq!(created["kind"], "order_lists_rebuild");
    assert_eq!(
        location,
        format!("/v1/admin/jobs/{}", created["id"].as_str().unwrap())
    );
    assert_eq!(created["resource"], Value::Null);
    let again = rebuild(&shop, "first").await.expect(202);
    assert_eq!(again["id"], created["id"]);
    orders.push(shop.buy(&[("TEE", 1)], "tok_ok", "paid").await["id"].clone());
    let done = becomes(&shop, &created["id"], "completed").await;
    let progress = &done["progress"];
    assert_eq!(
        (&progress["failed"], &progress["done"]),
        (&json!(0), &progress["total"])
    );
    assert_eq!(done["result_url"], Value::Null);
    orders.reverse();
    shop.eventually("all are listed", async || {
        let all = [listed(&shop, "").await, listed(&shop, "&status=paid").await];
        let of_sku = listed(&shop, "&sku=TEE").await;
        (all.iter().all(|list| *list == orders) && of_sku == orders).then_some(())
    })
    .await;

    // One that is canceled at once does not go on, and one without a key is not created.
    let second = rebuild(&shop, "second").await.expect(202);
    change(&shop, &second["id"], "cancelled").await.expect(200);
    is_idle(&shop, "ProjectOrders").await;
    assert_eq!(job(&shop, &second["id"]).await["state"], "cancelled");
    shop.staff_call(
        "POST",
        "/v1/admin/jobs",
        &json!({ "kind": "order_lists_rebuild" }),
    )
    .await
    .expect_problem(400, "idempotency_key_missing");
    let unknown = shop
        .request("POST", "/v1/admin/jobs")
        .bearer_auth(&shop.staff_token)
        .header("Idempotency-Key", "third")
        .json(&json!({ "kind": "product_import" }));
    shop.send(unknown)
        .await
        .expect_problem(422, "validation_failed");
}

//! Jobs: every fault at every call of their consumers, and changes of a job whose steps are at work. Every row is imported
//! once, every order is in its lists, and every job ends.
//!
//! Covers: start-import, import-rows, change-job, get-job, project-orders that rebuilds its lists.

use serde_json::{Value, json};
use testkit::{AwsCall, Fault, Faults, Product, Shop};

use crate::{Random, intercepted::Intercepted, only, seeds};

/// Cases that `make test` runs.
const SAMPLE: usize = 16;
/// Cases of a rebuild that it runs.
const REBUILD_SAMPLE: usize = 4;
/// Rows of a file: three chunks.
const ROWS: usize = 230;
/// Rows of twelve chunks, of which one message batch takes ten.
const MANY_ROWS: usize = 1_150;
/// One of them cannot be used.
const FAULTY: usize = 7;

struct World {
    shop: Shop,
    faults: Faults,
}

impl World {
    async fn start() -> Self {
        let Intercepted { shop, faults } = Intercepted::start().await;
        Self { shop, faults }
    }

    /// Uploads a file of products whose names begin so, and returns the id of its job.
    async fn begin(&self, name: &str, rows: usize) -> Value {
        let mut file = "Handle,Title,Variant SKU,Variant Price,Variant Inventory Qty\n".to_owned();
        for row in 0..rows {
            let price = if row == FAULTY { "free" } else { "1.00" };
            file.push_str(&format!("{name}-{row},{name},{name}-{row},{price},2\n"));
        }
        let ticket = self
            .shop
            .eventually("the import is created", async || {
                let body = json!({ "bytes": file.len() });
                let created = self
                    .shop
                    .staff_call("POST", "/v1/admin/imports", &body)
                    .await;
                (created.status == 202).then(|| created.json())
            })
            .await;
        self.shop.upload(&ticket, file).await;
        ticket["job_id"].clone()
    }

    async fn job(&self, id: &Value) -> Value {
        let path = format!("/v1/admin/jobs/{}", id.as_str().unwrap());
        self.shop.staff_get(&path).await.expect(200)
    }

    async fn becomes(&self, id: &Value, state: &str) -> Value {
        self.shop
            .eventually(&format!("the job is {state}"), async || {
                let job = self.job(id).await;
                (job["state"] == state).then_some(job)
            })
            .await
    }

    async fn change(&self, id: &Value, state: &str) -> Value {
        let path = format!("/v1/admin/jobs/{}", id.as_str().unwrap());
        let body = json!({ "state": state });
        self.shop
            .staff_call("PATCH", &path, &body)
            .await
            .expect(200)
    }

    /// Asserts that each row of a completed job was imported or is reported, once.
    async fn must_be_complete(&self, job: &Value, name: &str, rows: usize) {
        let progress = &job["progress"];
        let counts = [&progress["done"], &progress["failed"], &progress["total"]];
        assert_eq!(counts, [&json!(rows - 1), &json!(1), &json!(rows)], "{job}");
        assert_eq!(job["errors"].as_array().unwrap().len(), 1, "{job}");
        assert_eq!(job["errors"][0]["line"], FAULTY + 2, "{job}");
        let list = reqwest::get(job["result_url"].as_str().unwrap())
            .await
            .unwrap();
        assert_eq!(list.text().await.unwrap().lines().count(), 2);
        for row in [0, FAULTY - 1, rows - 1] {
            let stock = self.shop.stock(&format!("{name}-{row}")).await;
            assert_eq!(stock.on_hand, 2, "{name}-{row}");
        }
    }

    /// Waits until no message of an import waits or is at work.
    async fn rest(&self) {
        let mut calls = usize::MAX;
        self.shop
            .eventually("nothing is under way", async || {
                let state = self.shop.get("/_dev/state").await.json();
                let queues = state["queues"].as_array().unwrap().iter();
                let mut busy = queues.filter(|queue| {
                    queue["waiting"] != 0 || queue["in_flight"].as_i64().unwrap_or(0) != 0
                });
                let before = std::mem::replace(&mut calls, self.faults.calls().len());
                (busy.next().is_none() && before == calls).then_some(())
            })
            .await;
    }
}

/// Every fault at each of the calls; without seeds, one at each.
fn cases_of(calls: &[AwsCall], random: &mut Random) -> Vec<(AwsCall, Fault)> {
    let mut cases = Vec::new();
    for call in calls {
        match seeds() {
            Some(_) => cases.extend(Fault::ALL.map(|fault| (call.clone(), fault))),
            None => cases.push((call.clone(), Fault::ALL[random.below(5) as usize])),
        }
    }
    cases
}

#[tokio::test]
async fn an_import_survives_a_fault_at_every_call() {
    let world = World::start().await;
    // Once to start the processes, once to learn the calls.
    for name in ["warm", "learn"] {
        world.faults.reset();
        let id = world.begin(name, ROWS).await;
        let job = world.becomes(&id, "completed").await;
        world.rest().await;
        world.must_be_complete(&job, name, ROWS).await;
    }
    let calls = world.faults.calls().into_iter();
    let calls: Vec<AwsCall> = calls
        .filter(|call| ["start-import", "import-rows"].contains(&call.function.as_str()))
        // The same few calls for each product: the first and the last ones stand for all.
        .filter(|call| {
            call.function == "start-import"
                || call.of_operation < 3
                || !["GetItem", "PutItem", "TransactWriteItems", "UpdateItem"]
                    .contains(&call.operation.as_str())
        })
        .collect();
    assert!(calls.len() >= 15, "{calls:?}");
    let mut random = Random(11);
    let mut cases = cases_of(&calls, &mut random);
    for index in (1..cases.len()).rev() {
        cases.swap(index, random.below(index as u64 + 1) as usize);
    }
    if seeds().is_none() {
        cases.truncate(SAMPLE);
    }
    if let Some(only) = only() {
        cases
            .retain(|(call, fault)| format!("{}:{}:{fault:?}", call.function, call.number) == only);
    }
    let mut met = 0;
    for (number, (call, fault)) in cases.iter().enumerate() {
        println!("{fault:?} at {call:?}");
        let name = format!("case{number}");
        world.faults.plan_operation(call, *fault);
        let id = world.begin(&name, ROWS).await;
        let job = world.becomes(&id, "completed").await;
        met += usize::from(world.faults.hit().is_some());
        world.faults.reset();
        world.must_be_complete(&job, &name, ROWS).await;
    }
    world.rest().await;
    assert!(
        met * 10 >= cases.len() * 7,
        "{met} of {} faults were met",
        cases.len()
    );
}

/// Every fault at the calls of a rebuild: it completes, and what a busy table refuses is not reported as failed.
#[tokio::test]
async fn a_rebuild_survives_a_fault_at_every_call() {
    let world = World::start().await;
    let product = Product::single("tee", "TEE", "10.00", 50);
    world.shop.stock_up(&[product]).await;
    for _ in 0..2 {
        world.shop.buy(&[("TEE", 1)], "tok_ok", "paid").await;
    }
    let rebuild = async |key: &str| {
        let request = world
            .shop
            .request("POST", "/v1/admin/jobs")
            .bearer_auth(&world.shop.staff_token)
            .header("Idempotency-Key", key)
            .json(&json!({ "kind": "order_lists_rebuild" }));
        world.shop.send(request).await.expect(202)["id"].clone()
    };
    for key in ["warm", "learn"] {
        world.rest().await;
        world.faults.reset();
        world.becomes(&rebuild(key).await, "completed").await;
    }
    world.rest().await;
    let calls = world.faults.calls().into_iter();
    let calls: Vec<AwsCall> = calls.filter(|it| it.function == "project-orders").collect();
    assert!(calls.len() >= 8, "{calls:?}");
    let mut cases = cases_of(&calls, &mut Random(5));
    if seeds().is_none() {
        // Each takes the queue's delay, once for the beginning and once for each step.
        let each = cases.len() / REBUILD_SAMPLE;
        cases = cases.into_iter().step_by(each.max(1)).collect();
    }
    let mut met = 0;
    for (number, (call, fault)) in cases.iter().enumerate() {
        println!("{fault:?} at {call:?}");
        world.faults.reset();
        world.faults.plan_operation(call, *fault);
        let id = rebuild(&format!("case{number}")).await;
        let job = world.becomes(&id, "completed").await;
        met += usize::from(world.faults.hit().is_some());
        let progress = &job["progress"];
        assert_eq!(progress["failed"], 0, "{job}");
        assert_eq!(progress["done"], progress["total"], "{job}");
        assert_eq!(job["errors"], json!([]), "{job}");
    }
    assert!(
        met * 10 >= cases.len() * 7,
        "{met} of {} faults were met",
        cases.len()
    );
    world.rest().await;
    let listed = world.shop.staff_get("/v1/admin/orders?status=paid").await;
    assert_eq!(listed.expect(200)["items"].as_array().unwrap().len(), 2);
}

/// Stops a job between two batches of its chunks: those that were sent end, the others are dropped.
#[tokio::test]
async fn a_job_is_paused_resumed_and_canceled_while_it_runs() {
    let world = World::start().await;
    let warm = world.begin("warm", ROWS).await;
    world.becomes(&warm, "completed").await;
    world.rest().await;
    for (name, state) in [("pause", "paused"), ("cancel", "cancelled")] {
        world.faults.reset();
        let mut held = world.faults.hold("start-import", "SendMessageBatch", 1);
        let id = world.begin(name, MANY_ROWS).await;
        held.reached().await;
        assert_eq!(world.change(&id, state).await["state"], state);
        held.release();
        world.rest().await;
        let stopped = world.job(&id).await;
        assert_eq!(stopped["state"], state, "{stopped}");
        let processed = ["done", "failed"].map(|count| &stopped["progress"][count]);
        let processed: u64 = processed.iter().filter_map(|it| it.as_u64()).sum();
        assert!(processed <= 1_000, "{stopped}");
        if state == "paused" {
            assert_eq!(world.change(&id, "running").await["state"], "running");
            let job = world.becomes(&id, "completed").await;
            world.must_be_complete(&job, name, MANY_ROWS).await;
        }
    }
}

/// A run that lost its messages goes on when it is started again.
#[tokio::test]
async fn a_job_whose_messages_were_lost_goes_on() {
    let world = World::start().await;
    // All of its chunks are dropped, because it is paused before they are sent.
    let mut held = world.faults.hold("start-import", "SendMessageBatch", 0);
    let id = world.begin("lost", ROWS).await;
    held.reached().await;
    world.change(&id, "paused").await;
    held.release();
    world.rest().await;
    // Then it says that it runs, as if they had been lost otherwise.
    let running = json!({
        "TableName": world.shop.stack().template.table["TableName"],
        "Key": { "PK": { "S": "JOBS" }, "SK": { "S": id } },
        "UpdateExpression": "SET #state = :running",
        "ConditionExpression": "#state = :paused AND done = :none",
        "ExpressionAttributeNames": { "#state": "state" },
        "ExpressionAttributeValues": {
            ":running": { "S": "running" },
            ":paused": { "S": "paused" },
            ":none": { "N": "0" },
        },
    });
    world.shop.table("UpdateItem", &running).await;
    world.change(&id, "running").await;
    let job = world.becomes(&id, "completed").await;
    world.must_be_complete(&job, "lost", ROWS).await;
}

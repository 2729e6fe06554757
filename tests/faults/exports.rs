//! Exports of accounts and what follows their deletion: every fault at every call of the consumer, and each message twice. Every
//! export has each order once, and of a deleted account nothing stays.
//!
//! Covers: export-account, start-export, get-export.

use serde_json::{Value, json};
use testkit::{AwsCall, Fault, Faults, Person, Product, Shop, order_body};

use crate::{Random, injected, intercepted::Intercepted, only, seeds};

/// Cases that `make test` runs.
const SAMPLE: usize = 10;
/// Orders of the account: two steps of them.
const ORDERS: usize = 26;

struct World {
    shop: Shop,
    faults: Faults,
}

impl World {
    async fn start() -> Self {
        let Intercepted { shop, faults } = Intercepted::start().await;
        Self { shop, faults }
    }

    /// Places orders of a person, and waits until they are listed.
    async fn orders(&self, person: &Person, count: usize) -> Vec<String> {
        let shop = &self.shop;
        shop.stock_up(&[Product::single("tee", "TEE", "10.00", 5_000)])
            .await;
        let mut placed = Vec::new();
        for _ in 0..count {
            let cart = shop.cart(&[("TEE", 1)]).await;
            let request = shop
                .request("POST", "/v1/orders")
                .bearer_auth(&person.token)
                .header("Idempotency-Key", &cart)
                .json(&order_body(&cart, "tok_ok"));
            let order = shop.send(request).await.expect(201);
            placed.push(order["id"].as_str().unwrap().to_owned());
        }
        placed.sort();
        shop.eventually("all orders are listed", async || {
            let listed = shop.get_as(person, "/v1/orders?limit=100").await;
            let listed = listed.expect(200)["items"].as_array().unwrap().len();
            (listed == count).then_some(())
        })
        .await;
        placed
    }

    /// Starts an export, again until there is an answer.
    async fn begin(&self, person: &Person) -> String {
        let started = self
            .shop
            .eventually("the export is started", async || {
                let path = "/v1/me/export";
                let request = self.shop.request("POST", path).bearer_auth(&person.token);
                let answer = self.shop.send(request).await;
                (answer.status == 202).then(|| answer.json())
            })
            .await;
        started["id"].as_str().unwrap().to_owned()
    }

    async fn completed(&self, person: &Person, id: &str) -> Value {
        let path = format!("/v1/me/exports/{id}");
        self.shop
            .eventually("the export is complete", async || {
                let export = self.shop.get_as(person, &path).await;
                if export.status != 200 {
                    return None;
                }
                let export = export.json();
                assert_ne!(export["state"], "failed", "{}", self.shop.log());
                (export["state"] == "completed").then_some(export)
            })
            .await
    }

    /// Asserts that the document has each of the orders once, and that each step was counted once.
    async fn must_be_whole(&self, export: &Value, orders: &[String]) {
        let document = reqwest::get(export["download_url"].as_str().unwrap()).await;
        let document: Value =
            serde_json::from_str(&document.unwrap().text().await.unwrap()).unwrap();
        let exported = document["orders"].as_array().unwrap().iter();
        let mut exported: Vec<&str> = exported.map(|it| it["id"].as_str().unwrap()).collect();
        exported.sort_unstable();
        assert_eq!(exported, orders);
        let id = export["id"].as_str().unwrap().replace("exp_", "job_");
        let job = self.shop.staff_get(&format!("/v1/admin/jobs/{id}")).await;
        let job = job.expect(200);
        let counts = [&job["progress"]["done"], &job["progress"]["total"]];
        assert_eq!(counts, [&json!(orders.len() + 1); 2], "{job}");
    }

    /// Keys of the files of exports.
    async fn files(&self) -> Vec<String> {
        let stack = self.shop.stack();
        let bucket = &stack.template.outputs["UploadBucketName"];
        let list = stack.emulators.s3.list_objects_v2().bucket(bucket);
        let listed = list.prefix("exports/").send().await.unwrap();
        let keys = listed.contents().iter();
        keys.map(|object| object.key().unwrap().to_owned())
            .collect()
    }

    /// Sort keys of the items in the partition of an account.
    async fn belongings(&self, person: &Person) -> Vec<String> {
        let query = json!({
            "TableName": self.shop.stack().template.table["TableName"], "ConsistentRead": true,
            "KeyConditionExpression": "PK = :pk",
            "ExpressionAttributeValues": { ":pk": { "S": format!("ACCOUNT#{}", person.account) } },
        });
        let found = self.shop.table("Query", &query).await;
        let items = found["Items"].as_array().unwrap().iter();
        items
            .map(|item| item["SK"]["S"].as_str().unwrap().to_owned())
            .collect()
    }

    /// Leaves the tombstone of an account, as `delete-me` does.
    async fn erase(&self, person: &Person) {
        let update = json!({
            "TableName": self.shop.stack().template.table["TableName"],
            "Key": { "PK": { "S": format!("ACCOUNT#{}", person.account) }, "SK": { "S": "ACCOUNT" } },
            "UpdateExpression": "SET last_change.#kind = :erased, email = :none, version = version + :one",
            "ExpressionAttributeNames": { "#kind": "kind" },
            "ExpressionAttributeValues": {
                ":erased": { "S": "erased" }, ":none": { "S": "" }, ":one": { "N": "1" },
            },
        });
        self.shop.table("UpdateItem", &update).await;
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
async fn an_export_survives_a_fault_at_every_call() {
    let world = World::start().await;
    let ada = world.shop.person("ada").await;
    let orders = world.orders(&ada, ORDERS).await;
    // Once to start the processes, once to learn the calls.
    for _ in 0..2 {
        world.faults.reset();
        let id = world.begin(&ada).await;
        let export = world.completed(&ada, &id).await;
        world.must_be_whole(&export, &orders).await;
    }
    let calls = world.faults.calls().into_iter();
    let calls: Vec<AwsCall> = calls
        .filter(|call| call.function == "export-account")
        // The same call for each order: the first ones stand for all.
        .filter(|call| call.operation != "Query" || call.of_operation < 6)
        .collect();
    assert!(calls.len() >= 15, "{calls:?}");
    let mut random = Random(29);
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
    for (call, fault) in &cases {
        println!("{fault:?} at {call:?}");
        // With a token that has not expired by now.
        let ada = world.shop.person("ada").await;
        world.faults.reset();
        world.faults.plan_operation(call, *fault);
        let id = world.begin(&ada).await;
        let export = world.completed(&ada, &id).await;
        met += usize::from(world.faults.hit().is_some());
        world.faults.reset();
        world.must_be_whole(&export, &orders).await;
        // The mail has a step of its own, however often the last one was done.
        let told = world.shop.eventually("the owner is told", async || {
            let key = format!("JOB#{}", id.replace("exp_", "job_"));
            let query = json!({
                "TableName": world.shop.stack().template.table["TableName"], "ConsistentRead": true,
                "KeyConditionExpression": "PK = :pk AND begins_with(SK, :sk)",
                "ExpressionAttributeValues": {
                    ":pk": { "S": key }, ":sk": { "S": "DUE#000000001#000000000" },
                },
            });
            let found = world.shop.table("Query", &query).await;
            (found["Count"] == 1).then_some(())
        });
        told.await;
    }
    assert!(
        met * 10 >= cases.len() * 7,
        "{met} of {} faults were met",
        cases.len()
    );
    // Of each export the document is left, and nothing else.
    world
        .shop
        .eventually("what was needed on the way is gone", async || {
            let files = world.files().await;
            let documents = files.iter().all(|key| key.ends_with("/data.json"));
            documents.then_some(())
        })
        .await;
}

/// What follows the deletion of an account is done, whatever fails: files, and what came while it was deleted.
#[tokio::test]
async fn a_deleted_account_is_cleared_whatever_fails() {
    let world = World::start().await;
    let warm = world.shop.person("warm").await;
    let id = world.begin(&warm).await;
    world.completed(&warm, &id).await;
    let mut met = 0;
    // The export; its job, the list of its files, the file; the list of belongings, the first of them.
    for call in 0..6 {
        for fault in injected() {
            let case = format!("{fault:?} at call {call}");
            println!("{case}");
            let name = format!("ada-{call}-{fault:?}").to_lowercase();
            let person = world.shop.person(&name).await;
            let cart = world
                .shop
                .call_as(&person, "POST", "/v1/carts", &json!({}))
                .await;
            cart.expect(201);
            let id = world.begin(&person).await;
            world.completed(&person, &id).await;
            world
                .shop
                .eventually("the export is at rest", async || {
                    let folder = format!("exports/{id}/");
                    let files = world.files().await.into_iter();
                    let own = files.filter(|key| key.starts_with(&folder));
                    (own.count() == 1).then_some(())
                })
                .await;
            world.faults.reset();
            world.faults.plan("export-account", call, fault);
            world.erase(&person).await;
            world
                .shop
                .eventually(&format!("the account is cleared: {case}"), async || {
                    let folder = format!("exports/{id}/");
                    let files = world.files().await;
                    let left = world.belongings(&person).await;
                    let entry = format!("EXPORT#{id}");
                    let is_cleared = left == ["ACCOUNT".to_owned(), entry]
                        && !files.iter().any(|key| key.starts_with(&folder));
                    is_cleared.then_some(())
                })
                .await;
            met += usize::from(world.faults.hit().is_some());
            world.faults.reset();
        }
    }
    assert!(met >= 4 * injected().len(), "{met} faults were met");
}

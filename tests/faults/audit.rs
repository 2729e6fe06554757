//! The fault matrix of the audit trail: every fault, at every call of `append-audit`. Its batch comes again, and then the trail has
//! each entry once, in a chain that verifies.
//!
//! Covers: append-audit, list-audit, export-audit-chain.

use domain::audit::{AuditSubject, ChainHead, ChainNumber, ExportedChain, Verifier};
use serde_json::{Value, json};
use testkit::{Faults, Shop};

use crate::{injected, intercepted::Intercepted};

struct World {
    shop: Shop,
    faults: Faults,
}

impl World {
    async fn start() -> Self {
        let Intercepted { mut shop, faults } = Intercepted::start().await;
        // The keys of a new shop are the first record of its trail.
        shop.eventually("the keys are in the trail", async || {
            let page = shop.staff_get("/v1/admin/audit").await.expect(200);
            (page["items"] != json!([])).then_some(())
        })
        .await;
        shop.stop_triggers();
        Self { shop, faults }
    }

    /// Delivers a batch of the stream until it is handled, as Lambda does. Returns how often.
    async fn deliver(&self, batch: &Value) -> u32 {
        for attempt in 1..10 {
            if let Ok(answer) = self.shop.invoke("append-audit", batch).await
                && answer["batchItemFailures"] == json!([])
            {
                return attempt;
            }
        }
        panic!("never handled\n{}", self.shop.log());
    }

    /// The records of a subject.
    async fn records(&self, subject: &str) -> Vec<Value> {
        let path = format!("/v1/admin/audit?limit=100&subject={subject}");
        let page = self.shop.staff_get(&path).await.expect(200);
        page["items"].as_array().unwrap().clone()
    }

    /// Number of the records of all chains, each of which verifies, besides that of the shop's keys.
    async fn verified(&self) -> u64 {
        let mut count = 0;
        for chain in ChainNumber::all() {
            let mut verifier = Verifier::new(ChainHead::genesis(chain));
            let mut query = "?limit=500".to_owned();
            loop {
                let path = format!("/v1/admin/audit/chains/{chain}{query}");
                let page = self.shop.staff_get(&path).await.expect(200);
                let page: ExportedChain = serde_json::from_value(page).unwrap();
                verifier.check_head(&page.head()).unwrap();
                let next = page.next;
                verifier.feed(&page.into_items()).unwrap();
                let Some(next) = next else { break };
                query = format!("?limit=500&after={next}");
            }
            count += verifier.finish().unwrap().sequence;
        }
        count - 1
    }
}

/// A record of the stream for an item that was inserted.
fn inserted(position: usize, item: Value) -> Value {
    json!({
        "eventID": format!("event {position}"), "eventName": "INSERT", "awsRegion": "us-east-1",
        "dynamodb": {
            "ApproximateCreationDateTime": 1_795_341_600, "Keys": { "PK": item["PK"], "SK": item["SK"] },
            "NewImage": item, "SequenceNumber": position.to_string(), "SizeBytes": 1,
        },
    })
}

/// An account in another chain than the settings.
fn account(number: usize) -> String {
    let chain = |subject: &str| ChainNumber::of(&subject.parse::<AuditSubject>().unwrap());
    let settings = chain("settings:settings");
    let accounts = (0..).map(|number| format!("acc_{number:026}"));
    let mut others = accounts.filter(|it| chain(&format!("account:{it}")) != settings);
    others.nth(number).unwrap()
}

/// A login of a person of whom the trail has no key yet.
fn login(number: usize) -> Value {
    let (account, id) = (account(number), format!("ses_{number:026}"));
    inserted(
        2 * number,
        json!({
            "PK": { "S": format!("ACCOUNT#{account}") }, "SK": { "S": format!("SESSION#{id}") },
            "entity_type": { "S": "session" }, "schema_version": { "N": "1" }, "id": { "S": id },
            "account": { "S": account }, "generation": { "N": "1" }, "current": { "S": "x" },
            "rotated_at": { "S": "2026-11-22T10:00:00Z" }, "created_at": { "S": "2026-11-22T10:00:00Z" },
            "device": { "S": format!("Firefox {number}") }, "idle_seconds": { "N": "2592000" },
            "ends_at": { "N": "4102444800" }, "trace_id": { "S": "t" }, "expires_at": { "N": "4102444800" },
        }),
    )
}

/// A revision of the settings that replaces another.
fn revision(number: usize) -> Value {
    let number = number + 2;
    inserted(
        2 * number + 1,
        json!({
            "PK": { "S": "DOCUMENT#settings" }, "SK": { "S": format!("{number:010}") },
            "entity_type": { "S": "document" }, "schema_version": { "N": "1" },
            "revision": { "N": number.to_string() }, "changed_at": { "S": "2026-11-22T10:00:00Z" },
            "changed_by": { "S": "staff:ada" }, "changed": { "L": [{ "S": "tax_name" }] },
            "body": { "S": "{\"tax_name\":\"MwSt.\"}" },
        }),
    )
}

fn batch(records: &[Value]) -> Value {
    json!({ "Records": records })
}

#[tokio::test]
async fn each_entry_is_appended_once_whatever_fails() {
    let world = World::start().await;
    // The function is running.
    world.deliver(&batch(&[login(0), revision(0)])).await;
    let (mut cases, mut met, mut again) = (0, 0, 0);
    // The revision that was replaced; the persons' keys, that of the new one, its creation; head and transaction of two chains.
    for call in 0..8 {
        for fault in injected() {
            cases += 1;
            let case = format!("{fault:?} at call {call}");
            println!("{case}");
            world.faults.plan("append-audit", call, fault);
            let batch = batch(&[login(cases), revision(cases)]);
            let attempts = world.deliver(&batch).await;
            met += usize::from(world.faults.hit().is_some());
            again += usize::from(attempts > 1);
            world.faults.reset();
            let logins = world.records(&format!("account:{}", account(cases))).await;
            let [login] = &logins[..] else {
                panic!("{case}: {logins:?}")
            };
            let device = format!("Firefox {cases}");
            assert_eq!(login["personal"][0]["value"], device.as_str(), "{case}");
            let changes = world.records("settings:settings").await;
            assert_eq!(changes.len(), cases + 1, "{case}");
            assert_eq!(changes[0]["actor"], "token:ada", "{case}");
            // And again later, as after a deployment.
            world.deliver(&batch).await;
            let total = u64::try_from(2 * (cases + 1)).unwrap();
            assert_eq!(world.verified().await, total, "{case}");
        }
    }
    assert_eq!(met, cases, "a call that is not made any more");
    assert!(again > 0, "no batch came again");
    let log = world.shop.log();
    assert!(!log.contains("record set aside"), "{log}");
}

/// Several shards of the stream have a reader each, and a batch may be delivered to two.
#[tokio::test]
async fn readers_that_overlap_leave_chains_that_verify() {
    let world = World::start().await;
    let deliveries = (0..12).map(|number| {
        let records = [
            login(number),
            revision(number),
            login(number + 1),
            revision(number + 1),
        ];
        let world = &world;
        async move { world.deliver(&batch(&records)).await }
    });
    futures_util::future::join_all(deliveries).await;
    assert_eq!(world.verified().await, 26);
    for number in 0..13 {
        let logins = world.records(&format!("account:{}", account(number))).await;
        assert_eq!(logins.len(), 1, "{logins:?}");
    }
    assert_eq!(world.records("settings:settings").await.len(), 13);
}

/// Kind of fault: what the table has of one person cannot be read, and the entries of all others wait for hours.
#[tokio::test]
async fn a_person_whose_key_cannot_be_read_stops_nobody_else() {
    let world = World::start().await;
    let key = |number: usize| format!("PERSON#{}", account(number));
    for (number, broken) in [
        (
            1,
            json!({ "key": { "S": "hunter2" }, "person": { "S": account(1) } }),
        ),
        (2, json!({ "key": { "N": "7" } })),
    ] {
        let mut item = json!({
            "PK": { "S": key(number) }, "SK": { "S": "KEY" },
            "entity_type": { "S": "person_key" }, "schema_version": { "N": "1" },
        });
        let attributes = broken.as_object().unwrap().clone();
        item.as_object_mut().unwrap().extend(attributes);
        let table = &world.shop.stack().template.table["TableName"];
        let put = json!({ "TableName": table, "Item": item });
        world.shop.table("PutItem", &put).await;
    }
    // One of the others has a key already.
    world.deliver(&batch(&[login(0)])).await;
    let records: Vec<Value> = (0..4).map(login).chain([revision(0)]).collect();
    assert_eq!(world.deliver(&batch(&records)).await, 1);
    for (number, count) in [(0, 1), (1, 0), (2, 0), (3, 1)] {
        let logins = world.records(&format!("account:{}", account(number))).await;
        assert_eq!(logins.len(), count, "{number}: {logins:?}");
        let device = format!("Firefox {number}");
        let values = logins.iter().map(|it| &it["personal"][0]["value"]);
        assert!(
            values.into_iter().all(|it| *it == device.as_str()),
            "{logins:?}"
        );
    }
    assert_eq!(world.records("settings:settings").await.len(), 1);
    assert_eq!(world.verified().await, 3);
    let log = world.shop.log();
    assert_eq!(log.matches("record set aside").count(), 2, "{log}");
    assert!(!log.contains("hunter2"), "{log}");
}

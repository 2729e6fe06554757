//! The fault matrix of the settings: every fault, at every call of a change. A change is made once or not at all, its
//! author can find out which, and readers see one revision or the other.
//!
//! Covers: change-settings, restore-settings, get-shop, get-settings.

use reqwest::RequestBuilder;
use serde_json::{Value, json};
use testkit::{Faults, Response, Shop};

use crate::{injected, intercepted::Intercepted};

const SETTINGS: &str = "/v1/admin/settings";

struct World {
    shop: Shop,
    faults: Faults,
}

impl World {
    async fn start() -> Self {
        let Intercepted { shop, faults } = Intercepted::start().await;
        Self { shop, faults }
    }

    fn patch(&self, version: u64, name: &str) -> RequestBuilder {
        let request = self.shop.request("PATCH", SETTINGS);
        request
            .json(&json!({ "shop_name": name }))
            .header("If-Match", format!("\"{version}\""))
    }

    fn restore(&self, version: u64, revision: u64) -> RequestBuilder {
        let path = format!("{SETTINGS}/revisions/{revision}/restore");
        let request = self.shop.request("POST", &path);
        request.header("If-Match", format!("\"{version}\""))
    }

    async fn send(&self, request: RequestBuilder) -> Response {
        self.shop
            .send(request.bearer_auth(&self.shop.staff_token))
            .await
    }

    /// The settings, however often they must be asked for.
    async fn settings(&self) -> Value {
        self.shop
            .eventually("the settings are read", async || {
                let read = self.shop.staff_get(SETTINGS).await;
                (read.status == 200).then(|| read.json())
            })
            .await
    }

    /// Deletes the control item, as somebody may by mistake.
    async fn lose_control_item(&self) {
        let request = json!({
            "TableName": self.shop.stack().template.table["TableName"],
            "Key": { "PK": { "S": "CONTROL" }, "SK": { "S": "CONTROL" } },
        });
        self.shop.table("DeleteItem", &request).await;
    }

    /// Numbers of all stored revisions.
    async fn revisions(&self) -> Vec<u64> {
        let list = self
            .shop
            .staff_get("/v1/admin/settings/revisions?limit=100")
            .await
            .expect(200);
        assert_eq!(list["next_cursor"], Value::Null);
        let items = list["items"].as_array().unwrap().iter();
        items.map(|it| it["revision"].as_u64().unwrap()).collect()
    }
}

/// A change by its function, its calls, and the request that it is made with.
type Change<'a> = (&'a str, usize, &'a dyn Fn(u64) -> RequestBuilder);

#[tokio::test]
async fn a_change_is_made_once_or_not_at_all() {
    let world = World::start().await;
    // Revision 1 is what is restored, and both functions are running.
    world.send(world.patch(0, "first")).await.expect(200);
    world.send(world.restore(1, 1)).await.expect(200);
    let mut version = 2;
    let names = std::cell::Cell::new(0);
    let changes: [Change<'_>; 2] = [
        ("change-settings", 4, &|version| {
            names.set(names.get() + 1);
            world.patch(version, &format!("name {}", names.get()))
        }),
        // The content first.
        ("restore-settings", 5, &|version| world.restore(version, 1)),
    ];
    let mut met = 0;
    for (function, calls, request) in changes {
        for call in 0..calls {
            for fault in injected() {
                let case = format!("{fault:?} at call {call} of {function}");
                println!("{case}");
                let request = request(version);
                let retry = request.try_clone().unwrap();
                world.faults.plan(function, call, fault);
                let answer = world.send(request).await;
                met += usize::from(world.faults.hit().is_some());
                world.faults.reset();
                let after = world.settings().await["revision"].as_u64().unwrap();
                match answer.status {
                    200 => assert_eq!(after, version + 1, "{case}"),
                    // Nobody knows, until they read: it is there, or the same request can be sent again.
                    500 | 503 => {
                        assert!([version, version + 1].contains(&after), "{case}: {after}")
                    }
                    other => panic!("{case}: {other} {}", answer.text),
                }
                let again = world.send(retry).await;
                match after == version {
                    true => {
                        again.expect(200);
                    }
                    false => {
                        again.expect_problem(412, "precondition_failed");
                    }
                }
                version += 1;
                let read = world.settings().await;
                assert_eq!(read["revision"], version, "{case}");
                assert!(read.get("revision_in_use").is_none(), "{case}: {read}");
            }
        }
    }
    assert_eq!(met, injected().len() * 9, "every fault met its call");
    // Without gaps, and each can be read.
    let numbers = world.revisions().await;
    assert_eq!(numbers, (1..=version).rev().collect::<Vec<_>>());
    for number in numbers {
        let path = format!("{SETTINGS}/revisions/{number}");
        world.shop.staff_get(&path).await.expect(200);
    }
}

/// The same after the control item was lost: the change is built on the documents that are there, whatever happens to it.
#[tokio::test]
async fn a_change_after_a_lost_control_item_loses_no_setting() {
    let world = World::start().await;
    let both = json!({ "shop_name": "first", "tax_name": "MwSt." });
    world.shop.set(&both).await;
    let mut version: u64 = 1;
    for call in 0..4 {
        for fault in injected() {
            let case = format!("{fault:?} at call {call}");
            println!("{case}");
            world.lose_control_item().await;
            let name = format!("name {version}");
            world.faults.plan("change-settings", call, fault);
            let answer = world.send(world.patch(0, &name)).await;
            assert!(world.faults.hit().is_some(), "{case}");
            world.faults.reset();
            let known = [200, 500, 503];
            assert!(known.contains(&answer.status), "{case}: {}", answer.text);
            let after = world.settings().await;
            assert_eq!(after["tax_name"], "MwSt.", "{case}");
            let again = world.send(world.patch(0, &name)).await;
            if after["revision"] == 0 {
                assert_ne!(answer.status, 200, "{case}");
                assert_eq!(after["revision_in_use"], version, "{case}");
                again.expect(200);
            } else {
                assert_eq!(after["revision"], version + 1, "{case}");
                again.expect_problem(412, "precondition_failed");
            }
            version += 1;
            let read = world.settings().await;
            assert_eq!(read["revision"], version, "{case}");
            assert_eq!(read["shop_name"], name, "{case}");
            assert_eq!(read["tax_name"], "MwSt.", "{case}");
        }
    }
    assert_eq!(
        world.revisions().await,
        (1..=version).rev().collect::<Vec<_>>()
    );
}

/// Two authors: one is held just before its write, until the other has made a change.
#[tokio::test]
async fn a_change_that_is_overtaken_is_rejected_and_leaves_nothing() {
    let world = World::start().await;
    world.send(world.patch(0, "first")).await.expect(200);
    world.faults.reset();
    let mut write = world
        .faults
        .hold("change-settings", "TransactWriteItems", 0);
    let slow = async { world.send(world.patch(1, "slow")).await };
    let quick = async {
        write.reached().await;
        let answer = world.send(world.patch(1, "quick")).await;
        write.release();
        answer
    };
    let (slow, quick) = tokio::join!(slow, quick);
    assert_eq!(quick.expect(200)["revision"], 2);
    slow.expect_problem(412, "precondition_failed");
    assert_eq!(world.settings().await["shop_name"], "quick");
    assert_eq!(world.revisions().await, [2, 1]);
}

/// Every fault at every call of a process that reads: a request fails at most, the next one does not.
#[tokio::test]
async fn readers_survive_every_fault() {
    let world = World::start().await;
    world.send(world.patch(0, "first")).await.expect(200);
    let reader = "get-shop";
    for call in 0..2 {
        for fault in injected() {
            // A cold process: the control item, then the document.
            let restart = [reader.to_owned()];
            world.shop.stack().lambda.restart(Some(&restart)).await;
            world.faults.plan(reader, call, fault);
            let answer = world.shop.get("/v1/shop").await;
            let what = format!("{fault:?} at call {call}: {}", answer.text);
            assert!([200, 500, 503].contains(&answer.status), "{what}");
            assert!(world.faults.hit().is_some(), "{what}");
            if answer.status == 200 {
                assert_eq!(answer.json()["name"], "first", "{what}");
            }
            world.faults.reset();
            let name = world
                .shop
                .eventually("it is read", async || {
                    let read = world.shop.get("/v1/shop").await;
                    (read.status == 200).then(|| read.json()["name"].clone())
                })
                .await;
            assert_eq!(name, "first", "{what}");
        }
    }
    // A warm one without a table: the last good settings, however often it checks; but caches are not told that they are new.
    world.faults.take_down(&["dynamodb"]);
    world
        .shop
        .eventually("its settings are too old for caches", async || {
            let read = world.shop.get("/v1/shop").await;
            assert_eq!(read.expect(200)["name"], "first");
            (read.headers["cache-control"] == "public, max-age=0, s-maxage=0").then_some(())
        })
        .await;
    let log = world.shop.log();
    assert!(log.contains("documents not checked"), "{log}");
    world.faults.take_down(&[]);
}

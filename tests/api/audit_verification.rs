//! Covers: verify-audit, anchor-audit, export-audit-chain; `xtask verify-audit`.

use std::{path::Path, process::Output};

use domain::audit::{Anchor, ChainNumber};
use serde_json::{Value, json};
use testkit::{Shop, root};
use tokio::process::Command;

use crate::audit::{chain_of, first_keys, put, records};

/// A trail of the settings, in a shop whose stream is no longer read.
struct Trail {
    shop: Shop,
    chain: ChainNumber,
    /// The items of the chain, as they were at first.
    items: Vec<Value>,
}

impl Trail {
    async fn of(length: usize) -> Self {
        let shop = Shop::start().await;
        for number in 0..length {
            shop.set(&json!({ "tax_name": format!("Tax {number}") }))
                .await;
        }
        first_keys(&shop).await;
        records(&shop, "limit=100", length).await;
        let chain = chain_of("settings:settings");
        let mut trail = Self {
            shop,
            chain,
            items: Vec::new(),
        };
        trail.items = trail.read().await;
        trail
    }

    fn table(&self) -> &Value {
        &self.shop.stack().template.table["TableName"]
    }

    /// The records and the head.
    async fn read(&self) -> Vec<Value> {
        let query = json!({
            "TableName": self.table(), "KeyConditionExpression": "PK = :pk",
            "ExpressionAttributeValues": { ":pk": { "S": format!("AUDIT#{:02}", self.chain.get()) } },
        });
        let found = self.shop.table("Query", &query).await;
        let items = found["Items"].as_array().unwrap().iter();
        let is_marker = |item: &Value| item["SK"]["S"].as_str().unwrap().starts_with("ENTRY#");
        items.filter(|it| !is_marker(it)).cloned().collect()
    }

    async fn delete(&self, item: &Value) {
        let key = json!({ "PK": item["PK"], "SK": item["SK"] });
        let request = json!({ "TableName": self.table(), "Key": key });
        self.shop.table("DeleteItem", &request).await;
    }

    /// Replaces the chain.
    async fn become_(&self, items: &[Value]) {
        for item in self.read().await {
            self.delete(&item).await;
        }
        for item in items {
            put(&self.shop, item).await;
        }
    }

    /// The chain as it was when it had this length.
    fn earlier(&self, length: u64, head: &Value) -> Vec<Value> {
        let number = |item: &Value| {
            item["sequence"]["N"]
                .as_str()
                .unwrap()
                .parse::<u64>()
                .unwrap()
        };
        let mut items: Vec<Value> = self.items.clone();
        items.retain(|item| item["SK"]["S"] != "HEAD" && number(item) <= length);
        items.push(head.clone());
        items
    }

    fn record(&self, sequence: u64) -> Value {
        let wanted = format!("RECORD#{sequence:020}");
        let mut items = self.items.iter();
        items
            .find(|it| it["SK"]["S"] == wanted.as_str())
            .unwrap()
            .clone()
    }

    fn head(&self) -> Value {
        let mut items = self.items.iter();
        items.find(|it| it["SK"]["S"] == "HEAD").unwrap().clone()
    }

    async fn verify_from(&self, after: u64) -> Value {
        let body = json!({ "chain": self.chain.get(), "after": after });
        let path = "/v1/admin/audit/verifications";
        let verified = self.shop.staff_call("POST", path, &body).await;
        verified.expect(200)
    }

    /// The fault of the whole chain: number and kind.
    async fn fault(&self) -> (Value, Value) {
        let verified = self.verify_from(0).await;
        assert_eq!(
            verified["complete"],
            verified["fault"].is_null(),
            "{verified}"
        );
        let fault = &verified["fault"];
        (fault["sequence"].clone(), fault["kind"].clone())
    }

    async fn must_be_in_order(&self, length: u64) {
        let verified = self.verify_from(0).await;
        let whole = json!({
            "chain": self.chain.get(), "verified_to": length, "complete": true, "fault": null,
        });
        assert_eq!(verified, whole, "{}", self.shop.log());
    }

    async fn anchor(&self) {
        let run = self.shop.invoke("anchor-audit", &json!({})).await;
        run.unwrap_or_else(|error| unreachable!("{error}"));
    }

    /// The error of a run that finds a fault.
    async fn anchor_fails(&self) -> String {
        let run = self.shop.invoke("anchor-audit", &json!({})).await;
        run.unwrap_err().to_string()
    }

    fn bucket(&self) -> &str {
        &self.shop.stack().template.outputs["AuditBucketName"]
    }

    /// Keys of all anchors.
    async fn anchors(&self) -> Vec<String> {
        let s3 = &self.shop.stack().emulators.s3;
        let listed = s3
            .list_objects_v2()
            .bucket(self.bucket())
            .send()
            .await
            .unwrap();
        let keys = listed.contents().iter().map(|it| it.key().unwrap());
        // That of the shop's signing keys is another's.
        let of_chain = Anchor::key(self.chain, 0);
        let (folder, _) = of_chain.rsplit_once('/').unwrap();
        let own = keys.filter(|it| it.starts_with(folder));
        own.map(str::to_owned).collect()
    }
}

#[tokio::test]
async fn records_that_were_tampered_with_are_found() {
    let trail = Trail::of(6).await;
    trail.must_be_in_order(6).await;
    // From a record on that was verified before.
    let rest = trail.verify_from(4).await;
    assert_eq!(
        (&rest["verified_to"], &rest["complete"]),
        (&json!(6), &json!(true))
    );

    let mut altered = trail.record(3);
    altered["actor"]["S"] = json!("token:somebody");
    put(&trail.shop, &altered).await;
    assert_eq!(trail.fault().await, (json!(3), json!("altered")));
    assert!(trail.shop.log().contains("audit fault"));
    // The rest is in order.
    let rest = trail.verify_from(3).await;
    assert_eq!(
        (&rest["verified_to"], &rest["fault"]),
        (&json!(6), &Value::Null)
    );
    trail.become_(&trail.items).await;
    trail.must_be_in_order(6).await;

    trail.delete(&trail.record(4)).await;
    assert_eq!(trail.fault().await, (json!(4), json!("missing")));
    assert_eq!(trail.verify_from(4).await["fault"]["kind"], "missing");
    trail.become_(&trail.items).await;

    trail.delete(&trail.record(6)).await;
    assert_eq!(trail.fault().await, (json!(6), json!("ends_early")));
    trail.become_(&trail.items).await;

    let (mut second, mut third) = (trail.record(2), trail.record(3));
    let position = second["SK"].clone();
    second["SK"] = third["SK"].clone();
    third["SK"] = position;
    for moved in [&second, &third] {
        put(&trail.shop, moved).await;
    }
    assert_eq!(trail.fault().await, (json!(2), json!("reordered")));
    trail.become_(&trail.items).await;

    let mut unreadable = trail.record(5);
    unreadable["action"]["S"] = json!("of.nobody");
    put(&trail.shop, &unreadable).await;
    assert_eq!(trail.fault().await, (json!(5), json!("unreadable")));
    trail.become_(&trail.items).await;

    let mut back = trail.head();
    back["sequence"]["N"] = json!("4");
    back["hash"] = trail.record(4)["hash"].clone();
    put(&trail.shop, &back).await;
    assert_eq!(trail.fault().await, (json!(5), json!("beyond_head")));
    // Nobody can append to such a chain; what came is set aside, and the other chains go on.
    trail.shop.set(&json!({ "tax_name": "Another" })).await;
    trail
        .shop
        .eventually("it is set aside", async || {
            trail.shop.log().contains("record set aside").then_some(())
        })
        .await;
    let mut names = (0..).map(|number| format!("packer_{number}"));
    let is_elsewhere = |name: &String| chain_of(&format!("role:{name}")) != trail.chain;
    let path = format!("/v1/admin/roles/{}", names.find(is_elsewhere).unwrap());
    let role = json!({ "permissions": ["orders:read"] });
    trail.shop.staff_call("PUT", &path, &role).await.expect(200);
    records(&trail.shop, "action=role.changed", 1).await;
}

#[tokio::test]
async fn a_chain_that_lost_its_end_or_was_written_anew_contradicts_an_anchor() {
    let trail = Trail::of(4).await;
    trail.anchor().await;
    assert_eq!(trail.anchors().await, [Anchor::key(trail.chain, 4)]);
    let fourth = trail.head();
    for _ in 0..2 {
        trail.shop.set(&json!({ "tax_name": "Another" })).await;
        trail.shop.set(&json!({ "tax_name": null })).await;
    }
    records(&trail.shop, "limit=100", 8).await;
    trail.anchor().await;
    // Unchanged since.
    trail.anchor().await;
    let keys = [4, 8].map(|it| Anchor::key(trail.chain, it));
    assert_eq!(trail.anchors().await, keys);
    let log = trail.shop.log();
    assert!(!log.contains("audit fault"), "{log}");
    trail.must_be_in_order(8).await;
    let whole = trail.read().await;

    // The end is gone, with the head: without the anchor nothing tells.
    trail.become_(&trail.earlier(4, &fourth)).await;
    assert_eq!(trail.fault().await, (json!(5), json!("ends_early")));
    let error = trail.anchor_fails().await;
    assert!(
        error.contains("1 chains contradict their anchors"),
        "{error}"
    );
    assert!(trail.shop.log().contains("audit fault"));
    assert_eq!(trail.anchors().await, keys);
    // A chain without anything.
    trail.become_(&[]).await;
    assert_eq!(trail.fault().await, (json!(1), json!("ends_early")));
    trail.anchor_fails().await;

    // Whoever hides the anchors does not hide their first versions.
    let s3 = &trail.shop.stack().emulators.s3;
    for key in &keys {
        let delete = s3.delete_object().bucket(trail.bucket()).key(key);
        delete.send().await.unwrap();
    }
    assert_eq!(trail.anchors().await, [""; 0]);
    assert_eq!(trail.fault().await, (json!(1), json!("ends_early")));
    trail.become_(&whole).await;
    trail.must_be_in_order(8).await;
    trail.anchor().await;
    // Written anew, as long as it was.
    let mut forged = whole.clone();
    let head = forged
        .iter_mut()
        .find(|it| it["SK"]["S"] == "HEAD")
        .unwrap();
    head["hash"] = trail.record(1)["hash"].clone();
    put(&trail.shop, head).await;
    trail.anchor_fails().await;
    assert_eq!(trail.fault().await, (json!(8), json!("altered")));
    trail.become_(&whole).await;

    // Nor does another object in their place replace them.
    let forged = json!({
        "chain": trail.chain.get(), "sequence": 4, "at": "2026-11-22T10:00:00Z",
        "hash": trail.record(1)["hash"]["S"],
    });
    let put = s3.put_object().bucket(trail.bucket()).key(&keys[0]);
    put.body(forged.to_string().into_bytes().into())
        .send()
        .await
        .unwrap();
    trail.must_be_in_order(8).await;
    // One that was there first is a fault, as nobody has written it.
    let early = Anchor::key(trail.chain, 6);
    let put = s3.put_object().bucket(trail.bucket()).key(&early);
    put.body(b"{}".to_vec().into()).send().await.unwrap();
    assert_eq!(trail.fault().await, (json!(6), json!("unreadable")));
}

#[tokio::test]
async fn a_bad_verification_is_rejected() {
    let shop = Shop::start().await;
    let verify = async |body: Value| {
        let path = "/v1/admin/audit/verifications";
        shop.staff_call("POST", path, &body).await
    };
    let keys = first_keys(&shop).await;
    for chain in 0..16 {
        let verified = verify(json!({ "chain": chain })).await.expect(200);
        let length = u8::from(keys["chain"] == chain);
        let whole =
            json!({ "chain": chain, "verified_to": length, "complete": true, "fault": null });
        assert_eq!(verified, whole);
    }
    for (body, field) in [
        (json!({ "chain": 16 }), "chain"),
        (json!({ "chain": -1 }), "chain"),
        (json!({ "chain": 3, "after": -1 }), "after"),
        (json!({ "chain": 3, "after": 1 }), "after"),
        (json!({ "chain": "3" }), "chain"),
        (json!({}), "chain"),
        (json!({ "chain": 3, "to": 1 }), "to"),
    ] {
        let problem = verify(body.clone()).await;
        let problem = problem.expect_problem(422, "validation_failed");
        assert_eq!(problem["errors"][0]["field"], field, "{body}");
    }
    let body = json!({ "chain": 3 });
    let path = "/v1/admin/audit/verifications";
    shop.call("POST", path, &body)
        .await
        .expect_problem(401, "unauthenticated");
}

/// Runs `xtask verify-audit`.
async fn xtask(token: &str, arguments: &[&str]) -> (bool, String) {
    let test = std::env::current_exe().unwrap();
    let tool = test.ancestors().nth(2).unwrap().join("xtask");
    let run = Command::new(tool)
        .arg("verify-audit")
        .args(arguments)
        .env("TOKEN", token)
        .output();
    let Output {
        status,
        stdout,
        stderr,
    } = run.await.unwrap();
    let said = [stdout, stderr].map(|it| String::from_utf8_lossy(&it).into_owned());
    (status.success(), said.concat())
}

#[tokio::test]
async fn whoever_has_the_export_verifies_it_elsewhere() {
    let trail = Trail::of(5).await;
    trail.anchor().await;
    let folder = root().join(format!("target/audit-{}", std::process::id()));
    let (saved, anchors) = (folder.join("chains"), folder.join("anchors"));
    let key = Anchor::key(trail.chain, 5);
    let s3 = &trail.shop.stack().emulators.s3;
    let anchor = s3
        .get_object()
        .bucket(trail.bucket())
        .key(&key)
        .send()
        .await
        .unwrap();
    let anchor = anchor.body.collect().await.unwrap().to_vec();
    let path = folder.join(&key);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(&path, anchor).unwrap();
    let text = |path: &Path| path.display().to_string();
    let (saved, anchors) = (text(&saved), text(&anchors));

    let shop = [
        "--shop",
        &trail.shop.address,
        "--save",
        &saved,
        "--anchors",
        &anchors,
    ];
    let (is_good, said) = xtask(&trail.shop.staff_token, &shop).await;
    assert!(is_good && said.contains("6 records are in order"), "{said}");
    assert!(said.contains("they agree with 1 anchors"), "{said}");
    let (is_good, said) = xtask("", &["--folder", &saved, "--anchors", &anchors]).await;
    assert!(is_good, "{said}");
    let (is_good, said) = xtask("nobody", &["--shop", &trail.shop.address]).await;
    assert!(!is_good && said.contains("no valid token"), "{said}");

    let mut altered = trail.record(2);
    altered["trace_id"]["S"] = json!("another");
    put(&trail.shop, &altered).await;
    let (is_good, said) = xtask(&trail.shop.staff_token, &shop[..2]).await;
    assert!(!is_good, "{said}");
    let fault = format!(
        "chain {}, record 2: it or the record before it was altered",
        trail.chain
    );
    assert!(said.contains(&fault), "{said}");
    // What was saved before is in order still.
    let (is_good, said) = xtask("", &["--folder", &saved]).await;
    assert!(is_good && said.contains("no anchors"), "{said}");
    std::fs::remove_dir_all(&folder).unwrap();
}

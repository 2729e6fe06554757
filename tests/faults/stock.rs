//! The fault matrix of counts and splits by staff: every fault, at every call. The client sends the request again, and then the stock
//! has changed once, and the audit trail has that once, with what was there before.
//!
//! Covers: set-stock, split-stock, append-audit.

use serde_json::{Value, json};
use testkit::{Fault, Response, StockCounts, order_body};

use crate::{
    injected,
    intercepted::{Intercepted, insist_with},
};

struct World(Intercepted);

impl World {
    async fn start(skus: &[String]) -> Self {
        let world = Intercepted::start().await;
        let mut file = "Handle,Title,Variant SKU,Variant Price,Variant Inventory Qty\n".to_owned();
        for sku in skus {
            file.push_str(&format!("{sku},{sku},{sku},10.00,40\n"));
        }
        let import = world.shop.import(file).await;
        assert_eq!(import["rows_failed"], 0, "{import}");
        // The first request of a process also reads the keys.
        let world = Self(world);
        world
            .change("NOBODY", "", &json!({ "on_hand": 1 }), None)
            .await;
        world
            .change("NOBODY", "/shards", &json!({ "shards": 1 }), None)
            .await;
        world
    }

    /// Changes a stock, again until there is an answer.
    async fn change(&self, sku: &str, part: &str, body: &Value, version: Option<u64>) -> Response {
        let shop = &self.0.shop;
        insist_with(shop, || {
            let path = format!("/v1/admin/stock/{sku}{part}");
            let request = shop.request("PUT", &path).bearer_auth(&shop.staff_token);
            let request = request.json(body);
            match version {
                Some(version) => request.header("If-Match", format!("\"{version}\"")),
                None => request,
            }
        })
        .await
    }

    async fn stock(&self, sku: &str) -> Value {
        let path = format!("/v1/admin/stock/{sku}");
        self.0.shop.staff_get(&path).await.expect(200)
    }

    /// The changes of a stock in the trail, oldest first, once there are so many.
    async fn trail(&self, sku: &str, count: usize) -> Vec<Value> {
        let shop = &self.0.shop;
        let path = format!("/v1/admin/audit?limit=100&subject=stock:{sku}");
        let mut records = shop
            .eventually("the changes are in the trail", async || {
                let page = shop.staff_get(&path).await.expect(200);
                let items = page["items"].as_array().unwrap().clone();
                (items.len() >= count).then_some(items)
            })
            .await;
        records.reverse();
        assert_eq!(records.len(), count, "{records:?}");
        records
            .into_iter()
            .map(|mut record| {
                assert_eq!(record["action"], "stock.changed", "{record}");
                assert_eq!(record["actor"], "token:test", "{record}");
                record["changes"][0].take()
            })
            .collect()
    }
}

#[tokio::test]
async fn a_count_is_on_record_once_whatever_fails() {
    let sku = "TEE";
    let world = World::start(&[sku.to_owned()]).await;
    let (mut met, mut units) = (0, vec![40]);
    // The stock, and the transaction.
    for call in 0..2 {
        for fault in injected() {
            let case = format!("{fault:?} at call {call}");
            let version = world.stock(sku).await["stock_version"].as_u64().unwrap();
            let on_hand = i64::try_from(100 + units.len()).unwrap();
            let body = json!({ "on_hand": on_hand });
            world.0.faults.plan("set-stock", call, fault);
            let answer = world.change(sku, "", &body, Some(version)).await;
            met += usize::from(world.0.faults.hit().is_some());
            world.0.faults.reset();
            // It may have succeeded without an answer, if the process died.
            let may_be_refused = call == 1 && fault == Fault::KillAfter;
            assert!(
                answer.status == 200 || (answer.status == 412 && may_be_refused),
                "{case}: {}",
                answer.text
            );
            let stock = world.stock(sku).await;
            assert_eq!(stock["on_hand"], on_hand, "{case}");
            assert_eq!(stock["stock_version"], version + 1, "{case}");
            units.push(on_hand);
            // And late.
            let again = world.change(sku, "", &body, Some(version)).await;
            again.expect_problem(412, "precondition_failed");
        }
    }
    assert_eq!(
        met,
        2 * injected().len(),
        "a call that is not made any more"
    );
    let changes = world.trail(sku, units.len() - 1).await;
    let expected: Vec<Value> = units
        .windows(2)
        .map(|step| {
            json!({ "field": "on_hand", "before": step[0].to_string(), "after": step[1].to_string() })
        })
        .collect();
    assert_eq!(changes, expected);
}

#[tokio::test]
async fn a_split_is_on_record_once_whatever_fails() {
    let cases = (0..2).flat_map(|call| injected().into_iter().map(move |fault| (call, fault)));
    let cases: Vec<(usize, Fault)> = cases.collect();
    let skus: Vec<String> = (0..cases.len()).map(|case| format!("TEE-{case}")).collect();
    let world = World::start(&skus).await;
    let body = json!({ "shards": 3 });
    let mut met = 0;
    // The stock, and the transaction.
    for ((call, fault), sku) in cases.iter().zip(&skus) {
        let case = format!("{fault:?} at call {call}");
        world.0.faults.plan("split-stock", *call, *fault);
        let split = world.change(sku, "/shards", &body, None).await.expect(200);
        met += usize::from(world.0.faults.hit().is_some());
        world.0.faults.reset();
        assert_eq!(split["shards"], 3, "{case}");
        // And late.
        let again = world.change(sku, "/shards", &body, None).await.expect(200);
        assert_eq!(again, split, "{case}");
        assert_eq!(world.stock(sku).await["on_hand"], 40, "{case}");
    }
    assert_eq!(met, cases.len(), "a call that is not made any more");
    let changes = [json!({ "field": "shards", "before": "1", "after": "3" })];
    for sku in &skus {
        assert_eq!(world.trail(sku, 1).await, changes, "{sku}");
    }
}

/// Orders reserve units between the look at the stock and the count, twice: the units on hand are the same.
#[tokio::test]
async fn a_count_goes_on_while_orders_come() {
    let world = World::start(&["TEE".to_owned()]).await;
    let Intercepted { shop, faults } = &world.0;
    let reserve = async |key: &str| {
        let cart = shop.cart(&[("TEE", 4)]).await;
        // Without an answer, so that the units stay reserved.
        let body = order_body(&cart, "tok_timeout");
        shop.order(key, &body).await.expect(201);
    };
    // So that the functions of an order are running.
    reserve("warm").await;
    faults.reset();
    let mut first = faults.hold("set-stock", "TransactWriteItems", 0);
    let mut second = faults.hold("set-stock", "TransactWriteItems", 1);
    let body = json!({ "on_hand": 20 });
    let counting = world.change("TEE", "", &body, None);
    let ordering = async {
        first.reached().await;
        reserve("a").await;
        first.release();
        second.reached().await;
        reserve("b").await;
        second.release();
    };
    let (counted, ()) = futures_util::future::join(counting, ordering).await;
    let counted = counted.expect(200);
    let units = |name: &str| counted[name].as_i64().unwrap();
    assert_eq!(
        (units("on_hand"), units("reserved"), units("available")),
        (20, 12, 8)
    );
    faults.reset();
    let expected = StockCounts {
        on_hand: 20,
        reserved: 12,
        available: 8,
    };
    assert_eq!(shop.stock("TEE").await, expected);
    let change = json!({ "field": "on_hand", "before": "40", "after": "20" });
    assert_eq!(world.trail("TEE", 1).await, [change]);
}

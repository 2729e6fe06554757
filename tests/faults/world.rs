//! A shop that pays through a stand-in for Stripe, with fault injection between its functions and their
//! dependencies, and the invariants that hold whatever fails.

use std::{
    collections::{BTreeMap, HashMap},
    time::Duration,
};

use domain::inventory::{HeldUnits, Stock};
use local::stripe::{CARD, Intent, KEY, StripeStandIn};
use serde_json::{Value, json};
use testkit::{Faults, Response, Shop, order_body};

/// Secret that signs webhook events.
pub(crate) const WEBHOOK_SECRET: &str = "whsec_faults";
/// Timeout for an order to reach its end.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);
/// Name of the secret with Stripe's keys.
const SECRET_NAME: &str = "stampede/stripe";

/// A shop, its provider, and the faults between them.
pub(crate) struct World {
    pub(crate) shop: Shop,
    pub(crate) stripe: StripeStandIn,
    pub(crate) faults: Faults,
}

impl World {
    /// Starts a shop with a payment window of `window` seconds.
    pub(crate) async fn start(window: u32) -> Self {
        Self::start_with(window, &[]).await
    }

    /// Starts a shop with a payment window, and with other parameters of the template.
    pub(crate) async fn start_with(window: u32, others: &[(&str, &str)]) -> Self {
        let stripe = StripeStandIn::start(&testkit::root()).await.unwrap();
        let faults = Faults::new();
        let mut parameters = BTreeMap::from([
            ("PaymentMethods".to_owned(), "test,stripe".to_owned()),
            ("PaymentWindowSeconds".to_owned(), window.to_string()),
            ("StripeSecretName".to_owned(), SECRET_NAME.to_owned()),
        ]);
        let others = others.iter();
        parameters.extend(others.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let wiring = faults.wiring(Some(stripe.url().to_owned()));
        let shop = Shop::start_wired(parameters, Some(wiring)).await;
        faults.watch(&shop.stack().lambda);
        let world = Self {
            shop,
            stripe,
            faults,
        };
        world.keep_keys().await;
        let events = format!("{}/v1/payments/stripe/events", world.shop.address);
        world
            .stripe
            .deliver_events(&events, WEBHOOK_SECRET)
            .await
            .unwrap();
        world
    }

    /// Stores Stripe's keys in the emulated Secrets Manager.
    async fn keep_keys(&self) {
        let keys = json!({ "secret_key": KEY, "webhook_secrets": [WEBHOOK_SECRET] });
        let body = json!({ "Name": SECRET_NAME, "SecretString": keys.to_string() });
        let request = reqwest::Client::new()
            .post(&self.shop.stack().emulators.endpoint)
            .header("X-Amz-Target", "secretsmanager.CreateSecret")
            .header("Content-Type", "application/x-amz-json-1.1")
            .header("Authorization", "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/secretsmanager/aws4_request, SignedHeaders=host, Signature=00")
            .header("X-Amz-Date", "20260101T000000Z")
            .body(body.to_string());
        let answer = self.shop.send(request).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
    }

    /// Imports products with this number of units; the SKU is the name in upper case.
    pub(crate) async fn stock_up(&self, names: &[&str], units: i64) {
        let mut file = "Handle,Title,Variant SKU,Variant Price,Variant Inventory Qty\n".to_owned();
        for name in names {
            file.push_str(&format!(
                "{name},{name},{},10.00,{units}\n",
                name.to_uppercase()
            ));
        }
        let import = self.shop.import(file).await;
        assert_eq!(import["rows_failed"], 0, "{import}");
    }

    /// A body that pays with a valid card, or without a token: then the customer's client confirms.
    pub(crate) async fn body(&self, cart: &str, card: Option<&str>) -> Value {
        let mut body = order_body(cart, "");
        body["payment"] = match card {
            Some(number) => {
                let token = self.stripe.card(number).await.unwrap();
                json!({ "method": "stripe", "token": token })
            }
            None => json!({ "method": "stripe" }),
        };
        body
    }

    /// Repeats a request until it has a final response, as a client does that lost the response.
    pub(crate) async fn insist(&self, send: impl AsyncFn() -> Option<Response>) -> Response {
        for _ in 0..40 {
            if let Some(answer) = send().await {
                let may_pass = answer.status >= 500
                    || answer.text.contains("request_in_progress")
                    || answer.text.contains("payment_in_progress");
                if !may_pass {
                    return answer;
                }
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("never answered\n{}", self.shop.log());
    }

    /// Places an order for one unit, retrying as needed; returns the order as placed.
    pub(crate) async fn place(&self, sku: &str, card: Option<&str>) -> Value {
        let cart = self.shop.cart(&[(sku, 1)]).await;
        let body = self.body(&cart, card).await;
        let answer = self
            .insist(async || Some(self.shop.order(&cart, &body).await))
            .await;
        answer.expect(201)
    }

    /// Performs a staff action on an order, retrying as needed.
    pub(crate) async fn staff(&self, placed: &Value, action: &str, body: &Value) -> Response {
        let id = placed["id"].as_str().unwrap();
        let path = format!("/v1/admin/orders/{id}/{action}");
        let key = format!("{id}.{action}");
        self.insist(async || {
            let request = self.shop.request("POST", &path);
            let request = request.bearer_auth(&self.shop.staff_token);
            let request = request.header("Idempotency-Key", &key).json(body);
            Some(self.shop.send(request).await)
        })
        .await
    }

    /// The current order.
    pub(crate) async fn order(&self, placed: &Value) -> Value {
        let path = format!("/v1/admin/orders/{}", placed["id"].as_str().unwrap());
        let answer = self
            .insist(async || Some(self.shop.staff_get(&path).await))
            .await;
        answer.expect(200)
    }

    /// Runs the sweep until the order is closed, then waits as [`World::ends`] does.
    pub(crate) async fn expires(&self, placed: &Value, what: &str, good: impl Fn(&Value) -> bool) {
        self.shop
            .eventually("the clock ticks until it is over", async || {
                self.shop.sweep().await;
                let order = self.order(placed).await;
                (order["status"] != "pending_payment").then_some(())
            })
            .await;
        self.ends(placed, what, good).await;
    }

    /// Waits until the order is as expected and all invariants hold.
    pub(crate) async fn ends(&self, placed: &Value, what: &str, good: impl Fn(&Value) -> bool) {
        let mut last = String::new();
        let looked = self.shop.eventually(what, async || {
            let order = self.order(placed).await;
            last = match self.check().await {
                Err(broken) => broken,
                Ok(()) if !good(&order) => order.to_string(),
                Ok(()) => return Some(()),
            };
            None
        });
        if tokio::time::timeout(PATIENCE, looked).await.is_err() {
            panic!("in vain: {what}: {last}\n{}", self.shop.log());
        }
    }

    /// Asserts all invariants, once everything is at rest.
    pub(crate) async fn must_hold(&self) {
        if let Err(broken) = self.check().await {
            panic!("{broken}\n{}", self.shop.log());
        }
    }

    /// Checks the invariants that hold at rest, whatever failed:
    ///
    /// - for each SKU: no counter is negative; reserved and sold units match the orders; units on hand
    ///   are the counted ones less those sold since, so nothing is sold twice or lost;
    /// - for each order: at most one payment was captured; captured and refunded amounts match the
    ///   provider's; no authorization remains for an order that is not being paid; an unsold order
    ///   keeps no money;
    /// - for each order: the history has one entry per version.
    pub(crate) async fn check(&self) -> Result<(), String> {
        let items = self.items().await;
        let intents = self.stripe.intents().await.unwrap();
        let mut stock: BTreeMap<String, Stock> = BTreeMap::new();
        for item in items
            .iter()
            .filter(|item| text(item, "entity_type") == "variant")
        {
            let of_shard = Stock {
                available: number(&item["available"]),
                reserved: number(&item["reserved"]),
                sold: number(&item["sold"]),
                counted: number(&item["counted"]),
                sold_at_count: number(&item["sold_at_count"]),
                ..Stock::default()
            };
            if of_shard.available < 0 || of_shard.reserved < 0 {
                return Err(format!("sold what is not there: {item}"));
            }
            *stock.entry(text(item, "sku")).or_default() += of_shard;
        }
        let mut held: HashMap<String, HeldUnits> = HashMap::new();
        for order in items
            .iter()
            .filter(|item| text(item, "entity_type") == "order")
        {
            for (sku, units) in holds(order) {
                *held.entry(sku).or_default() += units;
            }
            money(order, &intents)?;
            let version = number(&order["version"]);
            let entries = order["history"]["L"].as_array().map_or(0, Vec::len);
            if version != i64::try_from(entries).unwrap() + 1 {
                return Err(format!("history and version differ: {order}"));
            }
        }
        for (sku, stock) in &stock {
            let held = held.get(sku).copied().unwrap_or_default();
            if held != stock.held() {
                return Err(format!("{sku}: {stock:?}, but the orders hold {held:?}"));
            }
            // Not by the shop's own rule, which is being tested.
            let sold_since = stock.sold - stock.sold_at_count;
            if stock.available + stock.reserved != stock.counted - sold_since {
                return Err(format!("{sku}: the ledger does not add up"));
            }
        }
        Ok(())
    }

    /// Asserts the invariants of documents at rest: one invoice per paid order, one credit note per
    /// refund, series numbered from 1 without gaps, and a file for every document.
    pub(crate) async fn papers_must_hold(&self) {
        let items = self.items().await;
        let of = |kind: &str| {
            let items = items
                .iter()
                .filter(|item| text(item, "entity_type") == kind);
            items.collect::<Vec<_>>()
        };
        let mut series: BTreeMap<String, Vec<u64>> = BTreeMap::new();
        for paper in of("invoice") {
            let name = text(paper, "number");
            let (prefix, number) = name.rsplit_once('-').unwrap();
            let numbers = series.entry(prefix.to_owned()).or_default();
            numbers.push(number.parse().unwrap());
            assert!(paper["stored_at"].is_object(), "{name} has no file");
        }
        for (prefix, numbers) in &mut series {
            numbers.sort_unstable();
            let gapless: Vec<u64> = (1..=numbers.len() as u64).collect();
            assert_eq!(*numbers, gapless, "{prefix}");
        }
        for order in of("order") {
            let history = order["history"]["L"].as_array().into_iter().flatten();
            let paid = history
                .filter(|entry| text(&entry["M"], "what") == "paid")
                .count();
            let refunds = order["refunds"]["L"].as_array().into_iter().flatten();
            let given = refunds.filter(|refund| text(&refund["M"], "status") == "succeeded");
            let expected = if paid > 0 { 1 + given.count() } else { 0 };
            let papers = of("invoice");
            let papers = papers
                .iter()
                .filter(|paper| paper["order_id"] == order["id"]);
            assert_eq!(papers.count(), expected, "{order}");
        }
    }

    /// All items of the table.
    pub(crate) async fn items(&self) -> Vec<Value> {
        let table = self.shop.stack().template.table["TableName"].clone();
        let mut items = Vec::new();
        let mut start = Value::Null;
        loop {
            let mut request = json!({ "TableName": table, "ConsistentRead": true });
            if !start.is_null() {
                request["ExclusiveStartKey"] = start;
            }
            let page = self.shop.table("Scan", &request).await;
            items.extend(page["Items"].as_array().unwrap().iter().cloned());
            start = page["LastEvaluatedKey"].clone();
            if start.is_null() {
                return items;
            }
        }
    }

    /// Units sold according to the paid orders.
    pub(crate) async fn sold(&self, sku: &str) -> i64 {
        let items = self.items().await;
        let orders = items
            .iter()
            .filter(|item| text(item, "entity_type") == "order");
        orders
            .flat_map(holds)
            .filter(|(of, _)| of == sku)
            .map(|(_, units)| units.sold)
            .sum()
    }

    /// Pays with a valid card.
    pub(crate) const CARD: Option<&str> = Some(CARD);
}

fn text(item: &Value, name: &str) -> String {
    item[name]["S"].as_str().unwrap_or_default().to_owned()
}

fn number(value: &Value) -> i64 {
    value["N"]
        .as_str()
        .map_or(0, |number| number.parse().unwrap())
}

/// Units of each SKU that the order holds.
fn holds(order: &Value) -> Vec<(String, HeldUnits)> {
    let payment = &order["payment"]["M"];
    let open = !order["closed"].is_object();
    let paying =
        ["pending", "requires_action", "authorised"].contains(&text(payment, "status").as_str());
    let lines = order["lines"]["L"].as_array().unwrap().iter();
    lines
        .map(|line| {
            let line = &line["M"];
            let quantity = number(&line["quantity"]);
            let back = number(&line["withdrawn"]) + number(&line["returned_to_stock"]);
            let none = HeldUnits::default();
            let held = match (open, paying) {
                (false, _) => none,
                (true, true) => HeldUnits {
                    reserved: quantity,
                    ..none
                },
                (true, false) => HeldUnits {
                    sold: quantity - back,
                    ..none
                },
            };
            (text(line, "sku"), held)
        })
        .collect()
}

fn money(order: &Value, intents: &[Intent]) -> Result<(), String> {
    let id = text(order, "id");
    let payment = &order["payment"]["M"];
    if text(payment, "provider") != "stripe" {
        return Ok(());
    }
    let of_order: Vec<&Intent> = intents
        .iter()
        .filter(|intent| intent.order_id.as_deref() == Some(&id))
        .collect();
    let (mut captured, mut refunded, mut requested) = (number(&payment["captured"]), 0, 0);
    for refund in order["refunds"]["L"].as_array().into_iter().flatten() {
        let amount = number(&refund["M"]["amount"]);
        match text(&refund["M"], "status").as_str() {
            "succeeded" => refunded += amount,
            "requested" => requested += amount,
            _ => {}
        }
    }
    let theirs: i64 = of_order.iter().map(|intent| intent.captured).sum();
    let back: i64 = of_order.iter().map(|intent| intent.refunded).sum();
    if of_order.iter().filter(|intent| intent.captured > 0).count() > 1 {
        return Err(format!("{id} was charged twice: {of_order:?}"));
    }
    if (captured, refunded) != (theirs, back) {
        return Err(format!(
            "{id}: the shop has {captured}/{refunded}, the provider {theirs}/{back}: {order}"
        ));
    }
    let status = text(order, "status");
    if status != "pending_payment" {
        let held = of_order
            .iter()
            .find(|intent| intent.status == "requires_capture");
        if let Some(held) = held {
            return Err(format!(
                "{id} is {status} and money is held for it: {held:?}"
            ));
        }
    }
    captured -= refunded + requested;
    let unsold = ["expired", "cancelled", "payment_failed"].contains(&status.as_str());
    if unsold && captured != 0 {
        return Err(format!(
            "{id} is {status} and keeps {captured} of its customer"
        ));
    }
    if requested != 0 {
        return Err(format!("{id}: {requested} has still to go back"));
    }
    if text(payment, "status") == "authorised" {
        return Err(format!("{id} is still being paid"));
    }
    Ok(())
}

//! The fault matrix: every fault, at every call, along every way that an order can take.

use serde_json::{Value, json};
use testkit::{AwsCall, Fault};

use crate::{
    Random, only, seeds,
    world::{PATIENCE, World},
};

/// A way that an order can take.
#[derive(Clone, Copy, Debug)]
enum Way {
    /// Placed, authorized, captured, confirmed by email.
    Checkout,
    /// Declined by the provider.
    Decline,
    /// Paid, then canceled.
    Cancel,
    /// Not confirmed in time.
    Expiry,
    /// Paid, then partially refunded.
    Refund,
}

impl Way {
    /// Payment window in seconds: short for the expiry, ample for the others.
    fn window(self) -> u32 {
        match self {
            Self::Expiry => 1,
            _ => 900,
        }
    }

    /// Number of emails that the customer receives.
    fn mails(self) -> usize {
        match self {
            Self::Checkout | Self::Decline | Self::Expiry => 1,
            Self::Refund => 2,
            Self::Cancel => 3,
        }
    }

    /// Takes an order along this way, to one of its allowed ends.
    async fn take(self, world: &World, sku: &str) -> Value {
        match self {
            Self::Checkout => {
                let placed = world.place(sku, World::CARD).await;
                world
                    .ends(&placed, "it is paid", |order| order["status"] == "paid")
                    .await;
                placed
            }
            Self::Decline => {
                let placed = world.place(sku, Some(local::stripe::CARD_DECLINED)).await;
                world
                    .ends(&placed, "it is refused", |order| {
                        order["status"] == "payment_failed"
                    })
                    .await;
                placed
            }
            Self::Cancel => {
                let placed = world.place(sku, World::CARD).await;
                world
                    .ends(&placed, "it is paid", |order| order["status"] == "paid")
                    .await;
                world.staff(&placed, "cancel", &json!({})).await.expect(200);
                world
                    .ends(&placed, "its money went back", |order| {
                        order["status"] == "cancelled" && order["payment"]["status"] == "refunded"
                    })
                    .await;
                placed
            }
            Self::Expiry => {
                let placed = world.place(sku, None).await;
                world.shop.until_due(&placed).await;
                world
                    .expires(&placed, "its time is up", |order| {
                        order["status"] == "expired"
                    })
                    .await;
                placed
            }
            Self::Refund => {
                let placed = world.place(sku, World::CARD).await;
                world
                    .ends(&placed, "it is paid", |order| order["status"] == "paid")
                    .await;
                let amount = json!({ "amount": 400 });
                world.staff(&placed, "refunds", &amount).await.expect(202);
                world
                    .ends(&placed, "some of it went back", |order| {
                        order["status"] == "partially_refunded"
                    })
                    .await;
                placed
            }
        }
    }
}

/// Cases of each way that `make test` runs; `make faults` runs all.
const SAMPLE: usize = 20;

/// Functions along the ways, without those that are only called by the tests.
const ALONG: [&str; 10] = [
    "place-order",
    "relay-events",
    "capture-payment",
    "sweep-orders",
    "refund-payment",
    "cancel-order-as-staff",
    "refund-order",
    "send-email",
    "render-invoice",
    "handle-payment-event",
];

/// A sweep runs the same query for each of 16 partitions: the first and the last represent all, and
/// later sweeps repeat them. A way that does not wait for a sweep may still meet a scheduled one.
fn is_worth_a_fault(way: Way, call: &AwsCall) -> bool {
    match (call.function.as_str(), way, call.operation.as_str()) {
        ("sweep-orders", Way::Expiry, "Query") => [0, 15].contains(&call.of_operation),
        ("sweep-orders", Way::Expiry, _) => call.of_operation == 0,
        ("sweep-orders", _, _) => false,
        _ => true,
    }
}

async fn walk(way: Way) {
    let world = World::start(way.window()).await;
    let names: Vec<String> = (0..2).map(|number| format!("warm{number}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    world.stock_up(&names, 3).await;
    // Once to start all processes, once to learn the calls.
    way.take(&world, "WARM0").await;
    rest(&world).await;
    world.faults.reset();
    way.take(&world, "WARM1").await;
    rest(&world).await;
    let calls: Vec<AwsCall> = world
        .faults
        .calls()
        .into_iter()
        .filter(|call| ALONG.contains(&call.function.as_str()))
        .filter(|call| is_worth_a_fault(way, call))
        .collect();
    assert!(calls.len() >= 8, "{calls:?}");
    let (rounds, sample) = match seeds() {
        Some(seeds) => (seeds, false),
        None => (1, true),
    };
    let (mut tried, mut met) = (0, 0);
    let mut addresses = Vec::new();
    for seed in 0..rounds {
        let mut random = Random(seed ^ (way as u64) << 32);
        let mut cases: Vec<(AwsCall, Fault)> = Vec::new();
        for call in &calls {
            if sample {
                // A different fault each time, and none that takes long.
                let fault = Fault::ALL[(random.below(5)) as usize];
                cases.push((call.clone(), fault));
            } else {
                cases.extend(Fault::ALL.map(|fault| (call.clone(), fault)));
            }
        }
        for index in (1..cases.len()).rev() {
            cases.swap(index, random.below(index as u64 + 1) as usize);
        }
        if sample && only().is_none() {
            cases.truncate(SAMPLE);
        }
        if let Some(only) = only() {
            cases = calls
                .iter()
                .flat_map(|call| Fault::ALL.map(|fault| (call.clone(), fault)))
                .filter(|(call, fault)| {
                    format!("{}:{}:{fault:?}", call.function, call.number) == only
                })
                .collect();
        }
        for (number, chunk) in cases.chunks(40).enumerate() {
            let names: Vec<String> = (0..chunk.len())
                .map(|case| format!("s{seed}-{number}-{case}"))
                .collect();
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            world.faults.reset();
            world.stock_up(&names, 3).await;
            for ((call, fault), name) in chunk.iter().zip(&names) {
                let begun = std::time::Instant::now();
                print!("{way:?}, seed {seed}: {fault:?} at {call:?}");
                match call.function.as_str() {
                    // It processes several partitions concurrently, so the order of its calls varies.
                    "sweep-orders" => world.faults.plan_operation(call, *fault),
                    function => world.faults.plan(function, call.number, *fault),
                }
                let placed = way.take(&world, &name.to_uppercase()).await;
                println!(": {} ms", begun.elapsed().as_millis());
                tried += 1;
                met += usize::from(world.faults.hit().is_some());
                addresses.push(placed["email"].as_str().unwrap().to_owned());
            }
        }
    }
    world.faults.reset();
    rest(&world).await;
    world.must_hold().await;
    world.papers_must_hold().await;
    // SES has no idempotency key: an email is sent again if the response or the record of sending it
    // was lost. Whose email that is, is unknown: a fault may hit an earlier order's, and then another call than the
    // planned one.
    let hits = world.faults.all_hits().into_iter();
    let may_come_twice = hits
        .filter(|(call, fault)| {
            let sending = call.service == "ses" || call.operation == "UpdateItem";
            let killed = matches!(fault, Fault::KillBefore | Fault::KillAfter);
            call.function == "send-email" && (sending || killed)
        })
        .count();
    let mut twice = 0;
    for email in addresses {
        // A killed process may still be restarting, without a sign that it will continue.
        let what = format!("{way:?}: {} mails to {email}", way.mails());
        let mails = world.shop.eventually(&what, async || {
            let mails = world.shop.mails_to(&email).await.len();
            (mails >= way.mails()).then_some(mails)
        });
        twice += mails.await - way.mails();
    }
    assert!(
        twice <= may_come_twice,
        "{way:?}: {twice} mails came twice, and {may_come_twice} faults were at sending"
    );
    println!("{way:?}: {tried} cases, {met} of them met their call");
    // Calls are counted by function, and their numbers vary between runs.
    assert!(met * 10 >= tried * 7, "{met} of {tried} faults were met");
}

/// Waits until nothing is in progress any more, emails included, and asserts that there are no dead
/// letters.
async fn rest(world: &World) {
    let (mut calls, mut busy) = (usize::MAX, String::new());
    let resting = world.shop.eventually("nothing is under way", async || {
        let state = world.shop.get("/_dev/state").await.json();
        // Delayed messages do not count.
        let at_work =
            |queue: &&Value| queue["waiting"] != 0 || queue["in_flight"].as_i64().unwrap_or(0) != 0;
        let queues = state["queues"].as_array().unwrap().iter();
        let left: Vec<&Value> = queues.filter(at_work).collect();
        busy = format!("{left:?}");
        let before = std::mem::replace(&mut calls, world.faults.calls().len());
        (left.is_empty() && before == calls).then_some(())
    });
    if tokio::time::timeout(PATIENCE, resting).await.is_err() {
        panic!("still under way: {busy}\n{}", world.shop.log());
    }
}

#[tokio::test]
async fn checkout() {
    walk(Way::Checkout).await;
}

#[tokio::test]
async fn decline() {
    walk(Way::Decline).await;
}

#[tokio::test]
async fn cancel() {
    walk(Way::Cancel).await;
}

#[tokio::test]
async fn expiry() {
    walk(Way::Expiry).await;
}

#[tokio::test]
async fn refund() {
    walk(Way::Refund).await;
}

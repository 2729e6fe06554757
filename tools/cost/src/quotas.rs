//! Compares the busiest second of a launch hour with AWS's limits.

use local::outcome::Outcome;
use serde::Serialize;

use crate::{
    bill::Item,
    model::{Launch, Model, Usage},
    money::Quantity,
};

/// Requests per second of all HTTP APIs of an account, and of one distribution.
const GATEWAY: u64 = 10_000;
const CLOUDFRONT: u64 = 250_000;
/// Concurrent environments in an account, and new ones of one function in ten seconds.
const CONCURRENCY: u64 = 1_000;
const SCALING: u64 = 1_000;
/// Units per second: of a new table, of any table, of one item.
const NEW_TABLE_READS: u64 = 12_000;
const NEW_TABLE_WRITES: u64 = 4_000;
const TABLE: u64 = 40_000;
const ITEM_READS: u64 = 3_000;
const ITEM_WRITES: u64 = 1_000;
/// Write units of an order of one unit on its variant: 2 when placed, 2 when paid.
const VARIANT_WRITES: u64 = 4;
/// Maximum number of shards of a stock.
const SHARDS: u64 = 16;

/// A limit and the demand.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Check {
    pub(crate) what: String,
    pub(crate) asked: Quantity,
    pub(crate) limit: u64,
    pub(crate) is_exceeded: bool,
    /// Remedy if the limit is exceeded.
    pub(crate) remedy: String,
}

fn check(what: &str, asked: Quantity, limit: u64, remedy: String) -> Check {
    Check {
        what: what.to_owned(),
        asked,
        limit,
        is_exceeded: asked > Quantity::whole(limit),
        remedy,
    }
}

/// Compares an hour's usage with the limits.
pub(crate) fn checks(
    model: &Model<'_>,
    users: u64,
    launch: &Launch,
    hour: &Usage,
) -> Outcome<Vec<Check>> {
    let per_second = |quantity: Quantity| (quantity * launch.busiest_minute).over(60);
    let of = |item| per_second(hour.bill.of(item));
    let at_once =
        |invocations: Quantity, ms: u64| (per_second(invocations) * Quantity::whole(ms)).over(1000);
    // A consumer's demand does not exceed its limit in the template.
    let mut environments: Vec<(String, Quantity)> = Vec::new();
    for work in &hour.work {
        let mut needed = at_once(work.invocations, work.billed_ms);
        if let Some(limit) = model.shop.concurrency(&work.function) {
            needed = needed.min(Quantity::whole(limit));
        }
        match environments
            .iter_mut()
            .find(|(name, _)| *name == work.function)
        {
            Some((_, sum)) => *sum += needed,
            None => environments.push((work.function.clone(), needed)),
        }
    }
    let all = environments.iter().map(|(_, needed)| *needed).sum();
    let (busiest, most) = environments
        .iter()
        .max_by_key(|(_, needed)| *needed)
        .cloned()
        .unwrap_or_default();
    let orders = per_second(Quantity::whole(users) * launch.orders);
    let variant = orders * Quantity::whole(VARIANT_WRITES);
    let shards = variant.over(ITEM_WRITES).ceil();
    // All visitors look at the same product: half a unit for each read that no cache serves.
    let views = Quantity::whole(users * launch.views) * launch.traffic.edge_hits.rest();
    let page = per_second(views * launch.traffic.process_hits.rest()).over(2);
    let (reads, writes) = (of(Item::DynamodbReads), of(Item::DynamodbWrites));
    Ok(vec![
        check(
            "CloudFront, requests a second",
            of(Item::CloudfrontRequests),
            CLOUDFRONT,
            "Ask AWS for more for the distribution.".to_owned(),
        ),
        check(
            "HTTP API, requests a second",
            of(Item::HttpApiRequests),
            GATEWAY,
            "Have the account's throttle rate and burst of API Gateway raised a week ahead."
                .to_owned(),
        ),
        check(
            "Lambda, environments at once",
            all,
            CONCURRENCY,
            format!(
                "Have «concurrent executions» raised to {}.",
                (all + all).ceil()
            ),
        ),
        check(
            &format!("Lambda, new environments of `{busiest}` in 10 s"),
            most,
            SCALING,
            "Warm it before the hour, or let the waiting room admit more slowly.".to_owned(),
        ),
        check(
            "DynamoDB, write units a second of a new table",
            writes,
            NEW_TABLE_WRITES,
            format!(
                "Set the table's warm throughput to {} write units.",
                writes.ceil()
            ),
        ),
        check(
            "DynamoDB, read units a second of a new table",
            reads,
            NEW_TABLE_READS,
            format!(
                "Set the table's warm throughput to {} read units.",
                reads.ceil()
            ),
        ),
        check(
            "DynamoDB, units a second of any table",
            reads.max(writes),
            TABLE,
            "Have the table's on-demand quota raised.".to_owned(),
        ),
        check(
            "DynamoDB, write units a second of the variant everybody orders",
            variant,
            ITEM_WRITES,
            match shards <= SHARDS {
                true => format!(
                    "Split its stock into {shards} shards before (`PUT /v1/admin/stock/<sku>/shards`)."
                ),
                false => format!(
                    "It takes {shards} shards, and {SHARDS} are the most: admit fewer a minute."
                ),
            },
        ),
        check(
            "DynamoDB, read units a second of the product everybody looks at",
            page,
            ITEM_READS,
            "Have the CDN keep it longer.".to_owned(),
        ),
    ])
}

/// A consumer that needs longer than an hour for an hour's messages.
#[derive(Debug, Serialize)]
pub(crate) struct Late {
    pub(crate) function: String,
    pub(crate) minutes: u64,
}

/// Consumers whose concurrency limit makes them late.
pub(crate) fn backlog(model: &Model<'_>, hour: &Usage) -> Vec<Late> {
    let mut late = Vec::new();
    for work in &hour.work {
        if let Some(limit) = model.shop.concurrency(&work.function) {
            let ms = work.invocations * Quantity::whole(work.billed_ms);
            let minutes = ms.over(limit * 60_000).ceil();
            if minutes > 60 {
                late.push(Late {
                    function: work.function.clone(),
                    minutes,
                });
            }
        }
    }
    late
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{model::LAUNCH, tests::with_model};

    #[test]
    fn a_hundred_thousand_fit_and_a_million_are_told_what_to_raise() {
        with_model(|model| {
            let exceeded = |users| {
                let hour = model.launch_hour(users, &LAUNCH).unwrap();
                let checks = checks(model, users, &LAUNCH, &hour).unwrap();
                let exceeded = checks.into_iter().filter(|check| check.is_exceeded);
                exceeded.collect::<Vec<_>>()
            };
            assert!(exceeded(100_000).is_empty(), "{:?}", exceeded(100_000));
            let million = exceeded(1_000_000);
            let variant = million.iter().find(|check| check.what.contains("orders"));
            // 1,000,000 × 10 % × 20 % / 60 × 4 units.
            assert_eq!(variant.unwrap().asked.to_string(), "1,333.333");
            assert!(variant.unwrap().remedy.contains("2 shards"));
            assert!(
                million
                    .iter()
                    .any(|check| check.what.contains("write units a second of a new table"))
            );
        });
    }

    #[test]
    fn invoices_take_longer_than_the_hour() {
        with_model(|model| {
            let hour = model.launch_hour(1_000_000, &LAUNCH).unwrap();
            let late = backlog(model, &hour);
            assert_eq!(late.len(), 1);
            assert_eq!(late[0].function, "render-invoice");
        });
    }
}

//! Usage, and its cost according to the price table.

use std::{collections::BTreeMap, path::Path};

use local::outcome::Outcome;
use serde::{Deserialize, Serialize};

use crate::money::{Dollars, Quantity};

/// Units that AWS bills; each has an entry in prices.yaml.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Item {
    HttpApiRequests,
    LambdaRequests,
    LambdaArm64,
    #[serde(rename = "lambda-x86-64")]
    LambdaX86,
    DynamodbReads,
    DynamodbWrites,
    DynamodbStorage,
    DynamodbBackup,
    SqsRequests,
    LogBytes,
    LogStorage,
    Metrics,
    Alarms,
    CloudfrontRequests,
    CloudfrontBytes,
    S3Puts,
    S3Gets,
    S3Storage,
    TransferOut,
    SesMails,
    Secrets,
    SecretReads,
    ScheduleTicks,
    ServerSmallHours,
    ServerLargeHours,
    ServerDisk,
    AddressHours,
    DatabaseSmallHours,
    DatabaseLargeHours,
    DatabaseDisk,
    BalancerHours,
    BalancerUnits,
}

/// An entry of the price table.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Price {
    /// The service that bills it.
    pub(crate) service: String,
    pub(crate) what: String,
    pub(crate) unit: String,
    /// Price in dollars of `per` units.
    pub(crate) usd: Dollars,
    pub(crate) per: u64,
    /// Free units per month.
    #[serde(default)]
    pub(crate) free: u64,
    /// Whether it is billed at the CDN, before a request reaches the origin.
    #[serde(default)]
    pub(crate) edge: bool,
    /// Whether it is storage.
    #[serde(default)]
    pub(crate) storage: bool,
    pub(crate) source: String,
    pub(crate) date: String,
}

/// The price table by item.
#[derive(Clone, Debug)]
pub(crate) struct Prices(pub(crate) BTreeMap<Item, Price>);

impl Prices {
    /// Reads the committed table.
    pub(crate) fn read(root: &Path) -> Outcome<Self> {
        let table = local::template::load(&root.join("tools/cost/prices.yaml"))?;
        let prices = serde_json::from_value(table)
            .map_err(|error| format!("tools/cost/prices.yaml: {error}"))?;
        Ok(Self(prices))
    }
}

/// Used quantities by item.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Bill(pub(crate) BTreeMap<Item, Quantity>);

/// A line of a priced bill.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Line {
    pub(crate) service: String,
    pub(crate) what: String,
    pub(crate) quantity: Quantity,
    pub(crate) unit: String,
    pub(crate) dollars: Dollars,
    pub(crate) edge: bool,
    pub(crate) storage: bool,
}

/// A bill with prices.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Priced {
    pub(crate) lines: Vec<Line>,
}

impl Bill {
    pub(crate) fn add(&mut self, item: Item, quantity: Quantity) {
        if quantity > Quantity::default() {
            *self.0.entry(item).or_default() += quantity;
        }
    }

    pub(crate) fn take(&mut self, item: Item, quantity: Quantity) {
        let left = self.of(item) - quantity;
        self.0.insert(item, left);
    }

    pub(crate) fn of(&self, item: Item) -> Quantity {
        self.0.get(&item).copied().unwrap_or_default()
    }

    /// Prices the bill; with `free_tier`, deducts the free units as if nothing else used them.
    pub(crate) fn price(&self, prices: &Prices, free_tier: bool) -> Outcome<Priced> {
        let mut lines = Vec::new();
        for (item, quantity) in &self.0 {
            let price = prices.0.get(item).ok_or_else(|| {
                format!("tools/cost/prices.yaml has no price of {item:?}: add it")
            })?;
            let free = if free_tier { price.free } else { 0 };
            let charged = *quantity - Quantity::whole(free);
            lines.push(Line {
                service: price.service.clone(),
                what: price.what.clone(),
                quantity: *quantity,
                unit: price.unit.clone(),
                dollars: price.usd.times(charged, price.per),
                edge: price.edge,
                storage: price.storage,
            });
        }
        Ok(Priced { lines })
    }
}

impl Priced {
    pub(crate) fn total(&self) -> Dollars {
        self.sum(|_| true)
    }

    /// Total of the lines that `counts` selects.
    pub(crate) fn sum(&self, counts: impl Fn(&Line) -> bool) -> Dollars {
        let lines = self.lines.iter().filter(|line| counts(line));
        lines.map(|line| line.dollars).sum()
    }

    pub(crate) fn service(&self, service: &str) -> Dollars {
        self.sum(|line| line.service == service)
    }

    /// The most expensive service among the lines that `counts` selects, with its cost.
    pub(crate) fn dearest(&self, counts: impl Fn(&Line) -> bool) -> Option<(String, Dollars)> {
        let mut services: BTreeMap<&str, Dollars> = BTreeMap::new();
        for line in self.lines.iter().filter(|line| counts(line)) {
            let sum = services.entry(&line.service).or_default();
            *sum = *sum + line.dollars;
        }
        let dearest = services.into_iter().max_by_key(|(_, dollars)| *dollars);
        dearest.map(|(service, dollars)| (service.to_owned(), dollars))
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use local::project;

    use super::*;

    pub(crate) fn prices() -> Prices {
        Prices::read(&project::root()).unwrap()
    }

    /// One quantity per service whose price is easily computed by hand.
    #[test]
    fn each_item_costs_what_its_page_says() {
        let cases = [
            (Item::HttpApiRequests, 7_000, "0.007"),
            (Item::LambdaRequests, 15_000, "0.003"),
            (Item::LambdaArm64, 75, "0.001000005"),
            (Item::LambdaX86, 75, "0.0012500025"),
            (Item::DynamodbReads, 10_000, "0.00125"),
            (Item::DynamodbWrites, 17_000, "0.010625"),
            (Item::DynamodbStorage, 4_000_000_000, "1"),
            (Item::DynamodbBackup, 5_000_000_000, "1"),
            (Item::SqsRequests, 6_480_000, "2.592"),
            (Item::LogBytes, 600_000_000, "0.3"),
            (Item::LogStorage, 1_000_000_000, "0.03"),
            (Item::Metrics, 2, "0.6"),
            (Item::Alarms, 20, "2"),
            (Item::CloudfrontRequests, 1_000_000, "1"),
            (Item::CloudfrontBytes, 1_000_000_000, "0.085"),
            (Item::S3Puts, 1_000, "0.005"),
            (Item::S3Gets, 1_000, "0.0004"),
            (Item::S3Storage, 1_000_000_000, "0.023"),
            (Item::TransferOut, 1_000_000_000, "0.09"),
            (Item::SesMails, 1_000, "0.1"),
            (Item::Secrets, 1, "0.4"),
            (Item::SecretReads, 10_000, "0.05"),
            (Item::ScheduleTicks, 2_880, "0"),
            (Item::ServerSmallHours, 730, "12.264"),
            (Item::ServerLargeHours, 2, "0.145"),
            (Item::ServerDisk, 1_000_000_000, "0.08"),
            (Item::AddressHours, 730, "3.65"),
            (Item::DatabaseSmallHours, 730, "23.36"),
            (Item::DatabaseLargeHours, 1, "0.168"),
            (Item::DatabaseDisk, 1_000_000_000, "0.115"),
            (Item::BalancerHours, 730, "16.425"),
            (Item::BalancerUnits, 730, "5.84"),
        ];
        let prices = prices();
        assert_eq!(prices.0.len(), cases.len(), "every price has its case");
        for (item, quantity, want) in cases {
            let mut bill = Bill::default();
            bill.add(item, Quantity::whole(quantity));
            let got = bill.price(&prices, false).unwrap().total();
            assert_eq!(got, want.parse().unwrap(), "{item:?}");
        }
    }

    #[test]
    fn every_price_has_its_source_and_date() {
        for (item, price) in prices().0 {
            assert!(price.source.contains("aws.amazon.com"), "{item:?}");
            assert!(price.date.starts_with("20"), "{item:?}");
        }
    }

    #[test]
    fn what_is_given_away_is_not_charged_and_never_negative() {
        let mut bill = Bill::default();
        bill.add(Item::Alarms, Quantity::whole(20));
        bill.add(Item::SqsRequests, Quantity::whole(500_000));
        let priced = bill.price(&prices(), true).unwrap();
        assert_eq!(priced.total(), "1".parse().unwrap());
        assert_eq!(priced.dearest(|_| true).unwrap().0, "CloudWatch alarms");
    }
}

//! Cost of a comparable shop on servers: Vendure, whose CPU usage was measured, on small instances with
//! a managed Postgres and a load balancer.

use local::outcome::Outcome;
use serde::Serialize;

use crate::{
    bill::{Bill, Item, Prices},
    model::{IDLE_TABLE_BYTES, LAUNCH, MONTH_SECONDS, Model, ORDERS, THROUGH_CDN},
    money::{Dollars, Quantity},
};

/// CPU time of one page and of one complete checkout, in microseconds.
const PAGE_US: Load<u64> = Load {
    shop: 14_000,
    database: 11_000,
};
const ORDER_US: Load<u64> = Load {
    shop: 115_000,
    database: 80_000,
};
/// Baseline of a burstable instance's two vCPU, in percent of one.
const BASELINE_PERCENT: u64 = 40;
/// Utilization of a larger instance that keeps responses fast.
const FULL_PERCENT: u64 = 60;
const APP_SERVERS: u64 = 2;
/// One per server, two for the load balancer.
const ADDRESSES: u64 = 4;
const DISK_BYTES: u64 = 20_000_000_000;
/// Maximum size of the Postgres family.
const MOST_DATABASE_VCPUS: u64 = 64;
/// Ratio of the busiest hours to the average.
const PEAK: u64 = 10;
/// Page views per order.
const VIEWS_AN_ORDER: u64 = 50;
const HOURS: u64 = MONTH_SECONDS / 3600;

/// Work of the two kinds of servers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Load<T> {
    pub(crate) shop: T,
    pub(crate) database: T,
}

/// Cost at Stampede's origin, which excludes the CDN.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AtOrigin {
    /// A million page views, as deployed.
    pub(crate) million_pages: Dollars,
    /// The same with `CatalogOrigin=function-url`.
    pub(crate) million_pages_lean: Dollars,
    /// A thousand orders, without emails.
    pub(crate) thousand_orders: Dollars,
}

/// Marginal cost on both.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Marginal {
    /// On larger servers that are kept busy.
    pub(crate) servers: Dollars,
    pub(crate) ours: Dollars,
}

/// Number of pages at which both cost the same.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct EvenPages {
    pub(crate) a_month: Quantity,
    pub(crate) a_second: Quantity,
}

/// A month with some orders on both.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Month {
    pub(crate) orders: u64,
    pub(crate) ours: Dollars,
    pub(crate) servers: Dollars,
    pub(crate) fleet: String,
}

/// An hour of a launch on servers.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Hour {
    pub(crate) users: u64,
    pub(crate) ours: Dollars,
    /// Busy vCPU in the peak second.
    pub(crate) vcpus: Load<Quantity>,
    /// Cost of such a fleet per hour, and per month.
    pub(crate) hour: Dollars,
    pub(crate) month: Dollars,
    pub(crate) fits_one_database: bool,
}

/// Results of the comparison.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Comparison {
    /// Monthly cost of the smallest fleet.
    pub(crate) floor: Dollars,
    /// Pages per second that it sustains.
    pub(crate) floor_pages: Quantity,
    /// A million pages at the origin.
    pub(crate) million_pages: Marginal,
    /// Ours with `CatalogOrigin=function-url`.
    pub(crate) million_pages_lean: Dollars,
    /// A thousand orders, without emails.
    pub(crate) thousand_orders: Marginal,
    /// Where the smallest fleet costs the same as Stampede.
    pub(crate) even_pages: EvenPages,
    /// The same with `CatalogOrigin=function-url`.
    pub(crate) even_pages_lean: EvenPages,
    pub(crate) even_orders: Quantity,
    pub(crate) months: Vec<Month>,
    pub(crate) hours: Vec<Hour>,
}

/// The smallest fleet for a month.
fn floor() -> Bill {
    let mut bill = Bill::default();
    let hours = Quantity::whole(HOURS);
    bill.add(Item::ServerSmallHours, hours * Quantity::whole(APP_SERVERS));
    bill.add(Item::ServerDisk, Quantity::whole(DISK_BYTES * APP_SERVERS));
    bill.add(Item::AddressHours, hours * Quantity::whole(ADDRESSES));
    bill.add(Item::DatabaseSmallHours, hours);
    bill.add(Item::DatabaseDisk, Quantity::whole(DISK_BYTES));
    bill.add(Item::BalancerHours, hours);
    bill.add(Item::BalancerUnits, hours);
    bill
}

/// vCPU that pages and orders per second keep busy.
fn vcpus(pages: Quantity, orders: Quantity) -> Load<Quantity> {
    let busy = |page_us, order_us| {
        let us = pages * Quantity::whole(page_us) + orders * Quantity::whole(order_us);
        us.over(1_000_000)
    };
    Load {
        shop: busy(PAGE_US.shop, ORDER_US.shop),
        database: busy(PAGE_US.database, ORDER_US.database),
    }
}

/// Number of two-vCPU servers for this load.
fn pairs(busy: Quantity) -> u64 {
    (busy * Quantity::whole(100))
        .over(2 * FULL_PERCENT)
        .ceil()
        .max(1)
}

/// A fleet of larger servers for some hours.
fn large(busy: Load<Quantity>, hours: u64) -> Bill {
    let hours = Quantity::whole(hours);
    let months = hours.over(HOURS);
    let servers = Quantity::whole(pairs(busy.shop).max(APP_SERVERS));
    let mut bill = Bill::default();
    bill.add(Item::ServerLargeHours, hours * servers);
    bill.add(
        Item::ServerDisk,
        months * servers * Quantity::whole(DISK_BYTES),
    );
    bill.add(Item::AddressHours, hours * (servers + Quantity::whole(2)));
    bill.add(
        Item::DatabaseLargeHours,
        hours * Quantity::whole(pairs(busy.database)),
    );
    bill.add(Item::DatabaseDisk, months * Quantity::whole(DISK_BYTES));
    bill.add(Item::BalancerHours, hours);
    bill.add(Item::BalancerUnits, hours);
    bill
}

/// Whether the smallest fleet sustains this load.
fn fits_floor(busy: Load<Quantity>) -> bool {
    let baseline = Quantity::percent(BASELINE_PERCENT);
    busy.shop <= baseline * Quantity::whole(APP_SERVERS) && busy.database <= baseline
}

/// Cost of CPU time of both kinds on larger servers at their maximum utilization.
fn marginal(prices: &Prices, us: Load<u64>, count: u64) -> Outcome<Dollars> {
    let hours = |us: u64| {
        let busy = Quantity::whole(us * count).over(3_600 * 1_000_000);
        (busy * Quantity::whole(100)).over(2 * FULL_PERCENT)
    };
    let mut bill = Bill::default();
    bill.add(Item::ServerLargeHours, hours(us.shop));
    bill.add(Item::DatabaseLargeHours, hours(us.database));
    Ok(bill.price(prices, false)?.total())
}

/// Makes the comparison.
pub(crate) fn compare(model: &Model<'_>, prices: &Prices, origin: AtOrigin) -> Outcome<Comparison> {
    let cost = |bill: &Bill| bill.price(prices, false).map(|priced| priced.total());
    let floor = cost(&floor())?;
    let even = |million: Dollars| {
        let pages = floor.buys(million) * Quantity::whole(1_000_000);
        EvenPages {
            a_month: pages,
            a_second: pages.over(MONTH_SECONDS),
        }
    };
    let baseline = Quantity::percent(BASELINE_PERCENT);
    let app = (baseline * Quantity::whole(APP_SERVERS * 1_000_000)).over(PAGE_US.shop);
    let database = (baseline * Quantity::whole(1_000_000)).over(PAGE_US.database);
    let mut months = Vec::new();
    for count in [100, 1_000, 10_000, 100_000, 1_000_000] {
        months.push(month(model, prices, count)?);
    }
    let mut hours = Vec::new();
    for users in crate::outlook::LAUNCH_USERS {
        hours.push(hour(model, prices, users)?);
    }
    Ok(Comparison {
        floor,
        floor_pages: app.min(database),
        million_pages: Marginal {
            servers: marginal(prices, PAGE_US, 1_000_000)?,
            ours: origin.million_pages,
        },
        million_pages_lean: origin.million_pages_lean,
        thousand_orders: Marginal {
            servers: marginal(prices, ORDER_US, 1_000)?,
            ours: origin.thousand_orders,
        },
        even_pages: even(origin.million_pages),
        even_pages_lean: even(origin.million_pages_lean),
        even_orders: floor.buys(origin.thousand_orders) * Quantity::whole(1000),
        months,
        hours,
    })
}

/// Both are behind the same CDN, whose cost is excluded, as is the cost of emails.
fn month(model: &Model<'_>, prices: &Prices, orders: u64) -> Outcome<Month> {
    let views = Quantity::whole(orders * VIEWS_AN_ORDER);
    let mut usage = model.idle_month(IDLE_TABLE_BYTES)?;
    usage.join(model.page_views(views, THROUGH_CDN)?);
    usage.join(model.orders(Quantity::whole(orders), ORDERS)?);
    let ours = usage.bill.price(prices, model.options.free_tier)?;
    let ours = ours.sum(|line| !line.edge && line.service != "SES");
    let at_peak = |count: Quantity| (count * Quantity::whole(PEAK)).over(MONTH_SECONDS);
    let pages = at_peak(views * THROUGH_CDN.edge_hits.rest());
    let busy = vcpus(pages, at_peak(Quantity::whole(orders)));
    let (bill, fleet) = match fits_floor(busy) {
        true => (floor(), format!("{APP_SERVERS} × t4g.small, db.t4g.small")),
        false => {
            let servers = pairs(busy.shop).max(APP_SERVERS);
            let fleet = format!(
                "{servers} × c7g.large, m7g Postgres of {} vCPU",
                2 * pairs(busy.database)
            );
            (large(busy, HOURS), fleet)
        }
    };
    let servers = bill.price(prices, false)?.total();
    Ok(Month {
        orders,
        ours,
        servers,
        fleet,
    })
}

fn hour(model: &Model<'_>, prices: &Prices, users: u64) -> Outcome<Hour> {
    let usage = model.launch_hour(users, &LAUNCH)?;
    let ours = usage.bill.price(prices, model.options.free_tier)?;
    let users_now = (Quantity::whole(users) * LAUNCH.busiest_minute).over(60);
    let views = users_now * Quantity::whole(LAUNCH.views) * LAUNCH.traffic.edge_hits.rest();
    let vcpus = vcpus(views, users_now * LAUNCH.orders);
    let cost = |hours| large(vcpus, hours).price(prices, false);
    Ok(Hour {
        users,
        ours: ours.sum(|line| !line.edge && line.service != "SES"),
        vcpus,
        hour: cost(1)?.total(),
        month: cost(HOURS)?.total(),
        fits_one_database: 2 * pairs(vcpus.database) <= MOST_DATABASE_VCPUS,
    })
}

/// Assumptions of the comparison.
pub(crate) fn assumptions() -> Vec<String> {
    vec![
        format!(
            "Vendure 3.7.3 on Node 20 and Postgres 15, measured: {} + {} ms of CPU a page (Node + Postgres), {} + {} ms a checkout. A core there counts as one vCPU.",
            PAGE_US.shop / 1000,
            PAGE_US.database / 1000,
            ORDER_US.shop / 1000,
            ORDER_US.database / 1000
        ),
        format!(
            "The smallest fleet: {APP_SERVERS} × t4g.small, one db.t4g.small without a standby, a load balancer with one capacity unit, {ADDRESSES} public addresses, 20 GB of disk each. A burstable instance may use {BASELINE_PERCENT} % of one vCPU all day."
        ),
        format!(
            "Larger fleets: c7g.large and one m7g Postgres, {FULL_PERCENT} % full in the busiest hours, which are {PEAK} times the average; on demand, not scaled down at night."
        ),
        format!(
            "{VIEWS_AN_ORDER} page views for each order, behind the same CDN. Left out: CDN and mails, the same for both; the servers' logs, backups, standby and maintenance."
        ),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{bill::tests::prices, tests::with_model};

    /// 2 × 0.0168 × 730 + 2 × 20 × 0.08 + 4 × 0.005 × 730 + 0.032 × 730 + 20 × 0.115
    /// + (0.0225 + 0.008) × 730.
    #[test]
    fn the_smallest_fleet_by_hand() {
        let floor = floor().price(&prices(), false).unwrap().total();
        assert_eq!(floor, "90.253".parse().unwrap());
    }

    #[test]
    fn what_keeps_servers_busy() {
        let busy = vcpus(Quantity::whole(100), Quantity::whole(10));
        // 100 × 14 + 10 × 115 ms, 100 × 11 + 10 × 80 ms.
        assert_eq!(busy.shop.to_string(), "2.55");
        assert_eq!(busy.database.to_string(), "1.9");
        assert_eq!((pairs(busy.shop), pairs(busy.database)), (3, 2));
        assert!(!fits_floor(busy));
        // 14,000 s of shop / 3,600 / 1.2 × 0.0725 and 11,000 s of Postgres / 3,600 / 1.2 × 0.168.
        let million = marginal(&prices(), PAGE_US, 1_000_000).unwrap();
        assert_eq!(million.to_string(), "0.6627");
    }

    #[test]
    fn servers_win_where_they_are_kept_busy() {
        with_model(|model| {
            let origin = AtOrigin {
                million_pages: "2.00".parse().unwrap(),
                million_pages_lean: "2.00".parse().unwrap(),
                thousand_orders: "0.05".parse().unwrap(),
            };
            let all = compare(model, &prices(), origin).unwrap();
            assert_eq!(all.even_pages.a_month, Quantity::whole(45_126_500));
            assert_eq!(all.even_orders, Quantity::whole(1_805_060));
            assert!(all.months.first().unwrap().ours < all.months[0].servers);
            assert_eq!(all.months.len(), 5);
        });
    }
}

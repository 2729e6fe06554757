//! Evaluates the model: scenarios, goals, variants, limits, and the comparison with servers.

use std::path::Path;

use local::outcome::Outcome;
use serde::Serialize;

use crate::{
    bill::{Bill, Item, Line, Price, Priced, Prices},
    model::{
        self, DIRECT, IDLE_TABLE_BYTES, LAUNCH, Logs, Model, ORDERS, Options, Origin, THROUGH_CDN,
        Traffic, Usage,
    },
    money::{self, Dollars, Quantity},
    quotas::{self, Check, Late},
    report::Report,
    server::{self, AtOrigin, Comparison},
    shop::Shop,
};

/// Number of visitors in the launch hours.
pub(crate) const LAUNCH_USERS: [u64; 2] = [100_000, 1_000_000];
/// Names of goals that docs/budgets.md limits, too.
const ORDERS_NAME: &str = "1,000 orders, without SES's charge";
const IDLE_NAME: &str = "an idle month, besides storage";
/// Cost goal in dollars.
const ORDERS_GOAL: &str = "0.05";
const VIEWS_GOAL: &str = "0.60";

/// All results of the model.
#[derive(Debug, Serialize)]
pub(crate) struct Outlook {
    pub(crate) assumptions: Vec<String>,
    pub(crate) server_assumptions: Vec<String>,
    /// Missing measurements, and their substitutes.
    pub(crate) notes: Vec<String>,
    pub(crate) goals: Vec<Goal>,
    pub(crate) scenarios: Vec<Scenario>,
    pub(crate) what_ifs: Vec<WhatIf>,
    pub(crate) idle_what_ifs: Vec<IdleWhatIf>,
    pub(crate) launches: Vec<Launches>,
    /// Additional cost of a thousand orders if every invocation was a cold start.
    pub(crate) all_cold: Dollars,
    pub(crate) comparison: Comparison,
    pub(crate) prices: Vec<Price>,
    /// Alarms of the templates.
    pub(crate) alarms: u64,
    /// Metrics that functions report.
    pub(crate) metric_series: u64,
}

/// A traffic scenario with its cost.
#[derive(Debug, Serialize)]
pub(crate) struct Scenario {
    pub(crate) name: String,
    pub(crate) lines: Vec<Line>,
    pub(crate) total: Dollars,
    /// Cost without the CDN.
    pub(crate) origin: Dollars,
    /// Cost without SES.
    pub(crate) without_mail: Dollars,
}

/// A cost goal and the current value.
#[derive(Debug, Serialize)]
pub(crate) struct Goal {
    pub(crate) name: String,
    pub(crate) is: Dollars,
    pub(crate) limit: Dollars,
    pub(crate) is_met: bool,
    /// The most expensive service.
    pub(crate) cause: String,
    pub(crate) cause_dollars: Dollars,
}

/// The same traffic with another configuration.
#[derive(Debug, Serialize)]
pub(crate) struct WhatIf {
    pub(crate) origin: String,
    pub(crate) logs: String,
    /// Origin cost of a million page views: all at the functions, and behind the CDN.
    pub(crate) views_direct: Dollars,
    pub(crate) views_through_cdn: Dollars,
    /// Cost of a thousand orders without SES.
    pub(crate) orders: Dollars,
    /// Total cost of a launch hour.
    pub(crate) launch: Dollars,
}

/// An idle month with another configuration.
#[derive(Debug, Serialize)]
pub(crate) struct IdleWhatIf {
    pub(crate) name: String,
    /// Total cost, including storage.
    pub(crate) dollars: Dollars,
}

/// A launch hour compared with AWS's limits.
#[derive(Debug, Serialize)]
pub(crate) struct Launches {
    pub(crate) users: u64,
    pub(crate) checks: Vec<Check>,
    /// Consumers that need more than the hour.
    pub(crate) late: Vec<Late>,
}

impl Outlook {
    /// Results that docs/budgets.md limits, by the names of its rows.
    pub(crate) fn limited(&self) -> Outcome<Vec<(String, f64)>> {
        let mut results = Vec::new();
        for goal in &self.goals {
            if [ORDERS_NAME, IDLE_NAME].contains(&goal.name.as_str()) {
                results.push((
                    format!("{}, in dollars", goal.name),
                    goal.is.exact().parse()?,
                ));
            }
        }
        results.push(("alarms".to_owned(), f64::from(u32::try_from(self.alarms)?)));
        let series = f64::from(u32::try_from(self.metric_series)?);
        results.push(("CloudWatch metric series of our own".to_owned(), series));
        Ok(results)
    }
}

/// Evaluates the model for a report of `make bench` and the current templates.
pub(crate) fn outlook(root: &Path, report: &Report, options: Options) -> Outcome<Outlook> {
    let (prices, shop) = (Prices::read(root)?, Shop::read(root)?);
    let model = Model {
        report,
        shop: &shop,
        options,
    };
    let price = |usage: &Usage| usage.bill.price(&prices, options.free_tier);
    let million = Quantity::whole(1_000_000);
    let thousand = Quantity::whole(1_000);
    let direct = price(&model.page_views(million, DIRECT)?)?;
    let through = price(&model.page_views(million, THROUGH_CDN)?)?;
    let orders = price(&model.orders(thousand, ORDERS)?)?;
    let idle = price(&model.idle_month(IDLE_TABLE_BYTES)?)?;
    let every_cold = Traffic {
        cold: Quantity::ONE,
        ..ORDERS
    };
    let all_cold = price(&model.orders(thousand, every_cold)?)?.total() - orders.total();

    let mut what_ifs = Vec::new();
    for (origin, logs) in [
        (Origin::HttpApi, Logs::All),
        (Origin::HttpApi, Logs::Requests),
        (Origin::HttpApi, Logs::Errors),
        (Origin::FunctionUrl, Logs::Requests),
        (Origin::FunctionUrl, Logs::Errors),
    ] {
        let model = model.with(origin, logs);
        let views_direct = price(&model.page_views(million, DIRECT)?)?;
        let views_through_cdn = price(&model.page_views(million, THROUGH_CDN)?)?;
        what_ifs.push(WhatIf {
            origin: match origin {
                Origin::HttpApi => "HTTP API",
                Origin::FunctionUrl => "function URLs for cacheable reads",
            }
            .to_owned(),
            logs: match logs {
                Logs::All => "every request, and Lambda's own lines",
                Logs::Requests => "every request",
                Logs::Errors => "of cacheable reads errors only",
            }
            .to_owned(),
            views_direct: at_origin(&views_direct),
            views_through_cdn: at_origin(&views_through_cdn),
            orders: without_mail(&price(&model.orders(thousand, ORDERS)?)?),
            launch: price(&model.launch_hour(LAUNCH_USERS[1], &LAUNCH)?)?.total(),
        });
    }
    let lean = model.with(Origin::FunctionUrl, Logs::Requests);
    let lean = price(&lean.page_views(million, DIRECT)?)?;

    let idle_what_ifs = idle_what_ifs(&model, &prices)?;
    let goals = vec![
        goal(ORDERS_NAME, &orders, ORDERS_GOAL, |line| {
            line.service != "SES"
        })?,
        goal(
            "1,000,000 page views with the CDN in front, at the origin",
            &through,
            VIEWS_GOAL,
            |line| !line.edge,
        )?,
        goal(
            "1,000,000 page views that all reach the origin",
            &direct,
            VIEWS_GOAL,
            |line| !line.edge,
        )?,
        goal(
            "the same with `CatalogOrigin=function-url`",
            &lean,
            VIEWS_GOAL,
            |line| !line.edge,
        )?,
        goal(IDLE_NAME, &idle, "0", |line| !line.storage)?,
    ];
    let mut scenarios = vec![
        scenario(
            "1,000,000 page views, all of which reach the origin",
            &direct,
        ),
        scenario("1,000,000 page views through the CDN", &through),
        scenario("1,000 orders", &orders),
        scenario("An idle month", &idle),
    ];
    let mut launches = Vec::new();
    for users in LAUNCH_USERS {
        let hour = model.launch_hour(users, &LAUNCH)?;
        let name = money::thousands(u128::from(users));
        scenarios.push(scenario(
            &format!("A launch hour of {name} users"),
            &price(&hour)?,
        ));
        launches.push(Launches {
            users,
            checks: quotas::checks(&model, users, &LAUNCH, &hour)?,
            late: quotas::backlog(&model, &hour),
        });
    }
    let origin = AtOrigin {
        million_pages: at_origin(&direct),
        million_pages_lean: at_origin(&lean),
        thousand_orders: orders.sum(|line| !line.edge && line.service != "SES"),
    };
    Ok(Outlook {
        comparison: server::compare(&model, &prices, origin)?,
        assumptions: model::assumptions(report, &shop, &options),
        server_assumptions: server::assumptions(),
        goals,
        scenarios,
        what_ifs,
        idle_what_ifs,
        launches,
        all_cold,
        prices: prices.0.into_values().collect(),
        alarms: shop.alarms,
        metric_series: shop.figures,
        // Last, as the model collects notes on missing data while it counts.
        notes: report.notes(),
    })
}

/// Cost of an idle month with fewer idle resources, one change at a time.
fn idle_what_ifs(model: &Model<'_>, prices: &Prices) -> Outcome<Vec<IdleWhatIf>> {
    /// Consumers with rare messages: imports, refunds, webhook events, bounces.
    const RARE: u64 = 5;
    const GB: u64 = 1_000_000_000;
    let mut bill = model.idle_month(IDLE_TABLE_BYTES)?.bill;
    let larger = model.idle_month(IDLE_TABLE_BYTES + GB)?.bill;
    let mut rows = Vec::new();
    let mut row = |bill: &Bill, name: &str, free_tier: bool| -> Outcome {
        let dollars = bill.price(prices, free_tier)?.total();
        let name = name.to_owned();
        rows.push(IdleWhatIf { name, dollars });
        Ok(())
    };
    row(&bill, "as deployed", false)?;
    row(
        &bill,
        "as deployed, with what AWS gives away every month",
        true,
    )?;
    row(
        &larger,
        "as deployed, with a further GB in the table",
        false,
    )?;
    let polls = bill.of(Item::SqsRequests).over(model.shop.polled_queues());
    bill.take(Item::SqsRequests, polls * Quantity::whole(RARE - 1));
    row(&bill, "the five rarest consumers behind one queue", false)?;
    let spare = model.shop.dead_letter_alarms.saturating_sub(1);
    bill.take(Item::Alarms, Quantity::whole(spare));
    row(
        &bill,
        "and one dead-letter queue, with one alarm, for all",
        false,
    )?;
    row(
        &bill,
        "all of these, with what AWS gives away every month",
        true,
    )?;
    Ok(rows)
}

fn at_origin(priced: &Priced) -> Dollars {
    priced.sum(|line| !line.edge)
}

fn without_mail(priced: &Priced) -> Dollars {
    priced.total() - priced.service("SES")
}

fn scenario(name: &str, priced: &Priced) -> Scenario {
    Scenario {
        name: name.to_owned(),
        total: priced.total(),
        origin: at_origin(priced),
        without_mail: without_mail(priced),
        lines: priced.lines.clone(),
    }
}

/// Compares the lines that `counts` selects with a limit.
fn goal(name: &str, priced: &Priced, limit: &str, counts: impl Fn(&Line) -> bool) -> Outcome<Goal> {
    let (is, limit) = (priced.sum(&counts), limit.parse()?);
    let (cause, cause_dollars) = priced.dearest(&counts).unwrap_or_default();
    Ok(Goal {
        name: name.to_owned(),
        is,
        limit,
        is_met: is <= limit,
        cause,
        cause_dollars,
    })
}

//! Renders the report as a self-contained page, from `templates/report.html`.

use askama::Template;
use local::outcome::Outcome;

use crate::{
    chart::{Axis, Chart, Scale, Series},
    figures::{self, short, time},
    machine::Used,
    report::{Percentile, Point, Report},
};

#[derive(Template)]
#[template(path = "report.html")]
struct Page<'a> {
    report: &'a Report,
    figures: Vec<Figure>,
}

/// A chart with its drawing.
struct Figure {
    chart: Chart,
    svg: String,
}

/// The page.
pub(crate) fn render(report: &Report) -> Outcome<String> {
    let figures = charts(report)?;
    Ok(Page { report, figures }.render()?)
}

impl Figure {
    fn draw(chart: Chart) -> Outcome<Self> {
        let svg = chart.svg()?;
        Ok(Self { chart, svg })
    }
}

/// The charts of a report.
fn charts(report: &Report) -> Outcome<Vec<Figure>> {
    let points = &report.over_time;
    let line = |name, value: &dyn Fn(&Point) -> f64| Series {
        name,
        points: points
            .iter()
            .map(|point| (point.second, value(point)))
            .collect(),
    };
    let latency = report.latency_ms;
    let mut charts = vec![
        Chart {
            id: "rate",
            title: "Requests a second",
            description: format!(
                "Requests wanted, answered and failed in each second; {} a second on average.",
                short(report.requests_per_second)
            ),
            unit: "requests/s",
            scale: Scale::Linear,
            series: vec![
                line("wanted", &|point| point.wanted_per_second),
                line("answered", &|point| point.answered_per_second),
                line("failed", &|point| point.errors_per_second),
            ],
            axis: Axis::Time("when they should have started"),
        },
        Chart {
            id: "latency",
            title: "Latency over time",
            description: format!(
                "Latency from the intended start. Over the whole run: half within {}, 99 % within {}, the longest {}.",
                time(latency.p50),
                time(latency.p99),
                time(latency.max)
            ),
            unit: "ms",
            scale: Scale::Logarithmic,
            series: vec![
                line("p50", &|point| point.latency_ms.p50),
                line("p90", &|point| point.latency_ms.p90),
                line("p99", &|point| point.latency_ms.p99),
                line("longest", &|point| point.latency_ms.max),
            ],
            axis: Axis::Time("when they should have started"),
        },
    ];
    if !report.distribution.is_empty() {
        let curve = |name, value: &dyn Fn(&Percentile) -> f64| Series {
            name,
            points: report
                .distribution
                .iter()
                .map(|point| (point.percent, value(point)))
                .collect(),
        };
        charts.push(Chart {
            id: "distribution",
            title: "How many stayed within what time",
            description: format!(
                "Latency and service time by percentile. 99 % stayed within {} from the intended start, and within \
                 {} from the real one.",
                time(latency.p99),
                time(report.service_ms.p99)
            ),
            unit: "ms",
            scale: Scale::Logarithmic,
            series: vec![
                curve("latency, from the intended start", &|point| point.latency_ms),
                curve("service time, from the real start", &|point| point.service_ms),
            ],
            axis: Axis::Percentiles("share of requests"),
        });
    }
    if report.cpu_seconds.is_some() {
        let cores = |name, value: &dyn Fn(&Used) -> f64| Series {
            name,
            points: report
                .cores_over_time
                .iter()
                .map(|point| (point.second, value(&point.used)))
                .collect(),
        };
        charts.push(Chart {
            id: "cores",
            title: "Busy cores",
            description: format!(
                "CPU in use on a machine with {} cores.",
                report.machine.cores
            ),
            unit: "cores",
            scale: Scale::Linear,
            series: vec![
                cores("functions", &|used| used.functions),
                cores("gateway and emulators", &|used| used.emulators),
                cores("generator", &|used| used.generator),
                cores("other programs", &|used| used.others),
            ],
            axis: Axis::Time("time"),
        });
    }
    charts.into_iter().map(Figure::draw).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::{
        machine::Machine,
        record::{Orders, Summary},
        report::{Calls, Cores, OfFunction, OfRoute, PerOrder},
        stock::StockCheck,
    };

    const TIMES: Summary = Summary {
        p50: 4.0,
        p90: 9.5,
        p99: 20.0,
        p999: 1200.0,
        max: 2500.0,
        mean: 5.0,
    };
    const USED: Used = Used {
        functions: 0.5,
        emulators: 1.2,
        generator: 0.1,
        others: 0.2,
    };

    /// A report in which every part of the page has something to show.
    fn report() -> Report {
        let seconds = [0.0, 1.0, 2.0, 3.0];
        Report {
            at: "2026-11-25T10:00:00Z".to_owned(),
            revision: "abc".to_owned(),
            command: "xtask load --out <folder>".to_owned(),
            seed: 7,
            shop: "local".to_owned(),
            functions_built: Some("debug"),
            tools_built: "release",
            machine: Machine {
                processor: "a processor".to_owned(),
                cores: 2,
                memory_gib: 8.0,
                system: "Linux".to_owned(),
            },
            products: 100,
            seconds: 3.0,
            ended_early: true,
            shoppers: 1234,
            requests: 5000,
            requests_per_second: 1666.6,
            errors: 2,
            orders: Orders {
                placed: 3,
                paid: 2,
                sold_out: 1,
                ..Orders::default()
            },
            latency_ms: TIMES,
            service_ms: TIMES,
            paid_after_ms: TIMES,
            generator_lag_ms: TIMES,
            routes: vec![OfRoute {
                route: "GET /v1/products/{slug}",
                requests: 5000,
                requests_per_second: 1666.6,
                refused: 1,
                statuses: BTreeMap::new(),
                errors: BTreeMap::from([("timeout".to_owned(), 2)]),
                latency_ms: TIMES,
                service_ms: TIMES,
            }],
            functions: vec![OfFunction {
                function: "get-product".to_owned(),
                behind: false,
                invocations: 5000,
                errors: 0,
                processes: 2,
                cpu_ms: Some(900.0),
                cpu_ms_per_invocation: None,
                memory_peak_bytes: Some(9 << 20),
                per_invocation: Calls::default(),
                operations: BTreeMap::new(),
            }],
            per_order: Some(PerOrder::default()),
            cpu_seconds: Some(USED),
            stock: Some(StockCheck {
                skus: 3,
                units_sold: 4,
                units_reserved: 0,
                asked_again: 1,
                found_again: 1,
                findings: Vec::new(),
            }),
            log: vec![r#"place-order: {"level":"ERROR"}"#.to_owned()],
            over_time: seconds
                .map(|second| Point {
                    second,
                    wanted_per_second: 1700.0,
                    answered_per_second: 1600.0,
                    errors_per_second: 0.0,
                    latency_ms: TIMES,
                })
                .into(),
            distribution: [0.0, 50.0, 90.0, 99.0, 99.9]
                .map(|percent| Percentile {
                    percent,
                    latency_ms: percent.max(1.0),
                    service_ms: 1.0,
                })
                .into(),
            cores_over_time: seconds.map(|second| Cores { second, used: USED }).into(),
        }
    }

    #[test]
    fn the_page_shows_every_part_and_loads_nothing() {
        let mut report = report();
        let page = render(&report).unwrap();
        for part in [
            "1,234 shoppers came to\na shop on one machine",
            "over 3.0 s, when it was ended early",
            "xtask load --out &#60;folder&#62;",
            "Nothing was sold twice",
            "1 orders had no clear answer",
            "Read the latencies with care",
            "Debug builds",
            "2 × timeout<br>1 sold out",
            "<td>900</td><td>–</td>",
            "functions debug, generator and emulators release",
            "<h3 id=\"cores-title\">Busy cores</h3>",
            "99.9 %",
        ] {
            assert!(page.contains(part), "{part}: {page}");
        }
        let drawings = page.matches("<svg width=\"1120\"").count();
        assert_eq!(drawings, 4);
        let links = page.matches("http").count();
        assert_eq!(links, page.matches("http://www.w3.org/2000/svg").count());
        assert!(!page.contains("NaN") && !page.contains("<script"));

        report.stock.as_mut().unwrap().findings = vec!["TEE-1 is <short>".to_owned()];
        let page = render(&report).unwrap();
        assert!(page.contains("<li>TEE-1 is &#60;short&#62;</li>"));
        assert!(!page.contains("Nothing was sold twice"));
    }
}

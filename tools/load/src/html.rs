//! Renders the report as a page, and as a summary for the terminal.

#![expect(
    clippy::float_arithmetic,
    reason = "milliseconds and shares are not money"
)]

use std::fmt::Write as _;

use crate::{
    chart::{Chart, Scale, Series, seconds},
    record::{Summary, float},
    report::{OfFunction, OfRoute, Percentile, Point, Report},
};

const STYLE: &str = include_str!("report.css");

/// The self-contained page.
pub(crate) fn page(report: &Report) -> String {
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>Load report, {at}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n\
         <header><h1>Load report</h1><p>{lead}</p></header>\n",
        at = escaped(&report.at),
        lead = lead(report),
    );
    page.push_str(&tiles(report));
    page.push_str(&verdicts(report));
    page.push_str(&charts(report));
    page.push_str(&routes(&report.routes));
    page.push_str(&functions(report));
    page.push_str(&reading(report));
    page.push_str(&facts(report));
    page.push_str("</main>\n</body>\n</html>\n");
    page
}

fn lead(report: &Report) -> String {
    let shop = match report.shop.as_str() {
        "local" => {
            "a shop on one machine, with real functions and emulated AWS services".to_owned()
        }
        address => format!("the shop at {}", escaped(address)),
    };
    let early = if report.ended_early {
        ", when it was ended early"
    } else {
        ""
    };
    format!(
        "{} shoppers came to {shop}, over {} s{early}. They looked at pages, filled carts and ordered, each at times \
         decided before, however slow the shop was.",
        count(report.shoppers),
        short(report.seconds),
    )
}

fn tiles(report: &Report) -> String {
    let tile = |value: String, name: &str, more: String| {
        format!(
            "<div class=\"tile\"><dt>{name}</dt><dd>{value}</dd><dd class=\"more\">{more}</dd></div>"
        )
    };
    let orders = report.orders;
    let latency = report.latency_ms;
    let mut tiles = vec![
        tile(
            format!("{}/s", short(report.requests_per_second)),
            "Requests",
            format!("{} in all", count(report.requests)),
        ),
        tile(
            time(latency.p50),
            "Half of them within",
            format!("99 % within {}", time(latency.p99)),
        ),
        tile(
            count(report.errors),
            "Errors",
            format!("{} of requests", percent(report.errors, report.requests)),
        ),
    ];
    if orders.placed + orders.sold_out > 0 {
        tiles.push(tile(
            count(orders.placed),
            "Orders placed",
            format!(
                "{} paid, {} refused as sold out",
                count(orders.paid),
                count(orders.sold_out)
            ),
        ));
        tiles.push(tile(
            time(report.paid_after_ms.p50),
            "From order to paid",
            format!("99 % within {}", time(report.paid_after_ms.p99)),
        ));
    }
    format!("<dl class=\"tiles\">{}</dl>\n", tiles.concat())
}

fn verdicts(report: &Report) -> String {
    let mut boxes = String::new();
    let mut add = |kind: &str, title: &str, text: String| {
        let _ = writeln!(
            boxes,
            "<div class=\"box {kind}\"><h3>{title}</h3>{text}</div>"
        );
    };
    if let Some(stock) = &report.stock {
        let again = match stock.asked_again {
            0 => String::new(),
            asked => format!(
                " {asked} orders had no clear answer; sent again with the same key, {} turned out to be placed.",
                stock.found_again
            ),
        };
        if stock.findings.is_empty() && stock.skus > 0 {
            add(
                "good",
                "Nothing was sold twice",
                format!(
                    "<p>Of all {} SKUs that were ordered, what is on hand and the {} units in paid orders add up to \
                     what was imported.{again}</p>",
                    count(stock.skus),
                    stock.units_sold
                ),
            );
        } else if stock.findings.is_empty() {
            add(
                "good",
                "Nothing was ordered",
                "<p>So there is no stock to compare.</p>".to_owned(),
            );
        } else {
            let list: String = stock
                .findings
                .iter()
                .map(|finding| format!("<li>{}</li>", escaped(finding)))
                .collect();
            add(
                "bad",
                "Stock and orders do not add up",
                format!("<ul>{list}</ul>"),
            );
        }
    }
    let doubts = report.doubts();
    if doubts.is_empty() {
        add(
            "good",
            "The generator kept time",
            format!(
                "<p>It was {} late for half of its requests and {} for one in a hundred. That much of every latency \
                 is its own.</p>",
                time(report.generator_lag_ms.p50),
                time(report.generator_lag_ms.p99)
            ),
        );
    } else {
        let doubts: String = doubts
            .iter()
            .map(|doubt| format!("<p>{}</p>", escaped(doubt)))
            .collect();
        add("warn", "Read the latencies with care", doubts);
    }
    if report.functions_built == Some("debug") || report.tools_built == "debug" {
        add(
            "warn",
            "Debug builds",
            "<p>Functions or tools were built without optimisation: times and CPU are many times what they \
             are otherwise. Units and errors are not affected.</p>"
                .to_owned(),
        );
    }
    if !report.log.is_empty() {
        let lines: String = report
            .log
            .iter()
            .map(|line| format!("<li><code>{}</code></li>", escaped(line)))
            .collect();
        add(
            "bad",
            "Functions logged errors",
            format!("<ul>{lines}</ul>"),
        );
    }
    format!("<section aria-label=\"Findings\" class=\"boxes\">\n{boxes}</section>\n")
}

fn charts(report: &Report) -> String {
    let points = &report.over_time;
    let last = points.last().map_or(0.0, |point| point.second);
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
            marks: seconds(last),
            axis: "when they should have started",
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
            marks: seconds(last),
            axis: "when they should have started",
        },
    ];
    if !report.distribution.is_empty() {
        // Each nine is as wide as the previous one.
        let nines = |percent: f64| -(1.0 - percent / 100.0).log10();
        let curve = |name, value: &dyn Fn(&Percentile) -> f64| Series {
            name,
            points: report
                .distribution
                .iter()
                .map(|point| (nines(point.percent), value(point)))
                .collect(),
        };
        let most = report
            .distribution
            .last()
            .map_or(0.0, |point| nines(point.percent));
        let named = [
            (0.0, "0"),
            (50.0, "50"),
            (90.0, "90"),
            (99.0, "99"),
            (99.9, "99.9"),
            (99.99, "99.99"),
        ];
        let marks = named
            .into_iter()
            .map(|(percent, text)| (nines(percent), format!("{text} %")));
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
            marks: marks.filter(|mark| mark.0 <= most).collect(),
            axis: "share of requests",
        });
    }
    if report.cpu_seconds.is_some() {
        let cores = |name, value: &dyn Fn(&crate::machine::Used) -> f64| Series {
            name,
            points: report
                .cores_over_time
                .iter()
                .map(|point| (point.second, value(&point.used)))
                .collect(),
        };
        let last = report
            .cores_over_time
            .last()
            .map_or(0.0, |point| point.second);
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
            marks: seconds(last),
            axis: "time",
        });
    }
    let figures: String = charts.iter().map(Chart::figure).collect();
    format!("<section aria-label=\"Charts\" class=\"charts\">\n{figures}</section>\n")
}

fn routes(routes: &[OfRoute]) -> String {
    let mut rows = String::new();
    for of in routes {
        let errors: Vec<String> = of
            .errors
            .iter()
            .map(|(code, times)| format!("{} × {}", count(*times), escaped(code)))
            .chain((of.refused > 0).then(|| format!("{} sold out", count(of.refused))))
            .collect();
        let errors = match errors.is_empty() {
            true => "none".to_owned(),
            false => errors.join("<br>"),
        };
        let times = |times: Summary| {
            [times.p50, times.p90, times.p99, times.p999, times.max]
                .map(|time| format!("<td>{}</td>", millis(time)))
                .concat()
        };
        let _ = writeln!(
            rows,
            "<tr><th scope=\"row\"><code>{}</code></th><td>{}</td><td>{}</td><td class=\"text\">{errors}</td>{}{}</tr>",
            of.route,
            count(of.requests),
            short(of.requests_per_second),
            times(of.latency_ms),
            times(of.service_ms)
        );
    }
    let five = "<th scope=\"col\">p50</th><th scope=\"col\">p90</th><th scope=\"col\">p99</th>\
                <th scope=\"col\">p99.9</th><th scope=\"col\">max</th>";
    format!(
        "<section><h2>By route</h2><div class=\"wide\" tabindex=\"0\" role=\"region\" aria-label=\"Table of routes\">\
         <table><caption>Milliseconds; p99 is what 99 of 100 requests stayed within</caption><thead>\
         <tr><th rowspan=\"2\" scope=\"col\">route</th><th rowspan=\"2\" scope=\"col\">requests</th>\
         <th rowspan=\"2\" scope=\"col\">a second</th><th rowspan=\"2\" scope=\"col\" class=\"text\">errors</th>\
         <th colspan=\"5\" scope=\"colgroup\">from the intended start</th>\
         <th colspan=\"5\" scope=\"colgroup\">service time</th></tr><tr>{five}{five}</tr></thead>\
         <tbody>\n{rows}</tbody></table></div></section>\n"
    )
}

fn functions(report: &Report) -> String {
    if report.functions.is_empty() {
        return String::new();
    }
    let maybe = |value: Option<f64>, digits: usize| {
        value.map_or("–".to_owned(), |value| format!("{value:.digits$}"))
    };
    let mut rows = String::new();
    for of in &report.functions {
        let calls = &of.per_invocation;
        let _ = writeln!(
            rows,
            "<tr><th scope=\"row\"><code>{}</code></th><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td>\
             <td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>",
            of.function,
            count(of.invocations),
            count(of.errors),
            of.processes,
            maybe(of.cpu_ms, 0),
            maybe(of.cpu_ms_per_invocation, 2),
            units(calls.dynamodb_requests),
            units(calls.read_units),
            units(calls.write_units),
            units(calls.other_requests),
            memory(of),
        );
    }
    let per_order = report.per_order.as_ref().map_or(String::new(), |order| {
        format!(
            "<p>An order, with placing it and all that it set off: {} write units, {} read units, {:.1} ms of CPU, {:.1} \
             invocations.</p>",
            units(order.write_units),
            units(order.read_units),
            order.cpu_ms,
            order.invocations
        )
    });
    let used = report.cpu_seconds.map_or(String::new(), |used| {
        format!(
            "<p>CPU in all: {:.1} s functions, {:.1} s gateway, Runtime API and emulated AWS services, {:.1} s \
             generator.</p>",
            used.functions, used.emulators, used.generator
        )
    });
    format!(
        "<section><h2>By function</h2><div class=\"wide\" tabindex=\"0\" role=\"region\" \
         aria-label=\"Table of functions\"><table><caption>Starting a process is part of its CPU. Consumers take several messages an \
         invocation. Requests and units \
         are those of DynamoDB, per invocation</caption><thead><tr><th scope=\"col\">function</th>\
         <th scope=\"col\">invocations</th><th scope=\"col\">errors</th><th scope=\"col\">processes</th>\
         <th scope=\"col\">CPU ms</th><th scope=\"col\">CPU ms each</th><th scope=\"col\">requests</th>\
         <th scope=\"col\">read units</th><th scope=\"col\">write units</th>\
         <th scope=\"col\">calls of other services</th><th scope=\"col\">memory peak</th></tr></thead>\
         <tbody>\n{rows}</tbody></table></div>{per_order}{used}</section>\n"
    )
}

fn reading(report: &Report) -> String {
    let local = match report.shop.as_str() {
        "local" => {
            "<p>Functions, emulators and generator share one machine. CPU per invocation and units carry over to \
                    AWS; latencies and rates say how this machine fares, and how one change compares with \
                    another.</p>"
        }
        _ => "",
    };
    format!(
        "<section class=\"prose\"><h2>How to read this</h2>\
         <p><strong>From the intended start.</strong> When each shopper comes, and when each step of a visit is due, is \
         drawn before the run. If the shop stands still, the shoppers come all the same, and what they wait for \
         counts from when they wanted it. A tool that sends a request only after the last answer asks less of a slow \
         shop and so forgets exactly the waits that matter (coordinated omission).</p>\
         <p><strong>Service time</strong> counts from when the request was really sent. Where the two differ, requests \
         waited behind earlier ones.</p>\
         <p>A request that failed counts with the time that it took.</p>{local}</section>\n"
    )
}

fn facts(report: &Report) -> String {
    let machine = &report.machine;
    let facts = [
        ("Began", escaped(&report.at)),
        (
            "Command",
            format!("<code>{}</code>", escaped(&report.command)),
        ),
        ("Seed", report.seed.to_string()),
        ("Revision", escaped(&report.revision)),
        (
            "Built",
            match report.functions_built {
                Some(functions) => format!(
                    "functions {functions}, generator and emulators {}",
                    report.tools_built
                ),
                None => format!("generator {}", report.tools_built),
            },
        ),
        (
            "Products",
            count(u64::try_from(report.products).unwrap_or_default()),
        ),
        (
            "Machine",
            format!(
                "{}, {} cores, {:.0} GiB, {}",
                escaped(&machine.processor),
                machine.cores,
                machine.memory_gib,
                escaped(&machine.system)
            ),
        ),
        (
            "Generator lag",
            format!(
                "p50 {}, p99 {}, max {}",
                time(report.generator_lag_ms.p50),
                time(report.generator_lag_ms.p99),
                time(report.generator_lag_ms.max)
            ),
        ),
    ];
    let rows: String = facts
        .into_iter()
        .map(|(name, value)| {
            format!("<tr><th scope=\"row\">{name}</th><td class=\"text\">{value}</td></tr>")
        })
        .collect();
    format!(
        "<section><h2>The run</h2><table class=\"facts\"><tbody>{rows}</tbody></table></section>\n"
    )
}

/// The summary for a terminal.
pub(crate) fn text(report: &Report) -> String {
    let mut text = format!(
        "\n{} shoppers, {} requests, {}/s, {} errors; orders: {} placed, {} paid, {} sold out\n\n",
        count(report.shoppers),
        count(report.requests),
        short(report.requests_per_second),
        count(report.errors),
        report.orders.placed,
        report.orders.paid,
        report.orders.sold_out
    );
    let _ = writeln!(
        text,
        "{:<36} {:>8} {:>7} {:>8} {:>8} {:>8} {:>8} {:>8}",
        "ms from the intended start", "requests", "/s", "p50", "p90", "p99", "p99.9", "max"
    );
    let mut line = |name: &str, requests: u64, rate: f64, times: Summary| {
        let _ = writeln!(
            text,
            "{name:<36} {requests:>8} {:>7} {:>8} {:>8} {:>8} {:>8} {:>8}",
            short(rate),
            millis(times.p50),
            millis(times.p90),
            millis(times.p99),
            millis(times.p999),
            millis(times.max)
        );
    };
    for of in &report.routes {
        line(of.route, of.requests, of.requests_per_second, of.latency_ms);
    }
    line(
        "all",
        report.requests,
        report.requests_per_second,
        report.latency_ms,
    );
    line(
        "all, service time",
        report.requests,
        report.requests_per_second,
        report.service_ms,
    );
    for of in &report.routes {
        for (code, times) in &of.errors {
            let _ = writeln!(text, "error: {} × {code} at {}", count(*times), of.route);
        }
    }
    if !report.functions.is_empty() {
        let _ = writeln!(
            text,
            "\n{:<24} {:>8} {:>6} {:>9} {:>8} {:>8} {:>6} {:>6} {:>9}",
            "function", "calls", "errors", "CPU ms", "each", "requests", "RU", "WU", "memory"
        );
    }
    for of in &report.functions {
        let cpu = |value: Option<f64>, digits: usize| {
            value.map_or("-".to_owned(), |value| format!("{value:.digits$}"))
        };
        let _ = writeln!(
            text,
            "{:<24} {:>8} {:>6} {:>9} {:>8} {:>8} {:>6} {:>6} {:>9}",
            of.function,
            of.invocations,
            of.errors,
            cpu(of.cpu_ms, 0),
            cpu(of.cpu_ms_per_invocation, 2),
            units(of.per_invocation.dynamodb_requests),
            units(of.per_invocation.read_units),
            units(of.per_invocation.write_units),
            memory(of)
        );
    }
    if let Some(order) = &report.per_order {
        let _ = writeln!(
            text,
            "an order with all that it set off: {} WU, {} RU, {:.1} ms CPU, {:.1} calls",
            units(order.write_units),
            units(order.read_units),
            order.cpu_ms,
            order.invocations
        );
    }
    if let Some(used) = report.cpu_seconds {
        let _ = writeln!(
            text,
            "CPU: {:.1} s functions, {:.1} s gateway and emulators, {:.1} s generator",
            used.functions, used.emulators, used.generator
        );
    }
    let _ = writeln!(
        text,
        "generator lag: p50 {}, p99 {}, max {}",
        time(report.generator_lag_ms.p50),
        time(report.generator_lag_ms.p99),
        time(report.generator_lag_ms.max)
    );
    for doubt in report.doubts() {
        let _ = writeln!(text, "{doubt}");
    }
    if let Some(stock) = &report.stock {
        if stock.findings.is_empty() && stock.skus > 0 {
            let _ = writeln!(
                text,
                "nothing was sold twice: {} units of {} SKUs add up with what is left of them",
                stock.units_sold, stock.skus
            );
        }
        for finding in &stock.findings {
            let _ = writeln!(text, "stock: {finding}");
        }
    }
    for line in &report.log {
        let _ = writeln!(text, "logged: {line}");
    }
    text
}

fn memory(of: &OfFunction) -> String {
    of.memory_peak_bytes.map_or("–".to_owned(), |bytes| {
        format!("{:.1} MiB", float(bytes) / 1_048_576.0)
    })
}

/// Formats a count with thousands separators.
fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

fn percent(part: u64, whole: u64) -> String {
    match whole {
        0 => "0 %".to_owned(),
        _ => format!("{:.2} %", 100.0 * float(part) / float(whole)),
    }
}

/// Formats milliseconds with adequate precision.
fn millis(millis: f64) -> String {
    match millis {
        ..10.0 => format!("{millis:.2}"),
        ..100.0 => format!("{millis:.1}"),
        _ => format!("{millis:.0}"),
    }
}

fn time(milliseconds: f64) -> String {
    match milliseconds {
        ..1000.0 => format!("{} ms", millis(milliseconds)),
        _ => format!("{:.1} s", milliseconds / 1000.0),
    }
}

fn short(value: f64) -> String {
    match value {
        ..10.0 => format!("{value:.1}"),
        _ => format!("{value:.0}"),
    }
}

fn units(value: f64) -> String {
    format!("{value:.2}")
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_written_as_people_write_them() {
        assert_eq!(
            [count(7), count(1234), count(1_234_567)],
            ["7", "1,234", "1,234,567"]
        );
        assert_eq!(
            [millis(2.345_67), millis(23.4567), millis(234.567)],
            ["2.35", "23.5", "235"]
        );
        assert_eq!([time(12.0), time(2500.0)], ["12.0 ms", "2.5 s"]);
        assert_eq!([percent(1, 400), percent(0, 0)], ["0.25 %", "0 %"]);
        assert_eq!(escaped("<a & \"b\">"), "&lt;a &amp; &quot;b&quot;&gt;");
    }
}

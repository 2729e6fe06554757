//! The summary of a report for the terminal.

use std::fmt::Write as _;

use crate::{
    figures::{count, memory, millis, short, time, units},
    record::Summary,
    report::Report,
};

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

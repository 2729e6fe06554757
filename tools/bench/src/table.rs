//! Renders the report as text.

use std::{collections::BTreeMap, fmt::Write};

use bench::report::{Function, Report};

/// A goal of docs/performance.md and its measured value.
pub(crate) struct Goal {
    /// Name of the goal.
    pub(crate) what: &'static str,
    /// Maximum value.
    pub(crate) most: f64,
    /// Measured value; `None` if it was not measured.
    pub(crate) is: Option<f64>,
    /// Unit of the values.
    pub(crate) unit: &'static str,
}

/// The goals with the values of this report.
#[expect(clippy::float_arithmetic, reason = "figures, not money")]
pub(crate) fn goals(report: &Report) -> Vec<Goal> {
    let figure = |function: &str, of: fn(&Function) -> f64| report.functions.get(function).map(of);
    let most = |of: fn(&Function) -> f64, with: fn(&str, &Function) -> bool| {
        let functions = report.functions.iter();
        functions
            .filter(|(name, function)| with(name, function))
            .map(|(_, function)| of(function))
            .max_by(f64::total_cmp)
    };
    let table: fn(&str, &Function) -> bool = |_, function| {
        function.scenarios.values().any(|scenario| {
            scenario
                .calls
                .keys()
                .any(|operation| operation.starts_with("DynamoDB"))
        })
    };
    let scenario = |function: &str, name: &str| {
        report
            .functions
            .get(function)
            .and_then(|it| it.scenarios.get(name))
    };
    let cpu = |function, name| scenario(function, name).map(|it| it.cpu_us / it.hello_cpu_us);
    let units = |function, name, write: bool| {
        scenario(function, name).map(|it| {
            let calls = it.calls.values();
            calls
                .map(|call| {
                    if write {
                        call.write_units
                    } else {
                        call.read_units
                    }
                })
                .sum::<f64>()
        })
    };
    let goal = |what, most, is, unit| Goal {
        what,
        most,
        is,
        unit,
    };
    let stock = report.stock.as_ref();
    let of_stock = |of: fn(&Function) -> f64| Some(figure("get-product", of)? / of(stock?));
    let cpu_of_stock = || {
        let stock = stock?.scenarios.get("page-uncached")?;
        Some(cpu("get-product", "page-uncached")? / (stock.cpu_us / stock.hello_cpu_us))
    };
    let mut goals = vec![
        goal(
            "start, the slowest function with DynamoDB",
            1.7,
            most(start_ratio, table),
            "x hello",
        ),
        goal(
            "start, get-product",
            0.35,
            of_stock(|it| it.start_us.median),
            "x stock",
        ),
        goal(
            "first invocation over TLS, get-product",
            3.0,
            figure("get-product", |it| it.first_us.median / 1000.0),
            "ms",
        ),
        goal(
            "CPU of a product page from the cache",
            1.5,
            cpu("get-product", "page"),
            "x hello",
        ),
        goal(
            "CPU of a product page from the table",
            3.3,
            cpu("get-product", "page-uncached"),
            "x hello",
        ),
        goal(
            "CPU of a product page from the table",
            0.8,
            cpu_of_stock(),
            "x stock",
        ),
        goal(
            "CPU of placing an order of one line",
            8.0,
            cpu("place-order", "one-line"),
            "x hello",
        ),
        goal(
            "most memory with one SDK client",
            9.0,
            most(|it| kib(it.peak_kb), |_, it| it.services.len() == 1),
            "MB",
        ),
        goal(
            "most growth over many invocations",
            0.25,
            most(growth, |_, it| it.growth_calls > 0),
            "MB",
        ),
        goal(
            "largest zip beyond what its clients may take",
            0.0,
            most(zip_excess, |name, _| name != "render-invoice"),
            "MB",
        ),
        goal(
            "zip, get-product",
            0.45,
            of_stock(|it| mega(it.zip_bytes)),
            "x stock",
        ),
        goal(
            "product page",
            0.5,
            units("get-product", "page-uncached", false),
            "read units",
        ),
        goal(
            "list of 24",
            1.5,
            units("list-products", "list-24-uncached", false),
            "read units",
        ),
        goal(
            "setting a cart's line",
            1.0,
            units("set-cart-line", "one-line", true),
            "write units",
        ),
        goal(
            "setting a cart's line",
            0.5,
            units("set-cart-line", "one-line", false),
            "read units",
        ),
        goal(
            "order of one line",
            8.0,
            units("place-order", "one-line", true),
            "write units",
        ),
        goal(
            "order of one line",
            1.0,
            units("place-order", "one-line", false),
            "read units",
        ),
    ];
    for (what, function, name, [write, read]) in OF_ACCOUNTS {
        let written = units(function, name, true);
        goals.push(goal(what, write, written, "write units"));
        let read_units = units(function, name, false);
        goals.push(goal(what, read, read_units, "read units"));
    }
    goals
}

/// Goals of logins and refreshes: function, scenario, and the most write and read units.
const OF_ACCOUNTS: [(&str, &str, &str, [f64; 2]); 5] = [
    ("login", "log-in", "password", [4.0, 3.0]),
    (
        "login with an app",
        "log-in",
        "password-and-app",
        [4.0, 3.0],
    ),
    ("failed login", "log-in", "wrong", [3.0, 2.0]),
    (
        "failed login with an app",
        "log-in",
        "wrong-code",
        [3.0, 2.0],
    ),
    (
        "refresh of a session",
        "refresh-session",
        "next",
        [2.0, 1.0],
    ),
];

/// A function's start time as a multiple of hello's.
#[expect(clippy::float_arithmetic, reason = "figures, not money")]
fn start_ratio(function: &Function) -> f64 {
    function.start_us.median / function.hello_start_us.median
}

/// Excess of a function's zip over the allowance of its clients: 2.4 MB with one SDK client, 0.35 MB
/// for each additional one, 0.2 MB for Stripe's.
#[expect(
    clippy::float_arithmetic,
    clippy::cast_precision_loss,
    reason = "figures, not money"
)]
fn zip_excess(function: &Function) -> f64 {
    let further = function.services.len().saturating_sub(1) as f64;
    let stripe = if function.calls_stripe { 0.2 } else { 0.0 };
    mega(function.zip_bytes) - (2.4 + 0.35 * further + stripe)
}

/// Whether a goal is met; `None` if it was not measured.
pub(crate) fn is_met(goal: &Goal) -> Option<bool> {
    goal.is.map(|is| is <= goal.most)
}

/// Renders the table, the goals and their explanation.
pub(crate) fn render(report: &Report) -> String {
    let mut text = String::new();
    let machine = &report.machine;
    let _ = writeln!(
        text,
        "\n{} · revision {} · {} · {} cores · Linux {}\n",
        report.date, report.revision, machine.cpu, machine.cores, machine.kernel
    );
    let _ = writeln!(
        text,
        "{:24}{:>9}{:>9}{:>9}{:>9}{:>9}{:>8}{:>8}  (median; ms, MB; growth in KB)",
        "", "start", "cpu", "first", "cpu", "peak", "growth", "zip"
    );
    let _ = writeln!(text, "{}", row("hello", &report.hello));
    if let Some(stock) = &report.stock {
        let _ = writeln!(text, "{}", row("stock", stock));
    }
    for (name, function) in &report.functions {
        let _ = writeln!(text, "{}", row(name, function));
    }
    let _ = writeln!(
        text,
        "\n{:42}{:>9}{:>9}{:>9}{:>7}{:>7}{:>9}{:>8}",
        "warm, one call", "p50 us", "p99 us", "cpu us", "RU", "WU", "calls", "log B"
    );
    let stock = report.stock.iter().map(|stock| ("stock", stock));
    let all = std::iter::once(("hello", &report.hello))
        .chain(stock)
        .chain(
            report
                .functions
                .iter()
                .map(|(name, function)| (name.as_str(), function)),
        );
    for (name, function) in all {
        for (scenario, it) in &function.scenarios {
            let [mut reads, mut writes, mut requests] = [0.0, 0.0, 0.0];
            for call in it.calls.values() {
                add(&mut reads, call.read_units);
                add(&mut writes, call.write_units);
                add(&mut requests, call.requests);
            }
            let _ = writeln!(
                text,
                "{:42}{:>9.0}{:>9.0}{:>9.0}{:>7.1}{:>7.1}{:>9.1}{:>8.0}",
                format!("{name} {scenario}"),
                it.warm_us.p50,
                it.warm_us.p99,
                it.cpu_us,
                reads,
                writes,
                requests,
                it.logged_bytes
            );
        }
    }
    let _ = writeln!(text, "\ngoals");
    for goal in goals(report) {
        let (is, verdict) = match (goal.is, is_met(&goal)) {
            (Some(is), Some(met)) => (format!("{is:.2}"), if met { "met" } else { "MISSED" }),
            _ => ("-".to_owned(), "not measured"),
        };
        let _ = writeln!(
            text,
            "{:50}{:>8} of at most {} {}: {verdict}",
            goal.what, is, goal.most, goal.unit
        );
    }
    text
}

/// Renders the changes between two revisions.
#[expect(clippy::float_arithmetic, reason = "figures, not money")]
pub(crate) fn compare(
    base: &str,
    before: &BTreeMap<String, Function>,
    after: &BTreeMap<String, Function>,
) -> String {
    let mut text = format!(
        "\nthis revision against {base}; a ratio below 1 is better\n{:24}{:>16}{:>8}{:>16}{:>8}{:>14}{:>8}{:>14}{:>8}\n",
        "", "start us", "", "first us", "", "peak KB", "", "zip KB", ""
    );
    for (name, now) in after {
        let Some(was) = before.get(name) else {
            continue;
        };
        let _ = write!(text, "{name:24}");
        for (width, was, now) in [
            (16, was.start_us.median, now.start_us.median),
            (16, was.first_us.median, now.first_us.median),
            (14, kib(was.peak_kb) * 1024.0, kib(now.peak_kb) * 1024.0),
            (
                14,
                mega(was.zip_bytes) * 1000.0,
                mega(now.zip_bytes) * 1000.0,
            ),
        ] {
            let _ = write!(
                text,
                "{:>width$}{:>8}",
                format!("{was:.0} > {now:.0}"),
                ratio(was, now)
            );
        }
        let _ = writeln!(text);
    }
    let _ = writeln!(
        text,
        "\n{:42}{:>18}{:>8}{:>18}{:>8}{:>16}",
        "one warm call", "cpu us", "", "p50 us", "", "requests"
    );
    for (name, now) in after {
        let Some(was) = before.get(name) else {
            continue;
        };
        for (scenario, now) in &now.scenarios {
            let Some(was) = was.scenarios.get(scenario) else {
                continue;
            };
            let requests = |it: &bench::report::Scenario| {
                let mut sum = 0.0;
                it.calls
                    .values()
                    .for_each(|call| add(&mut sum, call.requests));
                sum
            };
            let _ = writeln!(
                text,
                "{:42}{:>18}{:>8}{:>18}{:>8}{:>16}",
                format!("{name} {scenario}"),
                format!("{:.0} > {:.0}", was.cpu_us, now.cpu_us),
                ratio(was.cpu_us, now.cpu_us),
                format!("{:.0} > {:.0}", was.warm_us.p50, now.warm_us.p50),
                ratio(was.warm_us.p50, now.warm_us.p50),
                format!("{:.1} > {:.1}", requests(was), requests(now)),
            );
        }
    }
    text
}

#[expect(clippy::float_arithmetic, reason = "figures, not money")]
fn row(name: &str, function: &Function) -> String {
    format!(
        "{name:24}{:>9.2}{:>9.2}{:>9.2}{:>9.2}{:>9.2}{:>8}{:>8.2}",
        function.start_us.median / 1000.0,
        function.start_cpu_us.median / 1000.0,
        function.first_us.median / 1000.0,
        function.first_cpu_us.median / 1000.0,
        kib(function.peak_kb),
        match function.growth_calls {
            0 => "-".to_owned(),
            _ => function.growth_kb.to_string(),
        },
        mega(function.zip_bytes),
    )
}

#[expect(clippy::float_arithmetic, reason = "figures, not money")]
fn ratio(was: f64, now: f64) -> String {
    match was {
        was if was > 0.0 => format!("{:.2}", now / was),
        _ => "-".to_owned(),
    }
}

/// KiB as MB.
#[expect(
    clippy::float_arithmetic,
    clippy::cast_precision_loss,
    reason = "figures, not money"
)]
pub(crate) fn kib(kilobytes: u64) -> f64 {
    kilobytes as f64 / 1024.0
}

/// Bytes as MB.
#[expect(
    clippy::float_arithmetic,
    clippy::cast_precision_loss,
    reason = "figures, not money"
)]
pub(crate) fn mega(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}

#[expect(
    clippy::float_arithmetic,
    clippy::cast_precision_loss,
    reason = "figures, not money"
)]
fn growth(function: &Function) -> f64 {
    function.growth_kb as f64 / 1024.0
}

#[expect(clippy::float_arithmetic, reason = "units are not money")]
fn add(sum: &mut f64, units: f64) {
    *sum += units;
}

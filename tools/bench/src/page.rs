//! Renders the report as a self-contained HTML page.

use std::fmt::Write;

use bench::report::{Function, Report};

use crate::table::{goals, is_met, kib, mega};

const STYLE: &str = include_str!("page.css");

/// A bar chart: title, unit and values.
struct Plot {
    title: &'static str,
    says: &'static str,
    unit: &'static str,
    bars: Vec<(String, f64)>,
}

/// Renders the page.
pub(crate) fn render(report: &Report) -> String {
    let machine = &report.machine;
    let mut page = format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\">\
         <title>Stampede bench, {date}</title><style>{STYLE}</style>\
         <h1>What each function costs</h1>\
         <p>{date}, revision <code>{revision}</code>, on {cpu}, {cores} cores, Linux {kernel}. \
         Release binaries as deployed, behind a Lambda Runtime API and TLS on the same machine. \
         <b>hello</b> is the smallest function on the same runtime: the floor. <b>stock</b> is get-product as \
         the AWS documentation would have it.</p>",
        date = escape(&report.date),
        revision = escape(&report.revision),
        cpu = escape(&machine.cpu),
        cores = machine.cores,
        kernel = escape(&machine.kernel),
    );
    page.push_str("<h2>Goals</h2><table><tr><th>what<th>is<th>at most<th>");
    for goal in goals(report) {
        let (is, class, verdict) = match (goal.is, is_met(&goal)) {
            (Some(is), Some(true)) => (format!("{is:.2}"), "met", "met"),
            (Some(is), _) => (format!("{is:.2}"), "missed", "missed"),
            _ => ("–".to_owned(), "", "not measured"),
        };
        let _ = write!(
            page,
            "<tr class=\"{class}\"><td>{}<td class=n>{is}<td class=n>{} {}<td>{verdict}",
            goal.what, goal.most, goal.unit
        );
    }
    page.push_str("</table>");
    for plot in plots(report) {
        page.push_str(&draw(&plot));
    }
    page.push_str(
        "<p>docs/performance.md says how each figure is measured and what was learnt from it.</p>",
    );
    page
}

#[expect(clippy::float_arithmetic, reason = "figures, not money")]
fn plots(report: &Report) -> Vec<Plot> {
    let functions = |of: fn(&Function) -> f64| -> Vec<(String, f64)> {
        let mut bars: Vec<(String, f64)> = report
            .functions
            .iter()
            .map(|(name, function)| (name.clone(), of(function)))
            .collect();
        bars.sort_by(|a, b| b.1.total_cmp(&a.1));
        bars.splice(
            0..0,
            marks(report).map(|(name, mark)| (name.to_owned(), of(mark))),
        );
        bars
    };
    let mut cpu: Vec<(String, f64)> = Vec::new();
    for (name, function) in &report.functions {
        for (scenario, figures) in &function.scenarios {
            cpu.push((format!("{name} · {scenario}"), figures.cpu_us));
        }
    }
    cpu.sort_by(|a, b| b.1.total_cmp(&a.1));
    let of = |function: &Function| {
        function
            .scenarios
            .values()
            .next()
            .map_or(0.0, |it| it.cpu_us)
    };
    cpu.splice(
        0..0,
        marks(report).map(|(name, mark)| (name.to_owned(), of(mark))),
    );
    vec![
        Plot {
            title: "Start",
            says: "from the start of the process to its first question for work, median",
            unit: "ms",
            bars: functions(|it| it.start_us.median / 1000.0),
        },
        Plot {
            title: "First invocation",
            says: "after the start, with connecting and TLS where the function calls AWS, median",
            unit: "ms",
            bars: functions(|it| it.first_us.median / 1000.0),
        },
        Plot {
            title: "CPU of one warm call",
            says: "by the kernel's account",
            unit: "µs",
            bars: cpu,
        },
        Plot {
            title: "Memory",
            says: "the most that a process ever had, pages of its binary included",
            unit: "MB",
            bars: functions(|it| kib(it.peak_kb)),
        },
        Plot {
            title: "Archive",
            says: "size of what is deployed",
            unit: "MB",
            bars: functions(|it| mega(it.zip_bytes)),
        },
    ]
}

/// Functions with their names in the order of the bars, the baseline first.
fn marks(report: &Report) -> impl Iterator<Item = (&'static str, &Function)> {
    let stock = report.stock.iter().map(|stock| ("stock", stock));
    std::iter::once(("hello", &report.hello)).chain(stock)
}

/// Horizontal bars; the baseline comes first and is marked by a line.
#[expect(clippy::float_arithmetic, reason = "figures, not money")]
fn draw(plot: &Plot) -> String {
    const ROW: usize = 22;
    const LEFT: f64 = 250.0;
    const WIDTH: f64 = 500.0;
    let most = plot
        .bars
        .iter()
        .map(|(_, value)| *value)
        .fold(f64::MIN_POSITIVE, f64::max);
    let height = plot.bars.len() * ROW + 4;
    let mut svg = format!(
        "<h2>{}</h2><p>{}, in {}</p><svg viewBox=\"0 0 820 {height}\" role=\"img\" aria-label=\"{}\">",
        plot.title, plot.says, plot.unit, plot.title
    );
    for (index, (name, value)) in plot.bars.iter().enumerate() {
        let y = index * ROW;
        let length = value / most * WIDTH;
        let class = if index == 0 { "floor" } else { "bar" };
        let _ = write!(
            svg,
            "<text x=\"{:.0}\" y=\"{}\" class=\"name\">{}</text>\
             <rect x=\"{LEFT}\" y=\"{}\" width=\"{length:.1}\" height=\"14\" class=\"{class}\"/>\
             <text x=\"{:.1}\" y=\"{}\" class=\"value\">{}</text>",
            LEFT - 8.0,
            y + 15,
            escape(name),
            y + 4,
            LEFT + length + 6.0,
            y + 15,
            figure(*value),
        );
    }
    if let Some((_, floor)) = plot.bars.first() {
        let x = LEFT + floor / most * WIDTH;
        let _ = write!(
            svg,
            "<line x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"0\" y2=\"{height}\" class=\"mark\"/>"
        );
    }
    svg.push_str("</svg>");
    svg
}

fn figure(value: f64) -> String {
    match value {
        value if value >= 100.0 => format!("{value:.0}"),
        value if value >= 10.0 => format!("{value:.1}"),
        value => format!("{value:.2}"),
    }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('"', "&quot;")
}

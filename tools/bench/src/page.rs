//! Renders the report as a self-contained HTML page, from `templates/page.html`.

use askama::Template;
use bench::report::{Function, Report};
use local::outcome::Outcome;

use crate::{
    chart::{self, Bar},
    table::{self, Goal, goals, kib, mega},
};

#[derive(Template)]
#[template(path = "page.html")]
struct Page<'a> {
    report: &'a Report,
    goals: Vec<Goal>,
    figures: Vec<Figure>,
}

/// A bar chart.
struct Plot {
    title: &'static str,
    description: &'static str,
    unit: &'static str,
    bars: Vec<Bar>,
}

/// A chart with its drawing.
struct Figure {
    plot: Plot,
    svg: String,
}

/// Renders the page.
pub(crate) fn render(report: &Report) -> Outcome<String> {
    let figures = plots(report).into_iter().map(|plot| {
        let svg = chart::draw(&plot.bars)?;
        Ok(Figure { plot, svg })
    });
    let page = Page {
        report,
        goals: goals(report),
        figures: figures.collect::<Outcome<_>>()?,
    };
    Ok(page.render()?)
}

#[expect(clippy::float_arithmetic, reason = "figures, not money")]
fn plots(report: &Report) -> [Plot; 5] {
    let functions = |of: fn(&Function) -> f64| -> Vec<Bar> {
        let mut bars: Vec<Bar> = report
            .functions
            .iter()
            .map(|(name, function)| bar(name, of(function)))
            .collect();
        bars.sort_by(|a, b| b.value.total_cmp(&a.value));
        bars.splice(0..0, marks(report).map(|(name, mark)| bar(name, of(mark))));
        bars
    };
    let mut cpu: Vec<Bar> = Vec::new();
    for (name, function) in &report.functions {
        for (scenario, figures) in &function.scenarios {
            cpu.push(bar(&format!("{name} · {scenario}"), figures.cpu_us));
        }
    }
    cpu.sort_by(|a, b| b.value.total_cmp(&a.value));
    let of = |function: &Function| {
        function
            .scenarios
            .values()
            .next()
            .map_or(0.0, |it| it.cpu_us)
    };
    cpu.splice(0..0, marks(report).map(|(name, mark)| bar(name, of(mark))));
    [
        Plot {
            title: "Start",
            description: "from the start of the process to its first question for work, median",
            unit: "ms",
            bars: functions(|it| it.start_us.median / 1000.0),
        },
        Plot {
            title: "First invocation",
            description: "after the start, with connecting and TLS where the function calls AWS, median",
            unit: "ms",
            bars: functions(|it| it.first_us.median / 1000.0),
        },
        Plot {
            title: "CPU of one warm call",
            description: "by the kernel's account",
            unit: "µs",
            bars: cpu,
        },
        Plot {
            title: "Memory",
            description: "the most that a process ever had, pages of its binary included",
            unit: "MB",
            bars: functions(|it| kib(it.peak_kb)),
        },
        Plot {
            title: "Archive",
            description: "size of what is deployed",
            unit: "MB",
            bars: functions(|it| mega(it.zip_bytes)),
        },
    ]
}

fn bar(name: &str, value: f64) -> Bar {
    Bar {
        name: name.to_owned(),
        value,
    }
}

/// Functions with their names in the order of the bars, the baseline first.
fn marks(report: &Report) -> impl Iterator<Item = (&'static str, &Function)> {
    let stock = report.stock.iter().map(|stock| ("stock", stock));
    std::iter::once(("hello", &report.hello)).chain(stock)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use local::project;

    use super::*;

    #[test]
    fn the_page_of_the_committed_report_is_complete_and_loads_nothing() {
        let path = project::root().join("docs/performance/report.json");
        let mut report: Report = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
        report.machine.cpu = "a <fast> processor".to_owned();
        let page = render(&report).unwrap();
        assert!(page.contains("a &#60;fast&#62; processor"), "{page}");
        for name in report.functions.keys() {
            assert_eq!(page.matches(&format!("\n{name}\n")).count(), 4, "{name}");
        }
        assert_eq!(page.matches("<svg").count(), 5);
        assert!(page.contains("<td>missed</td>") || page.contains("<td>met</td>"));
        let links = page.matches("http").count();
        assert_eq!(links, page.matches("http://www.w3.org/2000/svg").count());
        assert!(!page.contains("NaN") && !page.contains("<script"));
    }
}

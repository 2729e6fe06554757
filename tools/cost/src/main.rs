//! Cost model of the shop on AWS, from the measurements of `make bench`, the templates and the
//! committed prices. docs/cost.md shows the results.

mod bill;
mod model;
mod money;
mod outlook;
mod page;
mod quotas;
mod report;
mod server;
mod shop;
#[cfg(test)]
mod tests;

use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::Parser;
use local::{
    limits::Limits,
    outcome::{Outcome, exit_code, print},
    project,
};

use self::{
    model::{Architecture, Logs, Options, Origin},
    report::Report,
};

#[derive(Parser)]
#[command(about = "Computes the shop's cost on AWS from the measurements of `make bench`")]
struct Arguments {
    /// The report of `make bench`; by default the committed one
    #[arg(long)]
    report: Option<PathBuf>,
    /// Print JSON
    #[arg(long, conflicts_with = "markdown")]
    json: bool,
    /// Write the tables of the committed report, as deployed, into docs/cost.md, scenarios by service
    #[arg(long, conflicts_with_all = ["report", "free_tier", "architecture", "origin", "logs", "stripe"])]
    markdown: bool,
    /// Take off what AWS gives away every month for good
    #[arg(long)]
    free_tier: bool,
    /// Processor of the functions
    #[arg(long, value_enum, default_value = "arm64")]
    architecture: Architecture,
    /// How the CDN reaches what it may keep
    #[arg(long, value_enum, default_value = "http-api")]
    origin: Origin,
    /// What is logged
    #[arg(long, value_enum, default_value = "requests")]
    logs: Logs,
    /// With Stripe instead of the test provider
    #[arg(long)]
    stripe: bool,
}

fn main() -> ExitCode {
    exit_code(run(&Arguments::parse()))
}

/// Prints the model's tables, or writes them into docs/cost.md.
fn run(arguments: &Arguments) -> Outcome {
    let root = project::root();
    let report = arguments.report.clone();
    let report = Report::read(&report.unwrap_or_else(|| root.join(report::COMMITTED)))?;
    let options = Options {
        architecture: arguments.architecture,
        origin: arguments.origin,
        logs: arguments.logs,
        stripe: arguments.stripe,
        free_tier: arguments.free_tier,
    };
    let outlook = outlook::outlook(&root, &report, options)?;
    if arguments.json {
        print(&serde_json::to_string_pretty(&outlook)?)?;
    } else if arguments.markdown {
        let path = root.join(page::PATH);
        let text = fs::read_to_string(&path)?;
        fs::write(&path, page::replace(&text, &page::summary(&outlook))?)?;
    } else {
        print(&page::tables(&outlook))?;
    }
    // Other options and reports have other costs.
    match arguments.is_default() {
        true => check_limits(&root, &outlook),
        false => Ok(()),
    }
}

impl Arguments {
    /// Whether the tables are those of the committed report, as deployed.
    fn is_default(&self) -> bool {
        self.report.is_none()
            && !self.json
            && !self.markdown
            && !self.free_tier
            && self.architecture == Architecture::Arm64
            && self.origin == Origin::HttpApi
            && self.logs == Logs::Requests
            && !self.stripe
    }
}

/// Holds the results to docs/budgets.md.
fn check_limits(root: &Path, outlook: &outlook::Outlook) -> Outcome {
    let limits = Limits::read(root)?;
    let mut findings = Vec::new();
    for (name, is) in outlook.limited()? {
        findings.extend(limits.finding(&name, is));
    }
    match findings[..] {
        [] => Ok(()),
        _ => Err(findings.join("\n").into()),
    }
}

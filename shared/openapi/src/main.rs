//! Writes `web/openapi.json` and the schemas of the events from the code, and holds them against what was released.

use std::{fs, process::ExitCode};

use clap::Parser;
use local::{
    outcome::{Outcome, exit_code},
    project,
};
use openapi::{events, released};

#[derive(Parser)]
#[command(about = "Write web/openapi.json and the schemas of the events from the code")]
struct Arguments {
    /// Only verify that it is up to date, and breaks nothing that the last release had
    #[arg(long, conflicts_with = "release")]
    check: bool,
    /// Also keep it as the document of this release, which later ones must not break
    #[arg(long, value_name = "VERSION")]
    release: Option<String>,
}

fn main() -> ExitCode {
    exit_code(run(&Arguments::parse()))
}

fn run(arguments: &Arguments) -> Outcome {
    let root = project::root();
    let path = root.join("web/openapi.json");
    let document = openapi::document();
    let text = serde_json::to_string_pretty(&document)? + "\n";
    if !arguments.check {
        if let Some(version) = &arguments.release {
            released::release(&root, version, &text)?;
        }
        fs::write(path, text)?;
        return events::write(&root);
    }
    if fs::read_to_string(path).unwrap_or_default() != text {
        return Err(
            "web/openapi.json is out of date: run `cargo xtask openapi` and review the changes"
                .into(),
        );
    }
    let findings = released::findings(&root, &document)?;
    let findings = findings
        .into_iter()
        .map(|finding| format!("web/openapi.json {finding}"));
    let findings: Vec<String> = findings.chain(events::findings(&root)?).collect();
    match findings.is_empty() {
        true => Ok(()),
        false => Err(findings.join("\n").into()),
    }
}

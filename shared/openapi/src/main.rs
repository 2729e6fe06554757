//! Writes `web/openapi.json` from the code.

use std::{fs, process::ExitCode};

use clap::Parser;
use local::{
    outcome::{Outcome, exit_code},
    project,
};

#[derive(Parser)]
#[command(about = "Write web/openapi.json from the code")]
struct Arguments {
    /// Only verify that it is up to date
    #[arg(long)]
    check: bool,
}

fn main() -> ExitCode {
    exit_code(write(Arguments::parse().check))
}

/// Writes the document; with `check`, only verifies that it is up to date.
fn write(check: bool) -> Outcome {
    let path = project::root().join("web/openapi.json");
    let text = serde_json::to_string_pretty(&openapi::document())? + "\n";
    if !check {
        return Ok(fs::write(path, text)?);
    }
    if fs::read_to_string(path).unwrap_or_default() != text {
        return Err(
            "web/openapi.json is out of date: run `cargo xtask openapi` and review the changes"
                .into(),
        );
    }
    Ok(())
}

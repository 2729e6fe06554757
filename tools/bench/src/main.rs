//! Measures the cost of each function from outside; docs/performance.md explains it.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command-line tool speaks to its terminal"
)]

mod budget;
mod chart;
mod factors;
mod measure;
mod members;
mod page;
mod people;
mod ranks;
mod run;
mod scenarios;
mod table;
mod timing;
mod token;
mod world;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use local::outcome::exit_code;

#[derive(Parser)]
#[command(about = "Measures the cost of each function")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Measure what each function costs; see docs/performance.md
    Run(run::Options),
    /// Measure the changes since a revision, function by function
    Diff {
        /// Revision to compare with
        #[arg(long)]
        base: String,
        #[command(flatten)]
        options: run::Options,
    },
    /// Compare sizes, requests, units and instructions with tests/budgets.json
    Budgets {
        /// Write the file instead
        #[arg(long)]
        write: bool,
        /// Use the existing release binaries
        #[arg(long)]
        no_build: bool,
    },
    /// Measure the CPU time that the check of an access token adds to a request
    Token(token::Options),
    /// Measure whether the time of a response tells which addresses have accounts
    Timing(timing::Options),
}

fn main() -> ExitCode {
    exit_code(match Arguments::parse().command {
        Command::Run(options) => run::run(&options),
        Command::Diff { base, options } => run::diff(&base, &options),
        Command::Budgets { write, no_build } => budget::run(write, no_build),
        Command::Token(options) => token::run(&options),
        Command::Timing(options) => timing::run(&options),
    })
}

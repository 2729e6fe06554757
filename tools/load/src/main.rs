//! Load test with a population of shoppers, at an arrival rate independent of the shop (open loop).
//! docs/load.md explains it.

#![expect(
    clippy::print_stdout,
    reason = "a command-line tool speaks to its terminal"
)]

mod catalogue;
mod chart;
mod drive;
mod figures;
mod here;
mod live;
mod logins;
mod machine;
mod options;
mod page;
mod plan;
mod random;
mod record;
mod report;
mod run;
mod stock;
mod summary;

use std::process::ExitCode;

use clap::Parser;
use local::outcome::exit_code;

use self::options::Load;

fn main() -> ExitCode {
    exit_code(run::run(&Load::parse()))
}

//! The parts of the bench that other tools use: its binaries and the format of its report.

#![expect(
    clippy::print_stdout,
    reason = "a command-line tool speaks to its terminal"
)]

pub mod binaries;
pub mod report;

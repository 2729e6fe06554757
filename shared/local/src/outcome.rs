//! How the tools report errors.

use std::{
    io::{self, ErrorKind, Write},
    process::ExitCode,
};

/// Result of a tool's commands. An error is printed as is, and says how to fix it.
pub type Outcome<T = ()> = Result<T, Box<dyn std::error::Error>>;

/// The exit code of a command; an error is printed.
#[expect(
    clippy::print_stderr,
    reason = "a command-line tool speaks to its terminal"
)]
pub fn exit_code(outcome: Outcome) -> ExitCode {
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Prints a result and a line break. A reader that has seen enough, such as `head`, is not an error.
pub fn print(text: &str) -> io::Result<()> {
    match writeln!(io::stdout(), "{text}") {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        written => written,
    }
}

//! Consistency of the project: sample events, documents, pages, and functions run one by one.

#![expect(clippy::print_stdout, reason = "a test that skips itself says why")]

mod documents;
mod events;
mod pages;
mod watch;

use std::process::{ExitStatus, Stdio};

use tokio::process::Command;

/// Runs a command to completion; returns its status and output.
async fn run(command: &mut Command) -> (ExitStatus, String) {
    let ran = command.stdin(Stdio::null()).output().await;
    let ran = ran.expect("the command can be started");
    let said = [ran.stdout, ran.stderr].map(|said| String::from_utf8_lossy(&said).into_owned());
    (ran.status, said.concat())
}

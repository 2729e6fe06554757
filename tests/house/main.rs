//! Consistency of the project: sample events, documents, pages, new functions, and functions run one by one.

#![expect(clippy::print_stdout, reason = "a test that skips itself says why")]

mod documents;
mod events;
mod new_function;
mod pages;
mod watch;

use std::{
    path::PathBuf,
    process::{ExitStatus, Stdio},
};

use tokio::process::Command;

/// Runs a command to completion; returns its status and output.
async fn run(command: &mut Command) -> (ExitStatus, String) {
    let ran = command.stdin(Stdio::null()).output().await;
    let ran = ran.expect("the command can be started");
    let said = [ran.stdout, ran.stderr].map(|said| String::from_utf8_lossy(&said).into_owned());
    (ran.status, said.concat())
}

/// Cargo's folder of the build that this test belongs to, such as target/debug.
fn build() -> PathBuf {
    let test = std::env::current_exe().expect("the test's own path");
    let build = test.ancestors().nth(2).expect("target/debug/deps/test");
    build.to_owned()
}

/// Cargo's target folder.
fn target() -> PathBuf {
    let build = build();
    build
        .parent()
        .expect("it is in the target folder")
        .to_owned()
}

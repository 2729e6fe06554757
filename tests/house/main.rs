//! Consistency of the project: sample events, documents, pages, new functions, responses to an API tester, and
//! functions run one by one.

#![expect(clippy::print_stdout, reason = "a test that skips itself says why")]

mod client;
mod deploy;
mod documents;
mod events;
mod new_function;
mod pages;
mod tester;
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

/// Takes from a command that runs Cargo the variables by which Cargo describes the package of this test. The build
/// script of ring reads those of its own package, so that ring and everything above it would be compiled again,
/// and once more without the test.
fn without_package(command: &mut Command) -> &mut Command {
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_") {
            command.env_remove(&name);
        }
    }
    command
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

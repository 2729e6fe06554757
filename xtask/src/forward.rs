//! Runs a tool that is a package of its own, with the arguments as they are.

use std::{os::unix::process::CommandExt, process::Command};

use local::{outcome::Outcome, project};

/// A binary of the workspace.
pub(crate) struct Tool {
    /// Package with a binary of the same name.
    pub(crate) package: &'static str,
    /// Cargo profile: `tools` for what measures or drives load, `dev` for the others.
    pub(crate) profile: &'static str,
    /// Subcommand of the binary, if it has several.
    pub(crate) command: Option<&'static str>,
}

/// Builds the tool and replaces this process with it. Only returns if cargo cannot be started.
pub(crate) fn run(tool: &Tool, arguments: &[String]) -> Outcome {
    let error = Command::new("cargo")
        .args(["run", "--quiet", "--profile", tool.profile])
        .args(["--package", tool.package, "--manifest-path"])
        .arg(project::root().join("Cargo.toml"))
        .arg("--")
        .args(tool.command)
        .args(arguments)
        .exec();
    Err(format!("cargo cannot be started ({error}): install Rust from https://rustup.rs").into())
}

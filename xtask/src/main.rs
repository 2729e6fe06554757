//! The command line of the project. `make` calls the common commands; `cargo xtask --help` lists all.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command-line tool speaks to its terminal"
)]

mod access;
mod breached_passwords;
mod dev;
mod forward;
mod local_aws;
mod new_function;
mod routes;
mod tidy;
mod verify_audit;

use std::{path::PathBuf, process::ExitCode};

use clap::{Args, Parser, Subcommand};
use local::{
    outcome::{Outcome, exit_code},
    project, staff,
};

use self::forward::Tool;

#[derive(Parser)]
#[command(about = "The command line of the project")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the whole shop on this machine until Ctrl-C
    Dev {
        /// Port of the shop's address on 127.0.0.1
        #[arg(long, default_value_t = 8080)]
        port: u16,
    },
    /// Run the emulators of AWS alone, without functions, until Ctrl-C
    LocalAws,
    /// Delete the data that `dev` has stored
    CleanData,
    /// Check the consistency of template, binaries, sample events, tests, documents and crates
    Tidy(Project),
    /// Write the section of Cargo.toml for `cargo lambda watch` from the template; with --check, only
    /// verify it
    Routes {
        /// Only verify that it is up to date
        #[arg(long)]
        check: bool,
        #[command(flatten)]
        project: Project,
    },
    /// Write the matrix of who may call which route into docs/security.md; with --check, only verify it
    Access {
        /// Only verify that it is up to date
        #[arg(long)]
        check: bool,
        #[command(flatten)]
        project: Project,
    },
    /// Create a new HTTP function: binary, template block, sample event, in a context that may be new
    NewFunction {
        #[command(flatten)]
        function: new_function::Arguments,
        #[command(flatten)]
        project: Project,
    },
    /// Write the filter of breached passwords from the lists of other packages
    #[command(after_help = breached_passwords::SOURCES)]
    BreachedPasswords {
        #[command(flatten)]
        lists: breached_passwords::Lists,
        #[command(flatten)]
        project: Project,
    },
    /// Verify the audit trail of a shop, or one that was saved
    #[command(after_help = verify_audit::ANCHORS)]
    VerifyAudit(verify_audit::Arguments),
    /// Create the key pair that signs staff tokens, and print the public key
    StaffKey {
        /// Folder of the private key
        #[arg(long, default_value = ".local")]
        dir: PathBuf,
    },
    /// Print a staff token
    StaffToken {
        /// Folder of the private key
        #[arg(long, default_value = ".local")]
        dir: PathBuf,
        /// Subject of the token
        #[arg(long, default_value = "developer")]
        subject: String,
        /// Lifetime of the token in hours
        #[arg(long, default_value_t = 12)]
        hours: u32,
    },
    /// Measure what each function costs (stampede-bench run); see docs/performance.md
    #[command(disable_help_flag = true)]
    Bench(Forwarded),
    /// Measure the changes since a revision (stampede-bench diff)
    #[command(disable_help_flag = true)]
    BenchDiff(Forwarded),
    /// Compare sizes, requests, units and instructions with tests/budgets.json (stampede-bench budgets)
    #[command(disable_help_flag = true)]
    Budgets(Forwarded),
    /// Compute the shop's cost on AWS from the measurements of `make bench` (stampede-cost)
    #[command(disable_help_flag = true)]
    Cost(Forwarded),
    /// Drive shoppers through a shop and report (stampede-load); see docs/load.md
    #[command(disable_help_flag = true)]
    Load(Forwarded),
    /// Write web/openapi.json and the schemas of the events; with --check, only verify them (stampede-openapi)
    #[command(disable_help_flag = true)]
    Openapi(Forwarded),
}

/// The project that a command works on.
#[derive(Args)]
struct Project {
    /// Folder of the project, if it is another than this tool was built from
    #[arg(long)]
    root: Option<PathBuf>,
}

impl Project {
    fn root(&self) -> Outcome<PathBuf> {
        let Some(root) = &self.root else {
            return Ok(project::root());
        };
        Ok(root
            .canonicalize()
            .map_err(|error| format!("{}: {error}", root.display()))?)
    }
}

/// What another tool understands.
#[derive(Args)]
struct Forwarded {
    /// Arguments of that tool; --help lists them
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<String>,
}

const BENCH: Tool = Tool {
    package: "stampede-bench",
    profile: "tools",
    command: Some("run"),
};
const BENCH_DIFF: Tool = Tool {
    command: Some("diff"),
    ..BENCH
};
const BUDGETS: Tool = Tool {
    profile: "dev",
    command: Some("budgets"),
    ..BENCH
};
const COST: Tool = Tool {
    package: "stampede-cost",
    profile: "dev",
    command: None,
};
const LOAD: Tool = Tool {
    package: "stampede-load",
    profile: "tools",
    command: None,
};
const OPENAPI: Tool = Tool {
    package: "stampede-openapi",
    profile: "dev",
    command: None,
};

fn main() -> ExitCode {
    exit_code(match Arguments::parse().command {
        Command::Dev { port } => dev::run(port),
        Command::LocalAws => local_aws::run(),
        Command::CleanData => dev::clean_data(),
        Command::Tidy(project) => project.root().and_then(|root| tidy::run(&root)),
        Command::Routes { check, project } => {
            project.root().and_then(|root| routes::run(&root, check))
        }
        Command::Access { check, project } => {
            project.root().and_then(|root| access::run(&root, check))
        }
        Command::NewFunction { function, project } => project
            .root()
            .and_then(|root| new_function::run(&root, &function)),
        Command::BreachedPasswords { lists, project } => project
            .root()
            .and_then(|root| breached_passwords::run(&root, &lists)),
        Command::VerifyAudit(arguments) => verify_audit::run(&arguments),
        Command::StaffKey { dir } => staff::make_key(&dir).map(|public| println!("{public}")),
        Command::StaffToken {
            dir,
            subject,
            hours,
        } => staff::make_token(&dir, &subject, hours).map(|token| println!("{token}")),
        Command::Bench(forwarded) => forward::run(&BENCH, &forwarded.arguments),
        Command::BenchDiff(forwarded) => forward::run(&BENCH_DIFF, &forwarded.arguments),
        Command::Budgets(forwarded) => forward::run(&BUDGETS, &forwarded.arguments),
        Command::Cost(forwarded) => forward::run(&COST, &forwarded.arguments),
        Command::Load(forwarded) => forward::run(&LOAD, &forwarded.arguments),
        Command::Openapi(forwarded) => forward::run(&OPENAPI, &forwarded.arguments),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_of_other_tools_are_forwarded_as_they_are() {
        for given in [
            &["--rate", "-3"][..],
            &["--help"],
            &["-h"],
            &["--write", "--no-build"],
            &[],
        ] {
            let line = ["xtask", "load"].iter().chain(given);
            let Command::Load(forwarded) = Arguments::parse_from(line).command else {
                panic!("not the load test");
            };
            assert_eq!(forwarded.arguments, given);
        }
    }
}

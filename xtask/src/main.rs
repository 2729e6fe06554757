//! Developer tools of the project. `make` calls the common ones; `cargo xtask --help` lists all.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command-line tool speaks to its terminal"
)]

mod bench;
mod cost;
mod dev;
mod load;
mod local_aws;
mod new_function;
mod openapi;
mod routes;
mod staff;
mod tidy;

use std::{path::PathBuf, process::ExitCode};

use clap::{Parser, Subcommand};

/// Result of every command. An error is printed as is, and says how to fix it.
type Outcome<T = ()> = Result<T, Box<dyn std::error::Error>>;

#[derive(Parser)]
#[command(about = "The project's tools")]
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
    /// Drive a population of shoppers through a shop and report rates, latencies, errors and cost
    Load(load::Load),
    /// Check the consistency of template, binaries, sample events, tests, documents and crates
    Tidy,
    /// Write web/openapi.json from the code; with --check, only verify it
    Openapi {
        /// Only verify that it is up to date
        #[arg(long)]
        check: bool,
    },
    /// Write the section of Cargo.toml for `cargo lambda watch` from the template; with --check, only
    /// verify it
    Routes {
        /// Only verify that it is up to date
        #[arg(long)]
        check: bool,
    },
    /// Measure what each function costs; see docs/performance.md
    Bench(bench::Options),
    /// Measure the changes since a revision, function by function
    BenchDiff {
        /// Revision to compare with
        #[arg(long)]
        base: String,
        #[command(flatten)]
        options: bench::Options,
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
    /// Compute the shop's cost on AWS from the measurements of `make bench`
    Cost(cost::Arguments),
    /// Create a new HTTP function: binary, template block, sample event
    NewFunction {
        /// Folder under functions/, such as catalog
        context: String,
        /// Name of the binary, such as list-collections
        name: String,
        /// HTTP method, such as GET
        method: String,
        /// Path, such as /v1/collections
        path: String,
    },
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
}

fn main() -> ExitCode {
    let outcome = match Arguments::parse().command {
        Command::Dev { port } => dev::run(port),
        Command::LocalAws => local_aws::run(),
        Command::CleanData => dev::clean_data(),
        Command::Load(options) => load::run(&options),
        Command::Tidy => tidy::run(),
        Command::Openapi { check } => openapi::run(check),
        Command::Routes { check } => routes::run(check),
        Command::Bench(options) => bench::run(&options),
        Command::BenchDiff { base, options } => bench::diff(&base, &options),
        Command::Budgets { write, no_build } => bench::budgets(write, no_build),
        Command::Cost(arguments) => cost::run(&arguments),
        Command::NewFunction {
            context,
            name,
            method,
            path,
        } => new_function::run(&context, &name, &method, &path),
        Command::StaffKey { dir } => staff::make_key(&dir).map(|public| println!("{public}")),
        Command::StaffToken {
            dir,
            subject,
            hours,
        } => staff::make_token(&dir, &subject, hours).map(|token| println!("{token}")),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Root folder of the project.
fn root() -> PathBuf {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..");
    root.canonicalize().unwrap_or(root)
}

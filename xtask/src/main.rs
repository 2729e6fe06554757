//! The project's tools. `make` calls the common ones; `cargo xtask --help` lists them all.

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

/// What every command returns: an error is printed as it is, and says what to do next.
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
    /// Empty what `dev` has stored
    CleanData,
    /// Drive a population of shoppers through a shop and report rates, latencies, errors and cost
    Load(load::Load),
    /// Hold template, binaries, sample events, tests, documents and crates against each other
    Tidy,
    /// Write web/openapi.json from the code, or say with --check whether it is up to date
    Openapi {
        /// Only compare
        #[arg(long)]
        check: bool,
    },
    /// Write what `cargo lambda watch` reads of Cargo.toml from the template, or say with --check whether it
    /// is up to date
    Routes {
        /// Only compare
        #[arg(long)]
        check: bool,
    },
    /// Measure what each function costs; see docs/performance.md
    Bench(bench::Options),
    /// Measure what changed since a revision, function by function
    BenchDiff {
        /// Revision to compare with
        #[arg(long)]
        base: String,
        #[command(flatten)]
        options: bench::Options,
    },
    /// Hold sizes, requests, units and instructions against tests/budgets.json
    Budgets {
        /// Write the file instead
        #[arg(long)]
        write: bool,
        /// Take the release binaries as they are
        #[arg(long)]
        no_build: bool,
    },
    /// Say what the shop costs on AWS, from what `make bench` measured
    Cost(cost::Arguments),
    /// Make a new HTTP function: binary, template block, sample event
    NewFunction {
        /// Folder under functions/, such as catalog
        context: String,
        /// Name of the binary, such as list-collections
        name: String,
        /// Such as GET
        method: String,
        /// Such as /v1/collections
        path: String,
    },
    /// Make the key pair that staff tokens are signed with, and print the public key
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
        /// For whom
        #[arg(long, default_value = "developer")]
        subject: String,
        /// How many hours it is good for
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

/// The project's folder.
fn root() -> PathBuf {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..");
    root.canonicalize().unwrap_or(root)
}

//! The life of a function's process, the same for all of them.

use std::{future::Future, process::ExitCode};

use domain::fault::chain;

use crate::{environment::Environment, metric, telemetry};

/// Reads the environment, starts the logs, makes what the function needs once per cold start, and
/// runs it until Lambda ends the process. Returns only when the function cannot start or its
/// runtime is gone, with the reason in the log.
pub(crate) fn run<T, R>(
    connect: impl FnOnce(&Environment) -> Result<T, Box<dyn std::error::Error>>,
    run: impl FnOnce(T) -> R,
) -> ExitCode
where
    R: Future<Output = Result<(), lambda_runtime::Error>>,
{
    let environment = Environment::load();
    telemetry::start(&environment);
    metric::start(&environment);
    let outcome = connect(&environment).and_then(|connected| {
        // Lambda gives a process one request at a time and, below 1,769 MB, less than one core: a
        // second thread would only cost its start.
        let executor = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let connect_ahead = environment.connect_ahead();
        executor
            .block_on(async {
                // Beside asking for the first event, not before it.
                if let Some(connect_ahead) = connect_ahead {
                    tokio::spawn(connect_ahead);
                }
                run(connected).await
            })
            .map_err(|error| error as Box<dyn std::error::Error>)
    });
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(error = %chain(&*error), "the function cannot run");
            ExitCode::FAILURE
        }
    }
}

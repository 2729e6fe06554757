//! Life cycle of a function's process.

use std::{future::Future, process::ExitCode};

use domain::fault::chain;

use crate::{environment::Environment, metric, telemetry};

/// Reads the environment, starts logging, makes the handler once per cold start, and runs it until
/// Lambda ends the process. Returns only if the function cannot start or loses its runtime; the log has
/// the reason.
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
        // Lambda sends a process one request at a time and, below 1,769 MB, less than one core: a
        // second thread would only delay the start.
        let executor = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let connect_ahead = environment.connect_ahead();
        executor
            .block_on(async {
                // Concurrent with the request for the first event, not before it.
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

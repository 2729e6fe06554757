//! Running what the clock calls.

use std::{future::Future, process::ExitCode, sync::Arc};

use jiff::Timestamp;
use lambda_runtime::{LambdaEvent, service_fn};
use serde::de::IgnoredAny;

use crate::{consume::ConsumeError, environment::Environment, process};

/// Something that is done every so often. It may run twice at once, and be called twice.
pub trait Task: Sized + Send + Sync + 'static {
    /// Does it once.
    fn run(&self, now: Timestamp) -> impl Future<Output = Result<(), ConsumeError>> + Send;
}

/// Runs the task that `connect` makes of the environment, once per cold start, until the process is
/// ended. Returns only when it cannot start.
pub fn run_on_schedule<T: Task>(
    connect: impl FnOnce(&Environment) -> Result<T, Box<dyn std::error::Error>>,
) -> ExitCode {
    process::run(connect, |task| {
        let task = Arc::new(task);
        lambda_runtime::run(service_fn(move |_: LambdaEvent<IgnoredAny>| {
            let task = Arc::clone(&task);
            async move {
                let done = task.run(crate::now()).await;
                if let Err(error) = &done {
                    tracing::error!(error = %error, "the task failed");
                }
                done
            }
        }))
    })
}

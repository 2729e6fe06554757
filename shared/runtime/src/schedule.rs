//! Runs tasks on a schedule.

use std::{
    future::Future,
    process::ExitCode,
    sync::Arc,
    time::{Duration, Instant},
};

use domain::fault::chain;
use jiff::Timestamp;
use lambda_runtime::{LambdaEvent, service_fn};
use serde::de::IgnoredAny;

use crate::{consume::ConsumeError, deadline, environment::Environment, process};

/// A scheduled task. It may run concurrently with itself, and more often than scheduled.
pub trait Task: Sized + Send + Sync + 'static {
    /// Runs the task once.
    fn run(&self, tick: Tick) -> impl Future<Output = Result<(), ConsumeError>> + Send;
}

/// One scheduled invocation.
#[derive(Clone, Copy, Debug)]
pub struct Tick {
    /// Time of the invocation.
    pub now: Timestamp,
    /// The same moment as a monotonic time.
    begun: Instant,
    /// Time from then until the function is ended.
    time: Duration,
}

impl Tick {
    /// Time left until the function is ended.
    pub fn time_left(&self) -> Duration {
        self.time.saturating_sub(self.begun.elapsed())
    }
}

/// Runs the task that `connect` makes from the environment, once per cold start, until the process
/// ends. Returns only if it cannot start.
pub fn run_on_schedule<T: Task>(
    connect: impl FnOnce(&Environment) -> Result<T, Box<dyn std::error::Error>>,
) -> ExitCode {
    process::run(connect, |task| {
        let task = Arc::new(task);
        lambda_runtime::run(service_fn(move |event: LambdaEvent<IgnoredAny>| {
            let task = Arc::clone(&task);
            async move {
                let now = crate::now();
                let tick = Tick {
                    now,
                    begun: Instant::now(),
                    time: deadline::time_left(event.context.deadline, now),
                };
                let done = task.run(tick).await;
                if let Err(error) = &done {
                    tracing::error!(error = %chain(&**error), "the task failed");
                }
                done
            }
        }))
    })
}

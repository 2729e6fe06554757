//! Running what the clock calls.

use std::{
    future::Future,
    process::ExitCode,
    sync::Arc,
    time::{Duration, Instant},
};

use jiff::Timestamp;
use lambda_runtime::{LambdaEvent, service_fn};
use serde::de::IgnoredAny;

use crate::{consume::ConsumeError, deadline, environment::Environment, process};

/// Something that is done every so often. It may run twice at once, and be called twice.
pub trait Task: Sized + Send + Sync + 'static {
    /// Does it once.
    fn run(&self, tick: Tick) -> impl Future<Output = Result<(), ConsumeError>> + Send;
}

/// One call by the clock.
#[derive(Clone, Copy, Debug)]
pub struct Tick {
    /// The time at which it came.
    pub now: Timestamp,
    /// The same moment, to count from.
    begun: Instant,
    /// After so long the function is ended, done or not.
    time: Duration,
}

impl Tick {
    /// How long the function has from this moment on.
    pub fn time_left(&self) -> Duration {
        self.time.saturating_sub(self.begun.elapsed())
    }
}

/// Runs the task that `connect` makes of the environment, once per cold start, until the process is
/// ended. Returns only when it cannot start.
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
                    tracing::error!(error = %error, "the task failed");
                }
                done
            }
        }))
    })
}

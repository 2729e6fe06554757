//! Runs tasks on a schedule.

use std::{
    future::Future,
    process::ExitCode,
    sync::Arc,
    time::{Duration, Instant},
};

use domain::{fault::chain, trace::TraceParent};
use jiff::Timestamp;
use lambda_runtime::{Context, LambdaEvent, service_fn};
use serde::de::IgnoredAny;
use tracing::Instrument;

use crate::{
    consume::ConsumeError, deadline, environment::Environment, process, telemetry::request_span,
};

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
            async move { invoke(&*task, &event.context).await }
        }))
    })
}

async fn invoke<T: Task>(task: &T, context: &Context) -> Result<(), ConsumeError> {
    let now = crate::now();
    let tick = Tick {
        now,
        begun: Instant::now(),
        time: deadline::time_left(context.deadline, now),
    };
    let run = async {
        let done = task.run(tick).await;
        if let Err(error) = &done {
            tracing::error!(error = %chain(&**error), "the task failed");
        }
        done
    };
    let id = &context.request_id;
    run.instrument(request_span(id, TraceParent::begin(id)))
        .await
}

#[cfg(test)]
mod tests {
    use tracing::Instrument;

    use super::*;
    use crate::telemetry::testing::Log;

    /// Works for a request, then fails.
    struct Sweep;

    impl Task for Sweep {
        async fn run(&self, _: Tick) -> Result<(), ConsumeError> {
            let order = async {
                tokio::task::yield_now().await;
                tracing::info!("order expired");
            };
            let place = TraceParent::begin("placed=");
            order.instrument(request_span("placed=", place)).await;
            tracing::info!("swept");
            Err("no answer".into())
        }
    }

    #[tokio::test]
    async fn lines_have_the_invocations_id_except_those_of_a_request() {
        let log = Log::start();
        let mut context = Context::default();
        context.request_id = "of-lambda".to_owned();
        assert!(invoke(&Sweep, &context).await.is_err());
        assert_eq!(log.one("order expired")["request.id"], "placed=");
        for message in ["swept", "the task failed"] {
            assert_eq!(log.one(message)["request.id"], "of-lambda");
        }
    }
}

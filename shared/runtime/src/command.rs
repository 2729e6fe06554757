//! Runs functions that operators invoke by hand, with a JSON payload and a JSON answer. Whoever may invoke them is decided by the
//! rights in the AWS account.

use std::{future::Future, process::ExitCode, sync::Arc};

use domain::{fault::chain, trace::TraceParent};
use jiff::Timestamp;
use lambda_runtime::{Context, LambdaEvent, service_fn};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use tracing::Instrument;

use crate::{consume::ConsumeError, environment::Environment, process, telemetry::request_span};

/// A command of an operator.
pub trait Command: Sized + Send + Sync + 'static {
    /// Payload of an invocation.
    type Payload: DeserializeOwned + Send;
    /// The answer that the operator sees.
    type Answer: Serialize + Send;

    /// Runs the command once. The operator sees the error, too.
    fn run(
        &self,
        invocation: Invocation<Self::Payload>,
    ) -> impl Future<Output = Result<Self::Answer, ConsumeError>> + Send;
}

/// One invocation of a command.
#[derive(Clone, Debug)]
pub struct Invocation<P> {
    /// The payload, parsed.
    pub payload: P,
    /// Time of the invocation.
    pub now: Timestamp,
    /// Id of the invocation, which is passed on to everything that it causes.
    pub trace_id: String,
    /// Its place in a trace of its own.
    pub traceparent: TraceParent,
}

/// Runs the command that `connect` makes from the environment, once per cold start, until the process
/// ends. Returns only if it cannot start.
pub fn run_command<C: Command>(
    connect: impl FnOnce(&Environment) -> Result<C, Box<dyn std::error::Error>>,
) -> ExitCode {
    process::run(connect, |command| {
        let command = Arc::new(command);
        lambda_runtime::run(service_fn(move |event: LambdaEvent<Value>| {
            let command = Arc::clone(&command);
            async move { invoke(&*command, event.payload, &event.context).await }
        }))
    })
}

async fn invoke<C: Command>(
    command: &C,
    payload: Value,
    context: &Context,
) -> Result<Value, ConsumeError> {
    let id = &context.request_id;
    let traceparent = TraceParent::begin(id);
    let run = async {
        let answer = answer(command, payload, id, traceparent).await;
        if let Err(error) = &answer {
            tracing::error!(error = %chain(&**error), "the command failed");
        }
        answer
    };
    run.instrument(request_span(id, traceparent)).await
}

async fn answer<C: Command>(
    command: &C,
    payload: Value,
    id: &str,
    traceparent: TraceParent,
) -> Result<Value, ConsumeError> {
    let payload = serde_json::from_value(payload)
        .map_err(|error| format!("the payload cannot be read: {error}"))?;
    let invocation = Invocation {
        payload,
        now: crate::now(),
        trace_id: id.to_owned(),
        traceparent,
    };
    let answer = command.run(invocation).await?;
    Ok(serde_json::to_value(answer)?)
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;
    use serde_json::json;

    use super::*;
    use crate::telemetry::testing::Log;

    /// Greets everybody but one.
    struct Greet;

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Person {
        name: String,
    }

    impl Command for Greet {
        type Payload = Person;
        type Answer = String;

        async fn run(&self, invocation: Invocation<Person>) -> Result<String, ConsumeError> {
            tokio::task::yield_now().await;
            tracing::info!("greeting");
            match invocation.payload.name.as_str() {
                "eve" => Err("nobody greets eve".into()),
                name => Ok(format!("hello {name}, by {}", invocation.trace_id)),
            }
        }
    }

    async fn greet(payload: Value) -> Result<Value, String> {
        let mut context = Context::default();
        context.request_id = "of-lambda".to_owned();
        let answer = invoke(&Greet, payload, &context).await;
        answer.map_err(|error| error.to_string())
    }

    #[tokio::test]
    async fn a_command_answers_and_its_lines_have_the_invocations_id() {
        let log = Log::start();
        let answer = greet(json!({ "name": "ada" })).await;
        assert_eq!(answer, Ok(json!("hello ada, by of-lambda")));
        assert_eq!(log.one("greeting")["request.id"], "of-lambda");
    }

    #[tokio::test]
    async fn an_operator_sees_why_a_command_failed() {
        let log = Log::start();
        let answer = greet(json!({ "name": "eve" })).await;
        assert_eq!(answer, Err("nobody greets eve".to_owned()));
        let line = log.one("the command failed");
        assert_eq!(
            (&line["error"], &line["request.id"]),
            (&json!("nobody greets eve"), &json!("of-lambda"))
        );
    }

    #[tokio::test]
    async fn a_payload_that_cannot_be_read_runs_nothing() {
        let log = Log::start();
        for payload in [
            Value::Null,
            json!({}),
            json!([]),
            json!("ada"),
            json!({ "name": 1 }),
            json!({ "name": "ada", "title": "countess" }),
        ] {
            let error = greet(payload).await.unwrap_err();
            assert!(error.starts_with("the payload cannot be read: "), "{error}");
        }
        assert_eq!(log.of("greeting").len(), 0);
    }
}

//! Runs queue consumers so that a bad message fails alone: record by record, or a batch together.

use std::{collections::HashMap, future::Future, process::ExitCode, sync::Arc, time::Duration};

use aws_lambda_events::sqs::{BatchItemFailure, SqsBatchResponse, SqsEvent, SqsMessage};
use domain::{event::Correlated, fault::chain, trace::TraceParent};
use futures_util::future::join_all;
use jiff::Timestamp;
use lambda_runtime::{LambdaEvent, service_fn};
use queue::Queues;
use serde::de::DeserializeOwned;
use tracing::{Instrument, Span, field::Empty};

use crate::{deadline, environment::Environment, process, telemetry::request_span};

/// Time reserved at the end of a batch to report its failures.
const REPORT: Duration = Duration::from_millis(500);
/// Maximum backoff of a failed message.
const MAX_BACKOFF: Duration = Duration::from_secs(300);

/// Why a message was not handled. It is redelivered, and finally moved to the dead-letter queue.
pub type ConsumeError = Box<dyn std::error::Error + Send + Sync>;

/// The error of a message that waits for something else: it says when to try again.
#[derive(Debug, thiserror::Error)]
#[error("{why}")]
pub struct Later {
    /// What the message waits for.
    pub why: &'static str,
    /// Time until the next delivery.
    pub after: Duration,
}

/// A consumer of one queue.
pub trait Consumer: Sized + Send + Sync + 'static {
    /// Type of its messages.
    type Message: DeserializeOwned + Correlated + Send;

    /// Handles one message. It may be a duplicate, or late.
    fn handle(
        &self,
        delivery: Delivery<Self::Message>,
    ) -> impl Future<Output = Result<(), ConsumeError>> + Send;
}

/// A consumer of one queue that handles the messages of a batch together, because several may be about one thing.
pub trait BatchConsumer: Sized + Send + Sync + 'static {
    /// Type of its messages.
    type Message: DeserializeOwned + Correlated + Send;

    /// Handles the messages of a batch that could be read, at least one. They may be duplicates, or late. Returns those
    /// that failed, by their index, each with its error; the others are done.
    fn handle(
        &self,
        deliveries: Vec<Delivery<Self::Message>>,
    ) -> impl Future<Output = HashMap<usize, ConsumeError>> + Send;
}

/// One delivery of a message.
#[derive(Debug)]
pub struct Delivery<M> {
    /// The message, parsed from the body.
    pub message: M,
    /// Number of the delivery, from 1, by the receive count of SQS: those that reached no function count as
    /// well. From 2 on an earlier delivery may have done anything; nothing is given up by it.
    pub attempt: u32,
    /// Current time.
    pub now: Timestamp,
}

/// Runs the consumer that `connect` makes from the environment, once per cold start, until the process
/// ends. Returns only if it cannot start.
pub fn consume<C: Consumer>(
    connect: impl FnOnce(&Environment) -> Result<C, Box<dyn std::error::Error>>,
) -> ExitCode {
    process::run(with_queues(connect), |connected| {
        let connected = Arc::new(connected);
        lambda_runtime::run(service_fn(move |event: LambdaEvent<SqsEvent>| {
            let connected = Arc::clone(&connected);
            async move {
                let (consumer, queues) = &*connected;
                invoke(consumer, queues, event).await
            }
        }))
    })
}

/// Runs the batch consumer that `connect` makes, as [`consume`] does.
pub fn consume_batches<C: BatchConsumer>(
    connect: impl FnOnce(&Environment) -> Result<C, Box<dyn std::error::Error>>,
) -> ExitCode {
    process::run(with_queues(connect), |connected| {
        let connected = Arc::new(connected);
        lambda_runtime::run(service_fn(move |event: LambdaEvent<SqsEvent>| {
            let connected = Arc::clone(&connected);
            async move {
                let (consumer, queues) = &*connected;
                invoke_together(consumer, queues, event).await
            }
        }))
    })
}

/// Makes the consumer together with the client that delays its failed messages.
fn with_queues<C>(
    connect: impl FnOnce(&Environment) -> Result<C, Box<dyn std::error::Error>>,
) -> impl FnOnce(&Environment) -> Result<(C, Queues), Box<dyn std::error::Error>> {
    |environment: &Environment| {
        let queues = Queues::new(&environment.sdk_config()?);
        Ok((connect(environment)?, queues))
    }
}

async fn invoke<C: Consumer>(
    consumer: &C,
    queues: &Queues,
    event: LambdaEvent<SqsEvent>,
) -> Result<SqsBatchResponse, ConsumeError> {
    let id = &event.context.request_id;
    let span = request_span(id, TraceParent::begin(id));
    let handle = async {
        let batch = Batch::read(event)?;
        // Concurrent, so that a slow record does not delay the others.
        let failures = join_all(batch.records.iter().map(|record| {
            let attempt = attempt(record);
            deliver(
                consumer,
                queues,
                record,
                attempt,
                batch.now,
                batch.time_left,
            )
            .instrument(message_span(record))
        }));
        Ok(batch.answer(failures.await))
    };
    handle.instrument(span).await
}

async fn invoke_together<C: BatchConsumer>(
    consumer: &C,
    queues: &Queues,
    event: LambdaEvent<SqsEvent>,
) -> Result<SqsBatchResponse, ConsumeError> {
    let id = &event.context.request_id;
    let span = request_span(id, TraceParent::begin(id));
    let handle = async {
        let batch = Batch::read(event)?;
        let failures = deliver_together(consumer, queues, &batch).await;
        Ok(batch.answer(failures))
    };
    handle.instrument(span).await
}

/// The records of one invocation.
struct Batch {
    records: Vec<SqsMessage>,
    now: Timestamp,
    /// Time until the failures must be reported.
    time_left: Duration,
}

impl Batch {
    fn read(event: LambdaEvent<SqsEvent>) -> Result<Self, ConsumeError> {
        let now = crate::now();
        let time_left = deadline::time_left(event.context.deadline, now).saturating_sub(REPORT);
        let records = event.payload.records;
        if records.iter().any(|record| record.message_id.is_none()) {
            // A failure of it could not be reported, so the batch fails as a whole.
            let error = ConsumeError::from("a record lacks its messageId");
            tracing::error!(batch.records = records.len(), error = %chain(&*error), "batch failed");
            return Err(error);
        }
        Ok(Self {
            records,
            now,
            time_left,
        })
    }

    fn answer(&self, failures: Vec<Option<BatchItemFailure>>) -> SqsBatchResponse {
        let mut response = SqsBatchResponse::default();
        response.batch_item_failures = failures.into_iter().flatten().collect();
        tracing::info!(
            batch.records = self.records.len(),
            batch.failures = response.batch_item_failures.len(),
            "batch"
        );
        response
    }
}

fn message_span(record: &SqsMessage) -> Span {
    tracing::error_span!(
        "message",
        message.id = record.message_id.as_deref(),
        message.attempt = attempt(record),
        // Known once the body is parsed; until then its lines have the invocation's.
        request.id = Empty,
        trace.id = Empty,
    )
}

/// Handles the messages of a batch together. Returns for each the failure to report, if it failed, after delaying its
/// redelivery.
async fn deliver_together<C: BatchConsumer>(
    consumer: &C,
    queues: &Queues,
    batch: &Batch,
) -> Vec<Option<BatchItemFailure>> {
    let spans: Vec<Span> = batch.records.iter().map(message_span).collect();
    let mut errors: HashMap<usize, ConsumeError> = HashMap::new();
    let (mut deliveries, mut places) = (Vec::new(), Vec::new());
    for (place, (record, span)) in batch.records.iter().zip(&spans).enumerate() {
        match span.in_scope(|| read(record)) {
            Ok(message) => {
                places.push(place);
                deliveries.push(Delivery {
                    message,
                    attempt: attempt(record),
                    now: batch.now,
                });
            }
            Err(error) => {
                errors.insert(place, error);
            }
        }
    }
    if !deliveries.is_empty() {
        match tokio::time::timeout(batch.time_left, consumer.handle(deliveries)).await {
            Ok(failed) => {
                let failed = failed.into_iter();
                errors
                    .extend(failed.filter_map(|(index, error)| Some((*places.get(index)?, error))));
            }
            Err(_) => errors.extend(places.iter().map(|place| (*place, OUT_OF_TIME.into()))),
        }
    }
    let returned = batch
        .records
        .iter()
        .zip(&spans)
        .enumerate()
        .map(|(place, (record, span))| {
            let error = errors.remove(&place);
            let give_back = async {
                match error {
                    Some(error) => Some(give_back(&error, queues, record).await),
                    None => None,
                }
            };
            give_back.instrument(span.clone())
        });
    join_all(returned.collect::<Vec<_>>()).await
}

/// Error of a message that was not handled before the function's time limit.
const OUT_OF_TIME: &str = "the function ran out of time before the message was handled";

/// Handles a message in its span. Returns the failure to report, after delaying the redelivery.
async fn deliver<C: Consumer>(
    consumer: &C,
    queues: &Queues,
    record: &SqsMessage,
    attempt: u32,
    now: Timestamp,
    time_left: Duration,
) -> Option<BatchItemFailure> {
    let handled = handle(consumer, record, attempt, now);
    let error: ConsumeError = match tokio::time::timeout(time_left, handled).await {
        Ok(Ok(())) => return None,
        Ok(Err(error)) => error,
        Err(_) => OUT_OF_TIME.into(),
    };
    Some(give_back(&error, queues, record).await)
}

/// Logs why a message was not handled, delays its redelivery, and returns the failure to report.
async fn give_back(error: &ConsumeError, queues: &Queues, record: &SqsMessage) -> BatchItemFailure {
    match error.downcast_ref::<Later>() {
        // Ordinary work that waits for its time.
        Some(later) => tracing::info!(message.waits_for = later.why, "message postponed"),
        None => tracing::warn!(error = %chain(&**error), "message failed"),
    }
    // Without randomness the message waits the longest time, which is still correct.
    let random = crate::random_number().unwrap_or_default();
    redeliver_in(delay(error, attempt(record), random), queues, record).await;
    failed(record.message_id.clone().unwrap_or_default())
}

async fn handle<C: Consumer>(
    consumer: &C,
    record: &SqsMessage,
    attempt: u32,
    now: Timestamp,
) -> Result<(), ConsumeError> {
    let delivery = Delivery {
        message: read(record)?,
        attempt,
        now,
    };
    consumer.handle(delivery).await
}

/// Reads the message, and tells its span from which request it comes.
fn read<M: DeserializeOwned + Correlated>(record: &SqsMessage) -> Result<M, ConsumeError> {
    let body = record.body.as_deref().unwrap_or_default();
    let message: M =
        serde_json::from_str(body).map_err(|error| format!("the body cannot be read: {error}"))?;
    let span = Span::current();
    span.record("request.id", message.request_id());
    span.record("trace.id", message.traceparent().map(TraceParent::trace_id));
    Ok(message)
}

fn failed(message_id: String) -> BatchItemFailure {
    let mut failure = BatchItemFailure::default();
    failure.item_identifier = message_id;
    failure
}

/// Number of deliveries so far, including this one.
fn attempt(record: &SqsMessage) -> u32 {
    let count = record.attributes.get("ApproximateReceiveCount");
    count.and_then(|count| count.parse().ok()).unwrap_or(1)
}

/// Time until the next delivery: what the error says, otherwise 1 s, 2 s, 4 s and so on (exponential backoff), or
/// by `random` down to half of it, so that messages that failed together do not come back together.
fn delay(error: &ConsumeError, attempt: u32, random: u64) -> Duration {
    if let Some(later) = error.downcast_ref::<Later>() {
        return later.after;
    }
    let most = Duration::from_secs(1 << attempt.saturating_sub(1).min(16)).min(MAX_BACKOFF);
    most - Duration::from_secs(random % (most.as_secs() / 2 + 1))
}

/// Delays the message. If that fails, the queue's visibility timeout applies, which is equally correct.
async fn redeliver_in(delay: Duration, queues: &Queues, record: &SqsMessage) {
    let url = record.event_source_arn.as_deref().and_then(queue_url);
    let (Some(url), Some(handle)) = (url, record.receipt_handle.as_deref()) else {
        return;
    };
    if let Err(error) = queues.retry_in(&url, handle, delay).await {
        tracing::warn!(error = %chain(&error), "the message comes back after the queue's own time");
    }
}

/// Derives the URL of a queue from its ARN, `arn:aws:sqs:<region>:<account>:<name>`.
fn queue_url(arn: &str) -> Option<String> {
    let mut parts = arn.split(':').skip(3);
    let (region, account, name) = (parts.next()?, parts.next()?, parts.next()?);
    Some(format!(
        "https://sqs.{region}.amazonaws.com/{account}/{name}"
    ))
}

#[cfg(test)]
mod tests {
    use lambda_runtime::Context;
    use serde::Deserialize;
    use serde_json::{Value, json};
    use tokio::sync::Barrier;

    use super::*;
    use crate::telemetry::testing::Log;

    #[derive(Deserialize)]
    struct Call {
        trace_id: Option<String>,
        traceparent: Option<String>,
        then: String,
    }

    impl Correlated for Call {
        fn request_id(&self) -> Option<&str> {
            self.trace_id.as_deref()
        }

        fn traceparent(&self) -> Option<TraceParent> {
            self.traceparent.as_deref()?.parse().ok()
        }
    }

    /// Logs from deep inside while as many messages as the barrier waits for are being handled.
    struct Deep(Barrier);

    impl Consumer for Deep {
        type Message = Call;

        async fn handle(&self, delivery: Delivery<Call>) -> Result<(), ConsumeError> {
            tracing::info!("began");
            self.0.wait().await;
            tracing::info!("deep");
            self.0.wait().await;
            match delivery.message.then.as_str() {
                "hang" => std::future::pending().await,
                "fail" => Err("no answer".into()),
                _ => Ok(()),
            }
        }
    }

    fn record(id: &str, attempt: u32, body: Value) -> Value {
        json!({
            "messageId": id,
            "body": body.to_string(),
            "attributes": { "ApproximateReceiveCount": attempt.to_string() },
        })
    }

    /// Handles a batch, whose invocation Lambda calls `of-lambda`, within `milliseconds`. `parsed` of its
    /// messages can be parsed.
    async fn handle(
        records: &[Value],
        parsed: usize,
        milliseconds: u64,
    ) -> Result<SqsBatchResponse, ConsumeError> {
        let mut context = Context::default();
        context.request_id = "of-lambda".to_owned();
        context.deadline = milliseconds;
        let event = serde_json::from_value(json!({ "Records": records })).unwrap();
        let queues = Queues::new(&aws_types::SdkConfig::builder().build());
        let consumer = Deep(Barrier::new(parsed));
        invoke(&consumer, &queues, LambdaEvent::new(event, context)).await
    }

    fn ids(line: &Value) -> Value {
        json!([
            line["message.id"],
            line["message.attempt"],
            line["request.id"]
        ])
    }

    #[tokio::test]
    async fn lines_of_messages_that_are_handled_together_have_their_own_ids() {
        let log = Log::start();
        let records = [
            record("m1", 1, json!({ "trace_id": "r1=", "then": "end" })),
            record("m2", 3, json!({ "trace_id": "r2=", "then": "fail" })),
            record("m3", 1, json!({ "trace_id": null, "then": "end" })),
        ];
        let response = handle(&records, 3, 60_000).await.unwrap();
        assert_eq!(response.batch_item_failures.len(), 1);
        let own = [
            json!(["m1", 1, "r1="]),
            json!(["m2", 3, "r2="]),
            // Not named by the message, so the invocation's.
            json!(["m3", 1, "of-lambda"]),
        ];
        for message in ["began", "deep"] {
            let mut lines: Vec<Value> = log.of(message).iter().map(ids).collect();
            lines.sort_by_key(Value::to_string);
            assert_eq!(lines, own, "{message}");
        }
        // All had begun before one went on.
        let messages: Vec<_> = log
            .lines()
            .iter()
            .map(|line| line["message"].clone())
            .collect();
        assert_eq!(messages[..3], ["began", "began", "began"]);
        assert_eq!(ids(&log.one("message failed")), own[1]);
        assert_eq!(log.one("message failed")["error"], "no answer");
        assert_eq!(ids(&log.one("batch")), json!([null, null, "of-lambda"]));
    }

    #[tokio::test]
    async fn lines_of_a_message_have_the_trace_that_it_names_or_the_invocations() {
        let log = Log::start();
        let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let records = [
            record("m1", 1, json!({ "traceparent": parent, "then": "end" })),
            record("m2", 1, json!({ "then": "end" })),
        ];
        handle(&records, 2, 60_000).await.unwrap();
        let mut traces: Vec<Value> = log
            .of("deep")
            .iter()
            .map(|it| it["trace.id"].clone())
            .collect();
        traces.sort_by_key(Value::to_string);
        let own = TraceParent::begin("of-lambda").trace_id();
        let mut expected = vec![json!("4bf92f3577b34da6a3ce929d0e0e4736"), json!(own)];
        expected.sort_by_key(Value::to_string);
        assert_eq!(traces, expected);
        assert_eq!(log.one("batch")["trace.id"], own);
    }

    #[test]
    fn a_message_comes_back_when_its_error_says_so() {
        let failed: ConsumeError = "no answer".into();
        let seconds = [1, 2, 3, 20].map(|attempt| delay(&failed, attempt, 0).as_secs());
        assert_eq!(seconds, [1, 2, 4, 300]);
        let (why, after) = ("it waits", Duration::from_secs(7));
        assert_eq!(delay(&Later { why, after }.into(), 3, 1), after);
        // The kind: retries. Messages that failed together do not come back together.
        let spread = [0, 1, 2, 3].map(|random| delay(&failed, 3, random).as_secs());
        assert_eq!(spread, [4, 3, 2, 4]);
    }

    #[tokio::test]
    async fn an_unreadable_message_fails_with_its_id_and_the_invocations() {
        let log = Log::start();
        let records = [
            record("m1", 2, json!({ "trace_id": 7 })),
            record("m2", 1, json!({ "trace_id": "r2=", "then": "end" })),
        ];
        let response = handle(&records, 1, 60_000).await.unwrap();
        assert_eq!(response.batch_item_failures[0].item_identifier, "m1");
        assert_eq!(
            ids(&log.one("message failed")),
            json!(["m1", 2, "of-lambda"])
        );
        assert_eq!(ids(&log.one("deep")), json!(["m2", 1, "r2="]));
    }

    #[tokio::test]
    async fn a_message_without_time_fails_with_its_ids() {
        let log = Log::start();
        let records = [record(
            "m1",
            1,
            json!({ "trace_id": "r1=", "then": "hang" }),
        )];
        // No time is left beyond that for the report.
        let response = handle(&records, 1, 500).await.unwrap();
        assert_eq!(response.batch_item_failures.len(), 1);
        assert_eq!(ids(&log.one("message failed")), json!(["m1", 1, "r1="]));
    }

    #[tokio::test]
    async fn a_batch_that_fails_as_a_whole_says_so_with_the_invocations_id() {
        let log = Log::start();
        let records = [
            record("m1", 1, json!({ "trace_id": "r1=", "then": "end" })),
            json!({ "body": "{}" }),
        ];
        assert!(handle(&records, 1, 60_000).await.is_err());
        assert_eq!(
            ids(&log.one("batch failed")),
            json!([null, null, "of-lambda"])
        );
    }

    /// Fails the messages that say so, and all of them if one hangs.
    struct Together;

    impl BatchConsumer for Together {
        type Message = Call;

        async fn handle(&self, deliveries: Vec<Delivery<Call>>) -> HashMap<usize, ConsumeError> {
            let mut errors = HashMap::new();
            for (index, delivery) in deliveries.iter().enumerate() {
                match delivery.message.then.as_str() {
                    "hang" => std::future::pending().await,
                    "fail" => {
                        errors.insert(index, format!("attempt {}", delivery.attempt).into());
                    }
                    _ => {}
                }
            }
            errors
        }
    }

    async fn handle_together(records: &[Value], milliseconds: u64) -> Vec<String> {
        let mut context = Context::default();
        context.request_id = "of-lambda".to_owned();
        context.deadline = milliseconds;
        let event = serde_json::from_value(json!({ "Records": records })).unwrap();
        let queues = Queues::new(&aws_types::SdkConfig::builder().build());
        let event = LambdaEvent::new(event, context);
        let response = invoke_together(&Together, &queues, event).await.unwrap();
        let failures = response.batch_item_failures.into_iter();
        failures.map(|failure| failure.item_identifier).collect()
    }

    #[tokio::test]
    async fn of_messages_that_are_handled_together_each_fails_alone() {
        let log = Log::start();
        let call = |id: &str, then: &str| json!({ "trace_id": id, "then": then });
        let records = [
            record("m1", 1, call("r1=", "end")),
            record("m2", 1, json!({ "trace_id": 7 })),
            record("m3", 3, call("r3=", "fail")),
            record("m4", 1, call("r4=", "end")),
        ];
        assert_eq!(handle_together(&records, 60_000).await, ["m2", "m3"]);
        let failed: Vec<Value> = log.of("message failed").iter().map(ids).collect();
        assert_eq!(
            failed,
            [json!(["m2", 1, "of-lambda"]), json!(["m3", 3, "r3="])]
        );
        assert_eq!(log.of("message failed")[1]["error"], "attempt 3");
        // Nothing can be read: the consumer is not called with nothing.
        let bad = [record("m5", 1, json!({}))];
        assert_eq!(handle_together(&bad, 60_000).await, ["m5"]);
    }

    #[tokio::test]
    async fn messages_that_are_handled_together_run_out_of_time_together() {
        let call = |then: &str| json!({ "trace_id": "r", "then": then });
        let records = [record("m1", 1, call("end")), record("m2", 1, call("hang"))];
        // No time is left beyond that for the report.
        assert_eq!(handle_together(&records, 500).await, ["m1", "m2"]);
    }
}

//! Runs a consumer of the table's stream. Records are processed in order; after a failure, the batch is
//! read again.

use std::{future::Future, process::ExitCode, sync::Arc};

use aws_lambda_events::{
    dynamodb::{Event, EventRecord},
    streams::{DynamoDbBatchItemFailure, DynamoDbEventResponse},
};
use domain::{fault::chain, trace::TraceParent};
use lambda_runtime::{LambdaEvent, service_fn};
use tracing::{Instrument, Span};

use crate::{consume::ConsumeError, environment::Environment, process, telemetry::request_span};

/// A record of the stream, with the span of the request that caused it.
#[derive(Debug)]
pub struct Change<'a> {
    /// The record.
    pub record: &'a EventRecord,
    span: Span,
}

impl Change<'_> {
    /// Runs `work` on this record alone: each line that it logs has the record's request id.
    pub fn in_span<T>(&self, work: impl FnOnce() -> T) -> T {
        self.span.in_scope(work)
    }
}

/// A consumer of the table's stream.
pub trait StreamConsumer: Sized + Send + Sync + 'static {
    /// Id of the request that caused a record, or another id of its own.
    fn request_id(record: &EventRecord) -> &str;

    /// Place of a record in the trace of that request.
    fn traceparent(record: &EventRecord) -> TraceParent {
        TraceParent::begin(Self::request_id(record))
    }

    /// Processes records in order. They may be duplicates. After an error all of them are redelivered, for
    /// hours, and the records behind them wait: a record that will never be processed must not be an error.
    fn handle(
        &self,
        changes: &[Change<'_>],
    ) -> impl Future<Output = Result<(), ConsumeError>> + Send;
}

/// Runs the consumer that `connect` makes from the environment, once per cold start, until the process
/// ends. Returns only if it cannot start.
pub fn read_stream<C: StreamConsumer>(
    connect: impl FnOnce(&Environment) -> Result<C, Box<dyn std::error::Error>>,
) -> ExitCode {
    process::run(connect, |consumer| {
        let consumer = Arc::new(consumer);
        lambda_runtime::run(service_fn(move |event: LambdaEvent<Event>| {
            let consumer = Arc::clone(&consumer);
            async move { invoke(&*consumer, &event).await }
        }))
    })
}

async fn invoke<C: StreamConsumer>(
    consumer: &C,
    event: &LambdaEvent<Event>,
) -> Result<DynamoDbEventResponse, ConsumeError> {
    let id = &event.context.request_id;
    let span = request_span(id, TraceParent::begin(id));
    batch(consumer, &event.payload.records)
        .instrument(span)
        .await
}

async fn batch<C: StreamConsumer>(
    consumer: &C,
    records: &[EventRecord],
) -> Result<DynamoDbEventResponse, ConsumeError> {
    let changes: Vec<Change<'_>> = records
        .iter()
        .map(|record| Change {
            record,
            span: request_span(C::request_id(record), C::traceparent(record)),
        })
        .collect();
    let mut response = DynamoDbEventResponse::default();
    let Err(cause) = consumer.handle(&changes).await else {
        tracing::info!(batch.records = records.len(), "stream batch");
        return Ok(response);
    };
    let first = records.first();
    let sequence = first.and_then(|record| record.change.sequence_number.clone());
    tracing::error!(
        batch.records = records.len(),
        stream.sequence_number = sequence.as_deref().unwrap_or_default(),
        error = %chain(&*cause),
        "stream batch failed"
    );
    // Without its sequence number Lambda cannot resume there, so the whole batch is redelivered.
    let sequence = sequence.ok_or(cause)?;
    let mut failed = DynamoDbBatchItemFailure::default();
    failed.item_identifier = Some(sequence);
    response.batch_item_failures.push(failed);
    Ok(response)
}

#[cfg(test)]
mod tests {
    use lambda_runtime::Context;
    use serde_json::json;

    use super::*;
    use crate::telemetry::testing::Log;

    /// Whether a consumer fails.
    #[derive(PartialEq)]
    enum Fails {
        No,
        Yes,
    }

    impl StreamConsumer for Fails {
        fn request_id(record: &EventRecord) -> &str {
            &record.event_id
        }

        async fn handle(&self, changes: &[Change<'_>]) -> Result<(), ConsumeError> {
            for change in changes {
                change.in_span(|| tracing::info!("deep"));
            }
            tokio::task::yield_now().await;
            tracing::info!("for all");
            if *self == Self::Yes {
                return Err("no answer".into());
            }
            Ok(())
        }
    }

    /// Sequence number that is reported for a batch of two records, which Lambda calls `of-lambda`.
    async fn failed(consumer: Fails) -> Option<String> {
        let record = |id: &str, sequence: &str| {
            json!({
                "eventID": id,
                "eventName": "INSERT",
                "awsRegion": "us-east-1",
                "dynamodb": {
                    "ApproximateCreationDateTime": 1_795_341_600,
                    "Keys": {},
                    "SequenceNumber": sequence,
                    "SizeBytes": 1,
                },
            })
        };
        let records = [record("r1=", "100"), record("r2=", "200")];
        let event: Event = serde_json::from_value(json!({ "Records": records })).unwrap();
        let mut context = Context::default();
        context.request_id = "of-lambda".to_owned();
        let event = LambdaEvent::new(event, context);
        let mut response = invoke(&consumer, &event).await.unwrap();
        response.batch_item_failures.pop()?.item_identifier
    }

    #[tokio::test]
    async fn each_record_has_its_own_id_and_the_batch_that_of_the_invocation() {
        let log = Log::start();
        assert_eq!(failed(Fails::No).await, None);
        let ids: Vec<_> = log
            .lines()
            .iter()
            .map(|line| line["request.id"].clone())
            .collect();
        assert_eq!(ids, ["r1=", "r2=", "of-lambda", "of-lambda"]);
    }

    #[tokio::test]
    async fn a_failed_batch_is_read_again_from_its_first_record() {
        let log = Log::start();
        assert_eq!(failed(Fails::Yes).await.as_deref(), Some("100"));
        let line = log.one("stream batch failed");
        assert_eq!(line["request.id"], json!("of-lambda"));
        assert_eq!(line["stream.sequence_number"], json!("100"));
    }
}

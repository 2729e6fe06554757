//! Runs a consumer of the table's stream. Records are processed in order; after a failure, reading
//! resumes at the failed record.

use std::{future::Future, process::ExitCode, sync::Arc};

use aws_lambda_events::{
    dynamodb::{Event, EventRecord},
    streams::{DynamoDbBatchItemFailure, DynamoDbEventResponse},
};
use domain::fault::chain;
use lambda_runtime::{LambdaEvent, service_fn};

use crate::{consume::ConsumeError, environment::Environment, process};

/// A batch that was not processed completely.
#[derive(Debug)]
pub struct StreamFailure {
    /// Number of records that were processed, from the first on.
    pub done: usize,
    /// Error of the next record.
    pub cause: ConsumeError,
}

/// A consumer of the table's stream.
pub trait StreamConsumer: Sized + Send + Sync + 'static {
    /// Processes records in order. They may be duplicates.
    fn handle(
        &self,
        records: &[EventRecord],
    ) -> impl Future<Output = Result<(), StreamFailure>> + Send;
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
            async move { batch(&*consumer, &event.payload.records).await }
        }))
    })
}

async fn batch<C: StreamConsumer>(
    consumer: &C,
    records: &[EventRecord],
) -> Result<DynamoDbEventResponse, ConsumeError> {
    let mut response = DynamoDbEventResponse::default();
    let Err(failure) = consumer.handle(records).await else {
        tracing::info!(batch.records = records.len(), "stream batch");
        return Ok(response);
    };
    let sequence = records
        .get(failure.done)
        .and_then(|record| record.change.sequence_number.clone());
    tracing::error!(
        batch.records = records.len(),
        batch.done = failure.done,
        stream.sequence_number = sequence.as_deref().unwrap_or_default(),
        error = %chain(&*failure.cause),
        "stream batch failed"
    );
    // Without its sequence number Lambda cannot resume there, so the whole batch is redelivered.
    let sequence = sequence.ok_or(failure.cause)?;
    let mut failed = DynamoDbBatchItemFailure::default();
    failed.item_identifier = Some(sequence);
    response.batch_item_failures.push(failed);
    Ok(response)
}

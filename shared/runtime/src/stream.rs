//! Running a reader of the table's stream. A stream is read in order: the first record that fails is
//! where reading goes on.

use std::{future::Future, process::ExitCode, sync::Arc};

use aws_lambda_events::{
    dynamodb::{Event, EventRecord},
    streams::{DynamoDbBatchItemFailure, DynamoDbEventResponse},
};
use lambda_runtime::{LambdaEvent, service_fn};

use crate::{consume::ConsumeError, environment::Environment, process};

/// How far a reader came.
#[derive(Debug)]
pub struct StreamFailure {
    /// So many records, from the first on, are done.
    pub done: usize,
    /// What happened at the next one.
    pub cause: ConsumeError,
}

/// A reader of the table's stream.
pub trait StreamConsumer: Sized + Send + Sync + 'static {
    /// Handles records in their order. They may have been handled before.
    fn handle(
        &self,
        records: &[EventRecord],
    ) -> impl Future<Output = Result<(), StreamFailure>> + Send;
}

/// Runs the reader that `connect` makes of the environment, once per cold start, until the process
/// is ended. Returns only when it cannot start.
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
        error = %failure.cause,
        "stream batch failed"
    );
    // Without its number Lambda cannot be told where to go on: the whole batch comes back.
    let sequence = sequence.ok_or(failure.cause)?;
    let mut failed = DynamoDbBatchItemFailure::default();
    failed.item_identifier = Some(sequence);
    response.batch_item_failures.push(failed);
    Ok(response)
}

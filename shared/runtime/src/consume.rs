//! Runs queue consumers record by record, so that a bad message fails alone.

use std::{future::Future, process::ExitCode, sync::Arc, time::Duration};

use aws_lambda_events::sqs::{BatchItemFailure, SqsBatchResponse, SqsEvent, SqsMessage};
use domain::fault::chain;
use futures_util::future::join_all;
use jiff::Timestamp;
use lambda_runtime::{LambdaEvent, service_fn};
use queue::Queues;
use serde::de::DeserializeOwned;

use crate::{deadline, environment::Environment, process};

/// Time reserved at the end of a batch to report its failures.
const REPORT: Duration = Duration::from_millis(500);
/// Maximum backoff of a failed message.
const MAX_BACKOFF: Duration = Duration::from_secs(300);

/// Why a message was not handled. It is redelivered, and finally moved to the dead-letter queue.
pub type ConsumeError = Box<dyn std::error::Error + Send + Sync>;

/// A consumer of one queue.
pub trait Consumer: Sized + Send + Sync + 'static {
    /// Type of its messages.
    type Message: DeserializeOwned + Send;

    /// Handles one message. It may be a duplicate, or late.
    fn handle(
        &self,
        delivery: Delivery<Self::Message>,
    ) -> impl Future<Output = Result<(), ConsumeError>> + Send;
}

/// One delivery of a message.
#[derive(Debug)]
pub struct Delivery<M> {
    /// The message, parsed from the body.
    pub message: M,
    /// Number of the delivery, from 1.
    pub attempt: u32,
    /// Current time.
    pub now: Timestamp,
}

/// Runs the consumer that `connect` makes from the environment, once per cold start, until the process
/// ends. Returns only if it cannot start.
pub fn consume<C: Consumer>(
    connect: impl FnOnce(&Environment) -> Result<C, Box<dyn std::error::Error>>,
) -> ExitCode {
    let connect = |environment: &Environment| {
        let queues = Queues::new(&environment.sdk_config()?);
        Ok((connect(environment)?, queues))
    };
    process::run(connect, |connected| {
        let connected = Arc::new(connected);
        lambda_runtime::run(service_fn(move |event: LambdaEvent<SqsEvent>| {
            let connected = Arc::clone(&connected);
            async move {
                let (consumer, queues) = &*connected;
                batch(consumer, queues, event).await
            }
        }))
    })
}

async fn batch<C: Consumer>(
    consumer: &C,
    queues: &Queues,
    event: LambdaEvent<SqsEvent>,
) -> Result<SqsBatchResponse, ConsumeError> {
    let now = crate::now();
    let time_left = deadline::time_left(event.context.deadline, now).saturating_sub(REPORT);
    let records = event.payload.records;
    if records.iter().any(|record| record.message_id.is_none()) {
        // A failure of it could not be reported, so the batch fails as a whole.
        return Err("a record lacks its messageId".into());
    }
    // Concurrent, so that a slow record does not delay the others.
    let failures = join_all(records.iter().map(async |record| {
        let handled = tokio::time::timeout(time_left, handle(consumer, record, now)).await;
        let error: ConsumeError = match handled {
            Ok(Ok(())) => return None,
            Ok(Err(error)) => error,
            Err(_) => "the function ran out of time before the message was handled".into(),
        };
        let attempt = attempt(record);
        let message_id = record.message_id.clone().unwrap_or_default();
        tracing::warn!(message.id = %message_id, message.attempt = attempt, error = %chain(&*error), "message failed");
        back_off(queues, record, attempt).await;
        Some(failed(message_id))
    }))
    .await;
    let mut response = SqsBatchResponse::default();
    response.batch_item_failures = failures.into_iter().flatten().collect();
    tracing::info!(
        batch.records = records.len(),
        batch.failures = response.batch_item_failures.len(),
        "batch"
    );
    Ok(response)
}

async fn handle<C: Consumer>(
    consumer: &C,
    record: &SqsMessage,
    now: Timestamp,
) -> Result<(), ConsumeError> {
    let body = record.body.as_deref().unwrap_or_default();
    let message =
        serde_json::from_str(body).map_err(|error| format!("the body cannot be read: {error}"))?;
    let delivery = Delivery {
        message,
        attempt: attempt(record),
        now,
    };
    consumer.handle(delivery).await
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

/// Delays the message by 1 s, 2 s, 4 s and so on (exponential backoff). If that fails, the queue's
/// visibility timeout applies, which is longer and equally correct.
async fn back_off(queues: &Queues, record: &SqsMessage, attempt: u32) {
    let delay = Duration::from_secs(1 << attempt.saturating_sub(1).min(16)).min(MAX_BACKOFF);
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

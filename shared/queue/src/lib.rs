//! SQS: sending messages in batches, and telling a failed one when to come back.

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use aws_sdk_sqs::{
    Client,
    config::retry::{RetryPartition, TokenBucket},
    error::{ProvideErrorMetadata, SdkError},
    types::SendMessageBatchRequestEntry,
};
use aws_types::SdkConfig;
use domain::{fault::chain, retry::BUDGET_TOKENS};
use serde::Serialize;

/// Messages of one SendMessageBatch call.
const BATCH: usize = 10;
/// Bytes of one SendMessageBatch call, of the 256 KiB that every queue takes.
const BATCH_BYTES: usize = 250 * 1024;

/// Longest time for which SQS holds a message back.
pub const MAX_DELAY: Duration = Duration::from_secs(900);

/// A call to SQS that failed; what was sent before it stays sent.
#[derive(Debug, thiserror::Error)]
pub enum QueueError {
    /// The call itself failed.
    #[error("SQS {operation} failed: {cause}")]
    Call {
        /// Which operation.
        operation: &'static str,
        /// The service's or the transport's words.
        cause: String,
    },
    /// The call was taken, and some of its messages were not.
    #[error("SQS did not take {failed} of {sent} messages; the first: {cause}")]
    Entries {
        /// How many were refused.
        failed: usize,
        /// Of how many.
        sent: usize,
        /// The service's word for the first.
        cause: String,
    },
    /// A message that cannot be written as JSON.
    #[error("a message cannot be written: {0}")]
    Unwritable(#[from] serde_json::Error),
}

/// A connection to SQS. Made once per cold start; cloning it is cheap.
#[derive(Clone, Debug)]
pub struct Queues {
    config: SdkConfig,
    /// Made at the first call: most consumers make none, as only a failed message needs one.
    client: Arc<OnceLock<Client>>,
}

impl Queues {
    /// Connects at the first call.
    pub fn new(config: &SdkConfig) -> Self {
        Self {
            config: config.clone(),
            client: Arc::default(),
        }
    }

    fn client(&self) -> &Client {
        self.client.get_or_init(|| {
            let budget = TokenBucket::builder().capacity(BUDGET_TOKENS).build();
            let partition = RetryPartition::custom("queues").token_bucket(budget);
            let config = aws_sdk_sqs::config::Builder::from(&self.config);
            Client::from_conf(config.retry_partition(partition.build()).build())
        })
    }

    /// Sends every message to the queue at `url`, in as few calls as they fit in. After an error
    /// some may have been sent; sending all again is right, as consumers take a message twice.
    pub async fn send<M: Serialize>(&self, url: &str, messages: &[M]) -> Result<(), QueueError> {
        let at_once: Vec<(&M, Duration)> = messages
            .iter()
            .map(|message| (message, Duration::ZERO))
            .collect();
        self.send_delayed(url, &at_once).await
    }

    /// Sends messages that are to be seen only after a while, [`MAX_DELAY`] at most; otherwise as
    /// [`Queues::send`].
    pub async fn send_delayed<M: Serialize>(
        &self,
        url: &str,
        messages: &[(&M, Duration)],
    ) -> Result<(), QueueError> {
        let mut batch: Vec<(String, Duration)> = Vec::with_capacity(BATCH);
        let mut bytes = 0;
        for (message, delay) in messages {
            let body = serde_json::to_string(message)?;
            if batch.len() == BATCH || (!batch.is_empty() && bytes + body.len() > BATCH_BYTES) {
                self.send_batch(url, std::mem::take(&mut batch)).await?;
                bytes = 0;
            }
            bytes += body.len();
            batch.push((body, (*delay).min(MAX_DELAY)));
        }
        if batch.is_empty() {
            return Ok(());
        }
        self.send_batch(url, batch).await
    }

    async fn send_batch(
        &self,
        url: &str,
        messages: Vec<(String, Duration)>,
    ) -> Result<(), QueueError> {
        let sent = messages.len();
        let entries: Result<Vec<_>, _> = messages
            .into_iter()
            .enumerate()
            .map(|(index, (body, delay))| {
                // Whole seconds, rounded up: not before its time.
                let seconds = delay.as_millis().div_ceil(1000);
                SendMessageBatchRequestEntry::builder()
                    .id(index.to_string())
                    .message_body(body)
                    .delay_seconds(i32::try_from(seconds).unwrap_or(0))
                    .build()
            })
            .collect();
        let entries = entries.map_err(|error| QueueError::Call {
            operation: "SendMessageBatch",
            cause: error.to_string(),
        })?;
        let request = self.client().send_message_batch().queue_url(url);
        let answer = request
            .set_entries(Some(entries))
            .send()
            .await
            .map_err(|error| call("SendMessageBatch", &error))?;
        match answer.failed().first() {
            None => Ok(()),
            Some(first) => Err(QueueError::Entries {
                failed: answer.failed().len(),
                sent,
                cause: format!("{}: {}", first.code(), first.message().unwrap_or_default()),
            }),
        }
    }

    /// Has a received message come back after `delay` instead of after the queue's own time.
    pub async fn retry_in(
        &self,
        url: &str,
        receipt_handle: &str,
        delay: Duration,
    ) -> Result<(), QueueError> {
        self.client()
            .change_message_visibility()
            .queue_url(url)
            .receipt_handle(receipt_handle)
            .visibility_timeout(i32::try_from(delay.as_secs()).unwrap_or(i32::MAX))
            .send()
            .await
            .map_err(|error| call("ChangeMessageVisibility", &error))?;
        Ok(())
    }
}

fn call<E, R>(operation: &'static str, error: &SdkError<E, R>) -> QueueError
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
    R: std::fmt::Debug,
{
    let code = error.code().unwrap_or("no answer");
    let message = error.message().map_or_else(|| chain(error), str::to_owned);
    QueueError::Call {
        operation,
        cause: format!("{code}: {message}"),
    }
}

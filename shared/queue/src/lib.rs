//! Sends messages to SQS in batches, and delays failed ones (backoff).

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
use domain::{fault::reason, retry::BUDGET_TOKENS};
use serde::Serialize;

/// Maximum number of messages of one SendMessageBatch call.
const BATCH: usize = 10;
/// Maximum bytes of one SendMessageBatch call, below the 256 KiB that every queue accepts.
const BATCH_BYTES: usize = 250 * 1024;

/// Maximum delay of a message in SQS.
pub const MAX_DELAY: Duration = Duration::from_secs(900);

/// A failed call to SQS. Messages that were sent before it stay sent.
#[derive(Debug, thiserror::Error)]
pub enum QueueError {
    /// The call failed as a whole.
    #[error("SQS {operation} failed: {reason}")]
    Call {
        /// Name of the SQS operation.
        operation: &'static str,
        /// Code and message of the service, or that there was no answer.
        reason: String,
        /// Error of the service or the transport.
        #[source]
        source: Option<Box<dyn std::error::Error + Send + Sync>>,
    },
    /// The call succeeded, but SQS rejected some of its messages.
    #[error("SQS rejected {failed} of {sent} messages; the first because of: {cause}")]
    Entries {
        /// Number of rejected messages.
        failed: usize,
        /// Number of messages in the call.
        sent: usize,
        /// The service's error for the first rejected message.
        cause: String,
    },
    /// A message that cannot be serialized as JSON.
    #[error("a message cannot be serialized")]
    Unwritable(#[from] serde_json::Error),
}

/// An SQS client. Made once per cold start; cheap to clone.
#[derive(Clone, Debug)]
pub struct Queues {
    config: SdkConfig,
    /// Made at the first call, as most consumers never make one: only failed messages need it.
    client: Arc<OnceLock<Client>>,
}

impl Queues {
    /// Makes a client that connects at its first call.
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

    /// Sends all messages to the queue at `url`, in as few calls as possible. After an error some may
    /// have been sent; sending all of them again is safe, as consumers handle duplicates.
    pub async fn send<M: Serialize>(&self, url: &str, messages: &[M]) -> Result<(), QueueError> {
        let at_once: Vec<(&M, Duration)> = messages
            .iter()
            .map(|message| (message, Duration::ZERO))
            .collect();
        self.send_delayed(url, &at_once).await
    }

    /// Sends messages that become visible after a delay of at most [`MAX_DELAY`]; otherwise like
    /// [`Queues::send`].
    pub async fn send_delayed<M: Serialize>(
        &self,
        url: &str,
        messages: &[(&M, Duration)],
    ) -> Result<(), QueueError> {
        let mut batch: Vec<(String, Duration)> = Vec::with_capacity(BATCH);
        let mut bytes = 0;
        for (message, delay) in messages {
            let body = body(message)?;
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
                // Rounded up to whole seconds, so that no message arrives early.
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
            reason: "the request cannot be built".to_owned(),
            source: Some(error.into()),
        })?;
        let request = self.client().send_message_batch().queue_url(url);
        let answer = request
            .set_entries(Some(entries))
            .send()
            .await
            .map_err(|error| call("SendMessageBatch", error))?;
        match answer.failed().first() {
            None => Ok(()),
            Some(first) => Err(QueueError::Entries {
                failed: answer.failed().len(),
                sent,
                cause: format!("{}: {}", first.code(), first.message().unwrap_or_default()),
            }),
        }
    }

    /// Makes a received message visible again after `delay` instead of the queue's visibility timeout.
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
            .map_err(|error| call("ChangeMessageVisibility", error))?;
        Ok(())
    }
}

fn call<E, R>(operation: &'static str, error: SdkError<E, R>) -> QueueError
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    R: std::fmt::Debug + Send + Sync + 'static,
{
    QueueError::Call {
        operation,
        reason: reason(error.code(), error.message()),
        source: error.into_source().ok(),
    }
}

/// A message as JSON. The two characters that JSON allows and SQS refuses, with the whole call, are escaped.
fn body<M: Serialize>(message: &M) -> Result<String, serde_json::Error> {
    let json = serde_json::to_string(message)?;
    if json.contains(['\u{FFFE}', '\u{FFFF}']) {
        let json = json.replace('\u{FFFE}', "\\uFFFE");
        return Ok(json.replace('\u{FFFF}', "\\uFFFF"));
    }
    Ok(json)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The kind: given up for lost. One text that SQS refuses would hold up all messages behind it.
    #[test]
    fn a_body_has_only_characters_that_sqs_takes() {
        let text = "\u{FFFE}é\u{FFFF}";
        let json = body(&text).unwrap();
        assert_eq!(json, "\"\\uFFFEé\\uFFFF\"");
        assert_eq!(serde_json::from_str::<String>(&json).unwrap(), text);
    }
}

//! Event sources of functions: a poller per queue, and one per reader of the table's stream.

use std::{path::PathBuf, sync::Arc, time::Duration};

use aws_sdk_sqs::types::{DeleteMessageBatchRequestEntry, Message, MessageSystemAttributeName};
use dynoxide::Database;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::{Semaphore, watch};

use crate::{LocalError, REGION, Result, filter::Filter, lambda::Lambda};

/// Duration of a long poll of a queue, in seconds.
const LONG_POLL: i32 = 5;
/// Interval of polling the stream without a notification, and the pause after a poll that failed.
const IDLE: Duration = Duration::from_millis(200);
/// Longest pause before a failed batch of the stream is read again, in pauses of [`IDLE`].
const LONGEST_PAUSE: u32 = 5;

/// A consumer's response with its batch item failures.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct BatchAnswer {
    batch_item_failures: Vec<ItemFailure>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ItemFailure {
    item_identifier: String,
}

/// Polls one queue for one function.
pub struct QueuePoller {
    /// Client of the queue.
    pub sqs: aws_sdk_sqs::Client,
    /// URL of the queue.
    pub url: String,
    /// ARN of the queue, the event source of its messages.
    pub arn: String,
    /// Name of the function.
    pub function: String,
    /// Maximum number of messages per batch.
    pub batch_size: usize,
    /// Maximum number of concurrent batches.
    pub concurrency: usize,
    /// Whether messages whose function crashed are redelivered at once.
    pub impatient: bool,
    /// The functions to invoke.
    pub lambda: Lambda,
}

impl QueuePoller {
    /// Runs until its task is aborted.
    pub async fn run(self) {
        let poller = Arc::new(self);
        let slots = Arc::new(Semaphore::new(poller.concurrency));
        loop {
            let Ok(slot) = Arc::clone(&slots).acquire_owned().await else {
                return;
            };
            let Some(messages) = poller.receive().await else {
                // If the emulator is gone, its other users notice.
                tokio::time::sleep(IDLE).await;
                continue;
            };
            if messages.is_empty() {
                continue;
            }
            let poller = Arc::clone(&poller);
            tokio::spawn(async move {
                poller.deliver(messages).await;
                drop(slot);
            });
        }
    }

    /// Waits for messages; `None` if the queue does not answer.
    async fn receive(&self) -> Option<Vec<Message>> {
        let request = self
            .sqs
            .receive_message()
            .queue_url(&self.url)
            .max_number_of_messages(i32::try_from(self.batch_size.min(10)).unwrap_or(10))
            .message_system_attribute_names(MessageSystemAttributeName::All)
            .wait_time_seconds(LONG_POLL);
        let answer = request.send().await.ok()?;
        Some(answer.messages.unwrap_or_default())
    }

    async fn deliver(&self, messages: Vec<Message>) {
        let records: Vec<Value> = messages
            .iter()
            .map(|message| self.record(message))
            .collect();
        let payload = json!({ "Records": records }).to_string();
        let Ok(answer) = self.lambda.invoke(&self.function, payload.into()).await else {
            // The messages reappear after the queue's visibility timeout, as on AWS.
            if self.impatient {
                self.return_at_once(&messages).await;
            }
            return;
        };
        let answer: BatchAnswer = serde_json::from_slice(&answer).unwrap_or_default();
        let failed = |message: &Message| {
            let failures = answer.batch_item_failures.iter();
            failures
                .map(|failure| Some(failure.item_identifier.as_str()))
                .any(|id| id == message.message_id.as_deref())
        };
        let done = messages
            .iter()
            .filter(|message| !failed(message))
            .enumerate();
        let entries: Result<Vec<_>, _> = done
            .map(|(index, message)| {
                DeleteMessageBatchRequestEntry::builder()
                    .id(index.to_string())
                    .receipt_handle(message.receipt_handle.as_deref().unwrap_or_default())
                    .build()
            })
            .collect();
        if let Some(entries) = entries.ok().filter(|entries| !entries.is_empty()) {
            let request = self.sqs.delete_message_batch().queue_url(&self.url);
            // Messages that were not deleted are redelivered; consumers handle duplicates.
            let _ = request.set_entries(Some(entries)).send().await;
        }
    }

    async fn return_at_once(&self, messages: &[Message]) {
        for message in messages {
            let request = self
                .sqs
                .change_message_visibility()
                .queue_url(&self.url)
                .receipt_handle(message.receipt_handle.as_deref().unwrap_or_default())
                .visibility_timeout(0);
            // Messages that are not returned reappear later.
            let _ = request.send().await;
        }
    }

    fn record(&self, message: &Message) -> Value {
        let attributes: serde_json::Map<String, Value> = message
            .attributes
            .iter()
            .flatten()
            .map(|(name, value)| (name.as_str().to_owned(), json!(value)))
            .collect();
        json!({
            "messageId": message.message_id,
            "receiptHandle": message.receipt_handle,
            "body": message.body,
            "attributes": attributes,
            "messageAttributes": {},
            "md5OfBody": message.md5_of_body,
            "eventSource": "aws:sqs",
            "eventSourceARN": self.arn,
            "awsRegion": REGION,
        })
    }
}

/// Reads the table's stream for one function, in order.
pub struct StreamPoller {
    /// The database with the stream.
    pub database: Database,
    /// Name of the table.
    pub table: String,
    /// Name of the function.
    pub function: String,
    /// Maximum number of records per batch.
    pub batch_size: usize,
    /// A record reaches the function if one of them takes it, or if there is none.
    pub filters: Vec<Filter>,
    /// The functions to invoke.
    pub lambda: Lambda,
    /// File that stores the position between runs.
    pub position: Option<PathBuf>,
}

impl StreamPoller {
    /// Runs until its task is aborted.
    pub async fn run(self) -> Result<()> {
        let mut progress = self.lambda.progress();
        let stream = self.stream()?;
        let mut iterator = self.iterator(&stream)?;
        let mut pause = 0;
        loop {
            progress.mark_unchanged();
            let request = json!({ "ShardIterator": iterator, "Limit": self.batch_size });
            let answer = self.database.get_records(read(request)?);
            let answer = answer.map_err(|error| LocalError::new("the table's stream", error))?;
            if answer.records.is_empty() {
                wait(&mut progress).await;
                continue;
            }
            let mut records = Vec::with_capacity(answer.records.len());
            for record in &answer.records {
                let mut record =
                    serde_json::to_value(record).map_err(|error| LocalError(error.to_string()))?;
                record["eventSourceARN"] = json!(stream.arn);
                records.push(record);
            }
            let wanted: Vec<&Value> = records.iter().filter(|record| self.takes(record)).collect();
            let failed = if wanted.is_empty() {
                None
            } else {
                self.deliver(&wanted).await
            };
            let last = match failed {
                Some(sequence) => {
                    // Continue at the failed record, after a pause. On AWS it is given up after hours.
                    pause = (pause + 1).min(LONGEST_PAUSE);
                    tokio::time::sleep(IDLE * pause).await;
                    match records
                        .iter()
                        .position(|record| record["dynamodb"]["SequenceNumber"] == sequence)
                    {
                        Some(0) | None => continue,
                        Some(index) => index - 1,
                    }
                }
                None => {
                    pause = 0;
                    records.len() - 1
                }
            };
            let sequence = records[last]["dynamodb"]["SequenceNumber"]
                .as_str()
                .unwrap_or_default();
            iterator = self.iterator_after(&stream, sequence)?;
            if let Some(path) = &self.position {
                std::fs::write(path, sequence)
                    .map_err(|error| LocalError::new(path.display(), error))?;
            }
        }
    }

    /// Whether the function is invoked for a record.
    fn takes(&self, record: &Value) -> bool {
        self.filters.is_empty() || self.filters.iter().any(|filter| filter.takes(record))
    }

    /// Returns the sequence number of the failed record, if any.
    async fn deliver(&self, records: &[&Value]) -> Option<String> {
        let payload = json!({ "Records": records }).to_string();
        let first = || {
            records[0]["dynamodb"]["SequenceNumber"]
                .as_str()
                .map(str::to_owned)
        };
        match self.lambda.invoke(&self.function, payload.into()).await {
            Err(_) => first(),
            Ok(answer) => {
                let answer: BatchAnswer = serde_json::from_slice(&answer).unwrap_or_default();
                answer
                    .batch_item_failures
                    .into_iter()
                    .next()
                    .map(|failure| failure.item_identifier)
            }
        }
    }

    /// Where to continue: after the last position, or at the beginning.
    fn iterator(&self, stream: &Stream) -> Result<String> {
        let position = self
            .position
            .as_ref()
            .and_then(|path| std::fs::read_to_string(path).ok());
        match position {
            Some(sequence) => self.iterator_after(stream, sequence.trim()),
            None => self.iterator_at(stream, json!({ "ShardIteratorType": "TRIM_HORIZON" })),
        }
    }

    fn iterator_after(&self, stream: &Stream, sequence: &str) -> Result<String> {
        self.iterator_at(
            stream,
            json!({ "ShardIteratorType": "AFTER_SEQUENCE_NUMBER", "SequenceNumber": sequence }),
        )
    }

    fn iterator_at(&self, stream: &Stream, mut request: Value) -> Result<String> {
        request["StreamArn"] = json!(stream.arn);
        request["ShardId"] = json!(stream.shard);
        let answer = self
            .database
            .get_shard_iterator(read(request)?)
            .map_err(|error| LocalError::new("the table's stream", error))?;
        answer
            .shard_iterator
            .ok_or_else(|| LocalError("the table's stream has no iterator".into()))
    }

    fn stream(&self) -> Result<Stream> {
        let failed = |error| LocalError::new("the table's stream", error);
        let streams = self
            .database
            .list_streams(read(json!({ "TableName": self.table }))?)
            .map_err(failed)?;
        let stream = streams.streams.first();
        let arn = stream
            .map(|stream| stream.stream_arn.clone())
            .ok_or_else(|| LocalError("the table has no stream".into()))?;
        let described = self
            .database
            .describe_stream(read(json!({ "StreamArn": arn }))?)
            .map_err(failed)?;
        let shard = described.stream_description.shards.first();
        let shard = shard
            .map(|shard| shard.shard_id.clone())
            .ok_or_else(|| LocalError("the table's stream has no shard".into()))?;
        Ok(Stream { arn, shard })
    }
}

/// The table's stream: locally it has one shard, which never ends.
struct Stream {
    arn: String,
    shard: String,
}

fn read<T: serde::de::DeserializeOwned>(request: Value) -> Result<T> {
    serde_json::from_value(request).map_err(|error| LocalError(error.to_string()))
}

/// Waits until a function was invoked, or for a short time.
async fn wait(progress: &mut watch::Receiver<u64>) {
    // Either is a reason to poll.
    let _ = tokio::time::timeout(IDLE, progress.changed()).await;
}

//! Reads an uploaded product file and queues its rows in chunks. Triggered by an S3 event notification, and by the event
//! of an import that was started again: then it sends the chunks that are not done.

use std::process::ExitCode;

use aws_lambda_events::s3::{S3Event, S3EventRecord};
use catalog::results;
use domain::{
    catalog::import::{self, LineFault, MAX_FILE_BYTES},
    event::{Correlated, Envelope, Event},
    id::{ImportId, JobId},
    jobs::{GIVEN_UP_AFTER, JobInput, JobState},
    money::PriceRule,
    trace::TraceParent,
};
use gateways::objects::Bucket;
use jiff::Timestamp;
use queue::Queues;
use runtime::{ConsumeError, Consumer, Delivery};
use serde::{Deserialize, Deserializer, de::Error};
use serde_json::Value;
use store::{BeginOutcome, JobBeginning, Store};

const CONSUMER: &str = "start-import";

struct StartImport {
    store: Store,
    uploads: Bucket,
    queues: Queues,
    rows_queue: String,
    prices: PriceRule,
}

/// A message that starts an import: an S3 event notification, the test message that S3 sends when the notification is
/// configured, or the event of a job that was started again.
enum StartMessage {
    Job(Envelope),
    Uploads(S3Event),
    Test,
}

impl<'de> Deserialize<'de> for StartMessage {
    /// Tells them apart by a member, so that an error is that of the message that it is.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let message = Value::deserialize(deserializer)?;
        let has = |member: &str| message.get(member).is_some();
        let (is_event, is_test) = (has("type"), has("Event"));
        let read = match (is_event, is_test) {
            (true, _) => Envelope::deserialize(message).map(Self::Job),
            (false, true) => Ok(Self::Test),
            (false, false) => S3Event::deserialize(message).map(Self::Uploads),
        };
        read.map_err(D::Error::custom)
    }
}

impl Correlated for StartMessage {
    /// The id of the request that started the job, or S3's id of the upload.
    fn request_id(&self) -> Option<&str> {
        match self {
            Self::Job(envelope) => envelope.request_id(),
            Self::Uploads(event) => {
                let answer = &event.records.first()?.response_elements;
                answer.get("x-amz-request-id").map(String::as_str)
            }
            Self::Test => None,
        }
    }

    fn traceparent(&self) -> Option<TraceParent> {
        match self {
            Self::Job(envelope) => envelope.traceparent(),
            Self::Uploads(_) | Self::Test => None,
        }
    }
}

/// An uploaded file.
struct Upload {
    job: JobId,
    /// Key of the object.
    key: String,
    /// ETag of the object, without quotation marks.
    version: String,
    /// Whether the job was started again, and may not go on with another file.
    again: bool,
}

impl Consumer for StartImport {
    type Message = StartMessage;

    async fn handle(&self, delivery: Delivery<StartMessage>) -> Result<(), ConsumeError> {
        let (attempt, now) = (delivery.attempt, delivery.now);
        match delivery.message {
            StartMessage::Test => Ok(()),
            StartMessage::Uploads(event) => {
                for record in &event.records {
                    if let Some(upload) = self.uploaded(record, now).await? {
                        self.start(upload, attempt, now).await?;
                    }
                }
                Ok(())
            }
            StartMessage::Job(envelope) => {
                match envelope.event {
                    Event::JobStarted { job_id, .. } => {
                        self.start_again(job_id, attempt, now).await
                    }
                    // The list of errors: every other step is a chunk, which import-rows gets.
                    Event::JobStepDue { job_id, .. } => {
                        let outcome = self.store.job_after_step(job_id).await?;
                        results::complete(&self.store, &self.uploads, outcome, now).await
                    }
                    other => Err(format!("{} is not about an import", other.kind()).into()),
                }
            }
        }
    }
}

impl StartImport {
    /// The upload that S3 reports, if it is of an import and not too large.
    async fn uploaded(
        &self,
        record: &S3EventRecord,
        now: Timestamp,
    ) -> Result<Option<Upload>, ConsumeError> {
        let object = &record.s3.object;
        let key = object.key.as_deref().unwrap_or_default();
        let bytes = object
            .size
            .and_then(|size| u64::try_from(size).ok())
            .unwrap_or(0);
        let job = import::id_of_upload(key).map(JobId::of);
        if bytes > MAX_FILE_BYTES {
            // Whoever put it there: the signature of an upload covers a size within the limit.
            if let Some(job) = job {
                let fault = LineFault::file_too_large(bytes);
                self.fail(job, object.e_tag.as_deref(), fault, now).await?;
            }
            self.uploads.delete(key).await?;
            tracing::warn!(
                object.key = key,
                object.bytes = bytes,
                "an object is too large and was deleted"
            );
            return Ok(None);
        }
        let Some(job) = job else {
            tracing::warn!(object.key = key, "no import belongs to this object");
            return Ok(None);
        };
        Ok(Some(Upload {
            job,
            key: key.to_owned(),
            version: object.e_tag.clone().unwrap_or_default(),
            again: false,
        }))
    }

    /// Sends what is left of an import that was started again. Without a file it waits for the upload.
    async fn start_again(
        &self,
        id: JobId,
        attempt: u32,
        now: Timestamp,
    ) -> Result<(), ConsumeError> {
        let Some(job) = self.store.job_to_work_on(id).await? else {
            return Ok(());
        };
        let key = import::upload_key(ImportId::of(id));
        match self.uploads.version(&key).await? {
            Some(version) => {
                let upload = Upload {
                    job: id,
                    key,
                    version,
                    again: true,
                };
                self.start(upload, attempt, now).await
            }
            None if job.has_begun() => self.fail(id, None, LineFault::file_gone(), now).await,
            None => Ok(()),
        }
    }

    async fn start(
        &self,
        upload: Upload,
        attempt: u32,
        now: Timestamp,
    ) -> Result<(), ConsumeError> {
        let id = upload.job;
        let Some(job) = self.store.job_to_work_on(id).await? else {
            tracing::warn!(object.key = upload.key, "no import belongs to this object");
            return Ok(());
        };
        if !matches!(job.state, JobState::Queued | JobState::Running) {
            tracing::info!(job.id = %id, job.state = job.state.name(), "the job does not run");
            return Ok(());
        }
        let redeliveries = self
            .store
            .count_redelivery(CONSUMER, &format!("{id}.{}", job.run.number), attempt, now)
            .await?;
        let version = upload.version.clone();
        let version = Some(version.as_str());
        if redeliveries >= GIVEN_UP_AFTER {
            tracing::error!(job.id = %id, "the file is given up");
            return self.fail(id, version, LineFault::not_started(), now).await;
        }
        let Some(object) = self.uploads.get(&upload.key).await? else {
            // Deleted in the meantime; a retry would not find it either.
            tracing::warn!(job.id = %id, "the uploaded object is gone");
            return Ok(());
        };
        if object.version != upload.version {
            // Uploaded again meanwhile. Chunks of a job that has begun may not all have been sent, by a process that died or
            // before a pause: they are lost. Otherwise the message of the new file starts the job, or finds that it has had one.
            tracing::warn!(job.id = %id, "the file was replaced before it was read");
            if job.has_begun() && (upload.again || attempt > 1) {
                let input = version.filter(|_| !upload.again);
                return self.fail(id, input, LineFault::file_replaced(), now).await;
            }
            return Ok(());
        }
        let mut file = match import::read_file(&object.bytes) {
            Ok(file) => file,
            Err(fault) => return self.fail(id, version, fault, now).await,
        };
        file.find_uncertain_skus(&self.prices);
        let rows_total = file.rows_total;
        let faults = std::mem::take(&mut file.faults);
        let ignored_columns = std::mem::take(&mut file.ignored_columns);
        let mut chunks = import::chunks(ImportId::of(id), file)?;
        let beginning = JobBeginning {
            input: JobInput {
                version: upload.version,
                ignored_columns,
            },
            total: rows_total,
            faults,
            chains: u32::try_from(chunks.len())?,
        };
        match self.store.begin_job(id, &beginning, now).await? {
            BeginOutcome::Running => {}
            BeginOutcome::OtherInput if upload.again => {
                return self.fail(id, None, LineFault::file_replaced(), now).await;
            }
            BeginOutcome::OtherInput => {
                tracing::info!(job.id = %id, "the import has had its file");
                return Ok(());
            }
            BeginOutcome::Paused | BeginOutcome::Ended => {
                tracing::info!(job.id = %id, "the job does not run");
                return Ok(());
            }
        }
        results::keep_first_errors(&self.uploads, id, &beginning.faults).await?;
        if job.has_begun() {
            let finished = self.store.finished_steps(&job).await?;
            chunks.retain(|chunk| !finished.contains(&chunk.number));
        }
        if chunks.is_empty() {
            // Every row is faulty, or every chunk is done.
            if job.adopted && !job.is_done() {
                self.store.recount_adopted(&job, now).await?;
            }
            let outcome = self.store.job_after_step(id).await?;
            return results::complete(&self.store, &self.uploads, outcome, now).await;
        }
        self.queues.send(&self.rows_queue, &chunks).await?;
        tracing::info!(
            job.id = %id,
            import.rows = rows_total,
            import.chunks = chunks.len(),
            "import started"
        );
        Ok(())
    }

    /// Ends the job, unless it goes on with another file than that of the version `input`.
    async fn fail(
        &self,
        id: JobId,
        input: Option<&str>,
        fault: LineFault,
        now: Timestamp,
    ) -> Result<(), ConsumeError> {
        let code = fault.code.clone();
        if self.store.fail_job(id, input, fault, now).await? {
            tracing::info!(job.id = %id, import.fault = %code, "import failed");
        }
        Ok(())
    }
}

fn main() -> ExitCode {
    runtime::consume(|environment| {
        Ok(StartImport {
            store: Store::new(
                &environment.sdk_config()?,
                environment.require("TABLE_NAME")?,
            ),
            uploads: Bucket::new(
                &environment.sdk_config()?,
                environment.require("UPLOAD_BUCKET")?,
            ),
            queues: Queues::new(&environment.sdk_config()?),
            rows_queue: environment.require("IMPORT_ROWS_QUEUE_URL")?.to_owned(),
            prices: environment.prices()?,
        })
    })
}

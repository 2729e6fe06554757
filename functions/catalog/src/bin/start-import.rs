//! Reads an uploaded product file and queues its rows in chunks. Triggered by an S3 event notification.

use std::process::ExitCode;

use aws_lambda_events::s3::{S3Event, S3EventRecord};
use domain::{
    catalog::import::{self, LineFault, MAX_FILE_BYTES},
    event::Correlated,
    money::PriceRule,
    payments::offered,
};
use gateways::objects::Bucket;
use jiff::Timestamp;
use queue::Queues;
use runtime::{ConsumeError, Consumer, Delivery};
use store::{ImportHeader, StartOutcome, Store};

const CONSUMER: &str = "start-import";
/// Redeliveries after which the import is marked as failed, so that it can end.
const GIVEN_UP_AFTER: u32 = 4;

struct StartImport {
    store: Store,
    uploads: Bucket,
    queues: Queues,
    rows_queue: String,
    prices: PriceRule,
}

/// An S3 event notification, or the test message that S3 sends when the notification is configured.
#[derive(serde::Deserialize)]
#[serde(untagged)]
enum Notification {
    Events(S3Event),
    Test {
        #[serde(rename = "Event")]
        _event: String,
    },
}

impl Correlated for Notification {
    /// S3's id of the upload.
    fn request_id(&self) -> Option<&str> {
        let Self::Events(event) = self else {
            return None;
        };
        let answer = &event.records.first()?.response_elements;
        answer.get("x-amz-request-id").map(String::as_str)
    }
}

impl Consumer for StartImport {
    type Message = Notification;

    async fn handle(&self, delivery: Delivery<Notification>) -> Result<(), ConsumeError> {
        let Notification::Events(event) = delivery.message else {
            return Ok(());
        };
        for record in &event.records {
            self.start(record, delivery.attempt, delivery.now).await?;
        }
        Ok(())
    }
}

impl StartImport {
    async fn start(
        &self,
        record: &S3EventRecord,
        attempt: u32,
        now: Timestamp,
    ) -> Result<(), ConsumeError> {
        let object = &record.s3.object;
        let key = object.key.as_deref().unwrap_or_default();
        let bytes = object
            .size
            .and_then(|size| u64::try_from(size).ok())
            .unwrap_or(0);
        let upload = object.e_tag.as_deref().unwrap_or_default();
        let id = import::id_of_upload(key);
        if bytes > MAX_FILE_BYTES {
            // Whoever put it there: the signature of an upload covers a size within the limit.
            if let Some(id) = id {
                let fault = LineFault::file_too_large(bytes);
                tracing::info!(import.id = %id, import.fault = %fault.code, "import failed");
                self.store.fail_import(id, upload, fault, now).await?;
            }
            self.uploads.delete(key).await?;
            tracing::warn!(
                object.key = key,
                object.bytes = bytes,
                "an object is too large and was deleted"
            );
            return Ok(());
        }
        let Some(id) = id else {
            tracing::warn!(object.key = key, "no import belongs to this object");
            return Ok(());
        };
        let message = id.to_string();
        let redeliveries = self
            .store
            .count_redelivery(CONSUMER, &message, attempt, now)
            .await?;
        if redeliveries >= GIVEN_UP_AFTER {
            tracing::error!(import.id = %id, "the file is given up");
            return Ok(self
                .store
                .fail_import(id, upload, LineFault::not_started(), now)
                .await?);
        }
        let Some(content) = self.uploads.get(key).await? else {
            // Deleted in the meantime; a retry would not find it either.
            tracing::warn!(import.id = %id, "the uploaded object is gone");
            return Ok(());
        };
        let mut file = match import::read_file(&content) {
            Ok(file) => file,
            Err(fault) => {
                tracing::info!(import.id = %id, import.fault = %fault.code, "import failed");
                return Ok(self.store.fail_import(id, upload, fault, now).await?);
            }
        };
        file.find_uncertain_skus(&self.prices);
        let rows_total = file.rows_total;
        let faults = std::mem::take(&mut file.faults);
        let ignored_columns = std::mem::take(&mut file.ignored_columns);
        let chunks = import::chunks(id, file)?;
        let header = ImportHeader {
            rows_total,
            faults,
            chunks_total: u32::try_from(chunks.len())?,
            ignored_columns,
        };
        match self.store.start_import(id, upload, &header, now).await? {
            StartOutcome::NotWanted => {
                tracing::info!(import.id = %id, "the import has had its file")
            }
            StartOutcome::Running => {
                self.queues.send(&self.rows_queue, &chunks).await?;
                tracing::info!(import.id = %id, import.rows = rows_total, import.chunks = chunks.len(), "import started");
            }
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
            prices: PriceRule {
                currency: environment.currency()?,
                offered: offered(environment.require("PAYMENT_METHODS")?)?,
            },
        })
    })
}

//! Bodies and views of the import's endpoints.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{LineFault, MAX_FAULTS, MAX_FILE_BYTES};
use crate::{
    fault::{FieldFault, Rejection},
    id::{ImportId, JobId},
    jobs::{Job, JobState},
};

/// Progress of an import.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ImportState {
    /// The upload has not arrived yet.
    AwaitingUpload,
    /// Rows are being imported, or staff have paused the job.
    Running,
    /// Every row was imported or is listed among the errors.
    Completed,
    /// The file was rejected, or staff have canceled the job; the errors say why.
    Failed,
}

impl From<JobState> for ImportState {
    /// Clients of the import know four states; the job tells more.
    fn from(state: JobState) -> Self {
        match state {
            JobState::Queued => Self::AwaitingUpload,
            JobState::Running | JobState::Paused => Self::Running,
            JobState::Completed => Self::Completed,
            JobState::Failed | JobState::Cancelled => Self::Failed,
        }
    }
}

/// The progress of an import.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct ImportView {
    /// Identifier of the import.
    pub id: ImportId,
    /// The job that imports the rows, which can be paused, resumed and canceled: `/v1/admin/jobs/{job_id}`.
    pub job_id: JobId,
    /// State of the import.
    pub state: ImportState,
    /// Number of rows in the file, without the header.
    pub rows_total: u64,
    /// Number of rows that were imported or unchanged.
    pub rows_imported: u64,
    /// Number of rows that were rejected.
    pub rows_failed: u64,
    /// Columns with data that the shop does not use.
    pub ignored_columns: Vec<String>,
    /// Errors by line, at most 1,000; the job's result is a file with all of them.
    pub errors: Vec<LineFault>,
    /// Time at which the import was created.
    #[schemars(with = "String")]
    pub created_at: Timestamp,
}

impl ImportView {
    /// The import whose rows a job imports, with the job's errors.
    pub fn of(job: &Job, mut errors: Vec<LineFault>) -> Self {
        if job.state == JobState::Cancelled {
            errors.insert(0, LineFault::cancelled());
            errors.truncate(MAX_FAULTS);
        }
        let input = job.input.as_ref();
        Self {
            id: ImportId::of(job.id),
            job_id: job.id,
            state: job.state.into(),
            rows_total: job.total.unwrap_or_default(),
            rows_imported: job.done,
            rows_failed: job.failed,
            ignored_columns: input
                .map(|input| input.ignored_columns.clone())
                .unwrap_or_default(),
            errors,
            created_at: job.created_at,
        }
    }
}

/// Body of `POST /v1/admin/imports`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateImportBody {
    /// Size of the file in bytes, 1 to 15,728,640. The upload accepts a file of exactly this size.
    pub bytes: i64,
}

impl CreateImportBody {
    /// Validates the size.
    pub fn parse(self) -> Result<u64, Rejection> {
        u64::try_from(self.bytes)
            .ok()
            .filter(|bytes| (1..=MAX_FILE_BYTES).contains(bytes))
            .ok_or_else(|| {
                let message = format!("Must be from 1 to {MAX_FILE_BYTES}; split a larger file.");
                Rejection::invalid(vec![FieldFault::new("bytes", "out_of_range", message)])
            })
    }
}

/// Response of `POST /v1/admin/imports`.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct ImportTicket {
    /// Identifier of the import.
    pub id: ImportId,
    /// The job that will import the rows.
    pub job_id: JobId,
    /// `awaiting_upload`; of a repeated request the state at the time.
    pub state: ImportState,
    /// Presigned upload for the file.
    pub upload: UploadTicket,
}

/// A presigned upload: one request that needs no other credentials.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct UploadTicket {
    /// HTTP method of the upload.
    pub method: String,
    /// URL to upload to.
    pub url: String,
    /// Headers to send unchanged with the upload.
    pub headers: std::collections::BTreeMap<String, String>,
    /// The URL is refused from this time on.
    #[schemars(with = "String")]
    pub expires_at: Timestamp,
}

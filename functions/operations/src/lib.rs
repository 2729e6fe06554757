//! What the endpoints of jobs share, and the anchors of the audit trail.

pub mod anchors;

use std::time::Duration;

use domain::{id::JobId, jobs::Job};
use gateways::objects::Bucket;
use jiff::Timestamp;
use runtime::Failure;

/// Lifetime of the URL of a result.
const RESULT_LIFETIME: Duration = Duration::from_secs(15 * 60);

/// Path parameters of a job.
#[derive(serde::Deserialize, schemars::JsonSchema)]
pub struct JobPath {
    /// Identifier of the job.
    pub job_id: JobId,
}

/// Presigns a download of a job's result, if it has one.
pub async fn result_url(
    uploads: &Bucket,
    job: &Job,
    now: Timestamp,
) -> Result<Option<String>, Failure> {
    let Some(key) = &job.result else {
        return Ok(None);
    };
    let name = format!("{}.csv", job.id);
    let download = uploads.presign_download(key, now, RESULT_LIFETIME, &name);
    Ok(Some(download.await?.url))
}

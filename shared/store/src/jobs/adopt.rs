//! Imports that an earlier release created: each counts as a job, and is stored as one by the first that works on it.

use domain::{
    catalog::import::ImportState,
    id::{ImportId, JobId},
    jobs::{Job, JobInput, JobKind, JobState},
    orders::Actor,
    trace::TraceParent,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::record::JobRecord;
use crate::{
    Consistency, Result, Store,
    item::{Record, from_item, to_item},
    keys::Key,
};

/// An import in the form of the release 0.1.0-rc.1, which kept no job. Nothing writes it any more.
#[derive(Debug, Serialize, Deserialize)]
struct ImportRecord {
    id: ImportId,
    state: ImportState,
    rows_total: u64,
    rows_imported: u64,
    rows_failed: u64,
    chunks_total: u32,
    chunks_done: u32,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    ignored_columns: Vec<String>,
    /// ETag of the uploaded object; `None` before the upload.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    upload: Option<String>,
    created_at: Timestamp,
}

impl Record for ImportRecord {
    const ENTITY: &'static str = "import";
}

impl From<ImportRecord> for Job {
    fn from(record: ImportRecord) -> Self {
        let state = match record.state {
            ImportState::AwaitingUpload => JobState::Queued,
            ImportState::Running => JobState::Running,
            ImportState::Completed => JobState::Completed,
            ImportState::Failed => JobState::Failed,
        };
        let id = JobId::of(record.id);
        let trace_id = record.id.to_string();
        let place = TraceParent::begin(&trace_id);
        let kind = JobKind::ProductImport;
        let ignored_columns = record.ignored_columns;
        let input = record.upload.map(|version| JobInput {
            version,
            ignored_columns,
        });
        Self {
            state,
            done: record.rows_imported,
            failed: record.rows_failed,
            total: input.as_ref().map(|_| record.rows_total),
            chains_total: record.chunks_total,
            chains_done: record.chunks_done,
            input,
            adopted: true,
            ..Self::queued(id, kind, Actor::Shop, record.created_at, &trace_id, place)
        }
    }
}

impl Store {
    /// Reads a job to work on it, strongly consistent. An import of an earlier release becomes a job. Keys: [`Key::job`],
    /// else [`Key::import`], and [`Key::job`] on the condition that it does not exist. 1 read unit; for such an import
    /// another, and a write unit.
    pub async fn job_to_work_on(&self, id: JobId) -> Result<Option<Job>> {
        let item = self
            .get("GetItem job", &Key::job(id), Consistency::Strong)
            .await?;
        if let Some(item) = item {
            return Ok(Some(from_item::<JobRecord>(item)?.into()));
        }
        let Some(job) = self.import_of_earlier_release(id).await? else {
            return Ok(None);
        };
        let put = self
            .client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(to_item(&Key::job(id), &JobRecord::from(&job))?))
            .condition_expression("attribute_not_exists(PK)");
        if self.write("PutItem job", put).await?.is_done() {
            return Ok(Some(job));
        }
        // Stored by somebody else just now.
        self.job(id, Consistency::Strong).await
    }

    /// The job that an import of an earlier release stands for. Key: [`Key::import`], strongly consistent. 1 read unit.
    pub(super) async fn import_of_earlier_release(&self, id: JobId) -> Result<Option<Job>> {
        let key = Key::import(ImportId::of(id));
        let item = self
            .get("GetItem import", &key, Consistency::Strong)
            .await?;
        let record = item.map(from_item::<ImportRecord>).transpose()?;
        Ok(record.map(Job::from))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_import_of_an_earlier_release_is_a_job() {
        let id = ImportId::random([7; 16]);
        let record = ImportRecord {
            id,
            state: ImportState::Running,
            rows_total: 300,
            rows_imported: 180,
            rows_failed: 20,
            chunks_total: 3,
            chunks_done: 2,
            ignored_columns: vec!["Vendor".to_owned()],
            upload: Some("etag".to_owned()),
            created_at: Timestamp::UNIX_EPOCH,
        };
        let item = to_item(&Key::import(id), &record).unwrap();
        let job = Job::from(from_item::<ImportRecord>(item).unwrap());
        assert_eq!(job.import(), Some(id));
        assert_eq!((job.state, job.chains_done), (JobState::Running, 2));
        assert_eq!((job.done, job.failed, job.total), (180, 20, Some(300)));
        assert!(job.adopted && !job.is_done());
        let waits = ImportRecord {
            state: ImportState::AwaitingUpload,
            upload: None,
            ..record
        };
        let job = Job::from(waits);
        assert_eq!(
            (job.state, job.total, job.input),
            (JobState::Queued, None, None)
        );
    }
}

//! Stores product imports: a header with state and counts, and one item per processed chunk.

use aws_sdk_dynamodb::types::{AttributeValue, Put, TransactWriteItem, Update};
use domain::{
    catalog::import::{ImportState, ImportView, LineFault, MAX_FAULTS},
    id::ImportId,
};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{
    Consistency, Result, Store, StoreError,
    item::{Record, from_item, number, string, to_item},
    keys::{Key, import_partition},
    transaction::{First, Outcome, put_action, update_action},
};

/// Chunk number reserved for the reason why an import failed; no file has as many chunks.
const FAILURE: u32 = 999_999;
/// Retention of an import.
const KEPT: SignedDuration = SignedDuration::from_hours(24 * 90);

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
    /// Expiry in seconds since 1970.
    expires_at: i64,
}

impl Record for ImportRecord {
    const ENTITY: &'static str = "import";
}

/// Result of a processed chunk.
#[derive(Debug, Serialize, Deserialize)]
struct ChunkRecord {
    /// At most [`MAX_FAULTS`] are shown.
    faults: Vec<LineFault>,
    expires_at: i64,
}

impl Record for ChunkRecord {
    const ENTITY: &'static str = "import_chunk";
}

impl ChunkRecord {
    fn of(faults: &[LineFault], now: Timestamp) -> Self {
        Self {
            faults: faults.iter().take(MAX_FAULTS).cloned().collect(),
            expires_at: (now + KEPT).as_second(),
        }
    }
}

/// Results of reading an import's file.
#[derive(Clone, Debug)]
pub struct ImportHeader {
    /// Number of rows in the file.
    pub rows_total: u64,
    /// Faults found while reading the file, one for each row outside of all chunks.
    pub faults: Vec<LineFault>,
    /// Number of chunks with the remaining rows.
    pub chunks_total: u32,
    /// Columns with data that the shop does not use.
    pub ignored_columns: Vec<String>,
}

/// Whether an uploaded file is the one to import.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StartOutcome {
    /// Send its rows, even if they were sent before.
    Running,
    /// The import does not exist, or has another file: ignore the upload.
    NotWanted,
}

impl Store {
    /// Creates an import that waits for its upload. Key: [`Key::import`]. 1 write unit.
    pub async fn create_import(&self, id: ImportId, now: Timestamp) -> Result<()> {
        let record = ImportRecord {
            id,
            state: ImportState::AwaitingUpload,
            rows_total: 0,
            rows_imported: 0,
            rows_failed: 0,
            chunks_total: 0,
            chunks_done: 0,
            ignored_columns: Vec::new(),
            upload: None,
            created_at: now,
            expires_at: (now + KEPT).as_second(),
        };
        let put = self
            .client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(to_item(&Key::import(id), &record)?))
            .condition_expression("attribute_not_exists(PK)");
        let written = self.write("PutItem import", put).await?;
        written.or_inconsistent(ImportRecord::ENTITY)?;
        Ok(())
    }

    /// Reads an import with the faults of its chunks. Query of [`import_partition`], strongly
    /// consistent. 1 read unit for each 4 KB.
    pub async fn import(&self, id: ImportId) -> Result<Option<ImportView>> {
        let mut header: Option<ImportRecord> = None;
        let mut errors: Vec<LineFault> = Vec::new();
        self.partition("Query import", &import_partition(id), |item| {
            if item.contains_key("state") {
                header = Some(from_item(item)?);
            } else {
                errors.extend(from_item::<ChunkRecord>(item)?.faults);
            }
            Ok(())
        })
        .await?;
        errors.sort_by_key(|fault| fault.line);
        errors.truncate(MAX_FAULTS);
        Ok(header.map(|header| ImportView {
            id: header.id,
            state: header.state,
            rows_total: header.rows_total,
            rows_imported: header.rows_imported,
            rows_failed: header.rows_failed,
            ignored_columns: header.ignored_columns,
            errors,
            created_at: header.created_at,
        }))
    }

    /// Records that `upload` was read and its rows are about to be sent. The first upload of an import
    /// wins; repeating it is allowed. Keys: [`Key::import`], on the condition that it awaits its upload;
    /// [`Key::import_chunk`] 0, on the condition that it does not exist. If they fail, a strongly
    /// consistent read tells whether the same upload was read before.
    pub async fn start_import(
        &self,
        id: ImportId,
        upload: &str,
        header: &ImportHeader,
        now: Timestamp,
    ) -> Result<StartOutcome> {
        let failed = header.faults.len();
        let state = if header.chunks_total == 0 {
            ImportState::Completed
        } else {
            ImportState::Running
        };
        let update = Update::builder()
            .table_name(&self.table)
            .set_key(Some(Key::import(id).attributes()))
            .update_expression(
                "SET #state = :state, upload = :upload, rows_total = :rows, chunks_total = :chunks, \
                 rows_failed = :failed, ignored_columns = :ignored",
            )
            .condition_expression("#state = :awaiting")
            .expression_attribute_names("#state", "state")
            .expression_attribute_values(":state", state_value(state)?)
            .expression_attribute_values(":awaiting", state_value(ImportState::AwaitingUpload)?)
            .expression_attribute_values(":upload", string(upload))
            .expression_attribute_values(":rows", number(header.rows_total))
            .expression_attribute_values(":chunks", number(header.chunks_total))
            .expression_attribute_values(":failed", number(failed))
            .expression_attribute_values(
                ":ignored",
                AttributeValue::L(header.ignored_columns.iter().map(string).collect()),
            );
        let actions = vec![
            update_action(update)?,
            self.put_chunk(id, 0, &header.faults, now)?,
        ];
        match self.transact("start import", First::Write, actions).await? {
            Outcome::Committed { .. } => Ok(StartOutcome::Running),
            Outcome::Refused(_) | Outcome::InProgress => self.is_running(id, upload).await,
        }
    }

    /// Records that the file was rejected. Keys: [`Key::import`], on the condition that it awaits its
    /// upload or runs with this one; [`Key::import_chunk`] with a number of its own, on the condition
    /// that it does not exist.
    pub async fn fail_import(
        &self,
        id: ImportId,
        upload: &str,
        fault: LineFault,
        now: Timestamp,
    ) -> Result<()> {
        let update = Update::builder()
            .table_name(&self.table)
            .set_key(Some(Key::import(id).attributes()))
            .update_expression("SET #state = :failed, upload = :upload")
            .condition_expression("#state = :awaiting OR (#state = :running AND upload = :upload)")
            .expression_attribute_names("#state", "state")
            .expression_attribute_values(":failed", state_value(ImportState::Failed)?)
            .expression_attribute_values(":running", state_value(ImportState::Running)?)
            .expression_attribute_values(":awaiting", state_value(ImportState::AwaitingUpload)?)
            .expression_attribute_values(":upload", string(upload));
        let actions = vec![
            update_action(update)?,
            self.put_chunk(id, FAILURE, &[fault], now)?,
        ];
        // Condition failed: the import has another file, or never existed.
        self.transact("fail import", First::Write, actions)
            .await
            .map(|_| ())
    }

    /// Whether a chunk has been counted. Key: [`Key::import_chunk`], eventually consistent: a chunk that has
    /// just been counted may be processed again, which changes nothing. 0.5 read units for 4 KB of faults.
    pub async fn chunk_is_finished(&self, id: ImportId, number_of_chunk: u32) -> Result<bool> {
        let key = Key::import_chunk(id, number_of_chunk);
        let wanted = self.client.get_item().projection_expression("PK");
        let item = self.get_part("GetItem import chunk", &key, wanted).await?;
        Ok(item.is_some())
    }

    /// Whether a chunk that is not finished is the only such one of its import. Key: [`Key::import`], strongly
    /// consistent. 1 read unit.
    pub async fn is_last_chunk(&self, id: ImportId) -> Result<bool> {
        let item = self
            .get("GetItem import", &Key::import(id), Consistency::Strong)
            .await?;
        let Some(item) = item else {
            return Ok(true);
        };
        let record: ImportRecord = from_item(item)?;
        Ok(record.chunks_done + 1 >= record.chunks_total)
    }

    /// Counts a processed chunk once, and completes the import with the last one. Keys:
    /// [`Key::import_chunk`], on the condition that it does not exist yet, and [`Key::import`]; then
    /// [`Key::import`] again, on the condition that it runs and all chunks are done. 5 write units or
    /// more.
    pub async fn finish_chunk(
        &self,
        id: ImportId,
        number_of_chunk: u32,
        rows_imported: u64,
        faults: &[LineFault],
        now: Timestamp,
    ) -> Result<()> {
        let update = Update::builder()
            .table_name(&self.table)
            .set_key(Some(Key::import(id).attributes()))
            .update_expression(
                "SET rows_imported = rows_imported + :imported, rows_failed = rows_failed + :failed, \
                 chunks_done = chunks_done + :one",
            )
            .condition_expression("attribute_exists(PK)")
            .expression_attribute_values(":imported", number(rows_imported))
            .expression_attribute_values(":failed", number(faults.len()))
            .expression_attribute_values(":one", number(1));
        let actions = vec![
            self.put_chunk(id, number_of_chunk, faults, now)?,
            update_action(update)?,
        ];
        // Condition failed: counted before. That attempt may have died right afterwards, so continue.
        self.transact("finish chunk", First::Write, actions).await?;
        let update = self
            .update(&Key::import(id))
            .update_expression("SET #state = :completed")
            .condition_expression("#state = :running AND chunks_done = chunks_total")
            .expression_attribute_names("#state", "state")
            .expression_attribute_values(":completed", state_value(ImportState::Completed)?)
            .expression_attribute_values(":running", state_value(ImportState::Running)?);
        // Condition failed: other chunks are still missing.
        self.write("UpdateItem complete import", update).await?;
        Ok(())
    }

    /// Whether the import is running with exactly this upload.
    async fn is_running(&self, id: ImportId, upload: &str) -> Result<StartOutcome> {
        let item = self
            .get("GetItem import", &Key::import(id), Consistency::Strong)
            .await?;
        let Some(item) = item else {
            return Ok(StartOutcome::NotWanted);
        };
        let record: ImportRecord = from_item(item)?;
        let same = record.state == ImportState::Running && record.upload.as_deref() == Some(upload);
        Ok(if same {
            StartOutcome::Running
        } else {
            StartOutcome::NotWanted
        })
    }

    fn put_chunk(
        &self,
        id: ImportId,
        chunk: u32,
        faults: &[LineFault],
        now: Timestamp,
    ) -> Result<TransactWriteItem> {
        let record = ChunkRecord::of(faults, now);
        let put = Put::builder()
            .table_name(&self.table)
            .set_item(Some(to_item(&Key::import_chunk(id, chunk), &record)?))
            .condition_expression("attribute_not_exists(PK)");
        put_action(put)
    }
}

/// Serializes a state for the table.
fn state_value(state: ImportState) -> Result<AttributeValue> {
    serde_dynamo::aws_sdk_dynamodb_1::to_attribute_value(state)
        .map_err(|error| StoreError::unreadable(ImportRecord::ENTITY, error))
}

#[cfg(test)]
mod tests {
    use domain::catalog::import::read_file;

    use super::*;
    use crate::item::size;

    /// The kind of fault: a list inside an item without a bound.
    #[test]
    fn the_longest_report_fits_into_items() {
        let long = "\u{1F6D2}".repeat(300);
        // More columns, and more faulty rows, than are kept; the messages quote long cells.
        let names: Vec<String> = (0..500).map(|column| format!("{column}{long}")).collect();
        let cells = "x,".repeat(500);
        let mut file = format!("{}Handle,Title,Variant Price\n", names.join(",") + ",");
        for row in 0..1_500 {
            file.push_str(&format!("{cells}h-{row},{long},free\n"));
        }
        let read = read_file(file.as_bytes()).unwrap();
        let id = ImportId::random([255; 16]);
        let record = ImportRecord {
            id,
            state: ImportState::AwaitingUpload,
            rows_total: u64::MAX,
            rows_imported: u64::MAX,
            rows_failed: u64::MAX,
            chunks_total: u32::MAX,
            chunks_done: u32::MAX,
            ignored_columns: read.ignored_columns,
            upload: Some(long.clone()),
            created_at: Timestamp::MAX,
            expires_at: i64::MAX,
        };
        assert!(record.ignored_columns.len() < 500);
        size::must_fit("import", &to_item(&Key::import(id), &record).unwrap());

        let fault = LineFault {
            line: 99_999_999,
            code: "invalid_compare_at_price".to_owned(),
            message: "x".repeat(250),
        };
        let faults = vec![fault; 5_000];
        let chunk = ChunkRecord::of(&faults, Timestamp::UNIX_EPOCH);
        let item = to_item(&Key::import_chunk(id, FAILURE), &chunk).unwrap();
        size::must_fit("import chunk", &item);
    }
}

//! Stores which exports of its data an account has. Their progress is that of their jobs, their documents are files.

use aws_sdk_dynamodb::types::{ConditionCheck, Put, TransactWriteItem};
use domain::{
    id::{AccountId, ExportId, JobId},
    jobs::{Job, JobKind},
};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::accounts::is_refused;
use crate::{
    Consistency, Result, Store,
    item::{Record, from_item, string, to_item},
    jobs::KEPT,
    keys::{EXPORT_PREFIX, Key, account_partition},
    transaction::{First, Outcome, put_action, unbuildable},
};

/// Time after which an export that has not ended is not waited for. It takes seconds.
const STUCK_AFTER: SignedDuration = SignedDuration::from_hours(24);

/// The pointer to the newest export of an account: of several requests at once, one writes it.
#[derive(Debug, Serialize, Deserialize)]
struct NewestExportRecord {
    export: ExportId,
}

impl Record for NewestExportRecord {
    const ENTITY: &'static str = "newest_export";
}

/// That an account has an export, for its deletion. The key says which.
#[derive(Debug, Serialize, Deserialize)]
struct ExportRecord {
    /// Expiry in seconds since 1970.
    expires_at: i64,
}

impl Record for ExportRecord {
    const ENTITY: &'static str = "export";
}

/// The newest export of an account, as it was read.
#[derive(Clone, Debug)]
pub struct NewestExport {
    /// The export that the pointer names, in whatever state.
    pointer: Option<ExportId>,
    /// Its job, if it is still stored.
    job: Option<Job>,
}

/// Result of starting an export.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StartExport {
    /// Its job is written, and the event that starts it follows.
    Started,
    /// Another export was started in the meantime.
    Superseded,
    /// The account was deleted.
    NoAccount,
}

impl NewestExport {
    /// The job of the export, if it is under way. One that has not ended within a day has lost its messages, or staff have paused
    /// it: its owner need not wait for it.
    pub fn running(self, now: Timestamp) -> Option<Job> {
        let is_running =
            |job: &Job| !job.state.is_final() && now.duration_since(job.created_at) < STUCK_AFTER;
        self.job.filter(is_running)
    }
}

impl Store {
    /// Reads the newest export of an account. Keys: [`Key::newest_export`], then [`Key::job`], strongly consistent. 2 read units,
    /// or 1 if there was never one.
    pub async fn newest_export(&self, account: AccountId) -> Result<NewestExport> {
        let key = Key::newest_export(account);
        let item = self.get("GetItem newest export", &key, Consistency::Strong);
        let record = item
            .await?
            .map(from_item::<NewestExportRecord>)
            .transpose()?;
        let pointer = record.map(|record| record.export);
        let job = match pointer {
            Some(export) => self.job(JobId::of(export), Consistency::Strong).await?,
            None => None,
        };
        Ok(NewestExport { pointer, job })
    }

    /// The job of an export of this account; `None` if there is no such export, or it is another account's. Key: [`Key::job`],
    /// strongly consistent. 1 read unit.
    pub async fn export(&self, account: AccountId, export: ExportId) -> Result<Option<Job>> {
        let job = self.job(JobId::of(export), Consistency::Strong).await?;
        Ok(job.filter(|job| job.kind == JobKind::AccountExport && job.account == Some(account)))
    }

    /// Writes the `job` of an export and starts it. Keys: [`Key::newest_export`], on the condition that it is as it was read;
    /// [`Key::account`], on the condition that the account was not deleted; [`Key::job`], [`Key::job_run`], [`Key::export`]. 10 write
    /// units.
    pub async fn start_export(
        &self,
        account: AccountId,
        job: &Job,
        before: &NewestExport,
    ) -> Result<StartExport> {
        let export = ExportId::of(job.id);
        let item = to_item(&Key::newest_export(account), &NewestExportRecord { export })?;
        let pointer = Put::builder().table_name(&self.table).set_item(Some(item));
        let pointer = match before.pointer {
            None => pointer.condition_expression("attribute_not_exists(PK)"),
            Some(export) => pointer
                .condition_expression("#export = :before")
                .expression_attribute_names("#export", "export")
                .expression_attribute_values(":before", string(export.to_string())),
        };
        let record = ExportRecord {
            expires_at: (job.created_at + KEPT).as_second(),
        };
        let entry = Put::builder()
            .table_name(&self.table)
            .set_item(Some(to_item(&Key::export(account, export), &record)?));
        let actions = vec![
            self.still_exists(account)?,
            put_action(pointer)?,
            self.put_job(job)?,
            self.put_run(job, job.cause())?,
            put_action(entry)?,
        ];
        Ok(
            match self.transact("start export", First::Write, actions).await? {
                Outcome::Committed { .. } => StartExport::Started,
                Outcome::Refused(reasons) if is_refused(&reasons, 0) => StartExport::NoAccount,
                Outcome::Refused(_) | Outcome::InProgress => StartExport::Superseded,
            },
        )
    }

    /// Lists the exports of an account of the last months. Key: [`account_partition`], those that begin with
    /// [`EXPORT_PREFIX`], strongly consistent. 1 read unit for each 4 KB.
    pub async fn exports(&self, account: AccountId) -> Result<Vec<ExportId>> {
        let mut exports = Vec::new();
        let partition = account_partition(account);
        let prefix = Some(EXPORT_PREFIX);
        self.partition_part("Query exports", &partition, prefix, |item| {
            exports.extend(Key::of_item(&item)?.as_export());
            Ok(())
        })
        .await?;
        Ok(exports)
    }

    /// Forgets that an account had an export, whose files are gone. Key: [`Key::export`]. 1 write unit.
    pub async fn forget_export(&self, account: AccountId, export: ExportId) -> Result<()> {
        let delete = self
            .client
            .delete_item()
            .table_name(&self.table)
            .set_key(Some(Key::export(account, export).attributes()));
        self.write("DeleteItem export", delete).await?;
        Ok(())
    }

    /// Checks that an account was not deleted.
    fn still_exists(&self, account: AccountId) -> Result<TransactWriteItem> {
        let check = ConditionCheck::builder()
            .table_name(&self.table)
            .set_key(Some(Key::account(account).attributes()))
            .condition_expression("attribute_exists(PK) AND last_change.#kind <> :erased")
            .expression_attribute_names("#kind", "kind")
            .expression_attribute_values(":erased", string("erased"))
            .build();
        let check = check.map_err(unbuildable)?;
        Ok(TransactWriteItem::builder().condition_check(check).build())
    }
}

#[cfg(test)]
mod tests {
    use domain::{jobs::JobState, orders::Actor, trace::TraceParent};

    use super::*;

    #[test]
    fn only_an_export_that_has_not_ended_is_in_the_way_of_another() {
        let newest = |state: JobState| {
            let id = JobId::random([1; 16]);
            let place = TraceParent::begin("t");
            let kind = JobKind::AccountExport;
            let job = Job::queued(id, kind, Actor::Customer, Timestamp::UNIX_EPOCH, "t", place);
            NewestExport {
                pointer: Some(ExportId::of(id)),
                job: Some(Job { state, ..job }),
            }
        };
        for state in JobState::ALL {
            let at = |hours: i64| Timestamp::UNIX_EPOCH + SignedDuration::from_hours(hours);
            let is_running = newest(state).running(at(23)).is_some();
            assert_eq!(is_running, !state.is_final(), "{state:?}");
            assert_eq!(newest(state).running(at(24)), None, "{state:?}");
        }
        let none = NewestExport {
            pointer: None,
            job: None,
        };
        assert_eq!(none.running(Timestamp::UNIX_EPOCH), None);
    }
}

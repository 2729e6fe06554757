//! The job that exports the data of an account (docs/adr/0025): its first step collects the account, each further one some of the
//! orders, and the last one joins their files into the document.
//!
//! A part is a file that is written again if its step is done again. The account is read before and after each file is written:
//! if it was deleted in between, the job ends and its files go.

use domain::{
    catalog::import::LineFault,
    id::{AccountId, ExportId, JobId, OrderId},
    identity::export::{
        AccountSource, ExportPlan, ExportStep, ExportedAccount, ExportedInvoice, ExportedOrder,
        MAX_EXPORTED_ORDERS, NOTICE_STEP, document_key, export_folder, join_parts, part_key,
        plan_key, work_folder,
    },
    jobs::{Chain, GIVEN_UP_AFTER, Job, JobInput, JobState},
};
use gateways::objects::Bucket;
use jiff::Timestamp;
use runtime::ConsumeError;
use store::{BeginOutcome, Consistency, JobBeginning, StepOutcome, StepStart, Store};

const CONSUMER: &str = "export-account";
const JSON: &str = "application/json";

/// Exports, as their consumer sees them. Made once per cold start.
#[derive(Debug)]
pub struct Exports {
    /// The table.
    pub store: Store,
    uploads: Bucket,
}

impl Exports {
    /// Exports from the table into files of the bucket `uploads`.
    pub fn new(store: Store, uploads: Bucket) -> Self {
        Self { store, uploads }
    }

    /// Begins the job, or goes on with it: decides which orders the document has, and records the next step.
    pub async fn start(&self, id: JobId, attempt: u32, now: Timestamp) -> Result<(), ConsumeError> {
        let Some(job) = self.store.job_to_work_on(id).await? else {
            return Ok(());
        };
        if job.state.is_final() {
            return self.after_end(id, job.state, now).await;
        }
        let Some(account) = self.account_of(&job).await? else {
            return self.end(ExportId::of(id), now).await;
        };
        let message = format!("{id}.{}.start", job.run.number);
        if self.is_given_up(id, &message, attempt, now).await? {
            return self.fail(id, LineFault::export_not_made(), now).await;
        }
        let Some(plan) = self.plan(&job, account).await? else {
            return self.fail(id, LineFault::export_gone(), now).await;
        };
        let beginning = JobBeginning {
            input: JobInput {
                version: plan.items().to_string(),
                ignored_columns: Vec::new(),
            },
            total: plan.items(),
            faults: Vec::new(),
            chains: 1,
        };
        match self.store.begin_job(id, &beginning, now).await? {
            BeginOutcome::Running => {}
            BeginOutcome::Paused | BeginOutcome::Ended | BeginOutcome::OtherInput => {
                tracing::info!(job.id = %id, "the job does not run");
                return Ok(());
            }
        }
        let finished = match job.has_begun() {
            true => self.store.finished_steps(&job).await?,
            false => Default::default(),
        };
        match (1..=plan.last_step()).find(|step| !finished.contains(step)) {
            Some(next) => Ok(self.store.put_due_steps(&job, &[next], now).await?),
            // Every step is done: the process that did the last one died before it completed the job.
            None => {
                let outcome = self.store.job_after_step(id).await?;
                self.complete(outcome, now).await
            }
        }
    }

    /// Does one step and counts it.
    pub async fn do_step(
        &self,
        id: JobId,
        step: u32,
        attempt: u32,
        now: Timestamp,
    ) -> Result<(), ConsumeError> {
        let job = match self.store.begin_step(id, step).await? {
            StepStart::Do(job) => job,
            StepStart::Counted(outcome) => return self.complete(outcome, now).await,
            StepStart::Dropped(state) => {
                // A job that is resumed records its next step again.
                tracing::info!(job.id = %id, job.step = step, job.state = state.name(), "step dropped");
                return self.after_end(id, state, now).await;
            }
            StepStart::NoJob => return Ok(()),
        };
        let Some(account) = self.account_of(&job).await? else {
            return self.end(ExportId::of(id), now).await;
        };
        let message = format!("{id}.{}.{step}", job.run.number);
        if self.is_given_up(id, &message, attempt, now).await? {
            return self.fail(id, LineFault::export_not_made(), now).await;
        }
        let Some(plan) = self.stored_plan(id).await? else {
            return self.fail(id, LineFault::export_gone(), now).await;
        };
        let work = plan.step(step);
        let work = work.ok_or_else(|| format!("the job {id} has no step {step}"))?;
        let export = ExportId::of(id);
        match work {
            ExportStep::Account => {
                let Some(part) = self.account(account, now).await? else {
                    return self.end(ExportId::of(id), now).await;
                };
                self.write(&part_key(export, step), part).await?;
            }
            ExportStep::Orders(orders) => {
                let part = self.orders(account, orders).await?;
                self.write(&part_key(export, step), part).await?;
            }
            ExportStep::Document => {
                let Some(document) = self.document(export, &plan, now).await? else {
                    return self.fail(id, LineFault::export_gone(), now).await;
                };
                self.write(&document_key(export), document).await?;
            }
        }
        // It may have been deleted since, and its files with it.
        if self.account_of(&job).await?.is_none() {
            return self.end(ExportId::of(id), now).await;
        }
        let chain = match work {
            ExportStep::Document => Chain::Ends,
            ExportStep::Account | ExportStep::Orders(_) => Chain::GoesOn(&job, step + 1),
        };
        let outcome = self
            .store
            .finish_step(id, step, work.items(), &[], chain, now)
            .await?;
        self.complete(outcome, now).await
    }

    /// Ends an export whose account was deleted, in whatever state it is, and deletes its files.
    pub async fn end(&self, id: ExportId, now: Timestamp) -> Result<(), ConsumeError> {
        let fault = LineFault::account_deleted();
        if self.store.fail_job(JobId::of(id), None, fault, now).await? {
            tracing::info!(job.id = %JobId::of(id), "the account of the export was deleted");
        }
        Ok(self.uploads.delete_all(&export_folder(id)).await?)
    }

    /// The account of a job; `None` if it was deleted.
    async fn account_of(&self, job: &Job) -> Result<Option<AccountId>, ConsumeError> {
        let id = job.account.ok_or("the job exports no account")?;
        let account = self.store.account(id, Consistency::Strong).await?;
        Ok(account.map(|account| account.id))
    }

    /// Counts the deliveries of a message, and tells whether there were too many.
    async fn is_given_up(
        &self,
        id: JobId,
        message: &str,
        attempt: u32,
        now: Timestamp,
    ) -> Result<bool, ConsumeError> {
        let redeliveries = self
            .store
            .count_redelivery(CONSUMER, message, attempt, now)
            .await?;
        let given_up = redeliveries >= GIVEN_UP_AFTER;
        if given_up {
            tracing::error!(job.id = %id, "the export is given up");
        }
        Ok(given_up)
    }

    /// The plan of a job: the first one that was made. `None` if a job that has begun has lost it.
    async fn plan(
        &self,
        job: &Job,
        account: AccountId,
    ) -> Result<Option<ExportPlan>, ConsumeError> {
        if !job.has_begun() {
            let found = self
                .store
                .orders_of_account(account, MAX_EXPORTED_ORDERS)
                .await?;
            let plan = serde_json::to_vec(&ExportPlan {
                orders: found.orders,
                has_more_orders: found.has_more,
            })?;
            let key = plan_key(ExportId::of(job.id));
            self.uploads.put_new(&key, plan, JSON).await?;
        }
        self.stored_plan(job.id).await
    }

    async fn stored_plan(&self, id: JobId) -> Result<Option<ExportPlan>, ConsumeError> {
        let plan = self.uploads.get(&plan_key(ExportId::of(id))).await?;
        Ok(plan
            .map(|plan| serde_json::from_slice(&plan.bytes))
            .transpose()?)
    }

    async fn write(&self, key: &str, bytes: Vec<u8>) -> Result<(), ConsumeError> {
        Ok(self.uploads.put(key, bytes, JSON).await?)
    }

    /// Everything about an account but its orders; `None` if it was deleted.
    async fn account(
        &self,
        id: AccountId,
        now: Timestamp,
    ) -> Result<Option<Vec<u8>>, ConsumeError> {
        let store = &self.store;
        let Some(account) = store.account(id, Consistency::Strong).await? else {
            return Ok(None);
        };
        let addresses = store.address_book(id).await?;
        let sessions = store.sessions(id, now).await?;
        let passkeys = store.passkeys(id).await?;
        let second_factor = store.second_factor(id).await?;
        let cart = store.account_cart(id, now).await?.cart;
        let wishlist = store.wishlist(id).await?;
        let exported = ExportedAccount::from(AccountSource {
            account: &account,
            addresses: &addresses,
            sessions: &sessions,
            passkeys: &passkeys,
            second_factor: second_factor.as_ref(),
            cart: cart.as_ref(),
            wishlist: &wishlist,
        });
        Ok(Some(serde_json::to_vec(&exported)?))
    }

    /// Orders with the numbers of their invoices, in the order of the list.
    async fn orders(&self, account: AccountId, ids: &[OrderId]) -> Result<Vec<u8>, ConsumeError> {
        let mut found = self.store.current_orders(ids).await?;
        let mut exported = Vec::with_capacity(ids.len());
        for id in ids {
            // Orders are never deleted.
            let order = found
                .remove(id)
                .ok_or_else(|| format!("order {id} not found"))??;
            if order.account != Some(account) {
                return Err(format!("order {id} is not of the account that lists it").into());
            }
            let issued = self.store.invoices(*id).await?;
            let documents = issued.invoice.iter().chain(&issued.credit_notes);
            let invoices = documents.map(|it| ExportedInvoice::from(&it.invoice));
            exported.push(ExportedOrder::of(&order, invoices.collect())?);
        }
        Ok(serde_json::to_vec(&exported)?)
    }

    /// The document; `None` if one of its parts is gone.
    async fn document(
        &self,
        id: ExportId,
        plan: &ExportPlan,
        now: Timestamp,
    ) -> Result<Option<Vec<u8>>, ConsumeError> {
        let mut parts = Vec::new();
        for step in 1..plan.last_step() {
            let Some(part) = self.uploads.get(&part_key(id, step)).await? else {
                return Ok(None);
            };
            parts.push(part.bytes);
        }
        let (account, pages) = parts.split_first().ok_or("a document without parts")?;
        Ok(Some(join_parts(account, pages, plan.has_more_orders, now)?))
    }

    /// Completes the job if every step is done.
    async fn complete(&self, after: StepOutcome, now: Timestamp) -> Result<(), ConsumeError> {
        let StepOutcome::AllDone(job) = after else {
            return Ok(());
        };
        self.store.complete_job(&job, None, now).await?;
        // Staff, or the deletion of the account, may have ended it at the last moment.
        let job = self.store.job(job.id, Consistency::Strong).await?;
        match job {
            Some(job) => self.after_end(job.id, job.state, now).await,
            None => Ok(()),
        }
    }

    /// Does what follows the end of a job; it may be repeated. Of a job that has not ended, nothing.
    async fn after_end(
        &self,
        id: JobId,
        state: JobState,
        now: Timestamp,
    ) -> Result<(), ConsumeError> {
        let export = ExportId::of(id);
        match state {
            JobState::Completed => {
                let Some(job) = self.store.job(id, Consistency::Strong).await? else {
                    return Ok(());
                };
                self.store.put_due_steps(&job, &[NOTICE_STEP], now).await?;
                Ok(self.uploads.delete_all(&work_folder(export)).await?)
            }
            JobState::Failed | JobState::Cancelled => {
                Ok(self.uploads.delete_all(&export_folder(export)).await?)
            }
            JobState::Queued | JobState::Running | JobState::Paused => Ok(()),
        }
    }

    /// Ends a job that cannot go on. If it has ended before, by another delivery or by staff, what follows from that is done.
    async fn fail(&self, id: JobId, fault: LineFault, now: Timestamp) -> Result<(), ConsumeError> {
        let code = fault.code.clone();
        let state = match self.store.fail_job(id, None, fault, now).await? {
            true => {
                tracing::info!(job.id = %id, export.fault = %code, "export ended");
                JobState::Failed
            }
            false => match self.store.job(id, Consistency::Strong).await? {
                Some(job) => job.state,
                None => return Ok(()),
            },
        };
        self.after_end(id, state, now).await
    }
}

//! The single DynamoDB table: every access pattern is one named function here and one line in
//! `docs/data-model.md`. Nothing else in the shop calls DynamoDB. Three functions scan: two to reconcile the
//! stock with the orders once a day, one to rebuild the lists of orders; no request does.
//!
//! [`keys`] is the only file that knows the keys. Stored types and domain types are separate; the
//! folder of a context contains its stored types and the conversion between both.

mod attempts;
mod audit;
mod batch;
mod cart;
mod catalog;
mod control;
mod cursor;
mod customers;
mod error;
mod identity;
mod inventory;
mod invoices;
mod item;
mod jobs;
pub mod keys;
mod limits;
mod notifications;
mod operations;
mod orders;
mod payments;
mod staff;
mod transaction;
mod write;

use std::collections::HashMap;

use aws_sdk_dynamodb::{
    Client,
    config::retry::{RetryPartition, TokenBucket},
    operation::{
        get_item::builders::GetItemFluentBuilder, update_item::builders::UpdateItemFluentBuilder,
    },
    types::{ConsumedCapacity, ReturnConsumedCapacity},
};
use aws_types::SdkConfig;
use domain::retry::BUDGET_TOKENS;
use serde::de::DeserializeOwned;

pub use attempts::Attempts;
pub use audit::{AppendOutcome, AuditList, TrailOrder, TrailPage};
pub use cart::{AccountCart, CartLineError, WishOutcome};
pub use catalog::{PutProductOutcome, StoredProduct, StoredView};
pub use control::ControlItem;
pub use cursor::{InvalidCursor, ListError};
pub use customers::GroupMemberPage;
pub use error::StoreError;
pub use identity::{
    AccountOutcome, EmailOutcome, FactorOutcome, NewestExport, PasskeyUse, RotateOutcome,
    StartExport, VerifyOutcome,
};
pub use inventory::{
    ByStaff, CountOutcome, CountStock, ImportOutcome, ImportStock, PutVariantOutcome, Shards,
    SplitOutcome, StockCheck, VariantDetails,
};
pub use invoices::{IssuedInvoice, OrderInvoices};
pub use jobs::{BeginOutcome, CreateJobError, DueStep, JobBeginning, StepOutcome, StepStart};
pub use limits::Taken;
pub use notifications::Claim;
pub use operations::{outbox, trail};
pub use orders::{
    AccountOrders, ChangeOutcome, Due, DueChange, DueCursor, DuePage, EntryPage, HeldByOrders,
    Hold, Holds, Listed, OrderEntries, Over, Placement, Projected, ScannedOrders,
};
pub use payments::{PaymentEvent, PaymentEventOutcome};
pub use staff::{AcceptOutcome, Joining, StaffOutcome};

use crate::{item::Item, keys::Key};

/// Result of an access whose only errors are those of the table.
pub type Result<T, E = StoreError> = std::result::Result<T, E>;

/// Whether a read must reflect all acknowledged writes, at twice the cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Consistency {
    /// Eventually consistent: may lag by milliseconds; half a read unit for 4 KB.
    Eventual,
    /// Strongly consistent: reflects all acknowledged writes; one read unit for 4 KB.
    Strong,
}

/// A client of the table. Made once per cold start; cheap to clone.
#[derive(Clone, Debug)]
pub struct Store {
    client: Client,
    table: String,
}

impl Store {
    /// Makes a client of `table` that connects at its first call.
    pub fn new(config: &SdkConfig, table: impl Into<String>) -> Self {
        let budget = TokenBucket::builder().capacity(BUDGET_TOKENS).build();
        let partition = RetryPartition::custom("table").token_bucket(budget);
        let config =
            aws_sdk_dynamodb::config::Builder::from(config).retry_partition(partition.build());
        Self {
            client: Client::from_conf(config.build()),
            table: table.into(),
        }
    }

    /// Reads one item as a whole.
    async fn get(
        &self,
        operation: &'static str,
        key: &Key,
        consistency: Consistency,
    ) -> Result<Option<Item>> {
        let wanted = self
            .client
            .get_item()
            .consistent_read(consistency == Consistency::Strong);
        self.get_part(operation, key, wanted).await
    }

    /// Reads the `wanted` attributes of one item.
    async fn get_part(
        &self,
        operation: &'static str,
        key: &Key,
        wanted: GetItemFluentBuilder,
    ) -> Result<Option<Item>> {
        let answer = wanted
            .table_name(&self.table)
            .set_key(Some(key.attributes()))
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await
            .map_err(|error| StoreError::call(operation, error))?;
        log_units(operation, answer.consumed_capacity.as_slice());
        Ok(answer.item)
    }

    /// Reads all items of one partition as a whole, page by page, strongly consistent.
    async fn partition(
        &self,
        operation: &'static str,
        partition: &str,
        each: impl FnMut(Item) -> Result<()>,
    ) -> Result<()> {
        self.partition_part(operation, partition, None, each).await
    }

    /// The same of those items whose sort key begins with `prefix`, if there is one.
    async fn partition_part(
        &self,
        operation: &'static str,
        partition: &str,
        prefix: Option<&str>,
        mut each: impl FnMut(Item) -> Result<()>,
    ) -> Result<()> {
        let condition = match prefix {
            Some(_) => "PK = :pk AND begins_with(SK, :sk)",
            None => "PK = :pk",
        };
        let values = [(":pk", Some(partition)), (":sk", prefix)];
        let values = values.into_iter().filter_map(|(name, value)| {
            let value = item::string(value?);
            Some((name.to_owned(), value))
        });
        let values: Item = values.collect();
        let mut start = None;
        loop {
            let answer = self
                .client
                .query()
                .table_name(&self.table)
                .key_condition_expression(condition)
                .set_expression_attribute_values(Some(values.clone()))
                .consistent_read(true)
                .set_exclusive_start_key(start)
                .return_consumed_capacity(ReturnConsumedCapacity::Total)
                .send()
                .await
                .map_err(|error| StoreError::call(operation, error))?;
            log_units(operation, answer.consumed_capacity.as_slice());
            for item in answer.items.unwrap_or_default() {
                each(item)?;
            }
            start = answer.last_evaluated_key;
            if start.is_none() {
                return Ok(());
            }
        }
    }

    /// Reads some attributes of all items of one type, page by page.
    async fn scan<T: DeserializeOwned>(
        &self,
        operation: &'static str,
        entity: &'static str,
        attributes: &[&str],
        mut each: impl FnMut(T),
    ) -> Result<()> {
        // Aliases for attribute names, as some are reserved words in expressions.
        let own = |path: &str| format!("#{}", path.replace('.', ".#"));
        let projection: Vec<String> = attributes.iter().map(|path| own(path)).collect();
        let names = attributes.iter().flat_map(|path| path.split('.'));
        let names = names.map(|name| (own(name), name.to_owned()));
        let names: HashMap<String, String> = names.collect();
        let mut start = None;
        loop {
            let answer = self
                .client
                .scan()
                .table_name(&self.table)
                .consistent_read(true)
                .filter_expression("entity_type = :entity")
                .expression_attribute_values(":entity", item::string(entity))
                .projection_expression(projection.join(", "))
                .set_expression_attribute_names(Some(names.clone()))
                .limit(SCAN_PAGE)
                .set_exclusive_start_key(start)
                .return_consumed_capacity(ReturnConsumedCapacity::Total)
                .send()
                .await
                .map_err(|error| StoreError::call(operation, error))?;
            log_units(operation, answer.consumed_capacity.as_slice());
            for item in answer.items.unwrap_or_default() {
                each(item::from_part(entity, item)?);
            }
            start = answer.last_evaluated_key;
            if start.is_none() {
                return Ok(());
            }
        }
    }

    /// Starts an update of one item, to be completed and sent by the caller.
    fn update(&self, key: &Key) -> UpdateItemFluentBuilder {
        self.client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(key.attributes()))
    }
}

/// Maximum number of items per page of a scan. A page ends at 1 MB anyway, but that would be thousands
/// of small items, each of which becomes a map of attributes.
const SCAN_PAGE: i32 = 500;

/// Logs the capacity units that a call consumed.
fn log_units(operation: &'static str, capacity: &[ConsumedCapacity]) {
    let units: f64 = capacity
        .iter()
        .filter_map(|table| table.capacity_units)
        .sum();
    tracing::debug!(
        dynamodb.operation = operation,
        dynamodb.units = units,
        "units"
    );
}

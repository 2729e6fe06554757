//! Reads several items with one call.

use aws_sdk_dynamodb::types::{KeysAndAttributes, ReturnConsumedCapacity};

use crate::{
    Consistency, Result, Store, StoreError, attempts::Attempts, item::Item, log_units,
    transaction::unbuildable,
};

impl Store {
    /// Reads the items with these keys, up to 100, in any order; missing ones are omitted. A call that is
    /// throttled in part is repeated for the rest.
    pub(crate) async fn get_batch(
        &self,
        operation: &'static str,
        keys: Vec<Item>,
        consistency: Consistency,
    ) -> Result<Vec<Item>> {
        let mut found = Vec::with_capacity(keys.len());
        let mut wanted = keys;
        let mut attempts = Attempts::new(operation);
        while !wanted.is_empty() {
            attempts.next().await?;
            let request = KeysAndAttributes::builder()
                .set_keys(Some(wanted))
                .consistent_read(consistency == Consistency::Strong)
                .build()
                .map_err(unbuildable)?;
            let answer = self
                .client
                .batch_get_item()
                .request_items(&self.table, request)
                .return_consumed_capacity(ReturnConsumedCapacity::Total)
                .send()
                .await
                .map_err(|error| StoreError::call(operation, error))?;
            log_units(operation, answer.consumed_capacity());
            let items = answer.responses.unwrap_or_default().remove(&self.table);
            found.extend(items.unwrap_or_default());
            // A throttled batch returns a partial result and the keys that are missing.
            let rest = answer
                .unprocessed_keys
                .unwrap_or_default()
                .remove(&self.table);
            wanted = rest.map(|rest| rest.keys).unwrap_or_default();
        }
        Ok(found)
    }
}

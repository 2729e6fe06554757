//! Reads the records of one chain.

use aws_sdk_dynamodb::types::ReturnConsumedCapacity;
use domain::{
    audit::{AuditRecord, ChainNumber, TrailItem},
    fault::chain as causes,
};

use super::record::TrailRecord;
use crate::{
    Consistency, Result, Store, StoreError,
    item::{Item, Record, from_item, string},
    keys::{SK, audit_partition, audit_position, read_audit_position},
    log_units,
};

/// The order in which records are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TrailOrder {
    /// From the first record on, as they are verified.
    OldestFirst,
    /// From the last record on.
    NewestFirst,
}

/// Some records of a chain.
#[derive(Debug)]
pub struct TrailPage {
    /// The records, or that one cannot be read.
    pub items: Vec<TrailItem>,
    /// The number after which the next page begins, if there may be one.
    pub next: Option<u64>,
}

impl Store {
    /// Reads records of a chain that come after the number `after` in this order; from the beginning without one. Key:
    /// [`audit_partition`], between two [`audit_position`]. For each 4 KB 0.5 read units, or 1 if strongly consistent, as a
    /// verification must be. A page may have fewer records than the limit although there are more.
    pub async fn audit_page(
        &self,
        chain: ChainNumber,
        after: Option<u64>,
        limit: u32,
        order: TrailOrder,
        consistency: Consistency,
    ) -> Result<TrailPage> {
        let (low, high) = match (order, after) {
            (_, None) => (0, u64::MAX),
            (TrailOrder::OldestFirst, Some(after)) => (after.saturating_add(1), u64::MAX),
            (TrailOrder::NewestFirst, Some(after)) => (0, after.saturating_sub(1)),
        };
        let answer = self
            .client
            .query()
            .table_name(&self.table)
            .key_condition_expression("PK = :pk AND SK BETWEEN :low AND :high")
            .expression_attribute_values(":pk", string(audit_partition(chain)))
            .expression_attribute_values(":low", string(audit_position(low)))
            .expression_attribute_values(":high", string(audit_position(high)))
            .scan_index_forward(order == TrailOrder::OldestFirst)
            .consistent_read(consistency == Consistency::Strong)
            .limit(i32::try_from(limit).unwrap_or(i32::MAX))
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await
            .map_err(|error| StoreError::call("Query audit", error))?;
        log_units("Query audit", answer.consumed_capacity.as_slice());
        let more = answer.last_evaluated_key.is_some();
        let mut next = None;
        let mut items = Vec::new();
        for item in answer.items.unwrap_or_default() {
            let sequence = numbered(&item)?;
            next = Some(sequence);
            items.push(read(chain, sequence, item));
        }
        Ok(TrailPage {
            items,
            next: next.filter(|_| more),
        })
    }
}

/// The number in the sort key of a record.
fn numbered(item: &Item) -> Result<u64> {
    let position = item.get(SK).and_then(|position| position.as_s().ok());
    let sequence = position.and_then(|position| read_audit_position(position));
    sequence.ok_or_else(|| StoreError::inconsistent(TrailRecord::ENTITY, "no number in its key"))
}

/// One that cannot be read is in its place: it must not look as if it were missing, nor be in the way of the others.
fn read(chain: ChainNumber, sequence: u64, item: Item) -> TrailItem {
    match from_item::<TrailRecord>(item) {
        Ok(record) => TrailItem::Record(Box::new(AuditRecord::from(record))),
        Err(error) => {
            tracing::warn!(
                audit.chain = chain.get(),
                audit.sequence = sequence,
                error = %causes(&error),
                "audit record not read"
            );
            TrailItem::Unreadable { sequence }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::Key;

    #[test]
    fn an_item_that_is_not_a_record_keeps_its_place() {
        let chain = ChainNumber::try_from(3).unwrap();
        let mut item = Key::audit_record(chain, 7).attributes();
        assert_eq!(numbered(&item).unwrap(), 7);
        item.insert("action".into(), string("of.a_later_release"));
        assert_eq!(
            read(chain, 7, item.clone()),
            TrailItem::Unreadable { sequence: 7 }
        );
        item.insert(SK.into(), string("RECORD#7x"));
        assert!(numbered(&item).is_err());
        item.remove(SK);
        assert!(numbered(&item).is_err());
    }
}

//! Stored form of a change of a stock by staff: an item of its own, so that the variant, which every sale writes, stays small and no
//! sale looks like an action.

use aws_sdk_dynamodb::types::{Put, TransactWriteItem};
use domain::{
    catalog::Sku,
    id::StockChangeId,
    inventory::{StockChange, StockChangeKind},
    orders::Actor,
    trace::{self, TraceParent},
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    Result, Store,
    item::{Record, to_item},
    keys::Key,
    transaction::put_action,
};

/// A change of a stock as it is stored.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct StockChangeRecord {
    id: StockChangeId,
    sku: Sku,
    what: What,
    before: i64,
    after: i64,
    by: Actor,
    at: Timestamp,
    trace_id: String,
    #[serde(default, deserialize_with = "trace::lenient")]
    traceparent: Option<TraceParent>,
    /// Expiry in seconds since 1970.
    expires_at: i64,
}

/// What `before` and `after` are numbers of.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum What {
    /// Units on hand.
    Counted,
    /// Shards.
    Split,
}

impl Record for StockChangeRecord {
    const ENTITY: &'static str = "stock_change";
}

impl From<&StockChange> for StockChangeRecord {
    fn from(change: &StockChange) -> Self {
        let (what, before, after) = match change.kind {
            StockChangeKind::Counted { before, after } => (What::Counted, before, after),
            StockChangeKind::Split { before, after } => {
                (What::Split, i64::from(before), i64::from(after))
            }
        };
        Self {
            id: change.id,
            sku: change.sku.clone(),
            what,
            before,
            after,
            by: change.by.clone(),
            at: change.at,
            trace_id: change.trace_id.clone(),
            traceparent: Some(change.traceparent),
            expires_at: change.expires_at().as_second(),
        }
    }
}

impl From<StockChangeRecord> for StockChange {
    fn from(record: StockChangeRecord) -> Self {
        let (before, after) = (record.before, record.after);
        // There are at most 16.
        let shards = |number: i64| u8::try_from(number).unwrap_or(u8::MAX);
        Self {
            id: record.id,
            sku: record.sku,
            kind: match record.what {
                What::Counted => StockChangeKind::Counted { before, after },
                What::Split => StockChangeKind::Split {
                    before: shards(before),
                    after: shards(after),
                },
            },
            by: record.by,
            at: record.at,
            traceparent: trace::stored(record.traceparent, &record.trace_id),
            trace_id: record.trace_id,
        }
    }
}

impl Store {
    /// The write of a change within the transaction of its effect, on the condition that it does not exist.
    pub(super) fn put_stock_change(&self, change: &StockChange) -> Result<TransactWriteItem> {
        let record = StockChangeRecord::from(change);
        let put = Put::builder()
            .table_name(&self.table)
            .set_item(Some(to_item(&Key::stock_change(change.id), &record)?))
            .condition_expression("attribute_not_exists(PK)");
        put_action(put)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::item::{from_item, size};

    /// A change by somebody of the staff.
    pub(crate) fn change(kind: StockChangeKind) -> StockChange {
        StockChange {
            id: StockChangeId::random([7; 16]),
            sku: "TEE-1".parse().unwrap(),
            kind,
            by: Actor::Staff("ada".to_owned()),
            at: "2026-11-22T10:00:00Z".parse().unwrap(),
            trace_id: "r".to_owned(),
            traceparent: TraceParent::begin("r"),
        }
    }

    #[test]
    fn a_change_is_read_as_it_was_written() {
        for kind in [
            StockChangeKind::Counted {
                before: -3,
                after: 1_000_000_000,
            },
            StockChangeKind::Split {
                before: 1,
                after: 16,
            },
        ] {
            let change = change(kind);
            let key = Key::stock_change(change.id);
            let item = to_item(&key, &StockChangeRecord::from(&change)).unwrap();
            let read: StockChangeRecord = from_item(item).unwrap();
            assert_eq!(StockChange::from(read), change);
        }
    }

    /// 2 write units within a transaction.
    #[test]
    fn the_largest_change_takes_one_unit() {
        let change = StockChange {
            sku: "\u{1F6D2}".repeat(100).parse().unwrap(),
            by: Actor::Staff("x".repeat(128)),
            at: "2026-11-22T10:00:00.123456789Z".parse().unwrap(),
            trace_id: "x".repeat(128),
            ..change(StockChangeKind::Counted {
                before: -1_000_000_000,
                after: 1_000_000_000,
            })
        };
        let key = Key::stock_change(change.id);
        let item = to_item(&key, &StockChangeRecord::from(&change)).unwrap();
        let bytes = size::of(&item);
        assert!(bytes <= 1024, "{bytes}");
    }
}

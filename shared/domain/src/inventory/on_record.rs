//! What staff do to the stock of a SKU, as the audit trail learns of it.

use jiff::{SignedDuration, Timestamp};

use crate::{catalog::Sku, id::StockChangeId, orders::Actor, staff::Author, trace::TraceParent};

/// Time for which a change is stored: as long as the audit trail knows which entries it has, and longer than a record of the
/// stream can be delivered. The trail itself keeps its entry.
const KEPT: SignedDuration = SignedDuration::from_hours(24 * 30);

/// A change of the stock of a SKU by staff. Sales and imports make none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StockChange {
    /// Identifier.
    pub id: StockChangeId,
    /// The SKU, with all shards of its stock.
    pub sku: Sku,
    /// What has changed.
    pub kind: StockChangeKind,
    /// The author.
    pub by: Actor,
    /// Time of the request.
    pub at: Timestamp,
    /// Id of the request.
    pub trace_id: String,
    /// Its place in a trace.
    pub traceparent: TraceParent,
}

/// What a change of a stock has changed. A count that confirms the stock has the same units before and after.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StockChangeKind {
    /// The units on hand were counted.
    Counted {
        /// Units on hand before, according to the counters.
        before: i64,
        /// Units on hand that were counted.
        after: i64,
    },
    /// The stock was split into more shards.
    Split {
        /// Number of shards before.
        before: u8,
        /// Number of shards now.
        after: u8,
    },
}

impl StockChange {
    /// The change of a SKU that `author` makes now.
    pub fn new(id: StockChangeId, sku: &Sku, kind: StockChangeKind, author: &Author<'_>) -> Self {
        Self {
            id,
            sku: sku.clone(),
            kind,
            by: author.actor.clone(),
            at: author.at,
            trace_id: author.cause.trace_id.to_owned(),
            traceparent: author.cause.traceparent,
        }
    }

    /// Time after which it need not be stored.
    pub fn expires_at(&self) -> Timestamp {
        self.at + KEPT
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::Cause;

    #[test]
    fn a_change_names_its_author_and_its_request_for_a_month() {
        let at: Timestamp = "2026-11-22T10:00:00Z".parse().unwrap();
        let author = Author {
            actor: Actor::Staff("ada".to_owned()),
            at,
            cause: Cause {
                trace_id: "r",
                traceparent: TraceParent::begin("r"),
            },
        };
        let id = StockChangeId::at(at, [7; 16]);
        let kind = StockChangeKind::Counted {
            before: 3,
            after: 20,
        };
        let change = StockChange::new(id, &"TEE".parse().unwrap(), kind, &author);
        assert_eq!(change.by, author.actor);
        assert_eq!((change.at, change.trace_id.as_str()), (at, "r"));
        assert_eq!(change.traceparent, author.cause.traceparent);
        assert_eq!(change.sku.as_str(), "TEE");
        assert_eq!(change.kind, kind);
        let expires_at = change.expires_at().to_string();
        assert_eq!(expires_at, "2026-12-22T10:00:00Z");
        // The id sorts by time.
        let later = StockChangeId::at(at + SignedDuration::from_secs(1), [0; 16]);
        assert!(id.to_string() < later.to_string());
    }
}

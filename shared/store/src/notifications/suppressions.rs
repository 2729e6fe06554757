//! Stores the suppression list: addresses that receive no email, by their hash.

use domain::notifications::suppression::{AddressHash, Reason, Suppression};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    Consistency, Result, Store,
    item::{Record, from_item, number, to_item},
    keys::Key,
};

#[derive(Debug, Serialize, Deserialize)]
struct SuppressionRecord {
    reason: Reason,
    detail: String,
    at: Timestamp,
    /// The same in milliseconds since 1970, for comparison.
    #[serde(default)]
    at_ms: i64,
    /// When somebody lifted the suppression: from then on it holds no longer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    lifted_at_ms: Option<i64>,
}

impl Record for SuppressionRecord {
    const ENTITY: &'static str = "suppression";
}

impl Store {
    /// Suppresses an address and returns `true`; `false` if a newer entry or lifting is stored, as feedback may
    /// arrive late. Key: [`Key::suppression`], on that condition. 1 write unit.
    pub async fn suppress(&self, suppression: &Suppression) -> Result<bool> {
        let record = SuppressionRecord {
            reason: suppression.reason,
            detail: suppression.detail.clone(),
            at: suppression.at,
            at_ms: suppression.at.as_millisecond(),
            lifted_at_ms: None,
        };
        let key = Key::suppression(&suppression.address);
        let put = self
            .client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(to_item(&key, &record)?))
            .condition_expression(
                "(attribute_not_exists(at_ms) OR at_ms <= :at) \
                 AND (attribute_not_exists(lifted_at_ms) OR lifted_at_ms < :at)",
            )
            .expression_attribute_values(":at", number(record.at_ms));
        let written = self.write("PutItem suppression", put).await?;
        Ok(written.is_done())
    }

    /// Reads why an address is suppressed, if it is. Key: [`Key::suppression`]. 0.5 read units.
    pub async fn suppression(&self, address: &AddressHash) -> Result<Option<Suppression>> {
        let key = Key::suppression(address);
        let item = self
            .get("GetItem suppression", &key, Consistency::Eventual)
            .await?;
        let record: Option<SuppressionRecord> = item.map(from_item).transpose()?;
        let record = record.filter(|record| record.lifted_at_ms.is_none());
        Ok(record.map(|record| Suppression {
            address: address.clone(),
            reason: record.reason,
            detail: record.detail,
            at: record.at,
        }))
    }
}

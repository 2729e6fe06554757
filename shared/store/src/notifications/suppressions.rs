//! Stores the suppression list: addresses that receive no email, by their hash.

use domain::notifications::suppression::{AddressHash, Reason, Suppression};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    Consistency, Result, Store,
    item::{Record, from_item, to_item},
    keys::Key,
};

#[derive(Debug, Serialize, Deserialize)]
struct SuppressionRecord {
    reason: Reason,
    detail: String,
    at: Timestamp,
}

impl Record for SuppressionRecord {
    const ENTITY: &'static str = "suppression";
}

impl Store {
    /// Suppresses an address; the last entry wins. Key: [`Key::suppression`]. 1 write unit.
    pub async fn suppress(&self, suppression: &Suppression) -> Result<()> {
        let record = SuppressionRecord {
            reason: suppression.reason,
            detail: suppression.detail.clone(),
            at: suppression.at,
        };
        let key = Key::suppression(&suppression.address);
        let put = self
            .client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(to_item(&key, &record)?));
        self.write("PutItem suppression", put).await?;
        Ok(())
    }

    /// Reads why an address is suppressed, if it is. Key: [`Key::suppression`]. 0.5 read units.
    pub async fn suppression(&self, address: &AddressHash) -> Result<Option<Suppression>> {
        let key = Key::suppression(address);
        let item = self
            .get("GetItem suppression", &key, Consistency::Eventual)
            .await?;
        let record: Option<SuppressionRecord> = item.map(from_item).transpose()?;
        Ok(record.map(|record| Suppression {
            address: address.clone(),
            reason: record.reason,
            detail: record.detail,
            at: record.at,
        }))
    }
}

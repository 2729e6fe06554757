//! The control item: one small item that every process reads again and again, and that only changes with a document.

use aws_sdk_dynamodb::types::{
    Put, ReturnValuesOnConditionCheckFailure, Update, builders::UpdateBuilder,
};
use domain::documents::{NewRevision, Revisions};
use serde::{Deserialize, Serialize};

use super::documents::DocumentRecord;
use crate::{
    Consistency, Result, Store,
    item::{Record, from_item, number, string, to_item},
    keys::Key,
    transaction::{First, Outcome, put_action, update_action},
};

/// The control item. The current revision of each kind of document is an attribute with its name: so changes of
/// different kinds do not meet in one version.
#[derive(Debug, Serialize, Deserialize)]
struct ControlRecord {
    #[serde(default)]
    settings: u64,
}

impl Record for ControlRecord {
    const ENTITY: &'static str = "control";
}

impl From<ControlRecord> for Revisions {
    fn from(record: ControlRecord) -> Self {
        Self {
            settings: record.settings,
        }
    }
}

impl Store {
    /// Reads which revisions are current; `None` if nothing was changed yet. Key: [`Key::control`]. 0.5 read units, or 1
    /// if strongly consistent.
    pub async fn revisions(&self, consistency: Consistency) -> Result<Option<Revisions>> {
        let item = self
            .get("GetItem control", &Key::control(), consistency)
            .await?;
        let record = item.map(from_item::<ControlRecord>).transpose()?;
        Ok(record.map(Revisions::from))
    }

    /// Writes a revision with the number `number` and makes it the current one, in one transaction: readers see the
    /// revision before or this one, and a lost race leaves nothing behind. Returns whether it was written. Keys: [`Key::document`], on the condition that
    /// it does not exist; [`Key::control`], on the condition that `expected` is the current revision. 2 write units for
    /// each KB of the document, and 2.
    pub async fn put_revision(
        &self,
        new: &NewRevision,
        number: u64,
        expected: u64,
    ) -> Result<bool> {
        let record = DocumentRecord::of(new, number);
        let item = to_item(&Key::document(new.kind, number), &record)?;
        let put = Put::builder()
            .table_name(&self.table)
            .set_item(Some(item))
            .condition_expression("attribute_not_exists(PK)")
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::None);
        let actions = vec![
            put_action(put)?,
            update_action(self.make_current(new, number, expected))?,
        ];
        let outcome = self.transact("put revision", First::Write, actions).await?;
        Ok(matches!(outcome, Outcome::Committed { .. }))
    }

    fn make_current(&self, new: &NewRevision, revision: u64, expected: u64) -> UpdateBuilder {
        let update = Update::builder()
            .table_name(&self.table)
            .set_key(Some(Key::control().attributes()))
            // `changed_at` is for people who read the table.
            .update_expression(
                "SET #kind = :revision, changed_at = :now, entity_type = :entity, schema_version = :schema",
            )
            .expression_attribute_names("#kind", new.kind.name())
            .expression_attribute_values(":revision", number(revision))
            .expression_attribute_values(":now", string(new.changed_at.to_string()))
            .expression_attribute_values(":entity", string(ControlRecord::ENTITY))
            .expression_attribute_values(":schema", number(ControlRecord::VERSION));
        match expected {
            0 => update.condition_expression("attribute_not_exists(#kind)"),
            expected => update
                .condition_expression("#kind = :expected")
                .expression_attribute_values(":expected", number(expected)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::item::{Item, size};

    #[test]
    fn the_control_item_is_read_however_many_kinds_it_names() {
        let read = |item: Item| from_item::<ControlRecord>(item).map(Revisions::from);
        let record = ControlRecord { settings: u64::MAX };
        let item = to_item(&Key::control(), &record).unwrap();
        size::must_fit("control", &item);
        assert_eq!(read(item.clone()).unwrap().settings, u64::MAX);
        // Of a later release, and of a kind that was never changed.
        let mut other = item.clone();
        other.insert("prices".into(), number(3));
        other.remove("settings");
        assert_eq!(read(other).unwrap(), Revisions::default());
        let mut broken = item;
        broken.insert("settings".into(), string("seven"));
        assert!(read(broken).is_err());
    }
}

//! The control item: one small item that every process reads again and again, and that only changes with a document.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::{
    AttributeValue, Put, ReturnValuesOnConditionCheckFailure, Update, builders::UpdateBuilder,
};
use domain::{
    documents::{NewRevision, Revisions},
    identity::{PublicKey, TokenState},
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_dynamo::aws_sdk_dynamodb_1::to_attribute_value;

use super::documents::DocumentRecord;
use crate::{
    Attempts, Consistency, Result, Store, StoreError,
    item::{Record, from_item, number, string, to_item},
    keys::Key,
    transaction::{First, Outcome, put_action, update_action},
};

/// The control item. The current revision of each kind of document is an attribute with its name: so changes of
/// different kinds do not meet in one version.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct ControlRecord {
    #[serde(default)]
    settings: u64,
    /// Version of the token state, which is in the item itself: it is small, and every process needs it.
    #[serde(default)]
    token_version: u64,
    #[serde(default)]
    pub(crate) token_keys: Vec<PublicKey>,
    #[serde(default)]
    ended: BTreeMap<String, i64>,
}

/// What the control item says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ControlItem {
    /// The current revision of each kind of document.
    pub revisions: Revisions,
    /// The keys of access tokens, and what has ended before its tokens.
    pub tokens: TokenState,
}

impl Record for ControlRecord {
    const ENTITY: &'static str = "control";
}

impl From<ControlRecord> for ControlItem {
    fn from(record: ControlRecord) -> Self {
        Self {
            revisions: Revisions {
                settings: record.settings,
            },
            tokens: TokenState {
                version: record.token_version,
                keys: record.token_keys,
                ended: record.ended,
            },
        }
    }
}

impl Store {
    /// Reads the control item; `None` if nothing was changed yet. Key: [`Key::control`]. 0.5 read units, or 1 if strongly
    /// consistent.
    pub async fn control(&self, consistency: Consistency) -> Result<Option<ControlItem>> {
        let item = self
            .get("GetItem control", &Key::control(), consistency)
            .await?;
        let record = item.map(from_item::<ControlRecord>).transpose()?;
        Ok(record.map(ControlItem::from))
    }

    /// Replaces the token state by `new`, whose version it raises. Returns whether it was written. Key: [`Key::control`], on
    /// the condition that the state has the version of `new`. 1 write unit for each KB of the item.
    pub async fn put_token_state(&self, new: &TokenState) -> Result<bool> {
        let value = |part: &'static str, value: Result<AttributeValue, serde_dynamo::Error>| {
            value.map_err(|error| StoreError::unwritable(part, error))
        };
        let keys = value("token keys", to_attribute_value(&new.keys))?;
        let ended = value("ended sessions", to_attribute_value(&new.ended))?;
        let update = self
            .update(&Key::control())
            .update_expression(
                "SET token_keys = :keys, ended = :ended, token_version = :next, entity_type = :entity, schema_version = :schema",
            )
            .expression_attribute_values(":keys", keys)
            .expression_attribute_values(":ended", ended)
            .expression_attribute_values(":next", number(new.version + 1))
            .expression_attribute_values(":entity", string(ControlRecord::ENTITY))
            .expression_attribute_values(":schema", number(ControlRecord::VERSION));
        let update = match new.version {
            0 => update.condition_expression("attribute_not_exists(token_version)"),
            version => update
                .condition_expression("token_version = :version")
                .expression_attribute_values(":version", number(version)),
        };
        Ok(self
            .write("UpdateItem token state", update)
            .await?
            .is_done())
    }

    /// Has every verifier refuse the tokens that were issued until `now` for these accounts and sessions of staff, within
    /// seconds. `now` must be read after the write that ended them: a request that began before that write may still issue a
    /// token, of the time of its beginning. Key: [`Key::control`], read and written again until nobody else has written it in between. 1 read unit, and 1
    /// write unit for each KB of the item.
    pub async fn end_tokens(&self, ids: &[String], now: Timestamp) -> Result<()> {
        let mut attempts = Attempts::new("end tokens");
        loop {
            attempts.next().await?;
            let control = self.control(Consistency::Strong).await?;
            let mut state = control.unwrap_or_default().tokens;
            state.ended = state.ended_at(now);
            let ended = ids.iter().map(|id| (id.clone(), now.as_millisecond()));
            state.ended.extend(ended);
            if self.put_token_state(&state).await? {
                return Ok(());
            }
        }
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
    use domain::id::AccountId;

    use super::*;
    use crate::item::{Item, size};

    #[test]
    fn the_control_item_is_read_however_many_kinds_it_names() {
        let read =
            |item: Item| from_item::<ControlRecord>(item).map(|it| ControlItem::from(it).revisions);
        let key = PublicKey {
            id: "k".repeat(43),
            x: "x".repeat(43),
            published_at: "2026-11-26T12:00:00.123456789Z".parse().unwrap(),
        };
        let ended = (0..200_u8).map(|it| (AccountId::random([it; 16]).to_string(), i64::MAX));
        let record = ControlRecord {
            settings: u64::MAX,
            token_version: u64::MAX,
            token_keys: vec![key; 9],
            ended: ended.collect(),
        };
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

//! The keys of persons: with one of them, the audit trail loses everything that it has about that person.

use std::collections::{HashMap, HashSet};

use aws_sdk_dynamodb::types::{
    ReturnValuesOnConditionCheckFailure, Update, builders::UpdateBuilder,
};
use domain::{audit::PersonKey, id::AccountId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    Consistency, Result, Store, StoreError,
    item::{Item, Record, from_item, number, string, to_item},
    keys::Key,
    transaction::{First, update_action},
    write::Written,
};

/// Removes a key, also one that does not exist yet: what is left says that there is never another one.
const DESTROY: &str = "SET person = :person, destroyed_at = if_not_exists(destroyed_at, :now), \
                       entity_type = :entity, schema_version = :schema REMOVE #key";
/// Most keys of one call.
const BATCH: usize = 100;

/// The key of a person, or that it was destroyed, which lasts: a late event must not make another one. Not for the log.
#[derive(Serialize, Deserialize)]
struct PersonKeyRecord {
    person: AccountId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    key: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    created_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    destroyed_at: Option<Timestamp>,
}

impl Record for PersonKeyRecord {
    const ENTITY: &'static str = "person_key";
}

impl PersonKeyRecord {
    /// The key; `None` if it was destroyed.
    fn key(self) -> Result<Option<PersonKey>> {
        let read = |text: String| {
            let unreadable = || StoreError::inconsistent(Self::ENTITY, "not a key");
            PersonKey::read(&text).ok_or_else(unreadable)
        };
        self.key.map(read).transpose()
    }
}

impl Store {
    /// The key of a person, which is `new` if they have none; `None` if it was destroyed, and there is never another one. Key:
    /// [`Key::person_key`], eventually consistent, then on the condition that it does not exist. 0.5 read units, and 1 write
    /// unit the first time.
    pub async fn person_key(
        &self,
        person: AccountId,
        new: PersonKey,
        now: Timestamp,
    ) -> Result<Option<PersonKey>> {
        let key = Key::person_key(person);
        // A key that was destroyed a moment ago seals, too: nobody can open that any more.
        let found = self.get("GetItem person key", &key, Consistency::Eventual);
        if let Some(item) = found.await? {
            return read(item);
        }
        let record = PersonKeyRecord {
            person,
            key: Some(new.reveal()),
            created_at: Some(now),
            destroyed_at: None,
        };
        let put = self
            .client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(to_item(&key, &record)?))
            .condition_expression("attribute_not_exists(PK)")
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        match self.write("PutItem person key", put).await? {
            Written::Done(_) => Ok(Some(new)),
            Written::Refused(found) => read(found.unwrap_or_default()),
        }
    }

    /// The keys of persons; those who have none, or none any more, are omitted. Keys: [`Key::person_key`], eventually
    /// consistent. 0.5 read units each.
    pub async fn person_keys(
        &self,
        persons: impl IntoIterator<Item = AccountId>,
    ) -> Result<HashMap<AccountId, PersonKey>> {
        let persons: HashSet<AccountId> = persons.into_iter().collect();
        let persons: Vec<AccountId> = persons.into_iter().collect();
        let mut found = HashMap::new();
        for some in persons.chunks(BATCH) {
            let keys = some
                .iter()
                .map(|person| Key::person_key(*person).attributes());
            let keys = keys.collect();
            let items = self.get_batch("BatchGetItem person keys", keys, Consistency::Eventual);
            for item in items.await? {
                let record = from_item::<PersonKeyRecord>(item)?;
                let person = record.person;
                found.extend(record.key()?.map(|key| (person, key)));
            }
        }
        Ok(found)
    }

    /// Destroys the key of a person who stays, and with it what the trail has about them. Key: [`Key::person_key`]; the item stays,
    /// without the key. 2 write units.
    pub async fn destroy_person_key(&self, person: AccountId, now: Timestamp) -> Result<()> {
        let actions = vec![update_action(self.person_key_is_destroyed(person, now))?];
        let operation = "destroy person key";
        self.transact(operation, First::Write, actions).await?;
        Ok(())
    }

    /// Destroys the key of a person in a transaction. Backups and the stream have it for as long as they last.
    pub(crate) fn person_key_is_destroyed(
        &self,
        person: AccountId,
        now: Timestamp,
    ) -> UpdateBuilder {
        Update::builder()
            .table_name(&self.table)
            .set_key(Some(Key::person_key(person).attributes()))
            .update_expression(DESTROY)
            .expression_attribute_names("#key", "key")
            .expression_attribute_values(":person", string(person.to_string()))
            .expression_attribute_values(":now", string(now.to_string()))
            .expression_attribute_values(":entity", string(PersonKeyRecord::ENTITY))
            .expression_attribute_values(":schema", number(PersonKeyRecord::VERSION))
    }
}

fn read(item: Item) -> Result<Option<PersonKey>> {
    from_item::<PersonKeyRecord>(item)?.key()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stored_key_is_read_or_known_to_be_destroyed() {
        let person = AccountId::random([7; 16]);
        let key = PersonKey::new([1; 32]);
        let record = |text: Option<String>| PersonKeyRecord {
            person,
            key: text,
            created_at: Some(Timestamp::MAX),
            destroyed_at: None,
        };
        let stored = |text| to_item(&Key::person_key(person), &record(text)).unwrap();
        assert_eq!(read(stored(Some(key.reveal()))).unwrap(), Some(key));
        assert_eq!(read(stored(None)).unwrap(), None);
        let error = read(stored(Some("hunter2".into()))).unwrap_err();
        assert!(!error.to_string().contains("hunter2"), "{error}");
        assert!(read(Item::new()).is_err());
    }
}

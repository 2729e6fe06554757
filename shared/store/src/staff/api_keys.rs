//! Stores API keys by their hashes.

use aws_sdk_dynamodb::types::{Delete, Put, Update};
use domain::{
    id::ApiKeyId,
    orders::Actor,
    staff::{ApiKey, ApiKeyHash, Author},
    trace::{self, TraceParent},
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    Consistency, Result, Store, StoreError,
    identity::accounts::no_key,
    item::{Item, Record, from_item, string, to_item},
    keys::{API_KEYS_PARTITION, Key},
    transaction::{First, Outcome, delete_action, put_action, update_action},
};

/// An API key as it is stored.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct ApiKeyRecord {
    id: ApiKeyId,
    name: String,
    scopes: Vec<String>,
    created_by: Actor,
    created_at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    last_used_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    revoked_by: Option<Actor>,
    trace_id: String,
    #[serde(default, deserialize_with = "trace::lenient")]
    traceparent: Option<TraceParent>,
    /// Expiry in seconds since 1970.
    expires_at: i64,
}

/// An entry of the list of API keys, as long as the key is not revoked.
#[derive(Debug, Serialize, Deserialize)]
struct ApiKeyEntryRecord {
    id: ApiKeyId,
    hash: ApiKeyHash,
    /// Expiry in seconds since 1970.
    expires_at: i64,
}

impl Record for ApiKeyRecord {
    const ENTITY: &'static str = "api_key";
}

impl Record for ApiKeyEntryRecord {
    const ENTITY: &'static str = "api_key_entry";
}

impl From<&ApiKey> for ApiKeyRecord {
    fn from(key: &ApiKey) -> Self {
        Self {
            id: key.id,
            name: key.name.clone(),
            scopes: key.scopes.clone(),
            created_by: key.created_by.clone(),
            created_at: key.created_at,
            last_used_at: key.last_used_at,
            revoked_by: key.revoked_by.clone(),
            trace_id: key.trace_id.clone(),
            traceparent: Some(key.traceparent),
            expires_at: key.expires_at.as_second(),
        }
    }
}

impl From<ApiKeyRecord> for ApiKey {
    fn from(record: ApiKeyRecord) -> Self {
        Self {
            id: record.id,
            name: record.name,
            scopes: record.scopes,
            created_by: record.created_by,
            created_at: record.created_at,
            expires_at: Timestamp::from_second(record.expires_at).unwrap_or(Timestamp::MIN),
            last_used_at: record.last_used_at,
            revoked_by: record.revoked_by,
            traceparent: trace::stored(record.traceparent, &record.trace_id),
            trace_id: record.trace_id,
        }
    }
}

impl Store {
    /// Stores a new API key. Keys: [`Key::api_key`] and [`Key::api_key_entry`], on the condition that they do not exist. 4 write
    /// units.
    pub async fn create_api_key(&self, key: &ApiKey, hash: &ApiKeyHash) -> Result<()> {
        let entry = ApiKeyEntryRecord {
            id: key.id,
            hash: hash.clone(),
            expires_at: key.expires_at.as_second(),
        };
        let new = |item: Item| {
            Put::builder()
                .table_name(&self.table)
                .set_item(Some(item))
                .condition_expression("attribute_not_exists(PK)")
        };
        let actions = vec![
            put_action(new(to_item(&Key::api_key(hash), &ApiKeyRecord::from(key))?))?,
            put_action(new(to_item(&Key::api_key_entry(key.id), &entry)?))?,
        ];
        match self
            .transact("create API key", First::Write, actions)
            .await?
        {
            Outcome::Committed { .. } => Ok(()),
            // Of random bits, it exists if the answer to an earlier attempt was lost.
            Outcome::Refused(reasons) if reasons.iter().all(Option::is_some) => Ok(()),
            Outcome::Refused(_) => Err(StoreError::inconsistent(
                ApiKeyRecord::ENTITY,
                "the key exists without its entry, or the other way round",
            )),
            Outcome::InProgress => Err(no_key()),
        }
    }

    /// Reads an API key, whether it is valid or not. Key: [`Key::api_key`]. 0.5 read units, or 1 if strongly consistent.
    pub async fn api_key(
        &self,
        hash: &ApiKeyHash,
        consistency: Consistency,
    ) -> Result<Option<ApiKey>> {
        let key = Key::api_key(hash);
        let item = self.get("GetItem API key", &key, consistency).await?;
        item.map(read).transpose()
    }

    /// Reads an API key by its identifier; `None` if it was revoked. Keys: [`Key::api_key_entry`], then [`Key::api_key`], both
    /// strongly consistent. 2 read units.
    pub async fn api_key_named(&self, id: ApiKeyId) -> Result<Option<ApiKey>> {
        let key = Key::api_key_entry(id);
        let item = self.get("GetItem API key entry", &key, Consistency::Strong);
        let Some(item) = item.await? else {
            return Ok(None);
        };
        let hash = from_item::<ApiKeyEntryRecord>(item)?.hash;
        self.api_key(&hash, Consistency::Strong).await
    }

    /// Stores the time of an API key's last use. Key: [`Key::api_key`], on the condition that it is the one that was read, as
    /// another process may have done so. 1 write unit.
    pub async fn note_api_key_use(
        &self,
        hash: &ApiKeyHash,
        read: &ApiKey,
        now: Timestamp,
    ) -> Result<()> {
        let update = self
            .update(&Key::api_key(hash))
            .update_expression("SET last_used_at = :now")
            .expression_attribute_values(":now", string(now.to_string()));
        let update = match read.last_used_at {
            None => update.condition_expression(
                "attribute_exists(PK) AND attribute_not_exists(last_used_at)",
            ),
            Some(last) => update
                .condition_expression("last_used_at = :last")
                .expression_attribute_values(":last", string(last.to_string())),
        };
        self.write("UpdateItem API key used", update).await?;
        Ok(())
    }

    /// Lists the API keys that are not revoked. Keys: [`API_KEYS_PARTITION`], then [`Key::api_key`], both strongly consistent. 1
    /// read unit for each 4 KB of the list, and 1 for each key.
    pub async fn api_keys(&self) -> Result<Vec<ApiKey>> {
        let mut wanted = Vec::new();
        self.partition("Query API keys", API_KEYS_PARTITION, |item| {
            let entry = from_item::<ApiKeyEntryRecord>(item)?;
            wanted.push(Key::api_key(&entry.hash).attributes());
            Ok(())
        })
        .await?;
        let mut keys = Vec::with_capacity(wanted.len());
        for wanted in wanted.chunks(100) {
            let found = self
                .get_batch(
                    "BatchGetItem API keys",
                    wanted.to_vec(),
                    Consistency::Strong,
                )
                .await?;
            for item in found {
                keys.push(read(item)?);
            }
        }
        keys.retain(|key| key.revoked_by.is_none());
        Ok(keys)
    }

    /// Revokes an API key. Returns whether there was one. Keys: [`Key::api_key_entry`], read strongly consistent and deleted;
    /// [`Key::api_key`]. 1 read unit and 4 write units.
    pub async fn revoke_api_key(&self, id: ApiKeyId, author: &Author<'_>) -> Result<bool> {
        let entry = Key::api_key_entry(id);
        let item = self.get("GetItem API key entry", &entry, Consistency::Strong);
        let Some(item) = item.await? else {
            return Ok(false);
        };
        let hash = from_item::<ApiKeyEntryRecord>(item)?.hash;
        let revoke = Update::builder()
            .table_name(&self.table)
            .set_key(Some(Key::api_key(&hash).attributes()))
            .update_expression("SET revoked_by = :by, trace_id = :trace, traceparent = :place")
            .condition_expression("attribute_exists(PK) AND attribute_not_exists(revoked_by)")
            .expression_attribute_values(":by", string(author.actor.to_string()))
            .expression_attribute_values(":trace", string(author.cause.trace_id))
            .expression_attribute_values(":place", string(author.cause.traceparent.to_string()));
        let delete = Delete::builder()
            .table_name(&self.table)
            .set_key(Some(entry.attributes()));
        let actions = vec![update_action(revoke)?, delete_action(delete)?];
        match self
            .transact("revoke API key", First::Write, actions)
            .await?
        {
            Outcome::Committed { .. } => Ok(true),
            // Somebody else was faster, or it has expired and is gone.
            Outcome::Refused(_) => Ok(false),
            Outcome::InProgress => Err(no_key()),
        }
    }
}

fn read(item: Item) -> Result<ApiKey> {
    from_item::<ApiKeyRecord>(item).map(ApiKey::from)
}

#[cfg(test)]
mod tests {
    use domain::{identity::Permission, staff::ApiKeySecret};

    use super::*;
    use crate::item::size;

    /// Half a read unit is 4 KB.
    #[test]
    fn the_largest_key_is_small_and_comes_back_without_its_secret() {
        let secret = ApiKeySecret::new([255; 32]);
        let scopes = Permission::ALL.iter();
        let key = ApiKey {
            id: ApiKeyId::random([255; 16]),
            name: "\u{1F6D2}".repeat(60),
            scopes: scopes.map(|it| it.name().to_owned()).collect(),
            created_by: Actor::Staff("s".repeat(128)),
            created_at: "9000-01-01T00:00:00.123456789Z".parse().unwrap(),
            expires_at: "9000-12-31T00:00:00Z".parse().unwrap(),
            last_used_at: Some("9000-01-01T00:00:00.123456789Z".parse().unwrap()),
            revoked_by: Some(Actor::Staff("s".repeat(128))),
            trace_id: "t".repeat(36),
            traceparent: TraceParent::begin("t"),
        };
        let hash = secret.hash();
        let item = to_item(&Key::api_key(&hash), &ApiKeyRecord::from(&key)).unwrap();
        let bytes = size::of(&item);
        assert!(bytes < 4096, "{bytes}");
        assert!(!format!("{item:?}").contains(&secret.reveal()[4..]));
        assert_eq!(read(item).unwrap(), key);
    }
}

//! Conversion between records and the attributes of an item.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use serde::{Serialize, de::DeserializeOwned};

use crate::{StoreError, keys::Key};

/// Attributes of an item, by name.
pub(crate) type Item = HashMap<String, AttributeValue>;

/// The stored form of an entity.
pub(crate) trait Record: Serialize + DeserializeOwned {
    /// Value of `entity_type`, unique among all records.
    const ENTITY: &'static str;
    /// Value of `schema_version`; incremented when the shape changes, so that readers can tell.
    const VERSION: u32 = 1;
}

/// Serializes `record` to the item at `key`.
pub(crate) fn to_item<R: Record>(key: &Key, record: &R) -> Result<Item, StoreError> {
    let mut item: Item = serde_dynamo::aws_sdk_dynamodb_1::to_item(record).map_err(|error| {
        StoreError::Unwritable {
            entity: R::ENTITY,
            source: error.into(),
        }
    })?;
    item.extend(key.attributes());
    item.insert("entity_type".into(), string(R::ENTITY));
    item.insert("schema_version".into(), number(R::VERSION));
    Ok(item)
}

/// Deserializes the record in `item`.
pub(crate) fn from_item<R: Record>(item: Item) -> Result<R, StoreError> {
    from_part(R::ENTITY, item)
}

/// Deserializes some attributes of an item of type `entity`.
pub(crate) fn from_part<T: DeserializeOwned>(
    entity: &'static str,
    item: Item,
) -> Result<T, StoreError> {
    serde_dynamo::aws_sdk_dynamodb_1::from_item(item)
        .map_err(|error| StoreError::unreadable(entity, error))
}

/// Makes a string attribute.
pub(crate) fn string(text: impl Into<String>) -> AttributeValue {
    AttributeValue::S(text.into())
}

/// Makes a number attribute.
pub(crate) fn number(value: impl ToString) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

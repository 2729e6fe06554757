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

/// Sizes of items as DynamoDB counts them.
#[cfg(test)]
pub(crate) mod size {
    use aws_sdk_dynamodb::types::AttributeValue;

    use super::Item;

    /// Maximum size of an item, in bytes.
    pub(crate) const MAX: usize = 400 * 1024;

    /// Asserts that an item is below the maximum.
    #[track_caller]
    #[expect(clippy::print_stdout, reason = "tells how much room is left")]
    pub(crate) fn must_fit(name: &str, item: &Item) {
        let bytes = of(item);
        println!("{name}: {bytes} bytes, {} left", MAX.saturating_sub(bytes));
        assert!(bytes < MAX, "{name}: {bytes} bytes");
    }

    /// Size of an item, in bytes.
    pub(crate) fn of(item: &Item) -> usize {
        let attributes = item.iter();
        attributes
            .map(|(name, value)| name.len() + value_of(value))
            .sum()
    }

    /// At least the size of a value: a number takes a byte for two digits, and up to two more.
    fn value_of(value: &AttributeValue) -> usize {
        match value {
            AttributeValue::S(text) => text.len(),
            AttributeValue::N(digits) => digits.len().div_ceil(2) + 2,
            AttributeValue::L(list) => {
                3 + list.iter().map(|value| 1 + value_of(value)).sum::<usize>()
            }
            AttributeValue::M(map) => 3 + map.len() + of(map),
            AttributeValue::Bool(_) | AttributeValue::Null(_) => 1,
            other => unreachable!("no record has a {other:?}"),
        }
    }

    #[test]
    fn sizes_are_those_of_the_developer_guide() {
        let item = Item::from([
            ("a".to_owned(), AttributeValue::S("é".to_owned())),
            ("b".to_owned(), AttributeValue::N("27".to_owned())),
            (
                "c".to_owned(),
                AttributeValue::L(vec![AttributeValue::Bool(true)]),
            ),
        ]);
        assert_eq!(of(&item), 3 + (1 + 3) + (1 + 3 + 1 + 1));
        assert_eq!(value_of(&AttributeValue::M(item)), 3 + 3 + 13);
    }
}

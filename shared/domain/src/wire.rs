//! Strict deserialization of JSON.

use std::{borrow::Cow, collections::BTreeMap, fmt, marker::PhantomData};

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{
    Deserialize, Deserializer,
    de::{Error as _, MapAccess, Visitor, value::MapAccessDeserializer},
};

/// Deserializes a struct from a JSON object only. By default, serde also accepts an array with the
/// fields in order. Used for `#[serde(deserialize_with = "…")]` and for whole bodies.
pub fn object<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    struct Object<T>(PhantomData<T>);

    impl<'de, T: Deserialize<'de>> Visitor<'de> for Object<T> {
        type Value = T;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }

        fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
            T::deserialize(MapAccessDeserializer::new(map))
        }
    }

    deserializer.deserialize_map(Object(PhantomData))
}

/// A member of a JSON Merge Patch (RFC 7396).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Patch<T> {
    /// Absent: the value stays.
    #[default]
    Keep,
    /// `null`: back to the default.
    Reset,
    /// A new value.
    Set(T),
}

impl<T> Patch<T> {
    /// Changes `value` as the member says.
    pub fn apply(self, value: &mut Option<T>) {
        match self {
            Self::Keep => {}
            Self::Reset => *value = None,
            Self::Set(new) => *value = Some(new),
        }
    }
}

// Absent members never get here: their fields have `#[serde(default)]`.
impl<'de, T: Deserialize<'de>> Deserialize<'de> for Patch<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Option::deserialize(deserializer)?.map_or(Self::Reset, Self::Set))
    }
}

impl<T: JsonSchema> JsonSchema for Patch<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("Patch_{}", T::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        Option::<T>::json_schema(generator)
    }
}

/// Deserializes a [`Patch`] of a struct; see [`object`].
pub fn patch_object<'de, D, T>(deserializer: D) -> Result<Patch<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    struct Inner<T>(T);

    impl<'de, T: Deserialize<'de>> Deserialize<'de> for Inner<T> {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            object(deserializer).map(Self)
        }
    }

    let inner = Option::<Inner<T>>::deserialize(deserializer)?;
    Ok(inner.map_or(Patch::Reset, |Inner(value)| Patch::Set(value)))
}

/// A struct from a JSON object only, as a value of [`Members`]; see [`object`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Object<T>(pub T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        object(deserializer).map(Self)
    }
}

impl<T: JsonSchema> JsonSchema for Object<T> {
    fn inline_schema() -> bool {
        T::inline_schema()
    }

    fn schema_name() -> Cow<'static, str> {
        T::schema_name()
    }

    fn schema_id() -> Cow<'static, str> {
        T::schema_id()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        T::json_schema(generator)
    }
}

/// A JSON object with keys of the client's choice. Unlike in serde's maps, a key that is given twice is an error.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Members<T>(pub BTreeMap<String, T>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Members<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Unique<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for Unique<T> {
            type Value = Members<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members<T>, A::Error> {
                let mut members = BTreeMap::new();
                while let Some((name, value)) = map.next_entry::<String, T>()? {
                    if members.contains_key(&name) {
                        return Err(A::Error::custom(format_args!("duplicate field `{name}`")));
                    }
                    members.insert(name, value);
                }
                Ok(Members(members))
            }
        }

        deserializer.deserialize_map(Unique(PhantomData))
    }
}

impl<T: JsonSchema> JsonSchema for Members<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("Members_{}", T::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        BTreeMap::<String, T>::json_schema(generator)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Default, PartialEq, Deserialize)]
    #[serde(default, deny_unknown_fields)]
    struct Body {
        name: Patch<String>,
        #[serde(deserialize_with = "patch_object")]
        inner: Patch<Inner>,
        flags: Patch<Members<Option<bool>>>,
        rooms: Patch<Members<Option<Object<Inner>>>>,
    }

    #[derive(Debug, Default, PartialEq, Deserialize)]
    #[serde(default, deny_unknown_fields)]
    struct Inner {
        city: Patch<String>,
    }

    #[test]
    fn absent_null_and_value_are_three_things() {
        let read = |text: &str| serde_json::from_str::<Body>(text);
        assert_eq!(read("{}").unwrap(), Body::default());
        let body = read(r#"{"name":null,"inner":{"city":"x"},"flags":{"a":true,"b":null}}"#);
        let flags = BTreeMap::from([("a".to_owned(), Some(true)), ("b".to_owned(), None)]);
        let expected = Body {
            name: Patch::Reset,
            inner: Patch::Set(Inner {
                city: Patch::Set("x".to_owned()),
            }),
            flags: Patch::Set(Members(flags)),
            rooms: Patch::Keep,
        };
        assert_eq!(body.unwrap(), expected);
        assert_eq!(read(r#"{"inner":null}"#).unwrap().inner, Patch::Reset);
        for bad in [
            r#"{"name":1}"#,
            r#"{"inner":["x"]}"#,
            r#"{"inner":{"town":"x"}}"#,
            r#"{"flags":{"a":true,"a":false}}"#,
            r#"{"flags":["a"]}"#,
            r#"{"rooms":{"a":["x"]}}"#,
            r#"{"rooms":{"a":{"town":"x"}}}"#,
            r#"{"name":"a","name":null}"#,
        ] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_patch_keeps_resets_or_sets() {
        let after = |patch: Patch<u8>| {
            let mut value = Some(1);
            patch.apply(&mut value);
            value
        };
        assert_eq!(
            [Patch::Keep, Patch::Reset, Patch::Set(2)].map(after),
            [Some(1), None, Some(2)]
        );
    }
}

//! Filters of event source mappings: the patterns that decide which records reach a function, of which the templates use a part.

use serde_json::Value;

use crate::{LocalError, Result};

/// A pattern of `FilterCriteria`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filter(Pattern);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Pattern {
    /// Each member of an object matches its pattern.
    Members(Vec<(String, Pattern)>),
    /// A value meets one of the conditions.
    AnyOf(Vec<Condition>),
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Condition {
    /// It is this value.
    Is(Value),
    /// It is a text that begins so.
    Begins(String),
    /// It is there, or not.
    IsThere(bool),
}

impl Filter {
    /// Reads the text of a pattern.
    pub fn read(text: &str) -> Result<Self> {
        let failed = |cause: &dyn std::fmt::Display| {
            LocalError::new(format!("the filter {text} cannot be read"), cause)
        };
        let pattern: Value = serde_json::from_str(text).map_err(|error| failed(&error))?;
        pattern_of(&pattern)
            .map(Self)
            .map_err(|cause| failed(&cause))
    }

    /// Whether a record reaches the function.
    pub fn takes(&self, record: &Value) -> bool {
        matches(&self.0, Some(record))
    }
}

fn pattern_of(value: &Value) -> Result<Pattern, String> {
    match value {
        Value::Object(members) => {
            let members = members.iter();
            let members = members.map(|(name, value)| Ok((name.clone(), pattern_of(value)?)));
            Ok(Pattern::Members(members.collect::<Result<_, String>>()?))
        }
        Value::Array(conditions) => {
            let conditions = conditions.iter().map(condition_of);
            Ok(Pattern::AnyOf(conditions.collect::<Result<_, String>>()?))
        }
        other => Err(format!("{other} is not a list of values")),
    }
}

fn condition_of(value: &Value) -> Result<Condition, String> {
    let Value::Object(operator) = value else {
        return Ok(Condition::Is(value.clone()));
    };
    let mut operator = operator.iter();
    match (operator.next(), operator.next()) {
        (Some((name, Value::String(start))), None) if name == "prefix" => {
            Ok(Condition::Begins(start.clone()))
        }
        (Some((name, Value::Bool(is_there))), None) if name == "exists" => {
            Ok(Condition::IsThere(*is_there))
        }
        _ => Err(format!(
            "{value} is not supported; add it to shared/local/src/filter.rs"
        )),
    }
}

fn matches(pattern: &Pattern, found: Option<&Value>) -> bool {
    match pattern {
        Pattern::Members(members) => members
            .iter()
            .all(|(name, pattern)| matches(pattern, found.and_then(|found| found.get(name)))),
        Pattern::AnyOf(conditions) => conditions.iter().any(|condition| match condition {
            Condition::Is(value) => found == Some(value),
            Condition::Begins(start) => found
                .and_then(Value::as_str)
                .is_some_and(|text| text.starts_with(start)),
            Condition::IsThere(is_there) => found.is_some() == *is_there,
        }),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_record_must_match_every_member_and_one_value_of_each() {
        let filter = Filter::read(
            r#"{"eventName":["INSERT"],"dynamodb":{"NewImage":{"entity_type":{"S":["a","b"]}}}}"#,
        );
        let filter = filter.unwrap();
        let record = |name: &str, entity: &str| json!({ "eventName": name, "dynamodb": { "NewImage": { "entity_type": { "S": entity } } } });
        assert!(filter.takes(&record("INSERT", "a")) && filter.takes(&record("INSERT", "b")));
        assert!(!filter.takes(&record("INSERT", "c")) && !filter.takes(&record("MODIFY", "a")));
        for other in [
            json!({}),
            json!({ "eventName": "INSERT" }),
            json!({ "eventName": "INSERT", "dynamodb": "a" }),
            json!([]),
        ] {
            assert!(!filter.takes(&other), "{other}");
        }
    }

    #[test]
    fn operators_compare_beginnings_and_presence() {
        let takes = |pattern: &str, value: Value| {
            let filter = Filter::read(&format!(r#"{{"a":{{"b":[{pattern}]}}}}"#));
            filter.unwrap().takes(&json!({ "a": value }))
        };
        let staff = r#"{"prefix":"staff:"}"#;
        assert!(takes(staff, json!({ "b": "staff:ada" })));
        for other in [
            json!({ "b": "shop" }),
            json!({ "b": 1 }),
            json!({}),
            json!(1),
        ] {
            assert!(!takes(staff, other.clone()), "{other}");
        }
        assert!(takes(r#"{"exists":true}"#, json!({ "b": null })));
        assert!(!takes(r#"{"exists":true}"#, json!({})));
        assert!(takes(r#"{"exists":false}"#, json!({})));
        assert!(!takes(r#"{"exists":false}"#, json!({ "b": 1 })));
        assert!(takes("1,null", json!({ "b": null })));
    }

    #[test]
    fn what_is_not_emulated_is_an_error() {
        for pattern in [
            "",
            "[",
            r#""a""#,
            r#"{"a":"b"}"#,
            r#"{"a":[{"anything-but":["b"]}]}"#,
            r#"{"a":[{"prefix":1}]}"#,
            r#"{"a":[{}]}"#,
            r#"{"a":[{"prefix":"b","exists":true}]}"#,
        ] {
            let error = Filter::read(pattern).unwrap_err().to_string();
            assert!(error.contains("cannot be read"), "{error}");
        }
    }
}

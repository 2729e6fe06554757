//! The JSON schemas of the events: `tests/contracts/events/<type>.v<version>.json`, one for each version that was ever sent.
//!
//! A schema describes the events as they are sent, and has examples, at least one of each form that was sent. The schema of a
//! type's current version follows the code; where the code breaks it, it is not rewritten: that takes a new version. Schemas of
//! earlier versions stay for as long as their examples are read.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use domain::event::{Envelope, Event, Message};
use local::outcome::Outcome;
use schemars::{JsonSchema, generate::SchemaSettings};
use serde_json::{Map, Value, json};

use crate::compat::{Direction, schema_breaks};

/// Folder of the schemas.
const FOLDER: &str = "tests/contracts/events";

/// The schema of a type's current version.
struct Current {
    kind: &'static str,
    version: u32,
    /// As the code writes it.
    sent: Value,
    /// As the code reads it.
    read: Value,
}

/// What is wrong with the committed schemas.
pub fn findings(root: &Path) -> Outcome<Vec<String>> {
    let folder = root.join(FOLDER);
    let committed = committed(&folder)?;
    let mut findings = Vec::new();
    for (name, schema) in &committed {
        findings.extend(unread(name, schema));
    }
    for current in current() {
        let name = current.name();
        let Some(before) = committed.get(&name) else {
            findings.push(format!(
                "{FOLDER}/{name} is missing: run `cargo xtask openapi`"
            ));
            continue;
        };
        if current.version > 1 {
            let earlier = format!("{}.v{}.json", current.kind, current.version - 1);
            if !committed.contains_key(&earlier) {
                findings.push(format!(
                    "{FOLDER}/{earlier} is missing: two versions of an event are read"
                ));
            }
        }
        let breaks = current.breaks(before);
        if breaks.is_empty() && current.written(Some(before))? != *before {
            findings.push(format!(
                "{FOLDER}/{name} is out of date: run `cargo xtask openapi`"
            ));
        }
        findings.extend(breaks);
    }
    Ok(findings)
}

/// Writes the schemas of the current versions, unless that would hide a break.
pub fn write(root: &Path) -> Outcome {
    let folder = root.join(FOLDER);
    fs::create_dir_all(&folder)?;
    let committed = committed(&folder)?;
    let mut breaks = Vec::new();
    for current in current() {
        let name = current.name();
        let before = committed.get(&name);
        let broken = before
            .map(|before| current.breaks(before))
            .unwrap_or_default();
        if broken.is_empty() {
            let text = serde_json::to_string_pretty(&current.written(before)?)?;
            fs::write(folder.join(name), text + "\n")?;
        }
        breaks.extend(broken);
    }
    match breaks.is_empty() {
        true => Ok(()),
        false => Err(breaks.join("\n").into()),
    }
}

impl Current {
    fn name(&self) -> String {
        format!("{}.v{}.json", self.kind, self.version)
    }

    /// What readers of the committed schema, or messages that were sent by it, would not survive. New values do not count: old
    /// code leaves a message with one to the code that follows.
    fn breaks(&self, committed: &Value) -> Vec<String> {
        let mut breaks = schema_breaks(committed, &self.sent, Direction::Response);
        breaks.retain(|line| !line.contains("it may be `"));
        for line in schema_breaks(committed, &self.read, Direction::Request) {
            if !breaks.contains(&line) {
                breaks.push(line);
            }
        }
        let (kind, next) = (self.kind, self.version + 1);
        breaks
            .into_iter()
            .map(|line| {
                format!(
                    "{kind}: {line}: undo it, or make version {next} of it in domain::event, which reads version {}",
                    self.version
                )
            })
            .collect()
    }

    /// The schema with the examples that it has, and one of the form that is sent now.
    fn written(&self, before: Option<&Value>) -> Outcome<Value> {
        let mut schema = self.sent.clone();
        let examples = before.map(|before| &before["examples"]);
        let mut examples = examples
            .and_then(Value::as_array)
            .cloned()
            .unwrap_or_default();
        let example = example(&schema);
        let forms = |example: &Value| -> Vec<String> {
            example
                .as_object()
                .into_iter()
                .flatten()
                .map(|(name, _)| name.clone())
                .collect()
        };
        if !examples.iter().any(|known| forms(known) == forms(&example)) {
            examples.push(example);
        }
        schema["examples"] = Value::Array(examples);
        Ok(schema)
    }
}

/// Why an example of a committed schema, of any version, is not read as the event that it is.
fn unread(name: &str, schema: &Value) -> Vec<String> {
    let examples = schema["examples"].as_array().cloned().unwrap_or_default();
    if examples.is_empty() {
        return vec![format!("{FOLDER}/{name} has no example")];
    }
    let problem = |example: &Value| match serde_json::from_str::<Envelope>(&example.to_string()) {
        Err(error) => Some(format!(
            "{FOLDER}/{name} has an example that is not read: {error}"
        )),
        Ok(envelope) => {
            let mut again = serde_json::to_value(&envelope).unwrap_or_default();
            // What was not sent before cannot be the same.
            if let (Some(again), Some(example)) = (again.as_object_mut(), example.as_object()) {
                again.retain(|field, _| example.contains_key(field));
            }
            (again != *example)
                .then(|| format!("{FOLDER}/{name} has an example that is read as {again}"))
        }
    };
    examples.iter().filter_map(problem).collect()
}

/// The schemas of all current versions.
fn current() -> Vec<Current> {
    let [sent, read] = [
        SchemaSettings::draft2020_12().for_serialize(),
        SchemaSettings::draft2020_12().for_deserialize(),
    ]
    .map(|mut settings| {
        settings.inline_subschemas = true;
        let event = of::<Event>(&settings);
        let message = of::<Message>(&settings);
        let variants = event["oneOf"].as_array().cloned().unwrap_or_default();
        variants
            .iter()
            .map(|variant| whole(&message, variant))
            .collect::<Vec<Value>>()
    });
    let schemas = sent.into_iter().zip(read);
    schemas
        .filter_map(|(sent, read)| {
            let kind = sent["properties"]["type"]["const"].as_str()?;
            let (kind, version) = Event::VERSIONS
                .into_iter()
                .find(|(known, _)| *known == kind)?;
            let [sent, read] = [sent, read].map(|mut schema| {
                schema["properties"]["schema_version"]["const"] = json!(version);
                schema
            });
            Some(Current {
                kind,
                version,
                sent,
                read,
            })
        })
        .collect()
}

fn of<T: JsonSchema>(settings: &SchemaSettings) -> Value {
    settings
        .clone()
        .into_generator()
        .into_root_schema_for::<T>()
        .to_value()
}

/// The schema of a message with this event in it.
fn whole(message: &Value, variant: &Value) -> Value {
    let fields = |schema: &Value| {
        schema["properties"]
            .as_object()
            .cloned()
            .unwrap_or_default()
    };
    let mut properties: Map<String, Value> = fields(message);
    properties.extend(fields(variant));
    let required = [message, variant]
        .into_iter()
        .flat_map(|schema| schema["required"].as_array());
    let required: Vec<&Value> = required.flatten().collect();
    json!({
        "$schema": message["$schema"],
        "description": variant["description"],
        "type": "object",
        "properties": properties,
        "required": required,
    })
}

/// A message of the form that the schema describes, with every field that is always sent.
fn example(schema: &Value) -> Value {
    let required = schema["required"].as_array().into_iter().flatten();
    let names = required.filter_map(Value::as_str);
    let value = |name: &str| match name {
        "event_id" => json!("ord_5T0RCE3VWQ8X4H2YJZ9N6KDPGA.2"),
        "occurred_at" => json!("2026-11-22T10:15:00Z"),
        "trace_id" => json!("JKJaXmPLvHcESHA="),
        name => value_of(&schema["properties"][name]),
    };
    let fields = names.map(|name| (name.to_owned(), value(name)));
    let mut fields: Map<String, Value> = fields.collect();
    fields.insert(
        "traceparent".to_owned(),
        json!("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"),
    );
    Value::Object(fields)
}

/// A value of a schema without references.
fn value_of(schema: &Value) -> Value {
    if !schema["const"].is_null() {
        return schema["const"].clone();
    }
    let pattern = schema["pattern"].as_str().unwrap_or_default();
    if let Some((prefix, _)) = pattern.trim_start_matches('^').split_once("_[0-7]") {
        return json!(format!("{prefix}_5T0RCE3VWQ8X4H2YJZ9N6KDPGA"));
    }
    let values = schema["enum"].as_array().or(schema["oneOf"].as_array());
    match (
        values.and_then(|values| values.first()),
        schema["type"].as_str(),
    ) {
        (Some(value @ Value::Object(_)), _) => value_of(value),
        (Some(value), _) => value.clone(),
        (None, Some("integer")) => json!(2),
        (None, _) => json!("TEE-1"),
    }
}

/// The committed schemas, by name.
fn committed(folder: &Path) -> Outcome<BTreeMap<String, Value>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder)? {
        let path: PathBuf = entry?.path();
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        found.insert(name, serde_json::from_slice(&fs::read(path)?)?);
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of_kind(kind: &str) -> Current {
        current().into_iter().find(|it| it.kind == kind).unwrap()
    }

    /// What breaks when the code stays as it is, and the committed schema was another: the change the other way round.
    fn breaks_of(edit: impl FnOnce(&mut Value)) -> Vec<String> {
        let now = of_kind("order_changed");
        let mut before = now.written(None).unwrap();
        edit(&mut before);
        let start = "order_changed: ";
        let lines = now.breaks(&before).into_iter();
        lines
            .map(|line| {
                line.strip_prefix(start)
                    .unwrap()
                    .split(": undo")
                    .next()
                    .unwrap()
                    .to_owned()
            })
            .collect()
    }

    fn required(schema: &mut Value) -> &mut Vec<Value> {
        schema["required"].as_array_mut().unwrap()
    }

    #[test]
    fn every_event_has_a_schema() {
        let kinds: Vec<&str> = current().iter().map(|it| it.kind).collect();
        assert_eq!(kinds, Event::VERSIONS.map(|(kind, _)| kind));
    }

    #[test]
    fn the_example_of_a_schema_is_read() {
        for current in current() {
            let schema = current.written(None).unwrap();
            assert_eq!(unread(&current.name(), &schema), [""; 0], "{schema}");
        }
    }

    #[test]
    fn a_field_that_is_removed_or_has_another_type_breaks() {
        assert_eq!(breaks_of(|_| {}), [""; 0]);
        let found = breaks_of(|before| {
            before["properties"]["reason"] = json!({ "type": "string" });
            required(before).push(json!("reason"));
        });
        assert_eq!(found, ["reason: it is gone"]);
        let found = breaks_of(|before| before["properties"]["version"]["type"] = json!("string"));
        assert_eq!(
            found,
            [
                "version: it may be of the type integer now",
                "version: it may not be of the type string any more"
            ]
        );
    }

    #[test]
    fn a_field_that_is_added_must_be_optional() {
        let found = breaks_of(|before| {
            before["properties"].as_object_mut().unwrap().remove("what");
            required(before).retain(|name| name != "what");
        });
        assert_eq!(found, ["what: it is required now"]);
        // As the trace was, when it was added.
        let found = breaks_of(|before| {
            before["properties"]
                .as_object_mut()
                .unwrap()
                .remove("traceparent");
            before["properties"]
                .as_object_mut()
                .unwrap()
                .remove("schema_version");
            required(before).retain(|name| name != "schema_version");
        });
        assert_eq!(found, [""; 0]);
    }

    #[test]
    fn values_may_be_added_and_not_removed() {
        let without_first = |before: &mut Value| {
            drop(
                before["properties"]["what"]["oneOf"]
                    .as_array_mut()
                    .unwrap()
                    .remove(0),
            )
        };
        assert_eq!(breaks_of(without_first), [""; 0]);
        let with_another = |before: &mut Value| {
            before["properties"]["what"]["oneOf"]
                .as_array_mut()
                .unwrap()
                .push(json!({ "const": "lost" }));
        };
        assert_eq!(
            breaks_of(with_another),
            ["what: it may not be `lost` any more"]
        );
    }

    #[test]
    fn an_example_that_is_not_read_is_found() {
        let name = "order_placed.v2.json";
        let problem = |examples: Value| {
            unread(name, &json!({ "examples": examples }))
                .pop()
                .unwrap_or_default()
        };
        assert_eq!(
            problem(json!([])),
            format!("{FOLDER}/{name} has no example")
        );
        let mut example = example(&of_kind("order_placed").sent);
        assert_eq!(problem(json!([example])), "");
        example["schema_version"] = json!(2);
        assert!(
            problem(json!([example])).contains("unknown version 2"),
            "{}",
            problem(json!([example]))
        );
        example["schema_version"] = json!(1);
        example["order_id"] = json!("ord_5t0rce3vwq8x4h2yjz9n6kdpga");
        assert!(problem(json!([example])).contains("is not read"));
    }

    #[test]
    fn schemas_are_written_unless_that_hides_a_break() {
        let root = std::env::temp_dir().join(format!("stampede-events-{}", std::process::id()));
        let file = root.join(FOLDER).join("order_changed.v1.json");
        let read = || -> Value { serde_json::from_slice(&fs::read(&file).unwrap()).unwrap() };
        write(&root).unwrap();
        assert_eq!(findings(&root).unwrap(), [""; 0]);

        // An older form: its example stays beside the new one.
        let mut older = read();
        older["properties"]
            .as_object_mut()
            .unwrap()
            .remove("traceparent");
        older["examples"][0]
            .as_object_mut()
            .unwrap()
            .remove("traceparent");
        fs::write(&file, older.to_string()).unwrap();
        let found = findings(&root).unwrap();
        assert!(
            found.len() == 1 && found[0].contains("out of date"),
            "{found:?}"
        );
        write(&root).unwrap();
        assert_eq!(read()["examples"].as_array().unwrap().len(), 2);
        assert_eq!(findings(&root).unwrap(), [""; 0]);

        let mut broken = read();
        broken["properties"]["reason"] = json!({ "type": "string" });
        fs::write(&file, broken.to_string()).unwrap();
        assert!(
            write(&root)
                .unwrap_err()
                .to_string()
                .contains("reason: it is gone")
        );
        assert_eq!(read(), broken);
        fs::remove_dir_all(&root).unwrap();
    }
}

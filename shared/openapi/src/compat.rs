//! Finds what breaks clients of an earlier OpenAPI document, or readers of an earlier JSON schema.
//!
//! A response may get fields, and values that clients knew before. A request may get optional fields. Everything else that a
//! client of the earlier document would notice is a break. A keyword that this check does not know must stay as it is.

use std::{
    collections::BTreeSet,
    fmt::{self, Display},
};

use serde_json::{Map, Value};

/// Which way a body goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Clients write it: the shop has to accept whatever it accepted before.
    Request,
    /// Clients read it: the shop must not send what it did not send before.
    Response,
}

use Direction::{Request, Response};

/// Keywords that say nothing about values.
const ANNOTATIONS: [&str; 8] = [
    "$comment",
    "$id",
    "$schema",
    "deprecated",
    "description",
    "examples",
    "title",
    "format",
];
/// Keywords that are compared one by one.
const COMPARED: [&str; 10] = [
    "$ref",
    "additionalProperties",
    "anyOf",
    "const",
    "default",
    "enum",
    "items",
    "oneOf",
    "properties",
    "required",
];
/// Keywords of which a higher value allows less.
const LOWER_BOUNDS: [&str; 5] = [
    "exclusiveMinimum",
    "minItems",
    "minLength",
    "minProperties",
    "minimum",
];
/// Keywords of which a lower value allows less.
const UPPER_BOUNDS: [&str; 5] = [
    "exclusiveMaximum",
    "maxItems",
    "maxLength",
    "maxProperties",
    "maximum",
];
/// What of `released`, an OpenAPI document, `current` breaks. A difference within a named schema is told once, with its name.
pub fn breaks(released: &Value, current: &Value) -> Vec<String> {
    let mut check = Check::new(released, current);
    for (path, operations) in object(&released["paths"]) {
        for (method, before) in object(operations) {
            let place = Place::of(format!("{} {path}", method.to_uppercase()));
            match &current["paths"][path][method] {
                Value::Null => check.note(&place, "it is gone"),
                now => check.operation(&place, before, now),
            }
        }
    }
    check.found
}

/// What of the JSON schema `released` the schema `current` breaks for those who read what it describes (`Response`), or who
/// write it (`Request`).
pub fn schema_breaks(released: &Value, current: &Value, direction: Direction) -> Vec<String> {
    let mut check = Check::new(released, current);
    check.schema(&Place::default(), released, current, direction);
    check.found
}

/// Where a difference is.
#[derive(Clone, Debug, Default)]
struct Place {
    /// The operation and its part; empty for a schema alone.
    part: String,
    /// The field, such as `lines[].sku`; empty for the whole body.
    field: String,
}

impl Place {
    fn of(part: String) -> Self {
        Self {
            part,
            field: String::new(),
        }
    }

    fn part(&self, name: impl Display) -> Self {
        Self::of(format!("{}, {name}", self.part))
    }

    fn field(&self, name: &str) -> Self {
        let dot = if self.field.is_empty() { "" } else { "." };
        self.with(format!("{}{dot}{name}", self.field))
    }

    fn items(&self) -> Self {
        self.with(format!("{}[]", self.field))
    }

    fn with(&self, field: String) -> Self {
        Self {
            part: self.part.clone(),
            field,
        }
    }
}

impl Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let between = match self.part.is_empty() || self.field.is_empty() {
            true => "",
            false => ": ",
        };
        write!(formatter, "{}{between}{}", self.part, self.field)
    }
}

/// The comparison of two documents.
struct Check<'a> {
    released: &'a Value,
    current: &'a Value,
    found: Vec<String>,
    /// Forms of named schemas that were compared, each in one direction.
    compared: BTreeSet<String>,
}

impl<'a> Check<'a> {
    fn new(released: &'a Value, current: &'a Value) -> Self {
        Self {
            released,
            current,
            found: Vec::new(),
            compared: BTreeSet::new(),
        }
    }

    fn note(&mut self, place: &Place, what: &str) {
        let line = format!("{place}: {what}");
        if !self.found.contains(&line) {
            self.found.push(line);
        }
    }

    fn operation(&mut self, place: &Place, before: &Value, now: &Value) {
        let (before_by, now_by) = (alternatives(before), alternatives(now));
        for known in &before_by {
            // A further way to call it is none that callers need.
            if now_by.iter().any(|it| it.is_subset(known)) {
                continue;
            }
            for scheme in now_by.iter().flat_map(|it| it.difference(known)) {
                self.note(
                    place,
                    &format!("callers need a token of the kind `{scheme}` now"),
                );
            }
        }
        self.parameters(place, before, now);
        self.request(
            &place.part("request"),
            &before["requestBody"],
            &now["requestBody"],
        );
        for (status, response) in object(&before["responses"]) {
            let place = place.part(format_args!("response {status}"));
            match &now["responses"][status] {
                // Statuses that are named one by one may be fewer than all.
                Value::Null if status == "default" => {}
                Value::Null => self.note(&place, "it is gone"),
                now => {
                    let before = resolve(self.released, response);
                    let now = resolve(self.current, now);
                    self.contents(&place, &before["content"], &now["content"], Response);
                }
            }
        }
        for (status, response) in object(&now["responses"]) {
            if !before["responses"][status].is_null() {
                continue;
            }
            let place = place.part(format_args!("response {status}"));
            match &before["responses"]["default"] {
                // A client that asks whether it has the current version expects to hear so.
                _ if status == "304" => {}
                // One of those that the released document did not name one by one.
                default if !default.is_null() && status.starts_with(['4', '5']) => {
                    let before = resolve(self.released, default);
                    let now = resolve(self.current, response);
                    self.contents(&place, &before["content"], &now["content"], Response);
                }
                _ => self.note(&place, "it is new"),
            }
        }
    }

    fn parameters(&mut self, place: &Place, before: &Value, now: &Value) {
        for parameter in array(&before["parameters"]) {
            let (kind, name) = (&parameter["in"], text(&parameter["name"]));
            let place = place.part(format_args!("{} {name}", text(kind)));
            let Some(now) = find(now, kind, &name) else {
                self.note(&place, "it is gone");
                continue;
            };
            if now["required"] == true && parameter["required"] != true {
                self.note(&place, "it is required now");
            }
            self.schema(&place, &parameter["schema"], &now["schema"], Request);
        }
        for parameter in array(&now["parameters"]) {
            let (kind, name) = (&parameter["in"], text(&parameter["name"]));
            if parameter["required"] == true && find(before, kind, &name).is_none() {
                let place = place.part(format_args!("{} {name}", text(kind)));
                self.note(&place, "it is required now");
            }
        }
    }

    fn request(&mut self, place: &Place, before: &Value, now: &Value) {
        if now["required"] == true && before["required"] != true {
            self.note(place, "a body is required now");
        }
        match (before, now) {
            (Value::Null, _) => {}
            (_, Value::Null) => self.note(place, "no body is accepted any more"),
            (before, now) => self.contents(place, &before["content"], &now["content"], Request),
        }
    }

    fn contents(&mut self, place: &Place, before: &Value, now: &Value, direction: Direction) {
        for (media, before) in object(before) {
            match &now[media] {
                Value::Null => self.note(place, &format!("the media type {media} is gone")),
                now => self.schema(place, &before["schema"], &now["schema"], direction),
            }
        }
    }

    /// Compares a schema. In a response everything that is sent now must have been described before; in a request everything
    /// that was described before must be accepted now.
    fn schema(&mut self, place: &Place, before: &Value, now: &Value, direction: Direction) {
        let default =
            |schema: &Value| Some(schema.get("default")?.clone()).filter(|it| !it.is_null());
        if direction == Request
            && before.get("default").is_some()
            && default(before) != default(now)
        {
            self.note(place, "its default differs");
        }
        let before = forms(self.released, before);
        let now = forms(self.current, now);
        let (given, taken) = match direction {
            Request => (&before, &now),
            Response => (&now, &before),
        };
        for form in given {
            // Of several forms that may cover this one, the closest tells the differences.
            let tried = taken.iter().filter(|other| other.covers(form));
            let tried = tried.map(|other| {
                let (before, now) = match direction {
                    Request => (form, other),
                    Response => (other, form),
                };
                let mut check = Check::new(self.released, self.current);
                check.compared.clone_from(&self.compared);
                check.form(place, before, now, direction);
                check
            });
            let closest = tried.min_by_key(|check| check.found.len());
            let Some(closest) = closest else {
                let named = taken
                    .iter()
                    .any(|other| other.schema_name == form.schema_name);
                let place = match named {
                    true => form.place(place, direction),
                    false => place.clone(),
                };
                let what = match direction {
                    Request => format!("it may not be {} any more", form.name()),
                    Response => format!("it may be {} now", form.name()),
                };
                self.note(&place, &what);
                continue;
            };
            self.compared = closest.compared;
            for line in closest.found {
                if !self.found.contains(&line) {
                    self.found.push(line);
                }
            }
        }
    }

    /// Compares two forms of the same type.
    fn form(&mut self, place: &Place, before: &Form, now: &Form, direction: Direction) {
        let mut place = place.clone();
        if before.schema_name.is_some() && before.schema_name == now.schema_name {
            place = before.place(&place, direction);
            // Told before, or being told: a schema may contain itself.
            if !self.compared.insert(format!("{place} {}", before.name())) {
                return;
            }
        }
        let place = &place;
        let (given, taken) = match direction {
            Request => (before, now),
            Response => (now, before),
        };
        for (keyword, limit) in &taken.schema {
            let keyword = keyword.as_str();
            let given = given.schema.get(keyword);
            let holds = match keyword {
                "type" => true,
                _ if ANNOTATIONS.contains(&keyword) || COMPARED.contains(&keyword) => true,
                _ if LOWER_BOUNDS.contains(&keyword) => {
                    given.is_some_and(|given| number(given) >= number(limit))
                }
                _ if UPPER_BOUNDS.contains(&keyword) => {
                    given.is_some_and(|given| number(given) <= number(limit))
                }
                _ => given == Some(limit),
            };
            if !holds {
                let change = match direction {
                    Request => "allows less",
                    Response => "allows more",
                };
                self.note(place, &format!("its `{keyword}` {change} than before"));
            }
        }
        if before.kind.as_deref() == Some("array") && before.schema.contains_key("items") {
            let items = |form: &Form| {
                form.schema
                    .get("items")
                    .cloned()
                    .unwrap_or(Value::Bool(true))
            };
            self.schema(&place.items(), &items(before), &items(now), direction);
        }
        if before.kind.as_deref() == Some("object") {
            self.fields(place, before, now, direction);
        }
    }

    /// Compares the fields of two objects.
    fn fields(&mut self, place: &Place, before: &Form, now: &Form, direction: Direction) {
        for (name, field) in before.fields() {
            match now.field(name) {
                None => self.note(&place.field(name), "it is gone"),
                Some(now) => self.schema(&place.field(name), field, now, direction),
            }
            match direction {
                Request if now.requires(name) && !before.requires(name) => {
                    self.note(&place.field(name), "it is required now");
                }
                Response
                    if before.requires(name)
                        && !now.requires(name)
                        && now.field(name).is_some() =>
                {
                    self.note(&place.field(name), "it may be missing now");
                }
                _ => {}
            }
        }
        for (name, _) in now.fields() {
            if direction == Request && before.field(name).is_none() && now.requires(name) {
                self.note(&place.field(name), "it is required now");
            }
        }
        let others = |form: &Form| form.schema.get("additionalProperties").cloned();
        match (others(before), others(now)) {
            (None | Some(Value::Bool(true)), Some(Value::Bool(false))) if direction == Request => {
                self.note(place, "other fields are refused now");
            }
            (Some(before @ Value::Object(_)), Some(now @ Value::Object(_))) => {
                self.schema(&place.field("*"), &before, &now, direction);
            }
            (Some(Value::Object(_)), None | Some(Value::Bool(_))) if direction == Response => {
                self.note(&place.field("*"), "it may be anything now");
            }
            (None | Some(Value::Bool(_)), Some(Value::Object(_))) if direction == Request => {
                self.note(&place.field("*"), "it may not be anything any more");
            }
            _ => {}
        }
    }
}

/// One of the forms that a value may have: a schema of one type, without alternatives.
#[derive(Clone, Debug)]
struct Form {
    /// The JSON type; `None` for any.
    kind: Option<String>,
    /// The only value, if there is only one.
    value: Option<Value>,
    schema: Map<String, Value>,
    /// Name of the schema in the document's components, if it is one.
    schema_name: Option<String>,
}

impl Form {
    /// The place of differences within a named schema; `place` for others.
    fn place(&self, place: &Place, direction: Direction) -> Place {
        let Some(name) = &self.schema_name else {
            return place.clone();
        };
        Place::of(match direction {
            Request => format!("{name}, in requests"),
            Response => format!("{name}, in responses"),
        })
    }

    /// Whether values of the other form may have this one.
    fn covers(&self, other: &Self) -> bool {
        match &self.value {
            Some(value) => other.value.as_ref() == Some(value),
            None => match (self.kind.as_deref(), other.kind.as_deref()) {
                (None, _) => true,
                (Some("number"), Some("integer")) => true,
                (mine, others) => mine == others,
            },
        }
    }

    fn name(&self) -> String {
        match (&self.value, &self.kind) {
            (Some(value), _) => format!(
                "`{}`",
                value
                    .as_str()
                    .map_or_else(|| value.to_string(), str::to_owned)
            ),
            (None, Some(kind)) => format!("of the type {kind}"),
            (None, None) => "anything".to_owned(),
        }
    }

    fn fields(&self) -> impl Iterator<Item = (&String, &Value)> {
        self.schema
            .get("properties")
            .and_then(Value::as_object)
            .into_iter()
            .flatten()
    }

    fn field(&self, name: &str) -> Option<&Value> {
        self.schema.get("properties")?.get(name)
    }

    fn requires(&self, name: &str) -> bool {
        array(self.schema.get("required").unwrap_or(&Value::Null)).any(|required| required == name)
    }
}

/// The forms of a schema. Alternatives and lists of types are taken apart, references are followed.
fn forms(document: &Value, schema: &Value) -> Vec<Form> {
    let reference = schema["$ref"].as_str();
    let name = reference.and_then(|reference| reference.strip_prefix("#/components/schemas/"));
    let mut found = forms_of(document, resolve(document, schema));
    if let Some(name) = name {
        for form in &mut found {
            form.schema_name.get_or_insert_with(|| name.to_owned());
        }
    }
    found
}

fn forms_of(document: &Value, schema: &Value) -> Vec<Form> {
    let empty = Map::new();
    let schema = schema.as_object().unwrap_or(&empty);
    if let Some(parts) = schema.get("allOf").and_then(Value::as_array) {
        return forms_of(document, &merged(document, schema, parts));
    }
    for alternatives in ["oneOf", "anyOf"] {
        if let Some(alternatives) = schema.get(alternatives).and_then(Value::as_array) {
            let forms = alternatives.iter().map(|schema| forms(document, schema));
            return forms.flatten().collect();
        }
    }
    let form = |kind: Option<&Value>, value: Option<&Value>| Form {
        kind: kind.and_then(Value::as_str).map(str::to_owned),
        value: value.cloned(),
        schema: schema.clone(),
        schema_name: None,
    };
    let kind = schema.get("type");
    if let Some(values) = schema.get("enum").and_then(Value::as_array) {
        return values.iter().map(|value| form(None, Some(value))).collect();
    }
    if let Some(value) = schema.get("const") {
        return vec![form(kind, Some(value))];
    }
    match kind {
        Some(Value::Array(kinds)) => kinds.iter().map(|kind| form(Some(kind), None)).collect(),
        kind => vec![form(kind, None)],
    }
}

/// One schema in place of `allOf`: with the fields of all parts.
fn merged(document: &Value, schema: &Map<String, Value>, parts: &[Value]) -> Value {
    let mut whole = schema.clone();
    whole.remove("allOf");
    for part in parts {
        for (keyword, value) in object(resolve(document, part)) {
            match (whole.get_mut(keyword), value) {
                (Some(Value::Object(fields)), Value::Object(more)) => fields.extend(more.clone()),
                (Some(Value::Array(names)), Value::Array(more)) => names.extend(more.clone()),
                (Some(_), _) => {}
                (None, value) => drop(whole.insert(keyword.clone(), value.clone())),
            }
        }
    }
    Value::Object(whole)
}

/// Follows references within a document: `{"$ref": "#/components/schemas/Money"}`.
fn resolve<'a>(document: &'a Value, value: &'a Value) -> &'a Value {
    match value["$ref"]
        .as_str()
        .and_then(|reference| reference.strip_prefix('#'))
    {
        Some(pointer) => document
            .pointer(pointer)
            .map_or(value, |value| resolve(document, value)),
        None => value,
    }
}

/// The ways to call an operation, of which one is enough: each the kinds of tokens that it takes together.
fn alternatives(operation: &Value) -> Vec<BTreeSet<&str>> {
    let listed = operation["security"].as_array().into_iter().flatten();
    let ways: Vec<BTreeSet<&str>> = listed
        .map(|way| object(way).map(|(scheme, _)| scheme.as_str()).collect())
        .collect();
    match ways.is_empty() {
        // Anybody may.
        true => vec![BTreeSet::new()],
        false => ways,
    }
}

fn find<'a>(operation: &'a Value, kind: &Value, name: &str) -> Option<&'a Value> {
    array(&operation["parameters"]).find(|it| it["in"] == *kind && it["name"] == name)
}

fn number(value: &Value) -> Option<i64> {
    value.as_i64()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn array(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn object(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// A document with one operation, whose request and response have these schemas.
    fn document(request: &Value, response: &Value) -> Value {
        json!({
            "paths": { "/v1/tees/{sku}": { "put": {
                "parameters": [
                    { "name": "sku", "in": "path", "required": true, "schema": { "type": "string" } },
                    { "name": "sort", "in": "query", "required": false, "schema": { "type": "string" } },
                ],
                "requestBody": { "required": false, "content": { "application/json": { "schema": request } } },
                "responses": {
                    "200": { "content": { "application/json": { "schema": response } } },
                    "default": { "$ref": "#/components/responses/Problem" },
                },
            } } },
            "components": {
                "responses": { "Problem": { "content": { "application/problem+json": {
                    "schema": { "$ref": "#/components/schemas/Problem" },
                } } } },
                "schemas": {
                    "Problem": {
                        "type": "object",
                        "properties": { "code": { "type": "string" } },
                        "required": ["code"],
                    },
                    "Tee": tee(),
                },
            },
        })
    }

    fn tee() -> Value {
        json!({
            "type": "object",
            "properties": {
                "sku": { "type": "string", "pattern": "^T", "maxLength": 9 },
                "size": { "oneOf": [{ "const": "S", "type": "string" }, { "const": "M", "type": "string" }] },
                "note": { "type": ["string", "null"], "default": null },
                "parts": { "type": "array", "items": { "type": "object", "properties": { "n": { "type": "integer", "minimum": 1 } } } },
                "labels": { "type": "object", "additionalProperties": { "type": "string" } },
            },
            "required": ["sku", "size"],
        })
    }

    fn released() -> Value {
        let tee = json!({ "$ref": "#/components/schemas/Tee" });
        document(&tee, &tee)
    }

    /// The breaks of an edit of the whole document.
    fn after(edit: impl FnOnce(&mut Value)) -> Vec<String> {
        let mut current = released();
        edit(&mut current);
        breaks(&released(), &current)
    }

    /// The breaks of an edit of the schema, by the way that the body goes: without the places where they are.
    fn of_tee(edit: impl Fn(&mut Value)) -> (Vec<String>, Vec<String>) {
        let found = after(|document| edit(&mut document["components"]["schemas"]["Tee"]));
        let of = |way: &str| {
            let start = format!("Tee, in {way}");
            let lines = found.iter().filter_map(|line| line.strip_prefix(&start));
            lines
                .map(|line| line.trim_start_matches(": ").to_owned())
                .collect()
        };
        (of("requests"), of("responses"))
    }

    fn remove(from: &mut Value, name: &str) {
        from.as_object_mut().unwrap().remove(name);
    }

    #[test]
    fn the_same_document_breaks_nothing() {
        assert_eq!(after(|_| {}), [""; 0]);
    }

    #[test]
    fn what_is_added_breaks_nothing() {
        let found = after(|document| {
            let tee = &mut document["components"]["schemas"]["Tee"];
            tee["properties"]["colour"] = json!({ "type": "string" });
            tee["description"] = json!("A tee.");
            let operation = document["paths"]["/v1/tees/{sku}"]["put"].clone();
            document["paths"]["/v1/mugs"] = json!({ "get": operation });
            document["paths"]["/v1/tees/{sku}"]["get"] = operation;
        });
        assert_eq!(found, [""; 0]);
    }

    #[test]
    fn operations_must_stay() {
        let paths = |edit: fn(&mut Value)| after(|document| edit(&mut document["paths"]));
        assert_eq!(
            paths(|paths| remove(paths, "/v1/tees/{sku}")),
            ["PUT /v1/tees/{sku}: it is gone"]
        );
        assert_eq!(
            paths(|paths| {
                let operation = paths["/v1/tees/{sku}"]["put"].take();
                paths["/v1/tees/{sku}"] = json!({ "patch": operation });
            }),
            ["PUT /v1/tees/{sku}: it is gone"]
        );
    }

    #[test]
    fn an_operation_asks_for_nothing_more() {
        let operation = |edit: fn(&mut Value)| {
            after(|document| edit(&mut document["paths"]["/v1/tees/{sku}"]["put"]))
        };
        let place = "PUT /v1/tees/{sku}";
        assert_eq!(
            operation(|it| it["security"] = json!([{ "staff": [] }])),
            [format!(
                "{place}: callers need a token of the kind `staff` now"
            )]
        );
        // A further way, or anybody: nothing is needed.
        for ways in [json!([{}, { "staff": [] }]), json!([])] {
            let found = after(|document| {
                document["paths"]["/v1/tees/{sku}"]["put"]["security"] = ways.clone();
            });
            assert_eq!(found, [""; 0], "{ways}");
        }
        assert_eq!(
            operation(|it| it["requestBody"]["required"] = json!(true)),
            [format!("{place}, request: a body is required now")]
        );
        assert_eq!(
            operation(|it| remove(it, "requestBody")),
            [format!("{place}, request: no body is accepted any more")]
        );
        assert_eq!(
            operation(|it| it["parameters"][1]["required"] = json!(true)),
            [format!("{place}, query sort: it is required now")]
        );
        assert_eq!(
            operation(|it| {
                let header = json!({ "name": "If-Match", "in": "header", "required": true, "schema": { "type": "string" } });
                it["parameters"].as_array_mut().unwrap().push(header);
            }),
            [format!("{place}, header If-Match: it is required now")]
        );
        assert_eq!(
            operation(|it| {
                it["parameters"].as_array_mut().unwrap().pop();
            }),
            [format!("{place}, query sort: it is gone")]
        );
        assert_eq!(
            operation(|it| {
                let ok = it["responses"]["200"].take();
                it["responses"] = json!({ "201": ok, "default": it["responses"]["default"] });
            }),
            [
                format!("{place}, response 200: it is gone"),
                format!("{place}, response 201: it is new"),
            ]
        );
        // The statuses that `default` stood for, one by one; then one of another form.
        assert_eq!(
            operation(|it| {
                let problem = it["responses"]["default"].take();
                let ok = it["responses"]["200"].take();
                let unchanged = json!({ "description": "…" });
                it["responses"] =
                    json!({ "200": ok, "304": unchanged, "404": problem, "503": problem });
            }),
            [""; 0]
        );
        assert_eq!(
            operation(|it| {
                let ok = it["responses"]["200"].take();
                it["responses"] = json!({ "200": ok, "404": { "description": "…" } });
            }),
            [format!(
                "{place}, response 404: the media type application/problem+json is gone"
            )]
        );
        assert_eq!(
            operation(|it| {
                let body = it["responses"]["200"]["content"]["application/json"].take();
                it["responses"]["200"]["content"] = json!({ "text/csv": body });
            }),
            [format!(
                "{place}, response 200: the media type application/json is gone"
            )]
        );
    }

    #[test]
    fn a_problem_is_a_response_too() {
        let found = after(|document| {
            document["components"]["schemas"]["Problem"]["required"] = json!([]);
        });
        assert_eq!(
            found,
            ["Problem, in responses: code: it may be missing now"]
        );
    }

    #[test]
    fn a_field_must_stay() {
        let gone = vec!["note: it is gone".to_owned()];
        assert_eq!(
            of_tee(|tee| remove(&mut tee["properties"], "note")),
            (gone.clone(), gone)
        );
        let renamed = vec!["parts[].n: it is gone".to_owned()];
        let (request, response) = of_tee(|tee| {
            tee["properties"]["parts"]["items"]["properties"] =
                json!({ "m": { "type": "integer" } });
        });
        assert_eq!((request, response), (renamed.clone(), renamed));
    }

    #[test]
    fn a_required_field_stays_required_in_responses_only() {
        let (request, response) = of_tee(|tee| tee["required"] = json!(["sku"]));
        assert_eq!(
            (request, response),
            (vec![], vec!["size: it may be missing now".to_owned()])
        );
        let (request, response) = of_tee(|tee| tee["required"] = json!(["sku", "size", "note"]));
        assert_eq!(
            (request, response),
            (vec!["note: it is required now".to_owned()], vec![])
        );
        let (request, response) = of_tee(|tee| {
            tee["properties"]["colour"] = json!({ "type": "string" });
            tee["required"] = json!(["sku", "size", "colour"]);
        });
        assert_eq!(
            (request, response),
            (vec!["colour: it is required now".to_owned()], vec![])
        );
    }

    #[test]
    fn a_type_must_stay() {
        let (request, response) =
            of_tee(|tee| tee["properties"]["sku"] = json!({ "type": "integer" }));
        assert_eq!(request, ["sku: it may not be of the type string any more"]);
        assert_eq!(response, ["sku: it may be of the type integer now"]);
        // A field that may be null is no break for those who send it.
        let (request, response) = of_tee(|tee| {
            tee["properties"]["sku"]["type"] = json!(["string", "null"]);
        });
        assert_eq!(request, [""; 0]);
        assert_eq!(response, ["sku: it may be of the type null now"]);
        let (request, response) = of_tee(|tee| tee["properties"]["note"]["type"] = json!("string"));
        assert_eq!(request, ["note: it may not be of the type null any more"]);
        assert_eq!(response, [""; 0]);
        let (_, response) = of_tee(|tee| {
            tee["properties"]["labels"]["additionalProperties"] = json!({ "type": "integer" });
        });
        assert_eq!(response, ["labels.*: it may be of the type integer now"]);
        let (request, response) = of_tee(|tee| {
            tee["properties"]["parts"]["items"]["properties"]["n"]["type"] = json!("number");
        });
        assert_eq!(request, [""; 0]);
        assert_eq!(response, ["parts[].n: it may be of the type number now"]);
    }

    #[test]
    fn the_values_of_a_response_do_not_grow_nor_those_of_a_request_shrink() {
        let sizes = |sizes: &[&str]| -> Value {
            sizes.iter().map(|size| json!({ "const": size })).collect()
        };
        let (request, response) =
            of_tee(|tee| tee["properties"]["size"]["oneOf"] = sizes(&["S", "M", "L"]));
        assert_eq!(
            (request, response),
            (vec![], vec!["size: it may be `L` now".to_owned()])
        );
        let (request, response) = of_tee(|tee| tee["properties"]["size"]["oneOf"] = sizes(&["S"]));
        assert_eq!(
            (request, response),
            (vec!["size: it may not be `M` any more".to_owned()], vec![])
        );
        let (request, response) =
            of_tee(|tee| tee["properties"]["size"] = json!({ "enum": ["S", "M"] }));
        assert_eq!((request, response), (vec![], vec![]));
    }

    #[test]
    fn limits_of_a_response_do_not_grow_nor_those_of_a_request_shrink() {
        let sku = |keyword: &'static str, limit: Value| {
            of_tee(move |tee| tee["properties"]["sku"][keyword] = limit.clone())
        };
        assert_eq!(
            sku("maxLength", json!(10)),
            (
                vec![],
                vec!["sku: its `maxLength` allows more than before".to_owned()]
            )
        );
        assert_eq!(
            sku("maxLength", json!(8)),
            (
                vec!["sku: its `maxLength` allows less than before".to_owned()],
                vec![]
            )
        );
        assert_eq!(
            sku("minLength", json!(1)),
            (
                vec!["sku: its `minLength` allows less than before".to_owned()],
                vec![]
            )
        );
        let (request, response) = sku("pattern", json!("^U"));
        assert_eq!(request, ["sku: its `pattern` allows less than before"]);
        assert_eq!(response, ["sku: its `pattern` allows more than before"]);
        // One that this check does not know must stay as well.
        assert_eq!(
            sku("not", json!({})),
            (
                vec!["sku: its `not` allows less than before".to_owned()],
                vec![]
            )
        );
        let (request, _) = of_tee(|tee| tee["additionalProperties"] = json!(false));
        assert_eq!(request, ["other fields are refused now"]);
        let (request, response) =
            of_tee(|tee| tee["properties"]["note"]["default"] = json!("none"));
        assert_eq!(
            (request, response),
            (vec!["note: its default differs".to_owned()], vec![])
        );
    }

    #[test]
    fn a_schema_may_contain_itself_and_is_told_once() {
        let tree = |extra: &str| {
            let tree = json!({
                "type": "object",
                "properties": {
                    "children": { "type": "array", "items": { "$ref": "#/components/schemas/Tree" } },
                    "parent": { "anyOf": [{ "$ref": "#/components/schemas/Tree" }, { "type": "null" }] },
                    extra: { "type": "string" },
                },
            });
            let mut document = document(
                &json!({ "type": "object" }),
                &json!({ "$ref": "#/components/schemas/Tree" }),
            );
            document["components"]["schemas"]["Tree"] = tree;
            document
        };
        assert_eq!(breaks(&tree("a"), &tree("a")), [""; 0]);
        assert_eq!(
            breaks(&tree("a"), &tree("b")),
            ["Tree, in responses: a: it is gone"]
        );
        let mut other = tree("a");
        other["components"]["schemas"]["Tree"]["properties"]["parent"] =
            json!({ "$ref": "#/components/schemas/Tree" });
        // The parent is always there now, which readers can take.
        assert_eq!(breaks(&tree("a"), &other), [""; 0]);
        assert_eq!(
            breaks(&other, &tree("a")),
            ["Tree, in responses: parent: it may be of the type null now"]
        );
    }

    #[test]
    fn parts_of_a_schema_count_as_one() {
        let part = |name: &str| json!({ "type": "object", "properties": { name: { "type": "string" } }, "required": [name] });
        let whole = json!({ "allOf": [part("a"), part("b")] });
        assert_eq!(schema_breaks(&whole, &whole, Response), [""; 0]);
        assert_eq!(
            schema_breaks(&whole, &part("a"), Response),
            ["b: it is gone"]
        );
        assert_eq!(
            schema_breaks(&part("a"), &whole, Request),
            ["b: it is required now"]
        );
    }

    #[test]
    fn a_default_must_stay() {
        let with = |default: bool| json!({ "type": "boolean", "default": default });
        let found = |direction| schema_breaks(&with(false), &with(true), direction);
        assert_eq!(found(Request), [": its default differs"]);
        assert_eq!(found(Response), [""; 0]);
    }
}

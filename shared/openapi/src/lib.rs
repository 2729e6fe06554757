//! Generates the OpenAPI 3.1 document from the types of the endpoints. `cargo xtask openapi` writes
//! `web/openapi.json`; a test checks that the committed file is current.

pub mod compat;
pub mod events;
pub mod released;

use std::collections::BTreeSet;

use runtime::{Access, Body, Endpoint, Problem};
use schemars::{JsonSchema, SchemaGenerator, generate::SchemaSettings};
use serde_json::{Map, Value, json};

include!(concat!(env!("OUT_DIR"), "/endpoints.rs"));

/// A route of `template.yaml`, with the summary from the source of its function.
struct Route {
    method: &'static str,
    path: &'static str,
    function: &'static str,
    context: &'static str,
    summary: &'static str,
}

/// The document under construction. Requests and responses have a generator each: a field that may be left
/// out of a request can be in every response, and the other way round.
struct Document {
    sent: SchemaGenerator,
    received: SchemaGenerator,
    paths: Map<String, Value>,
}

/// Generates the document. The output is deterministic.
pub fn document() -> Value {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.definitions_path = "/components/schemas".into();
        settings.meta_schema = None;
    });
    let mut document = Document {
        sent: settings.clone().for_deserialize().into_generator(),
        received: settings.for_serialize().into_generator(),
        paths: Map::new(),
    };
    add_all(&mut document);
    let problem = document.received.subschema_for::<Problem>();
    let mut schemas = document.sent.take_definitions(true);
    for (name, schema) in document.received.take_definitions(true) {
        let known = schemas.insert(name.clone(), schema.clone());
        // A type that is sent in one form and received in another would need two names.
        assert!(
            known.is_none_or(|known| known == schema),
            "{name} is sent in one form and received in another"
        );
    }
    schemas.sort_keys();
    let problem = json!({
        "description": "The request was rejected or failed; `code` gives the reason.",
        "content": { "application/problem+json": { "schema": problem } },
    });
    let mut limited = problem.clone();
    limited["description"] =
        json!("Too many requests of one caller (`rate_limited`), or of all callers together.");
    limited["headers"] = json!({ "Retry-After": {
        "description": "Seconds to wait at least; missing if the gateway has refused the request.",
        "schema": { "type": "integer", "minimum": 1 },
    } });
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Stampede",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Commerce that survives its own launch. Amounts are in minor units, times in UTC.",
            "license": { "name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0" },
        },
        "servers": [{ "url": "/" }],
        "paths": document.paths,
        "components": {
            "schemas": schemas,
            "responses": { "Problem": problem, "RateLimited": limited },
            "securitySchemes": {
                "person": {
                    "type": "http",
                    "scheme": "bearer",
                    "bearerFormat": "JWT",
                    "description": "The access token of a person who is signed in.",
                },
                "session": {
                    "type": "apiKey",
                    "in": "cookie",
                    "name": "__Host-session",
                    "description": "The same as a cookie, from a page of the shop.",
                },
                "staff": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "The access token of staff, an API key, or a staff token signed by hand. The scope is the permission that it needs.",
                },
                "token": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "The access token returned when the order was placed.",
                },
            },
        },
    })
}

impl Document {
    fn add<E: Endpoint>(&mut self, route: &Route) {
        let mut parameters = self.parameters::<E::Path>("path");
        parameters.extend(self.parameters::<E::Query>("query"));
        if E::IDEMPOTENCY_KEY || E::IDEMPOTENCY_KEY_OPTIONAL {
            parameters.push(json!({
                "name": "Idempotency-Key",
                "in": "header",
                "required": E::IDEMPOTENCY_KEY,
                "description": "A new UUID for each new request, the same UUID for each retry.",
                "schema": { "type": "string", "minLength": 1, "maxLength": 255 },
            }));
        }
        if E::IF_MATCH {
            parameters.push(json!({
                "name": "If-Match",
                "in": "header",
                "required": E::IF_MATCH_REQUIRED,
                "description": "The `ETag` of the state that the request replaces; with another state, it is rejected.",
                "schema": { "type": "string" },
            }));
        }
        let answer = match E::SUCCESS {
            204 => Value::Null,
            _ => self.received.subschema_for::<E::Response>().to_value(),
        };
        let has_parameters = !parameters.is_empty();
        let mut operation = json!({
            "operationId": route.function,
            "tags": [route.context],
            "summary": route.summary,
            "parameters": parameters,
            "responses": {
                E::SUCCESS.to_string(): {
                    "description": "Success.",
                    "content": { "application/json": { "schema": answer } },
                },
            },
        });
        if E::SUCCESS == 204 {
            operation["responses"]["204"] = json!({ "description": "Success, without a body." });
        }
        let mut problem = json!({ "$ref": "#/components/responses/Problem" });
        if route.method == "HEAD" {
            // The headers of the read, without its body.
            operation["operationId"] = json!(format!("head-{}", route.function));
            operation["responses"] = json!({
                E::SUCCESS.to_string(): { "description": "Success, without a body." },
            });
            problem = json!({ "description": "The status of the problem, without its body." });
        }
        for status in problem_statuses::<E>(route, has_parameters) {
            operation["responses"][status.to_string()] = problem.clone();
        }
        if !E::LIMITS.is_empty() {
            operation["responses"]["429"] = json!({ "$ref": "#/components/responses/RateLimited" });
        }
        if READS.contains(&route.method) {
            let unchanged = json!({ "description": "The client has the current version: its `If-None-Match` names it." });
            operation["responses"]["304"] = unchanged;
        }
        if let Some(required) = <E::Body as Body>::REQUIRED {
            let schema = self.sent.subschema_for::<<E::Body as Body>::Json>();
            operation["requestBody"] = json!({ "required": required, "content": {} });
            for media_type in <E::Body as Body>::MEDIA_TYPES {
                operation["requestBody"]["content"][*media_type] = json!({ "schema": schema });
            }
        }
        match E::ACCESS {
            Access::Public => {}
            Access::Guest => {
                operation["security"] = json!([{}, { "person": [] }, { "session": [] }])
            }
            Access::Token => {
                operation["security"] =
                    json!([{ "token": [] }, { "person": [] }, { "session": [] }]);
            }
            Access::Person => operation["security"] = json!([{ "person": [] }, { "session": [] }]),
            // Scopes of a scheme other than OAuth name what a caller needs (OpenAPI 3.1).
            Access::Staff(permission) => {
                let needs = [permission.name()];
                operation["security"] = json!([{ "staff": needs }, { "session": needs }]);
            }
        }
        let path = self.paths.entry(route.path).or_insert_with(|| json!({}));
        path[route.method.to_lowercase()] = operation;
    }

    /// Converts the fields of a type to parameters.
    fn parameters<T: JsonSchema>(&mut self, place: &str) -> Vec<Value> {
        let schema = T::json_schema(&mut self.sent).to_value();
        let required = schema["required"].as_array().cloned().unwrap_or_default();
        let fields = schema["properties"]
            .as_object()
            .cloned()
            .unwrap_or_default();
        fields
            .into_iter()
            .map(|(name, mut field)| {
                let description = field
                    .as_object_mut()
                    .and_then(|field| field.remove("description"));
                json!({
                    "name": name,
                    "in": place,
                    "required": place == "path" || required.contains(&json!(name)),
                    "description": description,
                    "schema": field,
                })
            })
            .collect()
    }
}

/// Methods that change nothing.
const READS: [&str; 2] = ["GET", "HEAD"];

/// Statuses of the problems that a route may respond with: those of the gateway and of every function, and
/// those that follow from what the route accepts.
fn problem_statuses<E: Endpoint>(route: &Route, has_parameters: bool) -> BTreeSet<u16> {
    let has_body = <E::Body as Body>::REQUIRED.is_some();
    let mut statuses = BTreeSet::from([400, 403, 429, 500, 503]);
    if has_parameters {
        statuses.extend([404, 422]);
    }
    if has_body {
        statuses.extend([404, 413, 415, 422]);
    }
    if !READS.contains(&route.method) {
        statuses.insert(409);
    }
    if E::IF_MATCH {
        statuses.insert(412);
    }
    if E::IF_MATCH_REQUIRED {
        statuses.insert(428);
    }
    match E::ACCESS {
        Access::Public if !E::CREDENTIALS => {}
        Access::Public | Access::Guest | Access::Token | Access::Staff(_) => {
            statuses.insert(401);
        }
        // Somebody's own resource need not exist.
        Access::Person => statuses.extend([401, 404]),
    }
    statuses
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Names the schema of a body.
    fn schema(content: &Value) -> &str {
        if content["content"].is_null() {
            return "without a body";
        }
        let reference = content["content"]["application/json"]["schema"]["$ref"].as_str();
        reference.map_or("a schema of its own", |reference| {
            reference.trim_start_matches("#/components/schemas/")
        })
    }

    /// Kind of fault: a limit that the document and the settings have, and no request meets.
    #[test]
    fn declared_limits_are_checked() {
        let functions = concat!(env!("CARGO_MANIFEST_DIR"), "/../../functions");
        let sources = local::files::with_extension(functions.as_ref(), "rs").unwrap();
        let mut declared = BTreeSet::new();
        for source in sources {
            let text = std::fs::read_to_string(&source).unwrap();
            let list = text.split("const LIMITS: ").nth(1);
            let list = list.and_then(|rest| rest.split("= &[").nth(1)?.split(']').next());
            for name in list.into_iter().flat_map(|list| list.split(',')) {
                let name = name.trim().trim_start_matches('&');
                let is_checked = ["check", "count", "rule"]
                    .iter()
                    .any(|call| text.contains(&format!(".{call}(&{name}, ")));
                assert!(is_checked, "{}: {name}", source.display());
                declared.insert(name.to_lowercase());
            }
        }
        let all = domain::limits::ALL
            .iter()
            .map(|limit| limit.name.to_owned());
        assert_eq!(declared, all.collect());
    }

    /// The routes with callers, parameters and schemas, and the names of all schemas. The document
    /// itself is `web/openapi.json`.
    #[test]
    fn overview() {
        let document = document();
        let mut text = String::new();
        for (path, operations) in document["paths"].as_object().unwrap() {
            for (method, operation) in operations.as_object().unwrap() {
                let caller = operation["security"][0].as_object();
                let caller = caller.and_then(|caller| caller.keys().next());
                let caller = caller.map_or("public", String::as_str);
                text += &format!("{} {path}, {caller}\n", method.to_uppercase());
                for parameter in operation["parameters"].as_array().unwrap() {
                    let need = match parameter["required"].as_bool() {
                        Some(true) => "required",
                        _ => "optional",
                    };
                    let (place, name) = (&parameter["in"], &parameter["name"]);
                    let text_of = |value: &Value| value.as_str().unwrap_or_default().to_owned();
                    text += &format!("  {} {}, {need}\n", text_of(place), text_of(name));
                }
                let body = &operation["requestBody"];
                if body.is_object() {
                    text += &format!("  body {}\n", schema(body));
                }
                let responses = operation["responses"].as_object().unwrap();
                let (successes, problems): (Vec<_>, Vec<_>) = responses
                    .iter()
                    .partition(|(status, _)| status.starts_with('2'));
                for (status, response) in successes {
                    text += &format!("  {status} {}\n", schema(response));
                }
                let problems: Vec<_> = problems
                    .into_iter()
                    .map(|(status, _)| status.as_str())
                    .collect();
                text += &format!("  {}\n", problems.join(" "));
            }
        }
        text += "\nSchemas\n";
        for name in document["components"]["schemas"]
            .as_object()
            .unwrap()
            .keys()
        {
            text += &format!("  {name}\n");
        }
        insta::assert_snapshot!(text);
    }
}

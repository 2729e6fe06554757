//! The functions' policies on the table, enforced as IAM does, so that a permission that is missing is seen before a deployment.
//!
//! Each function has an endpoint of its own. Requests to the common one, such as those of tests and tools, may do everything, as an
//! administrator may.

use std::{
    collections::BTreeMap,
    sync::{Arc, OnceLock},
};

use serde_json::Value;

use crate::{ACCOUNT, REGION, template::Function};

/// The table's partition key, which `dynamodb:LeadingKeys` compares.
const PARTITION: &str = "PK";

/// The policies of all functions. Until they are [set](Policies::set), everything is allowed.
#[derive(Clone, Default)]
pub(crate) struct Policies(Arc<OnceLock<BTreeMap<String, Vec<Statement>>>>);

/// What a statement allows.
struct Statement {
    actions: Vec<String>,
    resources: Vec<String>,
    /// Patterns, one of which each key must match; without them, requests with any keys and with none are allowed.
    keys: Option<Vec<String>>,
}

/// An action that a request takes. A transaction takes several, each with all its keys.
#[derive(Debug, PartialEq, Eq)]
struct Taken {
    action: String,
    table: String,
    keys: Vec<String>,
}

impl Policies {
    /// Takes the policies of these functions. Only the first call has an effect.
    pub(crate) fn set(&self, functions: &[Function]) {
        let of = |function: &Function| {
            let statements = function.statements.iter().filter_map(Statement::of);
            (function.binary.clone(), statements.collect())
        };
        self.0.get_or_init(|| functions.iter().map(of).collect());
    }

    /// Why the request of this function is refused, if it is; `""` stands for the common endpoint.
    pub(crate) fn refusal(&self, caller: &str, operation: &str, body: &str) -> Option<String> {
        let functions = self.0.get().filter(|_| !caller.is_empty())?;
        let statements = functions.get(caller).map_or(&[][..], Vec::as_slice);
        // What cannot be read is refused for that.
        let request = serde_json::from_str(body).ok()?;
        let refused = taken(operation, &request)
            .into_iter()
            .find(|taken| !statements.iter().any(|statement| statement.allows(taken)))?;
        Some(format!(
            "User: {caller} is not authorized to perform: {} on table {} with the partition keys {:?} \
             because no statement of its policies in functions/*/template.yaml allows it for all of them",
            refused.action, refused.table, refused.keys,
        ))
    }
}

impl Statement {
    /// Reads a statement on DynamoDB; one with a condition that is not known here allows nothing.
    fn of(statement: &Value) -> Option<Self> {
        let keys = match &statement["Condition"] {
            Value::Null => None,
            condition => {
                let conditions = condition.as_object()?;
                let keys = &condition["ForAllValues:StringLike"]["dynamodb:LeadingKeys"];
                let must_have_keys = condition["Null"]["dynamodb:LeadingKeys"] == "false";
                (conditions.len() == 2 && must_have_keys).then_some(())?;
                Some(texts(keys))
            }
        };
        (statement["Effect"] == "Allow").then(|| Self {
            actions: texts(&statement["Action"]),
            resources: texts(&statement["Resource"]),
            keys,
        })
    }

    fn allows(&self, taken: &Taken) -> bool {
        let table = format!("arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{}", taken.table);
        let has_keys = |patterns: &Vec<String>| {
            let matches = |key| patterns.iter().any(|pattern| is_like(key, pattern));
            !taken.keys.is_empty() && taken.keys.iter().all(|key| matches(key))
        };
        self.actions.contains(&taken.action)
            && self.resources.contains(&table)
            && self.keys.as_ref().is_none_or(has_keys)
    }
}

/// The actions that a request takes.
fn taken(operation: &str, request: &Value) -> Vec<Taken> {
    let action = |name: &str, table: &str, keys: Vec<String>| Taken {
        action: format!("dynamodb:{name}"),
        table: table.rsplit('/').next().unwrap_or_default().to_owned(),
        keys,
    };
    let table = request["TableName"].as_str().unwrap_or_default();
    match operation {
        "GetItem" | "UpdateItem" | "DeleteItem" | "PutItem" => {
            vec![action(operation, table, vec![key(request)])]
        }
        "Query" => vec![action(operation, table, vec![queried_key(request)])],
        "BatchGetItem" => each(&request["RequestItems"])
            .map(|(table, wanted)| {
                let keys = list(&wanted["Keys"]).map(key_in);
                action(operation, table, keys.collect())
            })
            .collect(),
        "BatchWriteItem" => each(&request["RequestItems"])
            .map(|(table, writes)| {
                let writes =
                    list(writes).flat_map(|write| each(write).map(|(_, write)| key(write)));
                action(operation, table, writes.collect())
            })
            .collect(),
        "TransactWriteItems" | "TransactGetItems" => {
            let mut parts: BTreeMap<(&str, &str), Vec<String>> = BTreeMap::new();
            for (kind, part) in list(&request["TransactItems"]).flat_map(each) {
                let name = match kind {
                    "Put" => "PutItem",
                    "Update" => "UpdateItem",
                    "Delete" => "DeleteItem",
                    "ConditionCheck" => "ConditionCheckItem",
                    _ => "GetItem",
                };
                let table = part["TableName"].as_str().unwrap_or_default();
                parts.entry((name, table)).or_default().push(key(part));
            }
            let taken = |((name, table), keys)| action(name, table, keys);
            parts.into_iter().map(taken).collect()
        }
        _ => vec![action(operation, table, Vec::new())],
    }
}

/// The partition key that an action on one item names.
fn key(part: &Value) -> String {
    match &part["Key"] {
        Value::Null => key_in(&part["Item"]),
        key => key_in(key),
    }
}

fn key_in(attributes: &Value) -> String {
    let key = attributes[PARTITION]["S"].as_str();
    key.unwrap_or_default().to_owned()
}

/// The partition key that a query's condition compares with a value.
fn queried_key(request: &Value) -> String {
    let condition = request["KeyConditionExpression"].as_str();
    let names = &request["ExpressionAttributeNames"];
    let comparisons = condition.unwrap_or_default().split(" AND ");
    let value = comparisons
        .filter_map(|comparison| comparison.split_once('='))
        .find(|(name, _)| {
            let name = name.trim();
            names[name].as_str().unwrap_or(name) == PARTITION
        })
        .map(|(_, value)| &request["ExpressionAttributeValues"][value.trim()]["S"]);
    let value = value.and_then(Value::as_str);
    value.unwrap_or_default().to_owned()
}

fn each(members: &Value) -> impl Iterator<Item = (&str, &Value)> {
    let members = members.as_object().into_iter().flatten();
    members.map(|(name, value)| (name.as_str(), value))
}

fn list(values: &Value) -> impl Iterator<Item = &Value> {
    values.as_array().into_iter().flatten()
}

/// The texts of a list, or the one that stands for a list of one.
fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::Array(values) => values.iter().flat_map(texts).collect(),
        value => value.as_str().map(ToOwned::to_owned).into_iter().collect(),
    }
}

/// Whether a text is like a pattern of `StringLike`, in which `*` stands for any text. Ours have it at the end only.
fn is_like(text: &str, pattern: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(start) => text.starts_with(start),
        None => text == pattern,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const TABLE: &str = "table";

    fn statement(actions: &[&str], keys: &[&str]) -> Value {
        json!({
            "Effect": "Allow",
            "Action": actions,
            "Resource": format!("arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{TABLE}"),
            "Condition": {
                "ForAllValues:StringLike": { "dynamodb:LeadingKeys": keys },
                "Null": { "dynamodb:LeadingKeys": "false" },
            },
        })
    }

    /// The policies of a function `f` with these statements.
    fn policies(statements: Vec<Value>) -> Policies {
        let policies = Policies::default();
        policies.set(&[Function {
            logical_id: "F".into(),
            binary: "f".into(),
            timeout: 10,
            memory: 256,
            environment: BTreeMap::new(),
            triggers: Vec::new(),
            statements,
        }]);
        policies
    }

    fn item(key: &str) -> Value {
        json!({ "PK": { "S": key }, "SK": { "S": "A" } })
    }

    #[test]
    fn requests_take_actions_with_their_keys() {
        let one = |key: &str| json!({ "TableName": TABLE, "Key": item(key) });
        let put = |key: &str| json!({ "TableName": TABLE, "Item": item(key) });
        let query = |condition: &str| {
            json!({
                "TableName": TABLE,
                "KeyConditionExpression": condition,
                "ExpressionAttributeNames": { "#pk": "PK" },
                "ExpressionAttributeValues": { ":pk": { "S": "A#1" }, ":sk": { "S": "B" } },
            })
        };
        let batch = json!({ "RequestItems": { TABLE: { "Keys": [item("A#1"), item("B#1")] } } });
        let writes = json!({ "RequestItems": { TABLE: [
            { "PutRequest": { "Item": item("A#1") } }, { "DeleteRequest": { "Key": item("B#1") } },
        ] } });
        let transaction = json!({ "TransactItems": [
            { "Put": put("A#1") }, { "Update": one("B#1") }, { "Put": put("C#1") },
            { "Delete": one("D#1") }, { "ConditionCheck": one("E#1") },
        ] });
        for (operation, request, expected) in [
            ("GetItem", one("A#1"), vec![("GetItem", vec!["A#1"])]),
            ("PutItem", put("A#1"), vec![("PutItem", vec!["A#1"])]),
            ("Query", query("PK = :pk"), vec![("Query", vec!["A#1"])]),
            (
                "Query",
                query("begins_with(SK, :sk) AND #pk = :pk"),
                vec![("Query", vec!["A#1"])],
            ),
            (
                "Scan",
                json!({ "TableName": TABLE }),
                vec![("Scan", vec![])],
            ),
            (
                "BatchGetItem",
                batch,
                vec![("BatchGetItem", vec!["A#1", "B#1"])],
            ),
            (
                "BatchWriteItem",
                writes,
                vec![("BatchWriteItem", vec!["A#1", "B#1"])],
            ),
            (
                "TransactWriteItems",
                transaction,
                vec![
                    ("ConditionCheckItem", vec!["E#1"]),
                    ("DeleteItem", vec!["D#1"]),
                    ("PutItem", vec!["A#1", "C#1"]),
                    ("UpdateItem", vec!["B#1"]),
                ],
            ),
        ] {
            let expected: Vec<Taken> = expected
                .into_iter()
                .map(|(action, keys)| Taken {
                    action: format!("dynamodb:{action}"),
                    table: TABLE.into(),
                    keys: keys.into_iter().map(ToOwned::to_owned).collect(),
                })
                .collect();
            assert_eq!(taken(operation, &request), expected, "{request}");
        }
    }

    #[test]
    fn a_function_does_what_one_statement_allows() {
        let policies = policies(vec![
            statement(
                &["dynamodb:GetItem", "dynamodb:PutItem"],
                &["A#*", "CONTROL"],
            ),
            statement(&["dynamodb:PutItem"], &["B#*"]),
            // Of something else, and with a condition that is not known here.
            json!({ "Effect": "Allow", "Action": "sqs:SendMessage", "Resource": "queue" }),
            json!({
                "Effect": "Allow", "Action": "dynamodb:DeleteItem", "Resource": "*",
                "Condition": { "StringEquals": { "aws:PrincipalTag/x": "y" } },
            }),
        ]);
        let refused = |caller: &str, operation: &str, request: Value| {
            let refusal = policies.refusal(caller, operation, &request.to_string());
            refusal.is_some()
        };
        let get = |key: &str| json!({ "TableName": TABLE, "Key": item(key) });
        let put = |key: &str| json!({ "Put": { "TableName": TABLE, "Item": item(key) } });
        assert!(!refused("f", "GetItem", get("A#1")));
        assert!(!refused("f", "GetItem", get("CONTROL")));
        for key in ["A", "B#1", "CONTROL#1", "", "XA#1"] {
            assert!(refused("f", "GetItem", get(key)), "{key}");
        }
        assert!(refused("f", "DeleteItem", get("A#1")));
        assert!(refused("f", "Scan", json!({ "TableName": TABLE })));
        let elsewhere = json!({ "TableName": "another", "Key": item("A#1") });
        assert!(refused("f", "GetItem", elsewhere));
        // Two statements that allow one key each do not allow both at once.
        for (keys, is_refused) in [(["A#1", "A#2"], false), (["A#1", "B#1"], true)] {
            let request = json!({ "TransactItems": keys.map(put) });
            assert_eq!(
                refused("f", "TransactWriteItems", request),
                is_refused,
                "{keys:?}"
            );
        }
        assert!(!refused("", "Scan", json!({ "TableName": TABLE })));
        assert!(refused("another", "GetItem", get("A#1")));
    }
}

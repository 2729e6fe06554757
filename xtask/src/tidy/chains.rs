//! Detects recursive chains of functions that call each other through queues and buckets. Lambda tracks
//! them by the trace header and stops a message that reaches the same function about 16 times. So no
//! chain may form a loop, except for a few named functions that requeue a message a limited number of
//! times.
//!
//! Chains through the table are excluded: Lambda does not track its stream, and an order's life is
//! finite. So are those through SES: the function that handles bounces sends nothing.

use std::collections::{BTreeMap, BTreeSet};

use domain::event::MAX_REQUEUES;
use local::template::{Function, Template, Trigger};
use serde_json::Value;

/// Functions that may send to their own queue, and how often at most per message. tests/faults/hops.rs
/// checks that they keep to it.
const REQUEUERS: [(&str, u32); 3] = [
    ("capture-payment", MAX_REQUEUES),
    ("handle-payment-event", MAX_REQUEUES),
    ("refund-payment", MAX_REQUEUES),
];

/// Calls in one chain after which Lambda stops it.
const STOPPED_BY_LAMBDA: u32 = 16;

/// Actions that call functions in ways that are not analyzed here.
const UNKNOWN: [&str; 4] = [
    "lambda:Invoke",
    "sns:Publish",
    "events:PutEvents",
    "states:StartExecution",
];

/// For each function, the functions that its messages call.
type Graph = BTreeMap<String, BTreeSet<String>>;

/// Reports loops that are not allowed, and chains that are too long.
pub(super) fn check(template: &Template, findings: &mut Vec<String>) {
    for function in &template.functions {
        for action in UNKNOWN {
            if allows(function, action).next().is_some() {
                findings.push(format!(
                    "{} may {action}, which is not followed for loops: teach xtask/src/tidy/chains.rs",
                    function.binary
                ));
            }
        }
    }
    let graph = graph(template);
    let mut cycles = BTreeSet::new();
    let mut longest: Vec<String> = Vec::new();
    for name in graph.keys() {
        let chain = walk(&graph, &mut vec![name.clone()], &mut cycles);
        if calls(&graph, &chain) > calls(&graph, &longest) {
            longest = chain;
        }
    }
    for cycle in cycles {
        findings.push(format!(
            "messages from {cycle} come back to them: Lambda stops such a loop after about \
             {STOPPED_BY_LAMBDA} rounds, and the message is lost"
        ));
    }
    for (name, _) in REQUEUERS {
        if !requeues(&graph, name) {
            findings.push(format!(
                "{name} may requeue by xtask/src/tidy/chains.rs, and does not by its template"
            ));
        }
    }
    let count = calls(&graph, &longest);
    println!(
        "the longest chain of messages: {}, {count} calls of {STOPPED_BY_LAMBDA} that Lambda allows",
        longest.join(" → ")
    );
    if count >= STOPPED_BY_LAMBDA {
        findings.push(format!(
            "{} is a chain of {count} calls, and Lambda stops one after about {STOPPED_BY_LAMBDA}",
            longest.join(" → ")
        ));
    }
}

/// The longest chain that starts with `path`; loops are recorded by their functions.
fn walk(graph: &Graph, path: &mut Vec<String>, cycles: &mut BTreeSet<String>) -> Vec<String> {
    let mut longest = path.clone();
    let last = path.last().cloned().unwrap_or_default();
    for next in graph.get(&last).into_iter().flatten() {
        if let Some(start) = path.iter().position(|name| name == next) {
            if *next != last || bound(&last).is_none() {
                let mut cycle = path[start..].to_vec();
                cycle.sort();
                cycles.insert(cycle.join(" and "));
            }
            continue;
        }
        path.push(next.clone());
        let chain = walk(graph, path, cycles);
        path.pop();
        if calls(graph, &chain) > calls(graph, &longest) {
            longest = chain;
        }
    }
    longest
}

/// Number of calls that a message can cause along a chain.
fn calls(graph: &Graph, chain: &[String]) -> u32 {
    let of = |name: &String| match requeues(graph, name) {
        true => 1 + bound(name).unwrap_or(0),
        false => 1,
    };
    chain.iter().map(of).sum()
}

fn requeues(graph: &Graph, name: &str) -> bool {
    graph.get(name).is_some_and(|next| next.contains(name))
}

fn bound(name: &str) -> Option<u32> {
    let known = REQUEUERS.iter().find(|(requeuer, _)| *requeuer == name);
    known.map(|(_, bound)| *bound)
}

/// Derives which function calls which from the permissions and triggers of the templates.
fn graph(template: &Template) -> Graph {
    let readers = |queue: &str| {
        let reads = move |function: &&Function| {
            let mut triggers = function.triggers.iter();
            triggers.any(|trigger| matches!(trigger, Trigger::Queue { arn, .. } if arn == queue))
        };
        let readers = template.functions.iter().filter(reads);
        readers
            .map(|function| function.binary.clone())
            .collect::<Vec<String>>()
    };
    let mut graph = Graph::new();
    for function in &template.functions {
        let next = graph.entry(function.binary.clone()).or_default();
        for queue in allows(function, "sqs:SendMessage") {
            next.extend(readers(&queue));
        }
        // A bucket may notify a queue of a new object.
        for objects in allows(function, "s3:PutObject") {
            for bucket in &template.buckets {
                let Some(path) = objects.strip_prefix(&format!("arn:aws:s3:::{}/", bucket.name))
                else {
                    continue;
                };
                let path = path.trim_end_matches('*');
                for (queue, prefix) in &bucket.notifications {
                    if path.starts_with(prefix.as_str()) || prefix.starts_with(path) {
                        next.extend(readers(queue));
                    }
                }
            }
        }
    }
    graph
}

/// The resources for which a function has a permission.
fn allows(function: &Function, action: &str) -> impl Iterator<Item = String> {
    let texts = |value: &Value| match value {
        Value::Array(values) => values
            .iter()
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect(),
        value => value
            .as_str()
            .map(str::to_owned)
            .into_iter()
            .collect::<Vec<_>>(),
    };
    let allowing = function.statements.iter().filter(move |statement| {
        let actions = texts(&statement["Action"]);
        actions.iter().any(|allowed| allowed.starts_with(action))
    });
    allowing.flat_map(move |statement| texts(&statement["Resource"]))
}

#[cfg(test)]
mod tests {
    use local::{
        project::root,
        template::{Bucket, Settings},
    };
    use serde_json::json;

    use super::*;

    /// A template of functions, each with the queue that it reads and those that it may send to.
    fn template(functions: &[(&str, &str, &[&str])]) -> Template {
        let function = |(name, reads, sends): &(&str, &str, &[&str])| Function {
            logical_id: (*name).to_owned(),
            binary: (*name).to_owned(),
            timeout: 10,
            memory: 256,
            environment: BTreeMap::new(),
            triggers: vec![Trigger::Queue {
                arn: (*reads).to_owned(),
                batch_size: 10,
                concurrency: None,
            }],
            statements: vec![json!({ "Action": ["sqs:SendMessage"], "Resource": sends })],
        };
        Template {
            functions: functions.iter().map(function).collect(),
            queues: Vec::new(),
            buckets: Vec::new(),
            secrets: Vec::new(),
            table: Value::Null,
            outputs: BTreeMap::new(),
            cors: local::template::Cors::default(),
        }
    }

    fn findings(template: &Template) -> Vec<String> {
        let mut findings = Vec::new();
        check(template, &mut findings);
        // None of these templates has the functions that requeue.
        findings.retain(|finding| !finding.contains("does not by its template"));
        findings
    }

    #[test]
    fn the_shop_has_no_loop_but_those_that_are_named() {
        let settings = Settings {
            stack_name: "chains".to_owned(),
            endpoint: "http://127.0.0.1".to_owned(),
            parameters: BTreeMap::new(),
        };
        let template = Template::read(&root(), &settings).unwrap();
        let mut findings = Vec::new();
        check(&template, &mut findings);
        assert!(findings.is_empty(), "{findings:?}");
        // The import's chain goes through a bucket.
        let graph = graph(&template);
        assert!(graph["create-import"].contains("start-import"));
        assert!(graph["start-import"].contains("import-rows"));
        let relay = &graph["relay-events"];
        assert!(REQUEUERS.iter().all(|(name, _)| relay.contains(*name)));
    }

    #[test]
    fn a_loop_is_found_however_long_it_is() {
        assert!(findings(&template(&[("a", "A", &["B"]), ("b", "B", &[])])).is_empty());
        let own = findings(&template(&[("a", "A", &["A"])]));
        assert!(own[0].starts_with("messages from a come"), "{own:?}");
        let long = [
            ("a", "A", &["B"] as &[_]),
            ("b", "B", &["C"]),
            ("c", "C", &["B"]),
        ];
        let cycle = findings(&template(&long));
        assert_eq!(cycle.len(), 1, "{cycle:?}");
        assert!(
            cycle[0].starts_with("messages from b and c come"),
            "{cycle:?}"
        );
        // Functions that may requeue may only do so alone.
        let pair = [
            ("capture-payment", "A", &["A", "B"] as &[_]),
            ("b", "B", &["A"]),
        ];
        let cycle = findings(&template(&pair));
        assert!(
            cycle[0].starts_with("messages from b and capture-payment come"),
            "{cycle:?}"
        );
    }

    #[test]
    fn a_loop_through_a_bucket_is_found() {
        let mut template = template(&[("a", "A", &[])]);
        template.buckets.push(Bucket {
            name: "uploads".to_owned(),
            notifications: vec![("A".to_owned(), "in/".to_owned())],
            is_versioned: false,
        });
        let put = |path: &str| json!({ "Action": "s3:PutObject", "Resource": format!("arn:aws:s3:::uploads/{path}") });
        template.functions[0].statements = vec![put("out/*")];
        assert!(findings(&template).is_empty());
        template.functions[0].statements = vec![put("*")];
        assert_eq!(findings(&template).len(), 1);
    }

    #[test]
    fn a_chain_must_end_before_lambda_ends_it() {
        let names: Vec<String> = (0..17).map(|number| format!("f{number:02}")).collect();
        let queues: Vec<Vec<&str>> = (1..=17)
            .map(|next| names.get(next).map(String::as_str).into_iter().collect())
            .collect();
        let functions: Vec<(&str, &str, &[&str])> = names
            .iter()
            .zip(&queues)
            .map(|(name, queues)| (name.as_str(), name.as_str(), queues.as_slice()))
            .collect();
        let found = findings(&template(&functions));
        assert!(found[0].contains("a chain of 17 calls"), "{found:?}");
        assert!(findings(&template(&functions[2..])).is_empty());
    }

    #[test]
    fn other_ways_to_call_a_function_are_not_overlooked() {
        let mut template = template(&[("a", "A", &[])]);
        template.functions[0].statements =
            vec![json!({ "Action": "lambda:InvokeFunction", "Resource": "a" })];
        assert!(findings(&template)[0].contains("lambda:Invoke"));
    }
}

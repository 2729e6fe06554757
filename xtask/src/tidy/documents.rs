//! Holds the facts that documents state against the code and the templates that own them.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use domain::{event::Event, fault::Code};
use local::{
    outcome::Outcome,
    series,
    template::{Function, Template, Trigger, load_all},
};
use serde_json::{Value, json};

/// Documents that may count things, if the count is right.
const COUNTING: [&str; 5] = [
    "README.md",
    "CONTRIBUTING.md",
    "docs/ARCHITECTURE.md",
    "docs/runbook.md",
    "docs/unproven.md",
];
/// The name by which code marks after how many redeliveries it gives a message up.
const GIVEN_UP_AFTER: &str = "const GIVEN_UP_AFTER: u32 = ";

/// Checks every document. `sources` are the sources of deployed code with their paths.
pub(super) fn check(
    root: &Path,
    template: &Template,
    sources: &[(String, String)],
    findings: &mut Vec<String>,
) -> Outcome {
    let read = |path: &str| {
        fs::read_to_string(root.join(path)).map_err(|error| format!("{path}: {error}"))
    };
    let logging = read("docs/LOGGING.md")?;
    log_messages(&logging, sources, findings);
    let all = series::all(sources, &load_all(root)?);
    metrics(&logging, &all.names, findings);
    findings.extend(all.findings);
    codes(&read("docs/API-DESIGN.md")?, findings);
    subscribers(&read("docs/orders.md")?, findings);
    let alarms = alarms(root)?;
    runbook(&read("docs/runbook.md")?, &alarms, findings);
    contexts(&read("docs/ARCHITECTURE.md")?, &binaries(sources), findings);
    let counts = [
        ("functions", template.functions.len()),
        ("routes", template.routes()),
        ("queues", template.queues.len()),
        ("alarms", alarms.len()),
    ];
    for path in COUNTING {
        numbers(path, &read(path)?, &counts, findings);
    }
    last_deliveries(template, sources, findings);
    Ok(())
}

/// Every message that deployed code logs is in LOGGING.md, and no other.
fn log_messages(logging: &str, sources: &[(String, String)], findings: &mut Vec<String>) {
    let documented = first_cells(section(logging, "Messages"));
    let mut logged = BTreeSet::new();
    for (path, source) in sources {
        for message in messages(source) {
            if !documented.iter().any(|known| covers(known, &message)) {
                findings.push(format!(
                    "{path} logs `{message}`, which docs/LOGGING.md does not list"
                ));
            }
            logged.insert(message);
        }
    }
    for known in &documented {
        if !logged.iter().any(|message| covers(known, message)) {
            findings.push(format!(
                "docs/LOGGING.md lists `{known}`, which no deployed code logs"
            ));
        }
    }
}

/// Whether a documented message is this one; `…` at its end stands for any rest.
fn covers(documented: &str, message: &str) -> bool {
    match documented.strip_suffix('…') {
        Some(start) => message.starts_with(start.trim_end()),
        None => documented == message,
    }
}

/// The messages of a source's logging macros: the last text of each, outside its tests.
fn messages(source: &str) -> Vec<String> {
    let source = source.split("#[cfg(test)]").next().unwrap_or(source);
    let mut found = Vec::new();
    for level in ["info", "warn", "error", "debug"] {
        for call in source.split(&format!("tracing::{level}!(")).skip(1) {
            let arguments = &call[..closing(call).unwrap_or(call.len())];
            let message = arguments.rsplit('"').nth(1);
            found.extend(message.map(str::to_owned));
        }
    }
    found
}

/// Where the parenthesis closes that was open before `text`; texts in it are skipped.
fn closing(text: &str) -> Option<usize> {
    let (mut depth, mut in_text, mut escaped) = (1_usize, false, false);
    for (index, character) in text.char_indices() {
        match character {
            _ if escaped => escaped = false,
            '\\' if in_text => escaped = true,
            '"' => in_text = !in_text,
            '(' if !in_text => depth += 1,
            ')' if !in_text => {
                depth -= 1;
                if depth == 0 {
                    return Some(index);
                }
            }
            _ => {}
        }
    }
    None
}

/// Every metric that deployed code counts is in LOGGING.md, and no other.
fn metrics(logging: &str, counted: &BTreeSet<String>, findings: &mut Vec<String>) {
    let documented: BTreeSet<String> = first_cells(section(logging, "Metrics"))
        .into_iter()
        .collect();
    for name in counted.symmetric_difference(&documented) {
        findings.push(format!(
            "the metric {name} is either counted by no deployed code or missing in docs/LOGGING.md"
        ));
    }
}

/// Every code of a problem is in the table of API-DESIGN.md, and no other.
fn codes(design: &str, findings: &mut Vec<String>) {
    let documented: BTreeSet<String> = first_cells(section(design, "Errors")).into_iter().collect();
    // The heading, and the code of every failure that is not a rejection.
    let others = ["code", "internal_error"];
    let sent = Code::ALL.iter().map(|code| code.as_str()).chain(others);
    let sent: BTreeSet<String> = sent.map(str::to_owned).collect();
    for code in sent.symmetric_difference(&documented) {
        findings.push(format!(
            "the code `{code}` is either sent by nobody or missing in docs/API-DESIGN.md"
        ));
    }
}

/// The table of transitions names, for each event, the queues of its subscribers.
fn subscribers(orders: &str, findings: &mut Vec<String>) {
    let mut named = BTreeSet::new();
    for row in section(orders, "Transitions").lines() {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let [_, _, _, _, _, _, event, queues, _] = cells[..] else {
            continue;
        };
        let Some(kind) = event.strip_prefix('`').and_then(|it| it.strip_suffix('`')) else {
            continue;
        };
        let event = match kind {
            "placed" => json!({ "type": "order_placed", "order_id": ORDER }),
            kind => {
                json!({ "type": "order_changed", "order_id": ORDER, "version": 1, "what": kind })
            }
        };
        let Ok(event) = serde_json::from_value::<Event>(event) else {
            findings.push(format!(
                "docs/orders.md names the event `{kind}`, which does not exist"
            ));
            continue;
        };
        named.insert(kind);
        let told: BTreeSet<&str> = queues.split(", ").filter(|name| !name.is_empty()).collect();
        let names: Vec<String> = event
            .subscribers()
            .iter()
            .map(|subscriber| format!("{subscriber:?}"))
            .collect();
        if told != names.iter().map(String::as_str).collect() {
            findings.push(format!(
                "docs/orders.md sends `{kind}` to {queues:?}, domain::event to {names:?}"
            ));
        }
    }
    if named.is_empty() {
        findings.push("docs/orders.md has no table of transitions".to_owned());
    }
}

/// Names of the functions of each context, by the places of their sources.
fn binaries(sources: &[(String, String)]) -> BTreeMap<&str, BTreeSet<&str>> {
    let mut found: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (path, _) in sources {
        let place = path.strip_prefix("functions/");
        let place = place.and_then(|path| path.split_once("/src/bin/"));
        if let Some((context, file)) = place {
            let name = file.strip_suffix(".rs").unwrap_or(file);
            found.entry(context).or_default().insert(name);
        }
    }
    found
}

/// The table of contexts names every function in the row of its context, and no other.
fn contexts(
    architecture: &str,
    binaries: &BTreeMap<&str, BTreeSet<&str>>,
    findings: &mut Vec<String>,
) {
    let mut named: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for row in section(architecture, "Contexts").lines() {
        let Some((context, cells)) = row.strip_prefix("| ").and_then(|row| row.split_once(" |"))
        else {
            continue;
        };
        if context != "context" && !context.starts_with('-') {
            let names = cells.split('`').skip(1).step_by(2).collect();
            named.insert(context, names);
        }
    }
    let pairs = |table: &BTreeMap<&str, BTreeSet<&str>>| -> BTreeSet<(String, String)> {
        let rows = table.iter();
        rows.flat_map(|(context, names)| {
            let pair = |name: &&str| ((*context).to_owned(), (*name).to_owned());
            names.iter().map(pair)
        })
        .collect()
    };
    let (named, there) = (pairs(&named), pairs(binaries));
    for (context, name) in there.difference(&named) {
        findings.push(format!(
            "docs/ARCHITECTURE.md does not name {name} in the row of {context}"
        ));
    }
    for (context, name) in named.difference(&there) {
        findings.push(format!(
            "docs/ARCHITECTURE.md names {name} in the row of {context}, which has no such function"
        ));
    }
}

/// Any order's id.
const ORDER: &str = "ord_00000000000000000000000000";

/// Descriptions of all alarms, by their names.
fn alarms(root: &Path) -> Outcome<BTreeMap<String, String>> {
    let mut found = BTreeMap::new();
    for document in load_all(root)?.values() {
        for (id, resource) in document["Resources"].as_object().into_iter().flatten() {
            if resource["Type"] == "AWS::CloudWatch::Alarm" {
                let description = &resource["Properties"]["AlarmDescription"];
                let text = description.as_str().unwrap_or_default().to_owned();
                found.insert(id.clone(), text);
            }
        }
    }
    Ok(found)
}

/// Every alarm leads to a section of the runbook.
fn runbook(runbook: &str, alarms: &BTreeMap<String, String>, findings: &mut Vec<String>) {
    let headings: BTreeSet<String> = runbook
        .lines()
        .filter_map(|line| Some(line.strip_prefix("## ")?.to_lowercase()))
        .collect();
    for (alarm, description) in alarms {
        let section = description.split_once("docs/runbook.md, ");
        let section = section.map(|(_, section)| section.trim_end_matches('.'));
        if !section.is_some_and(|section| headings.contains(section)) {
            findings.push(format!(
                "{alarm}: its description names no section of docs/runbook.md"
            ));
        }
    }
}

/// Where a document counts things, the count is right.
fn numbers(path: &str, text: &str, counts: &[(&str, usize)], findings: &mut Vec<String>) {
    let words: Vec<&str> = text.split_whitespace().collect();
    for pair in words.windows(2) {
        let Ok(count) = pair[0].trim_matches(['*', '(']).parse::<usize>() else {
            continue;
        };
        let noun = pair[1].trim_end_matches(['.', ',', ';', ':', ')', '*']);
        for (name, right) in counts {
            if noun == *name && count != *right {
                findings.push(format!("{path} says {count} {name}; there are {right}"));
            }
        }
    }
}

/// A consumer gives a message up before its queue does, although some deliveries may not have reached it.
fn last_deliveries(template: &Template, sources: &[(String, String)], findings: &mut Vec<String>) {
    for function in &template.functions {
        let file = format!("/{}.rs", function.binary);
        let source = sources.iter().find(|(path, _)| path.ends_with(&file));
        let last = source.and_then(|(_, source)| {
            let (_, rest) = source.split_once(GIVEN_UP_AFTER)?;
            rest.split(';').next()?.parse::<u64>().ok()
        });
        if let Some(last) = last
            && deliveries(template, function).is_none_or(|most| most < last + 3)
        {
            findings.push(format!(
                "{}: GIVEN_UP_AFTER is {last} redeliveries; the maxReceiveCount of its queue leaves no room for \
                 deliveries that reach no function",
                function.binary
            ));
        }
    }
}

/// How often the queue of a function delivers a message.
fn deliveries(template: &Template, function: &Function) -> Option<u64> {
    let arn = function.triggers.iter().find_map(|trigger| match trigger {
        Trigger::Queue { arn, .. } => Some(arn),
        _ => None,
    })?;
    let queue = template.queues.iter().find(|queue| queue.arn == *arn)?;
    let policy: Value = serde_json::from_str(queue.attributes.get("RedrivePolicy")?).ok()?;
    policy["maxReceiveCount"].as_u64()
}

/// The part of a document under a heading of the second level.
fn section<'a>(document: &'a str, heading: &str) -> &'a str {
    let start = format!("\n## {heading}\n");
    let section = document.split_once(&start).map_or("", |(_, rest)| rest);
    section.split("\n## ").next().unwrap_or(section)
}

/// What stands in backticks in the first cells of a table.
fn first_cells(text: &str) -> Vec<String> {
    let rows = text.lines().filter_map(|line| line.strip_prefix("| "));
    let cells = rows.filter_map(|row| row.split(" | ").next());
    cells
        .flat_map(|cell| cell.split('`').skip(1).step_by(2))
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(text: &str) -> Vec<(String, String)> {
        vec![("functions/a/src/bin/a.rs".to_owned(), text.to_owned())]
    }

    #[test]
    fn messages_are_the_last_text_of_each_call() {
        let text = r#"
            tracing::info!(order.id = %id, "order placed");
            tracing::error!(
                error = format!("a \"{}\"", f(1)),
                "it \"failed\""
            );
            #[cfg(test)]
            tracing::info!("not deployed");
        "#;
        let found = messages(text);
        assert_eq!(found.len(), 2);
        assert_eq!(found[0], "order placed");
    }

    #[test]
    fn a_message_is_logged_and_documented_or_a_finding() {
        let logging = "\n## Messages\n\n| message | level |\n| --- | --- |\n| `a`, `b …` | info |\n| `c` | info |\n";
        let mut findings = Vec::new();
        let code = r#"tracing::info!("a"); tracing::warn!("b and more"); tracing::warn!("d");"#;
        log_messages(logging, &source(code), &mut findings);
        assert_eq!(findings.len(), 2, "{findings:?}");
        assert!(
            findings[0].contains("`d`") && findings[1].contains("`c`"),
            "{findings:?}"
        );
    }

    #[test]
    fn a_code_is_sent_and_documented_or_a_finding() {
        let all = Code::ALL.iter().map(|code| code.as_str());
        let rows: String = all
            .chain(["internal_error"])
            .map(|code| format!("| `{code}` | 409 | `{code}s` |\n"))
            .collect();
        let design = format!("\n## Errors\n\n| `code` | status |\n| --- | --- |\n{rows}");
        let mut findings = Vec::new();
        codes(&design, &mut findings);
        assert!(findings.is_empty(), "{findings:?}");
        codes(&design.replace("`busy`", "`bussy`"), &mut findings);
        assert_eq!(findings.len(), 2, "{findings:?}");
    }

    #[test]
    fn events_go_where_the_code_sends_them() {
        let table = |queues: &str| {
            format!("\n## Transitions\n\n| a | b | c | d | e | `paid` | {queues} |\n")
        };
        let mut findings = Vec::new();
        subscribers(
            &table("SendEmail, RenderInvoice, ProjectOrders"),
            &mut findings,
        );
        assert!(findings.is_empty(), "{findings:?}");
        subscribers(&table("SendEmail"), &mut findings);
        assert_eq!(findings.len(), 1, "{findings:?}");
    }

    #[test]
    fn a_count_is_right_or_a_finding() {
        let mut findings = Vec::new();
        let counts = [("functions", 35)];
        numbers(
            "a",
            "There are 35 functions, in 8 contexts.",
            &counts,
            &mut findings,
        );
        assert!(findings.is_empty(), "{findings:?}");
        numbers("a", "There are **32** functions.", &counts, &mut findings);
        assert_eq!(findings.len(), 1, "{findings:?}");
    }

    #[test]
    fn a_function_is_in_the_row_of_its_context() {
        let sources = source("");
        let binaries = binaries(&sources);
        let table = |rows: &str| {
            format!(
                "\n## Contexts\n\n| context | endpoints |\n| --- | --- |\n{rows}\nText with `b`.\n"
            )
        };
        let mut findings = Vec::new();
        contexts(
            &table("| a | `a` by schedule |\n"),
            &binaries,
            &mut findings,
        );
        assert!(findings.is_empty(), "{findings:?}");
        contexts(&table("| a | | |\n| c | `b` |\n"), &binaries, &mut findings);
        assert_eq!(findings.len(), 2, "{findings:?}");
        assert!(findings[0].contains("does not name a in the row of a"));
        assert!(findings[1].contains("names b in the row of c"));
    }

    #[test]
    fn an_alarm_leads_to_its_section() {
        let alarms = |text: &str| BTreeMap::from([("Alarm".to_owned(), text.to_owned())]);
        let mut findings = Vec::new();
        runbook(
            "## Stock drift\n",
            &alarms("It drifts: see docs/runbook.md, stock drift."),
            &mut findings,
        );
        assert!(findings.is_empty(), "{findings:?}");
        runbook("## Stock drift\n", &alarms("It drifts."), &mut findings);
        assert_eq!(findings.len(), 1);
    }
}

//! Consistency checks between the parts of the project.

mod aliases;
mod buckets;
mod chains;
mod crates;
mod documents;
mod paths;
mod stacks;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use cargo_metadata::MetadataCommand;
use local::{
    files::with_extension,
    outcome::Outcome,
    template::{Function, Settings, Template, Trigger, load_all},
};
use serde_json::Value;

use crate::{
    new_function::{KEYS, SENTENCE},
    routes,
};

/// What `runtime` and the context's own library read, where it is set.
const READ_BY_SHARED_CODE: [&str; 8] = [
    "ALLOWED_ORIGINS",
    "LOG_LEVEL",
    "METRIC_NAMESPACE",
    "CACHE",
    "CACHE_URL",
    "API_ACCESS",
    "ORIGIN_SECRETS",
    aliases::RELEASE,
];

/// Text that deployed code must not contain: signs of a handwritten signer or HTTP client, with the
/// alternative (docs/adr/0019).
const HOMEMADE: [(&str, &str); 6] = [
    ("AWS4-HMAC", "the SDK's clients sign their calls"),
    ("aws4_request", "the SDK's clients sign their calls"),
    (
        "TcpStream",
        "call AWS by the SDK's clients, Stripe by its gateway",
    ),
    (
        "client::conn",
        "call AWS by the SDK's clients, Stripe by its gateway",
    ),
    ("ser_de", "the SDK's serializers are for the SDK's own use"),
    (
        "RuntimePlugin",
        "the SDK's plugins are for the SDK's own use",
    ),
];

/// Runs all checks and prints all findings.
pub(crate) fn run(root: &Path) -> Outcome {
    let settings = Settings {
        stack_name: "tidy".to_owned(),
        endpoint: "http://127.0.0.1".to_owned(),
        parameters: BTreeMap::new(),
    };
    let template = Template::read(root, &settings)?;
    let metadata = MetadataCommand::new()
        .manifest_path(root.join("Cargo.toml"))
        .exec()?;
    let mut findings = Vec::new();
    functions(root, &template, &mut findings)?;
    placeholders(root, &template, &mut findings)?;
    policies(&template, &mut findings);
    queues(&template, &mut findings);
    chains::check(&template, &mut findings);
    paths::check(&template, &mut findings);
    stacks::check(root, &template, &mut findings)?;
    aliases::check(&load_all(root)?, &mut findings);
    crates::check(root, &metadata, &mut findings)?;
    let sources = deployed_sources(root)?;
    homemade(&sources, &mut findings);
    documents::check(root, &template, &sources, &mut findings)?;
    data_model(root, &mut findings)?;
    if let Err(error) = routes::run(root, true) {
        findings.push(error.to_string());
    }
    if findings.is_empty() {
        return Ok(());
    }
    for finding in &findings {
        eprintln!("tidy: {finding}");
    }
    Err(format!("{} thing(s) to tidy up, listed above", findings.len()).into())
}

/// Every function has a binary, sample events, tests, and exactly the environment it reads.
fn functions(root: &Path, template: &Template, findings: &mut Vec<String>) -> Outcome {
    let mut sources: BTreeMap<String, PathBuf> = BTreeMap::new();
    for source in with_extension(&root.join("functions"), "rs")? {
        if source
            .parent()
            .is_some_and(|folder| folder.ends_with("bin"))
        {
            let name = source
                .file_stem()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
            sources.insert(name, source);
        }
    }
    let mut tests = String::new();
    for file in with_extension(&root.join("tests"), "rs")? {
        tests.push_str(&fs::read_to_string(file)?);
    }
    for function in &template.functions {
        let name = &function.binary;
        let Some(source) = sources.remove(name) else {
            findings.push(format!(
                "a template names {name}, and no functions/*/src/bin/{name}.rs is there"
            ));
            continue;
        };
        let text = fs::read_to_string(&source)?;
        environment(function, &text, findings);
        routes(function, &text, findings);
        api_keys(function, &text, findings);
        if text.contains(SENTENCE) {
            findings.push(format!(
                "{name}: its source still says \"{SENTENCE}\" in the first line: do so"
            ));
        }
        if with_extension(&root.join("events").join(name), "json")
            .unwrap_or_default()
            .is_empty()
        {
            findings.push(format!("{name} has no sample event in events/{name}/"));
        }
        if !tests.contains(name.as_str()) {
            findings.push(format!("no test says that it covers {name} (see `Covers:` at the top of the files in tests/)"));
        }
    }
    for name in sources.keys() {
        findings.push(format!(
            "{name} has no block in its context's template.yaml"
        ));
    }
    for folder in fs::read_dir(root.join("events"))? {
        let name = folder?.file_name().to_string_lossy().into_owned();
        if !template
            .functions
            .iter()
            .any(|function| function.binary == name)
        {
            findings.push(format!("events/{name} belongs to no function"));
        }
    }
    Ok(())
}

/// A binary's required variables are exactly those that its block sets.
fn environment(function: &Function, source: &str, findings: &mut Vec<String>) {
    // Calls may be broken over several lines.
    let source: String = source.chars().filter(|c| !c.is_whitespace()).collect();
    // Set for every function, or read by shared code.
    let mut set: BTreeSet<&str> = function.environment.keys().map(String::as_str).collect();
    let is_endpoint = |trigger: &Trigger| matches!(trigger, Trigger::Route { .. });
    if function.triggers.iter().any(is_endpoint) {
        // Without them, an endpoint would stay open to everybody.
        for name in ["API_ACCESS", "ORIGIN_SECRETS", "ALLOWED_ORIGINS"] {
            if !set.contains(name) {
                findings.push(format!(
                    "{} is an endpoint, and its template does not set {name}",
                    function.binary
                ));
            }
        }
    }
    for shared in READ_BY_SHARED_CODE {
        set.remove(shared);
    }
    let mut wanted = BTreeSet::new();
    let calls = [
        "environment.require(\"",
        "environment.get(\"",
        "environment.seconds(\"",
        "environment.number(\"",
        "environment.switch(\"",
        "url(\"",
    ];
    for call in calls {
        wanted.extend(
            source
                .split(call)
                .skip(1)
                .filter_map(|rest| rest.split('"').next()),
        );
    }
    if source.contains("environment.currency()") {
        wanted.insert("CURRENCY");
    }
    if source.contains("environment.payment_methods()") {
        wanted.insert("PAYMENT_METHODS");
    }
    if source.contains("environment.prices()") {
        wanted.extend(["CURRENCY", "PAYMENT_METHODS"]);
    }
    if source.contains("environment.payment_window()") {
        wanted.extend(["PAYMENT_WINDOW_SECONDS", "HOLD_SECONDS"]);
    }
    if source.contains("environment.seller()") {
        wanted.extend([
            "SELLER_NAME",
            "SELLER_ADDRESS",
            "SELLER_TAX_ID",
            "SELLER_EMAIL",
        ]);
    }
    if source.contains("Payments::connect(") {
        wanted.extend(["TABLE_NAME", "STRIPE_SECRET_NAME"]);
    }
    if source.contains("settings::defaults(") {
        wanted.extend([
            "SHOP_NAME",
            "SELLER_NAME",
            "SELLER_ADDRESS",
            "SELLER_TAX_ID",
            "SELLER_EMAIL",
            "TAX_NAME",
            "PAYMENT_WINDOW_SECONDS",
            "HOLD_SECONDS",
            "LOCALES",
            "STRIPE_PUBLISHABLE_KEY",
            "DEFAULT_LIMITS",
        ]);
    }
    if source.contains("Accounts::new(") {
        wanted.insert("IDENTITY_SECRET");
    }
    if source.contains("Challenge::connect(") {
        wanted.extend([
            "CHALLENGE_PROVIDER",
            "CHALLENGE_SECRET_NAME",
            "SHOP_ADDRESS",
        ]);
    }
    if source.contains("Limiter::new(") {
        wanted.insert("DEFAULT_LIMITS");
    }
    if source.contains("access::serve(") || source.contains("access::serve_with_settings(") {
        wanted.insert("TABLE_NAME");
    }
    if source.contains("Accounts::new(") {
        wanted.insert("IDENTITY_SECRET");
    }
    if source.contains("Access::Staff") {
        wanted.extend(["STAFF_TOKEN_PUBLIC_KEY", "STAFF_TOKEN_MAX_HOURS"]);
    }
    for name in wanted.difference(&set) {
        findings.push(format!(
            "{} reads {name}, and its template does not set it",
            function.binary
        ));
    }
    for name in set.difference(&wanted) {
        findings.push(format!(
            "{} does not read {name}, which its template sets",
            function.binary
        ));
    }
}

/// Keys whose items are updated alone, never in a transaction: counters of limits, uses of API keys, breakers, backoff of queues, holds.
const UPDATED_ALONE: [&str; 5] = ["LIMIT#", "APIKEY#", "BREAKER#", "REDELIVERY#", "HOLDS#"];

/// IAM compares all keys that an action has in a transaction with one statement at a time. So each action that writes names all its keys
/// in one, or a transaction of two kinds of items is refused. The local stack refuses it, too, but only where a test calls it.
fn writes_of_transactions(function: &Function, findings: &mut Vec<String>) {
    let mut seen = BTreeSet::new();
    for statement in &function.statements {
        let is_alone = leading_keys(statement)
            .all(|key| UPDATED_ALONE.iter().any(|alone| key.starts_with(alone)));
        for action in actions(statement) {
            if is_alone && action == "dynamodb:UpdateItem" {
                continue;
            }
            let writes = matches!(
                action,
                "dynamodb:PutItem"
                    | "dynamodb:UpdateItem"
                    | "dynamodb:DeleteItem"
                    | "dynamodb:ConditionCheckItem"
            );
            let resource = statement["Resource"].to_string();
            if writes && !seen.insert((action, resource)) {
                findings.push(format!(
                    "{}: two statements allow {action}; name all keys in one, for transactions",
                    function.binary
                ));
            }
        }
    }
}

/// An endpoint of staff may read API keys, and note their use: it takes them whatever its permission is (`access::serve`). Without
/// the first action it would refuse each key, without the second one a key would look unused.
fn api_keys(function: &Function, source: &str, findings: &mut Vec<String>) {
    if !source.contains("Access::Staff") {
        return;
    }
    for action in ["dynamodb:GetItem", "dynamodb:UpdateItem"] {
        let is_allowed = function.statements.iter().any(|statement| {
            actions(statement).contains(&action)
                && leading_keys(statement).any(|key| key == "APIKEY#*")
        });
        if !is_allowed {
            findings.push(format!(
                "{}: an endpoint of staff takes API keys, and its policy does not allow {action} on APIKEY#*",
                function.binary
            ));
        }
    }
}

/// The first line of an endpoint's source names the route that the template gives it. Public reads can
/// be made with `HEAD`, too, by a route of its own: the gateway sends such requests elsewhere otherwise.
fn routes(function: &Function, source: &str, findings: &mut Vec<String>) {
    let has = |wanted: &str, at: &str| {
        function.triggers.iter().any(|trigger| {
            matches!(trigger, Trigger::Route { method, path } if method == wanted && path == at)
        })
    };
    for trigger in &function.triggers {
        if let Trigger::Route { method, path } = trigger
            && path != "$default"
        {
            if method == "GET" && source.contains("Access::Public") && !has("HEAD", path) {
                findings.push(format!(
                    "{}: a public read without a route `HEAD {path}`",
                    function.binary
                ));
            }
            if source.starts_with(&format!("//! `{method} {path}`"))
                || (method == "HEAD" && has("GET", path))
            {
                continue;
            }
            findings.push(format!(
                "{}: its source does not begin with the route `{method} {path}`",
                function.binary
            ));
        }
    }
}

/// A new function's block says what the function does and names its keys.
fn placeholders(root: &Path, template: &Template, findings: &mut Vec<String>) -> Outcome {
    for (path, document) in &load_all(root)? {
        for (id, resource) in document["Resources"].as_object().into_iter().flatten() {
            if resource["Properties"]["Description"] == SENTENCE {
                findings.push(format!(
                    "{path}: the Description of {id} still is \"{SENTENCE}\": do so"
                ));
            }
        }
    }
    for function in &template.functions {
        let mut statements = function.statements.iter();
        if statements.any(|statement| statement.to_string().contains(KEYS)) {
            findings.push(format!(
                "{}: its policy still allows the keys {KEYS}: name those that it uses",
                function.binary
            ));
        }
    }
    Ok(())
}

/// Policies name actions and keys instead of wildcards.
fn policies(template: &Template, findings: &mut Vec<String>) {
    for function in &template.functions {
        let reads_table = function.environment.contains_key("TABLE_NAME");
        if reads_table && function.statements.is_empty() {
            findings.push(format!(
                "{} uses the table and has no policy",
                function.binary
            ));
        }
        for statement in &function.statements {
            policy(&function.binary, statement, findings);
        }
        writes_of_transactions(function, findings);
    }
}

/// A statement of a function's policy names actions, resources and keys.
fn policy(function: &str, statement: &Value, findings: &mut Vec<String>) {
    let text = statement.to_string();
    let actions = actions(statement);
    if actions.iter().any(|action| action.contains('*')) {
        findings.push(format!(
            "{function}: a policy allows {actions:?}; name the actions"
        ));
    }
    let lists_streams = actions == ["dynamodb:ListStreams"];
    if statement["Resource"] == "*" && !lists_streams {
        findings.push(format!("{function}: a policy allows every resource"));
    }
    let on_items = actions
        .iter()
        .any(|action| action.starts_with("dynamodb:") && action.contains("Item"));
    if on_items && !text.contains("dynamodb:LeadingKeys") {
        findings.push(format!("{function}: a policy on the table names no keys"));
    }
    // `ForAllValues` is also true of a request that has no keys at all.
    let for_all = text.contains("ForAllValues:");
    let needs_keys = statement["Condition"]["Null"]["dynamodb:LeadingKeys"] == "false";
    if for_all && !needs_keys {
        findings.push(format!(
            "{function}: a policy with ForAllValues also allows requests without keys; add \"Null\": {{ \
             \"dynamodb:LeadingKeys\": \"false\" }} to its condition"
        ));
    }
    // Secrets Manager appends a dash and six characters: with a star, `stripe` allows `stripe-live`, too.
    let names = match &statement["Resource"] {
        Value::Array(names) => names.iter().filter_map(Value::as_str).collect(),
        name => name.as_str().map_or_else(Vec::new, |name| vec![name]),
    };
    if names
        .iter()
        .any(|name| name.contains(":secret:") && !name.ends_with("-??????"))
    {
        findings.push(format!(
            "{function}: a policy on a secret must end with -??????"
        ));
    }
}

/// Patterns of the partition keys that a statement allows.
fn leading_keys(statement: &Value) -> impl Iterator<Item = &str> {
    let keys = &statement["Condition"]["ForAllValues:StringLike"]["dynamodb:LeadingKeys"];
    let keys = keys.as_array().into_iter().flatten();
    keys.filter_map(Value::as_str)
}

/// The actions that a statement allows.
fn actions(statement: &Value) -> Vec<&str> {
    match &statement["Action"] {
        Value::Array(actions) => actions.iter().filter_map(Value::as_str).collect(),
        action => action.as_str().into_iter().collect(),
    }
}

/// Every consumed queue has a dead-letter queue, and every consumer reports batch item failures.
fn queues(template: &Template, findings: &mut Vec<String>) {
    for function in &template.functions {
        for trigger in &function.triggers {
            let Trigger::Queue {
                arn, concurrency, ..
            } = trigger
            else {
                continue;
            };
            // Lambda takes no less than 2.
            if concurrency.is_none_or(|most| most < 2) {
                findings.push(format!(
                    "the queue trigger of {} needs a MaximumConcurrency of at least 2: beyond what the \
                     account can run, receive counts rise without a delivery",
                    function.binary
                ));
            }
            let Some(queue) = template.queues.iter().find(|queue| queue.arn == *arn) else {
                findings.push(format!(
                    "{} reads a queue that infra/queues.yaml does not have",
                    function.binary
                ));
                continue;
            };
            if !queue.attributes.contains_key("RedrivePolicy") {
                findings.push(format!("{} has no dead-letter queue", queue.name));
            }
            let visibility = queue
                .attributes
                .get("VisibilityTimeout")
                .and_then(|time| time.parse::<u64>().ok());
            if visibility.is_none_or(|time| time < 6 * function.timeout) {
                findings.push(format!(
                    "{}: its visibility must be six times the time limit of {}",
                    queue.name, function.binary
                ));
            }
        }
    }
}

/// The sources of deployed code with their paths in the repository.
fn deployed_sources(root: &Path) -> Outcome<Vec<(String, String)>> {
    let mut paths = with_extension(&root.join("functions"), "rs")?;
    for entry in fs::read_dir(root.join("shared"))? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if !crates::SHARED_TOOLS.contains(&&*name) && path.join("src").exists() {
            paths.extend(with_extension(&path.join("src"), "rs")?);
        }
    }
    let mut sources = Vec::new();
    for path in paths {
        let text = fs::read_to_string(&path)?;
        let path = path.strip_prefix(root).unwrap_or(&path);
        sources.push((path.display().to_string(), text));
    }
    Ok(sources)
}

/// No deployed code signs calls or speaks HTTP by itself.
fn homemade(sources: &[(String, String)], findings: &mut Vec<String>) {
    for (path, text) in sources {
        for (mark, instead) in HOMEMADE {
            if text.contains(mark) {
                findings.push(format!("{path} contains {mark}: {instead}"));
            }
        }
    }
}

/// docs/data-model.md lists every key and every access pattern.
fn data_model(root: &Path, findings: &mut Vec<String>) -> Outcome {
    let document = fs::read_to_string(root.join("docs/data-model.md"))
        .map_err(|error| format!("docs/data-model.md: {error}"))?;
    for file in with_extension(&root.join("shared/store/src"), "rs")? {
        let source = fs::read_to_string(&file)?;
        // An access pattern is a method of the store, which it does not change.
        let functions = source.split("pub async fn ").skip(1);
        let patterns = functions.filter(|rest| {
            let parameters = rest.split(')').next().unwrap_or(rest);
            parameters.contains("&self")
        });
        for name in patterns.filter_map(|rest| rest.split(['(', '<']).next()) {
            if !document.contains(&format!("`{name}`")) {
                findings.push(format!(
                    "docs/data-model.md does not name the access pattern `{name}`"
                ));
            }
        }
        if file.ends_with("keys.rs") {
            for name in source
                .split("    pub fn ")
                .skip(1)
                .filter_map(|rest| rest.split('(').next())
            {
                let is_key = !["attributes", "as_pair"].contains(&name);
                if is_key && !document.contains(&format!("Key::{name}")) {
                    findings.push(format!("docs/data-model.md does not name `Key::{name}`"));
                }
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn list_things(triggers: Vec<Trigger>, statements: Vec<Value>) -> Function {
        Function {
            logical_id: "ListThings".to_owned(),
            binary: "list-things".to_owned(),
            timeout: 10,
            memory: 256,
            environment: BTreeMap::new(),
            triggers,
            statements,
        }
    }

    // Kind of fault: a permission of shared code that one of many policies lacks.
    #[test]
    fn an_endpoint_of_staff_may_read_and_note_api_keys() {
        let on_keys = |actions: Value, keys: &[&str]| {
            json!({
                "Action": actions,
                "Condition": { "ForAllValues:StringLike": { "dynamodb:LeadingKeys": keys } },
            })
        };
        let findings = |access: &str, statements: Vec<Value>| {
            let source = format!("const ACCESS: Access = Access::{access};");
            let mut findings = Vec::new();
            api_keys(&list_things(Vec::new(), statements), &source, &mut findings);
            findings
        };
        let reads = on_keys(json!(["dynamodb:GetItem"]), &["CONTROL", "APIKEY#*"]);
        let notes = on_keys(json!("dynamodb:UpdateItem"), &["APIKEY#*"]);
        let staff = "Staff(Permission::OrdersRead)";
        assert!(findings(staff, vec![reads.clone(), notes.clone()]).is_empty());
        // Those who take no API keys.
        for access in ["Public", "Person", "Token"] {
            assert!(findings(access, Vec::new()).is_empty(), "{access}");
        }
        let elsewhere = on_keys(json!(["dynamodb:UpdateItem"]), &["APIKEYS", "CONTROL"]);
        for (statements, missing) in [
            (vec![notes.clone()], "dynamodb:GetItem"),
            (vec![reads.clone()], "dynamodb:UpdateItem"),
            (vec![reads, elsewhere], "dynamodb:UpdateItem"),
        ] {
            let findings = findings(staff, statements);
            assert_eq!(findings.len(), 1, "{findings:?}");
            assert!(findings[0].contains(missing), "{findings:?}");
        }
        assert_eq!(findings(staff, Vec::new()).len(), 2);
    }

    #[test]
    fn a_public_read_answers_head_too() {
        let routes_of = |methods: &[&str], access: &str| {
            let route = |method: &&str| Trigger::Route {
                method: (*method).to_owned(),
                path: "/v1/things".to_owned(),
            };
            let function = list_things(methods.iter().map(route).collect(), Vec::new());
            let source = format!("//! `GET /v1/things`: lists.\nAccess::{access};");
            let mut findings = Vec::new();
            routes(&function, &source, &mut findings);
            findings
        };
        assert_eq!(routes_of(&["GET", "HEAD"], "Public"), [""; 0]);
        assert_eq!(routes_of(&["GET"], "Token"), [""; 0]);
        let missing = routes_of(&["GET"], "Public");
        assert!(missing[0].contains("`HEAD /v1/things`"), "{missing:?}");
        // The source still begins with the read's route.
        assert_eq!(routes_of(&["HEAD"], "Public").len(), 1);
    }

    // Kind of fault: a permission that is split, so that what needs both halves at once is refused.
    #[test]
    fn the_keys_of_a_transaction_are_in_one_statement() {
        let on_keys = |actions: Value, keys: &[&str]| {
            json!({
                "Action": actions,
                "Resource": "table",
                "Condition": { "ForAllValues:StringLike": { "dynamodb:LeadingKeys": keys } },
            })
        };
        let findings = |statements: Vec<Value>| {
            let mut findings = Vec::new();
            writes_of_transactions(&list_things(Vec::new(), statements), &mut findings);
            findings.len()
        };
        let puts = on_keys(json!(["dynamodb:GetItem", "dynamodb:PutItem"]), &["A#*"]);
        let other = on_keys(json!("dynamodb:PutItem"), &["B#*"]);
        assert_eq!(findings(vec![puts.clone(), other]), 1);
        // Another action, reads, and items that are written alone.
        for statement in [
            on_keys(json!("dynamodb:UpdateItem"), &["B#*"]),
            on_keys(json!("dynamodb:GetItem"), &["B#*"]),
            on_keys(json!("dynamodb:UpdateItem"), &["LIMIT#x#*", "HOLDS#*"]),
        ] {
            let updates = on_keys(json!("dynamodb:UpdateItem"), &["APIKEY#*"]);
            assert_eq!(findings(vec![puts.clone(), updates, statement]), 0);
        }
        for (action, key) in [
            ("PutItem", "APIKEY#*"),
            ("PutItem", "B#*"),
            ("UpdateItem", "B#*"),
        ] {
            let action = format!("dynamodb:{action}");
            let half = on_keys(json!(action), &["LIMIT#x#*", key]);
            let updates = on_keys(json!("dynamodb:UpdateItem"), &["C#*"]);
            assert_eq!(
                findings(vec![puts.clone(), updates, half]),
                1,
                "{action} {key}"
            );
        }
    }

    // Kind of fault: a condition that also holds for a request without what it compares, and a pattern that also
    // matches what is not meant.
    #[test]
    fn a_policy_allows_only_what_it_means() {
        let findings = |statement: Value| {
            let mut findings = Vec::new();
            policy("f", &statement, &mut findings);
            findings
        };
        let on_keys = |absent: Value| {
            json!({
                "Action": ["dynamodb:GetItem"],
                "Resource": "arn:aws:dynamodb:us-east-1:1:table/t",
                "Condition": {
                    "ForAllValues:StringLike": { "dynamodb:LeadingKeys": ["A#*"] },
                    "Null": { "dynamodb:LeadingKeys": absent },
                },
            })
        };
        assert!(findings(on_keys(json!("false"))).is_empty());
        for absent in [json!("true"), Value::Null] {
            let findings = findings(on_keys(absent));
            assert!(
                findings[0].contains("requests without keys"),
                "{findings:?}"
            );
        }
        let on_secret = |end: &str| {
            let secret = format!("arn:aws:secretsmanager:us-east-1:1:secret:stripe{end}");
            json!({ "Action": "secretsmanager:GetSecretValue", "Resource": secret })
        };
        assert!(findings(on_secret("-??????")).is_empty());
        for end in ["-*", "*", "-?????"] {
            assert_eq!(findings(on_secret(end)).len(), 1, "{end}");
        }
    }
}

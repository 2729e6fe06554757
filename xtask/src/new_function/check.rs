//! Checks what is to be made: names, method and path have the forms of the project, and are free.

use std::{collections::BTreeMap, fs, path::Path};

use local::{
    outcome::Outcome,
    template::{Settings, Template, Trigger, load},
};
use serde_json::Value;

use super::{Arguments, Function, camel_case};

/// Words that Rust keeps for itself, of those that have the form of a name.
const KEYWORDS: [&str; 46] = [
    "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "crate",
    "do", "dyn", "else", "enum", "extern", "false", "final", "fn", "for", "gen", "if", "impl",
    "in", "let", "loop", "macro", "match", "mod", "move", "mut", "override", "priv", "pub", "ref",
    "return", "self", "static", "struct", "super", "trait", "true", "try", "type", "typeof", "use",
    "where",
];
/// Functions whose types would have the names of those that the generated source imports.
const TAKEN: [&str; 4] = ["exit-code", "no-body", "no-path", "no-query"];

/// The function that the arguments describe.
pub(super) fn function(root: &Path, arguments: &Arguments) -> Outcome<Function> {
    let function = Function {
        context: arguments.context.clone(),
        name: arguments.name.clone(),
        method: arguments.method.to_uppercase(),
        path: arguments.path.clone(),
        has_alias: arguments.alias,
    };
    context(root, &function.context, arguments.new_context)?;
    name(root, &function)?;
    let document = load(&root.join("template.yaml"))?;
    method(&function.method, &document)?;
    path(&function.path)?;
    route(root, &function)?;
    Ok(function)
}

fn context(root: &Path, context: &str, is_new: bool) -> Outcome {
    if !is_word(context, |byte| byte.is_ascii_lowercase()) {
        return Err(
            format!("{context:?}: a context is one lowercase word, such as catalog").into(),
        );
    }
    let mut contexts = Vec::new();
    for entry in fs::read_dir(root.join("functions"))? {
        let path = entry?.path();
        if path.is_dir() {
            contexts.extend(
                path.file_name()
                    .map(|name| name.to_string_lossy().into_owned()),
            );
        }
    }
    contexts.sort();
    match (contexts.iter().any(|known| known == context), is_new) {
        (true, false) => return Ok(()),
        (true, true) => {
            return Err(format!("functions/{context} exists: leave out --new-context").into());
        }
        (false, false) => {
            return Err(format!(
                "functions/{context} does not exist: name one of {}, or add --new-context to make it",
                contexts.join(", ")
            )
            .into());
        }
        (false, true) => {}
    }
    let is_package = ["shared", "tools"]
        .iter()
        .any(|folder| root.join(folder).join(context).exists());
    if is_package || context == "tests" || KEYWORDS.contains(&context) {
        return Err(format!(
            "{context} cannot be a context: the package, or Rust, has that name already; choose another"
        )
        .into());
    }
    let stack = camel_case(context);
    let document = load(&root.join("template.yaml"))?;
    if is_used(&document, &stack) {
        return Err(format!(
            "{context} cannot be a context: template.yaml has a {stack} already; choose another name"
        )
        .into());
    }
    Ok(())
}

fn name(root: &Path, function: &Function) -> Outcome {
    let Function { context, name, .. } = function;
    let is_name = name.contains('-')
        && name.split('-').all(|word| {
            is_word(word, |byte| {
                byte.is_ascii_lowercase() || byte.is_ascii_digit()
            })
        });
    if !is_name {
        return Err(format!(
            "{name:?}: a function is named by lowercase words with hyphens, the verb first, such as list-collections"
        )
        .into());
    }
    if TAKEN.contains(&name.as_str()) || name.starts_with("stampede-") {
        return Err(format!("{name} means something else in the code: choose another name").into());
    }
    for entry in fs::read_dir(root.join("functions"))? {
        let source = entry?.path().join("src/bin").join(format!("{name}.rs"));
        if source.exists() {
            let source = source.strip_prefix(root).unwrap_or(&source).display();
            return Err(format!("{source} exists: edit it, or choose another name").into());
        }
    }
    if root.join("events").join(name).exists() {
        return Err(format!(
            "events/{name} exists, and no function of that name: delete it, or choose another name"
        )
        .into());
    }
    let template = root.join(function.template_path());
    if !template.exists() {
        return Ok(());
    }
    let template = load(&template)?;
    let id = function.logical_id();
    for suffix in ["", "Route", "HeadRoute", "Integration", "Permission"] {
        let id = format!("{id}{suffix}");
        if is_used(&template, &id) {
            return Err(format!(
                "functions/{context}/template.yaml has a {id} already, which {name} would need: choose another name"
            )
            .into());
        }
    }
    Ok(())
}

/// Whether a template has a resource or a parameter of this name.
fn is_used(template: &Value, id: &str) -> bool {
    ["Resources", "Parameters"]
        .iter()
        .any(|section| !template[section][id].is_null())
}

/// The methods are those that browsers may use, so that each endpoint can be called by them.
fn method(method: &str, document: &Value) -> Outcome {
    let allowed = &document["Mappings"]["Cors"]["Api"]["Methods"];
    let allowed: Vec<&str> = allowed
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        // Requests with HEAD reach the function of GET.
        .filter(|method| *method != "HEAD")
        .collect();
    if allowed.contains(&method) {
        return Ok(());
    }
    Err(format!(
        "{method:?}: the API takes {} (Methods of Cors in template.yaml)",
        allowed.join(", ")
    )
    .into())
}

fn path(path: &str) -> Outcome {
    let refuse = |reason: &str| {
        Err(format!(
            "{path:?}: {reason}; a path looks like /v1/collections/{{collection_id}}/products"
        )
        .into())
    };
    let Some(rest) = path.strip_prefix("/v1/") else {
        return refuse("paths begin with /v1/");
    };
    if path.contains(['?', '#']) {
        return refuse("a query is not a part of the path: it becomes the endpoint's type Query");
    }
    let segments: Vec<&str> = rest.split('/').collect();
    if segments.contains(&"") {
        return refuse("a segment is empty");
    }
    if segments[0] == "admin" && segments.len() == 1 {
        return refuse("a resource follows /v1/admin/");
    }
    if parameter(segments[0]).is_some() {
        return refuse("a resource comes before its parameter");
    }
    let mut names = Vec::new();
    for segment in segments {
        let fixed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        let named = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
        match parameter(segment) {
            Some(name) if !is_word(name, named) || KEYWORDS.contains(&name) => {
                return refuse(&format!(
                    "the parameter {segment} is not named in snake_case, or by a word of Rust"
                ));
            }
            Some(name) if names.contains(&name) => {
                return refuse(&format!("the parameter {segment} occurs twice"));
            }
            Some(name) => names.push(name),
            None if !is_word(segment, fixed) => {
                return refuse(&format!("the segment {segment:?} is not in kebab-case"));
            }
            None => {}
        }
    }
    Ok(())
}

/// The name of a parameter, if the segment is one.
pub(super) fn parameter(segment: &str) -> Option<&str> {
    segment.strip_prefix('{')?.strip_suffix('}')
}

/// A letter, then what `allowed` says.
fn is_word(text: &str, allowed: impl Fn(u8) -> bool) -> bool {
    text.bytes()
        .next()
        .is_some_and(|first| first.is_ascii_lowercase())
        && text.bytes().all(allowed)
}

/// No function has the route, and its parameters are called as those of other paths at the same place: neither
/// the router of `cargo lambda watch` nor the OpenAPI document can have both.
fn route(root: &Path, function: &Function) -> Outcome {
    let settings = Settings {
        stack_name: "new-function".to_owned(),
        endpoint: "http://127.0.0.1".to_owned(),
        parameters: BTreeMap::new(),
    };
    let template = Template::read(root, &settings)?;
    for other in &template.functions {
        for trigger in &other.triggers {
            let Trigger::Route { method, path } = trigger else {
                continue;
            };
            if *path == function.path && *method == function.method {
                return Err(format!(
                    "{method} {path} is the route of {}: change that function, or choose another route",
                    other.binary
                )
                .into());
            }
            let Some((wanted, used)) = clash(&function.path, path) else {
                continue;
            };
            return Err(format!(
                "{wanted} is called {used} in {path}, the path of {}: name it alike",
                other.binary
            )
            .into());
        }
    }
    Ok(())
}

/// The first segments in which two paths differ, if both are parameters.
fn clash<'a>(one: &'a str, other: &'a str) -> Option<(&'a str, &'a str)> {
    let mut segments = one.split('/').zip(other.split('/'));
    let (one, other) = segments.find(|(one, other)| one != other)?;
    (parameter(one).is_some() && parameter(other).is_some()).then_some((one, other))
}

#[cfg(test)]
mod tests {
    use local::project::root;

    use super::*;

    fn checked(arguments: [&str; 4], new_context: bool) -> Result<Function, String> {
        let [context, name, method, path] = arguments.map(str::to_owned);
        let arguments = Arguments {
            context,
            name,
            method,
            path,
            new_context,
            alias: false,
        };
        function(&root(), &arguments).map_err(|error| error.to_string())
    }

    #[track_caller]
    fn refused(arguments: [&str; 4], new_context: bool, because: &str) {
        let error = checked(arguments, new_context).err().unwrap();
        assert!(error.contains(because), "{error}");
    }

    #[test]
    fn a_function_that_can_be_made_is_taken_as_it_is() {
        let made = checked(
            [
                "catalog",
                "get-collection2",
                "get",
                "/v1/collections/{collection_id}",
            ],
            false,
        )
        .unwrap();
        assert_eq!(made.logical_id(), "GetCollection2");
        assert_eq!(made.method, "GET");
        assert_eq!(made.parameters(), ["collection_id"]);
        assert!(!made.is_for_staff() && !made.has_body());
        let staff = ["people", "set-note", "PUT", "/v1/admin/people/{person_id}"];
        let staff = checked(staff, true).unwrap();
        assert!(staff.is_for_staff() && staff.has_body());
        // Beside a parameter there may be a word.
        checked(["orders", "list-late", "GET", "/v1/orders/late"], false).unwrap();
        checked(
            ["orders", "drop-order", "DELETE", "/v1/orders/{order_id}"],
            false,
        )
        .unwrap();
    }

    #[test]
    fn a_context_exists_or_is_asked_for() {
        let with = |context| [context, "list-things", "GET", "/v1/things"];
        refused(with("catalgo"), false, "cart, catalog, customers, identity");
        refused(with("catalgo"), false, "add --new-context");
        refused(with("catalog"), true, "leave out --new-context");
        for word in ["", "Catalog", "gift-cards", "../catalog", "gift_cards"] {
            refused(with(word), true, "one lowercase word");
        }
        for used in ["domain", "bench", "tests", "match"] {
            refused(with(used), true, "choose another");
        }
        refused(with("mail"), true, "template.yaml has a Mail already");
    }

    #[test]
    fn a_name_has_the_usual_form_and_is_free() {
        let with = |name| ["catalog", name, "GET", "/v1/things"];
        for name in [
            "",
            "list",
            "List-Things",
            "list_things",
            "list--things",
            "-list",
            "list-2",
        ] {
            refused(with(name), false, "lowercase words with hyphens");
        }
        refused(with("get-product"), false, "bin/get-product.rs exists");
        // The folders of events and of binaries are for all contexts.
        refused(
            with("get-cart"),
            false,
            "functions/cart/src/bin/get-cart.rs exists",
        );
        refused(with("no-body"), false, "choose another name");
        refused(with("stampede-load"), false, "choose another name");
        refused(with("get-product-route"), false, "GetProductRoute already");
        refused(with("table-name"), false, "TableName already");
    }

    #[test]
    fn a_method_is_one_that_browsers_may_use() {
        for method in ["HEAD", "GTE", ""] {
            let given = ["catalog", "list-things", method, "/v1/things"];
            refused(given, false, "the API takes GET, POST, PUT, PATCH, DELETE");
        }
    }

    #[test]
    fn a_path_has_the_usual_form() {
        for (path, because) in [
            ("/things", "begin with /v1/"),
            ("/v2/things", "begin with /v1/"),
            ("/v1/", "a segment is empty"),
            ("/v1/things/", "a segment is empty"),
            ("/v1//things", "a segment is empty"),
            ("/v1/things?limit=1", "becomes the endpoint's type Query"),
            ("/v1/Things", "kebab-case"),
            ("/v1/things_two", "kebab-case"),
            ("/v1/things/{thing_id", "kebab-case"),
            ("/v1/admin", "a resource follows"),
            ("/v1/{thing_id}", "a resource comes before"),
            ("/v1/things/{ThingId}", "snake_case"),
            ("/v1/things/{thing-id}", "snake_case"),
            ("/v1/things/{rest+}", "snake_case"),
            ("/v1/things/{type}", "by a word of Rust"),
            ("/v1/things/{id}/parts/{id}", "occurs twice"),
        ] {
            refused(["catalog", "list-things", "GET", path], false, because);
        }
    }

    #[test]
    fn a_route_is_free_and_named_like_its_neighbors() {
        let with = |path| ["catalog", "list-things", "GET", path];
        refused(with("/v1/products"), false, "is the route of list-products");
        refused(
            with("/v1/orders/{id}/notes"),
            false,
            "{id} is called {order_id} in /v1/orders/{order_id}",
        );
    }
}

//! Writes what other files repeat of the templates' routes: the section of Cargo.toml for `cargo lambda
//! watch`, with settings that differ between functions, and the paths that `not-found` knows.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    fs,
    path::Path,
};

use local::{
    environment::{Environments, Variables},
    outcome::Outcome,
    template::{Function, Settings, Template, Trigger},
};

const BEGIN: &str = "# Generated from the templates by `cargo xtask routes`, for `cargo lambda watch` (docs/local.md): do not edit.\n";
const END: &str = "# End of the generated part.\n";

/// HTTP methods of functions. Not OPTIONS: cargo-lambda handles it itself, for CORS.
const METHODS: [&str; 6] = ["DELETE", "GET", "HEAD", "PATCH", "POST", "PUT"];

/// File of the paths that `not-found` knows.
const PATHS: &str = "functions/operations/src/routes.rs";

/// Writes both files; with `check`, only verifies that they are up to date.
pub(crate) fn run(root: &Path, check: bool) -> Outcome {
    let path = root.join("Cargo.toml");
    let manifest = fs::read_to_string(&path)?;
    let generated = with_generated(&manifest, &generate(root)?)?;
    let paths = root.join(PATHS);
    let known = render_paths(&read(root, "here")?.functions)?;
    let is_known = fs::read_to_string(&paths).is_ok_and(|text| text == known);
    if check && (generated != manifest || !is_known) {
        return Err(format!("Cargo.toml or {PATHS} have other routes or settings than the templates: run `cargo xtask routes`").into());
    }
    if generated != manifest {
        fs::write(path, generated)?;
    }
    if !is_known {
        fs::write(paths, known)?;
    }
    Ok(())
}

/// The methods of a route.
fn methods(method: &str) -> Vec<&str> {
    match method {
        "ANY" => METHODS.to_vec(),
        method => vec![method],
    }
}

/// The paths with their methods, as Rust.
fn render_paths(functions: &[Function]) -> Outcome<String> {
    let mut paths: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for trigger in functions.iter().flat_map(|function| &function.triggers) {
        if let Trigger::Route { method, path } = trigger
            && path != "$default"
        {
            paths.entry(path).or_default().extend(methods(method));
        }
    }
    let mut text = String::from(
        "//! The API's paths with their methods. Generated from the templates by `cargo xtask routes`: do not edit.\n\n\
         use runtime::ApiPath;\n\n\
         pub(crate) const PATHS: &[ApiPath] = &[\n",
    );
    for (path, methods) in paths {
        let methods: Vec<&str> = methods.into_iter().collect();
        writeln!(
            text,
            "    ApiPath {{\n        pattern: {path:?},\n        methods: &{methods:?},\n    }},"
        )?;
    }
    text.push_str("];\n");
    Ok(text)
}

fn generate(root: &Path) -> Outcome<String> {
    let template = read(root, "here")?;
    let settings = Environments::of(&template.functions).by_function;
    // The file is committed, so it must not contain values of the environment, such as addresses.
    let elsewhere = Environments::of(&read(root, "elsewhere")?.functions).by_function;
    if settings != elsewhere {
        return Err(
            "the templates give a variable other values in different functions, and at each \
            start, so that `cargo lambda watch` cannot set it: use a name for each value"
                .into(),
        );
    }
    let routes = render_routes(&template.functions)?;
    let settings = render_settings(&settings)?;
    Ok(format!("{routes}{settings}"))
}

/// Reads the template with the settings of a stack at `somewhere`.
fn read(root: &Path, somewhere: &str) -> Outcome<Template> {
    let settings = Settings {
        stack_name: "routes".to_owned(),
        endpoint: format!("http://{somewhere}"),
        parameters: BTreeMap::from([("StaffTokenPublicKey".to_owned(), somewhere.to_owned())]),
    };
    Ok(Template::read(root, &settings)?)
}

fn render_routes(functions: &[Function]) -> Outcome<String> {
    let mut paths: BTreeMap<String, BTreeMap<&str, &str>> = BTreeMap::new();
    let mut fallback = None;
    for function in functions {
        let function_name = function.binary.as_str();
        for trigger in &function.triggers {
            let Trigger::Route { method, path } = trigger else {
                continue;
            };
            if path == "$default" {
                fallback = Some(function_name);
                continue;
            }
            let routes = paths.entry(router_path(path)).or_default();
            let methods = methods(method).into_iter();
            routes.extend(methods.map(|method| (method, function_name)));
        }
    }
    let mut text = String::from(
        "[workspace.metadata.lambda.watch]\nenv_file = \".local/functions.env\"\nrouter = [\n",
    );
    for (path, routes) in &paths {
        let mut functions: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for (method, function) in routes {
            functions.entry(function).or_default().push(method);
        }
        for (function, methods) in functions {
            route(&mut text, path, Some(&methods), function)?;
        }
        // A known path does not fall through to the last routes with any method.
        let others: Vec<&str> = METHODS
            .into_iter()
            .filter(|method| !routes.contains_key(method))
            .collect();
        if let Some(fallback) = fallback {
            route(&mut text, path, Some(&others), fallback)?;
        }
    }
    if let Some(fallback) = fallback {
        for path in ["/", "/{*path}"] {
            route(&mut text, path, None, fallback)?;
        }
    }
    text.push_str("]\n");
    Ok(text)
}

/// Converts a path to cargo-lambda's syntax, in which API Gateway's `{rest+}` is `{*rest}`.
fn router_path(path: &str) -> String {
    let segments = path.split('/').map(|segment| {
        let greedy = segment
            .strip_prefix('{')
            .and_then(|name| name.strip_suffix("+}"));
        greedy.map_or_else(|| segment.to_owned(), |name| format!("{{*{name}}}"))
    });
    segments.collect::<Vec<_>>().join("/")
}

/// One route of the router; without methods, it matches all of them.
fn route(text: &mut String, path: &str, methods: Option<&[&str]>, function: &str) -> Outcome {
    let methods = match methods {
        Some([]) => return Ok(()),
        Some(methods) => format!("methods = {methods:?}, "),
        None => String::new(),
    };
    writeln!(
        text,
        "    {{ path = {path:?}, {methods}function = {function:?} }},"
    )?;
    Ok(())
}

fn render_settings(settings: &BTreeMap<String, Variables>) -> Outcome<String> {
    let mut text = String::new();
    for (function, variables) in settings {
        writeln!(text, "\n[workspace.metadata.lambda.bin.{function}.env]")?;
        for (name, value) in variables {
            // TOML strings have the same syntax as JSON strings.
            writeln!(text, "{name} = {}", serde_json::to_string(value)?)?;
        }
    }
    Ok(text)
}

/// Replaces the generated section of the manifest, or appends it.
fn with_generated(manifest: &str, generated: &str) -> Outcome<String> {
    let (before, after) = match manifest.split_once(BEGIN) {
        Some((before, rest)) => {
            let (_, after) = rest.split_once(END).ok_or_else(|| {
                format!("Cargo.toml lacks the line that ends its generated part: {END}")
            })?;
            (before.to_owned(), after)
        }
        None => (format!("{}\n\n", manifest.trim_end()), ""),
    };
    Ok(format!("{before}{BEGIN}{generated}{END}{after}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn function(binary: &str, method: &str, path: &str) -> Function {
        Function {
            logical_id: binary.to_owned(),
            binary: binary.to_owned(),
            timeout: 10,
            memory: 256,
            environment: BTreeMap::new(),
            triggers: vec![Trigger::Route {
                method: method.to_owned(),
                path: path.to_owned(),
            }],
            statements: Vec::new(),
        }
    }

    #[test]
    fn what_no_route_takes_goes_to_the_default_function() {
        let functions = [
            function("put-line", "PUT", "/carts/{id}/lines/{sku}"),
            function("remove-line", "DELETE", "/carts/{id}/lines/{sku}"),
            function("files", "ANY", "/files/{rest+}"),
            function("not-found", "ANY", "$default"),
        ];
        let text = render_routes(&functions).unwrap();
        let (_, routes) = text.split_once("router = [\n").unwrap();
        assert_eq!(
            routes,
            r#"    { path = "/carts/{id}/lines/{sku}", methods = ["PUT"], function = "put-line" },
    { path = "/carts/{id}/lines/{sku}", methods = ["DELETE"], function = "remove-line" },
    { path = "/carts/{id}/lines/{sku}", methods = ["GET", "HEAD", "PATCH", "POST"], function = "not-found" },
    { path = "/files/{*rest}", methods = ["DELETE", "GET", "HEAD", "PATCH", "POST", "PUT"], function = "files" },
    { path = "/", function = "not-found" },
    { path = "/{*path}", function = "not-found" },
]
"#
        );
    }

    #[test]
    fn the_paths_come_with_the_methods_of_all_their_routes() {
        let functions = [
            function("put-line", "PUT", "/lines/{sku}"),
            function("remove-line", "DELETE", "/lines/{sku}"),
            function("not-found", "ANY", "$default"),
        ];
        let text = render_paths(&functions).unwrap();
        let (_, paths) = text.split_once("&[\n").unwrap();
        assert_eq!(
            paths,
            r#"    ApiPath {
        pattern: "/lines/{sku}",
        methods: &["DELETE", "PUT"],
    },
];
"#
        );
    }

    #[test]
    fn the_rest_of_the_manifest_stays_as_it_is() {
        let once = with_generated("[workspace]\n", "a = 1\n").unwrap();
        assert_eq!(once, format!("[workspace]\n\n{BEGIN}a = 1\n{END}"));
        let more = once + "\n# By hand.\n";
        let twice = with_generated(&more, "b = 2\n").unwrap();
        assert_eq!(
            twice,
            format!("[workspace]\n\n{BEGIN}b = 2\n{END}\n# By hand.\n")
        );
        assert!(with_generated(BEGIN, "").is_err());
    }
}

//! Lists the endpoints: every function with a route in its context's `template.yaml` is compiled in from its own
//! source file, so that the document is made from the types that the binary itself uses.

use std::{
    collections::BTreeMap,
    env,
    error::Error,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

use serde_yaml_ng::Value;

#[expect(
    clippy::disallowed_methods,
    reason = "a build script gets its input from the environment"
)]
fn main() -> Result<(), Box<dyn Error>> {
    let root = Path::new(&env::var("CARGO_MANIFEST_DIR")?)
        .join("../..")
        .canonicalize()?;
    // An endpoint may have several routes, such as one for HEAD.
    let mut modules = BTreeMap::new();
    let mut calls = String::new();
    for folder in folders(&root.join("functions"))? {
        let template = folder.join("template.yaml");
        println!("cargo::rerun-if-changed={}", template.display());
        let template: Value = serde_yaml_ng::from_str(&fs::read_to_string(template)?)?;
        let context = folder.file_name().unwrap_or_default().to_string_lossy();
        for Route { key, binary } in routes(&template["Resources"])? {
            // The route of everything else has no method.
            let Some((method, path)) = key.split_once(' ') else {
                continue;
            };
            let source = folder.join(format!("src/bin/{binary}.rs"));
            println!("cargo::rerun-if-changed={}", source.display());
            let module = binary.replace('-', "_");
            let text = fs::read_to_string(&source)
                .map_err(|error| format!("{}: {error}", source.display()))?;
            let summary = summary(&text);
            let declaration = format!(
                "#[path = {source:?}]\n#[allow(dead_code, clippy::allow_attributes)]\nmod {module};\n"
            );
            modules.insert(module.clone(), declaration);
            writeln!(
                calls,
                "document.add::<{module}::{}>(&Route {{ method: {method:?}, path: {path:?}, \
                 function: {binary:?}, context: {context:?}, summary: {summary:?} }});",
                type_name(&binary)
            )?;
        }
    }
    let modules: String = modules.into_values().collect();
    let code = format!("{modules}\nfn add_all(document: &mut Document) {{\n{calls}}}\n");
    fs::write(Path::new(&env::var("OUT_DIR")?).join("endpoints.rs"), code)?;
    Ok(())
}

/// The folders of the contexts, in alphabetical order.
fn folders(functions: &Path) -> Result<Vec<PathBuf>, Box<dyn Error>> {
    let mut folders = Vec::new();
    for entry in fs::read_dir(functions)? {
        let path = entry?.path();
        if path.is_dir() {
            folders.push(path);
        }
    }
    folders.sort();
    Ok(folders)
}

struct Route {
    /// Method and path.
    key: String,
    /// Binary of the function that the integration calls.
    binary: String,
}

fn routes(resources: &Value) -> Result<Vec<Route>, Box<dyn Error>> {
    let mut routes = Vec::new();
    for (id, route) in resources.as_mapping().ok_or("no resources")? {
        if route["Type"] != "AWS::ApiGatewayV2::Route" {
            continue;
        }
        let binary = || {
            let target = text(&route["Properties"]["Target"])?;
            let integration = target.strip_prefix("integrations/${")?.strip_suffix('}')?;
            let uri = text(&resources[integration]["Properties"]["IntegrationUri"])?;
            let name = uri.strip_suffix(".Arn").or(uri.strip_suffix(".Alias"))?;
            let function = &resources[name];
            function["Metadata"]["BuildProperties"]["Binary"].as_str()
        };
        let key = route["Properties"]["RouteKey"].as_str();
        let (Some(key), Some(binary)) = (key, binary()) else {
            return Err(format!("{id:?} has no key, or leads to no function").into());
        };
        routes.push(Route {
            key: key.to_owned(),
            binary: binary.to_owned(),
        });
    }
    Ok(routes)
}

/// A text, also one behind a short form such as `!Sub`.
fn text(value: &Value) -> Option<&str> {
    match value {
        Value::Tagged(tagged) => tagged.value.as_str(),
        value => value.as_str(),
    }
}

/// Name of an endpoint's type: `place-order` is `PlaceOrder`.
fn type_name(binary: &str) -> String {
    let word = |word: &str| word[..1].to_uppercase() + &word[1..];
    binary.split('-').map(word).collect()
}

/// The summary: the first paragraph of the module docs, after the route.
fn summary(source: &str) -> String {
    let lines = source.lines().map_while(|line| line.strip_prefix("//!"));
    let text: Vec<&str> = lines
        .map(str::trim)
        .take_while(|line| !line.is_empty())
        .collect();
    let text = text.join(" ");
    let text = text
        .split_once("`: ")
        .map_or(text.as_str(), |(_, rest)| rest);
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(letters).collect()
    })
}

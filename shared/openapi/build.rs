//! Generates the list of endpoints: each function with a route in `template.yaml` is compiled in from
//! its source file, so that the document uses the same types as the binary.

use std::{env, error::Error, fmt::Write as _, fs, path::Path};

use serde_yaml_ng::Value;

#[expect(
    clippy::disallowed_methods,
    reason = "a build script gets its input from the environment"
)]
fn main() -> Result<(), Box<dyn Error>> {
    let root = Path::new(&env::var("CARGO_MANIFEST_DIR")?)
        .join("../..")
        .canonicalize()?;
    let template = root.join("template.yaml");
    println!("cargo::rerun-if-changed={}", template.display());
    let template: Value = serde_yaml_ng::from_str(&fs::read_to_string(template)?)?;
    let (mut modules, mut calls) = (String::new(), String::new());
    for (_, resource) in template["Resources"].as_mapping().ok_or("no resources")? {
        let Some(binary) = resource["Metadata"]["BuildProperties"]["Binary"].as_str() else {
            continue;
        };
        let events = resource["Properties"]["Events"].as_mapping();
        for event in events.into_iter().flat_map(|events| events.values()) {
            let properties = &event["Properties"];
            let (Some(method), Some(path)) =
                (properties["Method"].as_str(), properties["Path"].as_str())
            else {
                continue;
            };
            let (context, source) = source_of(&root, binary)?;
            println!("cargo::rerun-if-changed={}", source.display());
            let module = binary.replace('-', "_");
            let summary = summary(&fs::read_to_string(&source)?);
            writeln!(
                modules,
                "#[path = {source:?}]\n#[allow(dead_code, clippy::allow_attributes)]\nmod {module};"
            )?;
            writeln!(
                calls,
                "document.add::<{module}::{}>(&Route {{ method: {method:?}, path: {path:?}, \
                 function: {binary:?}, context: {context:?}, summary: {summary:?} }});",
                type_name(binary)
            )?;
        }
    }
    let code = format!("{modules}\nfn add_all(document: &mut Document) {{\n{calls}}}\n");
    fs::write(Path::new(&env::var("OUT_DIR")?).join("endpoints.rs"), code)?;
    Ok(())
}

/// Finds a function's context and source file.
fn source_of(root: &Path, binary: &str) -> Result<(String, std::path::PathBuf), Box<dyn Error>> {
    for context in fs::read_dir(root.join("functions"))? {
        let context = context?;
        let source = context.path().join(format!("src/bin/{binary}.rs"));
        if source.exists() {
            return Ok((context.file_name().to_string_lossy().into_owned(), source));
        }
    }
    Err(format!("no functions/*/src/bin/{binary}.rs, which template.yaml names").into())
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

//! Checks that the documents match the code: the OpenAPI document, the access matrix, the tests that the security page
//! names, and the README's walkthrough.

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde_json::Value;
use testkit::{Shop, root};
use tokio::process::Command;

#[test]
fn the_openapi_document_is_what_the_code_says() {
    let committed: Value =
        serde_json::from_str(&fs::read_to_string(root().join("web/openapi.json")).unwrap())
            .unwrap();
    assert!(
        committed == openapi::document(),
        "run `cargo xtask openapi` and look at the difference"
    );
}

/// Kind of fault: a new route that nobody has decided about. The matrix has a row for each.
#[tokio::test]
async fn the_access_matrix_is_what_the_endpoints_declare() {
    let binary = crate::build().join("xtask");
    assert!(
        binary.exists(),
        "{} is missing: run `cargo build --workspace --bins` first",
        binary.display()
    );
    let mut xtask = Command::new(binary);
    xtask.args(["access", "--check", "--root"]).arg(root());
    let (status, said) = crate::run(&mut xtask).await;
    assert!(status.success(), "{said}");
}

/// Kind of fault: a claim whose proof was renamed or deleted.
#[test]
fn the_tests_that_the_security_page_names_are_there() {
    let page = fs::read_to_string(root().join("docs/security.md")).unwrap();
    let mut files = Vec::new();
    for folder in ["functions", "shared", "tests", "xtask"] {
        sources(&root().join(folder), &mut files);
    }
    let mut named = 0;
    for name in page.split('`').skip(1).step_by(2) {
        let Some((file, test)) = name.split_once(".rs::") else {
            continue;
        };
        let (end, start) = (format!("/{file}.rs"), format!("fn {test}("));
        let is_there = files.iter().any(|path| {
            let is_the_file = path.display().to_string().ends_with(&end);
            is_the_file && fs::read_to_string(path).unwrap().contains(&start)
        });
        assert!(
            is_there,
            "docs/security.md names {name}, which is not there"
        );
        named += 1;
    }
    // As many are known to be there.
    assert!(named > 100, "{named}");
}

/// Kind of fault: the document promises more than the code does. A field that is left out of the JSON
/// where it is empty is optional in the document, for every type.
#[test]
fn fields_that_can_be_left_out_are_optional_in_the_document() {
    let document = openapi::document();
    let schemas = document["components"]["schemas"].as_object().unwrap();
    let mut files = Vec::new();
    for folder in ["shared", "functions"] {
        sources(&root().join(folder), &mut files);
    }
    let mut checked = Vec::new();
    for file in files {
        for (name, field) in fields_left_out(&fs::read_to_string(&file).unwrap()) {
            let Some(schema) = schemas.get(&name) else {
                continue;
            };
            let has = schema["properties"].get(&field).is_some();
            assert!(has, "{name} in {} lacks {field}", file.display());
            let required = schema["required"].as_array();
            let is_required = required.is_some_and(|names| names.contains(&field.clone().into()));
            assert!(
                !is_required,
                "{name}.{field} can be left out, and is required"
            );
            checked.push(format!("{name}.{field}"));
        }
    }
    assert!(
        checked.contains(&"Problem.errors".to_owned()),
        "{checked:?}"
    );
    // As many are known to be there.
    assert!(checked.len() > 15, "{checked:?}");
}

/// The Rust files of a folder and its subfolders.
fn sources(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a readable folder") {
        let path = entry.expect("a readable folder").path();
        if path.is_dir() {
            sources(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}

/// Types of a source with the names of their fields that serde may skip, as they are sent.
fn fields_left_out(source: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let (mut owner, mut skipped, mut renamed) = (String::new(), false, None);
    for line in source.lines().map(str::trim) {
        let line = line.strip_prefix("pub(crate) ").unwrap_or(line);
        let line = line.strip_prefix("pub ").unwrap_or(line);
        if let Some(rest) = line.strip_prefix("struct ") {
            let name = |c: char| c.is_alphanumeric() || c == '_';
            owner = rest.chars().take_while(|c| name(*c)).collect();
        } else if line.starts_with("#[serde(") {
            skipped |= line.contains("skip_serializing_if");
            let after = line.split_once("rename = \"").map(|(_, rest)| rest);
            let name = after.and_then(|rest| rest.split('"').next());
            renamed = name.map(str::to_owned).or(renamed);
        } else if let Some((field, _)) = line.split_once(": ")
            && !line.starts_with(['/', '#'])
        {
            if skipped {
                let field = renamed.take().unwrap_or_else(|| field.to_owned());
                found.push((owner.clone(), field));
            }
            (skipped, renamed) = (false, None);
        }
    }
    found
}

/// Runs every line of the README between the marks as it stands.
#[tokio::test]
async fn the_readme_walks_from_import_to_paid_order() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let (_, walk) = readme
        .split_once("<!-- walk:start -->")
        .expect("the README has a walk");
    let (walk, _) = walk
        .split_once("<!-- walk:end -->")
        .expect("the walk has an end");
    let blocks = walk
        .split("```bash\n")
        .skip(1)
        .map(|block| block.split("```").next().unwrap());
    let script: String = blocks.collect();
    assert!(script.contains("/v1/orders"), "the walk places an order");

    let shop = Shop::start().await;
    let mut walk = Command::new("bash");
    walk.args(["-euo", "pipefail", "-c", &script])
        .current_dir(root())
        .env("SHOP", &shop.address)
        .env("TOKEN", &shop.staff_token);
    let (status, said) = crate::run(&mut walk).await;
    assert!(status.success(), "{status}\n{said}\n{}", shop.log());
    assert!(said.contains("status: paid"), "{said}");
}

//! Makes a new HTTP function in a context, and the context where it is new.

mod check;
mod edit;
mod texts;

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use cargo_metadata::MetadataCommand;
use local::{outcome::Outcome, template::load};
use serde_json::Value;

pub(crate) use self::texts::{KEYS, SENTENCE};
use crate::routes;

/// What to make.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Folder under functions/, such as catalog
    context: String,
    /// Name of the binary, such as list-collections
    name: String,
    /// HTTP method, such as GET
    method: String,
    /// Path, such as /v1/collections/{collection_id}; below /v1/admin/ it is for staff
    path: String,
    /// Make the context, too: its package, and its stack in the root template
    #[arg(long)]
    new_context: bool,
    /// Publish versions and have the API call the alias `live`, as on the sale path
    #[arg(long)]
    alias: bool,
}

/// An HTTP function that can be made: its names are free and its route is.
struct Function {
    context: String,
    /// Name of the binary.
    name: String,
    method: String,
    path: String,
    /// Whether it is called by an alias.
    has_alias: bool,
}

impl Function {
    /// The name in templates and of the type, such as `ListCollections`.
    fn logical_id(&self) -> String {
        camel_case(&self.name)
    }

    /// Names of the parameters of the path.
    fn parameters(&self) -> Vec<&str> {
        self.path.split('/').filter_map(check::parameter).collect()
    }

    fn is_for_staff(&self) -> bool {
        self.path.starts_with("/v1/admin/")
    }

    /// Reads that need no token can be made with HEAD, too.
    fn is_public_read(&self) -> bool {
        self.method == "GET" && !self.is_for_staff()
    }

    /// Requests with these methods have a body.
    fn has_body(&self) -> bool {
        ["PATCH", "POST", "PUT"].contains(&self.method.as_str())
    }

    fn template_path(&self) -> String {
        format!("functions/{}/template.yaml", self.context)
    }
}

/// Files as they will be, by their paths in the project. Nothing is written before everything is known.
struct Changes<'a> {
    root: &'a Path,
    files: BTreeMap<PathBuf, String>,
}

impl Changes<'_> {
    fn set(&mut self, path: impl Into<PathBuf>, text: String) {
        self.files.insert(path.into(), text);
    }

    /// Changes a file; `edit` returns `None` where it does not find its place.
    fn edit(&mut self, path: &str, edit: impl FnOnce(&str) -> Option<String>) -> Outcome {
        let text = match self.files.get(Path::new(path)) {
            Some(text) => text.clone(),
            None => fs::read_to_string(self.root.join(path))
                .map_err(|error| format!("{path}: {error}"))?,
        };
        let edited = edit(&text)
            .ok_or_else(|| format!("{path} does not have its usual form: change it by hand"))?;
        if edited != text {
            self.set(path, edited);
        }
        Ok(())
    }

    fn write(&self) -> Outcome {
        for (path, text) in &self.files {
            let file = self.root.join(path);
            if let Some(folder) = file.parent() {
                fs::create_dir_all(folder)?;
            }
            fs::write(&file, text).map_err(|error| format!("{}: {error}", path.display()))?;
        }
        Ok(())
    }
}

/// Writes the files and prints the remaining steps.
pub(crate) fn run(root: &Path, arguments: &Arguments) -> Outcome {
    let function = check::function(root, arguments)?;
    let mut changes = Changes {
        root,
        files: BTreeMap::new(),
    };
    if arguments.new_context {
        make_context(&function, &mut changes)?;
    }
    make_function(&function, &mut changes)?;
    let (made, changed): (Vec<&PathBuf>, Vec<&PathBuf>) = changes
        .files
        .keys()
        .partition(|path| !root.join(path).exists());
    let list = |paths: Vec<&PathBuf>| -> String {
        let lines = paths.iter().map(|path| format!("  {}\n", path.display()));
        lines.collect()
    };
    let (made, changed) = (list(made), list(changed));
    changes.write()?;
    routes::run(root, false)?;
    let manifests = changes
        .files
        .keys()
        .filter(|path| path.ends_with("Cargo.toml"));
    let lock = match manifests.count() {
        0 => "",
        // Brings Cargo.lock up to date, and fails if a manifest is not right.
        _ => {
            MetadataCommand::new()
                .manifest_path(root.join("Cargo.toml"))
                .exec()?;
            "  Cargo.lock\n"
        }
    };
    println!(
        "made\n{made}changed\n{changed}{lock}  Cargo.toml and functions/operations/src/routes.rs, the route\n{}",
        next_steps(&function)
    );
    Ok(())
}

fn next_steps(function: &Function) -> String {
    let Function { context, name, .. } = function;
    format!(
        "next, by hand (CONTRIBUTING.md, \"New endpoints\")\n  \
         the use case in shared/domain/src/{context}\n  \
         the endpoint in functions/{context}/src/bin/{name}.rs\n  \
         its description, keys and environment in functions/{context}/template.yaml\n  \
         its test in tests/api\n\
         then `cargo xtask openapi` and `make test`; `cargo xtask tidy` lists what is left"
    )
}

/// The function's own files, and its place in those of the others.
fn make_function(function: &Function, changes: &mut Changes<'_>) -> Outcome {
    let Function { context, name, .. } = function;
    changes.set(
        format!("functions/{context}/src/bin/{name}.rs"),
        texts::binary(function)?,
    );
    let case = match function.is_for_staff() {
        true => "without-token",
        false => "sample",
    };
    changes.set(
        format!("events/{name}/{case}.json"),
        texts::event(function)?,
    );

    let template_path = function.template_path();
    let template = match changes.files.get(Path::new(&template_path)) {
        // A new context has all that its function needs.
        Some(_) => None,
        None => Some(load(&changes.root.join(&template_path))?),
    };
    let mut needed = vec![
        "ApiId",
        "ApiAccess",
        "OriginSecret",
        "AllowedOrigins",
        "TableName",
        "TableArn",
    ];
    if function.is_for_staff() {
        needed.extend(["StaffTokenPublicKey", "StaffTokenMaxHours"]);
    }
    if function.has_alias {
        needed.push("Release");
    }
    for (parameter, declaration, value) in texts::PARAMETERS {
        let declared = |template: &Value| !template["Parameters"][parameter].is_null();
        if !needed.contains(&parameter) || template.as_ref().is_none_or(declared) {
            continue;
        }
        changes.edit(&template_path, |text| {
            edit::append(text, "Parameters:", declaration)
        })?;
        changes.edit("template.yaml", |text| {
            let (before, stack) = text.split_once(&format!("TemplateURL: {template_path}\n"))?;
            let argument = format!("        {parameter}: {value}\n");
            let stack = edit::append(stack, "      Parameters:", &argument)?;
            Some(format!("{before}TemplateURL: {template_path}\n{stack}"))
        })?;
    }
    let is_set = |name: &str| {
        template.as_ref().is_none_or(|template| {
            let variables = &template["Globals"]["Function"]["Environment"]["Variables"];
            !variables[name].is_null()
        })
    };
    let resources = texts::resources(function, is_set);
    changes.edit(&template_path, |text| {
        Some(edit::with_resources(text, &resources))
    })?;

    if let Some(throttle) = texts::throttle(function) {
        changes.edit("template.yaml", |text| {
            edit::append(text, "      RouteSettings:", &throttle)
        })?;
    }

    let mut dependencies = vec!["runtime", "store"];
    if function.is_for_staff() {
        dependencies.extend(["access", "domain"]);
    }
    if function.has_body() || !function.parameters().is_empty() {
        dependencies.extend(["schemars", "serde"]);
    }
    changes.edit(&format!("functions/{context}/Cargo.toml"), |text| {
        let mut text = text.to_owned();
        for dependency in dependencies {
            text = edit::with_dependency(&text, dependency)?;
        }
        Some(text)
    })?;
    changes.edit("tools/bench/src/scenarios.rs", |text| {
        let scenario = format!("    same(\"{name}\", \"sample\"),\n");
        edit::append(
            text,
            "pub(crate) const SCENARIOS: &[Scenario] = &[",
            &scenario,
        )
    })?;
    changes.edit("docs/ARCHITECTURE.md", |text| {
        edit::with_endpoint(text, context, name, function.is_for_staff())
    })
}

/// The package and the stack of a new context, without functions.
fn make_context(function: &Function, changes: &mut Changes<'_>) -> Outcome {
    let context = &function.context;
    changes.set(
        format!("functions/{context}/Cargo.toml"),
        texts::manifest(context),
    );
    changes.set(function.template_path(), texts::template(function));
    let stack = texts::stack(function);
    changes.edit("template.yaml", |text| {
        Some(edit::with_resources(text, &stack))
    })?;
    // The stage names routes, which must be there before it.
    changes.edit("template.yaml", |text| {
        edit::with_stage_after(text, &camel_case(context))
    })?;
    changes.edit("docs/ARCHITECTURE.md", |text| {
        edit::with_context(text, context)
    })
}

fn camel_case(name: &str) -> String {
    name.split('-')
        .map(|word| word[..1].to_uppercase() + &word[1..])
        .collect()
}

//! Makes functions with `cargo xtask new-function` in a copy of the project, and holds the copy to the rules
//! of the project.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use testkit::root;
use tokio::process::Command;

/// A function to make.
struct New {
    context: &'static str,
    name: &'static str,
    route: [&'static str; 2],
    is_context_new: bool,
    has_alias: bool,
}

const fn new(context: &'static str, name: &'static str, route: [&'static str; 2]) -> New {
    New {
        context,
        name,
        route,
        is_context_new: false,
        has_alias: false,
    }
}

/// One of each kind: with and without parameters and body, for everybody and for staff, in a context that has
/// everything, in one whose functions have no routes, in one whose functions do not share the table, and in a
/// new one; with an alias where others have one and where none has.
const NEW: [New; 8] = [
    new(
        "catalog",
        "get-collection",
        ["GET", "/v1/collections/{collection_id}"],
    ),
    New {
        has_alias: true,
        ..new("cart", "split-cart", ["POST", "/v1/carts/{cart_id}/splits"])
    },
    new(
        "cart",
        "set-cart-note",
        ["PUT", "/v1/admin/carts/{cart_id}/note"],
    ),
    new("notifications", "list-topics", ["GET", "/v1/topics"]),
    new(
        "operations",
        "drop-report",
        ["DELETE", "/v1/admin/reports/{report_id}"],
    ),
    New {
        has_alias: true,
        ..new("inventory", "get-availability", ["GET", "/v1/stock/{sku}"])
    },
    New {
        is_context_new: true,
        has_alias: true,
        ..new("people", "create-person", ["POST", "/v1/people"])
    },
    new("people", "list-people", ["GET", "/v1/admin/people"]),
];
/// What the generator writes where only people know more, and an answer.
const ANSWERS: [(&str, &str); 2] = [
    ("say here in one sentence what it does", "answers"),
    ("NAME_ITS_KEYS#*", "CART#*"),
];

#[tokio::test]
async fn new_functions_are_complete_but_for_what_people_know() {
    let copy = Copy::make();
    for new in &NEW {
        let mut command = copy.xtask("new-function");
        command.args([new.context, new.name]).args(new.route);
        command.args(new.is_context_new.then_some("--new-context"));
        command.args(new.has_alias.then_some("--alias"));
        copy.succeeds(&mut command).await;
    }

    // Everything else is there, and nobody forgets the rest.
    let findings = copy.findings().await;
    let expected: BTreeSet<String> = NEW.iter().flat_map(what_is_left).collect();
    let found: BTreeSet<String> = findings.iter().map(|finding| start(finding)).collect();
    assert_eq!(found, expected, "{findings:#?}");

    for New { context, name, .. } in &NEW {
        for file in [
            format!("functions/{context}/src/bin/{name}.rs"),
            format!("functions/{context}/template.yaml"),
        ] {
            copy.edit(&file, |mut text| {
                for (question, answer) in ANSWERS {
                    text = text.replace(question, answer);
                }
                text
            });
        }
    }
    let names = NEW.map(|new| new.name).join(", ");
    copy.edit("tests/api/main.rs", |text| {
        format!("//! Covers: {names}.\n{text}")
    });
    assert_eq!(copy.findings().await, [""; 0]);

    let mut lint = Command::new(root().join(".venv/bin/cfn-lint"));
    let contexts: BTreeSet<&str> = NEW.iter().map(|new| new.context).collect();
    lint.arg("template.yaml").args(
        contexts
            .iter()
            .map(|context| format!("functions/{context}/template.yaml")),
    );
    copy.succeeds(lint.current_dir(&copy.folder)).await;

    // The OpenAPI document compiles all endpoints in, from the same sources. Clippy compiles, too: `cargo clippy`
    // would check every library that the project's build has compiled.
    let mut build = Command::new("cargo");
    build.args(["build", "--quiet", "--workspace"]);
    build.args(["--bin", "stampede-openapi"]);
    for new in &NEW {
        build.args(["--bin", new.name]);
    }
    build
        .env("RUSTC_WORKSPACE_WRAPPER", "clippy-driver")
        .env("CARGO_BUILD_BUILD_DIR", crate::target())
        .env("CARGO_TARGET_DIR", copy.folder.with_extension("target"))
        .current_dir(&copy.folder);
    let warnings = copy.succeeds(crate::without_package(&mut build)).await;
    assert_eq!(warnings, "");
}

/// How the findings begin that a new function leaves.
fn what_is_left(new: &New) -> [String; 4] {
    let New { context, name, .. } = new;
    let words = name.split('-');
    let id: String = words
        .map(|word| word[..1].to_uppercase() + &word[1..])
        .collect();
    [
        format!("{name}: its source still says"),
        format!("{name}: its policy still allows"),
        format!("no test says that it covers {name}"),
        format!("functions/{context}/template.yaml: the Description of {id} still is"),
    ]
}

/// A finding without the advice in its end.
fn start(finding: &str) -> String {
    let end = [" \"", " the keys", " (see"];
    let end = end.iter().filter_map(|mark| finding.find(mark)).min();
    finding[..end.unwrap_or(finding.len())].to_owned()
}

/// A copy of the project's files, without this one, whose names of functions would count as tests of them.
struct Copy {
    folder: PathBuf,
}

impl Copy {
    /// Makes the copy, or the last one like the project again. Files that are equal keep their times, by which
    /// Cargo knows what it has compiled.
    fn make() -> Self {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("new-function");
        fs::create_dir_all(&folder).expect("the folder can be made");
        let folder = folder.canonicalize().expect("it is there");
        let mut files = project_files();
        files.remove(Path::new(file!()));
        for file in &files {
            let mut content = fs::read(root().join(file)).expect("the project can be read");
            if file == Path::new("Cargo.toml") {
                content = other_version(&content);
            }
            let place = folder.join(file);
            if fs::read(&place).ok().as_ref() != Some(&content) {
                let parent = place.parent().expect("it is below the folder");
                fs::create_dir_all(parent).expect("the copy can be written");
                fs::write(&place, content).expect("the copy can be written");
            }
        }
        remove_others(&folder, &folder, &files);
        Self { folder }
    }

    fn xtask(&self, command: &str) -> Command {
        let binary = crate::build().join("xtask");
        assert!(
            binary.exists(),
            "{} is missing: run `cargo build --workspace --bins` first",
            binary.display()
        );
        let mut xtask = Command::new(binary);
        xtask.arg(command).arg("--root").arg(&self.folder);
        xtask
    }

    /// Runs a command, which must succeed, and returns its output.
    async fn succeeds(&self, command: &mut Command) -> String {
        let (status, said) = crate::run(command).await;
        assert!(status.success(), "{command:?}: {status}\n{said}");
        said
    }

    /// What `xtask tidy` finds.
    async fn findings(&self) -> Vec<String> {
        let (status, said) = crate::run(&mut self.xtask("tidy")).await;
        let findings = said.lines().filter_map(|line| line.strip_prefix("tidy: "));
        let findings: Vec<String> = findings.map(str::to_owned).collect();
        assert_eq!(status.success(), findings.is_empty(), "{said}");
        findings
    }

    fn edit(&self, file: &str, edit: impl FnOnce(String) -> String) {
        let path = self.folder.join(file);
        let text = fs::read_to_string(&path).expect("the file is there");
        fs::write(path, edit(text)).expect("it can be written");
    }
}

/// Paths of the files that Git knows or would add.
fn project_files() -> BTreeSet<PathBuf> {
    let listed = std::process::Command::new("git")
        .args([
            "ls-files",
            "-z",
            "--cached",
            "--others",
            "--exclude-standard",
        ])
        .current_dir(root())
        .output()
        .expect("git can be started");
    assert!(listed.status.success(), "{listed:?}");
    let names = String::from_utf8(listed.stdout).expect("names are in UTF-8");
    let names = names.split_terminator('\0').map(PathBuf::from);
    // One that is deleted and not committed is listed, too.
    names.filter(|name| root().join(name).is_file()).collect()
}

/// The manifest with another version of the packages: Cargo keeps what it compiles of the copy apart from what it
/// compiled of the project, although both share a target folder, and with it the libraries.
fn other_version(manifest: &[u8]) -> Vec<u8> {
    let manifest = String::from_utf8_lossy(manifest);
    let (before, after) = manifest
        .split_once("\n[workspace.package]\nversion = \"")
        .expect("the manifest has a version");
    format!("{before}\n[workspace.package]\nversion = \"0.0.0-copy.{after}").into_bytes()
}

/// Removes the files that the last copy had made.
fn remove_others(folder: &Path, copy: &Path, files: &BTreeSet<PathBuf>) {
    for entry in fs::read_dir(folder).expect("the copy can be read") {
        let path = entry.expect("the copy can be read").path();
        if path.is_dir() {
            remove_others(&path, copy, files);
            // Only an empty folder can be removed this way, and others must stay.
            let _ = fs::remove_dir(&path);
        } else if !files.contains(path.strip_prefix(copy).expect("it is in the copy")) {
            fs::remove_file(&path).expect("it can be removed");
        }
    }
}

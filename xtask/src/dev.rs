//! `make dev`: runs the whole shop on this machine.

use std::{
    collections::{BTreeMap, HashMap},
    fs::{self, File},
    io::Write,
    path::{Path, PathBuf},
    process::Command,
    sync::{Arc, Mutex},
    time::{Duration, Instant, SystemTime},
};

use local::{
    catalogue::upload,
    environment::{Variables, env_file},
    executor::executor,
    outcome::Outcome,
    project::root,
    signals::stop_signal,
    stack::{Options, Stack},
    staff,
};
use notify::{RecursiveMode, Watcher};
use serde_json::Value;
use tokio::sync::mpsc;

/// Files saved within this time count as one change.
const SETTLE: Duration = Duration::from_millis(150);
/// Timeout of importing the demo catalog.
const SEED_TIME: Duration = Duration::from_secs(60);

/// Runs the shop until Ctrl-C.
pub(crate) fn run(port: u16) -> Outcome {
    let root = root();
    let folder = root.join(".local");
    let _lock = lock(&folder, "make dev")?;
    // Before the build, so that a port that is in use is reported at once.
    drop(local::stack::listen(port)?);
    build(&root)?;
    executor()?.block_on(serve(&root, &folder, port))
}

/// Deletes the shop's stored data; keys and tokens are kept.
pub(crate) fn clean_data() -> Outcome {
    let folder = root().join(".local");
    let _lock = lock(&folder, "make clean-data")?;
    let data = folder.join("data");
    if data.exists() {
        fs::remove_dir_all(&data)?;
    }
    println!("the local shop is empty; the next `make dev` fills it with the demo catalog");
    Ok(())
}

async fn serve(root: &Path, folder: &Path, port: u16) -> Outcome {
    let (changes, mut changed) = mpsc::unbounded_channel();
    let _watcher = watch(root, changes)?;
    let mut stop = std::pin::pin!(stop_signal());
    loop {
        let stack = tokio::select! {
            stack = start(root, folder, port) => stack?,
            () = &mut stop => return Ok(()),
        };
        let again = tokio::select! {
            outcome = rebuild_on_change(root, &stack, &mut changed) => outcome,
            () = &mut stop => {
                println!("\nstopping");
                Ok(false)
            }
        };
        stack.stop().await;
        if !again? {
            return Ok(());
        }
        println!("the template changed: starting anew");
    }
}

async fn start(root: &Path, folder: &Path, port: u16) -> Outcome<Stack> {
    println!("starting");
    let public_key = staff::make_key(folder)?;
    let token = staff::make_token(folder, "developer", 24 * 30)?;
    staff::write_private(&folder.join("staff-token"), &token)?;
    let stack = Stack::start(Options {
        root: root.to_owned(),
        binaries: root.join("target/debug"),
        data: Some(folder.join("data")),
        port,
        parameters: BTreeMap::from([("StaffTokenPublicKey".to_owned(), public_key)]),
        log: Arc::new(print_log),
        wiring: None,
        impatient: false,
    })
    .await?;
    write_environment(&stack.environment(), folder)?;
    stack.upload_demo_pictures(root).await?;
    seed(root, &stack, &token).await?;
    let address = &stack.address;
    println!(
        "ready\n  shop       {address}\n  API        {address}/v1\n  OpenAPI    {address}/openapi.json\n  \
         mails      {address}/_dev\n  token      .local/staff-token (staff, for /v1/admin)\n  \
         settings   .local/functions.env (for cargo lambda watch)\nCtrl-C stops everything."
    );
    Ok(stack)
}

/// Imports the demo catalog into an empty shop, through the shop's own import.
async fn seed(root: &Path, stack: &Stack, token: &str) -> Outcome {
    let http = reqwest::Client::new();
    let address = &stack.address;
    let page = http
        .get(format!("{address}/v1/products?limit=1"))
        .send()
        .await?;
    let page: Value = page.error_for_status()?.json().await?;
    if page["items"][0].is_object() {
        return Ok(());
    }
    println!("importing the demo catalog");
    let catalogue = fs::read(root.join("web/demo/catalogue.csv"))?;
    let id = upload(&http, address, token, catalogue).await?;
    let mut progress = stack.lambda.progress();
    let started = Instant::now();
    loop {
        let import: Value = http
            .get(format!("{address}/v1/admin/imports/{id}"))
            .bearer_auth(token)
            .send()
            .await?
            .json()
            .await?;
        match import["state"].as_str() {
            Some("completed") => {
                println!(
                    "  {} rows imported, {} failed",
                    import["rows_imported"], import["rows_failed"]
                );
                return Ok(());
            }
            Some("failed") => {
                return Err(format!("the demo catalog cannot be imported: {import}").into());
            }
            _ if started.elapsed() > SEED_TIME => {
                return Err(
                    format!("the import of the demo catalog did not complete: {import}").into(),
                );
            }
            // The check is an invocation itself, so wait for time to pass or for another one.
            _ => {
                let _ = tokio::time::timeout(SETTLE, progress.changed()).await;
            }
        }
    }
}

/// Writes the shared variables for `cargo lambda watch`; Cargo.toml refers to the file.
pub(crate) fn write_environment(variables: &Variables, folder: &Path) -> Outcome {
    staff::write_private(&folder.join("functions.env"), &env_file(variables)?)
}

/// Waits for saved files and updates the shop. Returns if the template changed, which requires a
/// restart.
async fn rebuild_on_change(
    root: &Path,
    stack: &Stack,
    changed: &mut mpsc::UnboundedReceiver<PathBuf>,
) -> Outcome<bool> {
    loop {
        let Some(first) = changed.recv().await else {
            return Ok(false);
        };
        let mut paths = vec![first];
        while let Ok(Some(path)) = tokio::time::timeout(SETTLE, changed.recv()).await {
            paths.push(path);
        }
        let before = binaries(root, stack);
        let is_template = |path: &PathBuf| path.extension().is_some_and(|ending| ending == "yaml");
        let template_changed = paths.iter().any(is_template);
        let root = root.to_owned();
        let built = {
            let root = root.clone();
            tokio::task::spawn_blocking(move || build(&root).map_err(|error| error.to_string()))
                .await?
        };
        if let Err(error) = built {
            println!("{error}; the shop goes on with what it had");
            continue;
        }
        if template_changed {
            return Ok(true);
        }
        let after = binaries(&root, stack);
        let names: Vec<String> = after
            .into_iter()
            .filter(|(name, time)| before.get(name) != Some(time))
            .map(|(name, _)| name)
            .collect();
        if names.is_empty() {
            continue;
        }
        stack.lambda.restart(Some(&names)).await;
        println!("restarted: {}", names.join(", "));
    }
}

/// Modification time of each function's binary.
fn binaries(root: &Path, stack: &Stack) -> HashMap<String, Option<SystemTime>> {
    let functions = stack.template.functions.iter();
    functions
        .map(|function| {
            let path = root.join("target/debug").join(&function.binary);
            let built = fs::metadata(path)
                .and_then(|metadata| metadata.modified())
                .ok();
            (function.binary.clone(), built)
        })
        .collect()
}

/// Reports every saved source file.
fn watch(root: &Path, changes: mpsc::UnboundedSender<PathBuf>) -> Outcome<impl Watcher + use<>> {
    let mut watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
        let Ok(event) = event else { return };
        if event.kind.is_access() {
            return;
        }
        for path in event.paths {
            let ending = path.extension().unwrap_or_default();
            if ["rs", "toml", "yaml"]
                .iter()
                .any(|source| ending == *source)
            {
                // Only fails while the shop is stopping.
                let _ = changes.send(path);
            }
        }
    })?;
    for folder in ["functions", "shared", "infra"] {
        watcher.watch(&root.join(folder), RecursiveMode::Recursive)?;
    }
    watcher.watch(&root.join("template.yaml"), RecursiveMode::NonRecursive)?;
    watcher.watch(&root.join("Cargo.toml"), RecursiveMode::NonRecursive)?;
    Ok(watcher)
}

/// Builds all functions. The whole workspace at once, so that tests and tools share the artifacts.
fn build(root: &Path) -> Outcome {
    let status = Command::new("cargo")
        .args(["build", "--quiet", "--workspace", "--bins"])
        .current_dir(root)
        .status()
        .map_err(|error| {
            format!("cargo cannot be started ({error}): install Rust from https://rustup.rs")
        })?;
    if status.success() {
        Ok(())
    } else {
        Err("the build failed; its errors are above".into())
    }
}

/// Ensures that one process uses a data folder. `command` is named to others as the one to stop.
pub(crate) fn lock(folder: &Path, command: &str) -> Outcome<File> {
    fs::create_dir_all(folder)?;
    let path = folder.join("lock");
    // Not truncated, as the content belongs to another process until the file is locked.
    let mut file = File::options()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(&path)?;
    if file.try_lock().is_err() {
        let holder = fs::read_to_string(&path)?;
        return Err(format!(
            "`{}` runs in this folder, and only one may use its data: stop it first (Ctrl-C where it runs)",
            if holder.is_empty() { "make dev" } else { &holder }
        )
        .into());
    }
    file.set_len(0)?;
    file.write_all(command.as_bytes())?;
    Ok(file)
}

/// Prints a function's log line in a readable form.
fn print_log(function: &str, line: &str) {
    static OUTPUT: Mutex<()> = Mutex::new(());
    let _one_line_at_a_time = OUTPUT.lock();
    let text = match serde_json::from_str::<Value>(line) {
        Ok(Value::Object(mut fields)) => {
            let message = fields.remove("message").unwrap_or_default();
            let level = fields.remove("level").unwrap_or_default();
            fields.remove("span");
            let fields: Vec<String> = fields
                .iter()
                .map(|(name, value)| format!("{name}={value}"))
                .collect();
            let level = level
                .as_str()
                .filter(|level| *level != "INFO")
                .unwrap_or_default();
            format!(
                "{level} {} {}",
                message.as_str().unwrap_or_default(),
                fields.join(" ")
            )
        }
        _ => line.to_owned(),
    };
    // A closed terminal does not stop the shop.
    let _ = writeln!(std::io::stdout(), "{function:>20} {}", text.trim());
}

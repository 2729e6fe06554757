//! `make dev`: runs the whole shop on this machine.

mod builds;

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
    lambda::BeforeInvoke,
    outcome::Outcome,
    project::root,
    signals::stop_signal,
    stack::{Options, Stack},
    staff,
};
use notify::{RecursiveMode, Watcher};
use runtime::Environment;
use serde_json::Value;
use tokio::sync::mpsc;

use self::builds::Builds;

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
    build(&root, None)?;
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
        let builds = Arc::new(Builds::default());
        let stack = tokio::select! {
            stack = start(root, folder, port, &builds) => stack?,
            () = &mut stop => return Ok(()),
        };
        let again = tokio::select! {
            outcome = rebuild_on_change(root, &stack, &builds, &mut changed) => outcome,
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

async fn start(root: &Path, folder: &Path, port: u16, builds: &Arc<Builds>) -> Outcome<Stack> {
    println!("starting");
    let public_key = staff::make_key(folder)?;
    let token = staff::make_token(folder, "developer", 24)?;
    staff::write_private(&folder.join("staff-token"), &token)?;
    let mut parameters = BTreeMap::from([("StaffTokenPublicKey".to_owned(), public_key)]);
    if let Some(provider) = Environment::load().get("CHALLENGES") {
        parameters.insert("ChallengeProvider".to_owned(), provider.to_owned());
    }
    let stack = Stack::start(Options {
        root: root.to_owned(),
        binaries: root.join("target/debug"),
        data: Some(folder.join("data")),
        port,
        parameters,
        log: Arc::new(print_log),
        before_invoke: Some(before_invoke(builds)),
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

/// Delays each call of a function until its binary is up to date.
fn before_invoke(builds: &Arc<Builds>) -> BeforeInvoke {
    let builds = Arc::clone(builds);
    Arc::new(move |function| {
        let (builds, function) = (Arc::clone(&builds), function.to_owned());
        Box::pin(async move { builds.called(&function).await })
    })
}

/// Waits for saved files and updates the functions, called ones first. Returns if a template changed,
/// which requires a restart of the stack.
async fn rebuild_on_change(
    root: &Path,
    stack: &Stack,
    builds: &Builds,
    changed: &mut mpsc::UnboundedReceiver<PathBuf>,
) -> Outcome<bool> {
    let functions = stack.template.functions.iter();
    let functions: Vec<String> = functions.map(|one| one.binary.clone()).collect();
    loop {
        tokio::select! {
            biased;
            first = changed.recv() => {
                let Some(first) = first else {
                    return Ok(false);
                };
                let paths = saved_together(first, changed).await;
                if paths.iter().any(|path| path.extension().is_some_and(|ending| ending == "yaml")) {
                    match build_in_background(root, None).await {
                        Ok(()) => return Ok(true),
                        Err(error) => println!("{error}; the shop goes on with the template it had"),
                    }
                } else {
                    builds.outdate(&functions);
                }
            }
            names = builds.next() => {
                let before = binaries(root, &names);
                if let Err(error) = build_in_background(root, Some(names.clone())).await {
                    println!("{error}; the shop goes on with the binaries it had");
                    builds.give_up();
                    continue;
                }
                let after = binaries(root, &names);
                let mut changed = names.clone();
                changed.retain(|name| before.get(name) != after.get(name));
                stack.lambda.restart(Some(&changed)).await;
                builds.built(&names);
                if !changed.is_empty() {
                    println!("restarted: {} ({} left)", changed.join(", "), builds.left());
                }
            }
        }
    }
}

/// Adds the files that are saved right after the first.
async fn saved_together(
    first: PathBuf,
    changed: &mut mpsc::UnboundedReceiver<PathBuf>,
) -> Vec<PathBuf> {
    let mut paths = vec![first];
    while let Ok(Some(path)) = tokio::time::timeout(SETTLE, changed.recv()).await {
        paths.push(path);
    }
    paths
}

/// Modification time of each binary; `None` if there is none.
fn binaries(root: &Path, names: &[String]) -> HashMap<String, Option<SystemTime>> {
    let names = names.iter();
    names
        .map(|name| {
            let built = fs::metadata(root.join("target/debug").join(name));
            let built = built.and_then(|metadata| metadata.modified()).ok();
            (name.clone(), built)
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

async fn build_in_background(root: &Path, names: Option<Vec<String>>) -> Outcome {
    let root = root.to_owned();
    let built = tokio::task::spawn_blocking(move || {
        build(&root, names.as_deref()).map_err(|error| error.to_string())
    });
    Ok(built.await??)
}

/// Builds the named binaries, or all. Always with the features of the whole workspace, so that tests
/// and tools share the artifacts.
fn build(root: &Path, names: Option<&[String]>) -> Outcome {
    let mut cargo = Command::new("cargo");
    cargo.args(["build", "--quiet", "--workspace"]);
    match names {
        Some(names) => cargo.args(names.iter().flat_map(|name| ["--bin", name])),
        None => cargo.arg("--bins"),
    };
    let status = cargo.current_dir(root).status().map_err(|error| {
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
    // A closed terminal does not stop the shop.
    let _ = writeln!(std::io::stdout(), "{function:>20} {}", readable(line));
}

/// Fields of the spans, by which lines are correlated. They come last, as the other fields say what happened.
const CORRELATION: [&str; 3] = ["request.id", "message.id", "message.attempt"];

/// A log line as text: level unless it is `INFO`, message, fields.
fn readable(line: &str) -> String {
    let Ok(Value::Object(mut fields)) = serde_json::from_str::<Value>(line) else {
        return line.trim().to_owned();
    };
    let mut words = Vec::new();
    for name in ["level", "message"] {
        let text = fields.remove(name).unwrap_or_default();
        words.extend(
            text.as_str()
                .filter(|text| *text != "INFO")
                .map(str::to_owned),
        );
    }
    let ids = CORRELATION.map(|name| fields.remove_entry(name));
    let fields = fields.into_iter().chain(ids.into_iter().flatten());
    words.extend(fields.map(|(name, value)| format!("{name}={value}")));
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_printed_with_its_correlation_ids_at_the_end() {
        let request =
            r#"{"level":"INFO","message":"request","http.status":200,"request.id":"JKJa="}"#;
        assert_eq!(
            readable(request),
            r#"request http.status=200 request.id="JKJa=""#
        );
        let failed = r#"{"level":"WARN","message":"message failed","message.id":"m","message.attempt":2,"error":"no","request.id":"r"}"#;
        assert_eq!(
            readable(failed),
            r#"WARN message failed error="no" request.id="r" message.id="m" message.attempt=2"#
        );
        assert_eq!(readable("START RequestId: 1\n"), "START RequestId: 1");
        assert_eq!(readable(r#"{"StockDrift":0}"#), "StockDrift=0");
    }
}

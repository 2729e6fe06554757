//! Runs functions one by one with cargo-lambda, as docs/local.md describes.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Stdio,
    time::{Duration, Instant},
};

use local::{environment::env_file, stack::Aws, staff};
use reqwest::Response;
use serde_json::{Value, json};
use testkit::root;
use tokio::process::{Child, Command};

/// Timeout of an invocation: cargo-lambda builds a function at its first invocation.
const BUILD_TIME: Duration = Duration::from_secs(600);
/// Timeout of cargo-lambda to start, and to stop.
const SHORT_WHILE: Duration = Duration::from_secs(30);

#[tokio::test]
async fn cargo_lambda_serves_routes_and_calls_consumers() {
    // Awkward values in an environment file must not keep cargo-lambda from parsing it.
    let parameters = [
        ("ShopName", r#"O'Neill & "Sons""#),
        ("SellerAddress", "12 St James's Square|London"),
        ("SellerName", "Shirts #1 for $HOME = `home`"),
    ];
    let key = staff::new_key().unwrap();
    let token = staff::token_of(&key, "watch", 1).unwrap();
    let parameters = parameters.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let mut parameters = BTreeMap::from(parameters);
    let public_key = staff::public_key(&key).unwrap();
    parameters.insert("StaffTokenPublicKey".to_owned(), public_key);
    let aws = Aws::start(&root(), None, parameters).await.unwrap();
    let watch = Watch::start(&env_file(&aws.environment()).unwrap()).await;

    // Of one context, and of one with few dependencies: cargo-lambda builds each with the features that its package asks
    // for, apart from the workspace.
    let listed = watch.call("/v1/admin/orders", &token).await;
    assert_eq!(listed.status(), 200, "{}", watch.log());
    assert_eq!(listed.headers()["content-type"], "application/json");
    let listed: Value = listed.json().await.unwrap();
    assert_eq!(listed["items"], json!([]));

    let projected = watch.invoke("project-orders", "another-event").await;
    assert_eq!(
        projected,
        json!({ "batchItemFailures": [] }),
        "{}",
        watch.log()
    );

    let other = format!("/v1/admin/orders/ord_{}", "0".repeat(26));
    let missing = watch.call(&other, &token).await;
    assert_eq!(missing.status(), 404, "{}", watch.log());
    assert_eq!(
        missing.headers()["content-type"],
        "application/problem+json"
    );
    let problem: Value = missing.json().await.unwrap();
    assert_eq!(problem["code"], "not_found");

    watch.stop().await;
    aws.stop().await;
}

/// `cargo lambda watch` in its own folder, with its own environment file.
struct Watch {
    child: Child,
    folder: PathBuf,
    port: u16,
}

impl Watch {
    async fn start(environment: &str) -> Self {
        // Below the project, so that rustup uses the project's toolchain.
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("cargo-lambda-watch");
        if folder.exists() {
            fs::remove_dir_all(&folder).expect("the last run's folder can be removed");
        }
        fs::create_dir_all(folder.join(".local")).expect("the folder can be made");
        fs::write(folder.join(".local/functions.env"), environment).expect("it can be written");
        let log = fs::File::create(folder.join("log")).expect("the log can be written");
        let free = local::stack::listen(0).expect("a port is free");
        let port = free.local_addr().expect("it has an address").port();
        drop(free);
        // Build artifacts are shared with the other tests; the final binaries, which those run, are
        // not.
        let child = cargo_lambda("watch", port)
            .arg("--ignore-changes")
            .arg("--manifest-path")
            .arg(root().join("Cargo.toml"))
            .current_dir(&folder)
            .env("CARGO_BUILD_BUILD_DIR", crate::target())
            .env("CARGO_TARGET_DIR", folder.join("target"))
            .stdout(log.try_clone().expect("the log has two writers"))
            .stderr(log)
            .kill_on_drop(true)
            .spawn()
            .expect("cargo-lambda can be started");
        let mut watch = Self {
            child,
            folder,
            port,
        };
        let started = Instant::now();
        while tokio::net::TcpStream::connect(("127.0.0.1", port))
            .await
            .is_err()
        {
            let ended = watch.child.try_wait().expect("it is our child");
            assert!(
                ended.is_none() && started.elapsed() < SHORT_WHILE,
                "cargo-lambda does not listen\n{}",
                watch.log()
            );
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        watch
    }

    async fn call(&self, path: &str, token: &str) -> Response {
        let url = format!("http://127.0.0.1:{}{path}", self.port);
        let client = reqwest::Client::new();
        let request = client.get(url).bearer_auth(token).timeout(BUILD_TIME);
        let response = request.send().await;
        assert!(response.is_ok(), "{response:?}\n{}", self.log());
        response.expect("looked at above")
    }

    /// Runs `cargo lambda invoke` with a sample event.
    async fn invoke(&self, function: &str, event: &str) -> Value {
        let event = root().join(format!("events/{function}/{event}.json"));
        let mut invoke = cargo_lambda("invoke", self.port);
        invoke.arg(function).arg("--data-file").arg(event);
        let invoked = tokio::time::timeout(BUILD_TIME, crate::run(&mut invoke)).await;
        let (status, said) = invoked.expect("it is answered in time");
        assert!(status.success(), "{said}\n{}", self.log());
        serde_json::from_str(&said).expect("an answer is JSON")
    }

    /// Output of cargo-lambda and the functions.
    fn log(&self) -> String {
        fs::read_to_string(self.folder.join("log")).unwrap_or_default()
    }

    async fn stop(mut self) {
        let functions = descendants(self.child.id());
        assert!(!functions.is_empty(), "nothing ran\n{}", self.log());
        signal("TERM", self.child.id());
        let ended = tokio::time::timeout(SHORT_WHILE, self.child.wait()).await;
        assert!(ended.is_ok(), "it does not stop\n{}", self.log());
    }
}

impl Drop for Watch {
    /// Kills remaining processes, including those of a failed test. Each function has its own process
    /// group, so they do not end with cargo-lambda if it is killed.
    fn drop(&mut self) {
        let mut left = descendants(self.child.id());
        left.extend(self.child.id());
        for process in left {
            signal("KILL", Some(process));
        }
    }
}

/// A command of cargo-lambda for a server on the local `port`.
fn cargo_lambda(command: &str, port: u16) -> Command {
    let binary = root().join(".venv/bin/cargo-lambda");
    assert!(
        binary.exists(),
        "{} is missing: run `make setup`",
        binary.display()
    );
    let mut cargo_lambda = Command::new(binary);
    cargo_lambda
        .args(["lambda", command, "--invoke-address", "127.0.0.1"])
        .args(["--invoke-port", &port.to_string()])
        .stdin(Stdio::null());
    crate::without_package(&mut cargo_lambda);
    cargo_lambda
}

/// All descendants of a process.
fn descendants(process: Option<u32>) -> Vec<u32> {
    let processes = std::process::Command::new("ps")
        .args(["-axo", "pid=,ppid="])
        .output()
        .map(|listed| String::from_utf8_lossy(&listed.stdout).into_owned())
        .unwrap_or_default();
    let mut children: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
    for line in processes.lines() {
        let mut ids = line.split_whitespace().map(str::parse);
        if let (Some(Ok(child)), Some(Ok(parent))) = (ids.next(), ids.next()) {
            children.entry(parent).or_default().push(child);
        }
    }
    let mut found: Vec<u32> = process.into_iter().collect();
    let mut next = 0;
    while let Some(parent) = found.get(next) {
        found.extend(children.remove(parent).unwrap_or_default());
        next += 1;
    }
    found.split_off(found.len().min(1))
}

fn signal(name: &str, process: Option<u32>) {
    let Some(process) = process else { return };
    // Only fails if it has exited by now.
    let _ = std::process::Command::new("kill")
        .args(["-s", name, &process.to_string()])
        .stderr(Stdio::null())
        .status();
}

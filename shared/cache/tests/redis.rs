//! Tests of the second level against a real `redis-server` or `valkey-server`. Without one, the tests
//! are skipped with a message.

#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test that cannot go on says why and fails"
)]

use std::{
    net::TcpListener,
    process::Stdio,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use bytes::Bytes;
use cache::{Ages, BUDGET, Cache, LEFT_ALONE, Limits, MAX_SHARED_BYTES, Redis, SharedLevel, Value};
use jiff::{SignedDuration, Timestamp};
use tokio::process::{Child, Command};

const LIMITS: Limits = Limits {
    bytes: 4 * 1024 * 1024,
    missing_bytes: 4 * 1024,
    ages: Ages {
        fresh: SignedDuration::from_secs(5),
        usable: SignedDuration::from_secs(30),
        missing: SignedDuration::from_secs(2),
    },
};
/// Allowance for a busy machine on top of the budget.
const SLACK: Duration = Duration::from_millis(400);

#[derive(Debug, PartialEq)]
struct Text(String);

impl Value for Text {
    const SCHEMA: u32 = 7;

    fn weight(&self) -> usize {
        self.0.len()
    }

    fn to_bytes(&self) -> Bytes {
        Bytes::copy_from_slice(self.0.as_bytes())
    }

    fn from_bytes(bytes: Bytes) -> Option<Self> {
        String::from_utf8(bytes.to_vec()).ok().map(Text)
    }
}

type Texts = Cache<Text, std::io::Error>;

/// A separate server for this test.
struct Server {
    child: Child,
    name: &'static str,
    port: u16,
    url: String,
}

impl Server {
    /// Starts a server; `None` if none is installed.
    async fn start() -> Option<Self> {
        let port = free_port();
        for name in ["redis-server", "valkey-server"] {
            if let Some(server) = Self::start_at(name, port).await {
                return Some(server);
            }
        }
        eprintln!("SKIPPED: neither redis-server nor valkey-server is installed");
        None
    }

    async fn start_at(name: &'static str, port: u16) -> Option<Self> {
        let url = format!("redis://127.0.0.1:{port}");
        Self::start_with(name, port, url, &["--port", &port.to_string()]).await
    }

    async fn start_with(
        name: &'static str,
        port: u16,
        url: String,
        arguments: &[&str],
    ) -> Option<Self> {
        let child = Command::new(name)
            .args(arguments)
            .args(["--bind", "127.0.0.1", "--daemonize", "no"])
            .args(["--save", "", "--appendonly", "no"])
            .stdout(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .ok()?;
        let deadline = Instant::now() + Duration::from_secs(20);
        let listens = async || tokio::net::TcpStream::connect(("127.0.0.1", port)).await;
        while listens().await.is_err() {
            assert!(Instant::now() < deadline, "{name} does not listen");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Some(Self {
            child,
            name,
            port,
            url,
        })
    }

    async fn signal(&self, signal: &str) {
        let id = self.child.id().unwrap().to_string();
        let sent = Command::new("kill").args([signal, &id]).status().await;
        assert!(sent.unwrap().success());
    }

    /// Sends a command as another client.
    async fn say<T: redis::FromRedisValue>(&self, words: &[&[u8]]) -> T {
        let client = redis::Client::open(&*self.url).unwrap();
        let mut connection = client.get_multiplexed_async_connection().await.unwrap();
        let mut command = redis::Cmd::new();
        for word in words {
            command.arg(*word);
        }
        command.query_async(&mut connection).await.unwrap()
    }

    /// Simulates a process: its own cache in front of the shared level.
    fn process(&self) -> Process {
        let redis: Arc<dyn SharedLevel> = Redis::new(&self.url).unwrap().into();
        Process {
            cache: Texts::over("text", &LIMITS, redis, "shop"),
            fetched: Arc::default(),
        }
    }

    /// A process whose connection is established.
    async fn connected(&self) -> Process {
        let process = self.process();
        let deadline = Instant::now() + Duration::from_secs(20);
        let mut asked = 0;
        let first = b"stampede:shop:text:7:first";
        self.say::<()>(&[b"DEL", first]).await;
        while self.say::<i64>(&[b"EXISTS", first]).await == 0 {
            assert!(Instant::now() < deadline, "nothing arrives");
            process.ask("first", at(asked), "x").await;
            asked += 60_000;
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        self.say::<()>(&[b"DEL", first]).await;
        process.fetched.store(0, Ordering::Relaxed);
        process
    }

    /// Waits until a key exists, as values are shared after the response.
    async fn has(&self, key: &str) {
        let deadline = Instant::now() + Duration::from_secs(20);
        while self.say::<i64>(&[b"EXISTS", key.as_bytes()]).await == 0 {
            assert!(Instant::now() < deadline, "{key} does not arrive");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

fn free_port() -> u16 {
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    free.local_addr().unwrap().port()
}

struct Process {
    cache: Texts,
    fetched: Arc<AtomicUsize>,
}

impl Process {
    /// The value served for `key` and its age in milliseconds; the source would return `text`.
    async fn ask(&self, key: &str, now: Timestamp, text: &str) -> (String, i128) {
        let (fetched, text) = (Arc::clone(&self.fetched), text.to_owned());
        let fetch = move || async move {
            fetched.fetch_add(1, Ordering::Relaxed);
            // A read of the table takes milliseconds.
            tokio::time::sleep(Duration::from_millis(3)).await;
            Ok((text != "nothing").then_some(Text(text)))
        };
        match self.cache.get(key, now, fetch).await.unwrap() {
            Some(found) => (found.value.0.clone(), found.age.as_millis()),
            None => ("nothing".to_owned(), 0),
        }
    }

    fn fetched(&self) -> usize {
        self.fetched.load(Ordering::Relaxed)
    }
}

/// The real time plus an offset in milliseconds, as the server expires keys by its own clock.
fn at(millis: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000).unwrap() + SignedDuration::from_millis(millis)
}

const KEY: &str = "stampede:shop:text:7:tee";

#[tokio::test]
async fn processes_share_what_one_of_them_fetched_with_its_age() {
    let Some(server) = Server::start().await else {
        return;
    };
    let (one, other) = (server.connected().await, server.connected().await);
    assert_eq!(one.ask("tee", at(0), "soft").await, ("soft".to_owned(), 0));
    server.has(KEY).await;
    let expiry: i64 = server.say(&[b"PTTL", KEY.as_bytes()]).await;
    assert!((1..=30_000).contains(&expiry), "{expiry} ms");

    let shared = other.ask("tee", at(4_000), "hard").await;
    assert_eq!(shared, ("soft".to_owned(), 4_000));
    assert_eq!(other.fetched(), 0);
    // The age continues: a second later the value is stale, served once more, and refreshed for all.
    let stale = other.ask("tee", at(5_000), "hard").await;
    assert_eq!(stale, ("soft".to_owned(), 5_000));
    let deadline = Instant::now() + Duration::from_secs(20);
    while other.ask("tee", at(5_001), "?").await.0 != "hard" {
        assert!(Instant::now() < deadline);
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(other.fetched(), 1);

    // A process without a value is served the stale one too, and refreshes it.
    let late = server.connected().await;
    one.ask("mug", at(0), "old").await;
    server.has("stampede:shop:text:7:mug").await;
    assert_eq!(
        late.ask("mug", at(10_000), "new").await,
        ("old".to_owned(), 10_000)
    );
    while late.ask("mug", at(10_001), "?").await.0 != "new" {
        assert!(Instant::now() < deadline);
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(late.fetched(), 1);

    // An expired value is not served, even if it still exists.
    let later = server.connected().await;
    one.ask("cap", at(0), "old").await;
    server.has("stampede:shop:text:7:cap").await;
    assert_eq!(
        later.ask("cap", at(30_000), "new").await,
        ("new".to_owned(), 0)
    );

    // The same for a missing value.
    let third = server.connected().await;
    one.ask("nobody", at(0), "nothing").await;
    server.has("stampede:shop:text:7:nobody").await;
    assert_eq!(other.ask("nobody", at(1_999), "?").await.0, "nothing");
    assert_eq!(third.ask("nobody", at(2_000), "made").await.0, "made");
}

#[tokio::test]
async fn what_expires_is_fetched_again_and_what_is_too_large_is_not_shared() {
    let Some(server) = Server::start().await else {
        return;
    };
    let redis = Redis::new(&server.url).unwrap();
    let put = redis.put("k", Bytes::from_static(b"v"), Duration::from_millis(50));
    put.await.unwrap();
    assert_eq!(
        redis.get("k").await.unwrap(),
        Some(Bytes::from_static(b"v"))
    );
    let deadline = Instant::now() + Duration::from_secs(20);
    while redis.get("k").await.unwrap().is_some() {
        assert!(Instant::now() < deadline, "it does not expire");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let process = server.connected().await;
    let huge = "x".repeat(MAX_SHARED_BYTES + 1);
    assert_eq!(process.ask("huge", at(0), &huge).await.0.len(), huge.len());
    process.ask("tee", at(0), "soft").await;
    server.has(KEY).await;
    assert_eq!(server.say::<i64>(&[b"DBSIZE"]).await, 1);
}

#[tokio::test]
async fn what_somebody_else_put_there_is_not_given() {
    let Some(server) = Server::start().await else {
        return;
    };
    let process = server.connected().await;
    let mut unreadable = b"SSC1f".to_vec();
    unreadable.extend_from_slice(&at(0).as_millisecond().to_be_bytes());
    unreadable.extend_from_slice(b"\xff\xfe");
    let garbage: [&[u8]; 6] = [
        b"",
        b"hello",
        b"SSC1",
        b"SSC1f\0\0",
        b"SSC1x\0\0\0\0\0\0\0\0soft",
        &unreadable,
    ];
    for (minute, bytes) in (1_i64..).zip(garbage) {
        server.say::<()>(&[b"SET", KEY.as_bytes(), bytes]).await;
        let now = at(minute * 60_000);
        assert_eq!(
            process.ask("tee", now, "soft").await,
            ("soft".to_owned(), 0)
        );
    }
    // A key that is not a string: an error of the server.
    server.say::<()>(&[b"DEL", KEY.as_bytes()]).await;
    server.say::<()>(&[b"LPUSH", KEY.as_bytes(), b"x"]).await;
    let now = at(60 * 60_000);
    assert_eq!(
        process.ask("tee", now, "soft").await,
        ("soft".to_owned(), 0)
    );
}

#[tokio::test]
async fn a_server_that_is_gone_costs_nothing_and_is_used_again_when_it_is_back() {
    let Some(mut server) = Server::start().await else {
        return;
    };
    let process = server.connected().await;
    process.ask("tee", at(0), "soft").await;
    server.has(KEY).await;
    server.child.kill().await.unwrap();
    for minute in 1..=5_i64 {
        let started = Instant::now();
        let answer = process.ask("tee", at(minute * 60_000), "still soft").await;
        assert_eq!(answer.0, "still soft");
        assert!(
            started.elapsed() < BUDGET + SLACK,
            "{:?}",
            started.elapsed()
        );
    }
    let back = Server::start_at(server.name, server.port).await.unwrap();
    let deadline = Instant::now() + Duration::from_secs(20);
    let mut asked = at(10 * 60_000);
    while back.say::<i64>(&[b"EXISTS", KEY.as_bytes()]).await == 0 {
        assert!(Instant::now() < deadline, "it is not used again");
        process.ask("tee", asked, "soft").await;
        asked += SignedDuration::from_mins(1);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    // A server that never existed.
    drop(back);
    let never = Process {
        cache: Texts::over(
            "text",
            &LIMITS,
            Redis::new(&server.url).unwrap().into(),
            "shop",
        ),
        fetched: Arc::default(),
    };
    assert_eq!(never.ask("tee", at(0), "soft").await.0, "soft");
}

#[tokio::test]
async fn a_server_that_hangs_is_waited_for_no_longer_than_the_budget_and_then_left_alone() {
    let Some(server) = Server::start().await else {
        return;
    };
    let process = server.connected().await;
    process.ask("warm", at(0), "soft").await;
    server.has("stampede:shop:text:7:warm").await;
    server.signal("-STOP").await;
    let mut times = Vec::new();
    for asked in 0..10_i64 {
        let started = Instant::now();
        let key = format!("cold-{asked}");
        assert_eq!(
            process.ask(&key, at(60_000 + asked), "soft").await.0,
            "soft"
        );
        times.push(started.elapsed());
    }
    assert!(times[0] >= BUDGET, "{times:?}");
    assert!(times[0] < BUDGET + SLACK, "{times:?}");
    // The other nine did not even ask the server.
    times.sort_unstable();
    assert!(times[4] < BUDGET, "{times:?}");
    server.signal("-CONT").await;

    // After the pause it is tried again over a new connection.
    let deadline = Instant::now() + Duration::from_secs(20);
    let pause = i64::try_from(LEFT_ALONE.as_millis()).unwrap();
    let mut asked = 0;
    while server
        .say::<i64>(&[b"EXISTS", b"stampede:shop:text:7:back"])
        .await
        == 0
    {
        assert!(Instant::now() < deadline, "it is not used again");
        asked += 60_000;
        process
            .ask("back", at(60_000 + pause + asked), "soft")
            .await;
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[test]
fn an_address_that_is_none_is_refused_without_being_repeated() {
    let error = Redis::new("redis:/\\user:secret@nowhere").unwrap_err();
    assert!(!error.to_string().contains("secret"), "{error}");
}

/// The client uses the system's trust store: a separate process is told to trust the test's server.
#[tokio::test]
async fn a_server_behind_tls_is_used_and_a_stranger_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    std::fs::write(path("cert.pem"), made.cert.pem()).unwrap();
    std::fs::write(path("key.pem"), made.signing_key.serialize_pem()).unwrap();
    let other = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    std::fs::write(path("other.pem"), other.cert.pem()).unwrap();
    let port = free_port();
    let arguments = [
        ["--port", "0"],
        ["--tls-port", &port.to_string()],
        ["--tls-cert-file", &path("cert.pem")],
        ["--tls-key-file", &path("key.pem")],
        ["--tls-ca-cert-file", &path("cert.pem")],
        ["--tls-auth-clients", "no"],
    ];
    let url = format!("rediss://127.0.0.1:{port}");
    let mut server = None;
    for name in ["redis-server", "valkey-server"] {
        if server.is_none() {
            let arguments = arguments.as_flattened();
            server = Server::start_with(name, port, url.clone(), arguments).await;
        }
    }
    let Some(server) = server else {
        eprintln!("SKIPPED: neither redis-server nor valkey-server is installed");
        return;
    };
    for (trusted, is_used) in [("cert.pem", true), ("other.pem", false)] {
        let client = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "a_client_of_its_own", "--ignored"])
            .env("SSL_CERT_FILE", path(trusted))
            .env("TEST_REDIS_URL", &server.url)
            .output()
            .await
            .unwrap();
        let said = String::from_utf8_lossy(&client.stdout);
        assert_eq!(client.status.success(), is_used, "{said}");
        assert!(said.contains("1 failed") || is_used, "{said}");
    }
}

#[tokio::test]
#[ignore = "run by the test above, as a process of its own"]
async fn a_client_of_its_own() {
    #[expect(clippy::disallowed_methods, reason = "told by the test above")]
    let url = std::env::var("TEST_REDIS_URL").unwrap();
    let redis = Redis::new(&url).unwrap();
    let put = redis.put("k", Bytes::from_static(b"v"), Duration::from_secs(9));
    put.await.unwrap();
    assert_eq!(redis.get("k").await.unwrap().unwrap(), "v");
}

//! Emulates Lambda: the Runtime API, one process per concurrent invocation, timeouts, and replacement
//! of crashed processes.

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    path::{Path, PathBuf},
    process::Stdio,
    sync::{
        Arc, Mutex, MutexGuard, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use axum::{
    Router,
    body::Bytes,
    extract::{Path as UrlPath, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use futures_util::future::BoxFuture;
use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, BufReader},
    process::{Child, Command},
    sync::{Notify, Semaphore, oneshot, watch},
};

use crate::{ACCOUNT, LocalError, REGION, Result, process, template::Function};

/// Maximum response size in bytes, the same as Lambda's.
const MAX_ANSWER: usize = 6 * 1024 * 1024;
/// Maximum number of processes of one function.
const CONCURRENCY: usize = 16;

/// Receives the log lines of functions: name of the function, line.
pub type LogSink = Arc<dyn Fn(&str, &str) + Send + Sync>;

/// Awaited before each invocation, with the name of the function.
pub type BeforeInvoke = Arc<dyn Fn(&str) -> BoxFuture<'static, ()> + Send + Sync>;

/// Why an invocation has no response.
#[derive(Debug, thiserror::Error)]
pub enum InvokeError {
    /// No function has this name.
    #[error("function {0} not found")]
    Unknown(String),
    /// The binary cannot be started.
    #[error("{0} cannot be started: {1}")]
    NotStarted(String, String),
    /// The function timed out and was killed.
    #[error("{0} timed out after {1} s")]
    TimedOut(String, u64),
    /// The process exited.
    #[error("{0} exited without a response")]
    Died(String),
    /// The function reported an error.
    #[error("{0} failed: {1}")]
    Failed(String, String),
}

/// Statistics of a function.
#[derive(Clone, Debug, Default)]
pub struct Counts {
    /// Number of successful invocations.
    pub invocations: u64,
    /// Number of failed invocations.
    pub errors: u64,
    /// Number of running processes.
    pub running: usize,
}

/// A process that runs a function.
#[derive(Clone, Copy, Debug)]
pub struct Process {
    /// Process id of the operating system.
    pub id: u32,
    /// Time of the start.
    pub started: Instant,
    /// Time of its first request for an invocation, from which on it was ready.
    pub ready: Option<Ready>,
}

/// When a process became ready.
#[derive(Clone, Copy, Debug)]
pub struct Ready {
    /// Time of its first request for an invocation.
    pub at: Instant,
    /// CPU time until then, if the system reports it.
    pub cpu: Option<Duration>,
}

/// All functions of the template.
#[derive(Clone)]
pub struct Lambda {
    inner: Arc<Inner>,
}

struct Inner {
    functions: HashMap<String, Arc<FunctionState>>,
    binaries: PathBuf,
    api: watch::Receiver<Option<String>>,
    log: LogSink,
    before: Option<BeforeInvoke>,
    requests: AtomicU64,
    /// Notified after every invocation, so that tests that wait for an effect check again.
    progress: watch::Sender<u64>,
}

struct FunctionState {
    function: Function,
    concurrency: Semaphore,
    workers: Mutex<Workers>,
}

#[derive(Default)]
struct Workers {
    /// Processes without an invocation.
    idle: VecDeque<Arc<Worker>>,
    all: HashMap<u64, Arc<Worker>>,
    counts: Counts,
}

/// A process with its pending invocations.
struct Worker {
    id: u64,
    process: u32,
    started: Instant,
    ready: OnceLock<Ready>,
    child: Mutex<Child>,
    /// The invocation that the process takes next.
    next: Mutex<Option<Invocation>>,
    arrived: Notify,
    /// Receivers for the responses of invocations that the process has taken.
    pending: Mutex<HashMap<String, oneshot::Sender<Result<Bytes, String>>>>,
}

struct Invocation {
    request_id: String,
    payload: Bytes,
    deadline_ms: i64,
}

/// Variables that are passed on from this process's own environment, as no template sets them.
fn passed_on() -> Vec<(&'static str, String)> {
    let environment = runtime::Environment::load();
    let set = ["CACHE", "CACHE_URL"].map(|name| Some((name, environment.get(name)?.to_owned())));
    set.into_iter().flatten().collect()
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}

impl Lambda {
    /// Serves the Runtime API on a free port, for the binaries in the folder `binaries`.
    pub async fn start(
        functions: Vec<Function>,
        binaries: &Path,
        log: LogSink,
        before: Option<BeforeInvoke>,
    ) -> Result<Self> {
        let (api, address) = watch::channel(None);
        let states = functions.into_iter().map(|function| {
            let state = FunctionState {
                concurrency: Semaphore::new(CONCURRENCY),
                workers: Mutex::default(),
                function,
            };
            (state.function.binary.clone(), Arc::new(state))
        });
        let lambda = Self {
            inner: Arc::new(Inner {
                functions: states.collect(),
                binaries: binaries.to_owned(),
                api: address,
                log,
                before,
                requests: AtomicU64::new(0),
                progress: watch::channel(0).0,
            }),
        };
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0))
            .await
            .map_err(|error| LocalError::new("the Runtime API cannot listen", error))?;
        let address = listener
            .local_addr()
            .map_err(|error| LocalError(error.to_string()))?;
        let router = Router::new()
            .route(
                "/{function}/{worker}/2018-06-01/runtime/invocation/next",
                get(next),
            )
            .route(
                "/{function}/{worker}/2018-06-01/runtime/invocation/{request}/response",
                post(response),
            )
            .route(
                "/{function}/{worker}/2018-06-01/runtime/invocation/{request}/error",
                post(error),
            )
            .route(
                "/{function}/{worker}/2018-06-01/runtime/init/error",
                post(|| async { StatusCode::ACCEPTED }),
            )
            .layer(axum::extract::DefaultBodyLimit::disable())
            .with_state(lambda.clone());
        let router = crate::host::guard_private(router);
        tokio::spawn(async move { axum::serve(listener, router).await });
        api.send_replace(Some(address.to_string()));
        Ok(lambda)
    }

    /// Invokes a function and waits for its response.
    pub async fn invoke(&self, name: &str, payload: Bytes) -> Result<Bytes, InvokeError> {
        let state = self
            .inner
            .functions
            .get(name)
            .ok_or_else(|| InvokeError::Unknown(name.to_owned()))?;
        // In its own task: a caller that goes away does not stop the function, as on AWS.
        let (lambda, state) = (self.clone(), Arc::clone(state));
        let call = tokio::spawn(async move { lambda.counted(&state, payload).await });
        call.await
            .unwrap_or_else(|_| Err(InvokeError::Died(name.to_owned())))
    }

    async fn counted(
        &self,
        state: &Arc<FunctionState>,
        payload: Bytes,
    ) -> Result<Bytes, InvokeError> {
        let name = &state.function.binary;
        if let Some(before) = &self.inner.before {
            before(name).await;
        }
        let outcome = self.run(state, payload).await;
        {
            let mut workers = locked(&state.workers);
            match outcome {
                Ok(_) => workers.counts.invocations += 1,
                Err(_) => workers.counts.errors += 1,
            }
        }
        if let Err(error) = &outcome {
            (self.inner.log)(name, &format!("error: {error}"));
        }
        self.inner.progress.send_modify(|calls| *calls += 1);
        outcome
    }

    /// Notified after every invocation of any function.
    pub fn progress(&self) -> watch::Receiver<u64> {
        self.inner.progress.subscribe()
    }

    /// Statistics of each function, by name.
    pub fn counts(&self) -> BTreeMap<String, Counts> {
        let functions = self.inner.functions.iter();
        functions
            .map(|(name, state)| {
                let workers = locked(&state.workers);
                let mut counts = workers.counts.clone();
                counts.running = workers.all.len();
                (name.clone(), counts)
            })
            .collect()
    }

    /// Running processes of a function.
    pub fn processes(&self, name: &str) -> Vec<Process> {
        let Some(state) = self.inner.functions.get(name) else {
            return Vec::new();
        };
        let workers = locked(&state.workers);
        let processes = workers.all.values().map(|worker| Process {
            id: worker.process,
            started: worker.started,
            ready: worker.ready.get().copied(),
        });
        processes.collect()
    }

    /// Stops the processes of all or the named functions, so that the next invocation starts the
    /// current binary.
    pub async fn restart(&self, names: Option<&[String]>) {
        for (name, state) in &self.inner.functions {
            if names.is_some_and(|names| !names.contains(name)) {
                continue;
            }
            let workers = {
                let mut workers = locked(&state.workers);
                workers.idle.clear();
                std::mem::take(&mut workers.all)
            };
            for worker in workers.into_values() {
                worker.end().await;
            }
        }
    }

    async fn run(&self, state: &Arc<FunctionState>, payload: Bytes) -> Result<Bytes, InvokeError> {
        let name = &state.function.binary;
        // Never closed: the semaphore lives as long as the function.
        let _permit = state.concurrency.acquire().await;
        let idle = locked(&state.workers).idle.pop_front();
        let worker = match idle {
            Some(worker) => worker,
            None => self
                .start_worker(state)
                .map_err(|error| InvokeError::NotStarted(name.clone(), error))?,
        };
        let limit = Duration::from_secs(state.function.timeout);
        let request_id = uuid::Uuid::new_v4().to_string();
        let (answer, answered) = oneshot::channel();
        locked(&worker.pending).insert(request_id.clone(), answer);
        *locked(&worker.next) = Some(Invocation {
            request_id,
            payload,
            deadline_ms: now_ms() + i64::try_from(limit.as_millis()).unwrap_or(i64::MAX),
        });
        worker.arrived.notify_one();
        match tokio::time::timeout(limit, answered).await {
            Ok(Ok(answer)) => {
                let mut workers = locked(&state.workers);
                if workers.all.contains_key(&worker.id) {
                    workers.idle.push_back(worker);
                }
                answer.map_err(|error| InvokeError::Failed(name.clone(), error))
            }
            Ok(Err(_)) => Err(InvokeError::Died(name.clone())),
            Err(_) => {
                locked(&state.workers).all.remove(&worker.id);
                worker.end().await;
                Err(InvokeError::TimedOut(name.clone(), state.function.timeout))
            }
        }
    }

    fn start_worker(&self, state: &Arc<FunctionState>) -> Result<Arc<Worker>, String> {
        let id = self.inner.requests.fetch_add(1, Ordering::Relaxed);
        let name = &state.function.binary;
        let api = self.inner.api.borrow().clone().unwrap_or_default();
        let binary = self.inner.binaries.join(name);
        // Held until the process is registered, as it may request its first invocation at once.
        let mut workers = locked(&state.workers);
        let mut child = Command::new(&binary)
            .env_clear()
            .envs(&state.function.environment)
            .envs(passed_on())
            .env(
                "AWS_LAMBDA_RUNTIME_API",
                format!("http://{api}/{name}/{id}"),
            )
            .env("AWS_LAMBDA_FUNCTION_NAME", name)
            .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
            .env(
                "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
                state.function.memory.to_string(),
            )
            .env("AWS_LAMBDA_LOG_GROUP_NAME", format!("/local/{name}"))
            .env("AWS_LAMBDA_LOG_STREAM_NAME", id.to_string())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            // Ctrl-C is handled by the parent, which stops the functions itself.
            .process_group(0)
            .spawn()
            .map_err(|error| {
                format!("{}: {error}; build it with `cargo build`", binary.display())
            })?;
        let started = Instant::now();
        let streams = (child.stdout.take(), child.stderr.take());
        let worker = Arc::new(Worker {
            id,
            process: child.id().unwrap_or_default(),
            started,
            ready: OnceLock::new(),
            child: Mutex::new(child),
            next: Mutex::default(),
            arrived: Notify::new(),
            pending: Mutex::default(),
        });
        workers.all.insert(id, Arc::clone(&worker));
        drop(workers);
        self.follow(streams.1, name.clone());
        self.reap(streams.0, Arc::clone(state), Arc::clone(&worker));
        Ok(worker)
    }

    /// Forwards a stream of log lines.
    fn follow(&self, stream: Option<impl AsyncRead + Unpin + Send + 'static>, name: String) {
        tokio::spawn(pump(stream, name, Arc::clone(&self.inner.log)));
    }

    /// Forwards standard output. When it closes, the process has exited: its pending invocations fail,
    /// and it takes no more.
    fn reap(
        &self,
        stream: Option<impl AsyncRead + Unpin + Send + 'static>,
        state: Arc<FunctionState>,
        worker: Arc<Worker>,
    ) {
        let log = Arc::clone(&self.inner.log);
        tokio::spawn(async move {
            pump(stream, state.function.binary.clone(), log).await;
            {
                let mut workers = locked(&state.workers);
                workers.all.remove(&worker.id);
                workers.idle.retain(|idle| idle.id != worker.id);
            }
            worker.end().await;
        });
    }

    fn worker(&self, name: &str, id: u64) -> Option<Arc<Worker>> {
        let state = self.inner.functions.get(name)?;
        locked(&state.workers).all.get(&id).cloned()
    }
}

/// Forwards lines until the stream ends.
async fn pump(stream: Option<impl AsyncRead + Unpin>, function: String, log: LogSink) {
    let Some(stream) = stream else { return };
    let mut lines = BufReader::new(stream).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        log(&function, &line);
    }
}

impl Worker {
    /// Kills the process and fails its pending invocations.
    async fn end(&self) {
        // Only fails if it has exited already.
        let _ = locked(&self.child).start_kill();
        locked(&self.pending).clear();
        self.arrived.notify_waiters();
    }
}

/// `GET …/invocation/next`: waits for an invocation.
async fn next(
    State(lambda): State<Lambda>,
    UrlPath((name, id)): UrlPath<(String, u64)>,
) -> Response {
    let Some(worker) = lambda.worker(&name, id) else {
        return StatusCode::GONE.into_response();
    };
    worker.ready.get_or_init(|| Ready {
        at: Instant::now(),
        cpu: process::cpu(worker.process),
    });
    loop {
        let arrived = worker.arrived.notified();
        if let Some(call) = locked(&worker.next).take() {
            let mut headers = HeaderMap::new();
            let arn = format!("arn:aws:lambda:{REGION}:{ACCOUNT}:function:{name}");
            let values = [
                ("lambda-runtime-aws-request-id", call.request_id),
                ("lambda-runtime-deadline-ms", call.deadline_ms.to_string()),
                ("lambda-runtime-invoked-function-arn", arn),
                (
                    "lambda-runtime-trace-id",
                    "Root=1-00000000-000000000000000000000000".to_owned(),
                ),
                ("content-type", "application/json".to_owned()),
            ];
            for (header, value) in values {
                if let Ok(value) = value.parse() {
                    headers.insert(header, value);
                }
            }
            return (headers, call.payload).into_response();
        }
        arrived.await;
        if lambda.worker(&name, id).is_none() {
            return StatusCode::GONE.into_response();
        }
    }
}

/// `POST …/response`: the response of an invocation.
async fn response(
    State(lambda): State<Lambda>,
    UrlPath((name, id, request)): UrlPath<(String, u64, String)>,
    body: Bytes,
) -> StatusCode {
    let answered = match body.len() {
        ..=MAX_ANSWER => Ok(body),
        bytes => Err(format!(
            "the response has {bytes} bytes, but Lambda's limit is {MAX_ANSWER}"
        )),
    };
    answer(&lambda, &name, id, &request, answered)
}

/// `POST …/error`: the failure of an invocation.
async fn error(
    State(lambda): State<Lambda>,
    UrlPath((name, id, request)): UrlPath<(String, u64, String)>,
    body: Bytes,
) -> StatusCode {
    let message = serde_json::from_slice::<Value>(&body)
        .ok()
        .and_then(|error| error["errorMessage"].as_str().map(str::to_owned))
        .unwrap_or_else(|| String::from_utf8_lossy(&body).into_owned());
    answer(&lambda, &name, id, &request, Err(message))
}

fn answer(
    lambda: &Lambda,
    name: &str,
    id: u64,
    request: &str,
    answer: Result<Bytes, String>,
) -> StatusCode {
    let waiting = lambda
        .worker(name, id)
        .and_then(|worker| locked(&worker.pending).remove(request));
    // Nobody waits any more if the invocation has timed out.
    match waiting.map(|waiting| waiting.send(answer)) {
        Some(Ok(())) => StatusCode::ACCEPTED,
        _ => StatusCode::GONE,
    }
}

/// Milliseconds since 1970.
#[expect(
    clippy::disallowed_methods,
    reason = "the emulated Lambda service reads its own clock"
)]
fn now_ms() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}

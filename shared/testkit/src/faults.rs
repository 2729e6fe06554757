//! Fault injection: a proxy between the functions and everything they call.
//!
//! Each function gets its own endpoint for DynamoDB, SQS, S3, SES, Secrets Manager and Stripe, so that
//! a call is identified by its function and number: the n-th call of `capture-payment` since the last
//! reset. The processes are the real ones; the faults are those that AWS can cause.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, OnceLock},
    time::Duration,
};

use http_body_util::{BodyExt, Full};
use hyper::{Request, Response, StatusCode, body::Bytes, body::Incoming, service::service_fn};
use hyper_util::rt::TokioIo;
use local::{lambda::Lambda, stack::Wiring};
use serde_json::{Value, json};
use tokio::{net::TcpListener, sync::watch};

/// A call that a function made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AwsCall {
    /// Name of the function.
    pub function: String,
    /// Number among the function's calls since the last reset, from 0.
    pub number: usize,
    /// Service: `dynamodb`, `sqs`, `s3`, `ses`, `secrets` or `stripe`.
    pub service: String,
    /// Operation, such as `TransactWriteItems` or `POST /v1/payment_intents`.
    pub operation: String,
    /// Number among the function's calls of that operation, from 0. Reproducible, unlike the order of
    /// all calls.
    pub of_operation: usize,
}

/// A message that a function sent.
#[derive(Clone, Debug, PartialEq)]
pub struct Sent {
    /// Name of the function.
    pub function: String,
    /// URL of the queue.
    pub queue_url: String,
    /// Body of the message.
    pub body: Value,
    /// Delay in seconds.
    pub delay_seconds: u64,
}

/// A fault to inject into a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Fault {
    /// The process is killed before the call is made.
    KillBefore,
    /// The call is made, and the process is killed before the response.
    KillAfter,
    /// The call is made, but the connection breaks before the response.
    DropReply,
    /// The service throttles the call and the next two attempts.
    Throttle,
    /// The write conflicts with a transaction; other calls get a retryable error.
    Conflict,
    /// The call has no effect and is never answered.
    Hang,
    /// The transaction conflicts with an identical request in progress. Not part of [`Fault::ALL`], as
    /// such a request only exists if a test makes one.
    SameRequest,
}

impl Fault {
    /// All faults that can be injected into any call.
    pub const ALL: [Self; 6] = [
        Self::KillBefore,
        Self::KillAfter,
        Self::DropReply,
        Self::Throttle,
        Self::Conflict,
        Self::Hang,
    ];
}

/// A planned fault: one call of one function.
#[derive(Clone, Debug)]
struct Plan {
    function: String,
    /// Number of the call, among all calls or those of `operation`.
    number: usize,
    by_operation: bool,
    fault: Fault,
    /// Calls that remain to be hit.
    left: u32,
    /// Operation of the call that was or is to be hit.
    operation: Option<String>,
    is_met: bool,
}

/// A call that waits until it is released; see [`Faults::hold`].
pub struct Held {
    is_reached: watch::Receiver<bool>,
    is_released: watch::Sender<bool>,
}

impl Held {
    /// Waits until the function is about to make the call.
    pub async fn reached(&mut self) {
        // The sender is part of the hold, which lives until the next reset.
        self.is_reached
            .wait_for(|is_reached| *is_reached)
            .await
            .unwrap();
    }

    /// Lets the call be made.
    pub fn release(self) {
        self.is_released.send_replace(true);
    }
}

/// A call to hold back.
struct Hold {
    function: String,
    operation: String,
    of_operation: usize,
    /// The SDK's id of the call, which its own retries share.
    invocation: Option<String>,
    is_reached: watch::Sender<bool>,
    is_released: watch::Receiver<bool>,
}

/// Faults that a call meets.
struct Met {
    /// Signals that the call may be made.
    hold: Option<watch::Receiver<bool>>,
    /// The planned fault, if the call is the one it was planned for.
    fault: Option<Fault>,
    /// Whether the called service is down.
    is_down: bool,
}

#[derive(Default)]
struct State {
    counts: HashMap<String, usize>,
    /// Number of calls, by function and operation.
    operations: HashMap<(String, String), usize>,
    calls: Vec<AwsCall>,
    sent: Vec<Sent>,
    plan: Option<Plan>,
    holds: Vec<Hold>,
    /// The call that was hit.
    hit: Option<AwsCall>,
    /// All calls that were hit, with their faults.
    all_hits: Vec<(AwsCall, Fault)>,
    /// Names of services that reject everything.
    down: Vec<String>,
    /// Names of functions whose every call is rejected.
    cut_off: Vec<String>,
    /// Replacement in the bodies of DynamoDB calls: text and substitute.
    mutation: Option<(String, String)>,
    lambda: Option<Lambda>,
}

/// Injects faults; see the module's documentation.
#[derive(Clone, Default)]
pub struct Faults {
    state: Arc<Mutex<State>>,
    client: Arc<OnceLock<reqwest::Client>>,
}

impl Faults {
    /// Makes an instance without planned faults.
    pub fn new() -> Self {
        Self::default()
    }

    /// Routes the functions' calls through the proxy. `stripe` is the URL of a stand-in.
    pub fn wiring(&self, stripe: Option<String>) -> Wiring {
        let faults = self.clone();
        Box::new(move |function, environment| {
            let services = [
                ("dynamodb", "AWS_ENDPOINT_URL_DYNAMODB"),
                ("sqs", "AWS_ENDPOINT_URL_SQS"),
                ("s3", "AWS_ENDPOINT_URL_S3"),
                ("ses", "AWS_ENDPOINT_URL_SESV2"),
                ("secrets", "AWS_ENDPOINT_URL_SECRETS_MANAGER"),
            ];
            for (service, variable) in services {
                let upstream = environment
                    .get(variable)
                    .or_else(|| environment.get("AWS_ENDPOINT_URL"))
                    .cloned()
                    .unwrap();
                let address = faults.listen(function, service, &upstream);
                environment.insert(variable.to_owned(), address);
            }
            if let Some(stripe) = &stripe
                && environment.contains_key("STRIPE_SECRET_NAME")
            {
                let address = faults.listen(function, "stripe", stripe);
                environment.insert("STRIPE_ADDRESS".to_owned(), address);
            }
        })
    }

    /// Sets the processes that faults may kill.
    pub fn watch(&self, lambda: &Lambda) {
        self.state().lambda = Some(lambda.clone());
    }

    /// Forgets all calls and planned faults, but not which calls were hit so far.
    pub fn reset(&self) {
        let mut state = self.state();
        state.counts.clear();
        state.operations.clear();
        state.calls.clear();
        state.sent.clear();
        state.plan = None;
        state.holds.clear();
        state.hit = None;
    }

    /// Calls since the last reset.
    pub fn calls(&self) -> Vec<AwsCall> {
        self.state().calls.clone()
    }

    /// Messages that functions sent since the last reset.
    pub fn sent(&self) -> Vec<Sent> {
        self.state().sent.clone()
    }

    /// Plans a fault of one call, and resets the counts.
    pub fn plan(&self, function: &str, number: usize, fault: Fault) {
        self.plan_times(function, number, fault, times(fault));
    }

    /// Plans a fault of one call and of further ones of the same operation, and resets the counts.
    pub fn plan_times(&self, function: &str, number: usize, fault: Fault, times: u32) {
        self.reset();
        self.state().plan = Some(Plan {
            function: function.to_owned(),
            number,
            by_operation: false,
            fault,
            left: times,
            operation: None,
            is_met: false,
        });
    }

    /// Plans a fault of one call by its number among the calls of that operation, and resets the
    /// counts.
    pub fn plan_operation(&self, call: &AwsCall, fault: Fault) {
        self.plan_operation_times(call, fault, times(fault));
    }

    /// Plans a fault of one call by its number among the calls of that operation, and of the calls of
    /// it that follow, and resets the counts.
    pub fn plan_operation_times(&self, call: &AwsCall, fault: Fault, times: u32) {
        self.reset();
        self.state().plan = Some(Plan {
            function: call.function.clone(),
            number: call.of_operation,
            by_operation: true,
            fault,
            left: times,
            operation: Some(call.operation.clone()),
            is_met: false,
        });
    }

    /// Holds one call back until it is released, so that a test decides in which order concurrent calls
    /// take effect: the function's call of `operation` with the number `of_operation` since the last reset.
    /// For less than the SDK waits, retries included.
    pub fn hold(&self, function: &str, operation: &str, of_operation: usize) -> Held {
        let (reached, is_reached) = watch::channel(false);
        let (is_released, released) = watch::channel(false);
        self.state().holds.push(Hold {
            function: function.to_owned(),
            operation: operation.to_owned(),
            of_operation,
            invocation: None,
            is_reached: reached,
            is_released: released,
        });
        Held {
            is_reached,
            is_released,
        }
    }

    /// The call that was hit, if it was made.
    pub fn hit(&self) -> Option<AwsCall> {
        self.state().hit.clone()
    }

    /// Every call that was hit since the start, with its fault.
    pub fn all_hits(&self) -> Vec<(AwsCall, Fault)> {
        self.state().all_hits.clone()
    }

    /// Makes services reject everything, until called again without them.
    pub fn take_down(&self, services: &[&str]) {
        self.state().down = services.iter().map(|name| (*name).to_owned()).collect();
    }

    /// Makes every service reject the calls of some functions, until called again without them.
    pub fn cut_off(&self, functions: Vec<String>) {
        self.state().cut_off = functions;
    }

    /// Replaces a text in every call of DynamoDB, to inject a bug.
    pub fn mutate(&self, text: &str, by: &str) {
        self.state().mutation = Some((text.to_owned(), by.to_owned()));
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Starts an endpoint of one service for one function.
    fn listen(&self, function: &str, service: &'static str, upstream: &str) -> String {
        let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let listener = TcpListener::from_std(listener).unwrap();
        let (faults, function, upstream) = (self.clone(), function.to_owned(), upstream.to_owned());
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (faults, function, upstream) =
                    (faults.clone(), function.clone(), upstream.clone());
                tokio::spawn(async move {
                    let service = service_fn(move |request| {
                        let (faults, function, upstream) =
                            (faults.clone(), function.clone(), upstream.clone());
                        async move { faults.respond(&function, service, &upstream, request).await }
                    });
                    // Broken connections are the purpose of this proxy.
                    let _ = hyper::server::conn::http1::Builder::new()
                        .serve_connection(TokioIo::new(stream), service)
                        .await;
                });
            }
        });
        address
    }

    async fn respond(
        &self,
        function: &str,
        service: &'static str,
        upstream: &str,
        request: Request<Incoming>,
    ) -> Result<Response<Full<Bytes>>, TransportError> {
        if !local::host::names_this_machine(&request) {
            let mut refused = Response::new(Full::default());
            *refused.status_mut() = StatusCode::MISDIRECTED_REQUEST;
            return Ok(refused);
        }
        let (parts, body) = request.into_parts();
        let mut body = body.collect().await.map_err(|_| TransportError)?.to_bytes();
        let operation = match parts.headers.get("x-amz-target") {
            Some(target) => {
                let target = target.to_str().unwrap_or_default();
                target.rsplit('.').next().unwrap_or_default().to_owned()
            }
            None => {
                // Names differ between runs; operations do not.
                let path = parts.uri.path();
                let path: Vec<&str> = path
                    .split('/')
                    .map(|part| if part.len() > 20 { "…" } else { part })
                    .collect();
                format!("{} {}", parts.method, path.join("/"))
            }
        };
        let invocation = parts.headers.get("amz-sdk-invocation-id");
        let invocation = invocation.and_then(|id| id.to_str().ok());
        let Met {
            hold,
            fault,
            is_down,
        } = self.count(function, service, &operation, invocation);
        if let Some(mut is_released) = hold {
            // A test that ended no longer holds it.
            let _ = is_released.wait_for(|is_released| *is_released).await;
        }
        if operation == "SendMessageBatch" {
            self.note_sent(function, &body);
        }
        if let Some(mutation) = &self.state().mutation
            && service == "dynamodb"
        {
            let text = String::from_utf8_lossy(&body).replace(&mutation.0, &mutation.1);
            body = text.into_bytes().into();
        }
        if is_down {
            return Ok(refusal(service, "down"));
        }
        match fault {
            Some(Fault::KillBefore) => {
                self.kill(function).await;
                return Err(TransportError);
            }
            Some(Fault::Throttle) => return Ok(refusal(service, "throttle")),
            Some(fault @ (Fault::Conflict | Fault::SameRequest)) => {
                return Ok(
                    match conflict(&operation, &body, fault == Fault::SameRequest) {
                        Some(conflict) => conflict,
                        None => refusal(service, "down"),
                    },
                );
            }
            Some(Fault::Hang) => {
                // Longer than any timeout.
                tokio::time::sleep(Duration::from_secs(60)).await;
                return Err(TransportError);
            }
            Some(Fault::KillAfter | Fault::DropReply) | None => {}
        }
        let client = self.client.get_or_init(reqwest::Client::new);
        let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
        let mut forwarded = client.request(parts.method, format!("{upstream}{path}"));
        for (name, value) in &parts.headers {
            // Keeps the host, as it is part of a presigned URL's signature.
            if name != "content-length" {
                forwarded = forwarded.header(name, value);
            }
        }
        let answer = forwarded
            .body(body)
            .send()
            .await
            .map_err(|_| TransportError)?;
        let status = answer.status();
        let headers = answer.headers().clone();
        let bytes = answer.bytes().await.map_err(|_| TransportError)?;
        if fault == Some(Fault::KillAfter) {
            self.kill(function).await;
        }
        if fault.is_some() {
            return Err(TransportError);
        }
        let mut response = Response::new(Full::new(bytes));
        *response.status_mut() = status;
        for (name, value) in &headers {
            if name != "transfer-encoding" && name != "content-length" {
                response.headers_mut().append(name, value.clone());
            }
        }
        Ok(response)
    }

    /// Counts a call and returns the faults that it meets.
    fn count(
        &self,
        function: &str,
        service: &str,
        operation: &str,
        invocation: Option<&str>,
    ) -> Met {
        let mut state = self.state();
        let count = state.counts.entry(function.to_owned()).or_default();
        let number = *count;
        *count += 1;
        let key = (function.to_owned(), operation.to_owned());
        let count = state.operations.entry(key).or_default();
        let of_operation = *count;
        *count += 1;
        let call = AwsCall {
            function: function.to_owned(),
            number,
            service: service.to_owned(),
            operation: operation.to_owned(),
            of_operation,
        };
        state.calls.push(call.clone());
        let hold = state.holds.iter_mut().find(|hold| {
            let is_retry = hold.invocation.is_some() && hold.invocation.as_deref() == invocation;
            let is_planned = hold.of_operation == of_operation && hold.operation == operation;
            hold.function == function && (is_planned || is_retry)
        });
        let hold = hold.map(|hold| {
            hold.invocation = invocation.map(str::to_owned);
            hold.is_reached.send_replace(true);
            hold.is_released.clone()
        });
        let is_down = state.down.iter().any(|down| down == service)
            || state.cut_off.iter().any(|it| it == function);
        let Some(plan) = &mut state.plan else {
            return Met {
                hold,
                fault: None,
                is_down,
            };
        };
        let same = plan.operation.as_deref() == Some(operation);
        let is_planned = match plan.by_operation {
            true => same && plan.number == of_operation,
            false => plan.number == number,
        };
        let again = plan.is_met && same;
        if plan.function != function || plan.left == 0 || (!is_planned && !again) {
            return Met {
                hold,
                fault: None,
                is_down,
            };
        }
        plan.is_met = true;
        plan.left -= 1;
        plan.operation = Some(operation.to_owned());
        let fault = plan.fault;
        state.all_hits.push((call.clone(), fault));
        state.hit.get_or_insert(call);
        Met {
            hold,
            fault: Some(fault),
            is_down,
        }
    }

    fn note_sent(&self, function: &str, body: &[u8]) {
        let request: Value = serde_json::from_slice(body).unwrap_or_default();
        let entries = request["Entries"].as_array().into_iter().flatten();
        let sent = entries.map(|entry| Sent {
            function: function.to_owned(),
            queue_url: request["QueueUrl"].as_str().unwrap_or_default().to_owned(),
            body: serde_json::from_str(entry["MessageBody"].as_str().unwrap_or_default())
                .unwrap_or_default(),
            delay_seconds: entry["DelaySeconds"].as_u64().unwrap_or_default(),
        });
        self.state().sent.extend(sent);
    }

    async fn kill(&self, function: &str) {
        let lambda = self.state().lambda.clone();
        if let Some(lambda) = lambda {
            lambda.restart(Some(&[function.to_owned()])).await;
        }
    }
}

/// Number of calls that a fault hits: clients retry throttled calls.
fn times(fault: Fault) -> u32 {
    match fault {
        Fault::Throttle => 3,
        _ => 1,
    }
}

/// The connection ends without a response.
#[derive(Debug)]
struct TransportError;

impl std::fmt::Display for TransportError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the connection is broken on purpose")
    }
}

impl std::error::Error for TransportError {}

/// A service's error response to a call that has no effect.
fn refusal(service: &str, why: &str) -> Response<Full<Bytes>> {
    let (status, kind) = match (service, why) {
        ("dynamodb", "throttle") => (400, "com.amazonaws.dynamodb.v20120810#ThrottlingException"),
        ("sqs", "throttle") => (403, "com.amazonaws.sqs#RequestThrottled"),
        ("stripe", "throttle") => (429, "rate_limit"),
        ("s3", "throttle") => (503, "SlowDown"),
        (_, "throttle") => (429, "TooManyRequestsException"),
        ("dynamodb", _) => (500, "com.amazonaws.dynamodb.v20120810#InternalServerError"),
        _ => (503, "ServiceUnavailable"),
    };
    let body = match service {
        "s3" => format!("<Error><Code>{kind}</Code><Message>on purpose</Message></Error>"),
        "stripe" => {
            json!({ "error": { "type": "api_error", "code": kind, "message": "on purpose" } })
                .to_string()
        }
        _ => json!({ "__type": kind, "message": "on purpose" }).to_string(),
    };
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = StatusCode::from_u16(status).unwrap();
    let kind = kind.rsplit('#').next().unwrap_or(kind);
    response
        .headers_mut()
        .insert("x-amzn-errortype", kind.parse().unwrap());
    response
}

/// DynamoDB's response to a write that conflicts with a transaction: for a transaction, at its first
/// item or at all others.
fn conflict(operation: &str, body: &[u8], first: bool) -> Option<Response<Full<Bytes>>> {
    let body = match operation {
        "TransactWriteItems" => {
            let request: Value = serde_json::from_slice(body).ok()?;
            let items = request["TransactItems"].as_array()?.len();
            let reasons: Vec<Value> = (0..items)
                .map(|index| match (index == 0) == first {
                    true => json!({ "Code": "TransactionConflict", "Message": "on purpose" }),
                    false => json!({ "Code": "None" }),
                })
                .collect();
            json!({
                "__type": "com.amazonaws.dynamodb.v20120810#TransactionCanceledException",
                "Message": "Transaction cancelled, please refer cancellation reasons for specific reasons",
                "CancellationReasons": reasons,
            })
        }
        "PutItem" | "UpdateItem" | "DeleteItem" | "BatchWriteItem" => json!({
            "__type": "com.amazonaws.dynamodb.v20120810#TransactionConflictException",
            "message": "Transaction is ongoing for the item",
        }),
        _ => return None,
    };
    let mut response = Response::new(Full::new(Bytes::from(body.to_string())));
    *response.status_mut() = StatusCode::BAD_REQUEST;
    Some(response)
}

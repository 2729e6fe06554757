//! Starts a shop for each test: its own table, queues, buckets and ports, with the real binaries.
//!
//! Tests use it as its users do. To wait for an effect they call [`Shop::eventually`], which checks
//! again after every invocation of a function, up to a timeout. With `SHOP_URL` set, the journeys run
//! against a deployed shop (`make stage`).

#![expect(
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot go on says why and fails"
)]

mod csv;
mod faults;
mod people;

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use domain::identity::SigningKey;
use local::stack::{Options, Stack, Wiring};
use reqwest::{Method, RequestBuilder};
use ring::{
    rand::SystemRandom,
    signature::{Ed25519KeyPair, KeyPair},
};
use runtime::{Environment, StaffClaims, TOKEN_AUDIENCE, sign_staff_token};
use serde_json::{Value, json};
use tokio::sync::OnceCell;

pub use crate::{
    csv::{Product, Variant, catalogue},
    faults::{AwsCall, Fault, Faults, Held, Sent},
    people::{Person, app_of},
};
pub use local::lambda::InvokeError;

/// Timeout of waiting for an effect.
const PATIENCE: Duration = Duration::from_secs(120);

/// A running shop.
pub struct Shop {
    /// URL of the shop.
    pub address: String,
    /// A valid staff token.
    pub staff_token: String,
    http: reqwest::Client,
    /// Signs access tokens, once it is published.
    signing_key: OnceCell<SigningKey>,
    place: Place,
}

enum Place {
    /// On this machine, for this test only.
    Here {
        stack: Box<Stack>,
        log: Arc<Mutex<String>>,
        key: Vec<u8>,
    },
    /// Deployed elsewhere.
    Deployed { mails: String },
}

/// A response of the shop.
#[derive(Debug)]
pub struct Response {
    /// HTTP status of the response.
    pub status: u16,
    /// Headers by lower-case name.
    pub headers: BTreeMap<String, String>,
    /// The body as it was received.
    pub text: String,
}

impl Response {
    /// The body as JSON.
    #[track_caller]
    pub fn json(&self) -> Value {
        match serde_json::from_str(&self.text) {
            Ok(json) => json,
            Err(error) => panic!("no JSON ({error}): {} {}", self.status, self.text),
        }
    }

    /// Asserts the status and returns the body.
    #[track_caller]
    pub fn expect(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.text);
        self.json()
    }

    /// Asserts that the response is a complete problem with this status and code.
    #[track_caller]
    pub fn expect_problem(&self, status: u16, code: &str) -> Value {
        let problem = self.expect(status);
        assert_eq!(problem["code"], code, "{}", self.text);
        assert_eq!(problem["status"], status, "{}", self.text);
        assert_eq!(self.headers["content-type"], "application/problem+json");
        for member in ["type", "title", "detail"] {
            assert!(
                problem[member]
                    .as_str()
                    .is_some_and(|text| !text.is_empty()),
                "{member}: {}",
                self.text
            );
        }
        problem
    }
}

/// Stock of a SKU as staff see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StockCounts {
    /// Units in the warehouse.
    pub on_hand: i64,
    /// Units on hand that unpaid orders hold.
    pub reserved: i64,
    /// Units available for sale.
    pub available: i64,
}

impl StockCounts {
    /// Units on hand of which none is reserved.
    pub fn unreserved(units: i64) -> Self {
        Self {
            on_hand: units,
            reserved: 0,
            available: units,
        }
    }
}

/// Folder of the project.
pub fn root() -> PathBuf {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..");
    root.canonicalize().unwrap()
}

/// Folder of the functions' binaries, beside the running test.
fn binaries() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let folder = test.ancestors().nth(2).unwrap().to_owned();
    let binary = folder.join("place-order");
    assert!(
        binary.exists(),
        "{} is missing: run `cargo build --workspace --bins` first",
        binary.display()
    );
    folder
}

impl Shop {
    /// Starts an empty shop.
    pub async fn start() -> Self {
        Self::start_with(BTreeMap::new()).await
    }

    /// Starts an empty shop with parameters of the template.
    pub async fn start_with(parameters: BTreeMap<String, String>) -> Self {
        Self::start_wired(parameters, None).await
    }

    /// Starts an empty shop whose functions' calls are intercepted; see [`Faults`]. Messages whose
    /// function crashed are redelivered at once.
    pub async fn start_wired(
        mut parameters: BTreeMap<String, String>,
        wiring: Option<Wiring>,
    ) -> Self {
        let key = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new())
            .unwrap()
            .as_ref()
            .to_vec();
        let pair = Ed25519KeyPair::from_pkcs8(&key).unwrap();
        let public_key = URL_SAFE_NO_PAD.encode(pair.public_key());
        parameters.insert("StaffTokenPublicKey".to_owned(), public_key);
        let log = Arc::new(Mutex::new(String::new()));
        let sink = Arc::clone(&log);
        let stack = Stack::start(Options {
            root: root(),
            binaries: binaries(),
            data: None,
            port: 0,
            parameters,
            log: Arc::new(move |function, line| {
                let mut log = sink.lock().unwrap();
                log.push_str(&format!("{function}: {line}\n"));
            }),
            before_invoke: None,
            impatient: wiring.is_some(),
            wiring,
        })
        .await;
        let stack = Box::new(stack.unwrap_or_else(|error| panic!("{error}")));
        Self {
            address: stack.address.clone(),
            // Longer than any test: the full fault matrix takes more than an hour on a busy machine.
            staff_token: staff_token(&key, "staff", 12 * 3600),
            http: reqwest::Client::new(),
            signing_key: OnceCell::new(),
            place: Place::Here { stack, log, key },
        }
    }

    /// The shop named by `SHOP_URL`, `STAFF_TOKEN` and `MAILS_URL`, or a new one.
    pub async fn deployed_or_started() -> Self {
        let environment = Environment::load();
        let (Some(address), Some(token), Some(mails)) = (
            environment.get("SHOP_URL"),
            environment.get("STAFF_TOKEN"),
            environment.get("MAILS_URL"),
        ) else {
            return Self::start().await;
        };
        Self {
            address: address.to_owned(),
            staff_token: token.to_owned(),
            http: reqwest::Client::new(),
            signing_key: OnceCell::new(),
            place: Place::Deployed {
                mails: mails.to_owned(),
            },
        }
    }

    /// Signs a token with the shop's own key.
    #[track_caller]
    pub fn token(&self, role: &str, seconds: i64) -> String {
        match &self.place {
            Place::Here { key, .. } => staff_token(key, role, seconds),
            Place::Deployed { .. } => panic!("the key of a deployed shop is not known"),
        }
    }

    /// The stack of a local shop.
    #[track_caller]
    pub fn stack(&self) -> &Stack {
        match &self.place {
            Place::Here { stack, .. } => stack,
            Place::Deployed { .. } => panic!("this test needs a shop of its own"),
        }
    }

    /// Disables all triggers of a local shop: functions are only invoked by requests and
    /// [`Shop::invoke`].
    #[track_caller]
    pub fn stop_triggers(&mut self) {
        match &mut self.place {
            Place::Here { stack, .. } => stack.stop_triggers(),
            Place::Deployed { .. } => panic!("this test needs a shop of its own"),
        }
    }

    /// All log lines of the functions.
    #[track_caller]
    pub fn log(&self) -> String {
        match &self.place {
            Place::Here { log, .. } => log.lock().unwrap().clone(),
            Place::Deployed { .. } => panic!("the log of a deployed shop is not at hand"),
        }
    }

    /// Builds a request, to be sent with [`Shop::send`].
    pub fn request(&self, method: &str, path: &str) -> RequestBuilder {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        self.http.request(method, format!("{}{path}", self.address))
    }

    /// Sends a request and reads the response.
    pub async fn send(&self, request: RequestBuilder) -> Response {
        let response = request.send().await.unwrap();
        let headers = response.headers().iter();
        Response {
            status: response.status().as_u16(),
            headers: headers
                .map(|(name, value)| {
                    (
                        name.to_string(),
                        value.to_str().unwrap_or_default().to_owned(),
                    )
                })
                .collect(),
            text: response.text().await.unwrap(),
        }
    }

    /// Sends a `GET` request as a shopper.
    pub async fn get(&self, path: &str) -> Response {
        self.send(self.request("GET", path)).await
    }

    /// Sends a request with a JSON body as a shopper.
    pub async fn call(&self, method: &str, path: &str, body: &Value) -> Response {
        self.send(self.request(method, path).json(body)).await
    }

    /// Sends a `GET` request as staff.
    pub async fn staff_get(&self, path: &str) -> Response {
        self.send(self.request("GET", path).bearer_auth(&self.staff_token))
            .await
    }

    /// Sends a request with a JSON body as staff.
    pub async fn staff_call(&self, method: &str, path: &str, body: &Value) -> Response {
        self.send(
            self.request(method, path)
                .bearer_auth(&self.staff_token)
                .json(body),
        )
        .await
    }

    /// Changes settings as staff, whatever their version, and returns all of them. Processes that run see it seconds later.
    pub async fn set(&self, settings: &Value) -> Value {
        let request = self.request("PATCH", "/v1/admin/settings");
        let request = request.header("If-Match", "*").json(settings);
        let changed = self.send(request.bearer_auth(&self.staff_token)).await;
        changed.expect(200)
    }

    /// Invokes a function with an event, as Lambda does.
    pub async fn invoke(&self, function: &str, event: &Value) -> Result<Value, InvokeError> {
        let answer = self
            .stack()
            .lambda
            .invoke(function, event.to_string().into())
            .await?;
        Ok(serde_json::from_slice(&answer).unwrap_or(Value::Null))
    }

    /// Invokes an endpoint's function from a network address, past the CDN; returns the response as the function gives it.
    pub async fn invoke_from(&self, address: &str, function: &str, mut request: Value) -> Value {
        request["requestContext"]["http"]["sourceIp"] = json!(address);
        self.invoke(function, &request).await.unwrap()
    }

    /// Runs the sweep, as the schedule does every minute. A failed sweep is repeated, as on AWS.
    pub async fn sweep(&self) {
        let _ = self.invoke("sweep-orders", &json!({})).await;
    }

    /// Waits until an unpaid order is due to expire, according to the order itself; an earlier sweep
    /// would ignore it.
    pub async fn until_due(&self, order: &Value) {
        let due = order["due_at"].as_str().expect("an order as it was placed");
        let due: jiff::Timestamp = due.parse().expect("a time");
        let left = due.duration_since(runtime::now());
        // Zero if it is already due.
        tokio::time::sleep(left.try_into().unwrap_or_default()).await;
    }

    /// Stops the processes that cache pages of the catalog, so that the next request reads the current
    /// state, which others only see seconds later.
    pub async fn forget_pages(&self) {
        let keepers = ["get-product", "list-products"].map(str::to_owned);
        self.stack().lambda.restart(Some(&keepers)).await;
    }

    /// Waits until `look` returns a value.
    pub async fn eventually<T>(&self, what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
        let started = Instant::now();
        let mut progress = match &self.place {
            Place::Here { stack, .. } => Some(stack.lambda.progress()),
            Place::Deployed { .. } => None,
        };
        while started.elapsed() < PATIENCE {
            if let Some(found) = look().await {
                return found;
            }
            // Effects may also occur without an invocation.
            let a_while = tokio::time::sleep(Duration::from_millis(100));
            match &mut progress {
                Some(progress) => tokio::select! {
                    _ = progress.changed() => {}
                    () = a_while => {}
                },
                None => a_while.await,
            }
        }
        let log = match &self.place {
            Place::Here { .. } => self.log(),
            Place::Deployed { .. } => String::new(),
        };
        panic!("waited {} s in vain: {what}\n{log}", PATIENCE.as_secs());
    }

    /// Creates an import of a file of this size and returns its ticket.
    pub async fn import_ticket(&self, bytes: usize) -> Value {
        let body = json!({ "bytes": bytes });
        let created = self.staff_call("POST", "/v1/admin/imports", &body);
        created.await.expect(202)
    }

    /// Uploads the file of an import as its ticket says.
    pub async fn upload(&self, ticket: &Value, file: impl Into<Vec<u8>>) {
        let upload = &ticket["upload"];
        let method = Method::from_bytes(upload["method"].as_str().unwrap().as_bytes()).unwrap();
        let mut request = self.http.request(method, upload["url"].as_str().unwrap());
        for (name, value) in upload["headers"].as_object().unwrap() {
            request = request.header(name, value.as_str().unwrap());
        }
        let uploaded = request.body(file.into()).send().await.unwrap();
        assert!(uploaded.status().is_success(), "{}", uploaded.status());
    }

    /// Imports a file, waits for its completion and returns the import.
    pub async fn import(&self, file: impl Into<Vec<u8>>) -> Value {
        let file = file.into();
        let ticket = self.import_ticket(file.len()).await;
        assert_eq!(ticket["state"], "awaiting_upload");
        self.upload(&ticket, file).await;
        let path = format!("/v1/admin/imports/{}", ticket["id"].as_str().unwrap());
        self.eventually("the import is done", async || {
            let import = self.staff_get(&path).await.expect(200);
            matches!(import["state"].as_str(), Some("completed" | "failed")).then_some(import)
        })
        .await
    }

    /// Imports products and asserts that all rows were imported.
    pub async fn stock_up(&self, products: &[Product]) {
        let import = self.import(catalogue(products)).await;
        assert_eq!(import["state"], "completed", "{import}");
        assert_eq!(import["rows_failed"], 0, "{import}");
    }

    /// Creates a cart with these lines and returns its id.
    pub async fn cart(&self, lines: &[(&str, u32)]) -> String {
        let cart = self
            .send(self.request("POST", "/v1/carts"))
            .await
            .expect(201);
        let id = cart["id"].as_str().unwrap().to_owned();
        for (sku, quantity) in lines {
            let path = format!("/v1/carts/{id}/lines/{sku}");
            self.call("PUT", &path, &json!({ "quantity": quantity }))
                .await
                .expect(200);
        }
        id
    }

    /// Places an order with an idempotency key.
    pub async fn order(&self, key: &str, body: &Value) -> Response {
        self.send(
            self.request("POST", "/v1/orders")
                .header("Idempotency-Key", key)
                .json(body),
        )
        .await
    }

    /// Places an order for these lines, waits until its status is `status` and returns it.
    pub async fn buy(&self, lines: &[(&str, u32)], token: &str, status: &str) -> Value {
        let cart = self.cart(lines).await;
        let placed = self
            .order(&cart, &order_body(&cart, token))
            .await
            .expect(201);
        self.order_becomes(&placed, status).await
    }

    /// Waits until the status of a placed order is `status` and returns the order.
    pub async fn order_becomes(&self, placed: &Value, status: &str) -> Value {
        let path = format!("/v1/orders/{}", placed["id"].as_str().unwrap());
        let token = placed["access_token"].as_str().unwrap();
        self.eventually(&format!("the order is {status}"), async || {
            let order = self
                .send(self.request("GET", &path).bearer_auth(token))
                .await
                .expect(200);
            let settled = order["status"] != "pending_payment";
            assert!(!settled || order["status"] == status, "{order}");
            settled.then_some(order)
        })
        .await
    }

    /// Stock of a SKU as staff see it.
    pub async fn stock(&self, sku: &str) -> StockCounts {
        let stock = self
            .staff_get(&format!("/v1/admin/stock/{sku}"))
            .await
            .expect(200);
        StockCounts {
            on_hand: stock["on_hand"].as_i64().unwrap(),
            reserved: stock["reserved"].as_i64().unwrap(),
            available: stock["available"].as_i64().unwrap(),
        }
    }

    /// Emails that were sent to an address.
    pub async fn mails_to(&self, address: &str) -> Vec<Value> {
        let url = match &self.place {
            Place::Here { .. } => format!("{}/_dev/mails", self.address),
            Place::Deployed { mails } => mails.clone(),
        };
        let caught: Value = self
            .http
            .get(url)
            .send()
            .await
            .unwrap()
            .json()
            .await
            .unwrap();
        let mut mails = Vec::new();
        collect_mails(&caught, address, &mut mails);
        mails
    }

    /// Calls the table directly, for effects that no user can cause, such as the passage of time.
    pub async fn table(&self, operation: &str, request: &Value) -> Value {
        let request = self
            .http
            .post(&self.stack().emulators.dynamodb)
            .header("X-Amz-Target", format!("DynamoDB_20120810.{operation}"))
            .header("Content-Type", "application/x-amz-json-1.0")
            .header("Authorization", "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=00")
            .header("X-Amz-Date", "20260101T000000Z")
            .body(request.to_string());
        let answer = self.send(request).await;
        answer.expect(200)
    }

    /// Number of items in the table besides the control item, which has the keys of tokens from the start, and the audit trail, which
    /// is appended to behind it.
    pub fn items(&self) -> u64 {
        let stack = self.stack();
        let mut scan = json!({
            "TableName": stack.template.table["TableName"], "Select": "COUNT",
            "FilterExpression": "NOT begins_with(PK, :audit) AND PK <> :control",
            "ExpressionAttributeValues": { ":audit": { "S": "AUDIT#" }, ":control": { "S": "CONTROL" } },
        });
        let mut items = 0;
        loop {
            let request = serde_json::from_value(scan.clone()).unwrap();
            let page = stack.emulators.database.scan(request).unwrap();
            items += u64::try_from(page.count).unwrap();
            match page.last_evaluated_key {
                Some(key) => scan["ExclusiveStartKey"] = serde_json::to_value(key).unwrap(),
                None => return items,
            }
        }
    }
}

/// A valid body of `POST /v1/orders`, with an email address unique to the cart.
pub fn order_body(cart_id: &str, token: &str) -> Value {
    json!({
        "cart_id": cart_id,
        "email": email_of(cart_id),
        "shipping_address": {
            "name": "Ada Lovelace",
            "line1": "12 St James's Square",
            "city": "London",
            "postal_code": "SW1Y 4JH",
            "country": "GB",
        },
        "payment": { "method": "test", "token": token },
    })
}

/// The email address that [`order_body`] uses for a cart.
pub fn email_of(cart_id: &str) -> String {
    format!("{}@example.com", cart_id.to_lowercase())
}

/// An SQS event with these bodies and message ids `m0`, `m1` and so on.
pub fn sqs_event(bodies: &[&str], attempt: u32) -> Value {
    let record = |(index, body): (usize, &&str)| {
        json!({
            "messageId": format!("m{index}"),
            "receiptHandle": format!("r{index}"),
            "body": body,
            "attributes": { "ApproximateReceiveCount": attempt.to_string() },
            "messageAttributes": {},
            "eventSource": "aws:sqs",
            "eventSourceARN": "arn:aws:sqs:us-east-1:000000000000:elsewhere",
            "awsRegion": "us-east-1",
        })
    };
    json!({ "Records": bodies.iter().enumerate().map(record).collect::<Vec<_>>() })
}

fn staff_token(key: &[u8], role: &str, seconds: i64) -> String {
    let now = runtime::now().as_second();
    let claims = StaffClaims {
        sub: "test".to_owned(),
        role: role.to_owned(),
        aud: TOKEN_AUDIENCE.to_owned(),
        iat: now,
        exp: now + seconds,
    };
    sign_staff_token(&claims, key).unwrap()
}

/// Collects emails to an address, in the format of `/_dev/mails` or of the emulator.
fn collect_mails(value: &Value, address: &str, mails: &mut Vec<Value>) {
    match value {
        Value::Array(values) => values
            .iter()
            .for_each(|value| collect_mails(value, address, mails)),
        Value::Object(mail) => {
            let to = mail
                .get("to")
                .or_else(|| mail.get("To"))
                .and_then(Value::as_array);
            match to {
                Some(to) if to.iter().any(|to| to == address) => mails.push(value.clone()),
                Some(_) => {}
                None => mail
                    .values()
                    .for_each(|value| collect_mails(value, address, mails)),
            }
        }
        _ => {}
    }
}

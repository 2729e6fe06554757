//! Stand-in for Stripe: localstripe in a child process, behind a proxy that adds missing features.
//!
//! localstripe implements customers' cards, payment intents, charges and refunds, and signs events as
//! Stripe does. The proxy adds, as far as the shop depends on it:
//!
//! - idempotency: a repeated key gets the stored response, with other parameters `400`, while the first
//!   call is in progress `409`;
//! - a single valid secret key, instead of any;
//! - errors that localstripe does not return: refunds above the captured amount, captures and
//!   cancellations in the wrong state (`payment_intent_unexpected_state`);
//! - the search for payments by their order, and on demand, idempotency keys that are forgotten;
//! - fields and values of Stripe's responses: `amount_received`, `amount_capturable`,
//!   `amount_captured`, charges as ids until they are expanded, `card_error` with a `decline_code`;
//! - the events `payment_intent.amount_capturable_updated`, `payment_intent.canceled` and
//!   `charge.refunded`, once a webhook is registered;
//! - Stripe's names for test cards that localstripe does not know;
//! - faults, on demand.
//!
//! Not covered: a second attempt with another card on the same intent, payment methods other than
//! cards, currency-specific rules, authorizations that expire by themselves, disputes.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    path::Path,
    process::Stdio,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::State,
    http::{HeaderMap, Method, StatusCode, Uri, header},
    response::Response,
};
use ring::hmac;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
    task::JoinHandle,
};

use crate::{LocalError, Result};

/// The secret key that is valid initially.
pub const KEY: &str = "sk_test_stampede";
/// Number of a card that succeeds.
pub const CARD: &str = "4242424242424242";
/// Number of a card that is declined.
pub const CARD_DECLINED: &str = "4000000000000341";
/// Number of a card that requires authentication.
pub const CARD_ASKS: &str = "4000002500003155";

/// A running stand-in. Dropping it stops it.
pub struct StripeStandIn {
    url: String,
    front: Arc<Front>,
    child: Child,
    server: JoinHandle<()>,
}

/// A payment as stored by the stand-in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Intent {
    /// Id of the payment intent.
    pub payment_id: String,
    /// `metadata[order_id]`.
    pub order_id: Option<String>,
    /// Stripe's status, such as `requires_capture`.
    pub status: String,
    /// Requested amount in minor units.
    pub amount: i64,
    /// Currency code in lower case.
    pub currency: String,
    /// Captured amount in minor units.
    pub captured: i64,
    /// Refunded amount in minor units.
    pub refunded: i64,
}

/// A fault to inject into one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The call has no effect and is never answered.
    Hang,
    /// The call takes effect, but the connection breaks before the response.
    LoseAnswer,
    /// The call has no effect and returns this status.
    Refuse(u16),
    /// The call is delayed, and holds its idempotency key meanwhile.
    Late(Duration),
}

impl StripeStandIn {
    /// Starts a stand-in on free ports of 127.0.0.1. `root` is the project's folder.
    pub async fn start(root: &Path) -> Result<Self> {
        let (child, behind) = start_localstripe(root).await?;
        let front = Arc::new(Front {
            behind,
            client: reqwest::Client::new(),
            turn: tokio::sync::Mutex::new(()),
            books: Mutex::new(Books {
                keys: BTreeSet::from([KEY.to_owned()]),
                ..Books::default()
            }),
        });
        let failed = |error: std::io::Error| LocalError::new("the stand-in for Stripe", error);
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0))
            .await
            .map_err(failed)?;
        let url = format!("http://{}", listener.local_addr().map_err(failed)?);
        let router = Router::new()
            .fallback(respond)
            .with_state(Arc::clone(&front));
        let router = crate::host::guard_private(router);
        let server = tokio::spawn(async move {
            let _ = axum::serve(listener, router).await;
        });
        Ok(Self {
            url,
            front,
            child,
            server,
        })
    }

    /// Base URL, to be used instead of `https://api.stripe.com`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Stops the stand-in and waits until it has exited.
    pub async fn stop(&mut self) {
        self.server.abort();
        // Closing its standard input makes it exit.
        drop(self.child.stdin.take());
        let ended = tokio::time::timeout(Duration::from_secs(5), self.child.wait()).await;
        if ended.is_err() {
            let _ = self.child.kill().await;
        }
    }

    /// Makes `key` the only valid secret key, as after a rotation.
    pub fn accept_only(&self, key: &str) {
        self.front.books().keys = BTreeSet::from([key.to_owned()]);
    }

    /// Forgets all idempotency keys, as Stripe does after a day.
    pub fn forget_keys(&self) {
        self.front.books().answers.clear();
    }

    /// Injects a fault into the next call to `/v1/…`; several faults apply in order.
    pub fn fail_next(&self, fault: Fault) {
        self.front.books().faults.push_back(fault);
    }

    /// All payments, in the order of their creation.
    pub async fn intents(&self) -> Result<Vec<Intent>> {
        let path = "/v1/payment_intents?limit=1000000";
        let list = self
            .front
            .forward(Method::GET, path, Vec::new(), Some(KEY))
            .await?
            .json();
        let intents = list["data"].as_array().into_iter().flatten();
        let books = self.front.books();
        Ok(intents
            .map(|intent| {
                let payment_id = text(&intent["id"]);
                let entry = books.entry(&payment_id);
                Intent {
                    order_id: intent["metadata"]["order_id"].as_str().map(str::to_owned),
                    status: text(&intent["status"]),
                    amount: intent["amount"].as_i64().unwrap_or_default(),
                    currency: text(&intent["currency"]),
                    captured: entry.captured,
                    refunded: entry.refunded,
                    payment_id,
                }
            })
            .collect())
    }

    /// Registers a webhook at `url`, signed with `secret`: for localstripe's own events (a second after
    /// they happen) and those of the proxy.
    pub async fn deliver_events(&self, url: &str, secret: &str) -> Result<()> {
        let form = [("url", url), ("secret", secret)];
        let answer = self
            .front
            .forward(Method::POST, "/_config/webhooks/shop", encode(&form), None)
            .await?;
        if answer.status != StatusCode::OK {
            return Err(LocalError::new("the webhook", answer.status));
        }
        self.front.books().webhook = Some(Webhook {
            url: url.to_owned(),
            secret: secret.to_owned(),
        });
        Ok(())
    }

    /// Creates a payment method with this card number, as the customer's client does, and returns its
    /// token.
    pub async fn card(&self, number: &str) -> Result<String> {
        self.front.card(number).await
    }

    /// Confirms a payment as the customer's client does, and returns its new status.
    pub async fn confirm(&self, payment_id: &str, number: &str) -> Result<String> {
        let card = self.card(number).await?;
        let path = format!("/v1/payment_intents/{payment_id}");
        let form = encode(&[("payment_method", &card)]);
        self.front
            .forward(Method::POST, &path, form, Some(KEY))
            .await?;
        self.front.post(&format!("{path}/confirm"), &[]).await?;
        self.status(payment_id).await
    }

    /// Completes the bank's authentication as the customer does, and returns the payment's new status.
    pub async fn authenticate(&self, payment_id: &str, success: bool) -> Result<String> {
        let intent = self.front.intent(payment_id).await?;
        let success = if success { "true" } else { "false" };
        let client_secret = text(&intent["client_secret"]);
        self.front
            .post(
                &format!("/v1/payment_intents/{payment_id}/_authenticate"),
                &[("client_secret", &client_secret), ("success", success)],
            )
            .await?;
        self.status(payment_id).await
    }

    /// Expires an authorization, as Stripe does after seven days, and returns the payment's new status.
    pub async fn expire(&self, payment_id: &str) -> Result<String> {
        let path = format!("/v1/payment_intents/{payment_id}/cancel");
        self.front.post(&path, &[]).await?;
        self.status(payment_id).await
    }

    async fn status(&self, payment_id: &str) -> Result<String> {
        Ok(text(&self.front.intent(payment_id).await?["status"]))
    }
}

impl Drop for StripeStandIn {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// The `Stripe-Signature` header of a body that is sent at `seconds` since 1970.
pub fn sign(secret: &str, seconds: i64, body: &[u8]) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    let mut context = hmac::Context::with_key(&key);
    context.update(format!("{seconds}.").as_bytes());
    context.update(body);
    let hex: String = context
        .sign()
        .as_ref()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!("t={seconds},v1={hex}")
}

struct Front {
    behind: String,
    client: reqwest::Client,
    /// Serializes changes, so that the result of a check stays valid.
    turn: tokio::sync::Mutex<()>,
    books: Mutex<Books>,
}

#[derive(Default)]
struct Books {
    keys: BTreeSet<String>,
    faults: VecDeque<Fault>,
    /// Responses by idempotency key; `None` while the first call is in progress.
    answers: BTreeMap<String, (Fingerprint, Option<StripeResponse>)>,
    ledger: BTreeMap<String, Entry>,
    webhook: Option<Webhook>,
    events: u64,
}

impl Books {
    fn entry(&self, payment_id: &str) -> Entry {
        self.ledger.get(payment_id).copied().unwrap_or_default()
    }
}

#[derive(Clone, Copy, Default)]
struct Entry {
    captured: i64,
    refunded: i64,
}

#[derive(Clone)]
struct Webhook {
    url: String,
    secret: String,
}

/// Path and form, which must be identical for the same key.
type Fingerprint = (String, Vec<u8>);

#[derive(Clone)]
struct StripeResponse {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
}

impl StripeResponse {
    fn error(status: StatusCode, kind: &str, code: Option<&str>, message: &str) -> Self {
        let body = json!({"error": {"type": kind, "code": code, "message": message}});
        Self {
            status,
            headers: HeaderMap::from_iter([(
                header::CONTENT_TYPE,
                header::HeaderValue::from_static("application/json"),
            )]),
            body: body.to_string().into(),
        }
    }

    fn unexpected_state(status: &str) -> Self {
        Self::error(
            StatusCode::BAD_REQUEST,
            "invalid_request_error",
            Some("payment_intent_unexpected_state"),
            &format!("This PaymentIntent has a status of {status}."),
        )
    }

    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    fn response(self) -> Response {
        let mut response = Response::new(Body::from(self.body));
        *response.status_mut() = self.status;
        *response.headers_mut() = self.headers;
        response
    }
}

async fn respond(
    State(front): State<Arc<Front>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    let fault = if path.starts_with("/v1/") {
        front.books().faults.pop_front()
    } else {
        None
    };
    match fault {
        Some(Fault::Hang) => return std::future::pending().await,
        Some(Fault::Refuse(status)) => {
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_GATEWAY);
            return StripeResponse::error(status, "api_error", None, "as asked for").response();
        }
        _ => {}
    }
    // Continues even if the caller disconnects, as at Stripe.
    let work = {
        let (front, path) = (Arc::clone(&front), path.to_owned());
        tokio::spawn(async move {
            let delay = match fault {
                Some(Fault::Late(delay)) => delay,
                _ => Duration::ZERO,
            };
            front.answer(method, &path, &headers, body, delay).await
        })
    };
    let answer = match work.await {
        Ok(Ok(answer)) => answer,
        Ok(Err(error)) => bad_gateway(&error),
        Err(error) => bad_gateway(&error),
    };
    if fault == Some(Fault::LoseAnswer) {
        let broken: Result<Bytes, std::io::Error> = Err(std::io::ErrorKind::ConnectionReset.into());
        return Response::new(Body::from_stream(futures_util::stream::iter([broken])));
    }
    answer.response()
}

fn bad_gateway(error: &dyn std::fmt::Display) -> StripeResponse {
    StripeResponse::error(
        StatusCode::BAD_GATEWAY,
        "api_error",
        None,
        &error.to_string(),
    )
}

impl Front {
    fn books(&self) -> std::sync::MutexGuard<'_, Books> {
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn answer(
        &self,
        method: Method,
        path: &str,
        headers: &HeaderMap,
        body: Bytes,
        delay: Duration,
    ) -> Result<StripeResponse> {
        let of = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let key = of("authorization").and_then(|value| value.strip_prefix("Bearer "));
        if let Some(key) = key
            && !self.books().keys.contains(key)
        {
            return Ok(StripeResponse::error(
                StatusCode::UNAUTHORIZED,
                "invalid_request_error",
                None,
                "Invalid API Key provided.",
            ));
        }
        if method != Method::POST {
            // Not in the middle of a change: Stripe shows all of it or nothing.
            let _turn = self.turn.lock().await;
            if let Some((_, query)) = path.split_once("/v1/payment_intents/search?") {
                return self.search(query, key).await;
            }
            let answer = self.forward(method, path, body.to_vec(), key).await?;
            return Ok(self.mended(path, &[], answer));
        }
        let Some(idempotency_key) = of("idempotency-key").map(str::to_owned) else {
            return self.change(path, &body, key).await;
        };
        let fingerprint = (path.to_owned(), body.to_vec());
        if let Some(answer) = self.stored(&idempotency_key, &fingerprint) {
            return Ok(answer);
        }
        tokio::time::sleep(delay).await;
        let answer = self.change(path, &body, key).await;
        let mut books = self.books();
        match &answer {
            Ok(answer) if answer.status != StatusCode::UNAUTHORIZED => {
                let stored = (fingerprint, Some(answer.clone()));
                books.answers.insert(idempotency_key, stored);
            }
            _ => {
                books.answers.remove(&idempotency_key);
            }
        }
        answer
    }

    /// The payments whose metadata have the order's id of the query, which is the only one that the shop sends.
    async fn search(&self, query: &str, key: Option<&str>) -> Result<StripeResponse> {
        let query = form_urlencoded::parse(query.as_bytes());
        let query = query.into_owned().find(|(name, _)| name == "query");
        let wanted = query.as_ref().and_then(|(_, query)| {
            let id = query.strip_prefix("metadata['order_id']:'")?;
            id.strip_suffix('\'')
        });
        let Some(wanted) = wanted else {
            let status = StatusCode::BAD_REQUEST;
            let kind = "invalid_request_error";
            return Ok(StripeResponse::error(status, kind, None, "unknown query"));
        };
        let path = "/v1/payment_intents?limit=1000000";
        let mut answer = self.forward(Method::GET, path, Vec::new(), key).await?;
        let list = answer.json();
        let intents = list["data"].as_array().into_iter().flatten();
        let found = intents.filter(|intent| intent["metadata"]["order_id"] == wanted);
        let found: Vec<Value> = found.map(|intent| self.completed(intent.clone())).collect();
        let result = json!({ "object": "search_result", "has_more": false, "data": found });
        answer.body = result.to_string().into();
        Ok(answer)
    }

    /// The stored response of the key; `None` if this is the first call, which then holds the key.
    fn stored(&self, idempotency_key: &str, fingerprint: &Fingerprint) -> Option<StripeResponse> {
        let mut books = self.books();
        match books.answers.get(idempotency_key) {
            None => {
                let at_work = (fingerprint.clone(), None);
                books.answers.insert(idempotency_key.to_owned(), at_work);
                None
            }
            Some((other, _)) if other != fingerprint => Some(StripeResponse::error(
                StatusCode::BAD_REQUEST,
                "idempotency_error",
                None,
                "Keys for idempotent requests can only be used with the same parameters they were \
                 first used with.",
            )),
            Some((_, None)) => Some(StripeResponse::error(
                StatusCode::CONFLICT,
                "idempotency_error",
                Some("idempotency_key_in_use"),
                "There is currently another in-progress request using this idempotency key.",
            )),
            Some((_, Some(answer))) => {
                let mut answer = answer.clone();
                let replayed = header::HeaderValue::from_static("true");
                answer.headers.insert("idempotent-replayed", replayed);
                Some(answer)
            }
        }
    }

    /// Performs a change in localstripe, if Stripe would perform it; records it and calls the webhook.
    async fn change(&self, path: &str, body: &[u8], key: Option<&str>) -> Result<StripeResponse> {
        let _turn = self.turn.lock().await;
        let form = self.translated(body).await?;
        let parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
        let field = |name: &str| {
            let (_, value) = form.iter().find(|(field, _)| field == name)?;
            Some(value.as_str())
        };
        let mut about = None;
        match parts[..] {
            [
                "v1",
                "payment_intents",
                payment_id,
                step @ ("capture" | "cancel"),
            ] => {
                about = Some(payment_id.to_owned());
                let amount = field("amount_to_capture").and_then(|amount| amount.parse().ok());
                if let Some(refusal) = self.refusal(payment_id, step, amount).await? {
                    return Ok(refusal);
                }
            }
            ["v1", "payment_intents", payment_id, ..] => about = Some(payment_id.to_owned()),
            ["v1", "refunds"] => {
                if let Some(payment_id) = field("payment_intent") {
                    about = Some(payment_id.to_owned());
                    let amount = field("amount").and_then(|amount| amount.parse().ok());
                    if let Some(refusal) = self.refusal(payment_id, "refund", amount).await? {
                        return Ok(refusal);
                    }
                }
            }
            _ => {}
        }
        let answer = self.forward(Method::POST, path, encode(&form), key).await?;
        let object = answer.json();
        if parts == ["v1", "payment_intents"] && answer.status.is_success() {
            about = object["id"].as_str().map(str::to_owned);
        }
        if let Some(payment_id) = about
            && answer.status.is_success()
        {
            self.write_down(&payment_id, &parts, &object).await?;
        }
        Ok(self.mended(path, &form, answer))
    }

    /// The error that Stripe would return where localstripe would not, or less precisely.
    async fn refusal(
        &self,
        payment_id: &str,
        step: &str,
        amount: Option<i64>,
    ) -> Result<Option<StripeResponse>> {
        let Ok(intent) = self.intent(payment_id).await else {
            return Ok(None); // localstripe says that there is none
        };
        let status = text(&intent["status"]);
        let too_much = |message: &str| {
            let status = StatusCode::BAD_REQUEST;
            let code = Some("amount_too_large");
            Some(StripeResponse::error(
                status,
                "invalid_request_error",
                code,
                message,
            ))
        };
        let entry = self.books().entry(payment_id);
        Ok(match (step, status.as_str()) {
            ("capture", "requires_capture") if amount > intent["amount"].as_i64() => {
                too_much("The amount is greater than what can be captured.")
            }
            ("capture", "requires_capture") => None,
            ("cancel", "succeeded" | "canceled" | "processing") => {
                Some(StripeResponse::unexpected_state(&status))
            }
            ("cancel", _) => None,
            ("refund", "succeeded")
                if amount.unwrap_or(entry.captured) > entry.captured - entry.refunded =>
            {
                too_much("The amount is greater than what is left of the charge.")
            }
            ("refund", "succeeded") => None,
            _ => Some(StripeResponse::unexpected_state(&status)),
        })
    }

    async fn write_down(&self, payment_id: &str, parts: &[&str], object: &Value) -> Result<()> {
        let intent = self.intent(payment_id).await?;
        let event = {
            let mut books = self.books();
            let kind = match *parts {
                ["v1", "payment_intents"] => "created",
                ["v1", "payment_intents", _, step] => step,
                ["v1", "refunds"] => "refunded",
                _ => "updated",
            };
            let entry = books.ledger.entry(payment_id.to_owned()).or_default();
            match kind {
                "capture" => {
                    let charge = &intent["latest_charge"];
                    let amount = charge["amount"].as_i64().unwrap_or_default();
                    // localstripe counts released amounts as refunded, as Stripe does.
                    entry.captured =
                        amount - charge["amount_refunded"].as_i64().unwrap_or_default();
                    None
                }
                "refunded" => {
                    entry.refunded += object["amount"].as_i64().unwrap_or_default();
                    Some("charge.refunded")
                }
                "cancel" => Some("payment_intent.canceled"),
                "updated" => None,
                _ if intent["status"] == "requires_capture" => {
                    Some("payment_intent.amount_capturable_updated")
                }
                _ => None,
            }
        };
        if let Some(kind) = event {
            let object = if kind == "charge.refunded" {
                let mut charge = intent["latest_charge"].clone();
                charge["metadata"] = intent["metadata"].clone();
                charge
            } else {
                self.completed(intent)
            };
            self.tell(kind, &object);
        }
        Ok(())
    }

    /// Delivers an event to the webhook, and retries if that fails.
    fn tell(&self, kind: &str, object: &Value) {
        let (webhook, number) = {
            let mut books = self.books();
            books.events += 1;
            (books.webhook.clone(), books.events)
        };
        let Some(Webhook { url, secret }) = webhook else {
            return;
        };
        let now = runtime::now().as_second();
        let body = json!({
            "id": format!("evt_front{number}"),
            "object": "event",
            "type": kind,
            "created": now,
            "livemode": false,
            "data": {"object": object},
        })
        .to_string();
        let client = self.client.clone();
        tokio::spawn(async move {
            for _ in 0..5 {
                let sent = client
                    .post(&url)
                    .header("content-type", "application/json; charset=utf-8")
                    .header("stripe-signature", sign(&secret, now, body.as_bytes()))
                    .body(body.clone())
                    .send()
                    .await;
                if sent.is_ok_and(|answer| answer.status().is_success()) {
                    return;
                }
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        });
    }

    /// Translates the form: removes fields unknown to localstripe and maps names.
    async fn translated(&self, body: &[u8]) -> Result<Vec<(String, String)>> {
        let mut form: Vec<(String, String)> = form_urlencoded::parse(body).into_owned().collect();
        form.retain(|(name, _)| !name.starts_with("automatic_payment_methods["));
        for (name, value) in &mut form {
            if name != "payment_method" {
                continue;
            }
            match value.as_str() {
                "pm_card_chargeDeclined" | "pm_card_visa_chargeDeclined" => {
                    *value = "pm_card_chargeCustomerFail".into();
                }
                "pm_card_authenticationRequired" => *value = self.card(CARD_ASKS).await?,
                _ => {}
            }
        }
        Ok(form)
    }

    /// Completes a response to match Stripe's.
    fn mended(
        &self,
        path: &str,
        form: &[(String, String)],
        mut answer: StripeResponse,
    ) -> StripeResponse {
        let mut object = answer.json();
        if object["object"] == "payment_intent" {
            let is_expanded = form.iter().any(|(_, value)| value == "latest_charge")
                || path.contains("latest_charge");
            object = self.completed(object);
            if !is_expanded && let Some(id) = object["latest_charge"].get("id").cloned() {
                object["latest_charge"] = id;
            }
        } else if object["error"].is_object() {
            let error = &mut object["error"];
            match answer.status {
                StatusCode::PAYMENT_REQUIRED => {
                    error["type"] = "card_error".into();
                    error["decline_code"] = "generic_decline".into();
                }
                StatusCode::NOT_FOUND => error["code"] = "resource_missing".into(),
                _ => {}
            }
        } else {
            return answer;
        }
        answer.body = object.to_string().into();
        answer
    }

    /// Adds the fields of an intent that localstripe omits.
    fn completed(&self, mut intent: Value) -> Value {
        let captured = self.books().entry(&text(&intent["id"])).captured;
        let is_capturable = intent["status"] == "requires_capture";
        let capturable = if is_capturable {
            intent["amount"].clone()
        } else {
            0.into()
        };
        intent["amount_capturable"] = capturable;
        intent["amount_received"] = captured.into();
        if intent["latest_charge"].is_object() {
            intent["latest_charge"]["amount_captured"] = captured.into();
        }
        intent
    }

    async fn intent(&self, payment_id: &str) -> Result<Value> {
        let path = format!("/v1/payment_intents/{payment_id}");
        let answer = self
            .forward(Method::GET, &path, Vec::new(), Some(KEY))
            .await?;
        if !answer.status.is_success() {
            return Err(LocalError::new(payment_id, answer.status));
        }
        Ok(answer.json())
    }

    async fn card(&self, number: &str) -> Result<String> {
        let form = encode(&[
            ("type", "card"),
            ("card[number]", number),
            ("card[exp_month]", "12"),
            ("card[exp_year]", "2040"),
            ("card[cvc]", "123"),
        ]);
        let answer = self
            .forward(Method::POST, "/v1/payment_methods", form, Some(KEY))
            .await?;
        let id = answer.json()["id"].as_str().map(str::to_owned);
        id.ok_or_else(|| LocalError::new("the card", answer.status))
    }

    /// A change by the customer's client or by Stripe itself. A failure shows in the intent.
    async fn post(&self, path: &str, form: &[(&str, &str)]) -> Result<()> {
        self.change(path, &encode(form), Some(KEY)).await?;
        Ok(())
    }

    async fn forward(
        &self,
        method: Method,
        path: &str,
        body: Vec<u8>,
        key: Option<&str>,
    ) -> Result<StripeResponse> {
        let failed = |error: reqwest::Error| LocalError::new("localstripe", error);
        let mut request = self
            .client
            .request(method, format!("{}{path}", self.behind))
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(body);
        if let Some(key) = key {
            request = request.bearer_auth(key);
        }
        let response = request.send().await.map_err(failed)?;
        let mut headers = HeaderMap::new();
        if let Some(kind) = response.headers().get(header::CONTENT_TYPE) {
            headers.insert(header::CONTENT_TYPE, kind.clone());
        }
        Ok(StripeResponse {
            status: response.status(),
            headers,
            body: response.bytes().await.map_err(failed)?,
        })
    }
}

fn encode(form: &[(impl AsRef<str>, impl AsRef<str>)]) -> Vec<u8> {
    form_urlencoded::Serializer::new(String::new())
        .extend_pairs(form)
        .finish()
        .into_bytes()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

async fn start_localstripe(root: &Path) -> Result<(Child, String)> {
    let python = root.join(".venv/bin/python");
    if !python.exists() {
        return Err(LocalError(format!(
            "{} is missing: run `make setup`",
            python.display()
        )));
    }
    let failed = |error: std::io::Error| LocalError::new("localstripe cannot be started", error);
    let mut child = Command::new(&python)
        .arg(root.join("infra/local/stripe.py"))
        .args(["--port", "0"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        // Ctrl-C is handled by the parent; the child exits when its standard input closes.
        .process_group(0)
        .spawn()
        .map_err(failed)?;
    let stdout = child.stdout.take();
    let stdout = stdout.ok_or_else(|| LocalError("no standard output".into()))?;
    let mut lines = BufReader::new(stdout).lines();
    while let Some(line) = lines.next_line().await.map_err(failed)? {
        if let Some(url) = line.strip_prefix("ready ") {
            let url = url.to_owned();
            // Keeps reading, so that the child never blocks on a full pipe.
            tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
            return Ok((child, url));
        }
    }
    Err(LocalError(
        "localstripe exited before it was ready; see its output above".into(),
    ))
}

//! Stripe as a payment provider: PaymentIntents with manual capture (docs/adr/0011).

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use bytes::Bytes;
use domain::{fault::chain, money::Money};
use form_urlencoded::Serializer;
use http::{
    Method, Request, StatusCode, Uri,
    header::{AUTHORIZATION, CONTENT_TYPE, HeaderName, HeaderValue, USER_AGENT},
};
use http_body_util::{BodyExt, Full, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};
use jiff::Timestamp;
use serde::{Deserialize, de::DeserializeOwned};

use super::{
    Authorisation, EventError, PaymentError, PaymentProvider, PaymentState, ProviderEvent,
    ProviderPayment, ProviderRefund, Refund, RefundState, signature,
};
use crate::secrets::{Keys, Secret};

/// Base URL of Stripe's API.
pub const STRIPE: &str = "https://api.stripe.com";

/// The pinned version of Stripe's API.
const VERSION: HeaderValue = HeaderValue::from_static("2025-09-30.clover");
const STRIPE_VERSION: HeaderName = HeaderName::from_static("stripe-version");
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// Header of a response that Stripe has stored for the idempotency key.
const REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");

/// Timeout to connect to Stripe, without TLS.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// Maximum idle time of a connection before it is replaced. A function is frozen between calls, and the
/// server closes the connection meanwhile.
const IDLE_TIMEOUT: Duration = Duration::from_secs(20);
/// Maximum size of a response, in bytes. A payment has about 5 kB.
const MAX_RESPONSE: usize = 256 * 1024;
/// Maximum length of Stripe's message in an error.
const MAX_WORDS: usize = 300;

/// Currencies whose minor units differ between Stripe and ISO 4217. A payment in them would be a
/// hundred times too large or too small.
const COUNTED_OTHERWISE: [&str; 3] = ["ISK", "MGA", "UGX"];

/// Stripe as a [`PaymentProvider`]. Clones share connections and keys.
#[derive(Clone, Debug)]
pub struct Stripe {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    secret: Secret,
    /// Scheme and authority, such as `https://api.stripe.com`.
    base: String,
    /// Made at the first call: reading its root certificates takes as long as the rest of the start.
    client: OnceLock<HttpClient>,
}

type HttpClient = Client<HttpsConnector<HttpConnector>, Full<Bytes>>;

/// Invalid endpoint URL: not safe to send keys to.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{0:?} must be https://host, or http://127.0.0.1:port")]
pub struct InvalidStripe(String);

impl Stripe {
    /// Makes a client for `base`, usually [`STRIPE`], that connects and reads the keys at its first
    /// call. Without TLS, only the local machine is allowed.
    pub fn new(base: &str, secret: Secret) -> Result<Self, InvalidStripe> {
        let invalid = || InvalidStripe(base.to_owned());
        let base = base.trim_end_matches('/');
        let uri: Uri = base.parse().map_err(|_| invalid())?;
        let is_bare = uri.path() == "/" && uri.query().is_none();
        let authority = uri.authority().ok_or_else(invalid)?;
        let is_safe = match uri.scheme_str() {
            Some("https") => true,
            Some("http") => authority.host() == "127.0.0.1",
            _ => false,
        };
        if !is_bare || !is_safe || authority.as_str().contains('@') {
            return Err(invalid());
        }
        Ok(Self {
            inner: Arc::new(Inner {
                secret,
                base: base.to_owned(),
                client: OnceLock::new(),
            }),
        })
    }

    /// Verifies and parses an event; see [`super::PaymentProviders::verify_event`].
    pub(super) async fn verify_event(
        &self,
        header: Option<&str>,
        body: &[u8],
        now: Timestamp,
    ) -> Result<ProviderEvent, EventError> {
        let header = header.ok_or(EventError::Signature)?;
        let secret = &self.inner.secret;
        let unavailable = |error: crate::GatewayError| EventError::Unavailable(error.to_string());
        let keys = secret.keys().await.map_err(unavailable)?;
        match signature::verify(header, body, &keys.webhook_secrets, now) {
            // The secret may have been rotated since it was read.
            Err(EventError::Signature) => {
                let others = secret.other_than(&keys).await.map_err(unavailable)?;
                let others = others.ok_or(EventError::Signature)?;
                signature::verify(header, body, &others.webhook_secrets, now)?;
            }
            verdict => verdict?,
        }
        read_event(body)
    }

    /// Creates or changes an object, at most once per idempotency key.
    async fn post(
        &self,
        path: &str,
        idempotency_key: &str,
        form: &[(&str, &str)],
    ) -> Result<StripeResponse, Problem> {
        let body = Serializer::new(String::new()).extend_pairs(form).finish();
        let key = HeaderValue::from_str(idempotency_key)
            .map_err(|_| Problem::ours("the idempotency key is not printable ASCII"))?;
        self.send(&Method::POST, path, Some(key), body).await
    }

    async fn get(&self, path: &str) -> Result<StripeResponse, Problem> {
        self.send(&Method::GET, path, None, String::new()).await
    }

    /// Sends a request, and once more if the key was rotated since it was read.
    async fn send(
        &self,
        method: &Method,
        path: &str,
        idempotency_key: Option<HeaderValue>,
        body: String,
    ) -> Result<StripeResponse, Problem> {
        let secret = &self.inner.secret;
        let unavailable = |error: crate::GatewayError| Problem::no_answer(error.to_string());
        let keys = secret.keys().await.map_err(unavailable)?;
        let body = Bytes::from(body);
        let first = self
            .send_once(method, path, idempotency_key.clone(), body.clone(), &keys)
            .await;
        match first {
            Err(problem) if problem.status == Some(StatusCode::UNAUTHORIZED) => {
                match secret.other_than(&keys).await.map_err(unavailable)? {
                    Some(others) => {
                        self.send_once(method, path, idempotency_key, body, &others)
                            .await
                    }
                    None => Err(problem),
                }
            }
            settled => settled,
        }
    }

    fn client(&self) -> Result<&HttpClient, Problem> {
        if let Some(client) = self.inner.client.get() {
            return Ok(client);
        }
        let client = client().map_err(|error| Problem::ours(&error.to_string()))?;
        Ok(self.inner.client.get_or_init(|| client))
    }

    async fn send_once(
        &self,
        method: &Method,
        path: &str,
        idempotency_key: Option<HeaderValue>,
        body: Bytes,
        keys: &Keys,
    ) -> Result<StripeResponse, Problem> {
        let mut authorization = HeaderValue::from_str(&format!("Bearer {}", keys.secret_key))
            .map_err(|_| Problem::ours("the secret key is not printable ASCII"))?;
        authorization.set_sensitive(true);
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.inner.base))
            .header(AUTHORIZATION, authorization)
            .header(STRIPE_VERSION, VERSION)
            .header(USER_AGENT, concat!("stampede/", env!("CARGO_PKG_VERSION")));
        if method == Method::POST {
            request = request.header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        }
        if let Some(key) = idempotency_key {
            request = request.header(IDEMPOTENCY_KEY, key);
        }
        let request = request
            .body(Full::new(body))
            .map_err(|error| Problem::ours(&error.to_string()))?;
        // The client retries over a new connection if a pooled one turns out to be closed; requests
        // that change something have an idempotency key.
        let sent = self.client()?.request(request).await;
        let sent = sent.map_err(|error| Problem::no_answer(chain(&error)))?;
        let (parts, body) = sent.into_parts();
        let body = Limited::new(body, MAX_RESPONSE).collect().await;
        let body = body
            .map_err(|error| Problem::no_answer(chain(&*error)))?
            .to_bytes();
        let is_replayed = parts
            .headers
            .get(REPLAYED)
            .is_some_and(|value| value == "true");
        if parts.status.is_success() {
            Ok(StripeResponse { body, is_replayed })
        } else {
            Err(Problem::of(parts.status, &body, &keys.secret_key))
        }
    }

    /// The current state of the intent in a response.
    async fn intent(&self, answer: StripeResponse) -> Result<ProviderPayment, PaymentError> {
        let intent: Intent = answer.read()?;
        if answer.is_replayed {
            // A stored response may be outdated: the customer may have paid since.
            return self.look_up(&intent.id).await?.ok_or_else(|| {
                PaymentError::Unavailable("a payment that Stripe created cannot be found".into())
            });
        }
        Ok(intent.into())
    }

    async fn look_up(&self, payment_id: &str) -> Result<Option<ProviderPayment>, PaymentError> {
        let path = format!("{}?expand[]=latest_charge", intent_path(payment_id)?);
        match self.get(&path).await {
            Ok(answer) => Ok(Some(answer.read::<Intent>()?.into())),
            Err(problem) if problem.status == Some(StatusCode::NOT_FOUND) => Ok(None),
            Err(problem) => Err(problem.into()),
        }
    }

    /// The state of an intent that Stripe refused to change: that it is already beyond that point is a
    /// result, not an error.
    async fn settled_before(
        &self,
        payment_id: &str,
        problem: Problem,
        is_settled: impl Fn(&PaymentState) -> bool,
    ) -> Result<ProviderPayment, PaymentError> {
        if problem.status == Some(StatusCode::BAD_REQUEST)
            && let Some(payment) = self.look_up(payment_id).await?
            && is_settled(&payment.state)
        {
            return Ok(payment);
        }
        Err(problem.into())
    }
}

/// The HTTP client that also underlies the SDK's, with the public web's root certificates, as Amazon's
/// do not sign Stripe's hosts. They are compiled in, so no file is read.
fn client() -> Result<HttpClient, rustls::Error> {
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    connector.set_connect_timeout(Some(CONNECT_TIMEOUT));
    connector.enforce_http(false);
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let https = HttpsConnectorBuilder::new()
        .with_provider_and_webpki_roots(provider)?
        .https_or_http()
        .enable_http1()
        .wrap_connector(connector);
    Ok(Client::builder(TokioExecutor::new())
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(IDLE_TIMEOUT)
        .build(https))
}

impl PaymentProvider for Stripe {
    async fn authorise(
        &self,
        authorisation: &Authorisation<'_>,
    ) -> Result<ProviderPayment, PaymentError> {
        let (amount, currency) = in_stripes_units(authorisation.amount)?;
        let mut form = vec![
            ("amount", amount.as_str()),
            ("currency", currency.as_str()),
            ("capture_method", "manual"),
            ("metadata[order_id]", authorisation.order_id),
            ("expand[]", "latest_charge"),
        ];
        match authorisation.token {
            // Not `off_session`: that is for customers who are away and have agreed to it before, and
            // turns a bank's question into a refusal. This customer has just left the checkout and can
            // be asked. Cards (and the wallets that hold cards) only: others need a page to return to.
            Some(token) => form.extend([
                ("payment_method", token),
                ("payment_method_types[]", "card"),
                ("confirm", "true"),
            ]),
            None => form.push(("automatic_payment_methods[enabled]", "true")),
        }
        let key = key("authorise", authorisation.idempotency_key);
        match self.post("/v1/payment_intents", &key, &form).await {
            Ok(answer) => self.intent(answer).await,
            Err(problem) => Err(problem.without(authorisation.token).into()),
        }
    }

    async fn capture(
        &self,
        payment_id: &str,
        idempotency_key: &str,
        amount: Money,
    ) -> Result<ProviderPayment, PaymentError> {
        let path = format!("{}/capture", intent_path(payment_id)?);
        let (amount, _) = in_stripes_units(amount)?;
        let form = [
            ("amount_to_capture", amount.as_str()),
            ("expand[]", "latest_charge"),
        ];
        match self
            .post(&path, &key("capture", idempotency_key), &form)
            .await
        {
            Ok(answer) => self.intent(answer).await,
            Err(problem) => {
                self.settled_before(payment_id, problem, |state| {
                    *state != PaymentState::Authorised
                })
                .await
            }
        }
    }

    async fn cancel(
        &self,
        payment_id: &str,
        idempotency_key: &str,
    ) -> Result<ProviderPayment, PaymentError> {
        let path = format!("{}/cancel", intent_path(payment_id)?);
        let form = [("expand[]", "latest_charge")];
        match self
            .post(&path, &key("cancel", idempotency_key), &form)
            .await
        {
            Ok(answer) => self.intent(answer).await,
            Err(problem) => {
                self.settled_before(payment_id, problem, |state| {
                    matches!(
                        state,
                        PaymentState::Captured { .. }
                            | PaymentState::Cancelled
                            | PaymentState::Processing
                    )
                })
                .await
            }
        }
    }

    async fn refund(&self, refund: &Refund<'_>) -> Result<ProviderRefund, PaymentError> {
        intent_path(refund.payment_id)?;
        let (amount, _) = in_stripes_units(refund.amount)?;
        let form = [
            ("payment_intent", refund.payment_id),
            ("amount", amount.as_str()),
        ];
        let key = key("refund", refund.idempotency_key);
        let answer = self.post("/v1/refunds", &key, &form).await?;
        Ok(answer.read::<RefundAnswer>()?.into())
    }

    async fn payment(&self, payment_id: &str) -> Result<Option<ProviderPayment>, PaymentError> {
        self.look_up(payment_id).await
    }
}

/// Stripe's idempotency keys are valid account-wide: including the operation keeps an order's key from
/// matching the stored response of another operation.
fn key(operation: &str, idempotency_key: &str) -> String {
    format!("{operation}:{idempotency_key}")
}

fn intent_path(payment_id: &str) -> Result<String, PaymentError> {
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    if !payment_id.starts_with("pi_") || !payment_id.bytes().all(is_name) {
        return Err(PaymentError::Refused(
            "this is not the id of a payment at Stripe".into(),
        ));
    }
    Ok(format!("/v1/payment_intents/{payment_id}"))
}

/// Amount and currency in Stripe's notation.
fn in_stripes_units(money: Money) -> Result<(String, String), PaymentError> {
    let Money { amount, currency } = money;
    let currency = currency.to_string();
    if COUNTED_OTHERWISE.contains(&currency.as_str()) {
        return Err(PaymentError::Refused(format!(
            "amounts of {currency} are not supported with Stripe, which counts them in other units"
        )));
    }
    if amount <= 0 {
        return Err(PaymentError::Refused("the amount must be positive".into()));
    }
    Ok((amount.to_string(), currency.to_ascii_lowercase()))
}

/// A successful response.
struct StripeResponse {
    body: Bytes,
    is_replayed: bool,
}

impl StripeResponse {
    fn read<T: DeserializeOwned>(&self) -> Result<T, PaymentError> {
        // The call took effect; repeating it returns the result.
        serde_json::from_slice(&self.body)
            .map_err(|error| PaymentError::Unavailable(format!("unreadable answer: {error}")))
    }
}

/// A failed call.
struct Problem {
    /// Status of Stripe's response; `None` if there was none, or no call was made.
    status: Option<StatusCode>,
    error: PaymentError,
}

impl Problem {
    fn ours(cause: &str) -> Self {
        Self {
            status: None,
            error: PaymentError::Refused(cause.to_owned()),
        }
    }

    fn no_answer(cause: String) -> Self {
        Self {
            status: None,
            error: PaymentError::Unavailable(cause),
        }
    }

    fn of(status: StatusCode, body: &[u8], secret_key: &str) -> Self {
        let StripeErrorBody { error } = serde_json::from_slice(body).unwrap_or_default();
        let code = error.code.as_deref();
        let words = format!(
            "{}: {}",
            code.or(error.kind.as_deref()).unwrap_or(status.as_str()),
            error.message.unwrap_or_default()
        );
        let words: String = words
            .replace(secret_key, "…")
            .chars()
            .take(MAX_WORDS)
            .collect();
        let is_passing = status.is_server_error()
            || matches!(
                status,
                StatusCode::REQUEST_TIMEOUT
                    | StatusCode::CONFLICT
                    | StatusCode::FAILED_DEPENDENCY
                    | StatusCode::TOO_MANY_REQUESTS
            )
            // Another call with the same key is in progress, or holds a lock on the object.
            || matches!(code, Some("idempotency_key_in_use" | "lock_timeout" | "rate_limit"))
            // Neither success nor an error of Stripe: an intermediary responded.
            || !status.is_client_error();
        let is_declined =
            status == StatusCode::PAYMENT_REQUIRED || error.kind.as_deref() == Some("card_error");
        let error = if is_passing {
            PaymentError::Unavailable(words)
        } else if is_declined {
            let code = error.decline_code.or(error.code);
            PaymentError::Declined {
                code: code.unwrap_or_else(|| "card_error".into()),
            }
        } else {
            PaymentError::Refused(words)
        };
        Self {
            status: Some(status),
            error,
        }
    }

    /// Removes the token, which Stripe may quote, as it must not be logged.
    fn without(mut self, token: Option<&str>) -> Self {
        if let (PaymentError::Refused(words) | PaymentError::Unavailable(words), Some(token)) =
            (&mut self.error, token)
            && !token.is_empty()
        {
            *words = words.replace(token, "…");
        }
        self
    }
}

impl From<Problem> for PaymentError {
    fn from(problem: Problem) -> Self {
        problem.error
    }
}

#[derive(Default, Deserialize)]
struct StripeErrorBody {
    #[serde(default)]
    error: StripeErrorDetail,
}

#[derive(Default, Deserialize)]
struct StripeErrorDetail {
    #[serde(rename = "type")]
    kind: Option<String>,
    code: Option<String>,
    decline_code: Option<String>,
    message: Option<String>,
}

/// The fields of a PaymentIntent that the shop needs. Extensible enums are text, so that a new value is
/// not an error.
#[derive(Deserialize)]
struct Intent {
    id: String,
    amount: i64,
    #[serde(default)]
    amount_received: i64,
    currency: String,
    status: String,
    client_secret: Option<String>,
    #[serde(default)]
    metadata: Option<Metadata>,
    latest_charge: Option<Charge>,
    last_payment_error: Option<StripeErrorDetail>,
}

#[derive(Default, Deserialize)]
struct Metadata {
    order_id: Option<String>,
}

/// A charge, if it was expanded; otherwise only its id.
#[derive(Deserialize)]
#[serde(untagged)]
enum Charge {
    Expanded { amount: i64, amount_refunded: i64 },
    Named(#[expect(dead_code, reason = "says what else may be there")] String),
}

impl From<Intent> for ProviderPayment {
    fn from(intent: Intent) -> Self {
        let state = match intent.status.as_str() {
            "requires_capture" => PaymentState::Authorised,
            "succeeded" => PaymentState::Captured {
                amount: intent.amount_received,
                refunded: intent.refunded(),
            },
            "canceled" => PaymentState::Cancelled,
            "requires_action" | "requires_confirmation" => PaymentState::RequiresAction,
            "requires_payment_method" => match intent.last_payment_error {
                None => PaymentState::RequiresAction,
                Some(error) => PaymentState::Failed {
                    code: error
                        .decline_code
                        .or(error.code)
                        .unwrap_or_else(|| "unknown".into()),
                },
            },
            // `processing`, or a future status: nothing to do yet.
            _ => PaymentState::Processing,
        };
        Self {
            payment_id: intent.id,
            order_id: intent.metadata.and_then(|metadata| metadata.order_id),
            amount: intent.amount,
            currency: intent.currency.to_ascii_uppercase(),
            state,
            client_secret: intent.client_secret,
        }
    }
}

impl Intent {
    /// Amount refunded after the capture. Stripe also counts the part that a partial capture releases
    /// as refunded, but that was never captured.
    fn refunded(&self) -> i64 {
        match self.latest_charge {
            Some(Charge::Expanded {
                amount,
                amount_refunded,
            }) => {
                let released = amount.saturating_sub(self.amount_received);
                amount_refunded.saturating_sub(released).max(0)
            }
            _ => 0,
        }
    }
}

#[derive(Deserialize)]
struct RefundAnswer {
    id: String,
    status: Option<String>,
    failure_reason: Option<String>,
}

impl From<RefundAnswer> for ProviderRefund {
    fn from(refund: RefundAnswer) -> Self {
        let state = match refund.status.as_deref() {
            Some("succeeded") => RefundState::Succeeded,
            Some(status @ ("failed" | "canceled")) => RefundState::Failed {
                code: refund.failure_reason.unwrap_or_else(|| status.to_owned()),
            },
            _ => RefundState::Pending,
        };
        Self {
            refund_id: refund.id,
            state,
        }
    }
}

#[derive(Deserialize)]
struct Event {
    id: String,
    #[serde(rename = "type")]
    kind: String,
    created: i64,
    data: EventData,
}

#[derive(Deserialize)]
struct EventData {
    object: EventObject,
}

/// A PaymentIntent, or an object that belongs to one: a charge, a refund, a dispute.
#[derive(Deserialize)]
struct EventObject {
    id: Option<String>,
    object: Option<String>,
    payment_intent: Option<Named>,
    metadata: Option<Metadata>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Named {
    Name(String),
    Expanded { id: String },
}

fn read_event(body: &[u8]) -> Result<ProviderEvent, EventError> {
    let event: Event =
        serde_json::from_slice(body).map_err(|error| EventError::Unreadable(error.to_string()))?;
    let created_at = Timestamp::from_second(event.created)
        .map_err(|error| EventError::Unreadable(error.to_string()))?;
    let object = event.data.object;
    let payment_id = if object.object.as_deref() == Some("payment_intent") {
        object.id
    } else {
        object.payment_intent.map(|named| match named {
            Named::Name(id) | Named::Expanded { id } => id,
        })
    };
    Ok(ProviderEvent {
        event_id: event.id,
        kind: event.kind,
        payment_id,
        order_id: object.metadata.and_then(|metadata| metadata.order_id),
        created_at,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys() -> Keys {
        Keys {
            secret_key: "sk_test_1".into(),
            webhook_secrets: Vec::new(),
        }
    }

    fn stripe(base: &str) -> Result<Stripe, InvalidStripe> {
        Stripe::new(base, Secret::fixed(keys()))
    }

    fn payment(intent: serde_json::Value) -> ProviderPayment {
        serde_json::from_value::<Intent>(intent).unwrap().into()
    }

    #[test]
    fn keys_go_to_nobody_without_tls() {
        for base in [
            STRIPE,
            "https://api.stripe.com/",
            "http://127.0.0.1:1234",
            "https://proxy.example:8443",
        ] {
            assert!(stripe(base).is_ok(), "{base}");
        }
        for base in [
            "http://api.stripe.com",
            "http://127.0.0.1.example",
            "http://127.0.0.1@example",
            "http://localhost:1",
            "http://[::1]:1",
            "ftp://127.0.0.1",
            "https://api.stripe.com/v2",
            "https://api.stripe.com?x",
            "https://",
            "api.stripe.com",
            "",
        ] {
            let refused = stripe(base).err();
            assert_eq!(refused, Some(InvalidStripe(base.to_owned())));
        }
    }

    #[test]
    fn the_key_is_not_printed() {
        let printed = format!("{:?}", stripe(STRIPE));
        assert!(!printed.contains("sk_test"), "{printed}");
    }

    #[test]
    fn every_status_has_a_meaning_also_one_that_is_new() {
        for (status, want) in [
            ("requires_payment_method", PaymentState::RequiresAction),
            ("requires_confirmation", PaymentState::RequiresAction),
            ("requires_action", PaymentState::RequiresAction),
            ("processing", PaymentState::Processing),
            ("requires_capture", PaymentState::Authorised),
            ("canceled", PaymentState::Cancelled),
            ("requires_patience", PaymentState::Processing),
        ] {
            let payment = payment(serde_json::json!({
                "id": "pi_1", "amount": 5, "currency": "eur", "status": status, "anything": {"else": []},
                "latest_charge": "ch_1",
            }));
            assert_eq!(payment.state, want, "{status}");
            assert_eq!(payment.currency, "EUR");
        }
    }

    #[test]
    fn a_failed_try_says_why() {
        let payment = payment(serde_json::json!({
            "id": "pi_1", "amount": 5, "currency": "eur", "status": "requires_payment_method",
            "metadata": {"order_id": "o"},
            "last_payment_error": {"type": "card_error", "code": "card_declined", "decline_code": "lost_card"},
        }));
        let code = "lost_card".to_owned();
        assert_eq!(payment.state, PaymentState::Failed { code });
        assert_eq!(payment.order_id.as_deref(), Some("o"));
    }

    #[test]
    fn what_a_partial_capture_releases_is_not_refunded() {
        for (amount_received, amount_refunded, refunded) in [
            (20_675, 0, 0),
            (20_675, 20_675, 20_675),
            (20_300, 375, 0),
            (20_300, 1375, 1000),
            (20_300, 0, 0),
        ] {
            let payment = payment(serde_json::json!({
                "id": "pi_1", "amount": 20_675, "amount_received": amount_received, "currency": "usd",
                "status": "succeeded",
                "latest_charge": {"id": "ch_1", "amount": 20_675, "amount_refunded": amount_refunded},
            }));
            let want = PaymentState::Captured {
                amount: amount_received,
                refunded,
            };
            assert_eq!(payment.state, want);
        }
    }

    #[test]
    fn amounts_are_sent_only_where_both_count_alike() {
        let units =
            |amount, code: &str| in_stripes_units(Money::new(amount, code.parse().unwrap()));
        assert_eq!(units(500, "JPY"), Ok(("500".into(), "jpy".into())));
        assert_eq!(units(1990, "EUR"), Ok(("1990".into(), "eur".into())));
        for (amount, code) in [
            (500, "ISK"),
            (500, "UGX"),
            (500, "MGA"),
            (0, "EUR"),
            (-1, "EUR"),
        ] {
            assert!(matches!(units(amount, code), Err(PaymentError::Refused(_))));
        }
    }

    #[test]
    fn refusals_are_told_apart() {
        #[derive(Debug, PartialEq)]
        enum Kind {
            Declined(String),
            Refused,
            Unavailable,
        }
        let declined = |code: &str| Kind::Declined(code.into());
        for (status, body, want) in [
            (
                402,
                r#"{"error":{"type":"card_error","code":"card_declined","decline_code":"do_not_honor"}}"#,
                declined("do_not_honor"),
            ),
            (
                402,
                r#"{"error":{"type":"card_error","code":"expired_card"}}"#,
                declined("expired_card"),
            ),
            (402, "", declined("card_error")),
            (
                400,
                r#"{"error":{"type":"invalid_request_error","code":"parameter_missing","message":"m"}}"#,
                Kind::Refused,
            ),
            (
                400,
                r#"{"error":{"type":"idempotency_error","message":"other parameters"}}"#,
                Kind::Refused,
            ),
            (
                400,
                r#"{"error":{"type":"idempotency_error","code":"idempotency_key_in_use"}}"#,
                Kind::Unavailable,
            ),
            (401, "{}", Kind::Refused),
            (403, "<html>", Kind::Refused),
            (404, "[]", Kind::Refused),
            (
                409,
                r#"{"error":{"type":"idempotency_error"}}"#,
                Kind::Unavailable,
            ),
            (424, "", Kind::Unavailable),
            (
                429,
                r#"{"error":{"code":"lock_timeout"}}"#,
                Kind::Unavailable,
            ),
            (500, r#"{"error":{"type":"api_error"}}"#, Kind::Unavailable),
            (302, "", Kind::Unavailable),
            (503, "<html>", Kind::Unavailable),
        ] {
            let status = StatusCode::from_u16(status).unwrap();
            let got = match Problem::of(status, body.as_bytes(), "sk_test_1").error {
                PaymentError::Declined { code } => Kind::Declined(code),
                PaymentError::Refused(_) => Kind::Refused,
                PaymentError::Unavailable(_) => Kind::Unavailable,
            };
            assert_eq!(got, want, "{status} {body}");
        }
    }

    #[test]
    fn words_do_not_carry_keys_or_tokens() {
        let body =
            r#"{"error":{"code":"resource_missing","message":"No such pm_x, with sk_test_1"}}"#;
        let problem = Problem::of(StatusCode::BAD_REQUEST, body.as_bytes(), "sk_test_1");
        assert_eq!(
            problem.without(Some("pm_x")).error,
            PaymentError::Refused("resource_missing: No such …, with …".into())
        );
    }

    #[test]
    fn names_do_not_reach_into_the_address() {
        for name in [
            "",
            "pi",
            "ch_1",
            "pi_1/capture",
            "pi_1?x",
            "pi_../refunds",
            "pi_é",
        ] {
            assert!(intent_path(name).is_err(), "{name}");
        }
        assert_eq!(intent_path("pi_3Mr").unwrap(), "/v1/payment_intents/pi_3Mr");
    }

    #[test]
    fn refunds_that_are_not_settled_are_pending() {
        for (status, want) in [
            (Some("succeeded"), RefundState::Succeeded),
            (Some("pending"), RefundState::Pending),
            (Some("requires_action"), RefundState::Pending),
            (Some("new_word"), RefundState::Pending),
            (None, RefundState::Pending),
            (
                Some("failed"),
                RefundState::Failed {
                    code: "failed".into(),
                },
            ),
            (
                Some("canceled"),
                RefundState::Failed {
                    code: "canceled".into(),
                },
            ),
        ] {
            let answer = RefundAnswer {
                id: "re_1".into(),
                status: status.map(str::to_owned),
                failure_reason: None,
            };
            assert_eq!(ProviderRefund::from(answer).state, want, "{status:?}");
        }
    }

    #[test]
    fn events_name_the_payment_wherever_it_stands() {
        for (object, payment_id, order_id) in [
            (
                r#"{"object":"payment_intent","id":"pi_1","metadata":{"order_id":"o"}}"#,
                Some("pi_1"),
                Some("o"),
            ),
            (
                r#"{"object":"charge","id":"ch_1","payment_intent":"pi_1","metadata":{}}"#,
                Some("pi_1"),
                None,
            ),
            (
                r#"{"object":"refund","id":"re_1","payment_intent":{"id":"pi_1"},"metadata":null}"#,
                Some("pi_1"),
                None,
            ),
            (r#"{"object":"balance","payment_intent":null}"#, None, None),
        ] {
            let body = format!(
                r#"{{"id":"evt_1","type":"x.y","created":1795000000,"api_version":null,"data":{{"object":{object}}}}}"#
            );
            let event = read_event(body.as_bytes()).unwrap();
            assert_eq!(event.payment_id.as_deref(), payment_id, "{object}");
            assert_eq!(event.order_id.as_deref(), order_id, "{object}");
            assert_eq!(event.created_at.as_second(), 1_795_000_000);
        }
        for body in [
            "",
            "[]",
            "{}",
            r#"{"id":"evt_1","type":"x","created":99999999999999,"data":{"object":{}}}"#,
        ] {
            assert!(matches!(
                read_event(body.as_bytes()),
                Err(EventError::Unreadable(_))
            ));
        }
    }
}

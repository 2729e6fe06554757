//! Calls Stripe's API: request headers, keys, timeouts, and the size of a response.

use bytes::Bytes;
use domain::fault::chain;
use form_urlencoded::Serializer;
use http::{
    Method, Request, StatusCode,
    header::{AUTHORIZATION, CONTENT_TYPE, HeaderName, HeaderValue, USER_AGENT},
};
use http_body_util::{BodyExt, Full, Limited};
use serde::de::DeserializeOwned;

use super::{Stripe, problem::Problem};
use crate::{
    https::{self, HttpClient},
    payments::PaymentError,
    secrets::Keys,
};

/// The pinned version of Stripe's API.
const VERSION: HeaderValue = HeaderValue::from_static("2025-09-30.clover");
const STRIPE_VERSION: HeaderName = HeaderName::from_static("stripe-version");
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// Header of a response that Stripe has stored for the idempotency key.
const REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");

/// Maximum size of a response, in bytes. A payment has about 5 kB.
const MAX_RESPONSE: usize = 256 * 1024;

/// A successful response.
pub(super) struct StripeResponse {
    body: Bytes,
    pub(super) is_replayed: bool,
}

impl StripeResponse {
    pub(super) fn read<T: DeserializeOwned>(&self) -> Result<T, PaymentError> {
        // The call took effect; repeating it returns the result.
        serde_json::from_slice(&self.body)
            .map_err(|error| PaymentError::Unavailable(format!("unreadable answer: {error}")))
    }
}

impl Stripe {
    /// Creates or changes an object, at most once per idempotency key.
    pub(super) async fn post(
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

    pub(super) async fn get(&self, path: &str) -> Result<StripeResponse, Problem> {
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
        let client = https::client().map_err(|error| Problem::ours(&error.to_string()))?;
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
}

//! Responses of endpoints.

use std::{marker::PhantomData, string::FromUtf8Error, sync::Arc};

use aws_lambda_events::{apigw::ApiGatewayV2httpResponse, encodings::Body};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use bytes::Bytes;
use domain::fault::Failure;
use http::{
    HeaderName, HeaderValue, Response, StatusCode,
    header::{
        ALLOW, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, InvalidHeaderValue,
        LOCATION, REFERRER_POLICY, RETRY_AFTER, SET_COOKIE, STRICT_TRANSPORT_SECURITY,
        WWW_AUTHENTICATE, X_CONTENT_TYPE_OPTIONS,
    },
};
use ring::digest::{SHA256, digest};
use serde::Serialize;

use jiff::SignedDuration;

use crate::{
    auth::cookies::{self, REFRESH_COOKIE, SESSION_COOKIE},
    problem::Problem,
};

const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");

/// A body for repeated use: its bytes and their ETag, computed once. Clones share both.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prepared {
    json: Bytes,
    etag: Arc<str>,
}

impl Prepared {
    /// Computes the ETag of `json`.
    pub fn new(json: impl Into<Bytes>) -> Self {
        let json = json.into();
        let etag = etag(&json);
        Self { json, etag }
    }

    /// The body as JSON.
    pub const fn json(&self) -> &Bytes {
        &self.json
    }

    /// The ETag, including its quotation marks.
    pub fn etag(&self) -> &str {
        &self.etag
    }
}

/// The tokens of a browser that is signed in.
#[derive(Clone, Copy)]
pub struct SignedIn<'a> {
    /// The access token.
    pub access: &'a str,
    /// How long it is valid.
    pub access_lifetime: SignedDuration,
    /// The refresh token.
    pub refresh: &'a str,
    /// How long it is valid.
    pub refresh_lifetime: SignedDuration,
}

/// A response with a body of type `T`.
#[derive(Debug)]
pub struct Reply<T> {
    headers: Vec<(HeaderName, String)>,
    json: Bytes,
    etag: Option<Arc<str>>,
    answer: PhantomData<fn() -> T>,
}

impl<T: Serialize> Reply<T> {
    /// A response with `answer` as its body and the endpoint's success status.
    pub fn of(answer: &T) -> Result<Self, Failure> {
        serde_json::to_string(answer)
            .map(Self::stored)
            .map_err(Failure::internal)
    }
}

/// The body of a response that has none.
#[derive(Clone, Copy, Debug, Serialize, schemars::JsonSchema)]
pub struct NoContent {}

impl Reply<NoContent> {
    /// A response without a body, for endpoints whose success is 204.
    pub fn none() -> Self {
        Self::of_bytes(Bytes::new(), None)
    }
}

impl<T> Reply<T> {
    /// A response whose body already is the JSON of a `T`.
    pub fn stored(json: String) -> Self {
        Self::of_bytes(json.into(), None)
    }

    /// A response with a shared body and its ETag.
    pub fn prepared(body: &Prepared) -> Self {
        Self::of_bytes(body.json.clone(), Some(body.etag.clone()))
    }

    fn of_bytes(json: Bytes, etag: Option<Arc<str>>) -> Self {
        Self {
            headers: Vec::new(),
            json,
            etag,
            answer: PhantomData,
        }
    }

    /// Sets the `Location` of a created resource.
    pub fn at(mut self, location: String) -> Self {
        self.headers.push((LOCATION, location));
        self
    }

    /// Sets the `ETag` of a resource that changes with its version, for requests with `If-Match`.
    pub fn versioned(mut self, version: u64) -> Self {
        self.headers.push((ETAG, format!("\"{version}\"")));
        self
    }

    /// Like [`versioned`](Self::versioned), for a resource of which nothing changes without its version: enables 304 responses.
    pub fn versioned_whole(mut self, version: u64) -> Self {
        self.etag = Some(format!("\"{version}\"").into());
        self
    }

    /// Signs a browser in by cookies that scripts cannot read, for as long as the tokens last.
    pub fn signed_in(mut self, tokens: &SignedIn<'_>) -> Self {
        let session = cookies::set(SESSION_COOKIE, tokens.access, "Lax", tokens.access_lifetime);
        let refresh = cookies::set(
            REFRESH_COOKIE,
            tokens.refresh,
            "Strict",
            tokens.refresh_lifetime,
        );
        self.headers
            .extend([(SET_COOKIE, session), (SET_COOKIE, refresh)]);
        self
    }

    /// Has a browser delete the cookies of [`signed_in`](Self::signed_in).
    pub fn signed_out(self) -> Self {
        let none = SignedIn {
            access: "",
            access_lifetime: SignedDuration::ZERO,
            refresh: "",
            refresh_lifetime: SignedDuration::ZERO,
        };
        self.signed_in(&none)
    }

    /// Allows browsers to cache the response for `browser` seconds and the CDN for `cdn`, adds an ETag,
    /// and enables 304 responses.
    pub fn cached(self, browser: u32, cdn: u32) -> Self {
        self.cached_since(browser, cdn, 0)
    }

    /// Like [`cached`](Self::cached), for data that was read `age` seconds ago: the age is deducted
    /// from the time for which others may cache it.
    pub fn cached_since(mut self, browser: u32, cdn: u32, age: u32) -> Self {
        let browser = browser.saturating_sub(age);
        let cdn = cdn.saturating_sub(age);
        let cache = format!("public, max-age={browser}, s-maxage={cdn}, stale-while-revalidate=60");
        self.headers.push((CACHE_CONTROL, cache));
        self.etag.get_or_insert_with(|| etag(&self.json));
        self
    }

    /// Allows browsers and the CDN to cache the response for `seconds` together, without serving it stale afterwards:
    /// what a browser gets from the CDN says how old it is.
    pub fn cached_strictly(mut self, seconds: u32) -> Self {
        let cache = format!("public, max-age={seconds}, s-maxage={seconds}");
        self.headers.push((CACHE_CONTROL, cache));
        self.etag.get_or_insert_with(|| etag(&self.json));
        self
    }

    pub(crate) fn respond(
        self,
        status: StatusCode,
        if_none_match: Option<&str>,
    ) -> Result<Response<Bytes>, Failure> {
        let unchanged = self
            .etag
            .as_ref()
            .zip(if_none_match)
            .is_some_and(|(ours, theirs)| matches_etag(theirs, ours));
        let mut response = Response::new(if unchanged { Bytes::new() } else { self.json });
        if unchanged {
            *response.status_mut() = StatusCode::NOT_MODIFIED;
        } else {
            *response.status_mut() = status;
            if status != StatusCode::NO_CONTENT {
                let json = HeaderValue::from_static("application/json");
                response.headers_mut().insert(CONTENT_TYPE, json);
            }
        }
        response.headers_mut().insert(CACHE_CONTROL, NO_STORE);
        let invalid = |error: InvalidHeaderValue| Failure::internal(error);
        if let Some(etag) = self.etag {
            let etag = HeaderValue::from_str(&etag).map_err(invalid)?;
            response.headers_mut().insert(ETAG, etag);
        }
        for (name, value) in self.headers {
            let value = HeaderValue::try_from(value).map_err(invalid)?;
            // Cookies, of which there may be several.
            match name == SET_COOKIE {
                true => response.headers_mut().append(name, value),
                false => response.headers_mut().insert(name, value).is_some(),
            };
        }
        Ok(response)
    }
}

/// Computes the ETag of a body from the beginning of its hash.
fn etag(body: &[u8]) -> Arc<str> {
    let digest = digest(&SHA256, body);
    format!("\"{}\"", URL_SAFE_NO_PAD.encode(&digest.as_ref()[..12])).into()
}

/// Implements If-None-Match (RFC 9110, 13.1.2): a list of tags or a star, with weak comparison, as a
/// CDN that compresses weakens tags.
fn matches_etag(theirs: &str, ours: &str) -> bool {
    theirs
        .split(',')
        .map(str::trim)
        .any(|tag| tag == "*" || tag.trim_start_matches("W/") == ours)
}

/// Makes the response of a problem; `random` chooses its `Retry-After`.
pub(crate) fn problem(problem: &Problem, random: u64) -> Response<Bytes> {
    let json = serde_json::to_string(problem).unwrap_or_else(|_| "{}".to_owned());
    let mut response = Response::new(Bytes::from(json));
    *response.status_mut() = problem.status();
    let headers = response.headers_mut();
    let mut set = |name, value| headers.insert(name, HeaderValue::from_static(value));
    set(CONTENT_TYPE, "application/problem+json");
    set(CACHE_CONTROL, "no-store");
    if problem.status() == StatusCode::UNAUTHORIZED {
        set(WWW_AUTHENTICATE, "Bearer");
    }
    if let Some(seconds) = problem.retry_after(random) {
        headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    // Methods are tokens, which a header can always carry.
    if let Some(Ok(allow)) = problem.allow().map(HeaderValue::try_from) {
        headers.insert(ALLOW, allow);
    }
    response
}

/// Headers of every response, errors included: over HTTPS only, as JSON only, and in no page, frame or referrer. A
/// response to a browser that opens it as a page is as harmless as one to a script.
const SECURITY: [(HeaderName, HeaderValue); 4] = [
    (
        CONTENT_SECURITY_POLICY,
        HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'"),
    ),
    (REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    (
        STRICT_TRANSPORT_SECURITY,
        HeaderValue::from_static("max-age=31536000; includeSubDomains"),
    ),
    (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
];

/// The response in the envelope of the HTTP API and of function URLs, payload format 2.0.
pub(crate) fn envelope(
    response: Response<Bytes>,
) -> Result<ApiGatewayV2httpResponse, FromUtf8Error> {
    let (mut parts, body) = response.into_parts();
    let mut envelope = ApiGatewayV2httpResponse::default();
    // The envelope has cookies apart: a header has one value in it.
    let cookies = parts.headers.get_all(SET_COOKIE).iter();
    let cookies = cookies.filter_map(|it| it.to_str().ok().map(str::to_owned));
    envelope.cookies = cookies.collect();
    parts.headers.remove(SET_COOKIE);
    envelope.status_code = parts.status.as_u16().into();
    envelope.headers = parts.headers;
    envelope.headers.extend(SECURITY.iter().cloned());
    // All bodies are JSON. Copied, because the envelope owns its text.
    envelope.body = Some(Body::Text(String::from_utf8(body.into())?));
    Ok(envelope)
}

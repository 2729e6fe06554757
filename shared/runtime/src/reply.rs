//! Answers.

use std::marker::PhantomData;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use bytes::Bytes;
use domain::fault::Failure;
use http_body_util::Full;
use lambda_http::{
    Response,
    http::{
        HeaderName, HeaderValue, StatusCode,
        header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, LOCATION, RETRY_AFTER, WWW_AUTHENTICATE},
    },
};
use ring::digest::{SHA256, digest};
use serde::Serialize;

use crate::problem::Problem;

/// What answers are made of: bytes that may be somebody else's too.
pub(crate) type Body = Full<Bytes>;

/// A body that is sent again and again: its bytes and their ETag, made once. Cloning it copies
/// neither.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prepared {
    json: Bytes,
    etag: HeaderValue,
}

impl Prepared {
    /// Prepares JSON.
    pub fn new(json: impl Into<Bytes>) -> Self {
        let json = json.into();
        let etag = etag(&json);
        Self { json, etag }
    }

    /// The bytes.
    pub const fn json(&self) -> &Bytes {
        &self.json
    }

    /// The ETag, in its quotation marks.
    pub fn etag(&self) -> &[u8] {
        self.etag.as_bytes()
    }
}

/// An answer of type `T`.
#[derive(Debug)]
pub struct Reply<T> {
    headers: Vec<(HeaderName, String)>,
    json: Bytes,
    etag: Option<HeaderValue>,
    answer: PhantomData<fn() -> T>,
}

impl<T: Serialize> Reply<T> {
    /// The answer, with the endpoint's own status.
    pub fn of(answer: &T) -> Result<Self, Failure> {
        serde_json::to_string(answer)
            .map(Self::stored)
            .map_err(Failure::internal)
    }
}

impl<T> Reply<T> {
    /// An answer that is JSON of `T` already.
    pub fn stored(json: String) -> Self {
        Self::of_bytes(json.into(), None)
    }

    /// An answer whose body is shared, with its ETag.
    pub fn prepared(body: &Prepared) -> Self {
        Self::of_bytes(body.json.clone(), Some(body.etag.clone()))
    }

    fn of_bytes(json: Bytes, etag: Option<HeaderValue>) -> Self {
        Self {
            headers: Vec::new(),
            json,
            etag,
            answer: PhantomData,
        }
    }

    /// Says where what was made lives.
    pub fn at(mut self, location: String) -> Self {
        self.headers.push((LOCATION, location));
        self
    }

    /// Lets browsers keep the answer for `browser` seconds and the CDN for `cdn`, gives it an ETag,
    /// and has it answered with 304 when the caller has it already.
    pub fn cached(self, browser: u32, cdn: u32) -> Self {
        self.cached_since(browser, cdn, 0)
    }

    /// As [`cached`](Self::cached), for what was read `age` seconds ago: the time that it was kept here
    /// is taken off the time that others may keep it.
    pub fn cached_since(mut self, browser: u32, cdn: u32, age: u32) -> Self {
        let browser = browser.saturating_sub(age);
        let cdn = cdn.saturating_sub(age);
        let cache = format!("public, max-age={browser}, s-maxage={cdn}, stale-while-revalidate=60");
        self.headers.push((CACHE_CONTROL, cache));
        self.etag.get_or_insert_with(|| etag(&self.json));
        self
    }

    pub(crate) fn respond(self, status: u16, if_none_match: Option<&str>) -> Response<Body> {
        let ours = self.etag.as_ref().and_then(|etag| etag.to_str().ok());
        let unchanged =
            ours.is_some_and(|ours| if_none_match.is_some_and(|theirs| matches_etag(theirs, ours)));
        let body = if unchanged {
            Body::default()
        } else {
            Body::new(self.json)
        };
        let mut response = Response::new(body);
        *response.status_mut() = if unchanged {
            StatusCode::NOT_MODIFIED
        } else {
            StatusCode::from_u16(status).unwrap_or(StatusCode::OK)
        };
        let headers = response.headers_mut();
        if !unchanged {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(etag) = self.etag {
            headers.insert(ETAG, etag);
        }
        for (name, value) in self.headers {
            if let Ok(value) = HeaderValue::try_from(value) {
                headers.insert(name, value);
            }
        }
        response
    }
}

/// The ETag of a body: the beginning of its hash.
fn etag(body: &[u8]) -> HeaderValue {
    let digest = digest(&SHA256, body);
    let etag = format!("\"{}\"", URL_SAFE_NO_PAD.encode(&digest.as_ref()[..12]));
    // Letters, digits, `-`, `_` and quotation marks: always a header's value.
    HeaderValue::try_from(etag).unwrap_or_else(|_| HeaderValue::from_static("\"\""))
}

/// RFC 9110, 13.1.2: a list of tags or a star, compared weakly (a CDN that compresses weakens them).
fn matches_etag(theirs: &str, ours: &str) -> bool {
    theirs
        .split(',')
        .map(str::trim)
        .any(|tag| tag == "*" || tag.trim_start_matches("W/") == ours)
}

/// A problem as response.
pub(crate) fn problem(problem: &Problem) -> Response<Body> {
    let json = serde_json::to_string(problem).unwrap_or_else(|_| "{}".to_owned());
    let mut response = Response::new(Body::from(json));
    *response.status_mut() = problem.status();
    let headers = response.headers_mut();
    headers.insert(
        CONTENT_TYPE,
        HeaderValue::from_static("application/problem+json"),
    );
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if problem.status() == StatusCode::UNAUTHORIZED {
        headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    if let Some(seconds) = problem.retry_after() {
        headers.insert(RETRY_AFTER, HeaderValue::from_static(seconds));
    }
    response
}

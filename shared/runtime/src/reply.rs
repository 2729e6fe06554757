//! Answers.

use std::{marker::PhantomData, sync::Arc};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use bytes::Bytes;
use domain::fault::Failure;
use ring::digest::{SHA256, digest};
use serde::Serialize;

use crate::{event::HttpAnswer, problem::Problem};

const NOT_MODIFIED: u16 = 304;
const UNAUTHORIZED: u16 = 401;

/// A body that is sent again and again: its bytes and their ETag, made once. Cloning it copies
/// neither.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prepared {
    json: Bytes,
    etag: Arc<str>,
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
    pub fn etag(&self) -> &str {
        &self.etag
    }
}

/// An answer of type `T`.
#[derive(Debug)]
pub struct Reply<T> {
    headers: Vec<(&'static str, String)>,
    json: Bytes,
    etag: Option<Arc<str>>,
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

    fn of_bytes(json: Bytes, etag: Option<Arc<str>>) -> Self {
        Self {
            headers: Vec::new(),
            json,
            etag,
            answer: PhantomData,
        }
    }

    /// Says where what was made lives.
    pub fn at(mut self, location: String) -> Self {
        self.headers.push(("location", location));
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
        self.headers.push(("cache-control", cache));
        self.etag.get_or_insert_with(|| etag(&self.json));
        self
    }

    pub(crate) fn respond(self, status: u16, if_none_match: Option<&str>) -> HttpAnswer {
        let unchanged = self
            .etag
            .as_ref()
            .zip(if_none_match)
            .is_some_and(|(ours, theirs)| matches_etag(theirs, ours));
        let mut answer = if unchanged {
            HttpAnswer::new(NOT_MODIFIED, Bytes::new())
        } else {
            let mut answer = HttpAnswer::new(status, self.json);
            answer.set("content-type", "application/json");
            answer
        };
        answer.set("cache-control", "no-store");
        if let Some(etag) = self.etag {
            answer.set("etag", etag.to_string());
        }
        for (name, value) in self.headers {
            answer.set(name, value);
        }
        answer
    }
}

/// The ETag of a body: the beginning of its hash.
fn etag(body: &[u8]) -> Arc<str> {
    let digest = digest(&SHA256, body);
    format!("\"{}\"", URL_SAFE_NO_PAD.encode(&digest.as_ref()[..12])).into()
}

/// RFC 9110, 13.1.2: a list of tags or a star, compared weakly (a CDN that compresses weakens them).
fn matches_etag(theirs: &str, ours: &str) -> bool {
    theirs
        .split(',')
        .map(str::trim)
        .any(|tag| tag == "*" || tag.trim_start_matches("W/") == ours)
}

/// A problem as response.
pub(crate) fn problem(problem: &Problem) -> HttpAnswer {
    let json = serde_json::to_string(problem).unwrap_or_else(|_| "{}".to_owned());
    let mut answer = HttpAnswer::new(problem.status(), json.into());
    answer.set("content-type", "application/problem+json");
    answer.set("cache-control", "no-store");
    if problem.status() == UNAUTHORIZED {
        answer.set("www-authenticate", "Bearer");
    }
    if let Some(seconds) = problem.retry_after() {
        answer.set("retry-after", seconds);
    }
    answer
}

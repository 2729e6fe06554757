//! Answers.

use std::marker::PhantomData;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use domain::fault::Failure;
use lambda_http::{
    Body, Response,
    http::{
        HeaderName, HeaderValue, StatusCode,
        header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, LOCATION, RETRY_AFTER, WWW_AUTHENTICATE},
    },
};
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::problem::Problem;

/// An answer of type `T`.
#[derive(Debug)]
pub struct Reply<T> {
    headers: Vec<(HeaderName, String)>,
    json: String,
    revalidated: bool,
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
        Self {
            headers: Vec::new(),
            json,
            revalidated: false,
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
    pub fn cached(mut self, browser: u32, cdn: u32) -> Self {
        let digest = Sha256::digest(&self.json);
        let etag = format!("\"{}\"", URL_SAFE_NO_PAD.encode(&digest[..12]));
        let cache = format!("public, max-age={browser}, s-maxage={cdn}, stale-while-revalidate=60");
        self.headers.push((ETAG, etag));
        self.headers.push((CACHE_CONTROL, cache));
        self.revalidated = true;
        self
    }

    pub(crate) fn respond(self, status: u16, if_none_match: Option<&str>) -> Response<Body> {
        let etag = self.headers.iter().find(|(name, _)| name == ETAG);
        let unchanged = self.revalidated
            && etag.is_some_and(|(_, etag)| {
                if_none_match.is_some_and(|theirs| matches_etag(theirs, etag))
            });
        let body = if unchanged {
            Body::Empty
        } else {
            Body::Text(self.json)
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
        for (name, value) in self.headers {
            if let Ok(value) = HeaderValue::try_from(value) {
                headers.insert(name, value);
            }
        }
        response
    }
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
    let mut response = Response::new(Body::Text(json));
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

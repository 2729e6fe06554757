//! Caches the catalog's pages in the process (stale-while-revalidate).
//!
//! A page is stored as it is sent, with its ETag, and may lag behind the table by up to [`USABLE`]. No
//! sale relies on it: placing an order reads the stock itself.

pub mod results;

use std::fmt;

use bytes::Bytes;
use cache::{Ages, Cache, Cached, FetchError, Limits, Value};
use domain::fault::Failure;
use jiff::SignedDuration;
use runtime::{Environment, Prepared, Reply};

/// `max-age` of a page in browsers, in seconds.
const BROWSER: u32 = 10;
/// `s-maxage` of a page in the CDN, in seconds.
const CDN: u32 = 30;

/// A page younger than this is served without a read, so a popular page costs each process one read per
/// period.
const FRESH: SignedDuration = SignedDuration::from_secs(5);
/// A page younger than this is served while it is refreshed in the background. Equal to the CDN's time,
/// from which the age here is deducted: both together serve nothing older than the CDN alone would.
const USABLE: SignedDuration = SignedDuration::from_secs(CDN as i64);
/// How long a missing product or an empty list is cached. A newly published product becomes visible
/// after this time at the latest.
const MISSING: SignedDuration = SignedDuration::from_secs(MISSING_SECONDS as i64);
const MISSING_SECONDS: u32 = 5;

/// Capacity for pages, in bytes: about two thousand products, or some hundred lists. Less popular pages
/// are in the CDN, or cost half a read unit.
const MAX_BYTES: u64 = 4 * 1024 * 1024;
/// Capacity for the names of missing products and empty lists, in bytes.
const MAX_MISSING_BYTES: u64 = 256 * 1024;

/// A page as it is sent.
#[derive(Clone, Debug)]
pub struct Page(Prepared);

impl Page {
    /// Makes a page of `json` and computes its ETag.
    pub fn new(json: String) -> Self {
        Self(Prepared::new(json))
    }
}

impl Value for Page {
    // Bump with every change of `ProductView` or of a list.
    const SCHEMA: u32 = 1;

    fn weight(&self) -> usize {
        self.0.json().len() + self.0.etag().len()
    }

    /// The format in the second cache level: ETag, line feed, JSON.
    fn to_bytes(&self) -> Bytes {
        [self.0.etag().as_bytes(), b"\n", self.0.json()]
            .concat()
            .into()
    }

    /// Accepts only bytes that match their ETag, as anything else is truncated or foreign.
    fn from_bytes(bytes: Bytes) -> Option<Self> {
        let end = bytes.iter().position(|byte| *byte == b'\n')?;
        let page = Prepared::new(bytes.slice(end + 1..));
        (page.etag().as_bytes() == &bytes[..end]).then_some(Self(page))
    }
}

/// Cached pages by name; `E` is the error of a failed read.
pub type Pages<E> = Cache<Page, E>;

/// Makes an empty cache of pages; `CACHE=off` in the environment disables caching.
pub fn pages<E>(
    name: &'static str,
    environment: &Environment,
) -> Result<Pages<E>, Box<dyn std::error::Error>>
where
    E: fmt::Display + Send + Sync + 'static,
{
    match environment.get("CACHE") {
        None | Some("on") => {}
        Some("off") => return Ok(Cache::off()),
        Some(other) => return Err(format!("CACHE is on or off, not {other:?}").into()),
    }
    let limits = Limits {
        bytes: MAX_BYTES,
        missing_bytes: MAX_MISSING_BYTES,
        ages: Ages {
            fresh: FRESH,
            usable: USABLE,
            missing: MISSING,
        },
    };
    #[cfg(feature = "shared-cache")]
    if let Some(url) = environment.get("CACHE_URL") {
        let level = cache::Redis::new(url)?;
        // The table's name keeps shops apart that share a cache.
        let owner = environment.require("TABLE_NAME")?;
        return Ok(Cache::over(name, &limits, level.into(), owner));
    }
    Ok(Cache::new(name, &limits))
}

/// Returns a page with the remainder of its time as the caching headers of browsers and the CDN.
pub fn reply<T>(page: &Cached<Page>) -> Reply<T> {
    // The age is rounded up, so that the headers never promise too much.
    let age = page.age + SignedDuration::from_nanos(999_999_999);
    let age = u32::try_from(age.as_secs()).unwrap_or(u32::MAX);
    Reply::prepared(&page.value.0).cached_since(BROWSER, CDN, age)
}

/// Returns a page that was just read and is not cached here.
pub fn fresh_reply<T>(page: &Page) -> Reply<T> {
    Reply::prepared(&page.0).cached(BROWSER, CDN)
}

/// Returns an empty page, which may itself have been cached for a while.
pub fn empty_reply<T>(page: &Page) -> Reply<T> {
    Reply::prepared(&page.0).cached_since(BROWSER, CDN, MISSING_SECONDS)
}

/// Maps a failed read of a page to a response.
pub fn failure<E>(error: FetchError<E>, is_retryable: impl FnOnce(&E) -> bool) -> Failure
where
    E: std::error::Error + Send + Sync + 'static,
{
    let retryable = match &error {
        FetchError::Failed(error) => is_retryable(error),
        FetchError::Lost => true,
    };
    Failure::dependency(error, retryable)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_known_by_its_etag() {
        let page = Page::new(r#"{"slug":"tee"}"#.to_owned());
        let bytes = page.to_bytes();
        assert_eq!(Page::from_bytes(bytes.clone()).unwrap().0, page.0);
        for broken in [
            bytes.slice(..bytes.len() - 1),
            bytes.slice(1..),
            Bytes::from_static(b"\n"),
            Bytes::new(),
            Bytes::from_static(b"hello\nworld"),
        ] {
            assert!(Page::from_bytes(broken.clone()).is_none(), "{broken:?}");
        }
    }

    #[test]
    fn the_cache_can_be_switched_off_and_not_by_mistake() {
        let pages = |value: &str| {
            let environment = Environment::of([("CACHE".to_owned(), value.to_owned())]);
            pages::<std::io::Error>("test", &environment).map(|pages| format!("{pages:?}"))
        };
        assert!(pages("off").unwrap().contains("nothing"));
        assert!(!pages("").unwrap().contains("nothing"));
        assert!(pages("no").is_err());
    }
}

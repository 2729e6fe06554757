//! What the functions of the catalogue share: pages that were read a moment ago are given again.
//!
//! A page is kept as it is sent, with its ETag. It is a picture of the table as it was up to [`USABLE`]
//! ago; nothing is sold by it, as placing an order reads the stock itself.

use std::fmt;

use bytes::Bytes;
use cache::{Ages, Cache, Cached, FetchError, Limits, Value};
use domain::fault::Failure;
use jiff::SignedDuration;
use runtime::{Environment, Prepared, Reply};

/// Seconds that a browser may keep a page.
const BROWSER: u32 = 10;
/// Seconds that the CDN may keep a page.
const CDN: u32 = 30;

/// Younger, a page is given and nothing is read. A page that many look at costs one read in this time
/// and process.
const FRESH: SignedDuration = SignedDuration::from_secs(5);
/// Younger, a page is given while it is read again. As long as the CDN may keep one: what is kept here
/// is taken off its time there, so the two together are no older than the CDN alone was.
const USABLE: SignedDuration = SignedDuration::from_secs(CDN as i64);
/// How long it is known that there is no such product, or nothing in a list: a product that is put
/// up for sale is seen after this time at the latest.
const MISSING: SignedDuration = SignedDuration::from_secs(MISSING_SECONDS as i64);
const MISSING_SECONDS: u32 = 5;

/// Bytes of pages. Two thousand products, or some hundred lists; what is looked at less than that is in the
/// CDN, or costs half a read unit.
const MAX_BYTES: u64 = 4 * 1024 * 1024;
/// Bytes of names under which there is nothing.
const MAX_MISSING_BYTES: u64 = 256 * 1024;

/// A page as it is sent.
#[derive(Clone, Debug)]
pub struct Page(Prepared);

impl Page {
    /// A page of this JSON.
    pub fn new(json: String) -> Self {
        Self(Prepared::new(json))
    }
}

impl Value for Page {
    // The next one with every change of `ProductView` or of a list.
    const SCHEMA: u32 = 1;

    fn weight(&self) -> usize {
        self.0.json().len() + self.0.etag().len()
    }

    /// The ETag, a line's end, the JSON.
    fn to_bytes(&self) -> Bytes {
        [self.0.etag().as_bytes(), b"\n", self.0.json()]
            .concat()
            .into()
    }

    /// Only what has the ETag that it comes with: anything else was cut, or is not ours.
    fn from_bytes(bytes: Bytes) -> Option<Self> {
        let end = bytes.iter().position(|byte| *byte == b'\n')?;
        let page = Prepared::new(bytes.slice(end + 1..));
        (page.etag().as_bytes() == &bytes[..end]).then_some(Self(page))
    }
}

/// Pages by name; `E` is how reading one fails.
pub type Pages<E> = Cache<Page, E>;

/// An empty cache of pages, or with `CACHE=off` in the environment none.
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
        // The table's name tells one shop from another.
        let owner = environment.require("TABLE_NAME")?;
        return Ok(Cache::over(name, &limits, level.into(), owner));
    }
    Ok(Cache::new(name, &limits))
}

/// The answer with a page, which browsers and the CDN may keep for the rest of its time.
pub fn reply<T>(page: &Cached<Page>) -> Reply<T> {
    // Rounded up: rather a second too little than a promise that does not hold.
    let age = page.age + SignedDuration::from_nanos(999_999_999);
    let age = u32::try_from(age.as_secs()).unwrap_or(u32::MAX);
    Reply::prepared(&page.value.0).cached_since(BROWSER, CDN, age)
}

/// The answer with a page that was just made, and is not kept.
pub fn fresh_reply<T>(page: &Page) -> Reply<T> {
    Reply::prepared(&page.0).cached(BROWSER, CDN)
}

/// The answer with a page that says that there is nothing, which may have been known for a while.
pub fn empty_reply<T>(page: &Page) -> Reply<T> {
    Reply::prepared(&page.0).cached_since(BROWSER, CDN, MISSING_SECONDS)
}

/// What the answer is when no page could be read.
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

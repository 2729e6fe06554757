//! Cookies of browsers, and the defense against requests that another site makes with them.
//!
//! A browser sends cookies with requests of any page. So those that may change something count only if the browser says
//! that a page of the shop makes them: by `Sec-Fetch-Site`, which all browsers send since 2023, or by `Origin`, if it is one
//! that `ALLOWED_ORIGINS` names. `SameSite` is a second line.

use domain::fault::{Code, Rejection};
use jiff::SignedDuration;

use super::unauthenticated;
use crate::request::HttpRequest;

/// Cookie with the access token. The prefix has browsers refuse it from another host, or without HTTPS.
pub(crate) const SESSION_COOKIE: &str = "__Host-session";
/// Cookie with the refresh token.
pub(crate) const REFRESH_COOKIE: &str = "__Host-refresh";

/// From which pages requests with cookies count.
pub(crate) struct CookieRule {
    origins: Vec<String>,
}

impl CookieRule {
    /// Takes origins separated by commas. `*` names none: cookies are for exact origins only.
    pub(crate) fn new(origins: Option<&str>) -> Self {
        let origins = origins.unwrap_or_default().split(',').map(str::trim);
        let origins = origins.filter(|it| !it.is_empty() && *it != "*" && *it != "null");
        Self {
            origins: origins.map(str::to_owned).collect(),
        }
    }

    /// Checks a request that comes with cookies, or asks for some. One that changes nothing may come from anywhere: what it
    /// returns is for pages of allowed origins only (CORS).
    pub(crate) fn check(&self, request: &HttpRequest) -> Result<(), Rejection> {
        let (origin, site) = (request.header("origin"), request.header("sec-fetch-site"));
        if request.is_read() || self.takes(origin, site) {
            return Ok(());
        }
        Err(Rejection::new(
            Code::CrossSiteRequest,
            "Requests with cookies are taken from the shop's own pages only, which browsers say by Sec-Fetch-Site or \
             Origin; elsewhere, use a bearer token.",
        ))
    }

    fn takes(&self, origin: Option<&str>, site: Option<&str>) -> bool {
        match (origin, site) {
            (_, Some("same-origin")) => true,
            (Some(origin), _) => self.origins.iter().any(|one| one == origin),
            (None, _) => false,
        }
    }
}

/// The value of a cookie; a rejection if it is sent twice, as nobody can tell which one is meant.
pub(crate) fn read<'a>(header: Option<&'a str>, name: &str) -> Result<Option<&'a str>, Rejection> {
    let pairs = header.unwrap_or_default().split(';');
    let mut found = pairs
        .filter_map(|pair| pair.trim().split_once('='))
        .filter(|(key, _)| *key == name)
        .map(|(_, value)| value);
    match (found.next(), found.next()) {
        (one, None) => Ok(one.filter(|value| !value.is_empty())),
        (_, Some(_)) => Err(unauthenticated(
            "The cookie is sent twice; delete the shop's cookies and sign in again.",
        )),
    }
}

/// A cookie that scripts cannot read, as the value of `Set-Cookie`. Values are tokens, which need no quotes.
pub(crate) fn set(name: &str, value: &str, same_site: &str, lifetime: SignedDuration) -> String {
    let seconds = lifetime.as_secs().max(0);
    format!("{name}={value}; Path=/; Secure; HttpOnly; SameSite={same_site}; Max-Age={seconds}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_is_found_once() {
        let header = Some("a=1; __Host-session=x.y.z;b=2; __Host-sessions=no");
        assert_eq!(read(header, SESSION_COOKIE), Ok(Some("x.y.z")));
        assert_eq!(read(header, REFRESH_COOKIE), Ok(None));
        assert_eq!(read(None, SESSION_COOKIE), Ok(None));
        assert_eq!(read(Some("__Host-session="), SESSION_COOKIE), Ok(None));
        let twice = Some("__Host-session=1; __Host-session=2");
        assert!(read(twice, SESSION_COOKIE).is_err());
    }

    #[test]
    fn other_sites_change_nothing() {
        let rule = CookieRule::new(Some("https://shop.example,https://app.example"));
        for (origin, site, taken) in [
            (Some("https://shop.example"), None, true),
            (Some("https://shop.example"), Some("same-origin"), true),
            (Some("https://app.example"), Some("cross-site"), true),
            (None, Some("same-origin"), true),
            (Some("https://eve.example"), Some("cross-site"), false),
            (Some("https://eve.example"), None, false),
            (Some("https://shop.example.eve.example"), None, false),
            (Some("http://shop.example"), None, false),
            (Some("null"), None, false),
            (None, Some("none"), false),
            (None, Some("same-site"), false),
            (None, None, false),
        ] {
            assert_eq!(rule.takes(origin, site), taken, "{origin:?} {site:?}");
        }
        for nothing in [None, Some("*"), Some(""), Some("null")] {
            let rule = CookieRule::new(nothing);
            assert!(!rule.takes(Some("https://eve.example"), None));
            assert!(!rule.takes(Some("*"), None) && !rule.takes(Some("null"), None));
            assert!(rule.takes(Some("https://shop.example"), Some("same-origin")));
        }
    }

    #[test]
    fn a_cookie_is_for_the_host_alone() {
        let text = set(
            REFRESH_COOKIE,
            "abc",
            "Strict",
            SignedDuration::from_mins(1),
        );
        assert_eq!(
            text,
            "__Host-refresh=abc; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=60"
        );
    }
}

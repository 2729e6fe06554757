//! Where a request comes from: through the CDN or past it, and from which address.
//!
//! Everybody can send the header in which the CDN names its viewer. It counts only beside the origin secret, which the
//! CDN adds to each request and nobody else knows.

use std::net::IpAddr;

use domain::fault::{Code, Rejection};
use ring::digest::{SHA256, digest};

use crate::{environment::Environment, request::HttpRequest};

/// The header with the origin secret (`infra/edge.yaml`).
const SECRET_HEADER: &str = "stampede-origin-secret";
/// The header in which CloudFront names the viewer: address, colon, port.
const VIEWER_HEADER: &str = "cloudfront-viewer-address";

/// The origin secrets, and whether requests need one.
pub(crate) struct Origin {
    /// Digests, so that a comparison takes equally long whatever is guessed. Two during a rotation.
    secrets: Vec<[u8; 32]>,
    is_cdn_required: bool,
}

impl Origin {
    /// Reads `ORIGIN_SECRETS`, separated by commas, and `API_ACCESS`: `public` or `cdn`.
    pub(crate) fn new(environment: &Environment) -> Self {
        let secrets = environment.get("ORIGIN_SECRETS").unwrap_or_default();
        let secrets = secrets.split(',').filter(|secret| !secret.is_empty());
        Self {
            secrets: secrets.map(hash).collect(),
            is_cdn_required: environment.get("API_ACCESS") == Some("cdn"),
        }
    }

    /// The address of the viewer. From the CDN it is the one that the CDN names, and unknown if it names none: the
    /// CDN's own stands for thousands of viewers. Past the CDN it is the caller's, or the request is rejected.
    pub(crate) fn viewer(&self, request: &HttpRequest) -> Result<Option<IpAddr>, Rejection> {
        let secret = request.header(SECRET_HEADER).map(hash);
        if secret.is_some_and(|secret| self.secrets.contains(&secret)) {
            return Ok(request.header(VIEWER_HEADER).and_then(address));
        }
        if self.is_cdn_required {
            return Err(Rejection::new(
                Code::Forbidden,
                "This address of the API is closed; use the shop's own.",
            ));
        }
        let address = request.source_ip().and_then(|address| address.parse().ok());
        Ok(address.map(|address: IpAddr| address.to_canonical()))
    }
}

fn hash(secret: &str) -> [u8; 32] {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest(&SHA256, secret.as_bytes()).as_ref());
    hash
}

/// The address in `203.0.113.7:4711`, `2001:db8::1:4711` or `[2001:db8::1]:4711`.
fn address(viewer: &str) -> Option<IpAddr> {
    let (address, port) = viewer.rsplit_once(':')?;
    port.parse::<u16>().ok()?;
    let inner = address
        .strip_prefix('[')
        .and_then(|it| it.strip_suffix(']'));
    let address: IpAddr = inner.unwrap_or(address).parse().ok()?;
    Some(address.to_canonical())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const SECRET: &str = "0123456789abcdef0123456789abcdef";

    fn origin(access: &str, secrets: &str) -> Origin {
        let variables = [("API_ACCESS", access), ("ORIGIN_SECRETS", secrets)];
        let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
        Origin::new(&Environment::of(variables))
    }

    fn viewer(origin: &Origin, headers: Value) -> Result<Option<String>, Code> {
        let event = json!({
            "version": "2.0",
            "routeKey": "GET /v1/health",
            "rawPath": "/v1/health",
            "rawQueryString": "",
            "headers": headers,
            "requestContext": {
                "http": { "method": "GET", "path": "/v1/health", "sourceIp": "198.51.100.1" },
                "routeKey": "GET /v1/health",
                "stage": "$default",
            },
        });
        let request = HttpRequest::read(&event.to_string()).unwrap();
        let viewer = origin.viewer(&request).map_err(|rejection| rejection.code);
        viewer.map(|viewer| viewer.map(|address| address.to_string()))
    }

    // Kind of fault: a header that everybody can send decides.
    #[test]
    fn a_forged_viewer_address_is_not_believed() {
        let origin = origin("public", SECRET);
        let caller = Ok(Some("198.51.100.1".to_owned()));
        for headers in [
            json!({}),
            json!({ VIEWER_HEADER: "203.0.113.7:4711" }),
            json!({ VIEWER_HEADER: "203.0.113.7:4711", SECRET_HEADER: "" }),
            json!({ VIEWER_HEADER: "203.0.113.7:4711", SECRET_HEADER: "guessed" }),
            json!({ VIEWER_HEADER: "203.0.113.7:4711", SECRET_HEADER: format!("{SECRET},{SECRET}") }),
            json!({ VIEWER_HEADER: "203.0.113.7:4711", SECRET_HEADER: &SECRET[1..] }),
            json!({ "x-forwarded-for": "203.0.113.7", "forwarded": "for=203.0.113.7" }),
        ] {
            assert_eq!(viewer(&origin, headers.clone()), caller, "{headers}");
        }
    }

    // The same kind: the address past the gateway, forged by a caller of the API's own URL.
    #[test]
    fn behind_the_cdn_its_word_counts_and_not_the_callers() {
        for (named, address) in [
            ("203.0.113.7:4711", Some("203.0.113.7")),
            ("2001:db8::1:4711", Some("2001:db8::1")),
            ("[2001:db8::1]:4711", Some("2001:db8::1")),
            ("::ffff:203.0.113.7:4711", Some("203.0.113.7")),
            ("203.0.113.7", None),
            ("203.0.113.7:4711,192.0.2.1:1", None),
            ("localhost:1", None),
        ] {
            let headers = json!({ VIEWER_HEADER: named, SECRET_HEADER: SECRET });
            let found = viewer(&origin("public", SECRET), headers);
            assert_eq!(found, Ok(address.map(str::to_owned)), "{named}");
        }
        let without = viewer(&origin("public", SECRET), json!({ SECRET_HEADER: SECRET }));
        assert_eq!(without, Ok(None));
    }

    #[test]
    fn a_closed_api_answers_the_cdn_only() {
        let closed = origin("cdn", SECRET);
        let named = |secret: &str| json!({ VIEWER_HEADER: "203.0.113.7:1", SECRET_HEADER: secret });
        assert_eq!(
            viewer(&closed, named(SECRET)),
            Ok(Some("203.0.113.7".into()))
        );
        assert_eq!(viewer(&closed, named("guessed")), Err(Code::Forbidden));
        assert_eq!(viewer(&closed, json!({})), Err(Code::Forbidden));
        // An empty secret opens nothing, and without any the API is closed to all.
        for secrets in ["", ","] {
            let closed = origin("cdn", secrets);
            assert_eq!(viewer(&closed, named("")), Err(Code::Forbidden));
            assert_eq!(viewer(&closed, named(SECRET)), Err(Code::Forbidden));
        }
    }

    #[test]
    fn during_a_rotation_both_secrets_are_accepted() {
        let rotating = origin("cdn", &format!("{SECRET},{}", SECRET.to_uppercase()));
        for secret in [SECRET.to_owned(), SECRET.to_uppercase()] {
            let headers = json!({ SECRET_HEADER: secret, VIEWER_HEADER: "203.0.113.7:1" });
            assert_eq!(viewer(&rotating, headers), Ok(Some("203.0.113.7".into())));
        }
    }
}

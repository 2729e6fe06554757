//! Parses events of the HTTP API or a function URL with lambda_http (docs/adr/0019).

use std::borrow::Cow;

use aws_lambda_events::{apigw::ApiGatewayV2httpRequestContext, query_map::QueryMap};
use base64::{Engine, engine::general_purpose::STANDARD};
use http::{HeaderName, HeaderValue, Uri, uri::PathAndQuery};
use lambda_http::{RequestExt, request::RequestContext};
use serde::Deserialize;
use url::Url;

use crate::routes::parameters;

/// A request with the route that matched it.
#[derive(Debug)]
pub(crate) struct HttpRequest {
    request: lambda_http::Request,
    route: String,
    path_parameters: Vec<(String, String)>,
}

/// An event that is not a valid request. The message is sent to the client.
#[derive(Debug, thiserror::Error)]
pub(crate) enum InvalidEvent {
    #[error("The header {0:?} has a name or a value that HTTP does not allow; correct it.")]
    Header(String),
    #[error("The query string contains unescaped characters; percent-encode them.")]
    Query,
    #[error("The host and path do not form a valid URL.")]
    Url,
    #[error("The body is not base64, although the event says so.")]
    Body,
    #[error("The event is not from an HTTP API or a function URL (payload format 2.0).")]
    Shape(#[source] serde_json::Error),
}

/// The route key of a request that no gateway has routed.
const NO_ROUTE: &str = "$default";
/// The header by which the CDN names the route where it calls a function's own URL, past the gateway
/// (`infra/edge.yaml`). A route's pattern gives the path's parameters, which the gateway would have given.
const ROUTE_HEADER: &str = "stampede-route";

impl HttpRequest {
    /// Reads an event.
    pub(crate) fn read(event: &str) -> Result<Self, InvalidEvent> {
        check(event)?;
        let request = lambda_http::request::from_str(event).map_err(|error| blame(event, error))?;
        let route_key = context(&request).and_then(|context| context.route_key.as_deref());
        let mut path_parameters: Vec<(String, String)> = request
            .path_parameters_ref()
            .into_iter()
            .flat_map(QueryMap::iter)
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        let route = match route_key.filter(|key| *key != NO_ROUTE) {
            Some(key) => key.to_owned(),
            None => {
                let header = request.headers().get(ROUTE_HEADER);
                let route = header.and_then(|route| route.to_str().ok());
                let found = route
                    .and_then(|route| route.split_once(' '))
                    .and_then(|(_, pattern)| parameters(pattern, request.raw_http_path()));
                path_parameters.extend(found.unwrap_or_default());
                route.unwrap_or(NO_ROUTE).to_owned()
            }
        };
        Ok(Self {
            request,
            route,
            path_parameters,
        })
    }

    /// A header by its lower-case name.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        // Events are JSON and so UTF-8. `to_str` would treat a non-ASCII value as missing.
        str::from_utf8(self.request.headers().get(name)?.as_bytes()).ok()
    }

    /// The body as it was sent, decoded from base64 if necessary.
    pub(crate) fn body(&self) -> &[u8] {
        self.request.body()
    }

    /// Path parameters, percent-decoded.
    pub(crate) fn path_parameters(&self) -> impl Iterator<Item = (&str, &str)> {
        let parameters = self.path_parameters.iter();
        parameters.map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Query parameters, percent-decoded. If one is given twice, the last value comes last.
    pub(crate) fn query_parameters(&self) -> impl Iterator<Item = (&str, &str)> {
        let parameters = self.request.query_string_parameters_ref();
        parameters.into_iter().flat_map(QueryMap::iter)
    }

    /// Whether its method changes nothing.
    pub(crate) fn is_read(&self) -> bool {
        self.request.method().is_safe()
    }

    /// The gateway's request id, if there is a gateway.
    pub(crate) fn id(&self) -> Option<&str> {
        context(&self.request)?.request_id.as_deref()
    }

    /// The address that the gateway was called from.
    pub(crate) fn source_ip(&self) -> Option<&str> {
        context(&self.request)?.http.source_ip.as_deref()
    }

    /// The route, or method and path where nothing has routed the request: either is distinct for each endpoint.
    pub(crate) fn route_or_path(&self) -> String {
        match self.route.as_str() {
            NO_ROUTE => format!("{} {}", self.request.method(), self.request.raw_http_path()),
            route => route.to_owned(),
        }
    }

    /// The path as it was sent.
    pub(crate) fn path(&self) -> &str {
        self.request.raw_http_path()
    }

    /// The route of the template; unlike the path, it contains no ids.
    pub(crate) fn route(&self) -> &str {
        &self.route
    }
}

fn context(request: &lambda_http::Request) -> Option<&ApiGatewayV2httpRequestContext> {
    match request.request_context_ref() {
        Some(RequestContext::ApiGatewayV2(context)) => Some(context),
        _ => None,
    }
}

/// The parts of an event that lambda_http takes for granted. If they are not valid, it panics, which
/// ends the process without a response.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Assumed<'a> {
    #[serde(borrow, default)]
    raw_path: Option<Text<'a>>,
    #[serde(borrow, default)]
    raw_query_string: Option<Text<'a>>,
    #[serde(borrow, default)]
    headers: Option<AssumedHeaders<'a>>,
    #[serde(borrow)]
    request_context: AssumedContext<'a>,
    #[serde(borrow, default)]
    body: Option<Text<'a>>,
    #[serde(default)]
    is_base64_encoded: Option<bool>,
}

#[derive(Default, Deserialize)]
struct AssumedHeaders<'a> {
    #[serde(borrow, default, alias = "Host")]
    host: Option<Text<'a>>,
    #[serde(
        borrow,
        default,
        rename = "x-forwarded-proto",
        alias = "X-Forwarded-Proto"
    )]
    scheme: Option<Text<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AssumedContext<'a> {
    #[serde(borrow, default)]
    domain_name: Option<Text<'a>>,
}

/// Text that is borrowed if it has no escapes; serde would copy a bare `Cow`.
#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

impl Text<'_> {
    fn or<'a>(text: Option<&'a Text<'_>>, default: &'a str) -> &'a str {
        text.map_or(default, |Text(text)| text)
    }
}

/// Maximum bytes of path and query, so that `http::Uri` accepts them (64 KiB) even with every byte of
/// the path percent-encoded. The gateway accepts far less: 10,240 bytes including all headers.
const MAX_TARGET: usize = 20 * 1024;

/// Rejects events on which lambda_http would panic.
fn check(event: &str) -> Result<(), InvalidEvent> {
    let event: Assumed = serde_json::from_str(event).map_err(|error| blame(event, error))?;
    let headers = event.headers.unwrap_or_default();
    let path = Text::or(event.raw_path.as_ref(), "");
    let query = Text::or(event.raw_query_string.as_ref(), "");
    let scheme = Text::or(headers.scheme.as_ref(), "https");
    let host = headers.host.as_ref();
    let host = host.or(event.request_context.domain_name.as_ref());
    let host = Text::or(host, "localhost");
    if path.len() + query.len() > MAX_TARGET || !(path.is_empty() || path.starts_with('/')) {
        return Err(InvalidEvent::Url);
    }
    let is_plain = matches!(scheme, "http" | "https") && is_plain_host(host);
    if !is_plain {
        let url = Url::parse(&format!("{scheme}://{host}{path}")).map_err(|_| InvalidEvent::Url)?;
        Uri::try_from(url.as_str()).map_err(|_| InvalidEvent::Url)?;
    }
    if !query.is_empty() {
        PathAndQuery::try_from(format!("/?{query}")).map_err(|_| InvalidEvent::Query)?;
    }
    if event.is_base64_encoded == Some(true) {
        let body = Text::or(event.body.as_ref(), "");
        STANDARD.decode(body).map_err(|_| InvalidEvent::Body)?;
    }
    Ok(())
}

/// Whether a host is a plain name: letters, digits, dots and dashes, a top-level domain that starts
/// with a letter, no Punycode. Such a host is valid without parsing.
fn is_plain_host(host: &str) -> bool {
    let is_plain = |label: &str| {
        !label.is_empty()
            && !label.starts_with("xn--")
            && label
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
    };
    let top = host.rsplit('.').next().unwrap_or_default();
    host.len() < 254
        && top.starts_with(|first: char| first.is_ascii_lowercase())
        && host.split('.').all(is_plain)
}

/// Finds the error in an event, as lambda_http does not report it.
fn blame(event: &str, error: serde_json::Error) -> InvalidEvent {
    #[derive(Deserialize)]
    struct Headers {
        headers: serde_json::Map<String, serde_json::Value>,
    }
    let headers = serde_json::from_str::<Headers>(event).map(|event| event.headers);
    let is_invalid = |(name, value): &(String, serde_json::Value)| {
        HeaderName::from_bytes(name.as_bytes()).is_err()
            || value
                .as_str()
                .is_none_or(|value| HeaderValue::from_str(value).is_err())
    };
    match headers
        .ok()
        .and_then(|headers| headers.into_iter().find(is_invalid))
    {
        Some((name, _)) => InvalidEvent::Header(name),
        None => InvalidEvent::Shape(error),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    fn event() -> Value {
        json!({
            "version": "2.0",
            "routeKey": "PUT /v1/carts/{cart_id}",
            "rawPath": "/v1/carts/1",
            "rawQueryString": "a=1&b=%C3%A9&a=2",
            "headers": { "host": "shop.example", "idempotency-key": "k", "x-city": "Zürich" },
            "pathParameters": { "cart_id": "1" },
            "requestContext": {
                "http": { "method": "PUT", "path": "/v1/carts/1", "sourceIp": "203.0.113.7" },
                "requestId": "JKJaXmPLvHcESHA=",
                "routeKey": "PUT /v1/carts/{cart_id}",
                "stage": "$default",
            },
            "body": "e30=",
            "isBase64Encoded": true,
        })
    }

    fn read(event: &Value) -> Result<HttpRequest, InvalidEvent> {
        HttpRequest::read(&event.to_string())
    }

    fn with(pointer: &str, value: Value) -> Value {
        let mut event = event();
        *event.pointer_mut(pointer).unwrap() = value;
        event
    }

    #[test]
    fn a_request_is_read() {
        let request = read(&event()).unwrap();
        assert_eq!(request.header("idempotency-key"), Some("k"));
        assert_eq!(request.header("x-city"), Some("Zürich"));
        assert_eq!(request.header("authorization"), None);
        assert_eq!(request.body(), b"{}");
        assert_eq!(request.id(), Some("JKJaXmPLvHcESHA="));
        assert_eq!(request.route(), "PUT /v1/carts/{cart_id}");
        assert_eq!(
            request.path_parameters().collect::<Vec<_>>(),
            [("cart_id", "1")]
        );
        let mut query: Vec<_> = request.query_parameters().collect();
        // Names are unordered; the values of one name are ordered.
        query.sort_by_key(|(name, _)| name.to_owned());
        assert_eq!(query, [("a", "1"), ("a", "2"), ("b", "é")]);
    }

    #[test]
    fn an_unreadable_event_says_what_is_wrong() {
        let says = |event: &Value| read(event).unwrap_err().to_string();
        for headers in [
            json!({ "host": "shop.example", "x-city": "a\nb" }),
            json!({ "x city": "Bern" }),
            json!({ "x-größe-city": "Bern" }),
        ] {
            let says = says(&with("/headers", headers));
            assert!(says.contains("city\" has a name or a value"), "{says}");
        }
        assert!(says(&with("/rawQueryString", json!("q=a b"))).contains("query"));
        assert!(says(&with("/headers/host", json!("a b"))).contains("URL"));
        assert!(says(&with("/headers/host", json!("1.2.3.4.5.6"))).contains("URL"));
        assert!(says(&with("/rawPath", json!("no-slash"))).contains("URL"));
        assert!(says(&with("/rawPath", json!(format!("/{}", "é".repeat(40_000))))).contains("URL"));
        assert!(says(&with("/body", json!("not base64"))).contains("base64"));
        assert!(says(&json!({})).contains("HTTP API"));
        assert!(says(&json!({ "Records": [] })).contains("HTTP API"));
        assert!(says(&json!(1)).contains("HTTP API"));
    }

    #[test]
    fn past_the_gateway_a_header_names_the_route() {
        let read = |path: &str| {
            let mut event = with("/rawPath", json!(path));
            event["routeKey"] = json!("$default");
            event["requestContext"]["routeKey"] = json!("$default");
            event["pathParameters"] = Value::Null;
            event["headers"][ROUTE_HEADER] = json!("GET /v1/products/{slug}");
            HttpRequest::read(&event.to_string()).unwrap()
        };
        let request = read("/v1/products/caf%C3%A9%2Fau-lait");
        assert_eq!(request.route(), "GET /v1/products/{slug}");
        let parameters: Vec<_> = request.path_parameters().collect();
        assert_eq!(parameters, [("slug", "café/au-lait")]);
        let mut unrouted = with("/requestContext/routeKey", json!(NO_ROUTE));
        unrouted["rawPath"] = json!("/v1/carts/a");
        let unrouted = HttpRequest::read(&unrouted.to_string()).unwrap();
        assert_eq!(unrouted.route(), NO_ROUTE);
        assert_eq!(unrouted.route_or_path(), "PUT /v1/carts/a");
        for other in [
            "/v1/products",
            "/v1/products/a/b",
            "/v1/carts/a",
            "/v1/products/%FF",
        ] {
            assert_eq!(read(other).path_parameters().count(), 0, "{other}");
        }
        // With a gateway, it is the gateway's word that counts.
        let mut routed = event();
        routed["headers"][ROUTE_HEADER] = json!("GET /v1/products/{slug}");
        let routed = HttpRequest::read(&routed.to_string()).unwrap();
        assert_eq!(routed.route(), "PUT /v1/carts/{cart_id}");
    }

    #[test]
    fn every_sample_event_of_an_endpoint_is_read() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../events");
        let mut count = 0;
        for function in std::fs::read_dir(folder).unwrap() {
            for event in std::fs::read_dir(function.unwrap().path()).unwrap() {
                let event = std::fs::read_to_string(event.unwrap().path()).unwrap();
                if event.contains("\"routeKey\"") {
                    HttpRequest::read(&event).unwrap();
                    count += 1;
                }
            }
        }
        assert!(count > 10, "{count} events");
    }

    proptest! {
        #[test]
        fn no_event_ends_the_process(
            path in prop_oneof!["/.{0,40}", ".{0,40}", "/[ -~]{0,40}"],
            query in prop_oneof![".{0,40}", "[ -~]{0,40}"],
            host in prop_oneof!["[ -~]{0,20}", "[a-z0-9.:x-]{0,20}", ".{0,10}", "[0-9.]{1,12}"],
            scheme in prop_oneof![Just("https".to_owned()), "[ -~]{0,6}"],
            name in "[ -~]{0,8}",
            value in ".{0,10}",
            body in ".{0,10}",
            encoded in any::<bool>(),
            domain in prop::option::of(".{0,10}"),
        ) {
            let mut event = event();
            event["rawPath"] = json!(path);
            event["rawQueryString"] = json!(query);
            event["headers"] = json!({ "x-forwarded-proto": scheme, name: value });
            match domain {
                Some(domain) => event["requestContext"]["domainName"] = json!(domain),
                None => event["headers"]["host"] = json!(host),
            }
            event["body"] = json!(body);
            event["isBase64Encoded"] = json!(encoded);
            // Either parsed or rejected, never a panic.
            let _ = read(&event);
        }
    }
}

//! A request as API Gateway's HTTP API hands it over, and the answer as it wants it back: payload
//! format 2.0 (docs/adr/0017). Only what some endpoint reads is kept, and nothing is copied.

use std::{borrow::Cow, collections::BTreeMap, fmt};

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use percent_encoding::percent_decode_str;
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{IgnoredAny, MapAccess, Visitor},
    ser::SerializeMap,
};

/// One request. Borrows from the event's text.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct HttpRequest<'a> {
    #[serde(borrow, default)]
    pub(crate) headers: Headers<'a>,
    #[serde(borrow, default)]
    path_parameters: Option<PathParameters<'a>>,
    #[serde(borrow, default)]
    raw_path: Option<Text<'a>>,
    #[serde(borrow, default)]
    raw_query_string: Option<Text<'a>>,
    #[serde(borrow, default)]
    body: Option<Text<'a>>,
    #[serde(default)]
    is_base64_encoded: bool,
    #[serde(borrow)]
    request_context: RequestContext<'a>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct RequestContext<'a> {
    #[serde(borrow, default)]
    request_id: Option<Text<'a>>,
    #[serde(borrow, default)]
    route_key: Option<Text<'a>>,
}

type PathParameters<'a> = BTreeMap<Text<'a>, Text<'a>>;

/// Text without escapes stays where it is: serde copies a bare `Cow`.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

/// The headers that endpoints read.
#[derive(Debug, Default)]
pub(crate) struct Headers<'a> {
    pub(crate) authorization: Option<Cow<'a, str>>,
    pub(crate) content_type: Option<Cow<'a, str>>,
    pub(crate) idempotency_key: Option<Cow<'a, str>>,
    pub(crate) if_none_match: Option<Cow<'a, str>>,
    pub(crate) stripe_signature: Option<Cow<'a, str>>,
}

impl<'a> Headers<'a> {
    /// Where a header is kept. The gateway writes names small; whoever calls a function by hand may not.
    fn place(&mut self, name: &str) -> Option<&mut Option<Cow<'a, str>>> {
        let is = |wanted: &str| name.eq_ignore_ascii_case(wanted);
        // By length first: most headers are none of ours.
        match name.len() {
            12 if is("content-type") => Some(&mut self.content_type),
            13 if is("authorization") => Some(&mut self.authorization),
            13 if is("if-none-match") => Some(&mut self.if_none_match),
            15 if is("idempotency-key") => Some(&mut self.idempotency_key),
            16 if is("stripe-signature") => Some(&mut self.stripe_signature),
            _ => None,
        }
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Headers<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;

        impl<'de> Visitor<'de> for Reader {
            type Value = Headers<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("headers by name")
            }

            fn visit_unit<E>(self) -> Result<Self::Value, E> {
                Ok(Headers::default())
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut headers = Headers::default();
                while let Some(Text(name)) = map.next_key()? {
                    match headers.place(&name) {
                        Some(place) => *place = map.next_value::<Option<Text>>()?.map(|it| it.0),
                        None => drop(map.next_value::<IgnoredAny>()?),
                    }
                }
                Ok(headers)
            }
        }

        deserializer.deserialize_any(Reader)
    }
}

/// Why an event is no request.
#[derive(Debug, thiserror::Error)]
pub(crate) enum InvalidEvent {
    #[error("the event is not one of an HTTP API, payload format 2.0: {0}")]
    Shape(#[from] serde_json::Error),
    #[error("the event's body is not base64, which it says it is: {0}")]
    Body(#[from] base64::DecodeError),
}

/// A route of `template.yaml`, such as `GET /v1/products/{slug}`. For requests that come past the gateway,
/// by the function's own URL: there nobody looked at their path.
#[derive(Debug)]
pub(crate) struct Route(String);

impl Route {
    pub(crate) fn new(route: &str) -> Self {
        Self(route.to_owned())
    }

    /// The parameters of a path, decoded, if it is one of this route.
    fn parameters(&self, path: &str) -> Option<PathParameters<'_>> {
        let (_, pattern) = self.0.split_once(' ')?;
        let (mut pattern, mut path) = (pattern.split('/'), path.split('/'));
        let mut parameters = BTreeMap::new();
        loop {
            let (wanted, found) = match (pattern.next(), path.next()) {
                (None, None) => return Some(parameters),
                (wanted, found) => (wanted?, found?),
            };
            let name = wanted.strip_prefix('{').and_then(|it| it.strip_suffix('}'));
            match name {
                Some(name) => {
                    let value = percent_decode_str(found).decode_utf8().ok()?;
                    parameters.insert(Text(name.into()), Text(value.into_owned().into()));
                }
                None if wanted == found => {}
                None => return None,
            }
        }
    }
}

/// What stands for the route where nobody looked for one.
const NO_ROUTE: &str = "$default";

impl<'a> HttpRequest<'a> {
    /// Reads an event. What no gateway has said of its path is said by the function's `route`.
    pub(crate) fn read(event: &'a str, route: Option<&'a Route>) -> Result<Self, InvalidEvent> {
        let mut request: Self = serde_json::from_str(event)?;
        if request.route() == NO_ROUTE
            && let Some(route) = route
        {
            request.request_context.route_key = Some(Text(route.0.as_str().into()));
            if let (None, Some(Text(path))) = (&request.path_parameters, &request.raw_path) {
                request.path_parameters = route.parameters(path);
            }
        }
        Ok(request)
    }

    /// The body, as it was sent.
    pub(crate) fn body(&self) -> Result<Cow<'_, [u8]>, InvalidEvent> {
        let body = self.body.as_ref().map_or("", |Text(body)| body);
        Ok(if self.is_base64_encoded {
            STANDARD.decode(body)?.into()
        } else {
            body.as_bytes().into()
        })
    }

    /// Parameters of the path, decoded by the gateway.
    pub(crate) fn path(&self) -> impl Iterator<Item = (&str, &str)> {
        let parameters = self.path_parameters.iter().flatten();
        parameters.map(|(Text(name), Text(value))| (&**name, &**value))
    }

    /// Parameters of the query, decoded. Read from the query itself: the gateway joins what is given
    /// twice by a comma.
    pub(crate) fn query(&self) -> impl Iterator<Item = (Cow<'_, str>, Cow<'_, str>)> {
        let query = self.raw_query_string.as_ref().map_or("", |Text(raw)| raw);
        form_urlencoded::parse(query.as_bytes())
    }

    /// The gateway's identifier of the request, if there is a gateway.
    pub(crate) fn id(&self) -> Option<&str> {
        self.request_context
            .request_id
            .as_ref()
            .map(|Text(id)| &**id)
    }

    /// The route as in `template.yaml`: unlike the path it names no customer's thing.
    pub(crate) fn route(&self) -> &str {
        let route = &self.request_context.route_key;
        route.as_ref().map_or("", |Text(route)| route)
    }
}

/// An answer.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct HttpAnswer {
    #[serde(rename = "statusCode")]
    pub(crate) status: u16,
    #[serde(serialize_with = "by_name")]
    pub(crate) headers: Vec<(&'static str, Cow<'static, str>)>,
    #[serde(serialize_with = "text")]
    pub(crate) body: Bytes,
    /// Always false: all bodies are text.
    pub(crate) is_base64_encoded: bool,
}

impl HttpAnswer {
    /// An answer without headers.
    pub(crate) fn new(status: u16, body: Bytes) -> Self {
        Self {
            status,
            headers: Vec::with_capacity(4),
            body,
            is_base64_encoded: false,
        }
    }

    /// Adds a header, or puts another value in its place.
    pub(crate) fn set(&mut self, name: &'static str, value: impl Into<Cow<'static, str>>) {
        self.headers.retain(|(other, _)| *other != name);
        self.headers.push((name, value.into()));
    }
}

fn by_name<S: Serializer>(
    headers: &[(&'static str, Cow<'static, str>)],
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let mut map = serializer.serialize_map(Some(headers.len()))?;
    for (name, value) in headers {
        map.serialize_entry(name, value)?;
    }
    map.end()
}

fn text<S: Serializer>(body: &Bytes, serializer: S) -> Result<S::Ok, S::Error> {
    let text = std::str::from_utf8(body).map_err(serde::ser::Error::custom)?;
    serializer.serialize_str(text)
}

#[cfg(test)]
mod tests {
    use lambda_http::{RequestExt, request::RequestContext};
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    /// What lambda_http reads in an event, in our words.
    fn theirs(event: &str) -> Value {
        let request = lambda_http::request::from_str(event).unwrap();
        let header = |name: &str| {
            let value = request.headers().get(name);
            value.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
        };
        let pairs = |map: lambda_http::aws_lambda_events::query_map::QueryMap| {
            // Neither keeps an order between names.
            let mut pairs: Vec<(String, String)> = map
                .iter()
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect();
            pairs.sort_by(|a, b| a.0.cmp(&b.0));
            pairs
        };
        let Some(RequestContext::ApiGatewayV2(context)) = request.request_context_ref() else {
            unreachable!("the only feature that is on");
        };
        json!({
            "headers": [
                header("authorization"), header("content-type"), header("idempotency-key"),
                header("if-none-match"), header("stripe-signature"),
            ],
            "path": pairs(request.path_parameters()),
            "query": pairs(request.query_string_parameters()),
            "body": request.body().to_vec(),
            "id": context.request_id,
            "route": context.route_key,
        })
    }

    fn ours(event: &str) -> Value {
        let request = HttpRequest::read(event, None).unwrap();
        let headers = &request.headers;
        let sorted = |mut pairs: Vec<(Cow<'_, str>, Cow<'_, str>)>| {
            pairs.sort_by(|a, b| a.0.cmp(&b.0));
            json!(pairs)
        };
        json!({
            "headers": [
                headers.authorization, headers.content_type, headers.idempotency_key,
                headers.if_none_match, headers.stripe_signature,
            ],
            "path": request.path().collect::<Vec<_>>(),
            "query": sorted(request.query().collect()),
            "body": request.body().unwrap().to_vec(),
            "id": request.id(),
            "route": request.route(),
        })
    }

    fn event() -> impl Strategy<Value = Value> {
        let name = prop_oneof![
            Just("authorization"),
            Just("Authorization"),
            Just("content-type"),
            Just("idempotency-key"),
            Just("if-none-match"),
            Just("stripe-signature"),
            Just("accept"),
            Just("x-forwarded-for"),
        ];
        let headers = prop::collection::btree_map(name, "[ -~]{0,40}", 0..6).prop_map(|mut map| {
            // One header, whichever way it is written.
            if map.contains_key("authorization") {
                map.remove("Authorization");
            }
            map
        });
        let parameters =
            prop::option::of(prop::collection::btree_map("[a-z]{1,8}", ".{0,20}", 0..3));
        let query = "([a-c%+=&é]|%[0-9a-fA-F]{2}){0,30}";
        let body = prop_oneof![
            Just((None, false)),
            ".{0,60}".prop_map(|text| (Some(text), false)),
            prop::collection::vec(any::<u8>(), 0..60)
                .prop_map(|bytes| (Some(STANDARD.encode(bytes)), true)),
        ];
        (headers, parameters, query, body).prop_map(|(headers, parameters, query, (body, base64))| {
            json!({
                "version": "2.0",
                "routeKey": "PUT /v1/carts/{id}",
                "rawPath": "/v1/carts/1",
                "rawQueryString": query,
                "headers": headers,
                "pathParameters": parameters,
                "requestContext": {
                    "http": { "method": "PUT", "path": "/v1/carts/1", "sourceIp": "203.0.113.7" },
                    "requestId": "JKJaXmPLvHcESHA=",
                    "routeKey": "PUT /v1/carts/{id}",
                    "stage": "$default",
                },
                "body": body,
                "isBase64Encoded": base64,
            })
        })
    }

    proptest! {
        #[test]
        fn events_are_read_as_lambda_http_reads_them(event in event()) {
            let event = event.to_string();
            prop_assert_eq!(ours(&event), theirs(&event));
        }

        #[test]
        fn answers_have_the_fields_of_the_format(status in 200_u16..600, etag in "[ -~]{0,20}", body in ".{0,80}") {
            let mut answer = HttpAnswer::new(status, body.clone().into());
            answer.set("cache-control", "public");
            answer.set("etag", etag.clone());
            answer.set("cache-control", "no-store");
            let read: Value = serde_json::from_str(&serde_json::to_string(&answer).unwrap()).unwrap();
            prop_assert_eq!(read, json!({
                "statusCode": status,
                "headers": { "etag": etag, "cache-control": "no-store" },
                "body": body,
                "isBase64Encoded": false,
            }));
        }
    }

    #[test]
    fn every_sample_event_of_an_endpoint_is_read_as_lambda_http_reads_it() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../events");
        let mut read = 0;
        for function in std::fs::read_dir(folder).unwrap() {
            for event in std::fs::read_dir(function.unwrap().path()).unwrap() {
                let event = std::fs::read_to_string(event.unwrap().path()).unwrap();
                if event.contains("\"routeKey\"") {
                    assert_eq!(ours(&event), theirs(&event), "{event}");
                    read += 1;
                }
            }
        }
        assert!(read > 10, "{read} events");
    }

    #[test]
    fn what_is_not_escaped_is_not_copied() {
        let event =
            r#"{"headers":{"if-none-match":"W/1"},"body":"{}","requestContext":{"requestId":"x"}}"#;
        let request = HttpRequest::read(event, None).unwrap();
        assert!(matches!(
            request.headers.if_none_match,
            Some(Cow::Borrowed("W/1"))
        ));
        assert!(matches!(request.body().unwrap(), Cow::Borrowed(b"{}")));
    }

    fn through_url(route: &str, path: &str) -> (Vec<(String, String)>, String) {
        let event = json!({
            "routeKey": "$default",
            "rawPath": path,
            "requestContext": { "requestId": "x", "routeKey": "$default", "stage": "$default" },
        })
        .to_string();
        let route = Route::new(route);
        let request = HttpRequest::read(&event, Some(&route)).unwrap();
        let parameters = request.path();
        let parameters = parameters.map(|(name, value)| (name.to_owned(), value.to_owned()));
        (parameters.collect(), request.route().to_owned())
    }

    #[test]
    fn a_path_that_no_gateway_has_read_is_read_by_the_functions_route() {
        let route = "GET /v1/products/{slug}";
        let slug = |value: &str| vec![("slug".to_owned(), value.to_owned())];
        for (path, parameters) in [
            ("/v1/products/ocean-blue-shirt", slug("ocean-blue-shirt")),
            ("/v1/products/a%2Fb%20c%C3%A9", slug("a/b cé")),
            ("/v1/products/", slug("")),
            ("/v1/products/%", slug("%")),
            ("/v1/products/\u{1}é", slug("\u{1}é")),
            ("/v1/products/%ff", vec![]),
            ("/v1/products", vec![]),
            ("/v1/products/a/b", vec![]),
            ("/v1/product/a", vec![]),
            ("", vec![]),
        ] {
            let (read, named) = through_url(route, path);
            assert_eq!((read, named.as_str()), (parameters, route), "{path}");
        }
        let two = through_url("GET /v1/carts/{id}/lines/{sku}", "/v1/carts/1/lines/A").0;
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(two, [pair("id", "1"), pair("sku", "A")]);
    }

    #[test]
    fn what_a_gateway_has_read_stays_as_it_is() {
        let route = Route::new("GET /other/{slug}");
        for (key, named) in [
            ("GET /v1/products/{slug}", "GET /v1/products/{slug}"),
            ("$default", "GET /other/{slug}"),
        ] {
            let event = json!({
                "rawPath": "/other/path",
                "pathParameters": { "slug": "theirs" },
                "requestContext": { "routeKey": key },
            })
            .to_string();
            let request = HttpRequest::read(&event, Some(&route)).unwrap();
            assert_eq!(request.path().collect::<Vec<_>>(), [("slug", "theirs")]);
            assert_eq!(request.route(), named);
        }
    }

    #[test]
    fn headers_of_any_bytes_are_no_fault_of_the_event() {
        let event = r#"{"headers":{"idempotency-key":"é\u0000"},"requestContext":{}}"#;
        let request = HttpRequest::read(event, None).unwrap();
        assert_eq!(request.headers.idempotency_key.as_deref(), Some("é\0"));
        assert_eq!((request.id(), request.route()), (None, ""));
    }

    #[test]
    fn what_is_no_request_says_so() {
        for event in ["{}", "[]", r#"{"Records":[]}"#, "null"] {
            let error = HttpRequest::read(event, None).unwrap_err().to_string();
            assert!(error.contains("payload format 2.0"), "{error}");
        }
        let event = r#"{"body":"*","isBase64Encoded":true,"requestContext":{}}"#;
        let error = HttpRequest::read(event, None).unwrap().body().unwrap_err();
        assert!(error.to_string().contains("base64"));
    }
}

//! Events as the HTTP API sends them to its functions, made without a request: for samples and measurements.

use std::collections::BTreeMap;

use serde_json::{Value, json};

/// The domain of the API in these events.
pub const API_DOMAIN: &str = "a1b2c3d4e5.execute-api.us-east-1.amazonaws.com";

/// The event of a request in payload format 2.0. `route` is the key of the function's route, which may have a
/// query after its path (`GET /v1/products?limit=24`). `path` has a value for each parameter of the route,
/// `headers` have lower-case names.
pub fn http_event(
    route: &str,
    path: &[(&str, &str)],
    headers: &BTreeMap<String, String>,
    body: Option<&Value>,
) -> Value {
    let (method, pattern) = route.split_once(' ').unwrap_or((route, "/"));
    let (pattern, query) = pattern.split_once('?').unwrap_or((pattern, ""));
    let mut raw_path = pattern.to_owned();
    for (name, value) in path {
        raw_path = raw_path.replace(&format!("{{{name}}}"), value);
    }
    let mut headers = headers.clone();
    if body.is_some() {
        headers.insert("content-type".to_owned(), "application/json".to_owned());
    }
    let route_key = format!("{method} {pattern}");
    let mut event = json!({
        "version": "2.0",
        "routeKey": route_key,
        "rawPath": raw_path,
        "rawQueryString": query,
        "headers": headers,
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "a1b2c3d4e5",
            "domainName": API_DOMAIN,
            "domainPrefix": "a1b2c3d4e5",
            "http": {
                "method": method,
                "path": raw_path,
                "protocol": "HTTP/1.1",
                "sourceIp": "203.0.113.7",
                "userAgent": headers.get("user-agent"),
            },
            "requestId": "JKJaXmPLvHcESHA=",
            "routeKey": route_key,
            "stage": "$default",
            "time": "22/Nov/2026:10:00:00 +0000",
            "timeEpoch": 1_795_341_600_000_u64,
        },
        "isBase64Encoded": false,
    });
    // The API leaves out what a request does not have.
    if !path.is_empty() {
        event["pathParameters"] = json!(path.iter().copied().collect::<BTreeMap<_, _>>());
    }
    if !query.is_empty() {
        let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        event["queryStringParameters"] = json!(pairs.collect::<BTreeMap<_, _>>());
    }
    if let Some(body) = body {
        event["body"] = json!(body.to_string());
    }
    event
}

/// Headers by their names.
pub fn headers<const N: usize>(headers: [(&str, &str); N]) -> BTreeMap<String, String> {
    let own = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
    headers.map(own).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_has_what_its_request_has() {
        let sent = headers([("accept", "application/json"), ("user-agent", "curl/8.5.0")]);
        let bare = http_event("GET /v1/carts", &[], &sent, None);
        for absent in ["pathParameters", "queryStringParameters", "body"] {
            assert!(bare[absent].is_null(), "{absent}: {bare}");
        }
        assert_eq!(bare["headers"], json!(sent));
        assert_eq!(bare["requestContext"]["http"]["userAgent"], "curl/8.5.0");

        let full = http_event(
            "PUT /v1/carts/{cart_id}/lines/{sku}?a=1&b=2",
            &[("cart_id", "crt_1"), ("sku", "TEE")],
            &sent,
            Some(&json!({ "quantity": 1 })),
        );
        assert_eq!(full["routeKey"], "PUT /v1/carts/{cart_id}/lines/{sku}");
        assert_eq!(full["requestContext"]["routeKey"], full["routeKey"]);
        assert_eq!(full["rawPath"], "/v1/carts/crt_1/lines/TEE");
        assert_eq!(
            full["pathParameters"],
            json!({ "cart_id": "crt_1", "sku": "TEE" })
        );
        assert_eq!(full["rawQueryString"], "a=1&b=2");
        assert_eq!(full["queryStringParameters"], json!({ "a": "1", "b": "2" }));
        assert_eq!(full["headers"]["content-type"], "application/json");
        assert_eq!(full["body"], r#"{"quantity":1}"#);
    }
}

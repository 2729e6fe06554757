//! Where requests come from: through the CDN or past it, from pages of other origins, and what every response tells
//! browsers. Covers every HTTP function.

use serde_json::{Value, json};
use testkit::Shop;

const SECRET: &str = "0123456789abcdef0123456789abcdef";

/// A request to the API's own address, past the CDN.
fn past_the_cdn(headers: Value) -> Value {
    json!({
        "version": "2.0",
        "routeKey": "GET /v1/health",
        "rawPath": "/v1/health",
        "rawQueryString": "",
        "headers": headers,
        "requestContext": {
            "http": { "method": "GET", "path": "/v1/health", "sourceIp": "198.51.100.1" },
            "requestId": "JKJaXmPLvHcESHA=",
            "routeKey": "GET /v1/health",
            "stage": "$default",
        },
    })
}

// Kind of fault: a second way in stays open beside the guarded one.
#[tokio::test]
async fn a_closed_api_is_called_through_the_cdn_only() {
    for (access, status) in [("public", 200), ("cdn", 403)] {
        let parameters = [("ApiAccess", access), ("OriginSecret", SECRET)];
        let parameters = parameters.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let shop = Shop::start_with(parameters.into()).await;
        // The gateway stands for the CDN. A header of the client's own does not take the place of the CDN's.
        shop.get("/v1/health").await.expect(200);
        let forged = shop.request("GET", "/v1/health");
        let forged = forged.header("stampede-origin-secret", "guessed");
        shop.send(forged).await.expect(200);
        for headers in [
            json!({}),
            json!({ "stampede-origin-secret": "guessed", "cloudfront-viewer-address": "203.0.113.7:1" }),
        ] {
            let answer = shop.invoke("health", &past_the_cdn(headers)).await.unwrap();
            assert_eq!(answer["statusCode"], status, "{answer}");
        }
        let headers = json!({ "stampede-origin-secret": SECRET });
        let answer = shop.invoke("health", &past_the_cdn(headers)).await.unwrap();
        assert_eq!(answer["statusCode"], 200, "{answer}");
    }
}

// Kind of fault: a setting for one page serves all pages.
#[tokio::test]
async fn named_origins_alone_may_call_with_cookies() {
    let named = "https://shop.example.com,https://staff.example.com";
    let shop = Shop::start_with([("AllowedOrigin".to_owned(), named.to_owned())].into()).await;
    let preflight = async |origin: &str| {
        let request = shop
            .request("OPTIONS", "/v1/carts")
            .header("Origin", origin)
            .header("Access-Control-Request-Method", "PATCH");
        shop.send(request).await.headers
    };
    for origin in named.split(',') {
        let headers = preflight(origin).await;
        assert_eq!(headers["access-control-allow-origin"], origin);
        assert_eq!(headers["access-control-allow-credentials"], "true");
        assert!(headers["access-control-allow-methods"].contains("PATCH"));
        for header in ["if-match", "traceparent", "admission", "idempotency-key"] {
            let allowed = &headers["access-control-allow-headers"];
            assert!(allowed.contains(header), "{header}: {allowed}");
        }
    }
    for origin in [
        "https://evil.example",
        "https://shop.example.com.evil.example",
        "null",
    ] {
        let headers = preflight(origin).await;
        assert!(
            !headers.contains_key("access-control-allow-origin"),
            "{origin}"
        );
    }
}

// Kind of fault: responses rely on the CDN to be safe in a browser.
#[tokio::test]
async fn every_response_is_safe_in_a_browser() {
    let shop = Shop::start().await;
    for (path, status) in [
        ("/v1/products", 200),
        ("/v1/nothing", 404),
        ("/v1/admin/stock/TEE", 401),
    ] {
        let answer = shop.get(path).await;
        assert_eq!(answer.status, status, "{path}");
        for (name, value) in [
            (
                "content-security-policy",
                "default-src 'none'; frame-ancestors 'none'",
            ),
            ("referrer-policy", "no-referrer"),
            (
                "strict-transport-security",
                "max-age=31536000; includeSubDomains",
            ),
            ("x-content-type-options", "nosniff"),
        ] {
            assert_eq!(answer.headers[name], value, "{path}");
        }
    }
}

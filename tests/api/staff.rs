//! Covers: set-stock, get-stock, create-import, get-import, health, not-found.

use local::template::Trigger;
use serde_json::json;
use testkit::{Product, Shop, StockCounts};

#[tokio::test]
async fn every_admin_route_wants_a_staff_token() {
    let shop = Shop::start().await;
    let before = shop.items();
    let mut routes = 0;
    let expired = shop.token("staff", -300);
    let customer = shop.token("customer", 300);
    for function in &shop.stack().template.functions {
        for trigger in &function.triggers {
            let Trigger::Route { method, path } = trigger else {
                continue;
            };
            if !path.starts_with("/v1/admin/") {
                continue;
            }
            routes += 1;
            let path = path
                .replace("{sku}", "TEE")
                .replace("{import_id}", "imp_01M80ZDQCX70JRTJ4H42YQDFMD");
            let request = || shop.request(method, &path).json(&json!({}));
            shop.send(request())
                .await
                .expect_problem(401, "unauthenticated");
            for token in [expired.as_str(), "forged", "a.b.c"] {
                let answer = shop.send(request().bearer_auth(token)).await;
                answer.expect_problem(401, "unauthenticated");
                assert_eq!(answer.headers["www-authenticate"], "Bearer");
            }
            shop.send(request().bearer_auth(&customer))
                .await
                .expect_problem(403, "forbidden");
        }
    }
    assert!(routes >= 4, "the template lists the staff routes");
    assert_eq!(shop.items(), before);
}

#[tokio::test]
async fn stock_is_set_and_what_is_promised_stays_promised() {
    let shop = Shop::start().await;
    shop.stock_up(&[Product::single("tee", "TEE", "10.00", 5)])
        .await;
    assert_eq!(shop.stock("TEE").await, StockCounts::unreserved(5));
    let set = shop
        .staff_call("PUT", "/v1/admin/stock/TEE", &json!({ "on_hand": 20 }))
        .await
        .expect(200);
    assert_eq!(
        set,
        json!({
            "sku": "TEE",
            "on_hand": 20,
            "reserved": 0,
            "available": 20,
            "shards": 1,
            "backorder": false,
            "stock_version": 1,
            "untracked": false,
        })
    );
    // A payment without an answer keeps its reservation for a while.
    let cart = shop.cart(&[("TEE", 4)]).await;
    shop.order("held", &testkit::order_body(&cart, "tok_timeout"))
        .await
        .expect(201);
    assert_eq!(
        shop.stock("TEE").await,
        StockCounts {
            on_hand: 20,
            reserved: 4,
            available: 16
        }
    );
    shop.staff_call("PUT", "/v1/admin/stock/TEE", &json!({ "on_hand": 10 }))
        .await
        .expect(200);
    assert_eq!(
        shop.stock("TEE").await,
        StockCounts {
            on_hand: 10,
            reserved: 4,
            available: 6
        }
    );
    shop.staff_get("/v1/admin/stock/NOBODY")
        .await
        .expect_problem(404, "not_found");
    let unknown = shop
        .staff_call("PUT", "/v1/admin/stock/NOBODY", &json!({ "on_hand": 1 }))
        .await;
    unknown.expect_problem(404, "not_found");
}

#[tokio::test]
async fn the_api_says_how_it_is_and_what_it_does_not_have() {
    let shop = Shop::start().await;
    let health = shop.get("/v1/health").await.expect(200);
    assert_eq!(health["status"], "ok");
    shop.get("/v1/nothing")
        .await
        .expect_problem(404, "not_found");
}

/// Kind of fault: documentation without tests.
#[tokio::test]
async fn a_path_says_which_methods_it_accepts() {
    let shop = Shop::start().await;
    shop.stock_up(&[Product::single("tee", "TEE", "10.00", 5)])
        .await;
    let cart = shop.cart(&[("TEE", 1)]).await;
    let cart = format!("/v1/carts/{cart}");
    for path in [
        "/v1/products",
        "/v1/products/tee",
        "/v1/health",
        "/v1/countries",
        &cart,
    ] {
        let get = shop.get(path).await;
        let head = shop.send(shop.request("HEAD", path)).await;
        assert_eq!((get.status, head.status), (200, 200), "{path}");
        assert_eq!(head.text, "", "{path}");
        for name in ["content-type", "content-length"] {
            assert_eq!(head.headers[name], get.headers[name], "{path} {name}");
        }
        // The seconds in it count down.
        assert!(head.headers.contains_key("cache-control"), "{path}");
        assert_eq!(head.headers.get("etag"), get.headers.get("etag"), "{path}");
    }
    let missing = shop.send(shop.request("HEAD", "/v1/products/none")).await;
    assert_eq!(missing.status, 404);

    let line = format!("{cart}/lines/A%2FB");
    let cases = [
        ("PATCH", "/v1/products", "GET, HEAD"),
        ("DELETE", "/v1/products/caf%C3%A9", "GET, HEAD"),
        ("POST", &cart, "GET, HEAD"),
        ("GET", &line, "DELETE, PUT"),
        ("DELETE", "/v1/orders", "GET, POST"),
        ("HEAD", "/v1/orders/ord_1", "GET"),
        ("GET", "/v1/admin/imports", "POST"),
        ("OPTIONS", "/v1/carts", "POST"),
    ];
    for (method, path, allow) in cases {
        let answer = shop.send(shop.request(method, path)).await;
        assert_eq!(answer.status, 405, "{method} {path}");
        assert_eq!(answer.headers["allow"], allow, "{method} {path}");
        if method != "HEAD" {
            answer.expect_problem(405, "method_not_allowed");
        }
    }
    for path in ["/v1/products/", "/v1/carts/1/lines", "/v1/nothing"] {
        let answer = shop.send(shop.request("PATCH", path)).await;
        answer.expect_problem(404, "not_found");
        assert!(!answer.headers.contains_key("allow"), "{path}");
    }
}

#[tokio::test]
async fn browsers_of_other_origins_may_call() {
    let shop = Shop::start().await;
    let preflight = shop
        .request("OPTIONS", "/v1/carts")
        .header("Origin", "https://shop.example.com")
        .header("Access-Control-Request-Method", "POST");
    let answer = shop.send(preflight).await;
    assert_eq!(answer.status, 204);
    assert!(answer.headers["access-control-allow-headers"].contains("idempotency-key"));
    let request = shop
        .request("GET", "/v1/products")
        .header("Origin", "https://shop.example.com");
    assert_eq!(
        shop.send(request).await.headers["access-control-allow-origin"],
        "*"
    );
}

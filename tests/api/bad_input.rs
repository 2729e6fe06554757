//! Invalid requests, by mistake or on purpose: each returns a 4xx problem with a code, and nothing is
//! stored. Covers every HTTP function.

use serde_json::{Value, json};
use testkit::{Product, Shop, StockCounts, order_body};

const JSON: &str = "application/json";

/// A request with its expected status and code.
struct Case {
    method: &'static str,
    path: String,
    content_type: &'static str,
    body: Vec<u8>,
    want: (u16, &'static str),
}

fn case(
    method: &'static str,
    path: &str,
    body: impl Into<Vec<u8>>,
    status: u16,
    code: &'static str,
) -> Case {
    Case {
        method,
        path: path.to_owned(),
        content_type: JSON,
        body: body.into(),
        want: (status, code),
    }
}

#[tokio::test]
async fn bad_input_is_refused_with_a_code_and_stores_nothing() {
    let shop = Shop::start().await;
    shop.stock_up(&[Product::single("tee", "TEE", "10.00", 5)])
        .await;
    let cart = shop.cart(&[("TEE", 1)]).await;
    let line = format!("/v1/carts/{cart}/lines/TEE");
    let foreign = "crt_2GZ8W1Q4D6TN0XKJ5R7VBM3CYE";
    let long = "x".repeat(5000);
    let order = order_body(&cart, "tok_ok");
    let changed = |pointer: &str, value: Value| {
        let mut order = order.clone();
        match order.pointer_mut(pointer) {
            Some(field) => *field = value,
            None => order[&pointer[1..]] = value,
        }
        order.to_string()
    };
    let without = |pointer: &str| {
        let mut order = order.clone();
        let (parent, field) = pointer.rsplit_once('/').unwrap();
        order
            .pointer_mut(parent)
            .unwrap()
            .as_object_mut()
            .unwrap()
            .remove(field);
        order.to_string()
    };

    let mut cases = vec![
        case("POST", "/v1/carts", "{", 400, "malformed_json"),
        case(
            "POST",
            "/v1/carts",
            r#"{"id":"mine"}"#,
            422,
            "validation_failed",
        ),
        case("GET", &format!("/v1/carts/{foreign}"), "", 404, "not_found"),
        case("GET", "/v1/carts/1", "", 404, "not_found"),
        case("GET", &format!("/v1/carts/{long}"), "", 404, "not_found"),
        case("GET", "/v1/carts/%FF%FE", "", 404, "not_found"),
        case("GET", "/v1/carts/%00", "", 404, "not_found"),
        case("GET", "/v1/carts/..%2F..%2Fadmin", "", 404, "not_found"),
        case(
            "PUT",
            &format!("/v1/carts/{foreign}/lines/TEE"),
            r#"{"quantity":1}"#,
            404,
            "not_found",
        ),
        case(
            "PUT",
            &format!("/v1/carts/{cart}/lines/NOBODY"),
            r#"{"quantity":1}"#,
            404,
            "unknown_sku",
        ),
        case(
            "PUT",
            &format!("/v1/carts/{cart}/lines/{long}"),
            r#"{"quantity":1}"#,
            404,
            "not_found",
        ),
        case(
            "PUT",
            &format!("/v1/carts/{cart}/lines/%0A"),
            r#"{"quantity":1}"#,
            404,
            "not_found",
        ),
        case(
            "DELETE",
            &format!("/v1/carts/{cart}/lines/NOBODY"),
            "",
            404,
            "not_found",
        ),
        case(
            "DELETE",
            &format!("/v1/carts/{foreign}/lines/TEE"),
            "",
            404,
            "not_found",
        ),
        case("GET", "/v1/products?limit=0", "", 422, "validation_failed"),
        case(
            "GET",
            "/v1/products?limit=101",
            "",
            422,
            "validation_failed",
        ),
        case("GET", "/v1/products?limit=-1", "", 422, "validation_failed"),
        case(
            "GET",
            "/v1/products?limit=many",
            "",
            422,
            "validation_failed",
        ),
        case(
            "GET",
            "/v1/products?sort=random",
            "",
            422,
            "validation_failed",
        ),
        case(
            "GET",
            "/v1/products?tag=a&type=b",
            "",
            422,
            "validation_failed",
        ),
        case("GET", "/v1/products?tag=", "", 422, "validation_failed"),
        case(
            "GET",
            &format!("/v1/products?tag={long}"),
            "",
            422,
            "validation_failed",
        ),
        case(
            "GET",
            "/v1/products?cursor=%F0%9F%98%80",
            "",
            400,
            "invalid_cursor",
        ),
        case(
            "GET",
            &format!("/v1/products?cursor={long}"),
            "",
            400,
            "invalid_cursor",
        ),
        case("GET", "/v1/products/%FF", "", 404, "not_found"),
        case("GET", &format!("/v1/products/{long}"), "", 404, "not_found"),
        case("GET", "/v1/orders/1", "", 401, "unauthenticated"),
        case("POST", "/v1/orders", "nonsense", 400, "malformed_json"),
        case("POST", "/v1/orders", "", 400, "malformed_json"),
        case(
            "POST",
            "/v1/orders",
            b"\"\xff\"".to_vec(),
            400,
            "malformed_json",
        ),
        case(
            "POST",
            "/v1/orders",
            "[".repeat(50_000),
            400,
            "malformed_json",
        ),
        case(
            "POST",
            "/v1/orders",
            " ".repeat(70_000),
            413,
            "payload_too_large",
        ),
        case(
            "POST",
            "/v1/orders",
            " ".repeat(7_000_000),
            413,
            "payload_too_large",
        ),
        case("POST", "/v1/orders", "null", 422, "validation_failed"),
        case("POST", "/v1/orders", "[]", 422, "validation_failed"),
        case("POST", "/v1/orders", "{}", 422, "validation_failed"),
    ];
    let quantities = [
        "0",
        "-1",
        "1000",
        "99999999999999999999",
        "1.5",
        "\"2\"",
        "null",
        "true",
        "[1]",
        "{}",
    ];
    for quantity in quantities {
        cases.push(case(
            "PUT",
            &line,
            format!(r#"{{"quantity":{quantity}}}"#),
            422,
            "validation_failed",
        ));
    }
    for body in [
        "{}",
        r#"{"quantity":1,"price":0}"#,
        r#"{"quantity":1,"quantity":2}"#,
    ] {
        cases.push(case("PUT", &line, body, 422, "validation_failed"));
    }
    for body in [
        "{\"quantity\":1",
        "{\"quantity\":1} x",
        "quantity=1",
        r#"{"quantity":1e999}"#,
    ] {
        cases.push(case("PUT", &line, body, 400, "malformed_json"));
    }
    for content_type in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "application/xml",
    ] {
        cases.push(Case {
            content_type,
            ..case(
                "PUT",
                &line,
                r#"{"quantity":1}"#,
                415,
                "unsupported_media_type",
            )
        });
    }
    let fields = [
        "/cart_id",
        "/email",
        "/shipping_address",
        "/shipping_address/name",
        "/shipping_address/line1",
        "/shipping_address/city",
        "/shipping_address/postal_code",
        "/shipping_address/country",
        "/payment",
        "/payment/method",
        "/payment/token",
    ];
    for field in fields {
        cases.push(case(
            "POST",
            "/v1/orders",
            without(field),
            422,
            "validation_failed",
        ));
        for value in [
            json!(null),
            json!(1),
            json!(""),
            json!([]),
            json!(long),
            json!("a\u{0}b"),
        ] {
            cases.push(case(
                "POST",
                "/v1/orders",
                changed(field, value),
                422,
                "validation_failed",
            ));
        }
    }
    let values = [
        ("/email", json!("no address")),
        ("/email", json!("a@b.c\r\nBcc: d@e.f")),
        ("/shipping_address/country", json!("XX")),
        ("/shipping_address/country", json!("Germany")),
        ("/payment/method", json!("gold")),
        ("/cart_id", json!("ord_2GZ8W1Q4D6TN0XKJ5R7VBM3CYE")),
        ("/discount", json!(100)),
        ("/total", json!({ "amount": 1, "currency": "USD" })),
    ];
    for (pointer, value) in values {
        cases.push(case(
            "POST",
            "/v1/orders",
            changed(pointer, value),
            422,
            "validation_failed",
        ));
    }
    cases.push(case(
        "POST",
        "/v1/orders",
        changed("/cart_id", json!(foreign)),
        404,
        "not_found",
    ));
    for body in [
        r#"{"on_hand":-1}"#,
        r#"{"on_hand":1000000001}"#,
        r#"{"on_hand":1.5}"#,
        r#"{"on_hand":"1"}"#,
        "{}",
        r#"{"on_hand":1,"reserved":0}"#,
    ] {
        cases.push(case(
            "PUT",
            "/v1/admin/stock/TEE",
            body,
            422,
            "validation_failed",
        ));
    }
    cases.push(case(
        "POST",
        "/v1/admin/imports",
        r#"{"bytes":1000,"url":"http://example.com"}"#,
        422,
        "validation_failed",
    ));
    cases.push(case(
        "GET",
        "/v1/admin/imports/imp_01M80ZDQCX70JRTJ4H42YQDFMD",
        "",
        404,
        "not_found",
    ));
    cases.push(case("GET", "/v1/admin/imports/x", "", 404, "not_found"));

    let before = shop.items();
    for case in &cases {
        let mut request = shop
            .request(case.method, &case.path)
            .header("Content-Type", case.content_type)
            .header("Idempotency-Key", "bad-input")
            .body(case.body.clone());
        if case.path.starts_with("/v1/admin/") {
            request = request.bearer_auth(&shop.staff_token);
        }
        let answer = shop.send(request).await;
        let body = String::from_utf8_lossy(&case.body);
        let shown = format!("{} {:.80} {:.200}", case.method, case.path, body);
        assert_eq!(answer.status, case.want.0, "{shown}\n{}", answer.text);
        let problem = answer.expect_problem(case.want.0, case.want.1);
        if case.want.1 == "validation_failed" {
            let errors = problem["errors"]
                .as_array()
                .unwrap_or_else(|| panic!("no errors: {shown}"));
            let named = |error: &Value| {
                ["field", "code", "message"]
                    .iter()
                    .all(|name| error[name].is_string())
            };
            assert!(
                !errors.is_empty() && errors.iter().all(named),
                "{shown}\n{}",
                answer.text
            );
        }
    }
    for key in ["", " ", &"k".repeat(256), "schl\u{fc}ssel"] {
        let answer = shop.order(key, &order).await;
        assert!(
            matches!(
                answer.json()["code"].as_str(),
                Some("idempotency_key_missing" | "idempotency_key_invalid")
            ),
            "{key:?} {}",
            answer.text
        );
        assert_eq!(answer.status, 400);
    }
    assert_eq!(shop.items(), before, "something was stored");
    assert_eq!(shop.stock("TEE").await, StockCounts::unreserved(5));
    let unchanged = shop.get(&format!("/v1/carts/{cart}")).await.expect(200);
    assert_eq!(unchanged["lines"][0]["quantity"], 1);
}

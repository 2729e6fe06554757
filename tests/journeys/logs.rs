//! Covers: the ids of log lines, from place-order through relay-events to capture-payment, render-invoice
//! and send-email; sweep-orders; and what the endpoints of people keep out of the log.

use serde_json::{Value, json};
use testkit::{Product, Shop, app_of, order_body};

/// The trace that a caller is in.
const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

/// The lines that a function has logged, metrics excepted.
fn lines(shop: &Shop, function: &str) -> Vec<Value> {
    let prefix = format!("{function}: ");
    let log = shop.log();
    let lines = log.lines().filter_map(|line| line.strip_prefix(&prefix));
    let lines = lines.map(|line| serde_json::from_str::<Value>(line).unwrap());
    lines.filter(|line| line["level"].is_string()).collect()
}

fn logged(shop: &Shop, function: &str, message: &str) -> Option<Value> {
    let lines = lines(shop, function).into_iter();
    lines.rev().find(|line| line["message"] == message)
}

#[tokio::test]
async fn everything_that_an_order_sets_off_is_logged_with_the_id_of_its_request() {
    let debug = ("LogLevel".to_owned(), "debug".to_owned());
    let shop = Shop::start_with([debug].into()).await;
    shop.stock_up(&[Product::single("tee", "TEE", "10.00", 5)])
        .await;
    let cart = shop.cart(&[("TEE", 1)]).await;
    let caller = format!("00-{TRACE}-00f067aa0ba902b7-01");
    let place = shop
        .request("POST", "/v1/orders")
        .header("traceparent", &caller);
    let place = place
        .header("Idempotency-Key", &cart)
        .json(&order_body(&cart, "tok_ok"));
    let placed = shop.send(place).await.expect(201);
    let request = logged(&shop, "place-order", "request").unwrap();
    let id = request["request.id"].as_str().unwrap();
    assert!(!id.is_empty());

    let steps = [
        ("place-order", "order placed"),
        ("relay-events", "event relayed"),
        ("capture-payment", "order changed"),
        ("render-invoice", "invoice stored"),
        ("send-email", "mail sent"),
    ];
    for (function, message) in steps {
        let line = shop
            .eventually("the step is logged", async || {
                logged(&shop, function, message)
            })
            .await;
        assert_eq!(line["request.id"], id, "{function}: {line}");
        assert_eq!(line["trace.id"], TRACE, "{function}: {line}");
        // Also where the table is called, far from code that knows the id. The relay's calls are for many
        // requests at once.
        if function != "relay-events" {
            let units = |line: &Value| line["message"] == "units" && line["request.id"] == id;
            assert!(lines(&shop, function).iter().any(units), "{function}");
        }
        // Lines of a batch have the id of its invocation.
        for line in lines(&shop, function) {
            let id = line["request.id"].as_str();
            assert!(id.is_some_and(|id| !id.is_empty()), "{function}: {line}");
            assert_eq!(
                line["trace.id"].as_str().map(str::len),
                Some(32),
                "{function}: {line}"
            );
        }
    }
    // The item carries the request's own place in the trace, not the caller's.
    let key = json!({ "PK": { "S": format!("ORDER#{}", placed["id"].as_str().unwrap()) }, "SK": { "S": "ORDER" } });
    let read = json!({ "TableName": shop.stack().template.table["TableName"], "Key": key });
    let item = shop.table("GetItem", &read).await;
    let stored = item["Item"]["traceparent"]["S"].as_str().unwrap();
    assert!(
        stored.starts_with(&format!("00-{TRACE}-")) && stored != caller,
        "{stored}"
    );
}

#[tokio::test]
async fn a_later_change_of_an_order_is_in_the_trace_of_its_own_request() {
    let shop = Shop::start().await;
    shop.stock_up(&[Product::single("tee", "TEE", "10.00", 5)])
        .await;
    let paid = shop.buy(&[("TEE", 1)], "tok_ok", "paid").await;
    let first = shop
        .eventually("the mail is sent", async || {
            logged(&shop, "send-email", "mail sent")
        })
        .await;
    let path = format!(
        "/v1/admin/orders/{}/fulfilments",
        paid["id"].as_str().unwrap()
    );
    let ship = shop.request("POST", &path).bearer_auth(&shop.staff_token);
    let ship = ship.header("traceparent", format!("00-{TRACE}-00f067aa0ba902b7-01"));
    let ship = ship.header("Idempotency-Key", "ship").json(&json!({}));
    shop.send(ship).await.expect(201);
    let second = shop
        .eventually("another mail is sent", async || {
            let mail = logged(&shop, "send-email", "mail sent")?;
            (mail["mail.id"] != first["mail.id"]).then_some(mail)
        })
        .await;
    assert_eq!(second["trace.id"], TRACE, "{second}");
    // The order is still found by the id of the request that placed it.
    assert_eq!(second["request.id"], first["request.id"]);
    assert_ne!(first["trace.id"], TRACE);
}

#[tokio::test]
async fn failures_and_expiry_are_logged_with_the_id_of_the_request_that_placed_the_order() {
    let window = ("PaymentWindowSeconds".to_owned(), "1".to_owned());
    let shop = Shop::start_with([window].into()).await;
    shop.stock_up(&[Product::single("tee", "TEE", "10.00", 5)])
        .await;
    let cart = shop.cart(&[("TEE", 1)]).await;
    shop.order(&cart, &order_body(&cart, "tok_timeout"))
        .await
        .expect(201);
    let placed = logged(&shop, "place-order", "order placed").unwrap();
    let id = &placed["request.id"];
    assert!(id.is_string(), "{placed}");

    // The provider does not answer.
    for message in ["provider failed", "message failed"] {
        let line = shop
            .eventually("the failure is logged", async || {
                logged(&shop, "capture-payment", message)
            })
            .await;
        assert_eq!(line["request.id"], *id, "{line}");
        assert!(line["message.id"].is_string(), "{line}");
        assert!(line["message.attempt"].is_u64(), "{line}");
    }
    let expired = shop
        .eventually("its time is up", async || {
            shop.sweep().await;
            logged(&shop, "sweep-orders", "order expired")
        })
        .await;
    assert_eq!(expired["request.id"], *id, "{expired}");
    assert_eq!(expired["order.id"], placed["order.id"], "{expired}");
    // The sweep itself goes back to no request.
    let swept = logged(&shop, "sweep-orders", "swept").unwrap();
    assert!(swept["request.id"].is_string(), "{swept}");
    assert_ne!(swept["request.id"], *id);
}

/// Kind of fault: a debug line, or an error, prints what somebody sends or gets to sign in.
#[tokio::test]
async fn nothing_that_opens_an_account_is_logged() {
    let debug = ("LogLevel".to_owned(), "debug".to_owned());
    let shop = Shop::start_with([debug].into()).await;
    let (email, name) = ("hopper-g7@example.com", "Amazing Grace");
    let (password, new) = ("correct horse battery", "another horse battery");
    let wrong = "a wrong horse battery";
    let post = async |path: &str, body: Value| shop.call("POST", path, &body).await;
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let link = async |about: &str| {
        let mail = shop
            .eventually(about, async || {
                let mails = shop.mails_to("hopper-g7@example.com").await;
                mails
                    .into_iter()
                    .find(|mail| mail.to_string().contains(about))
            })
            .await
            .to_string();
        let (_, rest) = mail.split_once("token=").unwrap();
        let is_part = |c: &char| c.is_ascii_alphanumeric() || "-_.".contains(*c);
        rest.chars().take_while(is_part).collect::<String>()
    };
    let mut secrets = Vec::new();

    let account = json!({ "email": email, "password": password, "name": name });
    post("/v1/auth/register", account).await.expect(202);
    let verify = link("Confirm your address").await;
    // Also one that is refused.
    let cut = &verify[..verify.len() - 1];
    post("/v1/auth/verify", json!({ "token": cut }))
        .await
        .expect_problem(400, "invalid_link");
    let verified = post("/v1/auth/verify", json!({ "token": verify })).await;
    assert_eq!(verified.status, 204, "{}", verified.text);
    secrets.extend([cut.to_owned(), verify.clone()]);

    let log_in = async |password: &str, code: Option<&str>| {
        let mut body = json!({ "email": email, "password": password });
        if let Some(code) = code {
            body["code"] = json!(code);
        }
        post("/v1/auth/login", body).await
    };
    log_in(wrong, None)
        .await
        .expect_problem(401, "invalid_credentials");
    let first = log_in(password, None).await.expect(200);
    let refresh = json!({ "refresh_token": first["refresh_token"] });
    let second = post("/v1/auth/refresh", refresh.clone()).await.expect(200);
    for tokens in [&first, &second] {
        secrets.extend([&tokens["access_token"], &tokens["refresh_token"]].map(text));
    }

    let send = async |tokens: &Value, path: &str, body: Value| {
        let token = tokens["access_token"].as_str().unwrap();
        let request = shop.request("POST", path).bearer_auth(token);
        shop.send(request.json(&body)).await
    };
    let token = second["access_token"].as_str().unwrap();
    let start = shop.request("POST", "/v1/me/totp").bearer_auth(token);
    let app = shop.send(start).await.expect(200);
    secrets.push(text(&app["secret"]));
    let code = app_of(app["secret"].as_str().unwrap()).code_at(runtime::now());
    let confirmed = send(&second, "/v1/me/totp/confirm", json!({ "code": code })).await;
    let codes = confirmed.expect(200)["recovery_codes"].clone();
    let codes: Vec<String> = codes.as_array().unwrap().iter().map(text).collect();
    log_in(password, None)
        .await
        .expect_problem(401, "second_factor_required");
    let third = log_in(password, Some(&codes[0])).await.expect(200);
    log_in(password, Some(&codes[0]))
        .await
        .expect_problem(401, "invalid_credentials");
    secrets.extend([&third["access_token"], &third["refresh_token"]].map(text));
    secrets.extend(codes);

    post("/v1/auth/password-reset", json!({ "email": email }))
        .await
        .expect(202);
    let reset = link("Set a new password").await;
    let body = json!({ "token": reset, "password": new });
    let confirmed = post("/v1/auth/password-reset/confirm", body).await;
    assert_eq!(confirmed.status, 204, "{}", confirmed.text);
    secrets.push(reset);
    // Of a session that has ended.
    post("/v1/auth/refresh", refresh)
        .await
        .expect_problem(401, "unauthenticated");

    let key = json!({ "name": "a machine", "scopes": ["jobs:read"], "expires_in_days": 1 });
    let key = shop.staff_call("POST", "/v1/admin/api-keys", &key).await;
    let key = text(&key.expect(201)["secret"]);
    let jobs = shop.request("GET", "/v1/admin/jobs").bearer_auth(&key);
    shop.send(jobs).await.expect(200);
    let jobs = shop.request("GET", "/v1/admin/jobs");
    shop.send(jobs.bearer_auth(&key[..key.len() - 1]))
        .await
        .expect_problem(401, "unauthenticated");
    secrets.extend([key[..key.len() - 1].to_owned(), key]);

    // Consumers log, too.
    shop.eventually("the owner is told of the last change", async || {
        let mails = shop.mails_to(email).await;
        let told = |mail: &Value| mail.to_string().contains("Your password has changed");
        mails.iter().any(told).then_some(())
    })
    .await;
    let log = shop.log();
    for (function, message) in [
        ("verify-email", "account verified"),
        ("log-in", "session began"),
        ("reset-password", "password reset"),
    ] {
        assert!(logged(&shop, function, message).is_some(), "{message}");
    }
    secrets.extend([password, new, wrong, &shop.staff_token].map(str::to_owned));
    // The beginning of a token says whose it is, its end is the secret.
    let tokens = secrets.iter().filter(|secret| secret.len() > 60);
    let ends = tokens.map(|token| &token[token.len() - 40..]);
    let secrets = secrets.iter().map(String::as_str).chain(ends);
    for secret in secrets.chain([email, "hopper-g7", name]) {
        assert!(secret.len() > 8, "{secret} might be there by chance");
        assert!(!log.contains(secret), "{secret} is in the log:\n{log}");
    }
}

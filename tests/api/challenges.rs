//! Covers: log-in, register-account, request-password-reset, get-shop: who has to solve a challenge.

use local::event::{headers, http_event};
use serde_json::{Value, json};
use testkit::{Response, Shop};

use crate::accounts::{PASSWORD, link_token};

/// The token that the built-in provider accepts.
const SOLVED: &str = "chl_ok";

/// A shop with the built-in provider and these limits, which no test refills within its time.
async fn challenged(limits: &Value) -> Shop {
    let parameters = [("ChallengeProvider".to_owned(), "test".to_owned())];
    let shop = Shop::start_with(parameters.into()).await;
    shop.set(&json!({ "limits": limits })).await;
    let readers = ["log-in", "register-account", "request-password-reset"].map(str::to_owned);
    shop.stack().lambda.restart(Some(&readers)).await;
    shop
}

/// The limits of logins: by address and network, and by network alone.
fn sign_in(of_address: u32, of_network: u32) -> Value {
    json!({
        "sign_in": { "requests": of_address, "seconds": 86_400 },
        "sign_in_network": { "requests": 1, "seconds": 600, "burst": of_network },
    })
}

async fn post(shop: &Shop, path: &str, mut body: Value, challenge: Option<&str>) -> Response {
    if let Some(token) = challenge {
        body["challenge"] = json!(token);
    }
    shop.call("POST", path, &body).await
}

async fn register(shop: &Shop, email: &str, challenge: Option<&str>) -> Response {
    let body = json!({ "email": email, "password": PASSWORD });
    post(shop, "/v1/auth/register", body, challenge).await
}

async fn reset(shop: &Shop, email: &str, challenge: Option<&str>) -> Response {
    let body = json!({ "email": email });
    post(shop, "/v1/auth/password-reset", body, challenge).await
}

async fn log_in(shop: &Shop, email: &str, password: &str, challenge: Option<&str>) -> Response {
    let body = json!({ "email": email, "password": password });
    post(shop, "/v1/auth/login", body, challenge).await
}

/// Makes an account.
async fn account(shop: &Shop, email: &str) {
    register(shop, email, Some(SOLVED)).await.expect(202);
    let token = link_token(shop, email, 1).await;
    let verified = shop
        .call("POST", "/v1/auth/verify", &json!({ "token": token }))
        .await;
    assert_eq!(verified.status, 204, "{}", verified.text);
}

#[tokio::test]
async fn registrations_and_resets_take_a_challenge() {
    let shop = challenged(&json!({ "mail_link": { "requests": 3, "seconds": 86_400 } })).await;
    account(&shop, "ada@example.com").await;
    let mut refusals = Vec::new();
    for email in ["ada@example.com", "nobody@example.com"] {
        for challenge in [None, Some(""), Some("chl_wrong"), Some(&*"x".repeat(5000))] {
            refusals.push(register(&shop, email, challenge).await);
            refusals.push(reset(&shop, email, challenge).await);
        }
    }
    for refused in &refusals {
        let problem = refused.expect_problem(403, "challenge_required");
        assert_eq!(problem["type"], "/problems/challenge_required");
        assert_eq!(refused.text, refusals[0].text);
        assert!(!refused.headers.contains_key("retry-after"));
    }
    // They have used up nothing of the addresses' own limits: ada has registered, and two are left.
    for _ in 0..2 {
        let sent = reset(&shop, "ada@example.com", Some(SOLVED)).await;
        sent.expect(202);
    }
    register(&shop, "nobody@example.com", Some(SOLVED))
        .await
        .expect(202);
    // What is wrong otherwise is said first.
    register(&shop, "not an address", None)
        .await
        .expect_problem(422, "validation_failed");
    assert!(!shop.log().contains("chl_wrong"));
}

/// The kind of fault: a guesser goes on by itself, is told by the challenge who has an account, or keeps its owner out.
#[tokio::test]
async fn a_login_takes_a_challenge_after_some_attempts_from_the_same_network() {
    let shop = challenged(&sign_in(10, 1000)).await;
    let (ada, nobody) = ("ada@example.com", "nobody@example.com");
    account(&shop, ada).await;
    for email in [ada, nobody] {
        for _ in 0..3 {
            log_in(&shop, email, "a wrong password", None)
                .await
                .expect_problem(401, "invalid_credentials");
        }
    }
    // The right password is not confirmed, and an address without an account gets the same.
    let known = log_in(&shop, ada, PASSWORD, None).await;
    let unknown = log_in(&shop, nobody, PASSWORD, None).await;
    known.expect_problem(403, "challenge_required");
    assert_eq!((unknown.status, &unknown.text), (403, &known.text));
    let wrong = log_in(&shop, ada, PASSWORD, Some("chl_wrong")).await;
    wrong.expect_problem(403, "challenge_required");
    log_in(&shop, ada, "a wrong password", Some(SOLVED))
        .await
        .expect_problem(401, "invalid_credentials");
    // A hurdle and not a block.
    log_in(&shop, ada, PASSWORD, Some(SOLVED)).await.expect(200);

    // From elsewhere nobody is asked.
    let body = json!({ "email": ada, "password": PASSWORD });
    let none = headers([] as [(&str, &str); 0]);
    let request = http_event("POST /v1/auth/login", &[], &none, Some(&body));
    let answer = shop.invoke_from("203.0.113.7", "log-in", request).await;
    assert_eq!(answer["statusCode"], 200, "{answer}");
    // The limit stays what it was: seven attempts from here so far, of ten.
    for _ in 0..3 {
        log_in(&shop, ada, PASSWORD, Some(SOLVED)).await.expect(200);
    }
    log_in(&shop, ada, PASSWORD, Some(SOLVED))
        .await
        .expect_problem(429, "rate_limited");
}

/// The kind of fault: one password for each of many addresses.
#[tokio::test]
async fn a_network_that_tries_many_addresses_takes_challenges() {
    let shop = challenged(&sign_in(10, 8)).await;
    let statuses = async |from: u32, challenge: Option<&'static str>| {
        let mut statuses = Vec::new();
        for number in from..from + 4 {
            let email = format!("a{number}@example.com");
            statuses.push(log_in(&shop, &email, PASSWORD, challenge).await.status);
        }
        statuses
    };
    assert_eq!(statuses(0, None).await, [401; 4]);
    assert_eq!(statuses(4, None).await, [403; 4]);
    assert_eq!(statuses(8, Some(SOLVED)).await, [429; 4]);
}

/// The kind of fault: an outage of the provider is one of the shop.
#[tokio::test]
async fn without_its_provider_the_limits_are_all_that_there_is() {
    let shop = challenged(&sign_in(4, 1000)).await;
    account(&shop, "ada@example.com").await;
    let down = Some("chl_timeout");
    log_in(&shop, "ada@example.com", "a wrong password", None)
        .await
        .expect_problem(401, "invalid_credentials");
    // The second of four is past the threshold.
    log_in(&shop, "ada@example.com", PASSWORD, None)
        .await
        .expect_problem(403, "challenge_required");
    log_in(&shop, "ada@example.com", PASSWORD, down)
        .await
        .expect(200);
    log_in(&shop, "ada@example.com", "a wrong password", down)
        .await
        .expect_problem(401, "invalid_credentials");
    log_in(&shop, "ada@example.com", PASSWORD, down)
        .await
        .expect_problem(429, "rate_limited");
    // Another function's process has a breaker of its own: after two failures, not even a token is asked for.
    register(&shop, "b@example.com", down).await.expect(202);
    reset(&shop, "b@example.com", down).await.expect(202);
    register(&shop, "c@example.com", down).await.expect(202);
    register(&shop, "d@example.com", None).await.expect(202);
    let log = shop.log();
    assert!(log.contains("challenge not checked"));
    assert!(!log.contains("chl_timeout"));
}

#[tokio::test]
async fn clients_learn_how_to_solve_a_challenge() {
    let parameters = |values: &[(&str, &str)]| {
        let values = values.iter();
        let values = values.map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        values.collect()
    };
    let turnstile = [
        ("ChallengeProvider", "turnstile"),
        ("ChallengeSiteKey", "0x4AAAAAAA_site"),
        ("ChallengeSecretName", "stampede/turnstile"),
    ];
    let shop = Shop::start_with(parameters(&turnstile)).await;
    let view = shop.get("/v1/shop").await.expect(200);
    let expected = json!({ "provider": "turnstile", "site_key": "0x4AAAAAAA_site" });
    assert_eq!(view["challenge"], expected);
    assert!(!view.to_string().contains("stampede/turnstile"));

    let shop = Shop::start_with(parameters(&[("ChallengeProvider", "test")])).await;
    let view = shop.get("/v1/shop").await.expect(200);
    assert_eq!(view["challenge"], json!({ "provider": "test" }));

    let shop = Shop::start().await;
    let view = shop.get("/v1/shop").await.expect(200);
    assert_eq!(view.get("challenge"), None);
    // A token that nobody has asked for is not looked at.
    register(&shop, "ada@example.com", Some("chl_wrong"))
        .await
        .expect(202);
}

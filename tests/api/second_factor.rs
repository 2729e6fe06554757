//! Covers: start-totp, confirm-totp, remove-totp, log-in: authenticator apps and recovery codes.

use std::collections::BTreeSet;

use domain::identity::TotpSecret;
use futures_util::future::join_all;
use jiff::SignedDuration;
use local::authenticator::{PRESENT, VERIFIED};
use serde_json::{Value, json};
use testkit::{Response, Shop, app_of};

use crate::{
    accounts::{PASSWORD, account, link_token, log_in, with},
    passkeys::new_device,
    people::{PERMISSION, account_of, age, claims, item, promote, set, told},
};

const EMAIL: &str = "ada@example.com";
const TOTP: &str = "/v1/me/totp";
const CONFIRM: &str = "/v1/me/totp/confirm";

/// An app that is in use.
pub(crate) struct Enrolled {
    app: TotpSecret,
    recovery_codes: Vec<String>,
}

/// The code that an app shows now, or so many steps of 30 seconds later: the shop takes one that is a step ahead.
fn code(app: &TotpSecret, steps: i64) -> String {
    app.code_at(runtime::now() + SignedDuration::from_secs(30 * steps))
}

async fn start(shop: &Shop, tokens: &Value) -> Value {
    let started = with(shop, tokens, "POST", TOTP, &Value::Null).await;
    started.expect(200)
}

async fn confirm(shop: &Shop, tokens: &Value, code: &str) -> Response {
    with(shop, tokens, "POST", CONFIRM, &json!({ "code": code })).await
}

/// Adds an app to the account. The current step is spent with that.
pub(crate) async fn enroll(shop: &Shop, tokens: &Value) -> Enrolled {
    let started = start(shop, tokens).await;
    let app = app_of(started["secret"].as_str().unwrap());
    let confirmed = confirm(shop, tokens, &code(&app, 0)).await.expect(200);
    let codes = confirmed["recovery_codes"].as_array().unwrap().iter();
    Enrolled {
        app,
        recovery_codes: codes.map(|it| it.as_str().unwrap().to_owned()).collect(),
    }
}

async fn log_in_by(shop: &Shop, password: &str, code: &str) -> Response {
    let body = json!({ "email": EMAIL, "password": password, "code": code });
    shop.call("POST", "/v1/auth/login", &body).await
}

/// Has the shop forget which code was the last, so that a test need not wait for the next.
async fn forget_codes(shop: &Shop, tokens: &Value) {
    let account = format!("ACCOUNT#{}", account_of(tokens));
    set(shop, &account, "TOTP", "last_step", json!({ "N": "0" })).await;
}

#[tokio::test]
async fn an_app_is_asked_for_codes_once_it_is_confirmed() {
    let shop = Shop::start().await;
    let tokens = account(&shop, EMAIL).await;
    // A code without an app is not looked at.
    log_in_by(&shop, PASSWORD, "000000").await.expect(200);
    confirm(&shop, &tokens, "000000")
        .await
        .expect_problem(404, "not_found");

    let started = start(&shop, &tokens).await;
    let secret = started["secret"].as_str().unwrap();
    assert_eq!(secret.len(), 32);
    let uri = started["uri"].as_str().unwrap();
    assert!(uri.starts_with("otpauth://totp/"), "{uri}");
    assert!(uri.contains(&format!("ada%40example.com?secret={secret}&issuer=")));
    // It is asked for nothing yet.
    log_in(&shop, EMAIL, PASSWORD).await.expect(200);
    let app = app_of(secret);
    let right = code(&app, 0);
    for wrong in [
        "",
        "x",
        &right[1..],
        &format!("{right}0"),
        &code(&app, 9),
        &"0".repeat(50_000),
    ] {
        let refused = confirm(&shop, &tokens, wrong).await;
        let problem = refused.expect_problem(422, "validation_failed");
        assert_eq!(problem["errors"][0]["field"], "code", "{wrong:.9}");
    }
    let confirmed = confirm(&shop, &tokens, &code(&app, 0)).await.expect(200);
    let codes = confirmed["recovery_codes"].as_array().unwrap();
    let different: BTreeSet<String> = codes.iter().map(Value::to_string).collect();
    assert_eq!(different.len(), 10, "{confirmed}");
    assert!(codes.iter().all(|it| it.as_str().unwrap().len() == 29));
    told(&shop, EMAIL, "An authenticator app was added").await;
    // Confirmed once.
    confirm(&shop, &tokens, &code(&app, 1))
        .await
        .expect_problem(404, "not_found");

    // The table has nothing that opens the account.
    let partition = format!("ACCOUNT#{}", account_of(&tokens));
    let stored = item(&shop, &partition, "TOTP").await.to_string();
    assert!(!stored.contains(secret), "{stored}");
    for code in codes {
        let digits = code.as_str().unwrap().replace('-', "");
        assert!(!stored.contains(&digits), "{stored}");
    }

    // By password alone, nobody gets in, and nobody learns of the app without it.
    log_in(&shop, EMAIL, PASSWORD)
        .await
        .expect_problem(401, "second_factor_required");
    log_in(&shop, EMAIL, "a wrong password")
        .await
        .expect_problem(401, "invalid_credentials");
    let next = code(&app, 1);
    log_in_by(&shop, "a wrong password", &next)
        .await
        .expect_problem(401, "invalid_credentials");
    for wrong in ["", "x", "00000", &code(&app, 9), &"0".repeat(50_000)] {
        log_in_by(&shop, PASSWORD, wrong)
            .await
            .expect_problem(401, "invalid_credentials");
    }
    let spaced = format!("{} {}", &next[..3], &next[3..]);
    let answers = [&next, &spaced].map(|code| log_in_by(&shop, PASSWORD, code));
    let answers = join_all(answers).await;
    let mut statuses: Vec<u16> = answers.iter().map(|it| it.status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 401], "a code is used once");
    for spent in [&next, &right] {
        log_in_by(&shop, PASSWORD, spent)
            .await
            .expect_problem(401, "invalid_credentials");
    }
}

#[tokio::test]
async fn a_recovery_code_stands_in_for_the_app_once() {
    let shop = Shop::start().await;
    let tokens = account(&shop, EMAIL).await;
    let enrolled = enroll(&shop, &tokens).await;
    let codes = &enrolled.recovery_codes;
    log_in_by(&shop, "a wrong password", &codes[0])
        .await
        .expect_problem(401, "invalid_credentials");
    let answers = [(); 3].map(|()| log_in_by(&shop, PASSWORD, &codes[0]));
    let answers = join_all(answers).await;
    let mut statuses: Vec<u16> = answers.iter().map(|it| it.status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 401, 401]);
    told(&shop, EMAIL, "A recovery code was used").await;
    // However it is typed.
    let typed = codes[1].to_lowercase().replace('-', " ");
    log_in_by(&shop, PASSWORD, &typed).await.expect(200);
    for code in codes.iter().skip(2) {
        log_in_by(&shop, PASSWORD, code).await.expect(200);
    }
    for code in codes {
        log_in_by(&shop, PASSWORD, code)
            .await
            .expect_problem(401, "invalid_credentials");
    }
    // The app goes on.
    let next = code(&enrolled.app, 1);
    log_in_by(&shop, PASSWORD, &next).await.expect(200);
}

/// How many mails say that codes were guessed.
async fn warnings(shop: &Shop) -> usize {
    let mails = shop.mails_to(EMAIL).await;
    let warns = |mail: &&Value| mail.to_string().contains("Somebody has tried many codes");
    mails.iter().filter(warns).count()
}

/// Kind of fault: many networks, each within its own limits, guess the codes of one account.
#[tokio::test]
async fn codes_of_an_account_are_guessed_so_often_and_no_more() {
    let shop = Shop::start().await;
    let tokens = account(&shop, EMAIL).await;
    let Enrolled {
        app,
        recovery_codes,
    } = enroll(&shop, &tokens).await;
    let limit = json!({ "sign_in_code": { "requests": 3, "seconds": 86_400 } });
    shop.set(&json!({ "limits": limit })).await;
    let restarted = ["log-in".to_owned()];
    shop.stack().lambda.restart(Some(&restarted)).await;
    let (right, wrong) = (code(&app, 1), code(&app, 9));
    // Without the password nobody uses it up, and what cannot be a code is not guessed.
    for _ in 0..4 {
        for (password, code) in [
            ("a wrong password", &*wrong),
            (PASSWORD, "x"),
            (PASSWORD, &wrong[1..]),
            (PASSWORD, "0000-1111-ZZZZ-ZZZZ-ZZZZ-ZZZZ"),
        ] {
            log_in_by(&shop, password, code)
                .await
                .expect_problem(401, "invalid_credentials");
        }
    }
    log_in_by(&shop, PASSWORD, &right).await.expect(200);
    forget_codes(&shop, &tokens).await;
    for _ in 0..3 {
        log_in_by(&shop, PASSWORD, &wrong)
            .await
            .expect_problem(401, "invalid_credentials");
    }
    // Now a right code is no use either, in any process, and is told only to those who have the password.
    for _ in 0..2 {
        let refused = log_in_by(&shop, PASSWORD, &code(&app, 1)).await;
        refused.expect_problem(429, "rate_limited");
        let wait: u64 = refused.headers["retry-after"].parse().unwrap();
        assert!((1..=129_600).contains(&wait), "{wait}");
        shop.stack().lambda.restart(Some(&restarted)).await;
    }
    log_in_by(&shop, "a wrong password", &code(&app, 1))
        .await
        .expect_problem(401, "invalid_credentials");
    told(&shop, EMAIL, "Somebody has tried many codes").await;
    // The owner has other ways in, and is told once.
    log_in_by(&shop, PASSWORD, &recovery_codes[0])
        .await
        .expect(200);
    told(&shop, EMAIL, "A recovery code was used").await;
    assert_eq!(warnings(&shop).await, 1);
    // As after a time.
    let key = format!("ACCOUNT#{}", account_of(&tokens));
    let over = json!({ "N": runtime::now().as_second().to_string() });
    for name in ["suspended_until", "wrong_until"] {
        set(&shop, &key, "TOTP", name, over.clone()).await;
    }
    log_in_by(&shop, PASSWORD, &code(&app, 1)).await.expect(200);
}

#[tokio::test]
async fn guesses_at_the_same_time_are_counted_one_by_one() {
    let shop = Shop::start().await;
    let tokens = account(&shop, EMAIL).await;
    let enrolled = enroll(&shop, &tokens).await;
    let limit = json!({ "sign_in_code": { "requests": 4, "seconds": 86_400 } });
    shop.set(&json!({ "limits": limit })).await;
    let restarted = ["log-in".to_owned()];
    shop.stack().lambda.restart(Some(&restarted)).await;
    let wrong = code(&enrolled.app, 9);
    let guesses = [(); 8].map(|()| log_in_by(&shop, PASSWORD, &wrong));
    let answers = join_all(guesses).await;
    let mut statuses: Vec<u16> = answers.iter().map(|it| it.status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [401, 401, 401, 401, 429, 429, 429, 429]);
    log_in_by(&shop, PASSWORD, &code(&enrolled.app, 1))
        .await
        .expect_problem(429, "rate_limited");
    told(&shop, EMAIL, "Somebody has tried many codes").await;
    assert_eq!(warnings(&shop).await, 1);
}

#[tokio::test]
async fn staff_have_permissions_after_two_factors() {
    let shop = Shop::start().await;
    let tokens = account(&shop, EMAIL).await;
    promote(&shop, EMAIL, &tokens).await;
    let weak = log_in(&shop, EMAIL, PASSWORD).await.expect(200);
    assert_eq!(claims(&weak).get("perms"), None);
    let enrolled = enroll(&shop, &weak).await;
    let next = code(&enrolled.app, 1);
    let strong = log_in_by(&shop, PASSWORD, &next).await.expect(200);
    assert_eq!(claims(&strong)["perms"], json!([PERMISSION]));
    let code = &enrolled.recovery_codes[0];
    let recovered = log_in_by(&shop, PASSWORD, code).await.expect(200);
    assert_eq!(claims(&recovered)["perms"], json!([PERMISSION]));
    // The session that had one factor replaces none of them.
    with(&shop, &weak, "POST", TOTP, &Value::Null)
        .await
        .expect_problem(403, "reauthentication_required");
    let body = json!({ "password": PASSWORD });
    with(&shop, &weak, "DELETE", TOTP, &body)
        .await
        .expect_problem(403, "reauthentication_required");
    start(&shop, &recovered).await;
}

#[tokio::test]
async fn an_app_is_replaced_without_a_gap() {
    let shop = Shop::start().await;
    let tokens = account(&shop, EMAIL).await;
    let old = enroll(&shop, &tokens).await;
    let first = start(&shop, &tokens).await;
    let started = start(&shop, &tokens).await;
    assert_ne!(started["secret"], first["secret"]);
    let new = app_of(started["secret"].as_str().unwrap());
    // Until the new one is confirmed, the old one counts.
    log_in_by(&shop, PASSWORD, &code(&new, 0))
        .await
        .expect_problem(401, "invalid_credentials");
    let next = code(&old.app, 1);
    log_in_by(&shop, PASSWORD, &next).await.expect(200);
    let given_up = app_of(first["secret"].as_str().unwrap());
    confirm(&shop, &tokens, &code(&given_up, 0))
        .await
        .expect_problem(422, "validation_failed");
    let confirmed = confirm(&shop, &tokens, &code(&new, 0)).await.expect(200);
    forget_codes(&shop, &tokens).await;
    log_in_by(&shop, PASSWORD, &code(&old.app, 0))
        .await
        .expect_problem(401, "invalid_credentials");
    for code in &old.recovery_codes {
        log_in_by(&shop, PASSWORD, code)
            .await
            .expect_problem(401, "invalid_credentials");
    }
    log_in_by(&shop, PASSWORD, &code(&new, 0)).await.expect(200);
    let recovery = confirmed["recovery_codes"][9].as_str().unwrap();
    log_in_by(&shop, PASSWORD, recovery).await.expect(200);
}

#[tokio::test]
async fn an_app_is_removed_by_the_password() {
    let shop = Shop::start().await;
    let tokens = account(&shop, EMAIL).await;
    let remove = async |tokens: &Value, password: &str| {
        let body = json!({ "password": password });
        with(&shop, tokens, "DELETE", TOTP, &body).await
    };
    remove(&tokens, PASSWORD)
        .await
        .expect_problem(404, "not_found");
    start(&shop, &tokens).await;
    remove(&tokens, PASSWORD)
        .await
        .expect_problem(404, "not_found");
    enroll(&shop, &tokens).await;
    remove(&tokens, "a wrong password")
        .await
        .expect_problem(401, "invalid_credentials");
    log_in(&shop, EMAIL, PASSWORD)
        .await
        .expect_problem(401, "second_factor_required");
    let removed = remove(&tokens, PASSWORD).await;
    assert_eq!((removed.status, removed.text.as_str()), (204, ""));
    told(&shop, EMAIL, "The authenticator app was removed").await;
    log_in(&shop, EMAIL, PASSWORD).await.expect(200);
    remove(&tokens, PASSWORD)
        .await
        .expect_problem(404, "not_found");
    enroll(&shop, &tokens).await;
    log_in(&shop, EMAIL, PASSWORD)
        .await
        .expect_problem(401, "second_factor_required");
}

#[tokio::test]
async fn an_old_session_changes_no_app() {
    let shop = Shop::start().await;
    let tokens = account(&shop, EMAIL).await;
    let started = start(&shop, &tokens).await;
    let app = app_of(started["secret"].as_str().unwrap());
    age(&shop, &tokens).await;
    let right = json!({ "code": code(&app, 0) });
    let password = json!({ "password": PASSWORD });
    for (method, path, body) in [
        ("POST", TOTP, &Value::Null),
        ("POST", CONFIRM, &right),
        ("DELETE", TOTP, &password),
    ] {
        with(&shop, &tokens, method, path, body)
            .await
            .expect_problem(403, "reauthentication_required");
    }
    log_in(&shop, EMAIL, PASSWORD).await.expect(200);
    with(&shop, &tokens, "GET", "/v1/me", &Value::Null)
        .await
        .expect(200);
}

/// Without an app, the password is enough in any session.
#[tokio::test]
async fn an_old_session_replaces_no_password_and_no_address_of_an_account_with_an_app() {
    let shop = Shop::start().await;
    let tokens = account(&shop, EMAIL).await;
    age(&shop, &tokens).await;
    let address = json!({ "email": "ada@lovelace.example", "password": PASSWORD });
    let asked = with(&shop, &tokens, "POST", "/v1/me/email", &address).await;
    asked.expect(202);
    let link = json!({ "token": link_token(&shop, "ada@lovelace.example", 1).await });
    let tokens = log_in(&shop, EMAIL, PASSWORD).await.expect(200);
    enroll(&shop, &tokens).await;
    age(&shop, &tokens).await;
    // Nor one that asked for it before.
    shop.call("POST", "/v1/auth/email/confirm", &link)
        .await
        .expect_problem(400, "invalid_link");
    let new = json!({ "current_password": PASSWORD, "new_password": "another horse battery" });
    let password = json!({ "password": PASSWORD });
    for (method, path, body) in [
        ("POST", "/v1/me/email", &address),
        ("POST", "/v1/me/password", &new),
        ("DELETE", "/v1/me", &password),
    ] {
        with(&shop, &tokens, method, path, body)
            .await
            .expect_problem(403, "reauthentication_required");
    }
    log_in(&shop, EMAIL, PASSWORD)
        .await
        .expect_problem(401, "second_factor_required");
}

/// Kind of fault: one way in is guarded, and another is forgotten.
#[tokio::test]
async fn no_other_way_leads_around_the_app() {
    let shop = Shop::start().await;
    let tokens = account(&shop, EMAIL).await;
    let mut device = new_device(&shop);
    let path = "/v1/auth/passkeys/register/options";
    let options = with(&shop, &tokens, "POST", path, &Value::Null).await;
    let credential = device.register(&options.expect(200)).unwrap();
    let body = json!({ "credential": credential });
    with(&shop, &tokens, "POST", "/v1/auth/passkeys/register", &body)
        .await
        .expect(201);
    let enrolled = enroll(&shop, &tokens).await;

    // A passkey counts as two factors only if it asks for the person.
    let mut log_in_with = async |flags: u8| {
        device.says.flags = flags;
        let path = "/v1/auth/passkeys/login/options";
        let options = shop.send(shop.request("POST", path)).await.expect(200);
        let body = json!({ "credential": device.log_in(&options).unwrap() });
        shop.call("POST", "/v1/auth/passkeys/login", &body).await
    };
    log_in_with(PRESENT)
        .await
        .expect_problem(401, "invalid_credentials");
    log_in_with(PRESENT | VERIFIED).await.expect(200);

    // A new password by a mail's link.
    let ask = json!({ "email": EMAIL });
    let asked = shop.call("POST", "/v1/auth/password-reset", &ask).await;
    asked.expect(202);
    let link = shop
        .eventually("the link is there", async || {
            let mails = shop.mails_to(EMAIL).await;
            let is_reset = |mail: &&Value| mail.to_string().contains("#/account/reset?token=");
            mails.iter().find(is_reset).map(Value::to_string)
        })
        .await;
    let (_, token) = link.split_once("reset?token=").unwrap();
    let is_token = |c: &char| c.is_ascii_alphanumeric() || "-_.".contains(*c);
    let token: String = token.chars().take_while(is_token).collect();
    let password = "another horse battery";
    let body = json!({ "token": token, "password": password });
    let path = "/v1/auth/password-reset/confirm";
    let reset = shop.call("POST", path, &body).await;
    assert_eq!(reset.status, 204, "{}", reset.text);
    log_in(&shop, EMAIL, password)
        .await
        .expect_problem(401, "second_factor_required");
    let next = code(&enrolled.app, 1);
    let tokens = log_in_by(&shop, password, &next).await.expect(200);

    // A new address.
    let address = "ada@lovelace.example";
    let body = json!({ "email": address, "password": password });
    let asked = with(&shop, &tokens, "POST", "/v1/me/email", &body).await;
    asked.expect(202);
    let token = json!({ "token": link_token(&shop, address, 1).await });
    let path = "/v1/auth/email/confirm";
    let changed = shop.call("POST", path, &token).await;
    assert_eq!(changed.status, 204, "{}", changed.text);
    log_in(&shop, address, password)
        .await
        .expect_problem(401, "second_factor_required");
}

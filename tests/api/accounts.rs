//! Covers: register-account, verify-email, log-in, refresh-session, log-out, request-password-reset, reset-password, get-me,
//! change-me, delete-me, change-password, request-email-change, change-email, list-sessions, end-session, list-addresses,
//! create-address, change-address, delete-address, rotate-keys.

use domain::notifications::suppression::AddressHash;
use futures_util::future::join_all;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use testkit::{Response, Shop};

use crate::people::{account_of, claims, item, promote, set};

pub(crate) const PASSWORD: &str = "correct horse battery";

/// The token of the link in the last of `count` mails to an address.
pub(crate) async fn link_token(shop: &Shop, email: &str, count: usize) -> String {
    let mail = shop
        .eventually("the mail is there", async || {
            let mails = shop.mails_to(email).await;
            (mails.len() >= count).then(|| newest(mails))
        })
        .await;
    token_of(&mail)
}

fn newest(mut mails: Vec<Value>) -> Value {
    mails.sort_by_key(|mail| mail["sent_at"].as_str().unwrap_or_default().to_owned());
    mails.pop().unwrap()
}

fn token_of(mail: &Value) -> String {
    let text = mail.to_string();
    let (_, rest) = text.split_once("token=").expect("a link with a token");
    rest.chars()
        .take_while(|c| c.is_ascii_alphanumeric() || "-_.".contains(*c))
        .collect()
}

async fn register(shop: &Shop, email: &str) -> Response {
    let body = json!({ "email": email, "password": PASSWORD });
    shop.call("POST", "/v1/auth/register", &body).await
}

pub(crate) async fn log_in(shop: &Shop, email: &str, password: &str) -> Response {
    let body = json!({ "email": email, "password": password });
    shop.call("POST", "/v1/auth/login", &body).await
}

/// Registers and verifies an account, and signs it in.
pub(crate) async fn account(shop: &Shop, email: &str) -> Value {
    register(shop, email).await.expect(202);
    let token = link_token(shop, email, 1).await;
    let verified = shop
        .call("POST", "/v1/auth/verify", &json!({ "token": token }))
        .await;
    assert_eq!((verified.status, verified.text.as_str()), (204, ""));
    log_in(shop, email, PASSWORD).await.expect(200)
}

pub(crate) fn access(tokens: &Value) -> &str {
    tokens["access_token"].as_str().unwrap()
}

pub(crate) async fn with(
    shop: &Shop,
    tokens: &Value,
    method: &str,
    path: &str,
    body: &Value,
) -> Response {
    shop.call_with(access(tokens), method, path, body).await
}

async fn refresh(shop: &Shop, token: &str) -> Response {
    let body = json!({ "refresh_token": token });
    shop.call("POST", "/v1/auth/refresh", &body).await
}

#[tokio::test]
async fn an_account_from_registration_to_deletion() {
    let shop = Shop::start().await;
    let email = "ada@example.com";
    let tokens = account(&shop, email).await;
    assert_eq!(tokens["token_type"], "Bearer");
    assert_eq!(tokens["expires_in"], 900);
    // Nobody stores tokens, or data about a person.
    let signed_in = log_in(&shop, email, PASSWORD).await;
    let token = signed_in.expect(200)["refresh_token"].clone();
    let refreshed = refresh(&shop, token.as_str().unwrap()).await;
    refreshed.expect(200);
    let mut private = vec![signed_in, refreshed];
    for path in ["/v1/me", "/v1/me/addresses", "/v1/me/sessions"] {
        let seen = with(&shop, &tokens, "GET", path, &Value::Null).await;
        seen.expect(200);
        private.push(seen);
    }
    for answer in private {
        assert_eq!(answer.headers["cache-control"], "no-store");
    }
    let me = with(&shop, &tokens, "GET", "/v1/me", &Value::Null).await;
    let me = me.expect(200);
    assert_eq!(me["email"], email);
    assert_eq!(
        (&me["email_consent"], me.get("name")),
        (&json!(false), None)
    );

    // The profile, as a merge patch.
    let patch = json!({ "name": "  Ada   Lovelace ", "email_consent": true });
    let changed = with(&shop, &tokens, "PATCH", "/v1/me", &patch)
        .await
        .expect(200);
    assert_eq!(changed["name"], "Ada Lovelace");
    assert_eq!(changed["email_consent"], true);
    let none = with(&shop, &tokens, "PATCH", "/v1/me", &json!({}))
        .await
        .expect(200);
    assert_eq!(none, changed);
    let removed = json!({ "name": null });
    let removed = with(&shop, &tokens, "PATCH", "/v1/me", &removed)
        .await
        .expect(200);
    assert_eq!(removed.get("name"), None);
    with(
        &shop,
        &tokens,
        "PATCH",
        "/v1/me",
        &json!({ "name": "a\nb" }),
    )
    .await
    .expect_problem(422, "validation_failed");

    // Deletion takes the password, and everything goes.
    let wrong = json!({ "password": "not the password" });
    with(&shop, &tokens, "DELETE", "/v1/me", &wrong)
        .await
        .expect_problem(401, "invalid_credentials");
    let right = json!({ "password": PASSWORD });
    let deleted = with(&shop, &tokens, "DELETE", "/v1/me", &right).await;
    assert_eq!(deleted.status, 204, "{}", deleted.text);
    // Again, as by a client that got no answer, and with the access token, which has not expired.
    for (method, path, body) in [
        ("DELETE", "/v1/me", &right),
        ("GET", "/v1/me", &Value::Null),
        ("POST", "/v1/me/totp", &Value::Null),
        ("POST", "/v1/me/export", &Value::Null),
    ] {
        with(&shop, &tokens, method, path, body)
            .await
            .expect_problem(401, "unauthenticated");
    }
    log_in(&shop, email, PASSWORD)
        .await
        .expect_problem(401, "invalid_credentials");
    refresh(&shop, tokens["refresh_token"].as_str().unwrap())
        .await
        .expect_problem(401, "unauthenticated");
    // The address is free again.
    register(&shop, email).await.expect(202);
}

#[tokio::test]
async fn nobody_learns_whether_an_address_has_an_account() {
    let shop = Shop::start().await;
    account(&shop, "ada@example.com").await;
    let known = register(&shop, "ada@example.com").await;
    let unknown = register(&shop, "eve@example.com").await;
    assert_eq!((known.status, &known.text), (unknown.status, &unknown.text));
    let mail = shop
        .eventually("the owner is told", async || {
            let mails = shop.mails_to("ada@example.com").await;
            mails
                .into_iter()
                .find(|mail| mail.to_string().contains("already have an account"))
        })
        .await;
    assert!(!mail.to_string().contains("token="), "{mail}");

    let wrong = log_in(&shop, "ada@example.com", "not the password").await;
    let nobody = log_in(&shop, "nobody@example.com", PASSWORD).await;
    assert_eq!((wrong.status, &wrong.text), (nobody.status, &nobody.text));
    wrong.expect_problem(401, "invalid_credentials");
    for email in [
        "",
        "not an address",
        "ada@example.com\r\nBcc: x@example.com",
        &"x".repeat(5000),
    ] {
        log_in(&shop, email, PASSWORD)
            .await
            .expect_problem(401, "invalid_credentials");
    }
    for password in ["", "x", &"x".repeat(50_000), "correct horse battery\0"] {
        log_in(&shop, "ada@example.com", password)
            .await
            .expect_problem(401, "invalid_credentials");
    }

    let reset = |email: &'static str| {
        let shop = &shop;
        async move {
            let body = json!({ "email": email });
            shop.call("POST", "/v1/auth/password-reset", &body).await
        }
    };
    let known = reset("ada@example.com").await;
    let unknown = reset("nobody@example.com").await;
    assert_eq!((known.status, &known.text), (202, &unknown.text));
}

#[tokio::test]
async fn an_address_has_one_account_however_it_is_written() {
    let shop = Shop::start().await;
    let first = register(&shop, "Ada@Example.com").await;
    first.expect(202);
    let one = link_token(&shop, "Ada@example.com", 1).await;
    // Two registrations race: both links are right, and one account is made.
    register(&shop, "ada@example.com").await.expect(202);
    let two = link_token(&shop, "ada@example.com", 1).await;
    let verify = |token: String| {
        let shop = &shop;
        async move {
            let body = json!({ "token": token });
            shop.call("POST", "/v1/auth/verify", &body).await.status
        }
    };
    let mut outcomes = join_all([verify(one.clone()), verify(two)]).await;
    outcomes.sort_unstable();
    assert_eq!(outcomes, [204, 400]);
    log_in(&shop, "ADA@EXAMPLE.COM", PASSWORD).await.expect(200);
    // Another look does not make another account.
    let again = verify(one).await;
    assert!([204, 400].contains(&again), "{again}");
}

#[tokio::test]
async fn passwords_that_attackers_try_first_are_refused() {
    let shop = Shop::start().await;
    for (password, code) in [
        ("", "required"),
        ("x", "too_short"),
        ("password1", "breached_password"),
        ("PassWord1", "breached_password"),
        ("correct\u{0}horse", "invalid"),
        (&*"x".repeat(257), "too_long"),
    ] {
        let body = json!({ "email": "ada@example.com", "password": password });
        let refused = shop.call("POST", "/v1/auth/register", &body).await;
        let problem = refused.expect_problem(422, "validation_failed");
        assert_eq!(problem["errors"][0]["code"], code, "{password:.20}");
        assert!(!refused.text.contains("horse"), "{}", refused.text);
    }
    let large = json!({ "email": "ada@example.com", "password": "x".repeat(100_000) });
    shop.call("POST", "/v1/auth/register", &large)
        .await
        .expect_problem(413, "payload_too_large");
    for email in [
        "",
        "ada",
        "ada@",
        "a@b\r\nBcc: eve@example.com",
        "аda@exаmple.com",
    ] {
        let body = json!({ "email": email, "password": PASSWORD });
        shop.call("POST", "/v1/auth/register", &body)
            .await
            .expect_problem(422, "validation_failed");
    }
}

/// Kind of fault: the end of all sessions is known by the second, and voids the login that follows.
#[tokio::test]
async fn staff_who_sign_in_right_after_all_sessions_have_ended_are_signed_in() {
    let shop = Shop::start().await;
    let email = "ada@example.com";
    let tokens = account(&shop, email).await;
    promote(&shop, email, &tokens).await;
    let before = log_in(&shop, email, PASSWORD).await.expect(200);
    let everywhere = json!({ "everywhere": true });
    let out = with(&shop, &before, "POST", "/v1/auth/logout", &everywhere).await;
    assert_eq!(out.status, 204, "{}", out.text);
    let after = log_in(&shop, email, PASSWORD).await.expect(200);
    let me = async |tokens: &Value| with(&shop, tokens, "GET", "/v1/me", &Value::Null).await;
    shop.eventually("the end of the sessions is known", async || {
        (me(&before).await.status == 401).then_some(())
    })
    .await;
    me(&after).await.expect(200);
}

#[tokio::test]
async fn a_refresh_token_works_once_and_two_tabs_get_the_same_one() {
    let shop = Shop::start().await;
    let tokens = account(&shop, "ada@example.com").await;
    let first = tokens["refresh_token"].as_str().unwrap().to_owned();
    let pair = join_all([refresh(&shop, &first), refresh(&shop, &first)]).await;
    let [one, other] = &pair[..] else {
        unreachable!()
    };
    let second = one.expect(200)["refresh_token"].clone();
    assert_eq!(other.expect(200)["refresh_token"], second);
    let second = second.as_str().unwrap().to_owned();
    assert_ne!(second, first);
    let third = refresh(&shop, &second).await.expect(200)["refresh_token"].clone();

    // The first one has been replaced twice: somebody has a copy.
    refresh(&shop, &first)
        .await
        .expect_problem(401, "refresh_token_reused");
    refresh(&shop, third.as_str().unwrap())
        .await
        .expect_problem(401, "unauthenticated");
    shop.eventually("the owner is told", async || {
        let mails = shop.mails_to("ada@example.com").await;
        let told = |mail: &Value| mail.to_string().contains("signed out");
        mails.iter().any(told).then_some(())
    })
    .await;
    for garbage in [
        "",
        "x",
        &first[1..],
        &format!("{first}x"),
        &"A".repeat(50_000),
    ] {
        refresh(&shop, garbage)
            .await
            .expect_problem(401, "unauthenticated");
    }
    // Of another session of another account.
    let other = account(&shop, "bob@example.com").await;
    refresh(&shop, other["refresh_token"].as_str().unwrap())
        .await
        .expect(200);
}

#[tokio::test]
async fn sessions_are_seen_and_ended() {
    let shop = Shop::start().await;
    let first = account(&shop, "ada@example.com").await;
    let request = shop
        .request("POST", "/v1/auth/login")
        .header("User-Agent", "Phone/1.0");
    let body = json!({ "email": "ada@example.com", "password": PASSWORD });
    let second = shop.send(request.json(&body)).await.expect(200);
    shop.eventually("the new device is reported", async || {
        let mails = shop.mails_to("ada@example.com").await;
        let told = |mail: &Value| mail.to_string().contains("Phone/1.0");
        mails.iter().any(told).then_some(())
    })
    .await;

    let list = async |tokens: &Value| {
        let listed = with(&shop, tokens, "GET", "/v1/me/sessions", &Value::Null).await;
        listed.expect(200)["items"].as_array().unwrap().clone()
    };
    let sessions = list(&first).await;
    assert_eq!(sessions.len(), 2);
    assert_eq!(sessions[0]["device"], "Phone/1.0");
    assert_eq!(
        (&sessions[0]["current"], &sessions[1]["current"]),
        (&json!(false), &json!(true))
    );

    // Another's session cannot be ended, nor one that is not there.
    let other = account(&shop, "bob@example.com").await;
    let path = format!("/v1/me/sessions/{}", sessions[0]["id"].as_str().unwrap());
    with(&shop, &other, "DELETE", &path, &Value::Null)
        .await
        .expect_problem(404, "not_found");
    let ended = with(&shop, &first, "DELETE", &path, &Value::Null).await;
    assert_eq!(ended.status, 204);
    refresh(&shop, second["refresh_token"].as_str().unwrap())
        .await
        .expect_problem(401, "unauthenticated");
    assert_eq!(list(&first).await.len(), 1);

    // Signing out on one device, and everywhere.
    let third = log_in(&shop, "ada@example.com", PASSWORD).await.expect(200);
    let out = with(&shop, &third, "POST", "/v1/auth/logout", &Value::Null).await;
    assert_eq!(out.status, 204);
    refresh(&shop, third["refresh_token"].as_str().unwrap())
        .await
        .expect_problem(401, "unauthenticated");
    let fourth = log_in(&shop, "ada@example.com", PASSWORD).await.expect(200);
    let everywhere = json!({ "everywhere": true });
    let out = with(&shop, &fourth, "POST", "/v1/auth/logout", &everywhere).await;
    assert_eq!(out.status, 204, "{}", out.text);
    for tokens in [&first, &fourth] {
        refresh(&shop, tokens["refresh_token"].as_str().unwrap())
            .await
            .expect_problem(401, "unauthenticated");
    }
    log_in(&shop, "ada@example.com", PASSWORD).await.expect(200);
}

#[tokio::test]
async fn a_password_is_reset_by_the_link_once() {
    let shop = Shop::start().await;
    let tokens = account(&shop, "ada@example.com").await;
    let ask = async |email: &str| {
        let body = json!({ "email": email });
        shop.call("POST", "/v1/auth/password-reset", &body)
            .await
            .expect(202);
    };
    ask("ada@example.com").await;
    let token = link_token(&shop, "ada@example.com", 2).await;
    let confirm = async |token: &str, password: &str| {
        let body = json!({ "token": token, "password": password });
        shop.call("POST", "/v1/auth/password-reset/confirm", &body)
            .await
    };
    confirm(&token, "short")
        .await
        .expect_problem(422, "validation_failed");
    let (id, proof) = token.split_once('.').unwrap();
    for wrong in [
        String::new(),
        "x".to_owned(),
        format!("{id}."),
        format!("{id}.{}", "A".repeat(43)),
        format!("{}.{proof}", "0".repeat(26)),
        token.to_lowercase(),
    ] {
        confirm(&wrong, "another horse battery")
            .await
            .expect_problem(400, "invalid_link");
    }
    // A link of another purpose.
    let as_verification = json!({ "token": token });
    shop.call("POST", "/v1/auth/verify", &as_verification)
        .await
        .expect_problem(400, "invalid_link");

    let mut raced: Vec<u16> = join_all([
        confirm(&token, "another horse battery"),
        confirm(&token, "another horse battery"),
    ])
    .await
    .iter()
    .map(|it| it.status)
    .collect();
    raced.sort_unstable();
    assert_eq!(raced, [204, 400]);
    confirm(&token, "a third horse battery")
        .await
        .expect_problem(400, "invalid_link");
    log_in(&shop, "ada@example.com", PASSWORD)
        .await
        .expect_problem(401, "invalid_credentials");
    log_in(&shop, "ada@example.com", "another horse battery")
        .await
        .expect(200);
    // Sessions of before have ended.
    refresh(&shop, tokens["refresh_token"].as_str().unwrap())
        .await
        .expect_problem(401, "unauthenticated");

    // An older link is void once a newer one was used.
    ask("ada@example.com").await;
    let older = link_token(&shop, "ada@example.com", 4).await;
    ask("ada@example.com").await;
    let newer = link_token(&shop, "ada@example.com", 5).await;
    assert_ne!(older, newer);
    assert_eq!(confirm(&newer, "a fourth horse battery").await.status, 204);
    confirm(&older, "a fifth horse battery")
        .await
        .expect_problem(400, "invalid_link");
}

/// The kind of fault: after a root was lost, the accounts of before are told apart, and cannot be helped.
#[tokio::test]
async fn a_password_whose_pepper_is_gone_is_answered_like_a_wrong_one() {
    let shop = Shop::start().await;
    let email = "ada@example.com";
    account(&shop, email).await;
    let login = format!("LOGIN#{}", AddressHash::of(email));
    let mut password = item(&shop, &login, "LOGIN").await["password"].clone();
    password["M"]["pepper"] = json!({ "N": "9" });
    set(&shop, &login, "LOGIN", "password", password).await;

    let nobody = log_in(&shop, "nobody@example.com", PASSWORD).await;
    nobody.expect_problem(401, "invalid_credentials");
    for text in [PASSWORD, "not the password"] {
        let refused = log_in(&shop, email, text).await;
        assert_eq!((refused.status, &refused.text), (401, &nobody.text));
    }
    let log = shop.log();
    let reported = log.lines().filter(|line| line.contains("has no pepper"));
    let reported: Vec<&str> = reported.collect();
    assert_eq!(reported.len(), 1, "{reported:?}");
    assert!(reported[0].contains("ERROR") && !reported[0].contains("ada"));

    // Its owner sets a new one.
    let body = json!({ "email": email });
    let asked = shop.call("POST", "/v1/auth/password-reset", &body).await;
    asked.expect(202);
    let token = link_token(&shop, email, 2).await;
    let body = json!({ "token": token, "password": "another horse battery" });
    let path = "/v1/auth/password-reset/confirm";
    assert_eq!(shop.call("POST", path, &body).await.status, 204);
    let again = log_in(&shop, email, "another horse battery").await;
    again.expect(200);
}

#[tokio::test]
async fn the_owner_changes_password_and_address() {
    let shop = Shop::start().await;
    let first = account(&shop, "ada@example.com").await;
    let second = log_in(&shop, "ada@example.com", PASSWORD).await.expect(200);
    let change = async |current: &str, new: &str| {
        let body = json!({ "current_password": current, "new_password": new });
        with(&shop, &first, "POST", "/v1/me/password", &body).await
    };
    change("wrong", "another horse battery")
        .await
        .expect_problem(401, "invalid_credentials");
    change(PASSWORD, "password1")
        .await
        .expect_problem(422, "validation_failed");
    assert_eq!(change(PASSWORD, "another horse battery").await.status, 204);
    // This session goes on, and the others have ended.
    refresh(&shop, second["refresh_token"].as_str().unwrap())
        .await
        .expect_problem(401, "unauthenticated");
    let first = refresh(&shop, first["refresh_token"].as_str().unwrap())
        .await
        .expect(200);

    let body = json!({ "email": "ada@lovelace.example", "password": "another horse battery" });
    with(&shop, &first, "POST", "/v1/me/email", &body)
        .await
        .expect(202);
    let token = link_token(&shop, "ada@lovelace.example", 1).await;
    let confirm = json!({ "token": token });
    let confirmed = shop.call("POST", "/v1/auth/email/confirm", &confirm).await;
    assert_eq!(confirmed.status, 204, "{}", confirmed.text);
    shop.call("POST", "/v1/auth/email/confirm", &confirm)
        .await
        .expect_problem(400, "invalid_link");
    let me = with(&shop, &first, "GET", "/v1/me", &Value::Null)
        .await
        .expect(200);
    assert_eq!(me["email"], "ada@lovelace.example");
    log_in(&shop, "ada@example.com", "another horse battery")
        .await
        .expect_problem(401, "invalid_credentials");
    log_in(&shop, "ada@lovelace.example", "another horse battery")
        .await
        .expect(200);
    shop.eventually("the old address is told", async || {
        let mails = shop.mails_to("ada@example.com").await;
        let told = |mail: &Value| mail.to_string().contains("another address now");
        mails.iter().any(told).then_some(())
    })
    .await;
}

/// The kind of fault: a link that outlives the password which asked for it. A thief who knew it would keep the account.
#[tokio::test]
async fn a_new_password_voids_links_that_are_under_way() {
    let shop = Shop::start().await;
    let tokens = account(&shop, "ada@example.com").await;
    let body = json!({ "email": "eve@example.com", "password": PASSWORD });
    with(&shop, &tokens, "POST", "/v1/me/email", &body)
        .await
        .expect(202);
    let thiefs = link_token(&shop, "eve@example.com", 1).await;
    let reset = json!({ "email": "ada@example.com" });
    shop.call("POST", "/v1/auth/password-reset", &reset)
        .await
        .expect(202);
    let token = link_token(&shop, "ada@example.com", 2).await;
    let reset = json!({ "token": token, "password": "another horse battery" });
    let reset = shop
        .call("POST", "/v1/auth/password-reset/confirm", &reset)
        .await;
    assert_eq!(reset.status, 204, "{}", reset.text);
    // Also if the thief asked by a process whose clock is ahead, or with the old password just before the new one was there.
    let (id, _) = thiefs.split_once('.').unwrap();
    let key = format!("EMAIL_CHANGE#emc_{id}");
    let later = runtime::now() + SignedDuration::from_mins(1);
    let later = json!({ "S": later.to_string() });
    set(&shop, &key, "EMAIL_CHANGE", "created_at", later).await;
    shop.call(
        "POST",
        "/v1/auth/email/confirm",
        &json!({ "token": thiefs }),
    )
    .await
    .expect_problem(400, "invalid_link");
    log_in(&shop, "ada@example.com", "another horse battery")
        .await
        .expect(200);
}

#[tokio::test]
async fn cookies_count_from_pages_of_the_shop_only() {
    let shop = Shop::start().await;
    account(&shop, "ada@example.com").await;
    let body = json!({ "email": "ada@example.com", "password": PASSWORD, "cookies": true });
    // Another site must not sign its visitors in.
    for (name, value) in [
        ("Origin", "https://eve.example"),
        ("Sec-Fetch-Site", "cross-site"),
    ] {
        let request = shop.request("POST", "/v1/auth/login").header(name, value);
        shop.send(request.json(&body))
            .await
            .expect_problem(403, "cross_site_request");
    }
    let request = shop
        .request("POST", "/v1/auth/login")
        .header("Sec-Fetch-Site", "same-origin");
    let response = request.json(&body).send().await.unwrap();
    assert_eq!(response.status(), 200);
    let cookies: Vec<String> = response
        .headers()
        .get_all("set-cookie")
        .iter()
        .map(|it| it.to_str().unwrap().to_owned())
        .collect();
    assert_eq!(cookies.len(), 2, "{cookies:?}");
    for cookie in &cookies {
        for part in [
            "__Host-",
            "; Path=/",
            "; Secure",
            "; HttpOnly",
            "; SameSite=",
        ] {
            assert!(cookie.contains(part), "{cookie}");
        }
        assert!(!cookie.contains("Domain"), "{cookie}");
    }
    let sent: Vec<&str> = cookies
        .iter()
        .map(|it| it.split(';').next().unwrap())
        .collect();
    let (session, refresh_cookie) = (sent[0], sent[1]);
    let tokens: Value = response.json().await.unwrap();
    assert_eq!(
        (tokens.get("access_token"), tokens.get("refresh_token")),
        (None, None)
    );

    let me = shop.request("GET", "/v1/me").header("Cookie", session);
    shop.send(me).await.expect(200);
    let patch = async |site: Option<&str>| {
        let mut request = shop.request("PATCH", "/v1/me").header("Cookie", session);
        if let Some(site) = site {
            request = request.header("Sec-Fetch-Site", site);
        }
        shop.send(request.json(&json!({ "name": "Ada" }))).await
    };
    for site in [None, Some("cross-site"), Some("none"), Some("same-site")] {
        patch(site).await.expect_problem(403, "cross_site_request");
    }
    patch(Some("same-origin")).await.expect(200);
    // Two tokens, or one cookie twice.
    let bearer = log_in(&shop, "ada@example.com", PASSWORD).await.expect(200);
    let both = shop.request("GET", "/v1/me").header("Cookie", session);
    shop.send(both.bearer_auth(access(&bearer)))
        .await
        .expect_problem(401, "unauthenticated");
    let twice = format!("{session}; {session}");
    shop.send(shop.request("GET", "/v1/me").header("Cookie", twice))
        .await
        .expect_problem(401, "unauthenticated");

    let refreshed = async |site: &str| {
        let request = shop.request("POST", "/v1/auth/refresh");
        let request = request.header("Cookie", refresh_cookie);
        shop.send(request.header("Sec-Fetch-Site", site)).await
    };
    refreshed("cross-site")
        .await
        .expect_problem(403, "cross_site_request");
    let answer = refreshed("same-origin").await;
    assert_eq!(answer.expect(200).get("refresh_token"), None);
    assert!(answer.headers["set-cookie"].contains("__Host-"));
}

#[tokio::test]
async fn limits_stop_a_guesser_and_nobody_else() {
    let shop = Shop::start().await;
    account(&shop, "ada@example.com").await;
    account(&shop, "bob@example.com").await;
    shop.set(&json!({ "limits": { "sign_in": { "requests": 3, "seconds": 900 } } }))
        .await;
    shop.eventually("the limit applies", async || {
        let answer = log_in(&shop, "ada@example.com", "a wrong password").await;
        (answer.status == 429).then(|| answer.headers["retry-after"].clone())
    })
    .await;
    // The right password from here waits, too, in whatever spelling of the address; another account does not, and not one that
    // does not exist.
    for spelling in [
        "ADA@example.com",
        " ada@example.com",
        "ada\u{200B}@example.com",
        "ada@ex\u{AD}ample.com",
        "ada@example\u{3002}com",
        "ada@\u{FF45}xample.com",
        "ada+shop@example.com",
    ] {
        log_in(&shop, spelling, PASSWORD)
            .await
            .expect_problem(429, "rate_limited");
    }
    // What is not an address has no account.
    log_in(&shop, "Bob <bob@example.com>", PASSWORD)
        .await
        .expect_problem(401, "invalid_credentials");
    log_in(&shop, "bob@example.com", PASSWORD).await.expect(200);
    let limited = async || {
        for _ in 0..3 {
            log_in(&shop, "nobody@example.com", PASSWORD).await;
        }
        log_in(&shop, "nobody@example.com", PASSWORD).await
    };
    limited().await.expect_problem(429, "rate_limited");
}

/// Asserts that the link of a request works for so many minutes, and no longer.
async fn works_for(minutes: i64, shop: &Shop, path: &str, request: [&str; 2], body: &Value) {
    let [prefix, entity] = request;
    let token = body["token"].as_str().unwrap();
    let (id, _) = token.split_once('.').unwrap();
    let key = format!("{entity}#{prefix}{id}");
    let stored = item(shop, &key, entity).await;
    let made: Timestamp = stored["created_at"]["S"].as_str().unwrap().parse().unwrap();
    let end: i64 = stored["expires_at"]["N"].as_str().unwrap().parse().unwrap();
    // The old address is known for four weeks more.
    let kept = match entity {
        "EMAIL_CHANGE" => 28 * 24 * 60,
        _ => 0,
    };
    assert_eq!(end - made.as_second(), (minutes + kept) * 60, "{stored}");
    let ends_in = async |seconds: i64| {
        let end = runtime::now() + SignedDuration::from_secs(seconds);
        let made = end - SignedDuration::from_mins(minutes);
        for (name, value) in [
            ("created_at", json!({ "S": made.to_string() })),
            (
                "expires_at",
                json!({ "N": (end.as_second() + kept * 60).to_string() }),
            ),
        ] {
            set(shop, &key, entity, name, value).await;
        }
        shop.call("POST", path, body).await
    };
    ends_in(0).await.expect_problem(400, "invalid_link");
    let in_time = ends_in(60).await;
    assert_eq!(in_time.status, 204, "{path}: {}", in_time.text);
}

/// Kind of fault: the link of an old mail still makes an account, sets a password or replaces an address.
#[tokio::test]
async fn links_that_have_expired_complete_nothing() {
    const DAY: i64 = 24 * 60;
    let shop = Shop::start().await;
    let (email, new) = ("ada@example.com", "another horse battery");
    register(&shop, email).await.expect(202);
    let verify = json!({ "token": link_token(&shop, email, 1).await });
    let registration = ["reg_", "REGISTRATION"];
    works_for(DAY, &shop, "/v1/auth/verify", registration, &verify).await;

    let ask = json!({ "email": email });
    shop.call("POST", "/v1/auth/password-reset", &ask)
        .await
        .expect(202);
    let reset = json!({ "token": link_token(&shop, email, 2).await, "password": new });
    let confirm = "/v1/auth/password-reset/confirm";
    works_for(60, &shop, confirm, ["rst_", "RESET"], &reset).await;

    let tokens = log_in(&shop, email, new).await.expect(200);
    let change = json!({ "email": "ada@lovelace.example", "password": new });
    with(&shop, &tokens, "POST", "/v1/me/email", &change)
        .await
        .expect(202);
    let token = link_token(&shop, "ada@lovelace.example", 1).await;
    let change = ["emc_", "EMAIL_CHANGE"];
    let token = json!({ "token": token });
    works_for(DAY, &shop, "/v1/auth/email/confirm", change, &token).await;
    log_in(&shop, "ada@lovelace.example", new).await.expect(200);
}

/// Kind of fault: a session goes on for as long as somebody has its token.
#[tokio::test]
async fn a_session_ends_if_it_is_not_refreshed_and_after_its_time() {
    let shop = Shop::start().await;
    let tokens = account(&shop, "ada@example.com").await;
    let key = format!("ACCOUNT#{}", account_of(&tokens));
    let session = |tokens: &Value| format!("SESSION#{}", claims(tokens)["sid"].as_str().unwrap());
    let past = runtime::now().as_second() - 1;

    // Idle for as long as it may be: the time of the last refresh, and what follows from it.
    let sk = session(&tokens);
    let idle = runtime::now() - SignedDuration::from_hours(24 * 30);
    let idle = json!({ "S": idle.to_string() });
    set(&shop, &key, &sk, "rotated_at", idle).await;
    let expired = json!({ "N": past.to_string() });
    set(&shop, &key, &sk, "expires_at", expired.clone()).await;
    refresh(&shop, tokens["refresh_token"].as_str().unwrap())
        .await
        .expect_problem(401, "unauthenticated");

    // However often it was refreshed.
    let tokens = log_in(&shop, "ada@example.com", PASSWORD).await.expect(200);
    let tokens = refresh(&shop, tokens["refresh_token"].as_str().unwrap())
        .await
        .expect(200);
    set(&shop, &key, &session(&tokens), "ends_at", expired).await;
    refresh(&shop, tokens["refresh_token"].as_str().unwrap())
        .await
        .expect_problem(401, "unauthenticated");
    log_in(&shop, "ada@example.com", PASSWORD).await.expect(200);
}

/// A refresh token is bound to no device: browsers change their names with each update, and networks change all the time. It
/// works once, and this uncovers a thief.
#[tokio::test]
async fn a_refresh_token_works_on_whichever_device_has_it() {
    let shop = Shop::start().await;
    let tokens = account(&shop, "ada@example.com").await;
    let request = shop.request("POST", "/v1/auth/refresh");
    let request = request.header("User-Agent", "Phone/1.0");
    let body = json!({ "refresh_token": tokens["refresh_token"] });
    let elsewhere = shop.send(request.json(&body)).await.expect(200);
    assert_eq!(claims(&elsewhere)["sid"], claims(&tokens)["sid"]);
    // The owner sees the device of the login.
    let listed = with(&shop, &elsewhere, "GET", "/v1/me/sessions", &Value::Null).await;
    let listed = listed.expect(200)["items"].clone();
    assert_eq!(listed.as_array().unwrap().len(), 1);
    assert_ne!(listed[0]["device"], "Phone/1.0");
}

/// Kind of fault: a text that nobody types takes the memory or the time of a hash.
#[tokio::test]
async fn a_password_of_any_size_is_refused_before_it_costs_anything() {
    let shop = Shop::start().await;
    account(&shop, "ada@example.com").await;
    let reset = json!({ "email": "ada@example.com" });
    shop.call("POST", "/v1/auth/password-reset", &reset)
        .await
        .expect(202);
    let token = link_token(&shop, "ada@example.com", 2).await;
    // More than a function takes, and more than the gateway.
    for characters in [70_000, 10_000_000] {
        let password = "x".repeat(characters);
        for (path, mut body) in [
            ("/v1/auth/login", json!({ "email": "ada@example.com" })),
            ("/v1/auth/register", json!({ "email": "bob@example.com" })),
            ("/v1/auth/password-reset/confirm", json!({ "token": token })),
        ] {
            body["password"] = json!(password);
            let answer = shop.call("POST", path, &body).await;
            answer.expect_problem(413, "payload_too_large");
        }
    }
    log_in(&shop, "ada@example.com", PASSWORD).await.expect(200);
}

/// Kind of fault: two pages of one person overwrite each other's change.
#[tokio::test]
async fn a_profile_is_changed_and_read_by_its_version() {
    let shop = Shop::start().await;
    let tokens = account(&shop, "ada@example.com").await;
    let request = |method: &str, header: &str, tag: &str| {
        let request = shop.request(method, "/v1/me").bearer_auth(access(&tokens));
        request.header(header, tag)
    };
    let me = with(&shop, &tokens, "GET", "/v1/me", &Value::Null).await;
    let before = me.headers["etag"].clone();
    let change = async |tag: &str, name: &str| {
        let request = request("PATCH", "If-Match", tag).json(&json!({ "name": name }));
        shop.send(request).await
    };
    let changed = change(&before, "Ada").await;
    changed.expect(200);
    let now = changed.headers["etag"].clone();
    assert_ne!(now, before);
    change(&before, "Eve")
        .await
        .expect_problem(412, "precondition_failed");
    change("x", "Eve").await.expect_problem(400, "bad_request");
    change("*", "Ada L.").await.expect(200);
    let me = with(&shop, &tokens, "GET", "/v1/me", &Value::Null).await;
    assert_eq!(me.expect(200)["name"], "Ada L.");
    let tag = &me.headers["etag"];
    let same = shop.send(request("GET", "If-None-Match", tag)).await;
    assert_eq!((same.status, &*same.text), (304, ""));
    let other = shop.send(request("GET", "If-None-Match", &now)).await;
    other.expect(200);
}

/// Kind of fault: a change of one thing is refused because another has changed at the same time.
#[tokio::test]
async fn a_password_is_changed_beside_other_changes_of_the_account() {
    let shop = Shop::start().await;
    let tokens = account(&shop, "ada@example.com").await;
    let new = "another horse battery";
    let password = json!({ "current_password": PASSWORD, "new_password": new });
    let names = (0..3).map(|number| json!({ "name": format!("Ada {number}") }));
    let names: Vec<Value> = names.collect();
    let renamed = names
        .iter()
        .map(|name| with(&shop, &tokens, "PATCH", "/v1/me", name));
    let changed = with(&shop, &tokens, "POST", "/v1/me/password", &password);
    let (changed, _) = tokio::join!(changed, futures_util::future::join_all(renamed));
    assert_eq!(changed.status, 204, "{}", changed.text);
    log_in(&shop, "ada@example.com", new).await.expect(200);
    // Of two at once, the second finds that the password it was given is not the one any more.
    let back = json!({ "current_password": new, "new_password": PASSWORD });
    let raced = futures_util::future::join_all(
        (0..2).map(|_| with(&shop, &tokens, "POST", "/v1/me/password", &back)),
    );
    let mut statuses: Vec<u16> = raced.await.iter().map(|it| it.status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [204, 401]);
}

#[tokio::test]
async fn the_keys_are_public_where_other_services_look() {
    let shop = Shop::start().await;
    let tokens = account(&shop, "ada@example.com").await;
    let set = shop.get("/.well-known/jwks.json").await.expect(200);
    let keys = set["keys"].as_array().unwrap();
    assert_eq!(keys.len(), 3);
    let header = access(&tokens).split('.').next().unwrap();
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
    let header: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(header).unwrap()).unwrap();
    assert_eq!(
        (&header["typ"], &header["alg"]),
        (&json!("at+jwt"), &json!("EdDSA"))
    );
    assert!(
        keys.iter().any(|key| key["kid"] == header["kid"]),
        "{header} {set}"
    );
    assert!(!set.to_string().contains("\"d\""));
}

#[tokio::test]
async fn an_address_book_has_one_default_of_each_kind() {
    let shop = Shop::start().await;
    let ada = account(&shop, "ada@example.com").await;
    let bob = account(&shop, "bob@example.com").await;
    let address = |name: &str| {
        json!({
            "name": name, "line1": "12 St James's Square", "city": "London",
            "postal_code": "SW1Y 4JH", "country": "GB",
        })
    };
    let book = "/v1/me/addresses";
    let add = async |body: Value| with(&shop, &ada, "POST", book, &body).await;
    let home = add(json!({ "address": address("Home") })).await.expect(201);
    assert_eq!(
        (&home["default_shipping"], &home["default_billing"]),
        (&json!(true), &json!(true))
    );
    let work = json!({ "address": address("Work"), "default_shipping": true });
    let work = add(work).await;
    let path = work.headers["location"].clone();
    work.expect(201);
    let list = async || {
        let listed = with(&shop, &ada, "GET", book, &Value::Null)
            .await
            .expect(200);
        let items = listed["items"].as_array().unwrap().clone();
        let seen = items.iter().map(|it| {
            let name = it["address"]["name"].as_str().unwrap().to_owned();
            (
                name,
                it["default_shipping"] == true,
                it["default_billing"] == true,
            )
        });
        seen.collect::<Vec<_>>()
    };
    let both = [
        ("Home".to_owned(), false, true),
        ("Work".to_owned(), true, false),
    ];
    assert_eq!(list().await, both);

    // Two changes at once: both are there afterwards.
    let changes = join_all([
        add(json!({ "address": address("Third"), "default_billing": true })),
        add(json!({ "address": address("Fourth"), "default_billing": true })),
    ])
    .await;
    changes.iter().for_each(|it| {
        it.expect(201);
    });
    let listed = list().await;
    assert_eq!(listed.len(), 4);
    assert_eq!(listed.iter().filter(|it| it.2).count(), 1);

    // What orders refuse, the book refuses; and it is nobody else's.
    for (body, field) in [
        (
            json!({ "address": { "name": "", "line1": "x", "country": "GB" } }),
            "address.name",
        ),
        (
            json!({ "address": { "name": "A", "line1": "x", "country": "XX" } }),
            "address.country",
        ),
    ] {
        let problem = add(body).await.expect_problem(422, "validation_failed");
        assert!(problem.to_string().contains(field), "{problem}");
    }
    let changed = json!({ "address": address("Office") });
    with(&shop, &bob, "PUT", &path, &changed)
        .await
        .expect_problem(404, "not_found");
    with(&shop, &bob, "DELETE", &path, &Value::Null)
        .await
        .expect_problem(404, "not_found");
    let office = with(&shop, &ada, "PUT", &path, &changed).await.expect(200);
    assert_eq!(office["default_shipping"], true);
    assert_eq!(
        with(&shop, &ada, "DELETE", &path, &Value::Null)
            .await
            .status,
        204
    );
    with(&shop, &ada, "DELETE", &path, &Value::Null)
        .await
        .expect_problem(404, "not_found");
    shop.send(shop.request("GET", book))
        .await
        .expect_problem(401, "unauthenticated");
}

//! Covers: register-account, verify-email, log-in, refresh-session, get-me, create-address, list-addresses, list-sessions,
//! request-password-reset, reset-password, log-out, delete-me, rotate-keys.

use serde_json::{Value, json};
use testkit::Shop;

/// The token of the link in the newest mail of this subject.
pub(crate) async fn token(shop: &Shop, email: &str, about: &str) -> String {
    let mail = shop
        .eventually(about, async || {
            let mails = shop.mails_to(email).await;
            mails
                .into_iter()
                .find(|mail| mail.to_string().contains(about))
        })
        .await;
    let text = mail.to_string();
    let (_, rest) = text.split_once("token=").unwrap();
    rest.chars()
        .take_while(|c| c.is_ascii_alphanumeric() || "-_.".contains(*c))
        .collect()
}

#[tokio::test]
async fn account() {
    let shop = Shop::deployed_or_started().await;
    let (email, password) = ("grace@example.com", "correct horse battery");
    let credentials = json!({ "email": email, "password": password });
    shop.call("POST", "/v1/auth/register", &credentials)
        .await
        .expect(202);
    let verify = json!({ "token": token(&shop, email, "Confirm your address").await });
    let verified = shop.call("POST", "/v1/auth/verify", &verify).await;
    assert_eq!(verified.status, 204, "{}", verified.text);

    let tokens = shop
        .call("POST", "/v1/auth/login", &credentials)
        .await
        .expect(200);
    let as_grace = async |tokens: &Value, method: &str, path: &str, body: &Value| {
        let access = tokens["access_token"].as_str().unwrap();
        shop.call_with(access, method, path, body).await
    };
    // On a deployed shop, a process may be a few seconds behind the keys that were just published.
    let me = shop
        .eventually("the token is known", async || {
            let me = as_grace(&tokens, "GET", "/v1/me", &Value::Null).await;
            (me.status == 200).then(|| me.json())
        })
        .await;
    assert_eq!(me["email"], email);
    let address = json!({ "address": {
        "name": "Grace Hopper", "line1": "1 Navy Yard", "city": "Arlington", "region": "VA",
        "postal_code": "22202", "country": "US",
    } });
    as_grace(&tokens, "POST", "/v1/me/addresses", &address)
        .await
        .expect(201);
    let book = as_grace(&tokens, "GET", "/v1/me/addresses", &Value::Null).await;
    assert_eq!(book.expect(200)["items"].as_array().unwrap().len(), 1);

    let refresh = json!({ "refresh_token": tokens["refresh_token"] });
    let tokens = shop
        .call("POST", "/v1/auth/refresh", &refresh)
        .await
        .expect(200);
    let sessions = as_grace(&tokens, "GET", "/v1/me/sessions", &Value::Null).await;
    assert_eq!(sessions.expect(200)["items"].as_array().unwrap().len(), 1);

    shop.call(
        "POST",
        "/v1/auth/password-reset",
        &json!({ "email": email }),
    )
    .await
    .expect(202);
    let link = token(&shop, email, "Set a new password").await;
    let reset = json!({ "token": link, "password": "another horse battery" });
    let reset = shop
        .call("POST", "/v1/auth/password-reset/confirm", &reset)
        .await;
    assert_eq!(reset.status, 204, "{}", reset.text);
    let refresh = json!({ "refresh_token": tokens["refresh_token"] });
    shop.call("POST", "/v1/auth/refresh", &refresh)
        .await
        .expect_problem(401, "unauthenticated");

    let credentials = json!({ "email": email, "password": "another horse battery" });
    let log_in = async || {
        let tokens = shop.call("POST", "/v1/auth/login", &credentials).await;
        tokens.expect(200)
    };
    let out = as_grace(&log_in().await, "POST", "/v1/auth/logout", &json!({})).await;
    assert_eq!(out.status, 204, "{}", out.text);
    let gone = json!({ "password": "another horse battery" });
    let gone = as_grace(&log_in().await, "DELETE", "/v1/me", &gone).await;
    assert_eq!(gone.status, 204, "{}", gone.text);
    shop.call("POST", "/v1/auth/login", &credentials)
        .await
        .expect_problem(401, "invalid_credentials");
}

//! The fault matrix of the deletion of an account that has all factors: every fault, at every call of a process that has just begun.
//! Either the account is as it was, and its owner can sign in, or it is gone and in the end nothing is left of it.
//!
//! Covers: delete-me, export-account.

use domain::notifications::suppression::AddressHash;
use local::authenticator::Authenticator;
use serde_json::{Value, json};
use testkit::{Response, app_of};

use crate::{
    intercepted::{insist, insist_with},
    sign_in::{PASSWORD, World, email_of, text},
};

/// Somebody of the staff who has an app and a passkey, and has asked for the deletion once.
struct Asked {
    email: String,
    account: String,
    /// Of the session that has asked.
    token: String,
    recovery_codes: Vec<String>,
    device: Authenticator,
    passkey: String,
    answer: Response,
}

impl Asked {
    async fn delete(world: &World, token: &str) -> Response {
        let request = world.shop().request("DELETE", "/v1/me").bearer_auth(token);
        let request = request.json(&json!({ "password": PASSWORD }));
        world.shop().send(request).await
    }

    async fn new(world: &World, name: &str) -> Self {
        let email = email_of(name);
        world.account(&email).await;
        let tokens = world.session(&email).await;
        let token = text(&tokens, "access_token");
        let post = async |path: &str, body: &Value| {
            let request = world.shop().request("POST", path).bearer_auth(token);
            world.shop().send(request.json(body)).await
        };
        let mut device = Authenticator::new(&world.shop().address).unwrap();
        let options = post("/v1/auth/passkeys/register/options", &json!({})).await;
        let credential = device.register(&options.expect(200)).unwrap();
        let body = json!({ "credential": credential });
        let passkey = post("/v1/auth/passkeys/register", &body).await.expect(201);
        let started = post("/v1/me/totp", &json!({})).await.expect(200);
        let code = app_of(text(&started, "secret")).code_at(runtime::now());
        let confirmed = post("/v1/me/totp/confirm", &json!({ "code": code })).await;
        let confirmed = confirmed.expect(200);
        let codes = confirmed["recovery_codes"].as_array().unwrap().iter();
        let recovery_codes: Vec<String> = codes.map(|it| it.as_str().unwrap().to_owned()).collect();
        let account = text(&world.me(&tokens).await, "id").to_owned();
        promote(world, &email, &account).await;
        let signed_in = log_in(world, &email, &recovery_codes[0]).await.expect(200);
        let token = text(&signed_in, "access_token").to_owned();
        let answer = Self::delete(world, &token).await;
        Self {
            email,
            account,
            token,
            recovery_codes,
            device,
            passkey: text(&passkey, "id").to_owned(),
            answer,
        }
    }

    async fn log_in_with_passkey(&mut self, world: &World) -> Response {
        let path = "/v1/auth/passkeys/login/options";
        let options = insist(world.shop(), None, "POST", path, &json!({})).await;
        let credential = self.device.log_in(&options.expect(200)).unwrap();
        let body = json!({ "credential": credential });
        let path = "/v1/auth/passkeys/login";
        insist(world.shop(), None, "POST", path, &body).await
    }

    /// Asserts that the account is guarded as before, and deletes it with its second factor.
    async fn must_be_whole(&mut self, world: &World, name: &str) {
        let weak = world.log_in(&self.email, PASSWORD).await;
        weak.expect_problem(401, "second_factor_required");
        self.log_in_with_passkey(world).await.expect(200);
        let code = &self.recovery_codes[1];
        let tokens = log_in(world, &self.email, code).await.expect(200);
        let deleted = Self::delete(world, text(&tokens, "access_token")).await;
        assert_eq!(deleted.status, 204, "{name}: {}", deleted.text);
    }

    /// Asserts that nobody signs in any more, and that in the end nothing is left.
    async fn must_be_gone(&mut self, world: &World, name: &str) {
        let again = insist_with(world.shop(), || {
            let request = world.shop().request("DELETE", "/v1/me");
            let request = request.bearer_auth(&self.token);
            request.json(&json!({ "password": PASSWORD }))
        });
        again.await.expect_problem(401, "unauthenticated");
        let refused = world.log_in(&self.email, PASSWORD).await;
        refused.expect_problem(401, "invalid_credentials");
        let refused = self.log_in_with_passkey(world).await;
        refused.expect_problem(401, "invalid_credentials");
        let what = format!("{name}: nothing is left");
        let cleared = world.shop().eventually(&what, async || {
            let pointer = format!("PASSKEY#{}", self.passkey);
            let pointer = world.item(&pointer, "PASSKEY").await;
            let left = belongings(world, &self.account).await;
            (left == ["ACCOUNT"] && pointer.is_null()).then_some(())
        });
        cleared.await;
        let login = format!("LOGIN#{}", AddressHash::of(&self.email));
        assert!(world.item(&login, "LOGIN").await.is_null(), "{name}");
    }
}

async fn log_in(world: &World, email: &str, code: &str) -> Response {
    let body = json!({ "email": email, "password": PASSWORD, "code": code });
    insist(world.shop(), None, "POST", "/v1/auth/login", &body).await
}

async fn set(world: &World, pk: &str, sk: &str, name: &str, value: &Value) {
    let request = json!({
        "TableName": world.shop().stack().template.table["TableName"],
        "Key": { "PK": { "S": pk }, "SK": { "S": sk } },
        "UpdateExpression": "SET #name = :value",
        "ConditionExpression": "attribute_exists(PK)",
        "ExpressionAttributeNames": { "#name": name },
        "ExpressionAttributeValues": { ":value": value },
    });
    world.shop().table("UpdateItem", &request).await;
}

/// Makes a person one of staff.
async fn promote(world: &World, email: &str, account: &str) {
    let permissions = json!({ "L": [{ "S": "orders:read" }] });
    let staff = json!({ "M": { "role": { "S": "clerk" }, "permissions": permissions } });
    let account = format!("ACCOUNT#{account}");
    set(world, &account, "ACCOUNT", "staff", &staff).await;
    let login = format!("LOGIN#{}", AddressHash::of(email));
    set(world, &login, "LOGIN", "is_staff", &json!({ "BOOL": true })).await;
}

/// Sort keys of the items in the partition of an account.
async fn belongings(world: &World, account: &str) -> Vec<String> {
    let query = json!({
        "TableName": world.shop().stack().template.table["TableName"], "ConsistentRead": true,
        "KeyConditionExpression": "PK = :pk",
        "ExpressionAttributeValues": { ":pk": { "S": format!("ACCOUNT#{account}") } },
    });
    let found = world.shop().table("Query", &query).await;
    let items = found["Items"].as_array().unwrap().iter();
    items
        .map(|item| item["SK"]["S"].as_str().unwrap().to_owned())
        .collect()
}

/// Kind of fault: the factors are gone and the account is there: nobody has the code that a login asks for, and of staff
/// whoever has the password adds a factor.
#[tokio::test]
async fn an_account_is_deleted_as_a_whole_or_not_at_all_whatever_fails() {
    let world = World::start().await;
    let ask = async |name: &str| Asked::new(&world, name).await;
    let check = async |name: &str, mut asked: Asked| {
        let account = format!("ACCOUNT#{}", asked.account);
        let account = world.item(&account, "ACCOUNT").await;
        let is_whole = account["last_change"]["M"]["kind"]["S"] != "erased";
        let status = asked.answer.status;
        assert!(
            status >= 500 || status == 204,
            "{name}: {}",
            asked.answer.text
        );
        if is_whole {
            assert_ne!(status, 204, "{name}");
            asked.must_be_whole(&world, name).await;
        }
        asked.must_be_gone(&world, name).await;
    };
    let calls = world.every_call("delete-me", ask, check).await;
    // The keys of tokens, the account, the secret, the login, the session and the passkeys, the transaction, and the end of tokens.
    assert!(calls >= 8, "{calls} calls");
}

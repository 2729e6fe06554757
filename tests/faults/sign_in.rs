//! The fault matrix of signing in: every fault, at every call of a process that has just begun, from the registration to the logout.
//! The client sends the request again, and then it has happened once, whatever happened in between.
//!
//! Covers: register-account, verify-email, log-in, refresh-session, log-out, request-password-reset, reset-password,
//! change-password, change-email, start-passkey-login, invite-staff.

use domain::notifications::suppression::AddressHash;
use serde_json::{Value, json};
use testkit::{Fault, Response, Shop};

use crate::{
    injected,
    intercepted::{Intercepted, insist, insist_with},
};

pub(crate) const PASSWORD: &str = "correct horse battery";
/// More calls than any of the functions makes.
const TOO_MANY: usize = 20;

/// A shop whose accounts are made and used by requests.
pub(crate) struct World(pub(crate) Intercepted);

impl World {
    pub(crate) async fn start() -> Self {
        Self(Intercepted::start().await)
    }

    pub(crate) fn shop(&self) -> &Shop {
        &self.0.shop
    }

    /// Sends a request, again until there is an answer.
    pub(crate) async fn post(&self, step: &str, token: Option<&str>, body: &Value) -> Response {
        let path = format!("/v1/auth/{step}");
        insist(self.shop(), token, "POST", &path, body).await
    }

    async fn register(&self, email: &str) {
        let body = json!({ "email": email, "password": PASSWORD });
        self.post("register", None, &body).await.expect(202);
    }

    /// The tokens of the links in the mails to an address, once there is one.
    pub(crate) async fn links(&self, email: &str) -> Vec<String> {
        let mails = self.shop().eventually("the mail is there", async || {
            let mails = self.shop().mails_to(email).await;
            (!mails.is_empty()).then_some(mails)
        });
        let is_part = |c: &char| c.is_ascii_alphanumeric() || "-_.".contains(*c);
        let token = |mail: &Value| -> String {
            let mail = mail.to_string();
            let (_, rest) = mail.split_once("token=").expect("a link with a token");
            rest.chars().take_while(is_part).collect()
        };
        mails.await.iter().map(token).collect()
    }

    async fn verify(&self, link: &str) -> Response {
        self.post("verify", None, &json!({ "token": link })).await
    }

    pub(crate) async fn account(&self, email: &str) {
        self.register(email).await;
        let verified = self.verify(&self.links(email).await[0]).await;
        assert_eq!(verified.status, 204, "{}", verified.text);
    }

    pub(crate) async fn log_in(&self, email: &str, password: &str) -> Response {
        let body = json!({ "email": email, "password": password });
        self.post("login", None, &body).await
    }

    /// A new session of an account.
    pub(crate) async fn session(&self, email: &str) -> Value {
        self.log_in(email, PASSWORD).await.expect(200)
    }

    async fn refresh(&self, tokens: &Value) -> Response {
        let body = json!({ "refresh_token": text(tokens, "refresh_token") });
        self.post("refresh", None, &body).await
    }

    async fn log_out(&self, tokens: &Value) -> Response {
        let token = Some(text(tokens, "access_token"));
        self.post("logout", token, &json!({})).await
    }

    /// The account that the tokens open.
    pub(crate) async fn me(&self, tokens: &Value) -> Value {
        let me = insist_with(self.shop(), || {
            let request = self.shop().request("GET", "/v1/me");
            request.bearer_auth(text(tokens, "access_token"))
        });
        me.await.expect(200)
    }

    /// The item at a key.
    pub(crate) async fn item(&self, pk: &str, sk: &str) -> Value {
        let request = json!({
            "TableName": self.shop().stack().template.table["TableName"],
            "Key": { "PK": { "S": pk }, "SK": { "S": sk } },
            "ConsistentRead": true,
        });
        self.shop().table("GetItem", &request).await["Item"].clone()
    }

    /// Takes a step with each fault at each call of a function, until the function makes no such call; each time by a process that
    /// knows neither keys nor secrets. Then it checks the outcome, without a fault. Both get a name that no other case has. Returns
    /// the number of calls.
    pub(crate) async fn every_call<T>(
        &self,
        function: &str,
        mut step: impl AsyncFnMut(&str) -> T,
        mut check: impl AsyncFnMut(&str, T),
    ) -> usize {
        let names = [function.to_owned()];
        for call in 0..TOO_MANY {
            let mut met = 0;
            for fault in injected() {
                println!("{fault:?} at call {call} of {function}");
                let name = format!("ada-{call}-{fault:?}").to_lowercase();
                self.shop().stack().lambda.restart(Some(&names)).await;
                self.0.faults.plan(function, call, fault);
                let outcome = step(&name).await;
                met += usize::from(self.0.faults.hit().is_some());
                self.0.faults.reset();
                check(&name, outcome).await;
            }
            if met == 0 {
                return call;
            }
        }
        panic!("{function} makes {TOO_MANY} calls or more");
    }
}

#[track_caller]
pub(crate) fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap()
}

pub(crate) fn email_of(name: &str) -> String {
    format!("{name}@example.com")
}

#[tokio::test]
async fn somebody_registers_whatever_fails() {
    let world = World::start().await;
    let register = async |name: &str| world.register(&email_of(name)).await;
    let check = async |name: &str, ()| {
        let email = email_of(name);
        let links = world.links(&email).await;
        let verified = world.verify(&links[0]).await;
        assert_eq!(verified.status, 204, "{name}: {}", verified.text);
        // One that was stored without an answer has sent a mail, too, which makes no other account.
        for other in &links[1..] {
            let refused = world.verify(other).await;
            assert!(refused.status >= 400, "{name}: {}", refused.text);
        }
        world.session(&email).await;
    };
    let calls = world.every_call("register-account", register, check).await;
    // The secret and the registration.
    assert!(calls >= 2, "{calls} calls");
}

#[tokio::test]
async fn an_address_is_verified_once_whatever_fails() {
    let world = World::start().await;
    let verify = async |name: &str| {
        let email = email_of(name);
        world.register(&email).await;
        let link = world.links(&email).await.remove(0);
        let verified = world.verify(&link).await;
        assert_eq!(verified.status, 204, "{name}: {}", verified.text);
        link
    };
    let check = async |name: &str, link: String| {
        // Late, as a mail program may open it.
        let again = world.verify(&link).await;
        assert_eq!(again.status, 204, "{name}: {}", again.text);
        let email = email_of(name);
        let tokens = world.session(&email).await;
        assert_eq!(world.me(&tokens).await["email"], email, "{name}");
        let login = format!("LOGIN#{}", AddressHash::of(&email));
        let login = world.item(&login, "LOGIN").await;
        let account = format!("ACCOUNT#{}", login["account"]["S"].as_str().unwrap());
        let account = world.item(&account, "ACCOUNT").await;
        assert_eq!(account["version"]["N"], "1", "{name}: {account}");
    };
    let calls = world.every_call("verify-email", verify, check).await;
    // The registration, the secret, and the transaction.
    assert!(calls >= 3, "{calls} calls");
}

#[tokio::test]
async fn somebody_logs_in_whatever_fails() {
    let world = World::start().await;
    let email = email_of("ada");
    world.account(&email).await;
    let log_in = async |_: &str| world.session(&email).await;
    let check = async |name: &str, tokens: Value| {
        assert_eq!(world.me(&tokens).await["email"], email, "{name}");
        world.refresh(&tokens).await.expect(200);
    };
    let calls = world.every_call("log-in", log_in, check).await;
    // The login, the secret, and the session.
    assert!(calls >= 3, "{calls} calls");
}

/// A fault is not a way around the password.
#[tokio::test]
async fn a_wrong_password_is_wrong_whatever_fails() {
    let world = World::start().await;
    let email = email_of("ada");
    world.account(&email).await;
    let log_in = async |_: &str| world.log_in(&email, "another horse battery").await;
    let check = async |_: &str, refused: Response| {
        refused.expect_problem(401, "invalid_credentials");
    };
    let calls = world.every_call("log-in", log_in, check).await;
    // The login and the secret.
    assert!(calls >= 2, "{calls} calls");
}

/// The tokens of a session, and those that have replaced them.
struct Refreshed {
    first: Value,
    next: Value,
}

#[tokio::test]
async fn a_session_is_refreshed_once_whatever_fails() {
    let world = World::start().await;
    let email = email_of("ada");
    world.account(&email).await;
    let refresh = async |_: &str| {
        let first = world.session(&email).await;
        let next = world.refresh(&first).await.expect(200);
        Refreshed { first, next }
    };
    let check = async |name: &str, Refreshed { first, next }: Refreshed| {
        assert_ne!(next["refresh_token"], first["refresh_token"], "{name}");
        assert_eq!(world.me(&next).await["email"], email, "{name}");
        // Another tab gets the same next token.
        let again = world.refresh(&first).await.expect(200);
        assert_eq!(again["refresh_token"], next["refresh_token"], "{name}");
        let last = world.refresh(&next).await.expect(200);
        // Somebody has a copy of the first one.
        let copied = world.refresh(&first).await;
        copied.expect_problem(401, "refresh_token_reused");
        let ended = world.refresh(&last).await;
        ended.expect_problem(401, "unauthenticated");
    };
    let calls = world.every_call("refresh-session", refresh, check).await;
    // The secret, the session, and the account.
    assert!(calls >= 3, "{calls} calls");
}

#[tokio::test]
async fn a_session_ends_whatever_fails() {
    let world = World::start().await;
    let email = email_of("ada");
    world.account(&email).await;
    let other = world.session(&email).await;
    let log_out = async |name: &str| {
        let tokens = world.session(&email).await;
        let ended = world.log_out(&tokens).await;
        assert_eq!(ended.status, 204, "{name}: {}", ended.text);
        tokens
    };
    let check = async |name: &str, tokens: Value| {
        let again = world.log_out(&tokens).await;
        assert_eq!(again.status, 204, "{name}: {}", again.text);
        let refused = world.refresh(&tokens).await;
        refused.expect_problem(401, "unauthenticated");
    };
    let calls = world.every_call("log-out", log_out, check).await;
    // The keys of tokens, and the session.
    assert!(calls >= 2, "{calls} calls");
    // Another device stays signed in.
    world.refresh(&other).await.expect(200);
}

/// Kind of fault: something else about the account changes while its password is reset, and the link is good nevertheless.
#[tokio::test]
async fn a_change_of_the_account_does_not_void_the_link_of_a_reset() {
    let world = World::start().await;
    let email = email_of("ada");
    world.account(&email).await;
    let tokens = world.session(&email).await;
    let before = world.links(&email).await;
    let ask = json!({ "email": email });
    world.post("password-reset", None, &ask).await.expect(202);
    let link = world.shop().eventually("the link is there", async || {
        let mut links = world.links(&email).await.into_iter();
        links.find(|link| !before.contains(link))
    });
    let new = "another horse battery";
    let body = json!({ "token": link.await, "password": new });
    world.0.faults.reset();
    let mut write = (world.0.faults).hold("reset-password", "TransactWriteItems", 0);
    let reset = world.post("password-reset/confirm", None, &body);
    let meanwhile = async {
        write.reached().await;
        let request = world.shop().request("PATCH", "/v1/me");
        let request = request.bearer_auth(text(&tokens, "access_token"));
        let renamed = world.shop().send(request.json(&json!({ "name": "Ada" })));
        renamed.await.expect(200);
        write.release();
    };
    let (reset, ()) = tokio::join!(reset, meanwhile);
    assert_eq!(reset.status, 204, "{}", reset.text);
    let tokens = world.log_in(&email, new).await.expect(200);
    assert_eq!(world.me(&tokens).await["name"], "Ada");
    // It counts once all the same.
    let again = world.post("password-reset/confirm", None, &body).await;
    again.expect_problem(400, "invalid_link");
}

/// Kind of fault: the old password still asks for another address while the new one is being written.
#[tokio::test]
async fn an_address_that_was_asked_for_while_the_password_is_changed_is_void() {
    let world = World::start().await;
    let email = email_of("ada");
    world.account(&email).await;
    let (owner, thief) = (world.session(&email).await, world.session(&email).await);
    let send = async |tokens: &Value, path: &str, body: &Value| {
        let request = world.shop().request("POST", path);
        let request = request.bearer_auth(text(tokens, "access_token"));
        world.shop().send(request.json(body)).await
    };
    let new = "another horse battery";
    let password = json!({ "current_password": PASSWORD, "new_password": new });
    world.0.faults.reset();
    let mut write = (world.0.faults).hold("change-password", "TransactWriteItems", 0);
    let changed = send(&owner, "/v1/me/password", &password);
    let meanwhile = async {
        write.reached().await;
        let address = json!({ "email": "eve@example.com", "password": PASSWORD });
        let asked = send(&thief, "/v1/me/email", &address).await;
        asked.expect(202);
        write.release();
    };
    let (changed, ()) = tokio::join!(changed, meanwhile);
    assert_eq!(changed.status, 204, "{}", changed.text);
    let link = json!({ "token": world.links("eve@example.com").await[0] });
    let refused = world.post("email/confirm", None, &link).await;
    refused.expect_problem(400, "invalid_link");
    world.log_in(&email, new).await.expect(200);
}

/// Whoever makes something new gets an answer, also if the one of the table was lost: the SDK repeats a write that was made.
#[tokio::test]
async fn a_lost_answer_of_the_table_is_no_failure() {
    let world = World::start().await;
    let email = email_of("ada");
    world.account(&email).await;
    let login = json!({ "email": email, "password": PASSWORD });
    let new = json!({ "email": email_of("bob"), "password": PASSWORD });
    let invitation = json!({ "email": email_of("bob"), "role": "support" });
    for (function, path, body) in [
        ("register-account", "/v1/auth/register", new),
        (
            "request-password-reset",
            "/v1/auth/password-reset",
            json!({ "email": email }),
        ),
        (
            "start-passkey-login",
            "/v1/auth/passkeys/login/options",
            Value::Null,
        ),
        ("log-in", "/v1/auth/login", login),
        ("invite-staff", "/v1/admin/staff/invitations", invitation),
    ] {
        let mut inserted = 0;
        for call in 0..=TOO_MANY {
            let names = [function.to_owned()];
            world.shop().stack().lambda.restart(Some(&names)).await;
            world.0.faults.plan(function, call, Fault::DropReply);
            let request = world.shop().request("POST", path);
            let request = match body.is_null() {
                true => request,
                false => request.json(&body),
            };
            let request = match path.starts_with("/v1/admin/") {
                true => request.bearer_auth(&world.shop().staff_token),
                false => request,
            };
            let answer = world.shop().send(request).await;
            let hit = world.0.faults.hit();
            world.0.faults.reset();
            let what = format!("call {call} of {function}, {hit:?}: {}", answer.text);
            assert!((200..300).contains(&answer.status), "{what}");
            let Some(hit) = hit else { break };
            inserted += usize::from(hit.operation == "PutItem");
        }
        assert_eq!(inserted, 1, "{function}");
    }
}

//! Covers: invite-owner, invite-staff, list-invitations, revoke-invitation, accept-invitation, list-staff, change-staff,
//! remove-staff, list-roles, put-role, delete-role, create-api-key, list-api-keys, revoke-api-key.
//!
//! A login by password alone has no permissions of staff, so requests that need some are made with the token that is signed by
//! hand, which has all of them, or with API keys, which have those that a test gives them.

use futures_util::future::join_all;
use serde_json::{Value, json};
use testkit::{Response, Shop};

use crate::{accounts, passkeys, people, second_factor};

const PASSWORD: &str = "correct horse battery";
const INVITATIONS: &str = "/v1/admin/staff/invitations";

/// The token of the link in the last of `count` invitations to an address.
async fn link_token(shop: &Shop, email: &str, count: usize) -> String {
    let mail = shop
        .eventually("the invitation is there", async || {
            let mut mails = shop.mails_to(email).await;
            mails.retain(|mail| mail.to_string().contains("/account/invitation?token="));
            mails.sort_by_key(|mail| mail["sent_at"].as_str().unwrap_or_default().to_owned());
            (mails.len() >= count).then(|| mails.pop().unwrap())
        })
        .await;
    let text = mail.to_string();
    let (_, rest) = text.split_once("token=").expect("a link with a token");
    rest.chars()
        .take_while(|c| c.is_ascii_alphanumeric() || "-_.".contains(*c))
        .collect()
}

async fn accept(shop: &Shop, token: &str, password: Option<&str>) -> Response {
    let mut body = json!({ "token": token, "name": "Ada  Lovelace" });
    if let Some(password) = password {
        body["password"] = json!(password);
    }
    shop.call("POST", "/v1/auth/invitations/accept", &body)
        .await
}

/// An owner who comes in by the command of an operator; returns the account.
async fn owner(shop: &Shop, email: &str) -> String {
    let payload = json!({ "email": email });
    shop.invoke("invite-owner", &payload).await.unwrap();
    let token = link_token(shop, email, 1).await;
    let accepted = accept(shop, &token, Some(PASSWORD)).await;
    assert_eq!(accepted.status, 204, "{}", accepted.text);
    account(shop, email).await
}

/// A member of the staff, invited with the token that is signed by hand; returns the account.
async fn member(shop: &Shop, email: &str, role: &str) -> String {
    invite(shop, email, role).await.expect(201);
    let token = link_token(shop, email, 1).await;
    let accepted = accept(shop, &token, Some(PASSWORD)).await;
    assert_eq!(accepted.status, 204, "{}", accepted.text);
    account(shop, email).await
}

async fn invite(shop: &Shop, email: &str, role: &str) -> Response {
    let body = json!({ "email": email, "role": role });
    shop.staff_call("POST", INVITATIONS, &body).await
}

/// An invitation that somebody else has sent, as a session of theirs would take a second factor; returns the token of its link,
/// the last one of `count` to the address.
async fn invited_by(shop: &Shop, author: &str, email: &str, role: &str, count: usize) -> String {
    let invited = invite(shop, email, role).await.expect(201);
    let sk = format!("INVITATION#{}", invited["id"].as_str().unwrap());
    let author = json!({ "S": format!("staff:{author}") });
    set(shop, "INVITATIONS", &sk, "invited_by", author).await;
    link_token(shop, email, count).await
}

async fn list(shop: &Shop, path: &str) -> Vec<Value> {
    let listed = shop.staff_get(path).await.expect(200);
    listed["items"].as_array().unwrap().clone()
}

/// The account of a member of the staff.
async fn account(shop: &Shop, email: &str) -> String {
    let staff = list(shop, "/v1/admin/staff").await;
    let found = staff.iter().find(|it| it["email"] == email);
    found.expect("on the list")["account_id"]
        .as_str()
        .unwrap()
        .to_owned()
}

async fn delete(shop: &Shop, path: &str) -> Response {
    let request = shop.request("DELETE", path);
    shop.send(request.bearer_auth(&shop.staff_token)).await
}

async fn log_in(shop: &Shop, email: &str) -> Value {
    let body = json!({ "email": email, "password": PASSWORD });
    shop.call("POST", "/v1/auth/login", &body).await.expect(200)
}

async fn refresh(shop: &Shop, tokens: &Value) -> Response {
    let body = json!({ "refresh_token": tokens["refresh_token"] });
    shop.call("POST", "/v1/auth/refresh", &body).await
}

/// A request of a person who signs in for it. A token of the second in which a change has ended those of before is void, too.
async fn in_person(shop: &Shop, email: &str, method: &str, path: &str, body: &Value) -> Response {
    shop.eventually("the token is valid", async || {
        let tokens = log_in(shop, email).await;
        let token = tokens["access_token"].as_str().unwrap();
        let answer = shop.call_with(token, method, path, body).await;
        (answer.status != 401).then_some(answer)
    })
    .await
}

/// The account of a person.
async fn me(shop: &Shop, email: &str) -> Value {
    let answer = in_person(shop, email, "GET", "/v1/me", &Value::Null).await;
    answer.expect(200)
}

async fn put_role(shop: &Shop, name: &str, permissions: &[&str]) -> Response {
    let body = json!({ "permissions": permissions });
    let path = format!("/v1/admin/roles/{name}");
    shop.staff_call("PUT", &path, &body).await
}

/// An API key with these scopes, as it was made.
async fn api_key(shop: &Shop, scopes: &[&str]) -> Value {
    let body = json!({ "name": "a machine", "scopes": scopes, "expires_in_days": 30 });
    let made = shop.staff_call("POST", "/v1/admin/api-keys", &body).await;
    made.expect(201)
}

/// A request with an API key.
async fn with(shop: &Shop, key: &Value, method: &str, path: &str, body: &Value) -> Response {
    let secret = key["secret"].as_str().unwrap();
    shop.call_with(secret, method, path, body).await
}

/// Sets an attribute of an item, for what only time can do.
async fn set(shop: &Shop, pk: &str, sk: &str, name: &str, value: Value) {
    let update = json!({
        "TableName": shop.stack().template.table["TableName"],
        "Key": { "PK": { "S": pk }, "SK": { "S": sk } },
        "UpdateExpression": "SET #name = :value",
        "ConditionExpression": "attribute_exists(PK)",
        "ExpressionAttributeNames": { "#name": name },
        "ExpressionAttributeValues": { ":value": value },
    });
    shop.table("UpdateItem", &update).await;
}

/// Has processes of a function forget the keys that they know.
async fn restart(shop: &Shop, function: &str) {
    let names = [function.to_owned()];
    shop.stack().lambda.restart(Some(&names)).await;
}

#[tokio::test]
async fn the_first_owner_comes_in_by_the_command_of_an_operator() {
    let shop = Shop::start().await;
    for payload in [
        Value::Null,
        json!({}),
        json!({ "email": "ada" }),
        json!({ "email": "ada@example.com", "role": "support" }),
    ] {
        let answer = shop.invoke("invite-owner", &payload).await;
        assert!(answer.is_err(), "{payload}: {answer:?}");
    }
    assert_eq!(list(&shop, INVITATIONS).await.len(), 0);

    let payload = json!({ "email": "Ada@Example.com" });
    let invitation = shop.invoke("invite-owner", &payload).await.unwrap();
    assert_eq!(invitation["email"], "Ada@example.com");
    assert_eq!(
        (&invitation["role"], &invitation["invited_by"]),
        (&json!("owner"), &json!("shop"))
    );
    assert_eq!(list(&shop, INVITATIONS).await, [invitation]);
    let token = link_token(&shop, "Ada@example.com", 1).await;

    // The address has no account, so a password is needed, and a wrong one does not use up the link.
    for (password, code) in [
        (None, "required"),
        (Some("short"), "too_short"),
        (Some("password1"), "breached_password"),
    ] {
        let refused = accept(&shop, &token, password).await;
        let problem = refused.expect_problem(422, "validation_failed");
        assert_eq!(problem["errors"][0]["field"], "password");
        assert_eq!(problem["errors"][0]["code"], code);
    }
    let accepted = accept(&shop, &token, Some(PASSWORD)).await;
    assert_eq!((accepted.status, accepted.text.as_str()), (204, ""));
    accept(&shop, &token, Some(PASSWORD))
        .await
        .expect_problem(400, "invalid_link");
    assert_eq!(list(&shop, INVITATIONS).await.len(), 0);

    let me = me(&shop, "ada@example.com").await;
    assert_eq!(me["name"], "Ada Lovelace");
    assert_eq!(me["staff"]["role"], "owner");
    let permissions = me["staff"]["permissions"].as_array().unwrap();
    assert!(permissions.contains(&json!("staff:write")), "{me}");
    let staff = shop.staff_get("/v1/admin/staff").await;
    let members = staff.expect(200)["items"].clone();
    assert_eq!(members.as_array().unwrap().len(), 1);
    assert_eq!(members[0]["account_id"], me["id"]);
    assert_eq!(members[0]["email"], "Ada@example.com");
    assert_eq!(members[0]["permissions"], me["staff"]["permissions"]);
    assert_eq!(members[0]["invited_by"], "shop");
    for secret in ["password", "hash", "argon2"] {
        assert!(!staff.text.contains(secret), "{}", staff.text);
    }

    // A password alone is one factor: it signs in, and permits nothing.
    let path = "/v1/admin/staff";
    in_person(&shop, "ada@example.com", "GET", path, &Value::Null)
        .await
        .expect_problem(403, "forbidden");
}

#[tokio::test]
async fn the_last_owner_stays() {
    let shop = Shop::start().await;
    let ada = owner(&shop, "ada@example.com").await;
    let path = |account: &str| format!("/v1/admin/staff/members/{account}");
    let support = json!({ "role": "support" });
    shop.staff_call("PATCH", &path(&ada), &support)
        .await
        .expect_problem(409, "last_owner");
    delete(&shop, &path(&ada))
        .await
        .expect_problem(409, "last_owner");
    let password = json!({ "password": PASSWORD });
    in_person(&shop, "ada@example.com", "DELETE", "/v1/me", &password)
        .await
        .expect_problem(403, "forbidden");
    // Nor by an invitation to another role.
    invite(&shop, "ada@example.com", "support")
        .await
        .expect_problem(409, "already_member");
    let payload = json!({ "email": "ada@example.com" });
    shop.invoke("invite-owner", &payload).await.unwrap();
    let token = link_token(&shop, "ada@example.com", 2).await;
    accept(&shop, &token, Some(PASSWORD))
        .await
        .expect_problem(409, "already_member");
    assert_eq!(me(&shop, "ada@example.com").await["staff"]["role"], "owner");

    // Of two owners, one can go; of two removals at once, one.
    let bob = owner(&shop, "bob@example.com").await;
    let (ada_path, bob_path) = (path(&ada), path(&bob));
    let raced = join_all([delete(&shop, &ada_path), delete(&shop, &bob_path)]).await;
    let mut statuses: Vec<u16> = raced.iter().map(|it| it.status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [204, 409]);
    let staff = list(&shop, "/v1/admin/staff").await;
    assert_eq!(staff.len(), 1);
    assert_eq!(staff[0]["role"], "owner");

    // Another owner, and the role can be given up.
    let carol = owner(&shop, "carol@example.com").await;
    let changed = shop.staff_call("PATCH", &path(&carol), &support).await;
    assert_eq!(changed.expect(200)["role"], "support");
    // A member who is not an owner may delete the account, and is off the list.
    let deleted = in_person(&shop, "carol@example.com", "DELETE", "/v1/me", &password).await;
    assert_eq!(deleted.status, 204, "{}", deleted.text);
    assert_eq!(list(&shop, "/v1/admin/staff").await.len(), 1);
}

#[tokio::test]
async fn a_customer_joins_changes_roles_and_leaves() {
    let shop = Shop::start().await;
    let email = "bob@example.com";
    let body = json!({ "email": email, "password": PASSWORD });
    shop.call("POST", "/v1/auth/register", &body)
        .await
        .expect(202);
    let verification = shop
        .eventually("the mail is there", async || {
            let mails = shop.mails_to(email).await;
            let text = mails.first()?.to_string();
            let (_, rest) = text.split_once("token=")?;
            let is_of_token = |c: &char| c.is_ascii_alphanumeric() || "-_.".contains(*c);
            Some(rest.chars().take_while(is_of_token).collect::<String>())
        })
        .await;
    let verified = json!({ "token": verification });
    shop.call("POST", "/v1/auth/verify", &verified).await;
    let as_customer = log_in(&shop, email).await;

    invite(&shop, email, "support").await.expect(201);
    let token = link_token(&shop, email, 1).await;
    // The account has a password, which is replaced.
    accept(&shop, &token, Some("short"))
        .await
        .expect_problem(422, "validation_failed");
    let accepted = accept(&shop, &token, Some(PASSWORD)).await;
    assert_eq!(accepted.status, 204, "{}", accepted.text);
    refresh(&shop, &as_customer)
        .await
        .expect_problem(401, "unauthenticated");
    let joined = me(&shop, email).await;
    assert_eq!(joined["staff"]["role"], "support");
    // Of the reader of the mail: the one before may be somebody else's.
    assert_eq!(joined["name"], "Ada Lovelace");

    let path = format!("/v1/admin/staff/members/{}", account(&shop, email).await);
    let as_support = log_in(&shop, email).await;
    for (role, status, code) in [
        ("king", 422, "validation_failed"),
        ("", 422, "validation_failed"),
        (&*"x".repeat(5_000), 422, "validation_failed"),
    ] {
        let body = json!({ "role": role });
        shop.staff_call("PATCH", &path, &body)
            .await
            .expect_problem(status, code);
    }
    refresh(&shop, &as_support).await.expect(200);
    let fulfilment = json!({ "role": "fulfilment" });
    for _ in 0..2 {
        let changed = shop.staff_call("PATCH", &path, &fulfilment).await;
        let changed = changed.expect(200);
        assert_eq!(changed["role"], "fulfilment");
        assert_eq!(changed["email"], email);
        assert_eq!(changed["invited_by"], "staff:test");
    }
    let as_fulfilment = log_in(&shop, email).await;
    assert_eq!(me(&shop, email).await["staff"]["role"], "fulfilment");
    let nobody = "/v1/admin/staff/members/acc_00000000000000000000000000";
    shop.staff_call("PATCH", nobody, &fulfilment)
        .await
        .expect_problem(404, "not_found");

    assert_eq!(delete(&shop, &path).await.status, 204);
    delete(&shop, &path).await.expect_problem(404, "not_found");
    shop.staff_call("PATCH", &path, &fulfilment)
        .await
        .expect_problem(404, "not_found");
    refresh(&shop, &as_fulfilment)
        .await
        .expect_problem(401, "unauthenticated");
    assert_eq!(me(&shop, email).await.get("staff"), None);
    assert_eq!(list(&shop, "/v1/admin/staff").await.len(), 0);
}

#[tokio::test]
async fn an_invitation_is_accepted_once_by_whoever_reads_its_mail() {
    let shop = Shop::start().await;
    let invited = invite(&shop, "ada@example.com", "manager").await;
    let location = invited.headers["location"].clone();
    let id = invited.expect(201)["id"].as_str().unwrap().to_owned();
    assert_eq!(location, format!("{INVITATIONS}/{id}"));
    let token = link_token(&shop, "ada@example.com", 1).await;
    let (digits, proof) = token.split_once('.').unwrap();
    for wrong in [
        String::new(),
        "x".to_owned(),
        format!("{digits}."),
        format!("{digits}.{}", "A".repeat(43)),
        format!("{}.{proof}", "0".repeat(26)),
        token.to_lowercase(),
    ] {
        accept(&shop, &wrong, Some(PASSWORD))
            .await
            .expect_problem(400, "invalid_link");
    }
    // A link of another purpose.
    shop.call("POST", "/v1/auth/verify", &json!({ "token": token }))
        .await
        .expect_problem(400, "invalid_link");
    // For another address, and too late.
    let sk = format!("INVITATION#{id}");
    let with = async |name: &str, value: &str| {
        set(&shop, "INVITATIONS", &sk, name, json!({ "S": value })).await;
        accept(&shop, &token, Some(PASSWORD)).await
    };
    let other = with("email", "eve@example.com").await;
    other.expect_problem(400, "invalid_link");
    let original = json!({ "S": "ada@example.com" });
    set(&shop, "INVITATIONS", &sk, "email", original).await;
    let late = with("created_at", "2026-01-01T00:00:00Z").await;
    late.expect_problem(400, "invalid_link");
    assert_eq!(list(&shop, INVITATIONS).await.len(), 0);
    let now = json!({ "S": runtime::now().to_string() });
    set(&shop, "INVITATIONS", &sk, "created_at", now).await;

    let raced = join_all([
        accept(&shop, &token, Some(PASSWORD)),
        accept(&shop, &token, Some(PASSWORD)),
    ])
    .await;
    let mut statuses: Vec<u16> = raced.iter().map(|it| it.status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [204, 400]);
    assert_eq!(list(&shop, "/v1/admin/staff").await.len(), 1);

    // Revoked.
    let invited = invite(&shop, "bob@example.com", "support").await;
    let id = invited.expect(201)["id"].as_str().unwrap().to_owned();
    let token = link_token(&shop, "bob@example.com", 1).await;
    let path = format!("{INVITATIONS}/{id}");
    assert_eq!(delete(&shop, &path).await.status, 204);
    delete(&shop, &path).await.expect_problem(404, "not_found");
    accept(&shop, &token, Some(PASSWORD))
        .await
        .expect_problem(400, "invalid_link");
    for (email, role) in [
        ("", "support"),
        ("bob", "support"),
        ("bob@example.com", "king"),
    ] {
        invite(&shop, email, role)
            .await
            .expect_problem(422, "validation_failed");
    }
}

#[tokio::test]
async fn nobody_comes_back_by_an_invitation_of_before() {
    let shop = Shop::start().await;
    owner(&shop, "ada@example.com").await;
    // Twice by others; she joins by one of them, and has none for later.
    invite(&shop, "eve@example.com", "support")
        .await
        .expect(201);
    let to_her = link_token(&shop, "eve@example.com", 1).await;
    invite(&shop, "eve@example.com", "owner").await.expect(201);
    let token = link_token(&shop, "eve@example.com", 2).await;
    let accepted = accept(&shop, &token, Some(PASSWORD)).await;
    assert_eq!(accepted.status, 204, "{}", accepted.text);
    let eve = account(&shop, "eve@example.com").await;
    let path = format!("/v1/admin/staff/members/{eve}");
    invite(&shop, "eve@example.com", "support")
        .await
        .expect_problem(409, "already_member");
    assert_eq!(list(&shop, INVITATIONS).await, [Value::Null; 0]);
    // By herself to another address of hers.
    let hers = invited_by(&shop, &eve, "eve@example.org", "owner", 1).await;
    let of_others = invite(&shop, "bob@example.com", "support").await;

    assert_eq!(delete(&shop, &path).await.status, 204);
    assert_eq!(list(&shop, INVITATIONS).await, [of_others.expect(201)]);
    for token in [&hers, &to_her] {
        accept(&shop, token, Some(PASSWORD))
            .await
            .expect_problem(400, "invalid_link");
    }
    // One that nobody has revoked.
    let late = invited_by(&shop, &eve, "eve@example.org", "support", 2).await;
    accept(&shop, &late, Some(PASSWORD))
        .await
        .expect_problem(400, "invalid_link");
    assert_eq!(list(&shop, "/v1/admin/staff").await.len(), 1);

    // Invited anew, by somebody who may.
    invite(&shop, "eve@example.com", "support")
        .await
        .expect(201);
    let token = link_token(&shop, "eve@example.com", 3).await;
    let accepted = accept(&shop, &token, Some(PASSWORD)).await;
    assert_eq!(accepted.status, 204, "{}", accepted.text);
}

#[tokio::test]
async fn an_invitation_counts_while_its_author_may_send_it() {
    let shop = Shop::start().await;
    let refused = async |token: &str| {
        accept(&shop, token, Some(PASSWORD))
            .await
            .expect_problem(400, "invalid_link");
    };
    let lead = ["staff:write", "orders:read"];
    put_role(&shop, "lead", &lead).await.expect(200);
    put_role(&shop, "reader", &["orders:read"])
        .await
        .expect(200);
    let carol = member(&shop, "carol@example.com", "lead").await;
    let token = invited_by(&shop, &carol, "dan@example.com", "reader", 1).await;
    // The author's role has less, or the role of the invitation has more.
    put_role(&shop, "lead", &["staff:write"]).await.expect(200);
    refused(&token).await;
    put_role(&shop, "lead", &lead).await.expect(200);
    put_role(&shop, "reader", &["orders:read", "orders:refund"])
        .await
        .expect(200);
    refused(&token).await;
    put_role(&shop, "reader", &["orders:read"])
        .await
        .expect(200);
    let accepted = accept(&shop, &token, Some(PASSWORD)).await;
    assert_eq!(accepted.status, 204, "{}", accepted.text);

    // Another role, which may not invite: what it has sent is revoked.
    let token = invited_by(&shop, &carol, "fay@example.com", "reader", 1).await;
    let path = format!("/v1/admin/staff/members/{carol}");
    let lower = json!({ "role": "support" });
    shop.staff_call("PATCH", &path, &lower).await.expect(200);
    assert_eq!(list(&shop, INVITATIONS).await.len(), 0);
    refused(&token).await;

    // A key counts while it is valid.
    let key = api_key(&shop, &lead).await;
    let by_key = async |email: &str| {
        let body = json!({ "email": email, "role": "reader" });
        with(&shop, &key, "POST", INVITATIONS, &body)
            .await
            .expect(201);
        link_token(&shop, email, 1).await
    };
    let first = by_key("gus@example.com").await;
    let second = by_key("hal@example.com").await;
    let accepted = accept(&shop, &first, Some(PASSWORD)).await;
    assert_eq!(accepted.status, 204, "{}", accepted.text);
    let path = format!("/v1/admin/api-keys/{}", key["id"].as_str().unwrap());
    assert_eq!(delete(&shop, &path).await.status, 204);
    refused(&second).await;
}

/// Somebody may have registered an address whose owner opened the link.
#[tokio::test]
async fn whoever_joins_has_only_what_the_reader_of_the_mail_gives() {
    let shop = Shop::start().await;
    let email = "ada@example.com";
    let before = accounts::account(&shop, email).await;
    let mut device = passkeys::new_device(&shop);
    passkeys::add(&shop, &before, &mut device).await;
    second_factor::enroll(&shop, &before).await;
    invite(&shop, email, "support").await.expect(201);
    let token = link_token(&shop, email, 1).await;
    let password = "a password that is new";
    let accepted = accept(&shop, &token, Some(password)).await;
    assert_eq!(accepted.status, 204, "{}", accepted.text);

    refresh(&shop, &before)
        .await
        .expect_problem(401, "unauthenticated");
    shop.eventually("the token is void", async || {
        let answer = accounts::with(&shop, &before, "GET", "/v1/me", &Value::Null).await;
        (answer.status == 401).then_some(())
    })
    .await;
    accounts::log_in(&shop, email, accounts::PASSWORD)
        .await
        .expect_problem(401, "invalid_credentials");
    passkeys::log_in_with(&shop, &mut device)
        .await
        .expect_problem(401, "invalid_credentials");
    // The password is the only factor, and takes no code. A token of the second of the change is void, too.
    let tokens = shop
        .eventually("the token is valid", async || {
            let tokens = accounts::log_in(&shop, email, password).await.expect(200);
            let me = accounts::with(&shop, &tokens, "GET", "/v1/me", &Value::Null).await;
            (me.status == 200).then_some(tokens)
        })
        .await;
    assert_eq!(people::claims(&tokens).get("perms"), None);
    assert!(passkeys::mine(&shop, &tokens).await.is_empty());
    let account = format!("ACCOUNT#{}", people::account_of(&tokens));
    assert_eq!(people::item(&shop, &account, "TOTP").await, Value::Null);

    // Another role later takes nothing: what a member has added counts, and the device may be the same.
    passkeys::add(&shop, &tokens, &mut device).await;
    let path = format!("/v1/admin/staff/members/{}", people::account_of(&tokens));
    let manager = json!({ "role": "manager" });
    shop.staff_call("PATCH", &path, &manager).await.expect(200);
    let strong = passkeys::log_in_with(&shop, &mut device).await.expect(200);
    let permissions = people::claims(&strong)["perms"].clone();
    let permissions = permissions.as_array().unwrap();
    assert!(
        permissions.contains(&json!("staff:read")),
        "{permissions:?}"
    );
}

#[tokio::test]
async fn strangers_do_not_use_up_the_mails_of_those_who_are_signed_in() {
    let shop = Shop::start().await;
    let limit = |requests: u32| json!({ "requests": requests, "seconds": 86_400 });
    let limits = json!({
        "mail_link": limit(1),
        "send_link": limit(2),
        "send_link_account": limit(4),
    });
    shop.set(&json!({ "limits": limits })).await;
    let customer = accounts::account(&shop, "ada@example.com").await;
    let (new, password) = ("bob@example.com", accounts::PASSWORD);
    let body = json!({ "email": new, "password": password });
    for status in [202, 429] {
        let answer = shop.call("POST", "/v1/auth/register", &body).await;
        assert_eq!(answer.status, status, "{}", answer.text);
    }
    let address = async || accounts::with(&shop, &customer, "POST", "/v1/me/email", &body).await;
    let invitation = async |email: &str| invite(&shop, email, "support").await;
    for _ in 0..2 {
        address().await.expect(202);
        invitation(new).await.expect(201);
    }
    address().await.expect_problem(429, "rate_limited");
    invitation(new).await.expect_problem(429, "rate_limited");
    // Another sender, and another address until the account has sent enough; those that were refused count.
    let key = api_key(&shop, &["staff:write", "orders:read"]).await;
    put_role(&shop, "reader", &["orders:read"])
        .await
        .expect(200);
    let reader = json!({ "email": new, "role": "reader" });
    with(&shop, &key, "POST", INVITATIONS, &reader)
        .await
        .expect(201);
    invitation("carol@example.com").await.expect(201);
    invitation("dan@example.com")
        .await
        .expect_problem(429, "rate_limited");
}

#[tokio::test]
async fn nobody_gives_or_takes_a_permission_that_they_do_not_have() {
    let shop = Shop::start().await;
    let ada = owner(&shop, "ada@example.com").await;
    let bob = member(&shop, "bob@example.com", "support").await;
    let key = api_key(&shop, &["staff:read", "staff:write", "orders:read"]).await;
    let call = async |method: &str, path: &str, body: Value| {
        let answer = with(&shop, &key, method, path, &body).await;
        match answer.status {
            403 => answer.expect_problem(403, "forbidden")["code"].clone(),
            status => json!(status),
        }
    };
    let (ada, bob) = (
        format!("/v1/admin/staff/members/{ada}"),
        format!("/v1/admin/staff/members/{bob}"),
    );
    let forbidden = json!("forbidden");
    for (method, path, body) in [
        (
            "PUT",
            "/v1/admin/roles/boss",
            json!({ "permissions": ["orders:read", "orders:refund"] }),
        ),
        (
            "POST",
            INVITATIONS,
            json!({ "email": "eve@example.com", "role": "owner" }),
        ),
        (
            "POST",
            INVITATIONS,
            json!({ "email": "eve@example.com", "role": "manager" }),
        ),
        (
            "POST",
            "/v1/admin/api-keys",
            json!({ "name": "x", "scopes": ["orders:refund"], "expires_in_days": 1 }),
        ),
        ("PATCH", bob.as_str(), json!({ "role": "owner" })),
        // These would be taken from them.
        ("PATCH", ada.as_str(), json!({ "role": "read_only" })),
        ("DELETE", ada.as_str(), Value::Null),
        ("DELETE", bob.as_str(), Value::Null),
    ] {
        let what = format!("{method} {path} {body}");
        assert_eq!(call(method, path, body).await, forbidden, "{what}");
    }
    // What it has, it may give.
    let reads = json!({ "permissions": ["orders:read"] });
    assert_eq!(
        call("PUT", "/v1/admin/roles/reader", reads.clone()).await,
        200
    );
    let reader = json!({ "email": "eve@example.com", "role": "reader" });
    assert_eq!(call("POST", INVITATIONS, reader).await, 201);
    let narrow = json!({ "name": "x", "scopes": ["orders:read"], "expires_in_days": 1 });
    assert_eq!(call("POST", "/v1/admin/api-keys", narrow).await, 201);
    // A role that has more, by somebody who has: it is not to be taken away.
    put_role(&shop, "boss", &["orders:refund"])
        .await
        .expect(200);
    assert_eq!(call("PUT", "/v1/admin/roles/boss", reads).await, forbidden);

    let sees = api_key(&shop, &["staff:read"]).await;
    for path in [
        "/v1/admin/staff",
        INVITATIONS,
        "/v1/admin/roles",
        "/v1/admin/api-keys",
    ] {
        with(&shop, &sees, "GET", path, &Value::Null)
            .await
            .expect(200);
        let blind = api_key(&shop, &["orders:read"]).await;
        with(&shop, &blind, "GET", path, &Value::Null)
            .await
            .expect_problem(403, "forbidden");
    }
    let body = json!({ "permissions": ["staff:read"] });
    with(&shop, &sees, "PUT", "/v1/admin/roles/watcher", &body)
        .await
        .expect_problem(403, "forbidden");
}

#[tokio::test]
async fn a_role_of_the_shop_changes_with_everybody_who_has_it() {
    let shop = Shop::start().await;
    let role = async |name: &str| {
        let roles = list(&shop, "/v1/admin/roles").await;
        roles.into_iter().find(|it| it["name"] == name)
    };
    let owner = role("owner").await.unwrap();
    assert_eq!(owner["built_in"], true);
    for name in ["owner", "read_only", "Packer", "pack-er", &*"x".repeat(41)] {
        put_role(&shop, name, &["orders:read"])
            .await
            .expect_problem(422, "validation_failed");
        let path = format!("/v1/admin/roles/{name}");
        delete(&shop, &path)
            .await
            .expect_problem(422, "validation_failed");
    }
    for permissions in [Vec::new(), vec!["orders:all"], vec![""]] {
        put_role(&shop, "packer", &permissions)
            .await
            .expect_problem(422, "validation_failed");
    }
    let made = put_role(&shop, "packer", &["orders:fulfil", "orders:read"]).await;
    let made = made.expect(200);
    assert_eq!(made["permissions"], json!(["orders:read", "orders:fulfil"]));
    assert_eq!(made["built_in"], false);
    assert_eq!(role("packer").await.as_ref(), Some(&made));

    let email = "ada@example.com";
    let ada = member(&shop, email, "packer").await;
    let tokens = log_in(&shop, email).await;
    let permissions = |me: &Value| me["staff"]["permissions"].clone();
    assert_eq!(permissions(&me(&shop, email).await), made["permissions"]);
    // Twice: a request that was interrupted may be sent again.
    for _ in 0..2 {
        let changed = put_role(&shop, "packer", &["orders:read"]).await;
        assert_eq!(changed.expect(200)["permissions"], json!(["orders:read"]));
        let now = permissions(&me(&shop, email).await);
        assert_eq!(now, json!(["orders:read"]));
    }
    // Sessions go on, with tokens that have the new permissions.
    refresh(&shop, &tokens).await.expect(200);

    let path = "/v1/admin/roles/packer";
    delete(&shop, path).await.expect_problem(409, "role_in_use");
    let member = format!("/v1/admin/staff/members/{ada}");
    shop.staff_call("PATCH", &member, &json!({ "role": "support" }))
        .await
        .expect(200);
    let invited = invite(&shop, "bob@example.com", "packer").await;
    let id = invited.expect(201)["id"].as_str().unwrap().to_owned();
    delete(&shop, path).await.expect_problem(409, "role_in_use");
    let revoked = delete(&shop, &format!("{INVITATIONS}/{id}")).await;
    assert_eq!(revoked.status, 204);
    assert_eq!(delete(&shop, path).await.status, 204);
    delete(&shop, path).await.expect_problem(404, "not_found");
    assert_eq!(role("packer").await, None);
    invite(&shop, "bob@example.com", "packer")
        .await
        .expect_problem(422, "validation_failed");
    // Made again under its name.
    put_role(&shop, "packer", &["stock:read"]).await.expect(200);
    let again = role("packer").await.unwrap();
    assert_eq!(again["permissions"], json!(["stock:read"]));

    for number in 1..50 {
        let name = format!("role_{number}");
        put_role(&shop, &name, &["jobs:read"]).await.expect(200);
    }
    let problem = put_role(&shop, "role_50", &["jobs:read"]).await;
    let problem = problem.expect_problem(422, "validation_failed");
    assert_eq!(problem["errors"][0]["code"], "too_many");
    put_role(&shop, "role_7", &["jobs:write"]).await.expect(200);
}

#[tokio::test]
async fn an_api_key_has_its_scopes_until_it_expires_or_is_revoked() {
    let shop = Shop::start().await;
    let body = |scopes: Value, days: i64| json!({ "name": "a machine", "scopes": scopes, "expires_in_days": days });
    for wrong in [
        body(json!([]), 30),
        body(json!(["orders:all"]), 30),
        body(json!(["orders:read"]), 0),
        body(json!(["orders:read"]), 367),
        json!({ "name": " ", "scopes": ["orders:read"], "expires_in_days": 30 }),
    ] {
        shop.staff_call("POST", "/v1/admin/api-keys", &wrong)
            .await
            .expect_problem(422, "validation_failed");
    }
    let key = api_key(&shop, &["jobs:read", "staff:read"]).await;
    let secret = key["secret"].as_str().unwrap();
    assert!(secret.starts_with("stk_") && secret.len() == 47, "{secret}");
    assert_eq!(key["created_by"], "staff:test");
    let get = async |key: &Value, path: &str| with(&shop, key, "GET", path, &Value::Null).await;
    get(&key, "/v1/admin/jobs").await.expect(200);
    get(&key, "/v1/admin/orders")
        .await
        .expect_problem(403, "forbidden");
    for other in [
        "stk_".to_owned(),
        secret[..46].to_owned(),
        format!("{secret}A"),
        format!("stk_{}", "A".repeat(43)),
        format!("stk_{}", "A".repeat(5_000)),
    ] {
        let forged = json!({ "secret": other });
        get(&forged, "/v1/admin/jobs")
            .await
            .expect_problem(401, "unauthenticated");
    }
    // It is a machine, and not a person.
    get(&key, "/v1/me")
        .await
        .expect_problem(401, "unauthenticated");

    let listed = shop
        .eventually("its use is noted", async || {
            let listed = shop.staff_get("/v1/admin/api-keys").await;
            let is_noted = listed.expect(200)["items"][0]["last_used_at"].is_string();
            is_noted.then_some(listed)
        })
        .await;
    let items = listed.json()["items"].clone();
    assert_eq!(items.as_array().unwrap().len(), 1);
    assert_eq!(items[0]["id"], key["id"]);
    assert_eq!(items[0]["scopes"], json!(["jobs:read", "staff:read"]));
    assert_eq!(items[0].get("secret"), None);
    for hidden in [&secret[4..], "hash"] {
        assert!(!listed.text.contains(hidden), "{}", listed.text);
    }
    // Neither in the log nor in the table.
    let table = shop.stack().template.table["TableName"].clone();
    let items = shop.table("Scan", &json!({ "TableName": table })).await;
    for text in [items.to_string(), shop.log()] {
        assert!(!text.contains(&secret[4..]));
    }

    let path = format!("/v1/admin/api-keys/{}", key["id"].as_str().unwrap());
    assert_eq!(delete(&shop, &path).await.status, 204);
    delete(&shop, &path).await.expect_problem(404, "not_found");
    assert_eq!(list(&shop, "/v1/admin/api-keys").await.len(), 0);
    // A process that knows it may believe it for some seconds.
    restart(&shop, "list-jobs").await;
    get(&key, "/v1/admin/jobs")
        .await
        .expect_problem(401, "unauthenticated");

    let key = api_key(&shop, &["jobs:read"]).await;
    get(&key, "/v1/admin/jobs").await.expect(200);
    let stored = items_of(&shop, "api_key").await;
    let stored = stored.iter().find(|it| it["id"]["S"] == key["id"]).unwrap();
    let pk = stored["PK"]["S"].as_str().unwrap();
    let past = json!({ "N": (runtime::now().as_second() - 1).to_string() });
    set(&shop, pk, "APIKEY", "expires_at", past).await;
    restart(&shop, "list-jobs").await;
    get(&key, "/v1/admin/jobs")
        .await
        .expect_problem(401, "unauthenticated");
    assert_eq!(list(&shop, "/v1/admin/api-keys").await.len(), 0);
}

/// Items of one type.
async fn items_of(shop: &Shop, entity: &str) -> Vec<Value> {
    let scan = json!({
        "TableName": shop.stack().template.table["TableName"],
        "FilterExpression": "entity_type = :entity",
        "ExpressionAttributeValues": { ":entity": { "S": entity } },
    });
    let found = shop.table("Scan", &scan).await;
    found["Items"].as_array().unwrap().clone()
}

//! Covers: start-passkey-registration, register-passkey, start-passkey-login, log-in-with-passkey, list-passkeys, rename-passkey,
//! delete-passkey.

use std::collections::BTreeSet;

use futures_util::future::join_all;
use local::authenticator::{Authenticator, PRESENT, Says, VERIFIED, encode};
use serde_json::{Value, json};
use testkit::{Response, Shop};

use crate::{
    accounts::{PASSWORD, account, link_token, log_in, with},
    people::{PERMISSION, account_of, age, claims, item, promote, set, told},
};

const REGISTER_OPTIONS: &str = "/v1/auth/passkeys/register/options";
const REGISTER: &str = "/v1/auth/passkeys/register";
const LOGIN_OPTIONS: &str = "/v1/auth/passkeys/login/options";
const LOGIN: &str = "/v1/auth/passkeys/login";
const MINE: &str = "/v1/me/passkeys";

/// Something that is wrong with an answer.
type Fault = (&'static str, fn(&mut Says));

/// What is wrong in both ceremonies.
const FAULTS: [Fault; 6] = [
    ("another site", |says| {
        says.origin = "https://eve.example".to_owned();
    }),
    ("a longer origin", |says| says.origin.push('0')),
    ("a bare address", |says| {
        says.origin = says.origin.replace("localhost", "127.0.0.1");
    }),
    ("another relying party", |says| {
        says.rp_id = "eve.example".to_owned();
    }),
    ("no relying party", |says| says.rp_id.clear()),
    ("nobody there", |says| says.flags = VERIFIED),
];

async fn register_options(shop: &Shop, tokens: &Value) -> Value {
    let options = with(shop, tokens, "POST", REGISTER_OPTIONS, &Value::Null).await;
    options.expect(200)
}

async fn register(shop: &Shop, tokens: &Value, credential: &Value) -> Response {
    let body = json!({ "credential": credential });
    with(shop, tokens, "POST", REGISTER, &body).await
}

/// An authenticator on a page of the shop.
pub(crate) fn new_device(shop: &Shop) -> Authenticator {
    Authenticator::new(&shop.address).unwrap()
}

/// Adds the passkey of a device to an account.
pub(crate) async fn add(shop: &Shop, tokens: &Value, device: &mut Authenticator) -> Value {
    let options = register_options(shop, tokens).await;
    let credential = device.register(&options).unwrap();
    register(shop, tokens, &credential).await.expect(201)
}

async fn login_options(shop: &Shop) -> Value {
    let options = shop.send(shop.request("POST", LOGIN_OPTIONS)).await;
    options.expect(200)
}

pub(crate) async fn log_in_with(shop: &Shop, device: &mut Authenticator) -> Response {
    let credential = device.log_in(&login_options(shop).await).unwrap();
    let body = json!({ "credential": credential });
    shop.call("POST", LOGIN, &body).await
}

/// The passkeys of an account.
pub(crate) async fn mine(shop: &Shop, tokens: &Value) -> Vec<Value> {
    let listed = with(shop, tokens, "GET", MINE, &Value::Null).await;
    listed.expect(200)["items"].as_array().unwrap().clone()
}

fn path_of(passkey: &Value) -> String {
    format!("{MINE}/{}", passkey["id"].as_str().unwrap())
}

#[track_caller]
fn expect_no_credential(answer: &Response) {
    let problem = answer.expect_problem(422, "validation_failed");
    let fault = &problem["errors"][0];
    assert_eq!(
        (&fault["field"], &fault["code"]),
        (&json!("credential"), &json!("invalid"))
    );
}

#[tokio::test]
async fn a_passkey_from_registration_to_deletion() {
    let shop = Shop::start().await;
    let tokens = account(&shop, "ada@example.com").await;
    let mut device = new_device(&shop);
    assert!(mine(&shop, &tokens).await.is_empty());

    let options = register_options(&shop, &tokens).await;
    assert_eq!(options["rp"]["id"], "localhost");
    assert_eq!(options["user"]["name"], "ada@example.com");
    let selection = &options["authenticatorSelection"];
    assert_eq!(selection["userVerification"], "preferred");
    assert_eq!(options["excludeCredentials"], json!([]));
    let body = json!({ "name": " My  phone ", "credential": device.register(&options).unwrap() });
    let answer = with(&shop, &tokens, "POST", REGISTER, &body).await;
    let passkey = answer.expect(201);
    let path = path_of(&passkey);
    assert_eq!(answer.headers["location"], path);
    assert_eq!(passkey["name"], "My phone");
    assert_eq!(passkey["backed_up"], false);
    assert_eq!(passkey.get("last_used_at"), None);
    told(&shop, "ada@example.com", "A passkey was added").await;
    // The challenge was for one answer, and the credential is known.
    expect_no_credential(&with(&shop, &tokens, "POST", REGISTER, &body).await);
    let excluded = &register_options(&shop, &tokens).await["excludeCredentials"];
    let known = json!([{ "type": "public-key", "id": encode(&device.says.credential) }]);
    assert_eq!(*excluded, known);

    let credential = device.log_in(&login_options(&shop).await).unwrap();
    let body = json!({ "credential": credential });
    let signed_in = shop.call("POST", LOGIN, &body).await.expect(200);
    assert_eq!(account_of(&signed_in), account_of(&tokens));
    let me = with(&shop, &signed_in, "GET", "/v1/me", &Value::Null).await;
    assert_eq!(me.expect(200)["email"], "ada@example.com");
    // The same answer a second time.
    shop.call("POST", LOGIN, &body)
        .await
        .expect_problem(401, "invalid_credentials");
    assert!(mine(&shop, &tokens).await[0]["last_used_at"].is_string());

    // Its name.
    let rename = async |name: Value| {
        let body = json!({ "name": name });
        with(&shop, &tokens, "PATCH", &path, &body).await
    };
    assert_eq!(rename(json!("Key")).await.expect(200)["name"], "Key");
    let unnamed = rename(Value::Null).await.expect(200);
    assert_eq!(unnamed["name"], "Passkey");
    let same = with(&shop, &tokens, "PATCH", &path, &json!({})).await;
    assert_eq!(same.expect(200), unnamed);
    for wrong in ["", "a\nb", &"x".repeat(101)] {
        let refused = rename(json!(wrong)).await;
        refused.expect_problem(422, "validation_failed");
    }

    let deleted = with(&shop, &tokens, "DELETE", &path, &Value::Null).await;
    assert_eq!((deleted.status, deleted.text.as_str()), (204, ""));
    with(&shop, &tokens, "DELETE", &path, &Value::Null)
        .await
        .expect_problem(404, "not_found");
    rename(json!("Key")).await.expect_problem(404, "not_found");
    log_in_with(&shop, &mut device)
        .await
        .expect_problem(401, "invalid_credentials");
    told(&shop, "ada@example.com", "A passkey was removed").await;
    // The session of before goes on, and the device can be added again.
    add(&shop, &signed_in, &mut device).await;
    log_in_with(&shop, &mut device).await.expect(200);
}

#[tokio::test]
async fn whatever_is_wrong_with_a_login_gets_the_same_response() {
    let shop = Shop::start().await;
    let tokens = account(&shop, "ada@example.com").await;
    let mut device = new_device(&shop);
    add(&shop, &tokens, &mut device).await;
    let mut texts = BTreeSet::new();
    let mut refused = |answer: &Response, name: &str| {
        assert_eq!(answer.status, 401, "{name}: {}", answer.text);
        answer.expect_problem(401, "invalid_credentials");
        texts.insert(answer.text.clone());
    };

    let own: [Fault; 4] = [
        ("no user handle", |says| says.handle = None),
        ("an empty user handle", |says| {
            says.handle = Some(String::new());
        }),
        ("another's user handle", |says| {
            says.handle = Some(encode(&[7; 16]));
        }),
        ("an unknown credential", |says| says.credential.push(1)),
    ];
    for (name, change) in FAULTS.into_iter().chain(own) {
        let said = device.says.clone();
        change(&mut device.says);
        refused(&log_in_with(&shop, &mut device).await, name);
        device.says = said;
    }

    // Challenges that cannot be answered.
    let log_in = async |device: &mut Authenticator, options: &Value| {
        let body = json!({ "credential": device.log_in(options).unwrap() });
        shop.call("POST", LOGIN, &body).await
    };
    let invented = json!({ "challenge": encode(&[9; 32]) });
    refused(&log_in(&mut device, &invented).await, "invented");
    let short = json!({ "challenge": "AAAA" });
    refused(&log_in(&mut device, &short).await, "short");
    let other = register_options(&shop, &tokens).await;
    refused(&log_in(&mut device, &other).await, "of a registration");
    let expired = login_options(&shop).await;
    let key = format!("CHALLENGE#{}", expired["challenge"].as_str().unwrap());
    let now = json!({ "N": runtime::now().as_second().to_string() });
    set(&shop, &key, "CHALLENGE", "expires_at", now).await;
    refused(&log_in(&mut device, &expired).await, "expired");

    // A signature of something else.
    let options = login_options(&shop).await;
    let mut credential = device.log_in(&options).unwrap();
    let another = new_device(&shop).log_in(&options).unwrap();
    credential["response"]["signature"] = another["response"]["signature"].clone();
    let body = json!({ "credential": credential });
    refused(&shop.call("POST", LOGIN, &body).await, "signature");
    for garbage in ["", "=", "AAAA", &"A".repeat(20_000)] {
        let mut credential = device.log_in(&login_options(&shop).await).unwrap();
        credential["response"]["authenticatorData"] = json!(garbage);
        let body = json!({ "credential": credential });
        refused(&shop.call("POST", LOGIN, &body).await, "garbage");
    }
    assert_eq!(texts.len(), 1, "{texts:?}");

    // What is not an answer at all is told.
    for body in [
        json!({}),
        json!({ "credential": [] }),
        json!({ "credential": {} }),
    ] {
        let answer = shop.call("POST", LOGIN, &body).await;
        answer.expect_problem(422, "validation_failed");
    }
    log_in_with(&shop, &mut device).await.expect(200);
}

#[tokio::test]
async fn an_answer_counts_once_also_at_the_same_time() {
    let shop = Shop::start().await;
    let tokens = account(&shop, "ada@example.com").await;
    let mut device = new_device(&shop);
    add(&shop, &tokens, &mut device).await;
    let body = json!({ "credential": device.log_in(&login_options(&shop).await).unwrap() });
    let answers = [(); 4].map(|()| shop.call("POST", LOGIN, &body));
    let mut statuses: Vec<u16> = join_all(answers).await.iter().map(|it| it.status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 401, 401, 401]);
}

#[tokio::test]
async fn a_passkey_is_added_by_its_owner_on_a_page_of_the_shop() {
    let shop = Shop::start().await;
    let ada = account(&shop, "ada@example.com").await;
    let bob = account(&shop, "bob@example.com").await;
    let mut device = new_device(&shop);
    for (name, change) in FAULTS {
        let said = device.says.clone();
        let options = register_options(&shop, &ada).await;
        change(&mut device.says);
        let credential = device.register(&options).unwrap();
        let answer = register(&shop, &ada, &credential).await;
        assert_eq!(answer.status, 422, "{name}: {}", answer.text);
        expect_no_credential(&answer);
        device.says = said;
    }
    // Challenges of another account, of a login, and of nobody.
    let of_bob = register_options(&shop, &bob).await;
    let of_login = login_options(&shop).await;
    let invented = json!({ "challenge": encode(&[9; 32]) });
    for options in [of_bob, of_login, invented] {
        let credential = device.register(&options).unwrap();
        expect_no_credential(&register(&shop, &ada, &credential).await);
    }
    for (member, garbage) in [
        ("attestationObject", ""),
        ("attestationObject", "oA"),
        ("attestationObject", &*"A".repeat(30_000)),
        ("clientDataJSON", "e30"),
        ("clientDataJSON", "="),
    ] {
        let mut credential = device
            .register(&register_options(&shop, &ada).await)
            .unwrap();
        credential["response"][member] = json!(garbage);
        expect_no_credential(&register(&shop, &ada, &credential).await);
    }
    shop.send(shop.request("POST", REGISTER_OPTIONS))
        .await
        .expect_problem(401, "unauthenticated");
    assert!(mine(&shop, &ada).await.is_empty());

    // A credential belongs to one account, whoever else claims it.
    let passkey = add(&shop, &ada, &mut device).await;
    let handle = device.says.handle.clone();
    let credential = device
        .register(&register_options(&shop, &bob).await)
        .unwrap();
    expect_no_credential(&register(&shop, &bob, &credential).await);
    device.says.handle = handle;
    let signed_in = log_in_with(&shop, &mut device).await.expect(200);
    assert_eq!(account_of(&signed_in), account_of(&ada));
    // Nobody else sees, renames or deletes it.
    assert!(mine(&shop, &bob).await.is_empty());
    let path = path_of(&passkey);
    let body = json!({ "name": "Mine" });
    with(&shop, &bob, "PATCH", &path, &body)
        .await
        .expect_problem(404, "not_found");
    with(&shop, &bob, "DELETE", &path, &Value::Null)
        .await
        .expect_problem(404, "not_found");
    log_in_with(&shop, &mut device).await.expect(200);
}

#[tokio::test]
async fn a_copy_is_noticed_by_its_counter() {
    let shop = Shop::start().await;
    let tokens = account(&shop, "ada@example.com").await;
    let mut device = new_device(&shop);
    add(&shop, &tokens, &mut device).await;
    for _ in 0..2 {
        log_in_with(&shop, &mut device).await.expect(200);
    }
    let original = device.says.clone();
    for counter in [1, 0] {
        // The next answer has one more: as many as the last, or fewer.
        device.says.counter = counter;
        log_in_with(&shop, &mut device)
            .await
            .expect_problem(401, "invalid_credentials");
    }
    told(&shop, "ada@example.com", "may be a copy of one of").await;
    assert!(shop.log().contains("passkey cloned"));
    // Somebody without the key accuses nobody.
    let alarms = shop.log().matches("passkey cloned").count();
    let mut forger = new_device(&shop);
    forger.says = original.clone();
    forger.says.counter = 0;
    log_in_with(&shop, &mut forger)
        .await
        .expect_problem(401, "invalid_credentials");
    assert_eq!(shop.log().matches("passkey cloned").count(), alarms);
    device.says = original;
    log_in_with(&shop, &mut device).await.expect(200);

    // Most passkeys do not count.
    let mut other = new_device(&shop);
    other.says.step = 0;
    add(&shop, &tokens, &mut other).await;
    for _ in 0..3 {
        log_in_with(&shop, &mut other).await.expect(200);
    }
}

#[tokio::test]
async fn staff_have_permissions_by_a_passkey_that_asks_for_them() {
    let shop = Shop::start().await;
    let email = "ada@example.com";
    let tokens = account(&shop, email).await;
    promote(&shop, email, &tokens).await;
    let tokens = log_in(&shop, email, PASSWORD).await.expect(200);
    assert_eq!(claims(&tokens).get("perms"), None, "by a password alone");
    let options = register_options(&shop, &tokens).await;
    let selection = &options["authenticatorSelection"];
    assert_eq!(selection["userVerification"], "required");
    let mut device = new_device(&shop);
    device.says.flags = PRESENT;
    let credential = device.register(&options).unwrap();
    expect_no_credential(&register(&shop, &tokens, &credential).await);
    device.says.flags = PRESENT | VERIFIED;
    let passkey = add(&shop, &tokens, &mut device).await;

    device.says.flags = PRESENT;
    log_in_with(&shop, &mut device)
        .await
        .expect_problem(401, "invalid_credentials");
    device.says.flags = PRESENT | VERIFIED;
    let strong = log_in_with(&shop, &mut device).await.expect(200);
    assert_eq!(claims(&strong)["perms"], json!([PERMISSION]));
    let body = json!({ "refresh_token": strong["refresh_token"] });
    let refreshed = shop.call("POST", "/v1/auth/refresh", &body).await;
    let refreshed = refreshed.expect(200);
    assert_eq!(claims(&refreshed)["perms"], json!([PERMISSION]));

    // Whoever knows the password alone gets no further.
    let weak = log_in(&shop, email, PASSWORD).await.expect(200);
    assert_eq!(claims(&weak).get("perms"), None);
    let path = path_of(&passkey);
    for (method, path) in [
        ("POST", REGISTER_OPTIONS),
        ("POST", "/v1/me/totp"),
        ("DELETE", path.as_str()),
    ] {
        with(&shop, &weak, method, path, &Value::Null)
            .await
            .expect_problem(403, "reauthentication_required");
    }
    add(&shop, &refreshed, &mut new_device(&shop)).await;
}

#[tokio::test]
async fn a_customer_need_not_be_verified() {
    let shop = Shop::start().await;
    let tokens = account(&shop, "ada@example.com").await;
    let mut device = new_device(&shop);
    device.says.flags = PRESENT;
    add(&shop, &tokens, &mut device).await;
    let tokens = log_in_with(&shop, &mut device).await.expect(200);
    // Who becomes staff since needs another passkey.
    promote(&shop, "ada@example.com", &tokens).await;
    log_in_with(&shop, &mut device)
        .await
        .expect_problem(401, "invalid_credentials");
}

/// Kind of fault: the ways to sign in are guarded, and the account itself is not.
#[tokio::test]
async fn the_password_of_staff_alone_neither_takes_nor_deletes_their_account() {
    let shop = Shop::start().await;
    let email = "ada@example.com";
    let tokens = account(&shop, email).await;
    promote(&shop, email, &tokens).await;
    let tokens = log_in(&shop, email, PASSWORD).await.expect(200);
    let mut device = new_device(&shop);
    add(&shop, &tokens, &mut device).await;

    let weak = log_in(&shop, email, PASSWORD).await.expect(200);
    let address = json!({ "email": "eve@example.com", "password": PASSWORD });
    let new = json!({ "current_password": PASSWORD, "new_password": "another horse battery" });
    let password = json!({ "password": PASSWORD });
    let wrong = json!({ "password": "a wrong password" });
    with(&shop, &weak, "DELETE", "/v1/me", &wrong)
        .await
        .expect_problem(401, "invalid_credentials");
    for (method, path, body) in [
        ("POST", "/v1/me/email", &address),
        ("POST", "/v1/me/password", &new),
        ("DELETE", "/v1/me", &password),
    ] {
        with(&shop, &weak, method, path, body)
            .await
            .expect_problem(403, "reauthentication_required");
    }
    assert_eq!(shop.mails_to("eve@example.com").await.len(), 0);

    let strong = log_in_with(&shop, &mut device).await.expect(200);
    let asked = with(&shop, &strong, "POST", "/v1/me/email", &address).await;
    asked.expect(202);
    let changed = with(&shop, &strong, "POST", "/v1/me/password", &new).await;
    assert_eq!(changed.status, 204, "{}", changed.text);
    let strong = log_in_with(&shop, &mut device).await.expect(200);
    let password = json!({ "password": "another horse battery" });
    let deleted = with(&shop, &strong, "DELETE", "/v1/me", &password).await;
    assert_eq!(deleted.status, 204, "{}", deleted.text);
}

/// Kind of fault: what was asked for by the password alone is done once the password alone is not enough any more.
#[tokio::test]
async fn a_change_of_the_address_from_before_the_first_passkey_is_void() {
    let shop = Shop::start().await;
    let email = "ada@example.com";
    let tokens = account(&shop, email).await;
    promote(&shop, email, &tokens).await;
    let thief = log_in(&shop, email, PASSWORD).await.expect(200);
    let ask = async |tokens: &Value, email: &str| {
        let body = json!({ "email": email, "password": PASSWORD });
        let asked = with(&shop, tokens, "POST", "/v1/me/email", &body).await;
        asked.expect(202);
        link_token(&shop, email, 1).await
    };
    let confirm = async |link: &str| {
        let body = json!({ "token": link });
        shop.call("POST", "/v1/auth/email/confirm", &body).await
    };
    let thiefs = ask(&thief, "eve@example.com").await;
    let owner = log_in(&shop, email, PASSWORD).await.expect(200);
    let mut device = new_device(&shop);
    add(&shop, &owner, &mut device).await;
    confirm(&thiefs).await.expect_problem(400, "invalid_link");

    let strong = log_in_with(&shop, &mut device).await.expect(200);
    let owners = ask(&strong, "ada@lovelace.example").await;
    let confirmed = confirm(&owners).await;
    assert_eq!(confirmed.status, 204, "{}", confirmed.text);
    let me = with(&shop, &strong, "GET", "/v1/me", &Value::Null).await;
    assert_eq!(me.expect(200)["email"], "ada@lovelace.example");
}

/// A passkey that staff cannot sign in with must not keep them from adding one that they can.
#[tokio::test]
async fn a_passkey_that_never_verified_its_owner_is_no_factor_of_staff() {
    let shop = Shop::start().await;
    let email = "ada@example.com";
    let tokens = account(&shop, email).await;
    let mut device = new_device(&shop);
    device.says.flags = PRESENT;
    let passkey = add(&shop, &tokens, &mut device).await;
    log_in_with(&shop, &mut device).await.expect(200);
    let partition = format!("ACCOUNT#{}", account_of(&tokens));
    let sort = format!("PASSKEY#{}", passkey["id"].as_str().unwrap());
    let stored = item(&shop, &partition, &sort).await;
    assert_eq!(stored["user_verified"], json!({ "BOOL": false }));
    promote(&shop, email, &tokens).await;
    let weak = log_in(&shop, email, PASSWORD).await.expect(200);
    register_options(&shop, &weak).await;

    // The device asks for its owner from now on, and with that the password alone is not enough any more.
    device.says.flags = PRESENT | VERIFIED;
    let strong = log_in_with(&shop, &mut device).await.expect(200);
    assert_eq!(claims(&strong)["perms"], json!([PERMISSION]));
    let stored = item(&shop, &partition, &sort).await;
    assert_eq!(stored["user_verified"], json!({ "BOOL": true }));
    with(&shop, &weak, "POST", REGISTER_OPTIONS, &Value::Null)
        .await
        .expect_problem(403, "reauthentication_required");
    add(&shop, &strong, &mut new_device(&shop)).await;
}

/// Of two sessions by the password alone, one adds the first factor of staff, also at the same time.
#[tokio::test]
async fn a_session_is_checked_again_if_its_account_has_changed_meanwhile() {
    let shop = Shop::start().await;
    let email = "ada@example.com";
    let tokens = account(&shop, email).await;
    promote(&shop, email, &tokens).await;
    let mut answers = Vec::new();
    for _ in 0..2 {
        let weak = log_in(&shop, email, PASSWORD).await.expect(200);
        let options = register_options(&shop, &weak).await;
        answers.push((weak, new_device(&shop).register(&options).unwrap()));
    }
    let answers = answers
        .iter()
        .map(|(weak, credential)| register(&shop, weak, credential));
    let answers = join_all(answers).await;
    let mut statuses: Vec<u16> = answers.iter().map(|it| it.status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 403]);
    assert_eq!(mine(&shop, &tokens).await.len(), 1);
}

#[tokio::test]
async fn an_old_session_changes_no_passkeys() {
    let shop = Shop::start().await;
    let tokens = account(&shop, "ada@example.com").await;
    let mut device = new_device(&shop);
    let passkey = add(&shop, &tokens, &mut device).await;
    let mut other = new_device(&shop);
    let credential = other
        .register(&register_options(&shop, &tokens).await)
        .unwrap();
    age(&shop, &tokens).await;
    let path = path_of(&passkey);
    let body = json!({ "credential": credential });
    for (method, path, body) in [
        ("POST", REGISTER_OPTIONS, &Value::Null),
        ("POST", REGISTER, &body),
        ("DELETE", path.as_str(), &Value::Null),
    ] {
        with(&shop, &tokens, method, path, body)
            .await
            .expect_problem(403, "reauthentication_required");
    }
    // It still sees and names them.
    assert_eq!(mine(&shop, &tokens).await.len(), 1);
    let named = with(&shop, &tokens, "PATCH", &path, &json!({ "name": "Key" })).await;
    named.expect(200);
    let fresh = log_in_with(&shop, &mut device).await.expect(200);
    register(&shop, &fresh, &credential).await.expect(201);
    let deleted = with(&shop, &fresh, "DELETE", &path, &Value::Null).await;
    assert_eq!(deleted.status, 204, "{}", deleted.text);
}

#[tokio::test]
async fn an_account_has_so_many_passkeys() {
    let shop = Shop::start().await;
    let tokens = account(&shop, "ada@example.com").await;
    for _ in 0..19 {
        add(&shop, &tokens, &mut new_device(&shop)).await;
    }
    // Two at once for the last place.
    let mut credentials = Vec::new();
    for _ in 0..2 {
        let options = register_options(&shop, &tokens).await;
        credentials.push(new_device(&shop).register(&options).unwrap());
    }
    let answers = credentials
        .iter()
        .map(|credential| register(&shop, &tokens, credential));
    let answers = join_all(answers).await;
    let mut statuses: Vec<u16> = answers.iter().map(|it| it.status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 409]);
    with(&shop, &tokens, "POST", REGISTER_OPTIONS, &Value::Null)
        .await
        .expect_problem(409, "too_many_passkeys");
    let passkeys = mine(&shop, &tokens).await;
    assert_eq!(passkeys.len(), 20);
    let path = path_of(&passkeys[7]);
    let deleted = with(&shop, &tokens, "DELETE", &path, &Value::Null).await;
    assert_eq!(deleted.status, 204, "{}", deleted.text);
    add(&shop, &tokens, &mut new_device(&shop)).await;
}

#[tokio::test]
async fn passkeys_go_with_their_account() {
    let shop = Shop::start().await;
    let ada = account(&shop, "ada@example.com").await;
    let mut device = new_device(&shop);
    let passkey = add(&shop, &ada, &mut device).await;
    let pointer = format!("PASSKEY#{}", passkey["id"].as_str().unwrap());
    assert!(item(&shop, &pointer, "PASSKEY").await.is_object());
    let body = json!({ "password": PASSWORD });
    let deleted = with(&shop, &ada, "DELETE", "/v1/me", &body).await;
    assert_eq!(deleted.status, 204, "{}", deleted.text);
    // At once, also before it is deleted.
    log_in_with(&shop, &mut device)
        .await
        .expect_problem(401, "invalid_credentials");
    shop.eventually("the passkey is gone", async || {
        let pointer = item(&shop, &pointer, "PASSKEY").await;
        pointer.is_null().then_some(())
    })
    .await;
    let bob = account(&shop, "bob@example.com").await;
    add(&shop, &bob, &mut device).await;
    let signed_in = log_in_with(&shop, &mut device).await.expect(200);
    assert_eq!(account_of(&signed_in), account_of(&bob));
}

#[tokio::test]
async fn other_sites_sign_nobody_in() {
    let shop = Shop::start().await;
    let tokens = account(&shop, "ada@example.com").await;
    let mut device = new_device(&shop);
    add(&shop, &tokens, &mut device).await;
    let credential = device.log_in(&login_options(&shop).await).unwrap();
    let body = json!({ "cookies": true, "credential": credential });
    let from = |site: &str| {
        let request = shop.request("POST", LOGIN).header("Sec-Fetch-Site", site);
        shop.send(request.json(&body))
    };
    for site in ["cross-site", "same-site", "none"] {
        from(site).await.expect_problem(403, "cross_site_request");
    }
    let answer = from("same-origin").await;
    assert_eq!(answer.expect(200).get("access_token"), None);
    assert!(answer.headers["set-cookie"].contains("__Host-"));
}

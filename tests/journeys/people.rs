//! Covers: register-account, verify-email, log-in, refresh-session, log-out, get-me, change-me, delete-me, change-password,
//! request-email-change, change-email, list-sessions, end-session, list-addresses, create-address, change-address, delete-address,
//! start-passkey-registration, register-passkey, start-passkey-login, log-in-with-passkey, list-passkeys, rename-passkey,
//! delete-passkey, start-totp, confirm-totp, remove-totp, start-export, export-account, get-export, get-wishlist,
//! add-wishlist-entry, remove-wishlist-entry, get-my-cart, merge-carts, remove-cart-line, claim-order, list-my-orders,
//! cancel-order, project-orders, invite-staff, list-invitations, revoke-invitation, accept-invitation, list-staff, change-staff,
//! remove-staff, list-roles, put-role, delete-role, create-api-key, list-api-keys, revoke-api-key, list-customer-groups,
//! create-customer-group, get-customer-group, change-customer-group, delete-customer-group, list-group-members, add-group-member,
//! remove-group-member, get-customer, list-customers, get-stock, set-stock, split-stock, append-audit, list-audit,
//! export-audit-chain, verify-audit.
//!
//! On a deployed shop, a call that a policy does not allow fails here: so each function is called with success, and where it is simple in
//! each way that takes permissions of its own. A deployed shop cannot be asked for these: `rotate-keys`, `anchor-audit` and `invite-owner`
//! have no route, so `infra/local/stage.py` invokes them; the codes of an app are suspended after as many guesses as there are logins in a
//! quarter of an hour; and links, sessions and keys do not expire in the time of a test.

use domain::identity::TotpSecret;
use jiff::SignedDuration;
use local::authenticator::Authenticator;
use serde_json::{Value, json};
use testkit::{Product, Response, Shop, StockCounts, app_of, order_body};

use crate::accounts::token;

const PASSWORD: &str = "correct horse battery";
const NEW_PASSWORD: &str = "another horse battery";
const NONE: &Value = &Value::Null;

/// Somebody who is signed in.
struct Person<'a> {
    shop: &'a Shop,
    tokens: Value,
}

impl<'a> Person<'a> {
    /// Somebody who registers, confirms the address and signs in.
    async fn join(shop: &'a Shop, email: &str) -> Self {
        let body = json!({ "email": email, "password": PASSWORD });
        let registered = shop.call("POST", "/v1/auth/register", &body).await;
        registered.expect(202);
        let link = json!({ "token": token(shop, email, "Confirm your address").await });
        done(&shop.call("POST", "/v1/auth/verify", &link).await);
        let tokens = log_in(shop, email, PASSWORD, None).await.expect(200);
        Self { shop, tokens }
    }

    /// A request. On a deployed shop, a process may be a few seconds behind the keys that were just published.
    async fn call(&self, method: &str, path: &str, body: &Value) -> Response {
        let token = self.tokens["access_token"].as_str().unwrap();
        let what = format!("the token is known to {method} {path}");
        self.shop
            .eventually(&what, async || {
                let answer = self.shop.call_with(token, method, path, body).await;
                (answer.status != 401).then_some(answer)
            })
            .await
    }

    async fn get(&self, path: &str) -> Value {
        self.call("GET", path, NONE).await.expect(200)
    }

    /// Number of items in a list of theirs.
    async fn count(&self, path: &str) -> usize {
        items(&self.get(path).await).len()
    }

    /// Signs in with a passkey until the token counts: one of the second in which a change has ended those of before does not.
    async fn return_with(&mut self, device: &mut Authenticator) {
        let shop = self.shop;
        let signs_in = async || {
            let tokens = passkey_login(shop, device).await.expect(200);
            let access = tokens["access_token"].as_str().unwrap();
            let me = shop.call_with(access, "GET", "/v1/me", NONE).await;
            (me.status == 200).then_some(tokens)
        };
        self.tokens = shop.eventually("a token counts", signs_in).await;
    }

    /// Refreshes the session until the token counts.
    async fn refresh(&mut self) {
        let (shop, tokens) = (self.shop, &mut self.tokens);
        let refreshes = async || {
            let body = json!({ "refresh_token": tokens["refresh_token"] });
            let next = shop.call("POST", "/v1/auth/refresh", &body).await;
            *tokens = next.expect(200);
            let access = tokens["access_token"].as_str().unwrap();
            let me = shop.call_with(access, "GET", "/v1/me", NONE).await;
            (me.status == 200).then_some(())
        };
        shop.eventually("a token counts", refreshes).await;
    }

    /// Ends the sessions besides this one, one by one.
    async fn end_others(&self) {
        let sessions = self.get("/v1/me/sessions").await;
        let others = items(&sessions).iter().filter(|it| it["current"] == false);
        for session in others {
            let path = format!("/v1/me/sessions/{}", id(session));
            done(&self.call("DELETE", &path, NONE).await);
        }
        assert_eq!(self.count("/v1/me/sessions").await, 1);
    }

    /// Adds a passkey; returns its path and the device.
    async fn add_passkey(&self) -> (String, Authenticator) {
        let options = "/v1/auth/passkeys/register/options";
        let options = self.call("POST", options, NONE).await.expect(200);
        let mut device = Authenticator::new(&self.shop.address).unwrap();
        // A deployed shop has passkeys under the address of its pages, which is not that of the calls.
        let host = options["rp"]["id"].as_str().unwrap();
        if host != device.says.rp_id {
            device.says.origin = format!("https://{host}");
            host.clone_into(&mut device.says.rp_id);
        }
        let body = json!({ "credential": device.register(&options).unwrap() });
        let added = self.call("POST", "/v1/auth/passkeys/register", &body).await;
        (
            format!("/v1/me/passkeys/{}", id(&added.expect(201))),
            device,
        )
    }
}

/// Asserts that there is nothing to say.
#[track_caller]
fn done(answer: &Response) {
    assert_eq!(answer.status, 204, "{}", answer.text);
}

#[track_caller]
fn id(view: &Value) -> &str {
    view["id"].as_str().unwrap()
}

#[track_caller]
fn items(list: &Value) -> &[Value] {
    list["items"].as_array().unwrap()
}

async fn log_in(shop: &Shop, email: &str, password: &str, code: Option<&str>) -> Response {
    let body = json!({ "email": email, "password": password, "code": code });
    shop.call("POST", "/v1/auth/login", &body).await
}

async fn passkey_login(shop: &Shop, device: &mut Authenticator) -> Response {
    let options = shop.request("POST", "/v1/auth/passkeys/login/options");
    let options = shop.send(options).await.expect(200);
    let body = json!({ "credential": device.log_in(&options).unwrap() });
    shop.call("POST", "/v1/auth/passkeys/login", &body).await
}

/// The code that an app shows now, or so many steps of 30 seconds later: the shop takes one that is a step ahead.
fn code(app: &TotpSecret, steps: i64) -> String {
    app.code_at(runtime::now() + SignedDuration::from_secs(30 * steps))
}

/// A request of staff.
async fn staff(shop: &Shop, method: &str, path: &str, body: &Value) -> Response {
    shop.call_with(&shop.staff_token, method, path, body).await
}

/// A key of a machine with these permissions.
async fn api_key(shop: &Shop, scopes: &[&str]) -> Value {
    let body = json!({ "name": "Journey", "scopes": scopes, "expires_in_days": 1 });
    let made = staff(shop, "POST", "/v1/admin/api-keys", &body).await;
    made.expect(201)
}

#[tokio::test]
async fn ways_to_sign_in() {
    let shop = Shop::deployed_or_started().await;
    let email = "mary.jackson@example.com";
    let mut mary = Person::join(&shop, email).await;
    let profile = json!({ "name": "Mary Jackson", "email_consent": true });
    let changed = mary.call("PATCH", "/v1/me", &profile).await.expect(200);
    assert_eq!(changed["email_consent"], true);

    // Passkeys.
    let (path, mut device) = mary.add_passkey().await;
    let (second, _) = mary.add_passkey().await;
    let name = json!({ "name": "Phone" });
    mary.call("PATCH", &path, &name).await.expect(200);
    assert_eq!(mary.count("/v1/me/passkeys").await, 2);
    done(&mary.call("DELETE", &second, NONE).await);
    passkey_login(&shop, &mut device).await.expect(200);
    mary.end_others().await;

    // An authenticator app.
    let started = mary.call("POST", "/v1/me/totp", NONE).await.expect(200);
    let app = app_of(started["secret"].as_str().unwrap());
    let confirm = json!({ "code": code(&app, 0) });
    let confirmed = mary.call("POST", "/v1/me/totp/confirm", &confirm).await;
    let recovery = confirmed.expect(200)["recovery_codes"].clone();
    log_in(&shop, email, PASSWORD, None)
        .await
        .expect_problem(401, "second_factor_required");
    log_in(&shop, email, PASSWORD, Some(&code(&app, 9)))
        .await
        .expect_problem(401, "invalid_credentials");
    let next = code(&app, 1);
    log_in(&shop, email, PASSWORD, Some(&next))
        .await
        .expect(200);
    let spare = recovery[0].as_str();
    log_in(&shop, email, PASSWORD, spare).await.expect(200);

    // Another password and another address, of an account with an app.
    let passwords = json!({ "current_password": PASSWORD, "new_password": NEW_PASSWORD });
    done(&mary.call("POST", "/v1/me/password", &passwords).await);
    assert_eq!(mary.count("/v1/me/sessions").await, 1);
    let new_email = "mary.w.jackson@example.com";
    let address = json!({ "email": new_email, "password": NEW_PASSWORD });
    let asked = mary.call("POST", "/v1/me/email", &address).await;
    asked.expect(202);
    let link = json!({ "token": token(&shop, new_email, "token=").await });
    done(&shop.call("POST", "/v1/auth/email/confirm", &link).await);
    assert_eq!(mary.get("/v1/me").await["email"], new_email);
    let spare = recovery[1].as_str();
    let signed_in = log_in(&shop, new_email, NEW_PASSWORD, spare).await;
    signed_in.expect(200);

    let password = json!({ "password": NEW_PASSWORD });
    done(&mary.call("DELETE", "/v1/me/totp", &password).await);
    mary.refresh().await;
    let everywhere = json!({ "everywhere": true });
    done(&mary.call("POST", "/v1/auth/logout", &everywhere).await);
    // The account goes with a passkey that is left.
    mary.return_with(&mut device).await;
    done(&mary.call("DELETE", "/v1/me", &password).await);
    passkey_login(&shop, &mut device)
        .await
        .expect_problem(401, "invalid_credentials");
}

/// Creates a group, fills and empties it, and removes it, by the key of a machine.
async fn groups(shop: &Shop, account: &str) {
    let key = api_key(shop, &["customers:read", "customers:write"]).await;
    let secret = key["secret"].as_str().unwrap();
    let call = async |method: &str, path: &str, body: &Value| {
        shop.call_with(secret, method, path, body).await
    };
    let all = "/v1/admin/customer-groups";
    let body = json!({ "name": "Journey regulars" });
    let made = call("POST", all, &body).await.expect(201);
    let path = format!("{all}/{}", id(&made));
    let member = format!("{path}/members/{account}");
    let note = json!({ "note": "Since 2026" });
    call("PATCH", &path, &note).await.expect(200);
    call("PUT", &member, NONE).await.expect(200);
    let listed = call("GET", &format!("{path}/members"), NONE).await;
    assert_eq!(items(&listed.expect(200)).len(), 1);
    let read = call("GET", &path, NONE).await.expect(200);
    assert_eq!(read["members"], 1);
    let listed = call("GET", all, NONE).await.expect(200);
    assert!(items(&listed).contains(&read), "{listed}");
    let profile = format!("/v1/admin/customers/{account}");
    let profile = call("GET", &profile, NONE).await.expect(200);
    assert_eq!(profile["groups"], json!([id(&made)]));
    done(&call("DELETE", &member, NONE).await);
    done(&call("DELETE", &path, NONE).await);
}

#[tokio::test]
async fn belongings() {
    let shop = Shop::deployed_or_started().await;
    let sku = "journey-slide-rule";
    shop.stock_up(&[Product::single("slide-rule", sku, "12.00", 5)])
        .await;
    let email = "katherine.johnson@example.com";
    let katherine = Person::join(&shop, email).await;
    let account = id(&katherine.get("/v1/me").await).to_owned();

    // The address book and the wish list.
    let book = "/v1/me/addresses";
    let address = json!({ "address": order_body("", "")["shipping_address"] });
    let made = katherine.call("POST", book, &address).await.expect(201);
    let path = format!("{book}/{}", id(&made));
    katherine.call("PUT", &path, &address).await.expect(200);
    assert_eq!(katherine.count(book).await, 1);
    done(&katherine.call("DELETE", &path, NONE).await);
    katherine.call("POST", book, &address).await.expect(201);
    let wishes = "/v1/me/wishlist";
    let wish = format!("{wishes}/{sku}");
    katherine.call("PUT", &wish, NONE).await.expect(200);
    assert_eq!(katherine.count(wishes).await, 1);
    done(&katherine.call("DELETE", &wish, NONE).await);
    katherine.call("PUT", &wish, NONE).await.expect(200);

    // A guest's cart becomes that of the account, and another one is merged into it.
    for (lines, total) in [(1, 1), (2, 2)] {
        let cart = shop.cart(&[(sku, lines)]).await;
        let merge = format!("/v1/carts/{cart}/merge");
        let merged = katherine.call("POST", &merge, NONE).await.expect(200);
        assert_eq!(merged["lines"][0]["quantity"], total, "{merged}");
    }
    let own = katherine.get("/v1/me/cart").await;
    let again = katherine.call("POST", "/v1/carts", NONE).await.expect(201);
    assert_eq!(again["id"], own["id"]);
    let cart = format!("/v1/carts/{}", id(&own));
    let line = format!("{cart}/lines/{sku}");
    katherine.call("DELETE", &line, NONE).await.expect(200);
    let quantity = json!({ "quantity": 1 });
    katherine.call("PUT", &line, &quantity).await.expect(200);
    katherine.get(&cart).await;

    // Their own order, and one as a guest, which they claim and cancel.
    let access = katherine.tokens["access_token"].as_str().unwrap();
    let ordered = shop.request("POST", "/v1/orders").bearer_auth(access);
    let ordered = ordered.header("Idempotency-Key", id(&own));
    let mut body = order_body(id(&own), "tok_ok");
    body["email"] = json!(email);
    let placed = shop.send(ordered.json(&body)).await.expect(201);
    let guest = shop.cart(&[(sku, 1)]).await;
    let mut body = order_body(&guest, "tok_ok");
    body["email"] = json!(email);
    let claimed = shop.order(&guest, &body).await.expect(201);
    shop.order_becomes(&claimed, "paid").await;
    let claimed = format!("/v1/orders/{}", id(&claimed));
    let claim = format!("{claimed}/claim");
    katherine.call("POST", &claim, NONE).await.expect(200);
    let orders = shop
        .eventually("both orders are listed and paid", async || {
            let orders = katherine.get("/v1/orders").await;
            let paid = items(&orders).iter().filter(|it| it["status"] == "paid");
            (paid.count() == 2).then_some(orders)
        })
        .await;
    let mine = items(&orders).iter().any(|it| it["id"] == placed["id"]);
    assert!(mine, "{orders}");
    let cancel = shop.request("POST", &format!("{claimed}/cancel"));
    let cancel = cancel.bearer_auth(access).header("Idempotency-Key", &guest);
    shop.send(cancel.json(&json!({}))).await.expect(200);
    katherine.get(&claimed).await;
    let found = format!("/v1/admin/customers?email={email}");
    let found = shop.staff_get(&found).await.expect(200);
    assert_eq!(items(&found)[0]["account_id"], json!(account), "{found}");
    groups(&shop, &account).await;

    // Everything that the shop has of them.
    let export = katherine.call("POST", "/v1/me/export", NONE).await;
    let path = format!("/v1/me/exports/{}", id(&export.expect(202)));
    let export = shop
        .eventually("the export is complete", async || {
            let export = katherine.get(&path).await;
            assert_ne!(export["state"], "failed", "{export}");
            (export["state"] == "completed").then_some(export)
        })
        .await;
    let file = reqwest::get(export["download_url"].as_str().unwrap()).await;
    let document: Value = file.unwrap().json().await.unwrap();
    assert_eq!(document["account"]["profile"]["email"], email);
    assert_eq!(document["orders"].as_array().unwrap().len(), 2);
    assert_eq!(document["account"]["wishlist"][0]["sku"], sku);

    // Their deletion leaves the stock alone, which is counted and split.
    let password = json!({ "password": PASSWORD });
    done(&katherine.call("DELETE", "/v1/me", &password).await);
    let stock = format!("/v1/admin/stock/{sku}");
    let shards = json!({ "shards": 2 });
    let split = staff(&shop, "PUT", &format!("{stock}/shards"), &shards).await;
    split.expect(200);
    let counted = json!({ "on_hand": 8 });
    staff(&shop, "PUT", &stock, &counted).await.expect(200);
    assert_eq!(shop.stock(sku).await, StockCounts::unreserved(8));
}

/// The trail of a subject: its list once it has an action, its chain, and that this is in order.
async fn trail(shop: &Shop, subject: &str, action: &str) {
    let path = format!("/v1/admin/audit?subject={subject}&action={action}");
    let record = shop
        .eventually(&format!("{action} is in the trail"), async || {
            let page = shop.staff_get(&path).await.expect(200);
            items(&page).first().cloned()
        })
        .await;
    let chain = &record["chain"];
    let exported = format!("/v1/admin/audit/chains/{chain}?limit=500");
    let exported = shop.staff_get(&exported).await;
    exported.expect(200);
    assert!(exported.text.contains(id(&record)), "{}", exported.text);
    let body = json!({ "chain": chain });
    let verified = "/v1/admin/audit/verifications";
    let verified = staff(shop, "POST", verified, &body).await.expect(200);
    assert_eq!(verified["complete"], true, "{verified}");
    assert!(verified["fault"].is_null(), "{verified}");
}

const INVITATIONS: &str = "/v1/admin/staff/invitations";

async fn invite(shop: &Shop, email: &str, role: &str) -> Value {
    let body = json!({ "email": email, "role": role });
    let invited = staff(shop, "POST", INVITATIONS, &body).await;
    invited.expect(201)
}

async fn accept(shop: &Shop, email: &str, password: &str) {
    let link = token(shop, email, "/account/invitation?token=").await;
    let body = json!({ "token": link, "name": "Dorothy Vaughan", "password": password });
    let path = "/v1/auth/invitations/accept";
    done(&shop.call("POST", path, &body).await);
}

/// The path of a member of the staff.
async fn member(shop: &Shop, email: &str) -> String {
    let staff = shop.staff_get("/v1/admin/staff").await.expect(200);
    let found = items(&staff).iter().find(|it| it["email"] == email);
    let account = found.unwrap()["account_id"].as_str().unwrap();
    format!("/v1/admin/staff/members/{account}")
}

#[tokio::test]
async fn staff_come_and_go() {
    let shop = Shop::deployed_or_started().await;
    let role = "/v1/admin/roles/journey_clerk";
    let reads = json!({ "permissions": ["staff:read", "audit:read"] });
    staff(&shop, "PUT", role, &reads).await.expect(200);
    let roles = shop.staff_get("/v1/admin/roles").await.expect(200);
    let mut names = items(&roles).iter().map(|it| &it["name"]);
    assert!(names.any(|it| it == "journey_clerk"), "{roles}");

    // One is new, and is invited twice; one is a customer with another way to sign in; one is not wanted after all.
    let email = "dorothy.vaughan@example.com";
    let other = "christine.darden@example.com";
    let customer = Person::join(&shop, other).await;
    customer.add_passkey().await;
    for email in [email, email, other] {
        invite(&shop, email, "journey_clerk").await;
    }
    let unwanted = invite(&shop, "unwanted.clerk@example.com", "journey_clerk").await;
    let listed = shop.staff_get(INVITATIONS).await.expect(200);
    assert!(items(&listed).contains(&unwanted), "{listed}");
    let path = format!("{INVITATIONS}/{}", id(&unwanted));
    done(&staff(&shop, "DELETE", &path, NONE).await);
    accept(&shop, email, PASSWORD).await;
    accept(&shop, other, NEW_PASSWORD).await;
    let signed_in = log_in(&shop, other, NEW_PASSWORD, None).await;
    signed_in.expect(200);

    // With two factors, they have permissions.
    let tokens = log_in(&shop, email, PASSWORD, None).await.expect(200);
    let mut dorothy = Person {
        shop: &shop,
        tokens,
    };
    let (_, mut device) = dorothy.add_passkey().await;
    dorothy.return_with(&mut device).await;
    assert!(dorothy.count("/v1/admin/staff").await >= 2);
    dorothy.get("/v1/admin/audit").await;
    // Another permission of the role, another session, another password, another role.
    let more = json!({ "permissions": ["staff:read", "orders:read"] });
    staff(&shop, "PUT", role, &more).await.expect(200);
    dorothy.refresh().await;
    dorothy.get("/v1/admin/orders").await;
    dorothy.end_others().await;
    let passwords = json!({ "current_password": PASSWORD, "new_password": NEW_PASSWORD });
    done(&dorothy.call("POST", "/v1/me/password", &passwords).await);
    dorothy.refresh().await;
    let path = member(&shop, email).await;
    let support = json!({ "role": "support" });
    staff(&shop, "PATCH", &path, &support).await.expect(200);
    dorothy.return_with(&mut device).await;
    let me = dorothy.get("/v1/me").await;
    assert_eq!(me["staff"]["role"], "support");
    let everywhere = json!({ "everywhere": true });
    done(&dorothy.call("POST", "/v1/auth/logout", &everywhere).await);

    let account = path.rsplit('/').next().unwrap();
    for path in [&path, &member(&shop, other).await] {
        done(&staff(&shop, "DELETE", path, NONE).await);
    }
    done(&staff(&shop, "DELETE", role, NONE).await);
    trail(&shop, &format!("account:{account}"), "staff.removed").await;
    trail(&shop, "role:journey_clerk", "role.removed").await;
}

#[tokio::test]
async fn a_key_of_a_machine() {
    let shop = Shop::deployed_or_started().await;
    let key = api_key(&shop, &["jobs:read"]).await;
    let keys = "/v1/admin/api-keys";
    let secret = key["secret"].as_str().unwrap();
    let jobs = async || shop.call_with(secret, "GET", "/v1/admin/jobs", NONE).await;
    jobs().await.expect(200);
    shop.eventually("its use is noted", async || {
        let listed = shop.staff_get(keys).await.expect(200);
        let mine = items(&listed).iter().find(|it| it["id"] == key["id"]);
        mine.unwrap()["last_used_at"].is_string().then_some(())
    })
    .await;
    let path = format!("{keys}/{}", id(&key));
    done(&staff(&shop, "DELETE", &path, NONE).await);
    // A process that knows it believes it for some seconds.
    shop.eventually("it is refused", async || {
        (jobs().await.status == 401).then_some(())
    })
    .await;
    let subject = format!("api_key:{}", id(&key));
    trail(&shop, &subject, "api_key.revoked").await;
}

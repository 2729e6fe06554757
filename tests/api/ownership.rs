//! Who may call each route, and whose objects a route knows: every route as everybody who might try, and one person with the
//! objects of another. docs/security.md has the matrix.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
};

use domain::{
    id::{AccountId, SessionId},
    identity::{AccessClaims, Permission, Role, Secrets, SigningKey},
};
use futures_util::{StreamExt, stream};
use jiff::{SignedDuration, Timestamp};
use local::template::Trigger;
use runtime::Access;
use serde_json::{Value, json};
use testkit::{Product, Response, Shop, order_body, root};

use crate::{
    accounts::{access, account},
    passkeys::{add, mine, new_device},
};

/// Routes that are called at once.
const AT_ONCE: usize = 8;
/// Root of the keys of another shop.
const OTHER_ROOT: &str = r#"{"version":1,"root":"another-shop-0123456789abcdefghijklmnop"}"#;
/// The route that ends the caller's session.
const LOG_OUT: &str = "/v1/auth/logout";

/// Values of the parameters in paths, by name: well-formed ones, of nothing that exists.
const SAMPLES: [(&str, &str); 18] = [
    ("account_id", "acc_01M80ZDQCX70JRTJ4H42YQDFMD"),
    ("address_id", "adr_01M80ZDQCX70JRTJ4H42YQDFMD"),
    ("cart_id", "crt_01M80ZDQCX70JRTJ4H42YQDFMD"),
    ("chain", "3"),
    ("export_id", "exp_01M80ZDQCX70JRTJ4H42YQDFMD"),
    ("group_id", "vip"),
    ("import_id", "imp_01M80ZDQCX70JRTJ4H42YQDFMD"),
    ("invitation_id", "inv_01M80ZDQCX70JRTJ4H42YQDFMD"),
    ("job_id", "job_01M80ZDQCX70JRTJ4H42YQDFMD"),
    ("key_id", "key_01M80ZDQCX70JRTJ4H42YQDFMD"),
    ("order_id", "ord_01M80ZDQCX70JRTJ4H42YQDFMD"),
    ("passkey_id", "psk_01M80ZDQCX70JRTJ4H42YQDFMD"),
    ("provider", "stripe"),
    ("revision", "1"),
    ("role", "packers"),
    ("session_id", "ses_01M80ZDQCX70JRTJ4H42YQDFMD"),
    ("sku", "TEE"),
    ("slug", "tee"),
];

/// A route as the OpenAPI document declares it.
struct Route {
    method: String,
    /// Path with the names of its parameters.
    pattern: String,
    access: Access,
    has_body: bool,
}

/// Somebody who calls.
struct Caller {
    name: String,
    /// Bearer token, if any.
    token: Option<String>,
    credential: Credential,
}

/// What a caller has.
enum Credential {
    /// Nothing.
    Nothing,
    /// A text that only an order might know.
    Opaque,
    /// An access token that is not valid.
    Invalid,
    /// An access token with these permissions: none of a customer.
    Person(BTreeSet<Permission>),
    /// A staff token that was signed by hand.
    StaffToken,
}

/// What a route does with a caller.
#[derive(Debug)]
enum Expected {
    /// Takes the request and looks at it.
    Taken,
    /// Rejects it with one of these statuses.
    Rejected(&'static [u16]),
    /// Either: the body has the credentials.
    Either,
}

impl Route {
    fn name(&self) -> String {
        format!("{} {}", self.method, self.pattern)
    }

    /// Whether it is about one object.
    fn is_of_an_object(&self) -> bool {
        self.pattern.contains('{')
    }

    fn expects(&self, caller: &Caller) -> Expected {
        use Credential as Has;
        match (self.access, &caller.credential) {
            (Access::Public, _) if self.pattern.starts_with("/v1/auth/") => Expected::Either,
            (Access::Public, _)
            | (Access::Guest, Has::Nothing)
            | (Access::Guest | Access::Token | Access::Person, Has::Person(_))
            | (Access::Staff(_), Has::StaffToken) => Expected::Taken,
            (Access::Staff(needed), Has::Person(permissions)) => {
                match permissions.contains(&needed) {
                    true => Expected::Taken,
                    false => Expected::Rejected(&[403]),
                }
            }
            // It might be the token of an order.
            (Access::Token, Has::Opaque | Has::StaffToken) => Expected::Rejected(&[401, 404]),
            _ => Expected::Rejected(&[401]),
        }
    }

    /// Whether the caller is worth a request. The accounts of those with permissions do not exist, so that only routes of staff
    /// know them.
    fn concerns(&self, caller: &Caller) -> bool {
        match &caller.credential {
            Credential::Person(permissions) => {
                permissions.is_empty() || matches!(self.access, Access::Staff(_))
            }
            _ => true,
        }
    }
}

impl Caller {
    fn new(name: impl Into<String>, token: impl Into<String>, credential: Credential) -> Self {
        Self {
            name: name.into(),
            token: Some(token.into()),
            credential,
        }
    }
}

/// The routes of the OpenAPI document, which a test holds against the code.
fn routes() -> Vec<Route> {
    let text = fs::read_to_string(root().join("web/openapi.json")).unwrap();
    let document: Value = serde_json::from_str(&text).unwrap();
    let mut routes = Vec::new();
    for (pattern, operations) in document["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            routes.push(Route {
                method: method.to_uppercase(),
                pattern: pattern.clone(),
                access: access_of(&operation["security"]),
                has_body: operation["requestBody"].is_object(),
            });
        }
    }
    routes
}

/// Who may call an operation, from its security requirements.
fn access_of(security: &Value) -> Access {
    let alternatives: Vec<&Value> = security.as_array().into_iter().flatten().collect();
    let scheme = |name: &str| alternatives.iter().find_map(|it| it.get(name));
    if let Some(scopes) = scheme("staff") {
        let permission = scopes[0].as_str().and_then(Permission::named);
        return Access::Staff(permission.expect("the scope of staff is a permission"));
    }
    let is_optional = alternatives.iter().any(|it| **it == json!({}));
    match (scheme("token"), scheme("person")) {
        (Some(_), _) => Access::Token,
        (None, Some(_)) if is_optional => Access::Guest,
        (None, Some(_)) => Access::Person,
        (None, None) => Access::Public,
    }
}

/// A path with values for its parameters: those that are known, or samples.
fn filled(pattern: &str, known: &BTreeMap<&str, String>) -> String {
    let value = |name: &str| {
        let sample = SAMPLES.iter().find(|(sample, _)| *sample == name);
        let sample = sample.map(|(_, value)| (*value).to_owned());
        let value = known.get(name).cloned().or(sample);
        assert!(
            value.is_some(),
            "{pattern}: add a value of {name} to SAMPLES in tests/api/ownership.rs"
        );
        value.unwrap()
    };
    let segments = pattern.split('/').map(|segment| {
        let name = segment.strip_prefix('{');
        let name = name.and_then(|name| name.strip_suffix('}'));
        name.map_or_else(|| segment.to_owned(), value)
    });
    segments.collect::<Vec<_>>().join("/")
}

/// The key that signs now, of a root.
fn key_of(secret: &str) -> SigningKey {
    let keys = Secrets::parse(secret).and_then(|it| it.signing_keys(runtime::now()));
    keys.unwrap().remove(0)
}

/// An access token of an account that does not exist.
fn token(key: &SigningKey, permissions: &BTreeSet<Permission>, issued_at: Timestamp) -> String {
    let account = AccountId::derived(&["ownership"]);
    let session = SessionId::derived(&["ownership"]);
    let permissions = permissions.iter().copied();
    let claims = AccessClaims::issue(account, session, permissions, issued_at);
    runtime::sign_access_token(&claims, key).unwrap()
}

/// Everybody who might try, with a customer's tokens as the response to a login has them.
async fn callers(shop: &Shop, customer: &Value) -> Vec<Caller> {
    let (key, other) = (shop.signing_key().await, key_of(OTHER_ROOT));
    let now = runtime::now();
    let all = Role::Owner.permissions();
    let expired = token(key, &all, now - SignedDuration::from_hours(1));
    let mut callers = vec![
        Caller {
            name: "nobody".to_owned(),
            token: None,
            credential: Credential::Nothing,
        },
        Caller::new("garbage", "x.y.z", Credential::Opaque),
        Caller::new(
            "an unknown API key",
            format!("stk_{}", "A".repeat(43)),
            Credential::Opaque,
        ),
        Caller::new("an expired owner", expired, Credential::Invalid),
        Caller::new(
            "an owner of another shop",
            token(&other, &all, now),
            Credential::Invalid,
        ),
        Caller::new(
            "a customer",
            access(customer),
            Credential::Person(BTreeSet::new()),
        ),
        Caller::new(
            "a staff token",
            shop.staff_token.as_str(),
            Credential::StaffToken,
        ),
    ];
    for role in Role::ALL {
        let permissions = role.permissions();
        let token = token(key, &permissions, now);
        callers.push(Caller::new(
            role.name(),
            token,
            Credential::Person(permissions),
        ));
    }
    callers
}

/// Sends a request with a key, as some routes look for one first, and with an empty body, if the route takes one.
async fn call(shop: &Shop, route: &Route, caller: &Caller) -> Response {
    let path = filled(&route.pattern, &BTreeMap::new());
    let request = shop.request(&route.method, &path);
    let mut request = request.header("Idempotency-Key", "walk");
    if let Some(token) = &caller.token {
        request = request.bearer_auth(token);
    }
    if route.has_body {
        request = request.json(&json!({}));
    }
    shop.send(request).await
}

/// Calls a route as everybody, one after another, so that one process answers. Returns how the responses differ from the
/// declared access.
async fn walk(shop: &Shop, route: &Route, callers: &[Caller]) -> Vec<String> {
    let mut deviations = Vec::new();
    for caller in callers.iter().filter(|caller| route.concerns(caller)) {
        let answer = call(shop, route, caller).await;
        let expected = route.expects(caller);
        let is_expected = match expected {
            Expected::Taken => !matches!(answer.status, 401 | 403),
            Expected::Rejected(statuses) => statuses.contains(&answer.status),
            Expected::Either => true,
        };
        if !is_expected || answer.status >= 500 {
            let (route, caller) = (route.name(), &caller.name);
            let (status, text) = (answer.status, answer.text);
            deviations.push(format!(
                "{route} as {caller}: {status}, not {expected:?}: {text:.200}"
            ));
        }
    }
    deviations
}

// Kind of fault: an endpoint that forgets to ask whose request it is.
#[tokio::test]
async fn every_route_takes_the_callers_that_it_declares_and_no_others() {
    let shop = Shop::start().await;
    let routes = routes();
    let mut served = BTreeSet::new();
    for function in &shop.stack().template.functions {
        for trigger in &function.triggers {
            if let Trigger::Route { method, path } = trigger
                && path != "$default"
            {
                served.insert(format!("{method} {path}"));
            }
        }
    }
    let declared: BTreeSet<String> = routes.iter().map(Route::name).collect();
    assert_eq!(declared, served, "run `cargo xtask openapi`");

    let customer = account(&shop, "ada@example.com").await;
    let callers = callers(&shop, &customer).await;
    // The customer signs out when all else is done.
    let (last, first): (Vec<&Route>, Vec<&Route>) =
        routes.iter().partition(|route| route.pattern == LOG_OUT);
    let walks = first.into_iter().map(|route| walk(&shop, route, &callers));
    let walks = stream::iter(walks).buffer_unordered(AT_ONCE);
    let mut deviations: Vec<String> = walks.concat().await;
    for route in last {
        deviations.extend(walk(&shop, route, &callers).await);
    }
    deviations.sort();
    assert!(
        deviations.is_empty(),
        "{} deviations:\n{}\n{}",
        deviations.len(),
        deviations.join("\n"),
        shop.log()
    );
}

/// A request of somebody who is signed in.
async fn send(shop: &Shop, tokens: &Value, method: &str, path: &str, body: &Value) -> Response {
    let request = shop.request(method, path).bearer_auth(access(tokens));
    let request = request.header("Idempotency-Key", "theirs");
    let request = match body {
        Value::Null => request,
        body => request.json(body),
    };
    shop.send(request).await
}

/// The body of a request that would succeed for the owner of the object, where the route looks at it first.
fn body(route: &str) -> Value {
    match route {
        "PATCH /v1/me/passkeys/{passkey_id}" => json!({ "name": "Phone" }),
        "PUT /v1/carts/{cart_id}/lines/{sku}" => json!({ "quantity": 1 }),
        "PUT /v1/me/addresses/{address_id}" => address(),
        _ => json!({}),
    }
}

/// An address for an address book.
fn address() -> Value {
    json!({ "address": order_body("", "")["shipping_address"] })
}

// Kind of fault: an object is found by its id, whoever asks (IDOR, BOLA).
#[tokio::test]
async fn the_objects_of_another_are_not_there() {
    let shop = Shop::start().await;
    shop.stock_up(&[Product::single("tee", "TEE", "10.00", 5)])
        .await;
    let ada = account(&shop, "ada@example.com").await;
    let bob = account(&shop, "bob@example.com").await;
    let id = |value: &Value| value["id"].as_str().unwrap().to_owned();
    let sessions = async || {
        let listed = send(&shop, &bob, "GET", "/v1/me/sessions", &Value::Null).await;
        listed.expect(200)["items"].as_array().unwrap().clone()
    };
    let addresses = async || {
        let listed = send(&shop, &bob, "GET", "/v1/me/addresses", &Value::Null).await;
        listed.expect(200)["items"].as_array().unwrap().clone()
    };
    let added = send(&shop, &bob, "POST", "/v1/me/addresses", &address()).await;
    let cart = send(&shop, &bob, "POST", "/v1/carts", &Value::Null).await;
    // Of a guest's cart, as theirs stays open.
    let order = order_body(&shop.cart(&[("TEE", 1)]).await, "tok_ok");
    let order = send(&shop, &bob, "POST", "/v1/orders", &order).await;
    let order = shop.order_becomes(&order.expect(201), "paid").await;
    let passkey = add(&shop, &bob, &mut new_device(&shop)).await;
    let export = send(&shop, &bob, "POST", "/v1/me/export", &Value::Null).await;
    let theirs = BTreeMap::from([
        ("address_id", id(&added.expect(201))),
        ("cart_id", id(&cart.expect(201))),
        ("export_id", id(&export.expect(202))),
        ("order_id", id(&order)),
        ("passkey_id", id(&passkey)),
        ("session_id", id(&sessions().await[0])),
    ]);
    let shown = async |path: &str| {
        let path = filled(path, &theirs);
        let look = async || {
            let seen = send(&shop, &bob, "GET", &path, &Value::Null).await;
            (seen.status == 200).then(|| seen.json())
        };
        shop.eventually("their owner sees them", look).await
    };
    shown("/v1/orders/{order_id}/invoice").await;
    let seen = async || {
        [
            json!(sessions().await),
            json!(addresses().await),
            json!(mine(&shop, &bob).await),
            shown("/v1/carts/{cart_id}").await,
            shown("/v1/orders/{order_id}").await,
        ]
    };
    let before = seen().await;

    let mut deviations = Vec::new();
    let mut routes = routes();
    routes.retain(|route| {
        route.is_of_an_object()
            // Names an entry of the caller's own list by something that is public.
            && !route.pattern.starts_with("/v1/me/wishlist/")
            && matches!(route.access, Access::Guest | Access::Token | Access::Person)
    });
    assert!(routes.len() >= 6, "{} routes", routes.len());
    for route in &routes {
        let (name, path) = (route.name(), filled(&route.pattern, &theirs));
        let body = match route.has_body {
            true => body(&name),
            false => Value::Null,
        };
        let answer = send(&shop, &ada, &route.method, &path, &body).await;
        if answer.status != 404 {
            let (status, text) = (answer.status, answer.text);
            deviations.push(format!("{name}: {status}, not 404: {text:.200}"));
        }
    }
    assert!(deviations.is_empty(), "{}", deviations.join("\n"));
    assert_eq!(seen().await, before);
}

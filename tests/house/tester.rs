//! An API tester over the OpenAPI document: it sends requests that the document allows and others that it does not,
//! and checks that every response is one that the document allows and that none is an internal error.

use std::{collections::BTreeSet, fs, path::Path};

use domain::identity::Role;
use serde_json::{Value, json};
use testkit::{Product, Shop, catalogue, order_body, root};
use tokio::process::Command;

/// What the tester checks. Not among them: whether every value that the document does not allow is rejected, as
/// unknown query parameters are ignored; whether each that it does allow is accepted, as the shop also has rules
/// that a schema cannot express; and whether a wrong token gets 401, as it gets 404 where it could be an order's.
const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,\
     response_headers_conformance,response_schema_conformance,missing_required_header,\
     unsupported_method,allow_header_conformance";

/// The tester's own statuses of a request without a required header, and 428, which a change without `If-Match` gets.
const WITHOUT_A_HEADER: [&str; 7] = ["400", "401", "403", "406", "415", "422", "428"];

/// A run of the tester repeats the requests of the last one.
const SEED: &str = "13";
/// Requests of each operation whose values are random, for most callers.
const EXAMPLES: u32 = 15;

/// Members of the staff, invitations and API keys: the tester deletes some before it changes others.
const MEMBERS: usize = 12;

/// Who sends the requests.
struct Caller<'a> {
    name: &'static str,
    /// Bearer token, if any.
    token: Option<&'a str>,
    /// Paths that are called, as a regular expression; without it, all.
    paths: Option<&'static str>,
    /// Requests of each operation whose values are random.
    examples: u32,
    /// Whether there are requests at the limits of the schema, too: some hundred for an operation with many fields.
    is_thorough: bool,
    /// Values that mean something to the shop, by parameter. The tester takes one more often than a random value.
    known: Vec<(&'static str, Value)>,
    /// Operations of which some requests succeed: a tester that is always rejected sees few responses.
    succeeds: &'static [&'static str],
}

#[tokio::test]
async fn a_guest_gets_only_answers_that_the_document_allows() {
    let shop = Shop::start().await;
    shop.stock_up(&[Product::single("tee", "TEE", "10.00", 500)])
        .await;
    let mut carts = Vec::new();
    for _ in 0..20 {
        carts.push(shop.cart(&[("TEE", 2)]).await);
    }
    let guest = Caller {
        name: "guest",
        token: None,
        paths: None,
        examples: EXAMPLES,
        is_thorough: true,
        known: vec![
            ("path.cart_id", json!(carts)),
            ("path.sku", json!(["TEE"])),
            ("path.slug", json!(["tee"])),
            ("query.sort", json!(["price", "-price"])),
            ("query.limit", json!(["1"])),
            ("body.quantity", json!([1, 2])),
            ("body.cart_id", json!(carts)),
            ("body.email", json!(["ada@bücher.example"])),
            ("body.payment.method", json!(["test"])),
            ("body.payment.token", json!(["tok_ok", "tok_declined"])),
            ("body.shipping_address.name", json!(["Ada Lovelace"])),
            ("body.shipping_address.line1", json!(["1 High Street"])),
            // Addresses there have a city, but need none.
            ("body.shipping_address.country", json!(["AG"])),
        ],
        succeeds: &[
            "GET /v1/carts/{cart_id}",
            "GET /v1/countries",
            "GET /v1/health",
            "GET /v1/products",
            "GET /v1/products/{slug}",
            "GET /v1/shop",
            "HEAD /v1/products",
            "POST /v1/auth/passkeys/login/options",
            "POST /v1/carts",
            "POST /v1/orders",
            "PUT /v1/carts/{cart_id}/lines/{sku}",
        ],
    };
    test(&shop, &guest).await;
}

/// Of the paths that know an order's token; to the others it is a wrong one.
#[tokio::test]
async fn whoever_has_ordered_gets_only_answers_that_the_document_allows() {
    let shop = Shop::start().await;
    shop.stock_up(&[Product::single("tee", "TEE", "10.00", 500)])
        .await;
    let cart = shop.cart(&[("TEE", 1)]).await;
    let placed = shop.order("k", &order_body(&cart, "tok_ok")).await;
    let placed = placed.expect(201);
    shop.order_becomes(&placed, "paid").await;
    let buyer = Caller {
        name: "buyer",
        token: placed["access_token"].as_str(),
        paths: Some("^/v1/orders(/|$)"),
        examples: EXAMPLES,
        is_thorough: true,
        known: vec![("path.order_id", json!([placed["id"]]))],
        succeeds: &[
            "GET /v1/orders/{order_id}",
            "GET /v1/orders/{order_id}/invoice",
            "POST /v1/orders/{order_id}/cancel",
        ],
    };
    test(&shop, &buyer).await;
}

/// Of paths where it makes a difference that somebody is signed in.
#[tokio::test]
async fn a_customer_gets_only_answers_that_the_document_allows() {
    let shop = Shop::start().await;
    shop.stock_up(&[Product::single("tee", "TEE", "10.00", 500)])
        .await;
    let (token, sessions) = sign_in(&shop, "ada@example.com").await;
    let send = async |method: &str, path: &str, body: Value| {
        let request = shop.request(method, path).bearer_auth(&token);
        shop.send(request.json(&body)).await.expect(201)
    };
    let cart = send("POST", "/v1/carts", json!({})).await;
    let mut addresses = Vec::new();
    for _ in 0..4 {
        let body = json!({ "address": order_body("", "")["shipping_address"] });
        let added = send("POST", "/v1/me/addresses", body).await;
        addresses.push(added["id"].clone());
    }
    let customer = Caller {
        name: "customer",
        token: Some(&token),
        // All but the logout, which comes last: passkeys and the app take a session that goes on.
        paths: Some("^/v1/(me|carts|orders|auth/passkeys/register)(/|$)"),
        examples: EXAMPLES,
        is_thorough: true,
        known: vec![
            ("path.address_id", json!(addresses)),
            ("path.cart_id", json!([cart["id"]])),
            ("path.session_id", json!(sessions)),
            ("path.sku", json!(["TEE"])),
            ("body.quantity", json!([1, 2])),
            ("body.address.name", json!(["Ada Lovelace"])),
            ("body.address.line1", json!(["1 High Street"])),
            // Addresses there have a city, but need none.
            ("body.address.country", json!(["AG"])),
        ],
        succeeds: &[
            "DELETE /v1/me/addresses/{address_id}",
            "DELETE /v1/me/sessions/{session_id}",
            "GET /v1/carts/{cart_id}",
            "GET /v1/me",
            "GET /v1/me/addresses",
            "GET /v1/me/cart",
            "GET /v1/me/passkeys",
            "GET /v1/me/sessions",
            "GET /v1/orders",
            "PATCH /v1/me",
            "POST /v1/auth/passkeys/register/options",
            "POST /v1/carts",
            "POST /v1/me/addresses",
            "POST /v1/me/export",
            "POST /v1/me/totp",
            "PUT /v1/carts/{cart_id}/lines/{sku}",
        ],
    };
    test(&shop, &customer).await;
    let leaver = Caller {
        name: "leaver",
        paths: Some("^/v1/auth/logout$"),
        known: Vec::new(),
        succeeds: &["POST /v1/auth/logout"],
        ..customer
    };
    test(&shop, &leaver).await;
}

/// Somebody who registers, follows the link and signs in on three devices: an access token of the last, and the ids of the sessions
/// of the others.
async fn sign_in(shop: &Shop, email: &str) -> (String, Vec<Value>) {
    let body = json!({ "email": email, "password": "correct horse battery" });
    let registered = shop.call("POST", "/v1/auth/register", &body).await;
    registered.expect(202);
    let token = json!({ "token": link(shop, email).await });
    let verified = shop.call("POST", "/v1/auth/verify", &token).await;
    assert_eq!(verified.status, 204, "{}", verified.text);
    let mut token = String::new();
    for _ in 0..3 {
        let tokens = shop.call("POST", "/v1/auth/login", &body).await.expect(200);
        let access = tokens["access_token"].as_str();
        token = access.expect("an access token").to_owned();
    }
    let request = shop.request("GET", "/v1/me/sessions").bearer_auth(&token);
    let listed = shop.send(request).await.expect(200);
    let sessions = listed["items"].as_array().expect("a list").iter();
    let others = sessions.filter(|session| session["current"] == false);
    let ids = others.map(|session| session["id"].clone()).collect();
    (token, ids)
}

/// The token of the link in the first mail to an address.
async fn link(shop: &Shop, email: &str) -> String {
    let look = async || {
        let text = shop.mails_to(email).await.first()?.to_string();
        let (_, rest) = text.split_once("token=")?;
        let end = |c: char| !(c.is_ascii_alphanumeric() || "-_.".contains(c));
        rest.split(end).next().map(str::to_owned)
    };
    shop.eventually("the link is there", look).await
}

/// What staff manage of people: members and customers, invitations, API keys, a role and a group with a member. As many as the
/// tester may delete. Values by parameter.
async fn people(shop: &Shop) -> Vec<(&'static str, Value)> {
    const INVITATIONS: &str = "/v1/admin/staff/invitations";
    let make = async |path: &str, body: Value| {
        let made = shop.staff_call("POST", path, &body).await;
        made.expect(201)
    };
    let put = async |path: &str, body: Value| {
        let put = shop.staff_call("PUT", path, &body).await;
        assert!(matches!(put.status, 200..300), "{path}: {}", put.text);
    };
    for index in 0..MEMBERS {
        let email = format!("member{index}@example.com");
        make(INVITATIONS, json!({ "email": email, "role": "support" })).await;
        let body =
            json!({ "token": link(shop, &email).await, "password": "correct horse battery" });
        let joined = shop
            .call("POST", "/v1/auth/invitations/accept", &body)
            .await;
        assert_eq!(joined.status, 204, "{}", joined.text);
    }
    let (mut invitations, mut keys) = (Vec::new(), Vec::new());
    for index in 0..MEMBERS {
        let email = format!("invited{index}@example.com");
        let invited = make(INVITATIONS, json!({ "email": email, "role": "support" })).await;
        invitations.push(invited["id"].clone());
        let key = json!({ "name": "a machine", "scopes": ["jobs:read"], "expires_in_days": 30 });
        keys.push(make("/v1/admin/api-keys", key).await["id"].clone());
    }
    let listed = shop.staff_get("/v1/admin/staff").await.expect(200);
    let members = listed["items"].as_array().expect("a list").iter();
    let members: Vec<Value> = members.map(|it| it["account_id"].clone()).collect();
    assert_eq!(members.len(), MEMBERS);
    put(
        "/v1/admin/roles/packers",
        json!({ "permissions": ["orders:read"] }),
    )
    .await;
    make("/v1/admin/customer-groups", json!({ "name": "VIP" })).await;
    let mut groups = vec![json!("vip"), json!("wholesale")];
    for index in 0..MEMBERS {
        let empty = json!({ "name": format!("Empty {index}") });
        groups.push(make("/v1/admin/customer-groups", empty).await["id"].clone());
    }
    let first = members[0].as_str().expect("an id");
    put(
        &format!("/v1/admin/customer-groups/vip/members/{first}"),
        json!({}),
    )
    .await;
    vec![
        ("path.account_id", json!(members)),
        ("path.invitation_id", json!(invitations)),
        ("path.key_id", json!(keys)),
        ("path.role", json!(["packers"])),
        ("path.group_id", json!(groups)),
        ("path.chain", json!(["3"])),
        ("body.chain", json!([3])),
        ("body.after", json!([0])),
        ("body.email", json!(["bob@example.com"])),
        ("body.role", json!(["fulfilment", "support"])),
        ("body.name", json!(["Wholesale"])),
        ("body.permissions[*]", json!(["orders:read", "stock:read"])),
        ("body.scopes[*]", json!(["orders:read", "stock:read"])),
        ("body.expires_in_days", json!([30])),
    ]
}

#[tokio::test]
async fn staff_get_only_answers_that_the_document_allows() {
    let shop = Shop::start().await;
    let import = shop
        .import(catalogue(&[Product::single("tee", "TEE", "10.00", 500)]))
        .await;
    let mut orders = Vec::new();
    for index in 0..12 {
        let order = shop.buy(&[("TEE", 5)], "tok_ok", "paid").await;
        let order = order["id"].as_str().unwrap().to_owned();
        // One of which a part has been shipped cannot be canceled, so that it stays open for the rest.
        if index % 2 == 0 {
            let path = format!("/v1/admin/orders/{order}/fulfilments");
            let one = json!({ "lines": [{ "sku": "TEE", "quantity": 1 }] });
            let shipped = shop.request("POST", &path).bearer_auth(&shop.staff_token);
            let shipped = shipped.header("Idempotency-Key", &order).json(&one);
            shop.send(shipped).await.expect(201);
        }
        orders.push(order);
    }
    let mut known = vec![
        ("path.order_id", json!(orders)),
        ("path.import_id", json!([import["id"]])),
        ("path.sku", json!(["TEE"])),
        ("query.email", json!(["ada@example.com"])),
        ("query.status", json!(["paid"])),
        ("query.sku", json!(["TEE"])),
        ("path.revision", json!(["0", "1"])),
        ("header.If-Match", json!(["*"])),
        ("body.lines[*].sku", json!(["TEE"])),
        ("body.lines[*].quantity", json!([1])),
        ("body.amount", json!([1, 100])),
        ("body.shards", json!([1, 4])),
    ];
    known.extend(people(&shop).await);
    let staff = Caller {
        name: "staff",
        token: Some(&shop.staff_token),
        paths: None,
        examples: EXAMPLES,
        is_thorough: true,
        known,
        succeeds: &[
            "DELETE /v1/admin/api-keys/{key_id}",
            "DELETE /v1/admin/customer-groups/{group_id}",
            "DELETE /v1/admin/customer-groups/{group_id}/members/{account_id}",
            "DELETE /v1/admin/roles/{role}",
            "DELETE /v1/admin/staff/invitations/{invitation_id}",
            "DELETE /v1/admin/staff/members/{account_id}",
            "GET /v1/admin/api-keys",
            "GET /v1/admin/audit",
            "GET /v1/admin/audit/chains/{chain}",
            "GET /v1/admin/customer-groups",
            "GET /v1/admin/customer-groups/{group_id}",
            "GET /v1/admin/customer-groups/{group_id}/members",
            "GET /v1/admin/customers",
            "GET /v1/admin/customers/{account_id}",
            "GET /v1/admin/imports/{import_id}",
            "GET /v1/admin/orders",
            "GET /v1/admin/orders/{order_id}",
            "GET /v1/admin/orders/{order_id}/invoice",
            "GET /v1/admin/roles",
            "GET /v1/admin/settings",
            "GET /v1/admin/settings/revisions",
            "GET /v1/admin/settings/revisions/{revision}",
            "GET /v1/admin/staff",
            "GET /v1/admin/staff/invitations",
            "GET /v1/admin/stock/{sku}",
            "PATCH /v1/admin/customer-groups/{group_id}",
            "PATCH /v1/admin/settings",
            "PATCH /v1/admin/staff/members/{account_id}",
            "POST /v1/admin/api-keys",
            "POST /v1/admin/audit/verifications",
            "POST /v1/admin/customer-groups",
            "POST /v1/admin/imports",
            "POST /v1/admin/orders/{order_id}/cancel",
            "POST /v1/admin/orders/{order_id}/fulfilments",
            "POST /v1/admin/orders/{order_id}/refunds",
            "POST /v1/admin/settings/revisions/{revision}/restore",
            "POST /v1/admin/staff/invitations",
            "PUT /v1/admin/customer-groups/{group_id}/members/{account_id}",
            "PUT /v1/admin/roles/{role}",
            "PUT /v1/admin/stock/{sku}",
            "PUT /v1/admin/stock/{sku}/shards",
        ],
    };
    test(&shop, &staff).await;
}

/// Of the paths of staff, with fewer requests: what a role may do responds as it does to the operator, and the rest is refused.
#[tokio::test]
async fn each_role_gets_only_answers_that_the_document_allows() {
    let shop = Shop::start().await;
    shop.stock_up(&[Product::single("tee", "TEE", "10.00", 500)])
        .await;
    let order = shop.buy(&[("TEE", 5)], "tok_ok", "paid").await;
    for role in Role::ALL {
        let token = shop.staff_with(role.permissions()).await;
        let member = Caller {
            name: role.name(),
            token: Some(&token),
            paths: Some("^/v1/admin/"),
            examples: 3,
            is_thorough: false,
            known: vec![
                ("path.order_id", json!([order["id"]])),
                ("path.sku", json!(["TEE"])),
                ("query.limit", json!(["1"])),
            ],
            succeeds: &["GET /v1/admin/orders", "GET /v1/admin/stock/{sku}"],
        };
        test(&shop, &member).await;
    }
}

/// Runs the tester as one caller.
async fn test(shop: &Shop, caller: &Caller<'_>) {
    let program = root().join(".venv/tester/bin/schemathesis");
    assert!(
        program.exists(),
        "run `make setup-tester` first; `make test` does"
    );
    // The tester leaves files of its own there, and would repeat what they say.
    let folder = root().join("target/tester").join(caller.name);
    if folder.exists() {
        fs::remove_dir_all(&folder).expect("a writable target");
    }
    fs::create_dir_all(&folder).expect("a writable target");
    let config = folder.join("schemathesis.toml");
    let mut settings = format!(
        "[checks.missing_required_header]\nexpected-statuses = {}\n\n",
        json!(WITHOUT_A_HEADER)
    );
    for (index, (name, values)) in caller.known.iter().enumerate() {
        settings.push_str(&format!(
            "[dictionaries.values{index}]\nvalues = {values}\n\n\
             [parameters.\"{name}\"]\ndictionary = \"values{index}\"\nprobability = 0.8\n\n"
        ));
    }
    fs::write(&config, settings).expect("a writable target");
    let report = folder.join("report.ndjson");
    let examples = caller.examples.to_string();
    let phases = match caller.is_thorough {
        true => "coverage,fuzzing",
        false => "fuzzing",
    };
    let mut tester = Command::new(program);
    tester
        .current_dir(&folder)
        .args(["--no-color", "--config-file"])
        .arg(&config)
        .arg("run")
        .arg(root().join("web/openapi.json"))
        .args(["--url", &shop.address, "--checks", CHECKS])
        .args(["--phases", phases, "--continue-on-failure"])
        .args(["--seed", SEED, "--max-examples", &examples, "--no-shrink"])
        .args(["--generation-database", "none"])
        .args(["--suppress-health-check", "all", "--warnings", "off"])
        // One thread: with more, the order of calls is another each time, and Python 3.11 may fail to parse
        // source code in two threads at once.
        .args(["--workers", "1", "--request-timeout", "30"])
        .args(["--report", "ndjson", "--report-ndjson-path"])
        .arg(&report);
    if let Some(paths) = caller.paths {
        tester.args(["--include-path-regex", paths]);
    }
    if let Some(token) = caller.token {
        tester.args(["--header", &format!("Authorization: Bearer {token}")]);
    }
    let (status, said) = crate::run(&mut tester).await;
    assert!(status.success(), "{status}\n{said}");
    let succeeded = operations_with_success(&report);
    for operation in caller.succeeds {
        assert!(
            succeeded.contains(*operation),
            "every {operation} was rejected\n{said}"
        );
    }
}

/// The operations of which at least one request had a status from 200 to 299, from the tester's report of events.
fn operations_with_success(report: &Path) -> BTreeSet<String> {
    let report = fs::read_to_string(report).expect("the tester's report");
    let mut succeeded = BTreeSet::new();
    for line in report.lines() {
        let event: Value = serde_json::from_str(line).expect("one event a line");
        let run = &event["ScenarioFinished"]["recorder"];
        let requests = run["interactions"].as_object();
        let is_success = |request: &Value| {
            let status = request["response"]["status_code"].as_u64();
            status.is_some_and(|status| (200..300).contains(&status))
        };
        if requests.is_some_and(|requests| requests.values().any(is_success)) {
            let operation = run["label"].as_str().expect("an operation's name");
            succeeded.insert(operation.to_owned());
        }
    }
    succeeded
}

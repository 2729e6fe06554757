//! Covers: list-customer-groups, create-customer-group, get-customer-group, change-customer-group, delete-customer-group,
//! list-group-members, add-group-member, remove-group-member, get-customer, list-customers: accounts and groups as staff see them.

use std::collections::BTreeSet;

use futures_util::future::join_all;
use serde_json::{Value, json};
use testkit::{Person, Product, Response, Shop, order_body};

use crate::{
    accounts::{PASSWORD, account, log_in, with},
    audit::records,
    people::{account_of, claims, item},
};

const GROUPS: &str = "/v1/admin/customer-groups";
const CUSTOMERS: &str = "/v1/admin/customers";

/// A request of staff without a body.
async fn staff(shop: &Shop, method: &str, path: &str) -> Response {
    let request = shop.request(method, path);
    shop.send(request.bearer_auth(&shop.staff_token)).await
}

/// A request of staff about a version of a group.
async fn of_version(shop: &Shop, method: &str, path: &str, tag: &str, body: &Value) -> Response {
    let request = shop.request(method, path).header("If-Match", tag);
    let request = request.bearer_auth(&shop.staff_token);
    shop.send(request.json(body)).await
}

async fn create(shop: &Shop, body: &Value) -> Response {
    shop.staff_call("POST", GROUPS, body).await
}

/// Creates a group whose id is its name.
async fn group(shop: &Shop, id: &str) {
    create(shop, &json!({ "name": id })).await.expect(201);
}

fn member(group: &str, account: &str) -> String {
    format!("{GROUPS}/{group}/members/{account}")
}

async fn add(shop: &Shop, group: &str, account: &str) -> Response {
    staff(shop, "PUT", &member(group, account)).await
}

async fn remove(shop: &Shop, group: &str, account: &str) -> Response {
    staff(shop, "DELETE", &member(group, account)).await
}

async fn removed(shop: &Shop, group: &str, account: &str) {
    let answer = remove(shop, group, account).await;
    assert_eq!((answer.status, answer.text.as_str()), (204, ""));
}

/// Number of members that a group says it has.
async fn members(shop: &Shop, group: &str) -> u64 {
    let group = shop.staff_get(&format!("{GROUPS}/{group}")).await;
    group.expect(200)["members"].as_u64().unwrap()
}

/// All members of a group, page by page.
async fn listed(shop: &Shop, group: &str, limit: usize) -> Vec<Value> {
    let path = format!("{GROUPS}/{group}/members?limit={limit}");
    let (mut found, mut next) = (Vec::new(), path.clone());
    loop {
        let page = shop.staff_get(&next).await.expect(200);
        let items = page["items"].as_array().unwrap();
        assert!(items.len() <= limit, "{page}");
        found.extend(items.clone());
        match page["next_cursor"].as_str() {
            Some(cursor) => next = format!("{path}&cursor={cursor}"),
            None => return found,
        }
    }
}

/// Groups of an account as its profile has them.
async fn groups_of(shop: &Shop, account: &str) -> Value {
    let profile = shop.staff_get(&format!("{CUSTOMERS}/{account}")).await;
    profile.expect(200)["groups"].clone()
}

#[tokio::test]
async fn a_group_from_its_creation_to_its_removal() {
    let shop = Shop::start().await;
    let none = shop.staff_get(GROUPS).await.expect(200);
    assert_eq!(none, json!({ "items": [] }));

    let body = json!({ "name": " Friends  & Family ", "note": "Since 2026" });
    let answer = create(&shop, &body).await;
    let made = answer.expect(201);
    assert_eq!(made["id"], "friends-family");
    assert_eq!(made["name"], "Friends & Family");
    assert_eq!((&made["members"], &made["version"]), (&json!(0), &json!(1)));
    assert_eq!(made["changed_by"], "staff:test");
    let path = format!("{GROUPS}/friends-family");
    assert_eq!(answer.headers["location"], path);
    assert_eq!(answer.headers["etag"], "\"1\"");
    // The same again, after a lost response; and another one under its id.
    assert_eq!(create(&shop, &body).await.expect(201), made);
    let other = json!({ "id": "friends-family", "name": "Others" });
    let refused = create(&shop, &other).await;
    refused.expect_problem(409, "group_exists");
    let read = shop.staff_get(&path).await;
    assert_eq!(read.headers["etag"], "\"1\"");
    assert_eq!(read.expect(200), made);

    for (body, field, code) in [
        (json!({ "name": "" }), "name", "required"),
        (json!({ "name": "友達" }), "id", "required"),
        (json!({ "name": "A", "id": "A B" }), "id", "invalid"),
        (json!({ "name": "x".repeat(61) }), "name", "too_long"),
        (
            json!({ "name": "A", "note": "x".repeat(501) }),
            "note",
            "too_long",
        ),
        (
            json!({ "name": "A", "members": 3 }),
            "members",
            "unknown_field",
        ),
    ] {
        let problem = create(&shop, &body).await;
        let problem = problem.expect_problem(422, "validation_failed");
        assert_eq!(problem["errors"][0]["field"], field, "{body}");
        assert_eq!(problem["errors"][0]["code"], code, "{body}");
    }

    // With If-Match the version that was read, without it any.
    let note = json!({ "note": null });
    let changed = of_version(&shop, "PATCH", &path, "\"1\"", &note).await;
    assert_eq!(changed.headers["etag"], "\"2\"");
    let changed = changed.expect(200);
    assert_eq!(changed.get("note"), None);
    assert_eq!(changed["name"], "Friends & Family");
    for (method, body) in [("PATCH", &note), ("DELETE", &json!({}))] {
        let refused = of_version(&shop, method, &path, "\"1\"", body).await;
        refused.expect_problem(412, "precondition_failed");
    }
    let same = shop.staff_call("PATCH", &path, &note).await.expect(200);
    assert_eq!(same, changed, "no change makes no version");
    let name = json!({ "name": "Family" });
    let renamed = shop.staff_call("PATCH", &path, &name).await.expect(200);
    assert_eq!(renamed["version"], 3);
    let refused = shop
        .staff_call("PATCH", &path, &json!({ "name": null }))
        .await;
    refused.expect_problem(422, "validation_failed");

    group(&shop, "a").await;
    let list = shop.staff_get(GROUPS).await.expect(200);
    let ids = list["items"].as_array().unwrap().iter().map(|it| &it["id"]);
    assert_eq!(ids.collect::<Vec<_>>(), ["a", "friends-family"]);

    let answer = staff(&shop, "DELETE", &path).await;
    assert_eq!((answer.status, answer.text.as_str()), (204, ""));
    for (method, path) in [
        ("GET", path.clone()),
        ("DELETE", path.clone()),
        ("GET", format!("{path}/members")),
        (
            "PUT",
            member("friends-family", "acc_5T0RCE3VWQ8X4H2YJZ9N6KDPGA"),
        ),
        (
            "DELETE",
            member("friends-family", "acc_5T0RCE3VWQ8X4H2YJZ9N6KDPGA"),
        ),
        ("GET", format!("{GROUPS}/Not%20An%20Id")),
    ] {
        let gone = staff(&shop, method, &path).await;
        gone.expect_problem(404, "not_found");
    }
    // Its id is free, and its versions go on.
    let again = create(&shop, &other).await.expect(201);
    assert_eq!(
        (&again["name"], &again["version"]),
        (&json!("Others"), &json!(5))
    );

    let trail = records(&shop, "subject=customer_group:friends-family", 5).await;
    let actions: Vec<&str> = trail
        .iter()
        .rev()
        .map(|record| record["action"].as_str().unwrap())
        .collect();
    assert_eq!(
        actions,
        [
            "customer_group.created",
            "customer_group.changed",
            "customer_group.changed",
            "customer_group.removed",
            "customer_group.created",
        ]
    );
    assert!(trail.iter().all(|record| record["actor"] == "token:test"));
}

#[tokio::test]
async fn a_shop_has_so_many_groups() {
    let shop = Shop::start().await;
    for tens in 0..10 {
        let ids: Vec<String> = (0..10).map(|ones| format!("g{tens}{ones}")).collect();
        join_all(ids.iter().map(|id| group(&shop, id))).await;
    }
    let refused = create(&shop, &json!({ "name": "one-more" })).await;
    let problem = refused.expect_problem(422, "validation_failed");
    assert_eq!(problem["errors"][0]["code"], "too_many");
    let list = shop.staff_get(GROUPS).await.expect(200);
    assert_eq!(list["items"].as_array().unwrap().len(), 100);
    staff(&shop, "DELETE", &format!("{GROUPS}/g00")).await;
    group(&shop, "one-more").await;
}

#[tokio::test]
async fn members_come_and_go_and_their_tokens_say_so() {
    let shop = Shop::start().await;
    let tokens = account(&shop, "ada@example.com").await;
    assert_eq!(claims(&tokens).get("groups"), None);
    let ada = account_of(&tokens);
    for id in ["vip", "wholesale"] {
        group(&shop, id).await;
        let added = add(&shop, id, &ada).await.expect(200);
        assert_eq!(added["account_id"], json!(ada));
        assert_eq!(added["email"], "ada@example.com");
        assert_eq!(added["added_by"], "staff:test");
        // Again: nothing changes.
        assert_eq!(add(&shop, id, &ada).await.expect(200), added);
        assert_eq!(listed(&shop, id, 25).await, [added]);
        assert_eq!(members(&shop, id).await, 1);
    }
    assert_eq!(groups_of(&shop, &ada).await, json!(["vip", "wholesale"]));

    // By the next refresh, and by the next login, which reads no account.
    let refresh = json!({ "refresh_token": tokens["refresh_token"] });
    let refreshed = shop.call("POST", "/v1/auth/refresh", &refresh).await;
    let refreshed = refreshed.expect(200);
    assert_eq!(claims(&refreshed)["groups"], json!(["vip", "wholesale"]));
    let signed_in = log_in(&shop, "ada@example.com", PASSWORD).await.expect(200);
    assert_eq!(claims(&signed_in)["groups"], json!(["vip", "wholesale"]));
    // The session goes on, and the version of the group is that of name and note.
    with(&shop, &refreshed, "GET", "/v1/me", &Value::Null)
        .await
        .expect(200);
    let vip = format!("{GROUPS}/vip");
    let group = shop.staff_get(&vip).await.expect(200);
    assert_eq!(group["version"], 1);

    // A group with members stays.
    let refused = staff(&shop, "DELETE", &vip).await;
    refused.expect_problem(409, "group_in_use");
    for _ in 0..2 {
        removed(&shop, "vip", &ada).await;
        assert_eq!(members(&shop, "vip").await, 0);
    }
    assert_eq!(groups_of(&shop, &ada).await, json!(["wholesale"]));
    let signed_in = log_in(&shop, "ada@example.com", PASSWORD).await.expect(200);
    assert_eq!(claims(&signed_in)["groups"], json!(["wholesale"]));
    assert_eq!(staff(&shop, "DELETE", &vip).await.status, 204);

    let nobody = "acc_5T0RCE3VWQ8X4H2YJZ9N6KDPGA";
    let refused = add(&shop, "wholesale", nobody).await;
    refused.expect_problem(404, "not_found");
    removed(&shop, "wholesale", nobody).await;
    assert_eq!(members(&shop, "wholesale").await, 1);

    // Each change once, with its author; the groups are the person's own affair.
    let query = format!("subject=account:{ada}&action=account.groups_changed");
    let trail = records(&shop, &query, 3).await;
    for record in &trail {
        assert_eq!(record["actor"], "token:test");
        assert_eq!(
            record["changes"],
            json!([{ "field": "groups", "before": null, "after": null }]),
            "{record}"
        );
    }
    // And nobody gets a mail about them.
    for mail in shop.mails_to("ada@example.com").await {
        assert!(!mail.to_string().contains("group"), "{mail}");
    }
}

#[tokio::test]
async fn a_deleted_account_leaves_its_groups() {
    let shop = Shop::start().await;
    let tokens = account(&shop, "ada@example.com").await;
    let ada = account_of(&tokens);
    let bob = account_of(&account(&shop, "bob@example.com").await);
    for id in ["vip", "wholesale"] {
        group(&shop, id).await;
        add(&shop, id, &ada).await.expect(200);
        add(&shop, id, &bob).await.expect(200);
    }
    let password = json!({ "password": PASSWORD });
    let deleted = with(&shop, &tokens, "DELETE", "/v1/me", &password).await;
    assert_eq!(deleted.status, 204, "{}", deleted.text);
    for id in ["vip", "wholesale"] {
        assert_eq!(members(&shop, id).await, 1);
        let left = listed(&shop, id, 25).await;
        assert_eq!(left.len(), 1);
        assert_eq!(left[0]["account_id"], json!(bob));
        add(&shop, id, &ada).await.expect_problem(404, "not_found");
        let entry = item(&shop, &format!("GROUP#{id}"), &format!("MEMBER#{ada}")).await;
        assert_eq!(entry, Value::Null);
    }
    let gone = shop.staff_get(&format!("{CUSTOMERS}/{ada}")).await;
    gone.expect_problem(404, "not_found");
}

#[tokio::test]
async fn an_account_is_in_so_many_groups_and_concurrent_changes_lose_none() {
    let shop = Shop::start().await;
    let ada = shop.person("ada").await.account;
    let ids: Vec<String> = (0..21).map(|number| format!("g{number}")).collect();
    for id in &ids {
        group(&shop, id).await;
    }
    // Five at once meet each other's version of the account, and decide again.
    for five in ids[..20].chunks(5) {
        let added = join_all(five.iter().map(|id| async {
            shop.eventually("added", async || {
                let added = add(&shop, id, &ada).await;
                (added.status == 200).then_some(())
            })
            .await;
        }));
        added.await;
    }
    let refused = add(&shop, &ids[20], &ada).await;
    refused.expect_problem(409, "too_many_groups");
    assert_eq!(members(&shop, &ids[20]).await, 0);
    let groups: BTreeSet<&String> = ids[..20].iter().collect();
    assert_eq!(groups_of(&shop, &ada).await, json!(groups));
    for id in &ids[..20] {
        assert_eq!(members(&shop, id).await, 1, "{id}");
    }
}

#[tokio::test]
async fn members_are_listed_page_by_page() {
    let shop = Shop::start().await;
    for id in ["vip", "wholesale"] {
        group(&shop, id).await;
    }
    let mut accounts = BTreeSet::new();
    for number in 0..7 {
        let person: Person = shop.person(&format!("p{number}")).await;
        add(&shop, "vip", &person.account).await.expect(200);
        accounts.insert(json!(person.account).to_string());
    }
    for limit in [1, 3, 7, 100] {
        let found = listed(&shop, "vip", limit).await;
        assert_eq!(found.len(), 7, "{limit}");
        let found: BTreeSet<String> = found
            .iter()
            .map(|it| it["account_id"].to_string())
            .collect();
        assert_eq!(found, accounts, "{limit}");
    }
    assert_eq!(listed(&shop, "wholesale", 25).await, [Value::Null; 0]);
    let page = shop
        .staff_get(&format!("{GROUPS}/vip/members?limit=1"))
        .await;
    let page = page.expect(200);
    let cursor = page["next_cursor"].as_str().unwrap();
    for (query, status, code) in [
        (
            format!("wholesale/members?cursor={cursor}"),
            400,
            "invalid_cursor",
        ),
        ("vip/members?cursor=x".to_owned(), 400, "invalid_cursor"),
        ("vip/members?limit=0".to_owned(), 422, "validation_failed"),
        ("vip/members?limit=101".to_owned(), 422, "validation_failed"),
        ("vip/members?email=x".to_owned(), 400, "bad_request"),
    ] {
        let refused = shop.staff_get(&format!("{GROUPS}/{query}")).await;
        refused.expect_problem(status, code);
    }
}

#[tokio::test]
async fn staff_find_accounts_with_and_without_orders() {
    let shop = Shop::start().await;
    shop.stock_up(&[Product::single("tee", "TEE", "10.00", 50)])
        .await;
    let find = async |email: &str| {
        let page = shop.staff_get(&format!("{CUSTOMERS}?email={email}")).await;
        page.expect(200)
    };
    let nobody = json!({ "items": [], "next_cursor": null });
    assert_eq!(find("ada@example.com").await, nobody);

    // An account without orders.
    let tokens = account(&shop, "ada@example.com").await;
    let ada = account_of(&tokens);
    let patch = json!({ "name": "Ada", "email_consent": true });
    with(&shop, &tokens, "PATCH", "/v1/me", &patch)
        .await
        .expect(200);
    group(&shop, "vip").await;
    add(&shop, "vip", &ada).await.expect(200);
    let found = shop
        .eventually("the account is found", async || {
            let found = find("ADA@example.com").await["items"][0].clone();
            (found["name"] == "Ada").then_some(found)
        })
        .await;
    assert_eq!(
        found,
        json!({
            "email": "ADA@example.com", "account_id": ada, "verified": true, "groups": ["vip"], "name": "Ada",
            "orders": 0, "totals": [], "has_more": false,
        })
    );
    let profile = async || {
        let profile = shop.staff_get(&format!("{CUSTOMERS}/{ada}")).await;
        profile.expect(200)
    };
    let seen = profile().await;
    assert_eq!(
        seen["orders"],
        json!({ "count": 0, "totals": [], "has_more": false })
    );
    assert_eq!(seen["email_consent"], true);
    assert!(seen["email_consent_at"].is_string() && seen["created_at"].is_string());
    let fields: BTreeSet<&str> = seen
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    // Nothing that opens the account.
    let expected = [
        "account_id",
        "created_at",
        "email",
        "email_consent",
        "email_consent_at",
        "groups",
        "name",
        "orders",
        "verified",
    ];
    assert_eq!(fields, BTreeSet::from(expected));

    // One order as a guest, one of the account to another address.
    let order = async |email: &str, token: Option<&str>| {
        let cart = shop.cart(&[("TEE", 1)]).await;
        let mut body = order_body(&cart, "tok_ok");
        body["email"] = json!(email);
        let mut request = shop.request("POST", "/v1/orders").json(&body);
        request = request.header("Idempotency-Key", &cart);
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        shop.send(request).await.expect(201)
    };
    let token = tokens["access_token"].as_str();
    let as_guest = order("ada@example.com", None).await;
    let as_ada = order("gift@example.com", token).await;
    shop.eventually("both are listed", async || {
        let found = find("ada@example.com").await["items"][0].clone();
        let is_found = found["orders"] == 1 && found["last_order"]["id"] == as_guest["id"];
        let seen = profile().await;
        let is_seen = seen["orders"]["count"] == 1
            && seen["orders"]["last_order"]["id"] == as_ada["id"]
            && seen["orders"]["first_order"]["email"] == "gift@example.com";
        (is_found && is_seen).then_some(())
    })
    .await;
    // Without an account nobody has verified the address.
    let gift = find("gift@example.com").await["items"][0].clone();
    assert_eq!(
        (&gift["verified"], &gift["groups"], gift.get("account_id")),
        (&json!(false), &json!([]), None)
    );
    assert_eq!(gift["orders"], 1);
    for path in ["acc_5T0RCE3VWQ8X4H2YJZ9N6KDPGA", "x"] {
        let missing = shop.staff_get(&format!("{CUSTOMERS}/{path}")).await;
        missing.expect_problem(404, "not_found");
    }
}

/// Permissions of the token: support helps customers, read-only sees them, fulfilment has nothing to do with them.
#[tokio::test]
async fn groups_take_the_permissions_of_customers() {
    let shop = Shop::start().await;
    group(&shop, "vip").await;
    let key = async |scopes: &[&str]| {
        let body = json!({ "name": "a machine", "scopes": scopes, "expires_in_days": 30 });
        let made = shop.staff_call("POST", "/v1/admin/api-keys", &body).await;
        made.expect(201)["secret"].as_str().unwrap().to_owned()
    };
    let reader = key(&["customers:read"]).await;
    let stranger = key(&["orders:read", "staff:write"]).await;
    let vip = format!("{GROUPS}/vip");
    let nobody = "acc_5T0RCE3VWQ8X4H2YJZ9N6KDPGA";
    for (method, path, is_read) in [
        ("GET", GROUPS.to_owned(), true),
        ("GET", vip.clone(), true),
        ("GET", format!("{vip}/members"), true),
        ("POST", GROUPS.to_owned(), false),
        ("PATCH", vip.clone(), false),
        ("DELETE", vip.clone(), false),
        ("PUT", member("vip", nobody), false),
        ("DELETE", member("vip", nobody), false),
    ] {
        for (secret, may) in [(&reader, is_read), (&stranger, false)] {
            let request = shop.request(method, &path).bearer_auth(secret);
            let answer = shop.send(request.json(&json!({}))).await;
            match may {
                true => assert_eq!(answer.status, 200, "{method} {path}: {}", answer.text),
                false => {
                    answer.expect_problem(403, "forbidden");
                }
            }
        }
    }
}

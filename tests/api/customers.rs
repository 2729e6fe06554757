//! Covers: get-my-cart, merge-carts, list-my-orders, claim-order, and the endpoints of carts and orders as people who are
//! signed in call them.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use testkit::{Person, Product, Response, Shop, StockCounts, order_body};

async fn shop() -> Shop {
    let shop = Shop::start().await;
    stock_up(&shop).await;
    shop
}

async fn stock_up(shop: &Shop) {
    shop.stock_up(&[
        Product::single("tee", "TEE", "10.00", 50),
        Product::single("mug", "MUG-2", "4.00", 50),
    ])
    .await;
}

/// The lines of a cart, by SKU.
fn lines(cart: &Value) -> Vec<(String, u64)> {
    let lines = cart["lines"].as_array().unwrap().iter();
    let line = |line: &Value| {
        let sku = line["sku"].as_str().unwrap().to_owned();
        (sku, line["quantity"].as_u64().unwrap())
    };
    let mut lines: Vec<_> = lines.map(line).collect();
    lines.sort();
    lines
}

fn line(sku: &str, quantity: u64) -> (String, u64) {
    (sku.to_owned(), quantity)
}

/// A request, as somebody or as a guest.
async fn send(
    shop: &Shop,
    person: Option<&Person>,
    method: &str,
    path: &str,
    body: Option<&Value>,
) -> Response {
    let mut request = shop.request(method, path);
    if let Some(person) = person {
        request = request.bearer_auth(&person.token);
    }
    if let Some(body) = body {
        request = request.json(body);
    }
    shop.send(request).await
}

/// Sets a line of a cart.
async fn set(
    shop: &Shop,
    person: Option<&Person>,
    cart: &str,
    sku: &str,
    quantity: u32,
) -> Response {
    let path = format!("/v1/carts/{cart}/lines/{sku}");
    let body = json!({ "quantity": quantity });
    send(shop, person, "PUT", &path, Some(&body)).await
}

/// Creates a cart and returns its id.
async fn create(shop: &Shop, person: &Person) -> String {
    let cart = send(shop, Some(person), "POST", "/v1/carts", None).await;
    cart.expect(201)["id"].as_str().unwrap().to_owned()
}

async fn merge(shop: &Shop, person: &Person, cart: &str) -> Response {
    let path = format!("/v1/carts/{cart}/merge");
    send(shop, Some(person), "POST", &path, None).await
}

/// Places an order with the cart's id as the key.
async fn order(shop: &Shop, person: Option<&Person>, cart: &str, email: &str) -> Response {
    let mut body = order_body(cart, "tok_ok");
    body["email"] = json!(email);
    let mut request = shop.request("POST", "/v1/orders").json(&body);
    request = request.header("Idempotency-Key", cart);
    if let Some(person) = person {
        request = request.bearer_auth(&person.token);
    }
    shop.send(request).await
}

/// Ids of the orders that somebody lists.
async fn list(shop: &Shop, person: &Person, query: &str) -> Vec<Value> {
    let page = shop.get_as(person, &format!("/v1/orders{query}")).await;
    let page = page.expect(200);
    let items = page["items"].as_array().unwrap().iter();
    items.map(|item| item["id"].clone()).collect()
}

async fn lists(shop: &Shop, person: &Person, orders: &[&Value]) {
    let wanted: Vec<Value> = orders.iter().map(|order| order["id"].clone()).collect();
    let what = format!("{} lists {wanted:?}", person.email);
    shop.eventually(&what, async || {
        (list(shop, person, "").await == wanted).then_some(())
    })
    .await;
}

async fn claim(shop: &Shop, person: &Person, order: &Value) -> Response {
    let path = format!("/v1/orders/{}/claim", order["id"].as_str().unwrap());
    send(shop, Some(person), "POST", &path, None).await
}

#[tokio::test]
async fn a_guests_cart_follows_its_guest_into_the_account() {
    let shop = shop().await;
    let (ada, bea) = (shop.person("ada").await, shop.person("bea").await);
    let my_cart = async |person: &Person| shop.get_as(person, "/v1/me/cart").await;
    my_cart(&ada).await.expect_problem(404, "not_found");

    // The first device: its cart becomes the account's.
    let first = shop.cart(&[("TEE", 2)]).await;
    let own = merge(&shop, &ada, &first).await.expect(200);
    assert_eq!(
        (&own["id"], lines(&own)),
        (&json!(first), vec![line("TEE", 2)])
    );
    assert_eq!(my_cart(&ada).await.expect(200), own);
    let path = format!("/v1/carts/{first}");
    let read = async |person: Option<&Person>| send(&shop, person, "GET", &path, None).await;
    assert_eq!(read(Some(&ada)).await.expect(200), own);
    // Its id is not a credential any more.
    for stranger in [None, Some(&bea)] {
        read(stranger).await.expect_problem(404, "not_found");
        let refused = set(&shop, stranger, &first, "TEE", 9).await;
        refused.expect_problem(404, "not_found");
        let path = format!("{path}/lines/TEE");
        let refused = send(&shop, stranger, "DELETE", &path, None).await;
        refused.expect_problem(404, "not_found");
        let refused = order(&shop, stranger, &first, "eve@example.com").await;
        refused.expect_problem(404, "not_found");
    }
    merge(&shop, &bea, &first)
        .await
        .expect_problem(404, "not_found");
    assert_eq!(shop.stock("TEE").await, StockCounts::unreserved(50));

    // The second device.
    let second = shop.cart(&[("TEE", 1), ("MUG-2", 3)]).await;
    let joined = merge(&shop, &ada, &second).await.expect(200);
    assert_eq!(joined["id"], json!(first));
    assert_eq!(lines(&joined), [line("MUG-2", 3), line("TEE", 2)]);
    for _ in 0..2 {
        assert_eq!(merge(&shop, &ada, &second).await.expect(200), joined);
        assert_eq!(merge(&shop, &ada, &first).await.expect(200), joined);
    }
    // What is left of it says where its lines are.
    for person in [None, Some(&ada)] {
        let gone = [
            send(&shop, person, "GET", &format!("/v1/carts/{second}"), None).await,
            set(&shop, person, &second, "TEE", 9).await,
            order(&shop, person, &second, "ada@example.com").await,
        ];
        for gone in gone {
            let problem = gone.expect_problem(404, "not_found");
            let detail = problem["detail"].as_str().unwrap();
            assert!(detail.contains("merged"), "{detail}");
        }
    }
    merge(&shop, &bea, &second)
        .await
        .expect_problem(404, "not_found");

    // A cart is created once.
    assert_eq!(create(&shop, &ada).await, first);
    let of_bea = create(&shop, &bea).await;
    assert_eq!(create(&shop, &bea).await, of_bea);
    let set_by_bea = set(&shop, Some(&bea), &of_bea, "TEE", 1).await.expect(200);
    assert_eq!(my_cart(&bea).await.expect(200), set_by_bea);

    // An ordered cart makes room for the next one.
    let placed = order(&shop, Some(&ada), &first, "ada@example.com").await;
    placed.expect(201);
    my_cart(&ada).await.expect_problem(404, "not_found");
    let ordered = merge(&shop, &ada, &second).await.expect(200);
    assert!(ordered["order_id"].is_string(), "{ordered}");
    let third = create(&shop, &ada).await;
    assert_ne!(third, first);
    assert_eq!(my_cart(&ada).await.expect(200)["id"], json!(third));
    // A guest's cart that was ordered stays a guest's.
    let fourth = shop.cart(&[("TEE", 1)]).await;
    order(&shop, None, &fourth, "ada@example.com")
        .await
        .expect(201);
    let refused = merge(&shop, &ada, &fourth).await;
    refused.expect_problem(409, "cart_already_ordered");
}

#[tokio::test]
async fn carts_and_orders_of_people_take_a_valid_token() {
    let shop = shop().await;
    let ada = shop.person("ada").await;
    let cart = create(&shop, &ada).await;
    let forged = Person {
        token: format!("{}AA", ada.token),
        ..ada.clone()
    };
    let order_path = "/v1/orders/ord_5T0RCE3VWQ8X4H2YJZ9N6KDPGA";
    for (method, path) in [
        ("GET", "/v1/me/cart".to_owned()),
        ("GET", "/v1/orders".to_owned()),
        ("POST", format!("/v1/carts/{cart}/merge")),
        ("POST", format!("{order_path}/claim")),
    ] {
        for person in [None, Some(&forged)] {
            let refused = send(&shop, person, method, &path, None).await;
            refused.expect_problem(401, "unauthenticated");
        }
        // Staff are not customers.
        let request = shop.request(method, &path).bearer_auth(&shop.staff_token);
        let refused = shop.send(request).await;
        refused.expect_problem(401, "unauthenticated");
    }
    // A guest needs no token, but one that is not valid is not a guest's.
    for (method, path) in [
        ("POST", "/v1/carts".to_owned()),
        ("GET", format!("/v1/carts/{cart}")),
        ("DELETE", format!("/v1/carts/{cart}/lines/TEE")),
        ("GET", order_path.to_owned()),
    ] {
        let refused = send(&shop, Some(&forged), method, &path, None).await;
        refused.expect_problem(401, "unauthenticated");
    }
    for path in [
        format!("/v1/carts/{cart}/merge"),
        format!("{order_path}/claim"),
    ] {
        let refused = shop.call_as(&ada, "POST", &path, &json!({ "x": 1 })).await;
        refused.expect_problem(422, "validation_failed");
    }
    let missing = "/v1/carts/crt_5T0RCE3VWQ8X4H2YJZ9N6KDPGA/merge";
    for path in [missing, "/v1/carts/x/merge", "/v1/orders/x/claim"] {
        let refused = shop.call_as(&ada, "POST", path, &json!({})).await;
        refused.expect_problem(404, "not_found");
    }
    for (query, status, code) in [
        ("?limit=0", 422, "validation_failed"),
        ("?limit=101", 422, "validation_failed"),
        ("?cursor=x", 400, "invalid_cursor"),
        ("?email=bea@example.com", 400, "bad_request"),
    ] {
        let refused = shop.get_as(&ada, &format!("/v1/orders{query}")).await;
        refused.expect_problem(status, code);
    }
}

#[tokio::test]
async fn people_see_cancel_and_list_their_own_orders() {
    let shop = shop().await;
    let (ada, bea) = (shop.person("ada").await, shop.person("bea").await);
    let cart = create(&shop, &ada).await;
    set(&shop, Some(&ada), &cart, "TEE", 2).await.expect(200);
    // To another address, too: whose it is depends on who is signed in.
    let first = order(&shop, Some(&ada), &cart, "gift@example.com").await;
    let first = first.expect(201);
    let again = order(&shop, Some(&ada), &cart, "gift@example.com").await;
    assert_eq!(again.expect(201), first, "the same key and the same order");
    // A cart of a guest, by somebody who is signed in; and the key of a guest.
    let cart = shop.cart(&[("MUG-2", 1)]).await;
    let second = order(&shop, Some(&ada), &cart, "ada@example.com").await;
    let second = second.expect(201);
    let refused = order(&shop, None, &cart, "ada@example.com").await;
    refused.expect_problem(409, "cart_already_ordered");
    let cart = shop.cart(&[("TEE", 1)]).await;
    let of_guest = order(&shop, None, &cart, "ada@example.com").await;
    let of_guest = of_guest.expect(201);

    let see = async |order: &Value, token: &str, rest: &str| {
        let path = format!("/v1/orders/{}{rest}", order["id"].as_str().unwrap());
        let request = shop.request("GET", &path).bearer_auth(token);
        shop.send(request).await
    };
    let first = shop.order_becomes(&first, "paid").await;
    let token = async |placed: &Value| {
        let token = placed["access_token"].as_str();
        token.unwrap().to_owned()
    };
    let second_token = token(&second).await;
    let second = shop.order_becomes(&second, "paid").await;
    for (order, rest) in [(&first, ""), (&second, "")] {
        assert_eq!(see(order, &ada.token, rest).await.expect(200), *order);
        see(order, &bea.token, rest)
            .await
            .expect_problem(404, "not_found");
    }
    // The order's own token goes on to open it, and no other order.
    see(&second, &second_token, "").await.expect(200);
    see(&first, &second_token, "")
        .await
        .expect_problem(404, "not_found");
    see(&of_guest, &ada.token, "")
        .await
        .expect_problem(404, "not_found");
    shop.eventually("the invoice is there", async || {
        let invoice = see(&first, &ada.token, "/invoice").await;
        (invoice.status == 200).then_some(())
    })
    .await;
    see(&first, &bea.token, "/invoice")
        .await
        .expect_problem(404, "not_found");

    lists(&shop, &ada, &[&second, &first]).await;
    lists(&shop, &bea, &[]).await;
    let page = shop.get_as(&ada, "/v1/orders?limit=1").await.expect(200);
    let item = &page["items"][0];
    let total = json!({ "amount": 400, "currency": "USD", "decimals": 2 });
    let mut expected = json!({
        "id": second["id"],
        "number": second["number"],
        "placed_at": second["placed_at"],
        "name": "Ada Lovelace",
        "units": 1,
        "total": total,
    });
    // It may have been listed before it was paid.
    expected["status"] = item["status"].clone();
    expected["paid"] = item["paid"].clone();
    assert_eq!(*item, expected);
    let cursor = page["next_cursor"].as_str().unwrap();
    let rest = list(&shop, &ada, &format!("?limit=1&cursor={cursor}")).await;
    assert_eq!(rest, [first["id"].clone()]);
    let path = format!("/v1/orders?limit=1&cursor={cursor}");
    let last = shop.get_as(&ada, &path).await.expect(200);
    assert_eq!(last["next_cursor"], Value::Null, "no empty page follows");
    let foreign = shop.get_as(&bea, &path).await;
    foreign.expect_problem(400, "invalid_cursor");

    let cancel = async |order: &Value, person: &Person, key: &str| {
        let path = format!("/v1/orders/{}/cancel", order["id"].as_str().unwrap());
        let request = shop.request("POST", &path).bearer_auth(&person.token);
        shop.send(request.header("Idempotency-Key", key)).await
    };
    cancel(&first, &bea, "c")
        .await
        .expect_problem(404, "not_found");
    cancel(&of_guest, &ada, "c")
        .await
        .expect_problem(404, "not_found");
    let canceled = cancel(&first, &ada, "c").await.expect(200);
    assert_eq!(canceled["status"], "cancelled");
    assert_eq!(cancel(&first, &ada, "c").await.expect(200), canceled);
}

#[tokio::test]
async fn a_guests_order_is_claimed_by_the_owner_of_its_address() {
    let shop = shop().await;
    let (ada, bea) = (shop.person("ada").await, shop.person("bea").await);
    let cart = shop.cart(&[("TEE", 1)]).await;
    let placed = order(&shop, None, &cart, "Ada@EXAMPLE.com")
        .await
        .expect(201);
    let token = placed["access_token"].as_str().unwrap();
    shop.order_becomes(&placed, "paid").await;
    claim(&shop, &bea, &placed)
        .await
        .expect_problem(404, "not_found");
    // An account that was deleted since its token was issued.
    let eve = shop.person("eve").await;
    let key = json!({
        "TableName": shop.stack().template.table["TableName"],
        "Key": { "PK": { "S": format!("ACCOUNT#{}", eve.account) }, "SK": { "S": "ACCOUNT" } },
    });
    shop.table("DeleteItem", &key).await;
    claim(&shop, &eve, &placed)
        .await
        .expect_problem(404, "not_found");

    let claimed = claim(&shop, &ada, &placed).await.expect(200);
    let what: Vec<&str> = claimed["history"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| entry["what"].as_str().unwrap())
        .collect();
    assert_eq!(what, ["placed", "payment_authorised", "paid", "claimed"]);
    assert!(claimed["access_token"].is_null());
    assert_eq!(claim(&shop, &ada, &placed).await.expect(200), claimed);
    claim(&shop, &bea, &placed)
        .await
        .expect_problem(404, "not_found");
    let id = placed["id"].as_str().unwrap();
    let path = format!("/v1/orders/{id}");
    for token in [token, &ada.token] {
        let request = shop.request("GET", &path).bearer_auth(token);
        assert_eq!(shop.send(request).await.expect(200), claimed);
    }
    lists(&shop, &ada, &[&placed]).await;
    // A replay still shows the order as it was placed.
    let replayed = order(&shop, None, &cart, "Ada@EXAMPLE.com").await;
    assert_eq!(replayed.expect(201), placed);
    // And no mail tells of it.
    let confirmation = shop.eventually("the confirmation", async || {
        let mails = shop.mails_to("Ada@example.com").await;
        (!mails.is_empty()).then_some(mails)
    });
    assert_eq!(confirmation.await.len(), 1);
    assert_eq!(shop.stock("TEE").await.available, 49);
}

/// Ten buttons pressed at once, while staff and the payment change the order.
#[tokio::test]
async fn an_order_is_claimed_once_whatever_else_happens_to_it() {
    let shop = shop().await;
    let ada = shop.person("ada").await;
    let cart = shop.cart(&[("TEE", 3)]).await;
    let placed = order(&shop, None, &cart, "ada@example.com")
        .await
        .expect(201);
    let claims = (0..10).map(|_| claim(&shop, &ada, &placed));
    for claimed in futures_util::future::join_all(claims).await {
        claimed.expect(200);
    }
    shop.order_becomes(&placed, "paid").await;
    let path = format!("/v1/admin/orders/{}", placed["id"].as_str().unwrap());
    let order = shop.staff_get(&path).await.expect(200);
    let entries = order["history"].as_array().unwrap().iter();
    let claims: Vec<&Value> = entries.filter(|it| it["what"] == "claimed").collect();
    assert_eq!(claims.len(), 1, "{order}");
    assert_eq!(claims[0]["by"], "customer");
    lists(&shop, &ada, &[&placed]).await;
}

/// Units of one request, as the database reports them: those of reads, and those of writes. Without those of the control
/// item, which a process reads now and then, whoever calls.
fn units(log: &str, function: &str) -> (f64, f64) {
    let lines = log.lines().filter_map(|line| {
        let line = line.strip_prefix(function)?.strip_prefix(": ")?;
        serde_json::from_str::<Value>(line).ok()
    });
    let costs: Vec<Value> = lines.filter(|line| line["message"] == "units").collect();
    let sum = |is_read: bool| -> f64 {
        let of_kind = costs.iter().filter(|cost| {
            let operation = cost["dynamodb.operation"].as_str().unwrap();
            let reads = operation.contains("Get") || operation.contains("Query");
            reads == is_read && operation != "GetItem control"
        });
        of_kind
            .map(|cost| cost["dynamodb.units"].as_f64().unwrap())
            .sum()
    };
    (sum(true), sum(false))
}

/// The part of the log about the last request to a function.
fn last_request(log: &str, function: &str) -> String {
    let lines = log.lines().filter(|line| {
        let line = line.strip_prefix(function);
        line.is_some_and(|line| line.starts_with(": "))
    });
    let lines: Vec<&str> = lines.collect();
    let is_end = |line: &&str| line.contains(r#""message":"request""#);
    let (last, before) = lines.split_last().unwrap();
    assert!(is_end(last), "{last}");
    let of_others = before.iter().rposition(is_end).map_or(0, |end| end + 1);
    before[of_others..].join("\n")
}

/// What accounts cost, and that guests do not pay for them. The database does not report single writes of carts here, but
/// transactions.
#[tokio::test]
async fn guests_pay_nothing_for_accounts() {
    let debug = BTreeMap::from([("LogLevel".to_owned(), "debug".to_owned())]);
    let shop = Shop::start_with(debug).await;
    stock_up(&shop).await;
    let ada = shop.person("ada").await;
    let mut cost = BTreeMap::new();
    for person in [None, Some(&ada)] {
        let who = if person.is_some() { "person" } else { "guest" };
        let mut measured = |function: &str, response: Response| {
            assert!(response.status < 300, "{function}: {}", response.text);
            let log = last_request(&shop.log(), function);
            let units = units(&log, function);
            // Once more by the same: the second time is another case.
            let again = cost.insert((who, function.to_owned()), units);
            if let Some(first) = again {
                cost.insert((who, format!("first {function}")), first);
            }
            response.json()
        };
        let created = send(&shop, person, "POST", "/v1/carts", None).await;
        let cart = measured("create-cart", created);
        let cart = cart["id"].as_str().unwrap();
        measured("set-cart-line", set(&shop, person, cart, "TEE", 1).await);
        let path = format!("/v1/carts/{cart}");
        let read = send(&shop, person, "GET", &path, None).await;
        measured("get-cart", read);
        if person.is_some() {
            let again = send(&shop, person, "POST", "/v1/carts", None).await;
            measured("create-cart", again);
            let mine = shop.get_as(&ada, "/v1/me/cart").await;
            measured("get-my-cart", mine);
            let guest = shop.cart(&[("TEE", 2)]).await;
            let merged = merge(&shop, &ada, &guest).await;
            measured("merge-carts", merged);
        }
        let placed = order(&shop, person, cart, "ada@example.com").await;
        let placed = measured("place-order", placed);
        if person.is_none() {
            shop.order_becomes(&placed, "paid").await;
            let claimed = claim(&shop, &ada, &placed).await;
            measured("claim-order", claimed);
        } else {
            let path = format!("/v1/orders/{}", placed["id"].as_str().unwrap());
            measured("get-order", shop.get_as(&ada, &path).await);
            let orders = shop.get_as(&ada, "/v1/orders").await;
            measured("list-my-orders", orders);
        }
    }
    let of = |who: &'static str, function: &str| cost[&(who, function.to_owned())];
    for function in ["set-cart-line", "get-cart", "place-order"] {
        assert_eq!(of("guest", function), of("person", function), "{function}");
    }
    for (who, function, units) in [
        ("guest", "create-cart", (0.0, 0.0)),
        ("guest", "set-cart-line", (0.5, 0.0)),
        ("guest", "get-cart", (1.5, 0.0)),
        ("guest", "place-order", (1.0, 6.0)),
        ("person", "first create-cart", (1.0, 4.0)),
        // There was one by then, with a line.
        ("person", "create-cart", (2.5, 0.0)),
        ("person", "get-my-cart", (2.5, 0.0)),
        ("person", "merge-carts", (3.5, 6.0)),
        ("person", "get-order", (1.0, 0.0)),
        ("person", "list-my-orders", (0.5, 0.0)),
        ("guest", "claim-order", (2.0, 1.0)),
    ] {
        assert_eq!(of(who, function), units, "{function} of a {who}: {cost:?}");
    }
}

//! Outages: a context that is down does not affect the others, and catches up afterwards.

use std::fs;

use serde_json::json;
use testkit::{AwsCall, Fault, order_body};

use crate::{intercepted::Intercepted, world::World};

/// The functions of the contexts that are chosen.
fn functions_of(is_chosen: impl Fn(&str) -> bool) -> Vec<String> {
    let folder = testkit::root().join("functions");
    let contexts = fs::read_dir(&folder).unwrap().map(|it| it.unwrap());
    let chosen = contexts.filter(|it| is_chosen(it.file_name().to_str().unwrap()));
    let mut functions = Vec::new();
    for context in chosen {
        // Beside the contexts there are files.
        let Ok(binaries) = fs::read_dir(context.path().join("src/bin")) else {
            continue;
        };
        for binary in binaries {
            let name = binary.unwrap().file_name().into_string().unwrap();
            functions.push(name.trim_end_matches(".rs").to_owned());
        }
    }
    functions
}

#[tokio::test]
async fn people_sign_in_while_every_other_context_is_down() {
    let Intercepted { shop, faults } = Intercepted::start().await;
    let credentials = json!({ "email": "ada@example.com", "password": "correct horse battery" });
    let post = async |path: &str, body: &serde_json::Value| shop.call("POST", path, body).await;
    post("/v1/auth/register", &credentials).await.expect(202);
    let mail = shop
        .eventually("the mail is there", async || {
            shop.mails_to("ada@example.com").await.pop()
        })
        .await;
    let mail = mail.to_string();
    let (_, token) = mail.split_once("token=").unwrap();
    let is_part = |c: &char| c.is_ascii_alphanumeric() || "-_.".contains(*c);
    let token: String = token.chars().take_while(is_part).collect();
    let verified = post("/v1/auth/verify", &json!({ "token": token })).await;
    assert_eq!(verified.status, 204, "{}", verified.text);

    faults.cut_off(functions_of(|context| context != "identity"));
    shop.stack().lambda.restart(None).await;
    let cart = post("/v1/carts", &json!({})).await;
    assert_eq!(cart.status, 503, "{}", cart.text);
    let tokens = post("/v1/auth/login", &credentials).await.expect(200);
    let refresh = json!({ "refresh_token": tokens["refresh_token"] });
    let tokens = post("/v1/auth/refresh", &refresh).await.expect(200);
    let access = tokens["access_token"].as_str().unwrap();
    let me = shop.request("GET", "/v1/me").bearer_auth(access);
    assert_eq!(shop.send(me).await.expect(200)["email"], "ada@example.com");
    let wrong = json!({ "email": "ada@example.com", "password": "another one" });
    let wrong = post("/v1/auth/login", &wrong).await;
    wrong.expect_problem(401, "invalid_credentials");
}

#[tokio::test]
async fn guests_buy_while_identity_is_down() {
    let Intercepted { shop, faults } = Intercepted::start().await;
    let tee = testkit::Product::single("tee", "TEE", "10.00", 5);
    shop.stock_up(&[tee]).await;
    faults.cut_off(functions_of(|context| context == "identity"));
    faults.take_down(&["secrets"]);
    shop.stack().lambda.restart(None).await;
    let credentials = json!({ "email": "ada@example.com", "password": "correct horse battery" });
    let login = shop.call("POST", "/v1/auth/login", &credentials).await;
    assert_eq!(login.status, 503, "{}", login.text);
    let cart = shop.cart(&[("TEE", 2)]).await;
    let placed = shop.order(&cart, &order_body(&cart, "tok_ok")).await;
    shop.order_becomes(&placed.expect(201), "paid").await;
    assert_eq!(shop.stock("TEE").await.on_hand, 3);
}

#[tokio::test]
async fn without_e_mail_people_still_buy() {
    let world = World::start(900).await;
    world.stock_up(&["tee"], 5).await;
    world.faults.take_down(&["ses"]);
    let placed = world.place("TEE", World::CARD).await;
    world
        .ends(&placed, "it is paid", |order| order["status"] == "paid")
        .await;
    let email = placed["email"].as_str().unwrap();
    assert!(world.shop.mails_to(email).await.is_empty());
    world.faults.take_down(&[]);
    world
        .shop
        .eventually("the mail is sent after all", async || {
            world.shop.mails_to(email).await.into_iter().next()
        })
        .await;
    assert_eq!(world.shop.mails_to(email).await.len(), 1);
}

#[tokio::test]
async fn without_the_provider_people_still_order_and_pay_when_it_is_back() {
    let world = World::start(900).await;
    world.stock_up(&["tee"], 20).await;
    // A first order, so that the keys are cached.
    let first = world.place("TEE", World::CARD).await;
    world
        .ends(&first, "it is paid", |order| order["status"] == "paid")
        .await;
    let cart = world.shop.cart(&[("TEE", 1)]).await;
    let body = world.body(&cart, World::CARD).await;
    world.faults.take_down(&["stripe"]);
    let mut placed = Vec::new();
    placed.push(world.shop.order(&cart, &body).await.expect(201));
    for _ in 0..7 {
        let cart = world.shop.cart(&[("TEE", 1)]).await;
        let mut own = body.clone();
        own["cart_id"] = json!(cart);
        placed.push(world.shop.order(&cart, &own).await.expect(201));
    }
    // After a few failures the circuit breaker opens, and the orders wait in their queue.
    world
        .shop
        .eventually("the breaker is open", async || {
            world
                .shop
                .log()
                .contains(r#""ProviderLeftAlone":1"#)
                .then_some(())
        })
        .await;
    assert_eq!(world.shop.stock("TEE").await.reserved, 8, "still reserved");
    world.faults.take_down(&[]);
    // Skips the breaker's cooldown of half a minute.
    let table = world.shop.stack().template.table["TableName"].clone();
    let past = json!({
        "TableName": table,
        "Key": { "PK": { "S": "BREAKER#stripe" }, "SK": { "S": "BREAKER" } },
        "UpdateExpression": "SET open_until = :past",
        "ExpressionAttributeValues": { ":past": { "N": "1" } },
    });
    world.shop.table("UpdateItem", &past).await;
    for order in &placed {
        world
            .ends(order, "it has its end", |order| {
                order["status"] != "pending_payment"
            })
            .await;
    }
    let mut paid = 0;
    for order in &placed {
        paid += usize::from(world.order(order).await["status"] == "paid");
    }
    println!(
        "{paid} of {} orders were paid after the outage",
        placed.len()
    );
    assert!(paid >= 4, "those that had not run out of attempts are paid");
    world.must_hold().await;
}

/// The kind of fault: given up for lost. The relay dies more often than it was once allowed to, and then goes
/// on where it was.
#[tokio::test]
async fn what_the_relay_fails_to_relay_is_retried_until_it_succeeds() {
    let world = World::start(900).await;
    world.stock_up(&["tee"], 5).await;
    world.faults.plan_operation_times(
        &AwsCall {
            function: "relay-events".to_owned(),
            number: 0,
            service: "dynamodb".to_owned(),
            operation: "BatchWriteItem".to_owned(),
            of_operation: 0,
        },
        Fault::KillBefore,
        12,
    );
    let placed = world.place("TEE", World::CARD).await;
    world
        .ends(&placed, "it is paid", |order| order["status"] == "paid")
        .await;
    world.faults.hit().expect("the relay died");
    world.must_hold().await;
}

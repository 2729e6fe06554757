//! The fault matrix of accounts' carts and orders: every fault, at every call of a merge and of a claim. The client sends the
//! request again, and then its effect is there once.

use serde_json::{Value, json};
use testkit::{Faults, Person, Product, Response, Shop, order_body};

use crate::{
    injected,
    intercepted::{Intercepted, insist},
};

struct World {
    shop: Shop,
    faults: Faults,
}

impl World {
    async fn start() -> Self {
        let Intercepted { shop, faults } = Intercepted::start().await;
        shop.stock_up(&[
            Product::single("tee", "TEE", "10.00", 5_000),
            Product::single("mug", "MUG", "4.00", 5_000),
        ])
        .await;
        Self { shop, faults }
    }

    /// Sends a request until it has a response that is not for want of another moment.
    async fn insist(&self, person: &Person, path: &str) -> Response {
        insist(&self.shop, Some(&person.token), "POST", path, &json!({})).await
    }

    async fn set(&self, person: &Person, cart: &Value, sku: &str, quantity: u32) {
        let path = format!("/v1/carts/{}/lines/{sku}", cart["id"].as_str().unwrap());
        let body = json!({ "quantity": quantity });
        let set = self.shop.call_as(person, "PUT", &path, &body).await;
        set.expect(200);
    }
}

fn lines(cart: &Value) -> Vec<(&str, u64)> {
    let lines = cart["lines"].as_array().unwrap().iter();
    let mut lines: Vec<(&str, u64)> = lines
        .map(|it| {
            (
                it["sku"].as_str().unwrap(),
                it["quantity"].as_u64().unwrap(),
            )
        })
        .collect();
    lines.sort_unstable();
    lines
}

#[tokio::test]
async fn a_cart_is_merged_once_whatever_fails() {
    let world = World::start().await;
    let shop = &world.shop;
    // The first request of a process also reads the keys.
    let warm = shop.cart(&[]).await;
    let somebody = shop.person("somebody").await;
    world
        .insist(&somebody, &format!("/v1/carts/{warm}/merge"))
        .await;
    let mut met = 0;
    for has_cart in [false, true] {
        for call in 0..5 {
            for fault in injected() {
                let case = format!("{fault:?} at call {call}, {has_cart}");
                let name = format!("ada-{call}-{fault:?}-{has_cart}").to_lowercase();
                let ada = shop.person(&name).await;
                if has_cart {
                    let own = shop.call_as(&ada, "POST", "/v1/carts", &json!({})).await;
                    world.set(&ada, &own.expect(201), "TEE", 1).await;
                }
                let guest = shop.cart(&[("TEE", 2), ("MUG", 1)]).await;
                world.faults.reset();
                world.faults.plan("merge-carts", call, fault);
                let path = format!("/v1/carts/{guest}/merge");
                let merged = world.insist(&ada, &path).await.expect(200);
                met += usize::from(world.faults.hit().is_some());
                world.faults.reset();
                assert_eq!(lines(&merged), [("MUG", 1), ("TEE", 2)], "{case}");
                assert_eq!(merged["id"] == json!(guest), !has_cart, "{case}");
                let mine = shop.get_as(&ada, "/v1/me/cart").await.expect(200);
                assert_eq!(mine, merged, "{case}");
                // Once: what the owner takes out does not come back.
                world.set(&ada, &merged, "TEE", 1).await;
                let again = world.insist(&ada, &path).await.expect(200);
                assert_eq!(lines(&again), [("MUG", 1), ("TEE", 1)], "{case}");
            }
        }
    }
    assert!(met >= 5 * injected().len(), "{met} faults were met");
}

#[tokio::test]
async fn an_order_is_claimed_once_whatever_fails() {
    let world = World::start().await;
    let shop = &world.shop;
    let ada = shop.person("ada").await;
    let nowhere = "/v1/orders/ord_5T0RCE3VWQ8X4H2YJZ9N6KDPGA/claim";
    world
        .insist(&ada, nowhere)
        .await
        .expect_problem(404, "not_found");
    let mut met = 0;
    // The account, the order, and its write.
    for call in 0..3 {
        for fault in injected() {
            let case = format!("{fault:?} at call {call}");
            let cart = shop.cart(&[("TEE", 1)]).await;
            let mut body = order_body(&cart, "tok_ok");
            body["email"] = json!(ada.email);
            let placed = shop.order(&cart, &body).await.expect(201);
            let id = placed["id"].as_str().unwrap();
            world.faults.reset();
            world.faults.plan("claim-order", call, fault);
            // With a token that has not expired by now.
            let ada = shop.person("ada").await;
            let path = format!("/v1/orders/{id}/claim");
            world.insist(&ada, &path).await.expect(200);
            met += usize::from(world.faults.hit().is_some());
            world.faults.reset();
            shop.order_becomes(&placed, "paid").await;
            let path = format!("/v1/admin/orders/{id}");
            let order = shop.staff_get(&path).await.expect(200);
            let history = order["history"].as_array().unwrap();
            let claims = history.iter().filter(|entry| entry["what"] == "claimed");
            assert_eq!(claims.count(), 1, "{case}: {order}");
            assert_eq!(order["version"], json!(history.len()), "{case}");
            shop.get_as(&ada, &format!("/v1/orders/{id}"))
                .await
                .expect(200);
        }
    }
    assert_eq!(met, 3 * injected().len(), "each call has met its faults");
}

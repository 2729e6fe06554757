//! The fault matrix of limits: every fault, at every call of a request that is limited. Shopping goes on, credentials do
//! not, and no fault lets a caller exceed a limit that was checked.

use serde_json::{Value, json};
use testkit::{Fault, Faults, Response, Shop};

use crate::{
    injected,
    intercepted::Intercepted,
    sign_in::{self, PASSWORD},
};

/// Address of the account that signs in.
const EMAIL: &str = "ada@example.com";
/// Requests that each limit takes.
const MOST: usize = 60;

struct World {
    shop: Shop,
    faults: Faults,
}

impl World {
    async fn start() -> Self {
        Self::limited(Intercepted::start().await).await
    }

    /// With an account.
    async fn with_a_person() -> Self {
        let people = sign_in::World::start().await;
        people.account(EMAIL).await;
        Self::limited(people.0).await
    }

    async fn limited(shop: Intercepted) -> Self {
        let Intercepted { shop, faults } = shop;
        let limits = json!({
            "sign_in": { "requests": MOST, "seconds": 86_400 },
            "create_cart": { "requests": 1, "seconds": 3600, "burst": MOST },
            "create_import": { "requests": MOST, "seconds": 86_400 },
        });
        shop.set(&json!({ "limits": limits })).await;
        Self { shop, faults }
    }

    async fn call(&self, function: &str) -> Response {
        match function {
            "create-cart" => self.shop.send(self.shop.request("POST", "/v1/carts")).await,
            "log-in" => {
                let body = json!({ "email": EMAIL, "password": PASSWORD });
                self.shop.call("POST", "/v1/auth/login", &body).await
            }
            _ => {
                let body = json!({ "bytes": 1000 });
                self.shop
                    .staff_call("POST", "/v1/admin/imports", &body)
                    .await
            }
        }
    }

    async fn restart(&self, function: &str) {
        let restarted = [function.to_owned()];
        self.shop.stack().lambda.restart(Some(&restarted)).await;
    }
}

#[tokio::test]
async fn no_fault_lets_a_caller_exceed_a_limit() {
    for function in ["create-cart", "create-import"] {
        let world = World::start().await;
        let (mut taken, mut open) = (0, 0);
        // The control item, its document, and the write of the limit: once by a cold process, once by a warm one.
        for (call, is_cold) in [(0, true), (1, true), (2, true), (0, false)] {
            for fault in injected() {
                world.restart(function).await;
                if !is_cold {
                    // It has checked the settings just now.
                    taken += usize::from(world.call(function).await.status < 300);
                }
                world.faults.plan(function, call, fault);
                let answer = world.call(function).await;
                let what = format!("{fault:?} at call {call} of {function}: {}", answer.text);
                assert!(world.faults.hit().is_some(), "{what}");
                world.faults.reset();
                match answer.status {
                    200..300 => taken += 1,
                    500 | 503 => {}
                    status => panic!("{status}: {what}"),
                }
                open = world.shop.log().matches("limit not checked").count();
                if function == "create-import" {
                    assert_eq!(open, 0, "it is closed: {what}");
                }
            }
        }
        // A write whose answer was lost counts, so fewer than the limit may be left, never more.
        let mut last: Option<Value> = None;
        for _ in 0..=MOST {
            let answer = world.call(function).await;
            match answer.status {
                200..300 => taken += 1,
                _ => {
                    last = Some(answer.expect_problem(429, "rate_limited"));
                    break;
                }
            }
        }
        assert!(last.is_some(), "{function}: {taken} and no end");
        assert!(
            taken <= MOST + open,
            "{function}: {taken}, {open} of them unchecked"
        );
    }
}

/// Only the limit's own write fails: carts are made, imports are not, and the right password signs nobody in.
#[tokio::test]
async fn without_its_item_a_limit_is_open_for_shopping_and_closed_for_staff_and_credentials() {
    let world = World::with_a_person().await;
    let functions = [
        ("create-cart", 201),
        ("create-import", 503),
        ("log-in", 503),
    ];
    // The settings, with the limits, may take a while.
    for (function, _) in functions {
        world.restart(function).await;
        let answer = world.call(function).await;
        assert!(answer.status < 300, "{function}: {}", answer.text);
    }
    for (function, status) in functions {
        // Longer than the SDK repeats.
        world.faults.plan_times(function, 0, Fault::Throttle, 100);
        let answer = world.call(function).await;
        let hit = world.faults.hit();
        assert_eq!(
            hit.map(|call| call.operation).as_deref(),
            Some("UpdateItem")
        );
        assert_eq!(answer.status, status, "{function}: {}", answer.text);
        if status == 503 {
            answer.expect_problem(503, "busy");
        }
        world.faults.reset();
        let after = world.call(function).await;
        assert!(after.status < 300, "{function}: {}", after.text);
    }
    let log = world.shop.log();
    assert_eq!(log.matches("limit not checked").count(), 1, "{log}");
}

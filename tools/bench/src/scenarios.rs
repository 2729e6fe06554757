//! The scenarios of each function: its most frequent successful calls.

use std::sync::atomic::{AtomicU32, Ordering};

use bench::binaries::Way;
use local::outcome::Outcome;
use serde_json::{Value, json};

use crate::factors::passkey_login_options;
use crate::people::{PASSWORD, Person, ask_for_reset, log_in, new_email, register};
use crate::world::{
    World, customer, get_cart, http, message, order_changed, order_placed, place_order, sample,
    sample_named, set_line, text,
};

/// One scenario of a function.
pub(crate) struct Scenario {
    /// Name of the function.
    pub(crate) function: &'static str,
    /// Name of the scenario.
    pub(crate) name: &'static str,
    /// Whether the in-process cache is disabled.
    pub(crate) uncached: bool,
    /// Whether its calls are valid for seconds only. There are few of them, and their instructions are not counted, which
    /// takes longer.
    pub(crate) is_brief: bool,
    /// Whether its calls hash a password, which takes seconds where instructions are counted: those of few are.
    pub(crate) hashes: bool,
    /// The response that its calls must get.
    pub(crate) expected: Expected,
    calls: Calls,
}

/// Number of calls of a brief scenario: eleven are counted for the budgets.
const BRIEF_CALLS: usize = 12;

/// The response that a measured call must get, so that no figure is that of a failure.
#[derive(Clone, Copy)]
pub(crate) enum Expected {
    /// HTTP: 2xx. Consumers: no failed message.
    Success,
    /// HTTP: this status.
    Status(u64),
    /// Consumers: the message fails.
    Failure,
}

impl Expected {
    /// Checks a function's response.
    pub(crate) fn check(self, function: &str, response: &[u8]) -> Outcome {
        let response: Value = serde_json::from_slice(response)?;
        let status = response["statusCode"].as_u64();
        let failed = response["batchItemFailures"].as_array();
        let is_expected = match self {
            Self::Success => {
                status.is_none_or(|status| (200..300).contains(&status))
                    && failed.is_none_or(Vec::is_empty)
            }
            Self::Status(expected) => status == Some(expected),
            Self::Failure => failed.is_some_and(|failed| !failed.is_empty()),
        };
        if is_expected {
            return Ok(());
        }
        Err(
            format!("{function} did not respond as expected while it was measured: {response}")
                .into(),
        )
    }
}

enum Calls {
    /// The same call repeatedly.
    Same,
    /// Calls that each use something up.
    Each,
}

/// Events of a scenario.
pub(crate) struct Events {
    /// Events in order; the last one may be repeated if `repeatable`.
    pub(crate) events: Vec<Value>,
    /// Whether one of them can be repeated any number of times.
    pub(crate) repeatable: bool,
    /// The response that each must get.
    pub(crate) expected: Expected,
}

const fn same(function: &'static str, name: &'static str) -> Scenario {
    Scenario {
        function,
        name,
        uncached: false,
        is_brief: false,
        hashes: false,
        expected: Expected::Success,
        calls: Calls::Same,
    }
}

const fn each(function: &'static str, name: &'static str) -> Scenario {
    Scenario {
        function,
        name,
        uncached: false,
        is_brief: false,
        hashes: false,
        expected: Expected::Success,
        calls: Calls::Each,
    }
}

const fn uncached(function: &'static str, name: &'static str) -> Scenario {
    Scenario {
        function,
        name,
        uncached: true,
        is_brief: false,
        hashes: false,
        expected: Expected::Success,
        calls: Calls::Same,
    }
}

const fn expecting(expected: Expected, scenario: Scenario) -> Scenario {
    Scenario {
        expected,
        ..scenario
    }
}

const fn hashing(scenario: Scenario) -> Scenario {
    Scenario {
        hashes: true,
        ..scenario
    }
}

const fn brief(scenario: Scenario) -> Scenario {
    Scenario {
        is_brief: true,
        ..scenario
    }
}

/// All scenarios. A test checks that no function of the template is missing.
pub(crate) const SCENARIOS: &[Scenario] = &[
    same("get-product", "page"),
    uncached("get-product", "page-uncached"),
    same("list-products", "list-24"),
    uncached("list-products", "list-24-uncached"),
    same("create-cart", "new"),
    same("set-cart-line", "one-line"),
    same("get-cart", "one-line"),
    // The same cart by somebody who is signed in shows what the check of a token costs.
    same("get-cart", "one-line-with-token"),
    each("remove-cart-line", "one-line"),
    each("place-order", "one-line"),
    same("get-order", "one"),
    same("get-order-as-staff", "one"),
    each("cancel-order", "unpaid"),
    each("cancel-order-as-staff", "unpaid"),
    each("fulfil-order", "whole"),
    each("refund-order", "whole"),
    each("return-goods", "one-unit"),
    each("capture-payment", "capture"),
    each("refund-payment", "refund"),
    same("sweep-orders", "nothing-due"),
    each("render-invoice", "invoice"),
    same("get-invoice", "link"),
    same("get-invoice-as-staff", "link"),
    each("send-email", "confirmation"),
    same("suppress-address", "complaint"),
    same("relay-events", "placed"),
    same("relay-events", "paid"),
    same("refresh-availability", "sold-out"),
    same("get-stock", "one"),
    same("set-stock", "count"),
    same("split-stock", "split-already"),
    same("reconcile-stock", "scan"),
    same("create-import", "ticket"),
    same("get-import", "awaiting-upload"),
    same("start-import", "upload-gone"),
    same("import-rows", "unchanged-product"),
    // The bench has no provider that sends events.
    expecting(
        Expected::Status(404),
        same("receive-payment-event", "refused"),
    ),
    expecting(
        Expected::Failure,
        same("handle-payment-event", "unknown-event"),
    ),
    same("health", "ok"),
    same("list-countries", "all"),
    expecting(Expected::Status(404), same("not-found", "unknown-path")),
    // With `list-countries`, which has the same countries and no settings, these two show what the control item costs: in
    // memory, and checked.
    same("get-shop", "page"),
    uncached("get-shop", "page-checked"),
    same("get-settings", "current"),
    each("change-settings", "one-value"),
    same("list-settings-revisions", "page"),
    same("get-settings-revision", "first"),
    each("restore-settings", "first"),
    each("create-job", "rebuild"),
    same("list-jobs", "one"),
    same("get-job", "queued"),
    same("change-job", "resumed"),
    each("project-orders", "paid"),
    same("list-orders", "page"),
    same("list-customers", "one"),
    same("get-customer", "one"),
    same("list-customer-groups", "one"),
    each("create-customer-group", "new"),
    same("get-customer-group", "one"),
    each("change-customer-group", "note"),
    each("delete-customer-group", "empty"),
    same("list-group-members", "one"),
    each("add-group-member", "first"),
    each("remove-group-member", "only"),
    same("rotate-keys", "known"),
    hashing(each("register-account", "new")),
    each("verify-email", "link"),
    hashing(same("log-in", "password")),
    brief(each("log-in", "password-and-app")),
    hashing(expecting(Expected::Status(401), same("log-in", "wrong"))),
    // Valid for long, but its instructions are those of a wrong password: its units count.
    brief(expecting(
        Expected::Status(401),
        each("log-in", "wrong-code"),
    )),
    each("refresh-session", "next"),
    each("log-out", "one"),
    same("request-password-reset", "known"),
    hashing(each("reset-password", "link")),
    same("get-me", "one"),
    each("change-me", "name"),
    hashing(each("delete-me", "one")),
    each("start-export", "first"),
    same("get-export", "queued"),
    each("export-account", "first-step"),
    hashing(each("change-password", "new")),
    hashing(each("request-email-change", "new")),
    each("change-email", "link"),
    same("list-sessions", "one"),
    each("end-session", "own"),
    same("start-passkey-registration", "options"),
    each("register-passkey", "first"),
    same("start-passkey-login", "options"),
    each("log-in-with-passkey", "only"),
    same("list-passkeys", "one"),
    each("rename-passkey", "name"),
    each("delete-passkey", "only"),
    same("start-totp", "app"),
    brief(each("confirm-totp", "code")),
    hashing(each("remove-totp", "app")),
    same("list-addresses", "one"),
    each("create-address", "first"),
    same("change-address", "one"),
    each("delete-address", "only"),
    hashing(each("accept-invitation", "new-account")),
    same("list-staff", "one"),
    each("change-staff", "role"),
    each("remove-staff", "member"),
    each("invite-staff", "new"),
    same("list-invitations", "one"),
    each("revoke-invitation", "open"),
    each("invite-owner", "new"),
    same("list-roles", "one"),
    each("put-role", "changed"),
    each("delete-role", "unused"),
    each("create-api-key", "new"),
    same("list-api-keys", "one"),
    each("revoke-api-key", "valid"),
    same("get-my-cart", "one-line"),
    same("get-wishlist", "one"),
    each("add-wishlist-entry", "first"),
    each("remove-wishlist-entry", "only"),
    each("merge-carts", "one-line"),
    same("list-my-orders", "page"),
    each("claim-order", "unpaid"),
    each("append-audit", "one-order"),
    same("anchor-audit", "unchanged"),
    same("list-audit", "page"),
    same("export-audit-chain", "page"),
    same("verify-audit", "part"),
];

impl Scenario {
    /// How the function is run in this scenario.
    pub(crate) const fn way(&self) -> Way {
        Way {
            uncached: self.uncached,
            counted: false,
        }
    }

    /// The events: `count` of them if each uses something up.
    pub(crate) async fn events(&self, world: &World, count: usize) -> Outcome<Events> {
        let (events, repeatable) = match self.calls {
            Calls::Same => (vec![self.event(world).await?], true),
            Calls::Each => {
                let count = match self.is_brief {
                    true => count.min(BRIEF_CALLS),
                    false => count,
                };
                let mut events = Vec::with_capacity(count);
                for _ in 0..count {
                    events.push(self.next(world).await?);
                }
                (events, false)
            }
        };
        Ok(Events {
            events,
            repeatable,
            expected: self.expected,
        })
    }

    async fn event(&self, world: &World) -> Outcome<Value> {
        let paid = world.paid.first().ok_or("no order is paid")?;
        let id = text(&paid["id"]);
        let sku = ("sku", "SKU-0");
        Ok(match self.function {
            "get-product" => http(
                "GET /v1/products/{slug}",
                &[("slug", "headliner-tee-7")],
                &[],
                None,
            ),
            "list-products" => http("GET /v1/products?limit=24", &[], &[], None),
            "create-cart" => http("POST /v1/carts", &[], &[], None),
            "set-cart-line" => set_line(&world.cart().await?, "SKU-0", 2),
            "get-cart" => {
                let get = get_cart(&world.cart().await?);
                match self.name {
                    "one-line-with-token" => world.person().await?.authorize(get),
                    _ => get,
                }
            }
            "get-order" => customer("GET /v1/orders/{order_id}", paid, None),
            "get-order-as-staff" => world.order(&id),
            "get-invoice" => world.invoice(0),
            "get-invoice-as-staff" => world.staff(
                "GET /v1/admin/orders/{order_id}/invoice",
                &[("order_id", &id)],
                None,
            ),
            "refresh-availability" => message(&json!({
                "event_id": "SKU-1.1", "occurred_at": "2026-11-22T10:00:00Z",
                "trace_id": "JKJaXmPLvHcESHA=", "type": "availability_changed",
                "sku": "SKU-1", "product_slug": "headliner-tee-1",
            })),
            "get-stock" => world.staff("GET /v1/admin/stock/{sku}", &[sku], None),
            "set-stock" => {
                let body = json!({ "on_hand": 900_000 });
                world.staff("PUT /v1/admin/stock/{sku}", &[sku], Some(&body))
            }
            "split-stock" => {
                let body = json!({ "shards": 1 });
                world.staff("PUT /v1/admin/stock/{sku}/shards", &[sku], Some(&body))
            }
            "create-import" => {
                let body = json!({ "bytes": 1_000_000 });
                world.staff("POST /v1/admin/imports", &[], Some(&body))
            }
            "get-import" => {
                let body = json!({ "bytes": 1_000_000 });
                let route = world.staff("POST /v1/admin/imports", &[], Some(&body));
                let ticket = world.api("create-import", &route).await?;
                let id = text(&ticket["id"]);
                world.staff(
                    "GET /v1/admin/imports/{import_id}",
                    &[("import_id", &id)],
                    None,
                )
            }
            "relay-events" => match self.name {
                "paid" => sample_named("relay-events", "order-paid")?,
                _ => {
                    let file = "order-placed-and-variant-sold-out";
                    let mut both = sample_named("relay-events", file)?;
                    // Only the order.
                    if let Some(records) = both["Records"].as_array_mut() {
                        records.truncate(1);
                    }
                    both
                }
            },
            "list-jobs" => {
                world.job().await?;
                world.staff("GET /v1/admin/jobs?limit=1", &[], None)
            }
            "get-job" => {
                let id = world.job().await?;
                let route = "GET /v1/admin/jobs/{job_id}";
                world.staff(route, &[("job_id", &id)], None)
            }
            // Each call begins another run.
            "change-job" => {
                let id = world.job().await?;
                let body = json!({ "state": "running" });
                let route = "PATCH /v1/admin/jobs/{job_id}";
                world.staff(route, &[("job_id", &id)], Some(&body))
            }
            "get-shop" => http("GET /v1/shop", &[], &[], None),
            "get-settings" => {
                world
                    .api("change-settings", &change_settings(world))
                    .await?;
                world.staff("GET /v1/admin/settings", &[], None)
            }
            "list-settings-revisions" => {
                world
                    .api("change-settings", &change_settings(world))
                    .await?;
                world.staff("GET /v1/admin/settings/revisions?limit=1", &[], None)
            }
            "get-settings-revision" => {
                world
                    .api("change-settings", &change_settings(world))
                    .await?;
                let route = "GET /v1/admin/settings/revisions/{revision}";
                world.staff(route, &[("revision", "1")], None)
            }
            "list-orders" | "list-customers" => {
                // Its list has at least this order.
                world
                    .invoke("project-orders", &order_changed(paid, 3, "paid"))
                    .await?;
                let email = text(&paid["email"]);
                let route = match self.function {
                    "list-orders" => "GET /v1/admin/orders?limit=1".to_owned(),
                    _ => format!("GET /v1/admin/customers?email={email}"),
                };
                world.staff(&route, &[], None)
            }
            "get-customer" => {
                let account = world.account().await?;
                let route = "GET /v1/admin/customers/{account_id}";
                world.staff(route, &[("account_id", &account)], None)
            }
            "list-customer-groups" => {
                world.group().await?;
                world.staff("GET /v1/admin/customer-groups", &[], None)
            }
            "get-customer-group" => {
                let group = world.group().await?;
                let route = "GET /v1/admin/customer-groups/{group_id}";
                world.staff(route, &[("group_id", &group)], None)
            }
            "list-group-members" => {
                let group = world.group().await?;
                world.member_of(&group).await?;
                let route = "GET /v1/admin/customer-groups/{group_id}/members";
                world.staff(route, &[("group_id", &group)], None)
            }
            "log-in" => {
                let person = world.person().await?;
                match self.name {
                    "wrong" => log_in(&new_email()),
                    _ => log_in(&person.email),
                }
            }
            "request-password-reset" => ask_for_reset(&world.person().await?.email),
            "get-me" => world.person().await?.request("GET /v1/me", &[], None),
            "get-export" => {
                let person = world.person().await?;
                let export = world.api("start-export", &start_export(&person)).await?;
                let id = text(&export["id"]);
                let route = "GET /v1/me/exports/{export_id}";
                person.request(route, &[("export_id", &id)], None)
            }
            "list-sessions" => {
                let person = world.person().await?;
                person.request("GET /v1/me/sessions", &[], None)
            }
            "start-passkey-registration" => world.passkey_options().await?,
            "start-passkey-login" => passkey_login_options(),
            "list-passkeys" => world.passkeys_of_one().await?,
            "start-totp" => world.app_start().await?,
            "list-staff" => world.staff_list().await?,
            "list-invitations" => world.invitation_list().await?,
            "list-roles" => world.role_list().await?,
            "list-api-keys" => world.api_key_list().await?,
            "list-addresses" => {
                let person = world.person().await?;
                world.api("create-address", &new_address(&person)).await?;
                person.request("GET /v1/me/addresses", &[], None)
            }
            "change-address" => {
                let person = world.person().await?;
                let made = world.api("create-address", &new_address(&person)).await?;
                let id = text(&made["id"]);
                let route = "PUT /v1/me/addresses/{address_id}";
                person.request(route, &[("address_id", &id)], Some(&address()))
            }
            "rotate-keys" => sample("rotate-keys")?,
            "get-my-cart" => {
                let person = world.person().await?;
                world.own_cart(&person).await?;
                person.authorize(http("GET /v1/me/cart", &[], &[], None))
            }
            "get-wishlist" => {
                let person = world.person().await?;
                let route = "PUT /v1/me/wishlist/{sku}";
                world
                    .api("add-wishlist-entry", &person.request(route, &[sku], None))
                    .await?;
                person.request("GET /v1/me/wishlist", &[], None)
            }
            "list-my-orders" => {
                let person = world.person().await?;
                let order = person.authorize(place_order(&world.own_cart(&person).await?));
                let placed = world.api("place-order", &order).await?;
                world
                    .invoke("project-orders", &order_placed(&placed))
                    .await?;
                person.authorize(http("GET /v1/orders?limit=1", &[], &[], None))
            }
            "list-audit" => {
                world.invoke("append-audit", &changed_by_staff()?).await?;
                world.staff("GET /v1/admin/audit?limit=1", &[], None)
            }
            "export-audit-chain" => {
                world.invoke("append-audit", &changed_by_staff()?).await?;
                let route = "GET /v1/admin/audit/chains/{chain}?limit=1";
                world.staff(route, &[("chain", &CHAIN.to_string())], None)
            }
            "verify-audit" => {
                world.invoke("append-audit", &changed_by_staff()?).await?;
                let body = json!({ "chain": CHAIN });
                let route = "POST /v1/admin/audit/verifications";
                world.staff(route, &[], Some(&body))
            }
            "health" => http("GET /v1/health", &[], &[], None),
            "not-found" => http("GET /v1/nothing", &[], &[], None),
            other => world.authorized(sample(other)?),
        })
    }

    async fn next(&self, world: &World) -> Outcome<Value> {
        Ok(match self.function {
            "remove-cart-line" => {
                let cart = world.cart().await?;
                let path = [("cart_id", cart.as_str()), ("sku", "SKU-0")];
                http("DELETE /v1/carts/{cart_id}/lines/{sku}", &path, &[], None)
            }
            "place-order" => place_order(&world.cart().await?),
            "merge-carts" => {
                let person = world.person().await?;
                world.own_cart(&person).await?;
                let cart = world.cart().await?;
                let route = "POST /v1/carts/{cart_id}/merge";
                person.authorize(http(route, &[("cart_id", &cart)], &[], None))
            }
            "claim-order" => {
                let placed = world.place().await?;
                let (id, email) = (text(&placed["id"]), text(&placed["email"]));
                let person = world.person_at(&email).await?;
                let route = "POST /v1/orders/{order_id}/claim";
                person.authorize(http(route, &[("order_id", &id)], &[], None))
            }
            "cancel-order" => {
                let placed = world.place().await?;
                customer(
                    "POST /v1/orders/{order_id}/cancel",
                    &placed,
                    Some(&json!({})),
                )
            }
            "cancel-order-as-staff" => staff(world, &world.place().await?, "cancel", &json!({})),
            "fulfil-order" => staff(world, &world.pay().await?, "fulfilments", &json!({})),
            "refund-order" => staff(world, &world.pay().await?, "refunds", &json!({})),
            "return-goods" => {
                let paid = world.pay().await?;
                let unit = json!({ "sku": paid["lines"][0]["sku"], "quantity": 1 });
                staff(world, &paid, "returns", &json!({ "lines": [unit] }))
            }
            "capture-payment" => order_placed(&world.place().await?),
            "refund-payment" => {
                let placed = world.pay().await?;
                let order = world
                    .api(
                        "refund-order",
                        &staff(world, &placed, "refunds", &json!({})),
                    )
                    .await?;
                order_changed(
                    &placed,
                    order["version"].as_u64().unwrap_or(4),
                    "refund_requested",
                )
            }
            "create-job" => {
                static KEYS: AtomicU32 = AtomicU32::new(0);
                let key = KEYS.fetch_add(1, Ordering::Relaxed).to_string();
                let body = json!({ "kind": "order_lists_rebuild" });
                let mut request = world.staff("POST /v1/admin/jobs", &[], Some(&body));
                request["headers"]["idempotency-key"] = json!(key);
                request
            }
            "append-audit" => changed_by_staff()?,
            "change-settings" => change_settings(world),
            "restore-settings" => {
                world
                    .api("change-settings", &change_settings(world))
                    .await?;
                let route = "POST /v1/admin/settings/revisions/{revision}/restore";
                any_version(world.staff(route, &[("revision", "1")], None))
            }
            "render-invoice" | "send-email" | "project-orders" => {
                order_changed(&world.pay().await?, 3, "paid")
            }
            "register-account" => register(&new_email()),
            "verify-email" => {
                let email = new_email();
                world.api("register-account", &register(&email)).await?;
                world.verification(&email).await?
            }
            "reset-password" => {
                let person = world.person().await?;
                world.reset(&person.email).await?
            }
            "refresh-session" => {
                let body = json!({ "refresh_token": world.person().await?.refresh });
                http("POST /v1/auth/refresh", &[], &[], Some(&body))
            }
            "log-in" => match self.name {
                "wrong-code" => world.log_in_with_wrong_code().await?,
                _ => world.log_in_with_app().await?,
            },
            "log-out" => {
                let person = world.person().await?;
                person.request("POST /v1/auth/logout", &[], Some(&json!({})))
            }
            "change-me" => {
                let person = world.person().await?;
                let body = json!({ "name": "Ada Lovelace" });
                person.request("PATCH /v1/me", &[], Some(&body))
            }
            "delete-me" => {
                let person = world.person().await?;
                let body = json!({ "password": PASSWORD });
                person.request("DELETE /v1/me", &[], Some(&body))
            }
            "start-export" => start_export(&world.person().await?),
            "export-account" => {
                let person = world.person().await?;
                let export = world.api("start-export", &start_export(&person)).await?;
                let job = text(&export["id"]).replace("exp_", "job_");
                let event = |mut event: Value| {
                    event["event_id"] = json!(format!("{job}.1"));
                    event["occurred_at"] = json!("2026-11-22T10:00:00Z");
                    event["trace_id"] = json!("JKJaXmPLvHcESHA=");
                    event["job_id"] = json!(job);
                    event["kind"] = json!("account_export");
                    message(&event)
                };
                let started = event(json!({ "type": "job_started", "run": 1 }));
                world.invoke("export-account", &started).await?;
                event(json!({ "type": "job_step_due", "step": 1 }))
            }
            "change-password" => {
                let person = world.person().await?;
                let new = "another horse battery";
                let body = json!({ "current_password": PASSWORD, "new_password": new });
                person.request("POST /v1/me/password", &[], Some(&body))
            }
            "request-email-change" => {
                let person = world.person().await?;
                let body = json!({ "email": new_email(), "password": PASSWORD });
                person.request("POST /v1/me/email", &[], Some(&body))
            }
            "change-email" => {
                let person = world.person().await?;
                world.email_change(&person).await?
            }
            "end-session" => {
                let person = world.person().await?;
                let listed = person.request("GET /v1/me/sessions", &[], None);
                let listed = world.api("list-sessions", &listed).await?;
                let id = text(&listed["items"][0]["id"]);
                let route = "DELETE /v1/me/sessions/{session_id}";
                person.request(route, &[("session_id", &id)], None)
            }
            "register-passkey" => world.new_passkey().await?,
            "log-in-with-passkey" => world.passkey_login().await?,
            "rename-passkey" => world.passkey_name().await?,
            "delete-passkey" => world.passkey_removal().await?,
            "confirm-totp" => world.app_confirmation().await?,
            "remove-totp" => world.app_removal().await?,
            "accept-invitation" => world.new_acceptance().await?,
            "change-staff" => world.promotion().await?,
            "remove-staff" => world.dismissal().await?,
            "invite-staff" => world.new_invitation(),
            "revoke-invitation" => world.revocation().await?,
            "invite-owner" => json!({ "email": new_email() }),
            "put-role" => world.role_change(),
            "delete-role" => world.role_removal().await?,
            "create-api-key" => world.new_api_key(),
            "revoke-api-key" => world.api_key_revocation().await?,
            "create-customer-group" => new_group(world),
            "change-customer-group" => {
                let group = world.group().await?;
                let body = json!({ "note": "Since 2026" });
                let route = "PATCH /v1/admin/customer-groups/{group_id}";
                world.staff(route, &[("group_id", &group)], Some(&body))
            }
            "delete-customer-group" => {
                let group = world.group().await?;
                let route = "DELETE /v1/admin/customer-groups/{group_id}";
                world.staff(route, &[("group_id", &group)], None)
            }
            "add-group-member" => {
                let (group, account) = (world.group().await?, world.account().await?);
                member(world, "PUT", &group, &account)
            }
            "remove-group-member" => {
                let group = world.group().await?;
                let account = world.member_of(&group).await?;
                member(world, "DELETE", &group, &account)
            }
            "add-wishlist-entry" => {
                let person = world.person().await?;
                let route = "PUT /v1/me/wishlist/{sku}";
                person.request(route, &[("sku", "SKU-0")], None)
            }
            "remove-wishlist-entry" => {
                let person = world.person().await?;
                let entry = [("sku", "SKU-0")];
                let added = person.request("PUT /v1/me/wishlist/{sku}", &entry, None);
                world.api("add-wishlist-entry", &added).await?;
                person.request("DELETE /v1/me/wishlist/{sku}", &entry, None)
            }
            "create-address" => new_address(&world.person().await?),
            "delete-address" => {
                let person = world.person().await?;
                let made = world.api("create-address", &new_address(&person)).await?;
                let id = text(&made["id"]);
                let route = "DELETE /v1/me/addresses/{address_id}";
                person.request(route, &[("address_id", &id)], None)
            }
            other => return Err(format!("nothing is known of {other}").into()),
        })
    }
}

/// A request for a customer group with a name that there never was.
fn new_group(world: &World) -> Value {
    static GROUPS: AtomicU32 = AtomicU32::new(0);
    let number = GROUPS.fetch_add(1, Ordering::Relaxed);
    let body = json!({ "name": format!("Group {number}") });
    world.staff("POST /v1/admin/customer-groups", &[], Some(&body))
}

/// A request about a member of a customer group.
fn member(world: &World, method: &str, group: &str, account: &str) -> Value {
    let route = format!("{method} /v1/admin/customer-groups/{{group_id}}/members/{{account_id}}");
    let path = [("group_id", group), ("account_id", account)];
    world.staff(&route, &path, None)
}

impl World {
    /// The id of a new customer group.
    async fn group(&self) -> Outcome<String> {
        let made = self.api("create-customer-group", &new_group(self)).await?;
        Ok(text(&made["id"]))
    }

    /// The account of somebody who has just become a member of a group.
    async fn member_of(&self, group: &str) -> Outcome<String> {
        let account = self.account().await?;
        self.api("add-group-member", &member(self, "PUT", group, &account))
            .await?;
        Ok(account)
    }
}

/// A request that gives the tax a name that it never had.
fn change_settings(world: &World) -> Value {
    static NAMES: AtomicU32 = AtomicU32::new(0);
    let name = NAMES.fetch_add(1, Ordering::Relaxed);
    let body = json!({ "tax_name": format!("Tax {name}") });
    any_version(world.staff("PATCH /v1/admin/settings", &[], Some(&body)))
}

/// A request to export a person's own data.
fn start_export(person: &Person) -> Value {
    person.request("POST /v1/me/export", &[], None)
}

fn address() -> Value {
    json!({ "address": {
        "name": "Ada Lovelace", "line1": "12 St James's Square", "city": "London",
        "postal_code": "SW1Y 4JH", "country": "GB",
    } })
}

fn new_address(person: &Person) -> Value {
    person.request("POST /v1/me/addresses", &[], Some(&address()))
}

/// A change of the sample's order by staff, each with a version of its own.
fn changed_by_staff() -> Outcome<Value> {
    static VERSIONS: AtomicU32 = AtomicU32::new(4);
    let version = VERSIONS.fetch_add(1, Ordering::Relaxed).to_string();
    let mut event = sample_named("append-audit", "order-canceled-by-staff")?;
    event["Records"][0]["dynamodb"]["NewImage"]["version"]["N"] = json!(version);
    Ok(event)
}

/// Number of the chain of the sample's order, which follows from the order's id.
const CHAIN: u8 = 13;

/// A request that replaces whatever is there.
fn any_version(mut event: Value) -> Value {
    event["headers"]["if-match"] = json!("*");
    event
}

fn staff(world: &World, placed: &Value, action: &str, body: &Value) -> Value {
    let id = text(&placed["id"]);
    let route = format!("POST /v1/admin/orders/{{order_id}}/{action}");
    world.staff(&route, &[("order_id", &id)], Some(body))
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use local::{
        project,
        template::{Settings, Template},
    };

    use super::*;

    #[test]
    fn a_failed_call_is_not_measured() {
        let check = |expected: Expected, response: Value| {
            expected.check("function", response.to_string().as_bytes())
        };
        let status = |status: u16| json!({ "statusCode": status });
        let success = Expected::Success;
        assert!(check(success, status(204)).is_ok());
        assert!(check(success, json!({ "batchItemFailures": [] })).is_ok());
        assert!(check(success, Value::Null).is_ok());
        assert!(check(Expected::Status(404), status(404)).is_ok());
        assert!(check(success, status(409)).is_err());
        assert!(check(Expected::Status(404), status(200)).is_err());
        let failed = json!({ "batchItemFailures": [{ "itemIdentifier": "1" }] });
        assert!(check(success, failed.clone()).is_err());
        assert!(check(Expected::Failure, failed).is_ok());
        assert!(check(Expected::Failure, json!({ "batchItemFailures": [] })).is_err());
    }

    #[test]
    fn every_function_is_measured() {
        let settings = Settings {
            stack_name: "bench".to_owned(),
            endpoint: "http://127.0.0.1".to_owned(),
            parameters: BTreeMap::new(),
        };
        let template = Template::read(&project::root(), &settings).unwrap();
        let there: BTreeSet<&str> = template
            .functions
            .iter()
            .map(|f| f.binary.as_str())
            .collect();
        let measured: BTreeSet<&str> = SCENARIOS.iter().map(|s| s.function).collect();
        assert_eq!(measured, there);
    }
}

//! The fault matrix of customer groups and wish lists: every fault, at every call of a change. The client sends the request again, and
//! then account, login, list and number of members agree, whatever happened in between.
//!
//! Covers: create-customer-group, delete-customer-group, add-group-member, remove-group-member, add-wishlist-entry,
//! remove-wishlist-entry.

use domain::notifications::suppression::AddressHash;
use serde_json::{Value, json};
use testkit::{Faults, Person, Product, Response, Shop};

use crate::{
    injected,
    intercepted::{Intercepted, insist},
};

const GROUPS: &str = "/v1/admin/customer-groups";

struct World {
    shop: Shop,
    faults: Faults,
}

impl World {
    async fn start() -> Self {
        let Intercepted { shop, faults } = Intercepted::start().await;
        Self { shop, faults }
    }

    /// A request of staff, which insists.
    async fn staff(&self, method: &str, path: &str, body: &Value) -> Response {
        let token = Some(self.shop.staff_token.as_str());
        insist(&self.shop, token, method, path, body).await
    }

    async fn group(&self, id: &str) {
        let made = self.staff("POST", GROUPS, &json!({ "name": id })).await;
        made.expect(201);
    }

    async fn item(&self, pk: &str, sk: &str) -> Value {
        let request = json!({
            "TableName": self.shop.stack().template.table["TableName"],
            "Key": { "PK": { "S": pk }, "SK": { "S": sk } },
            "ConsistentRead": true,
        });
        self.shop.table("GetItem", &request).await["Item"].clone()
    }

    /// Asserts that everything that knows of a membership says the same.
    async fn agree(&self, person: &Person, group: &str, is_member: bool, case: &str) {
        let wanted = match is_member {
            true => json!([{ "S": group }]),
            false => json!([]),
        };
        let groups = |item: &Value| match &item["groups"]["L"] {
            Value::Null => json!([]),
            groups => groups.clone(),
        };
        let account = self
            .item(&format!("ACCOUNT#{}", person.account), "ACCOUNT")
            .await;
        assert_eq!(groups(&account), wanted, "{case}: {account}");
        let login = format!("LOGIN#{}", AddressHash::of(&person.email));
        let login = self.item(&login, "LOGIN").await;
        assert_eq!(groups(&login), wanted, "{case}: {login}");
        let entry = format!("MEMBER#{}", person.account);
        let entry = self.item(&format!("GROUP#{group}"), &entry).await;
        assert_eq!(!entry.is_null(), is_member, "{case}: {entry}");
        let group = self.item("GROUPS", &format!("GROUP#{group}")).await;
        let members = u8::from(is_member).to_string();
        assert_eq!(group["members"]["N"], members, "{case}: {group}");
    }
}

#[tokio::test]
async fn members_come_and_go_once_whatever_fails() {
    let world = World::start().await;
    let mut met = 0;
    // The first request of a process also reads the keys.
    for method in ["PUT", "DELETE"] {
        let nobody = format!("{GROUPS}/none/members/acc_5T0RCE3VWQ8X4H2YJZ9N6KDPGA");
        let refused = world.staff(method, &nobody, &Value::Null).await;
        refused.expect_problem(404, "not_found");
    }
    // The group, the account, and the transaction.
    for call in 0..3 {
        for fault in injected() {
            let name = format!("ada-{call}-{fault:?}").to_lowercase();
            let person = world.shop.person(&name).await;
            let group = name.replace("ada", "vip");
            world.group(&group).await;
            let path = format!("{GROUPS}/{group}/members/{}", person.account);
            for (function, method, is_member) in [
                ("add-group-member", "PUT", true),
                ("remove-group-member", "DELETE", false),
            ] {
                let case = format!("{fault:?} at call {call} of {function}");
                world.faults.reset();
                world.faults.plan(function, call, fault);
                let answer = world.staff(method, &path, &Value::Null).await;
                assert!(answer.status < 300, "{case}: {}", answer.text);
                met += usize::from(world.faults.hit().is_some());
                world.faults.reset();
                world.agree(&person, &group, is_member, &case).await;
                // Once more, late.
                let again = world.staff(method, &path, &Value::Null).await;
                assert!(again.status < 300, "{case}: {}", again.text);
                world.agree(&person, &group, is_member, &case).await;
            }
            // Each happened once.
            let account = format!("ACCOUNT#{}", person.account);
            let account = world.item(&account, "ACCOUNT").await;
            assert_eq!(account["version"]["N"], "3", "{fault:?} at {call}");
        }
    }
    assert!(met >= 6 * injected().len(), "{met} faults were met");
}

#[tokio::test]
async fn a_group_is_created_and_removed_once_whatever_fails() {
    let world = World::start().await;
    let mut met = 0;
    world.group("warm").await;
    let warm = format!("{GROUPS}/warm");
    world.staff("DELETE", &warm, &Value::Null).await;
    for call in 0..3 {
        for fault in injected() {
            let case = format!("{fault:?} at call {call}");
            let id = format!("g-{call}-{fault:?}").to_lowercase();
            let path = format!("{GROUPS}/{id}");
            world.faults.reset();
            // What is there under the id, the list, the write.
            world.faults.plan("create-customer-group", call, fault);
            world.group(&id).await;
            met += usize::from(world.faults.hit().is_some());
            world.faults.reset();
            let group = world.item("GROUPS", &format!("GROUP#{id}")).await;
            assert_eq!(group["version"]["N"], "1", "{case}: {group}");
            if call < 2 {
                world.faults.plan("delete-customer-group", call, fault);
            }
            let removed = world.staff("DELETE", &path, &Value::Null).await;
            // The removal may have succeeded without an answer.
            assert!(
                matches!(removed.status, 204 | 404),
                "{case}: {}",
                removed.text
            );
            met += usize::from(world.faults.hit().is_some());
            world.faults.reset();
            let gone = world.shop.staff_get(&path).await;
            gone.expect_problem(404, "not_found");
            let group = world.item("GROUPS", &format!("GROUP#{id}")).await;
            assert_eq!(group["version"]["N"], "2", "{case}: {group}");
        }
    }
    assert!(met >= 5 * injected().len(), "{met} faults were met");
}

/// The removal of a group has read that nobody is in it when somebody joins.
#[tokio::test]
async fn nobody_joins_a_group_that_is_being_removed() {
    let world = World::start().await;
    let shop = &world.shop;
    world.group("vip").await;
    let ada = shop.person("ada").await;
    let path = format!("{GROUPS}/vip/members/{}", ada.account);
    world.faults.reset();
    let mut held = world.faults.hold("delete-customer-group", "PutItem", 0);
    let vip = format!("{GROUPS}/vip");
    let removal = world.staff("DELETE", &vip, &Value::Null);
    let joining = async {
        held.reached().await;
        let joined = world.staff("PUT", &path, &Value::Null).await;
        held.release();
        joined
    };
    let (removal, joined) = futures_util::future::join(removal, joining).await;
    joined.expect(200);
    removal.expect_problem(409, "group_in_use");
    world.faults.reset();
    world.agree(&ada, "vip", true, "after the removal").await;
}

/// Two changes of one account at once: the first one has read the version before the second.
#[tokio::test]
async fn concurrent_changes_of_one_account_are_both_made() {
    let world = World::start().await;
    let shop = &world.shop;
    world.group("vip").await;
    let ada = shop.person("ada").await;
    let path = format!("{GROUPS}/vip/members/{}", ada.account);
    // The first transaction waits until the profile has another version.
    world.faults.reset();
    let mut held = world
        .faults
        .hold("add-group-member", "TransactWriteItems", 0);
    let joining = world.staff("PUT", &path, &Value::Null);
    let renaming = async {
        held.reached().await;
        let name = json!({ "name": "Ada" });
        let renamed = shop.call_as(&ada, "PATCH", "/v1/me", &name).await;
        held.release();
        renamed
    };
    let (joined, renamed) = futures_util::future::join(joining, renaming).await;
    renamed.expect(200);
    assert_eq!(joined.expect(200)["name"], "Ada");
    world.faults.reset();
    world.agree(&ada, "vip", true, "with a new name").await;
    let profile = format!("/v1/admin/customers/{}", ada.account);
    let profile = shop.staff_get(&profile).await.expect(200);
    assert_eq!(
        (&profile["name"], &profile["groups"]),
        (&json!("Ada"), &json!(["vip"]))
    );
}

#[tokio::test]
async fn a_wish_is_added_and_removed_whatever_fails() {
    let world = World::start().await;
    let shop = &world.shop;
    shop.stock_up(&[
        Product::single("tee", "TEE", "10.00", 5),
        Product::single("mug", "MUG", "4.00", 5),
    ])
    .await;
    let warm = shop.person("warm").await;
    for method in ["PUT", "DELETE"] {
        let path = "/v1/me/wishlist/TEE";
        insist(shop, Some(&warm.token), method, path, &Value::Null).await;
    }
    let mut met = 0;
    for has_list in [false, true] {
        // The variant, the update, and for the first entry the new item.
        for call in 0..3 {
            for fault in injected() {
                let case = format!("{fault:?} at call {call}, {has_list}");
                let name = format!("ada-{call}-{fault:?}-{has_list}").to_lowercase();
                let ada = shop.person(&name).await;
                let send = async |method: &str, sku: &str| {
                    let path = format!("/v1/me/wishlist/{sku}");
                    let token = Some(ada.token.as_str());
                    let answer = insist(shop, token, method, &path, &Value::Null).await;
                    assert!(answer.status < 300, "{case}: {}", answer.text);
                };
                if has_list {
                    send("PUT", "MUG").await;
                }
                for (function, method, entries) in [
                    ("add-wishlist-entry", "PUT", 1),
                    ("remove-wishlist-entry", "DELETE", 0),
                ] {
                    world.faults.reset();
                    world.faults.plan(function, call, fault);
                    send(method, "TEE").await;
                    met += usize::from(world.faults.hit().is_some());
                    world.faults.reset();
                    let list = shop.get_as(&ada, "/v1/me/wishlist").await.expect(200);
                    let count = list["items"].as_array().unwrap().len();
                    assert_eq!(count, entries + usize::from(has_list), "{case}: {list}");
                }
            }
        }
    }
    // Of an addition to a list, two calls; of the first one, three; of a removal, one.
    assert!(met >= 7 * injected().len(), "{met} faults were met");
}

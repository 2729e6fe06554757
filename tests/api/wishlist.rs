//! Covers: get-wishlist, add-wishlist-entry, remove-wishlist-entry.

use futures_util::future::join_all;
use serde_json::{Value, json};
use testkit::{Person, Product, Response, Shop};

use crate::{
    accounts::{PASSWORD, account, with},
    people::{account_of, item},
};

const WISHLIST: &str = "/v1/me/wishlist";
/// A file that takes a product off sale.
const GONE: &str =
    "Handle,Title,Published,Variant SKU,Variant Price\ntee,tee title,false,TEE,10.00\n";

async fn send(shop: &Shop, person: &Person, method: &str, sku: &str) -> Response {
    let request = shop.request(method, &format!("{WISHLIST}/{sku}"));
    shop.send(request.bearer_auth(&person.token)).await
}

async fn add(shop: &Shop, person: &Person, sku: &str) -> Response {
    send(shop, person, "PUT", sku).await
}

async fn remove(shop: &Shop, person: &Person, sku: &str) {
    let answer = send(shop, person, "DELETE", sku).await;
    assert_eq!((answer.status, answer.text.as_str()), (204, ""));
}

async fn list(shop: &Shop, person: &Person) -> Vec<Value> {
    let list = shop.get_as(person, WISHLIST).await.expect(200);
    list["items"].as_array().unwrap().clone()
}

fn skus(items: &[Value]) -> Vec<&str> {
    items.iter().map(|it| it["sku"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_wish_list_remembers_what_its_owner_wants() {
    let shop = Shop::start().await;
    let products = [
        Product::single("tee", "TEE", "10.00", 5),
        Product::single("mug", "MUG 2", "4.00", 0),
    ];
    shop.stock_up(&products).await;
    let (ada, bob) = (shop.person("ada").await, shop.person("bob").await);
    assert_eq!(list(&shop, &ada).await, [Value::Null; 0]);
    remove(&shop, &ada, "TEE").await;

    let first = add(&shop, &ada, "TEE").await.expect(200);
    assert_eq!(first["sku"], "TEE");
    assert_eq!(first["product_slug"], "tee");
    assert!(first["title"].is_string() && first["added_at"].is_string());
    let price = json!({ "amount": 1000, "currency": "USD", "decimals": 2 });
    assert_eq!(first["price"], price);
    assert_eq!(
        (&first["for_sale"], &first["available"]),
        (&json!(true), &json!(true))
    );
    // Sold out, and wanted all the more.
    let second = add(&shop, &ada, "MUG%202").await.expect(200);
    assert_eq!(
        (&second["for_sale"], &second["available"]),
        (&json!(true), &json!(false))
    );
    // The last one first; one that is there keeps its time.
    assert_eq!(list(&shop, &ada).await, [second.clone(), first.clone()]);
    assert_eq!(add(&shop, &ada, "TEE").await.expect(200), first);
    assert_eq!(list(&shop, &ada).await, [second.clone(), first]);
    assert_eq!(
        list(&shop, &bob).await,
        [Value::Null; 0],
        "everybody their own"
    );

    for unknown in ["NOBODY", "tee"] {
        let refused = add(&shop, &ada, unknown).await;
        refused.expect_problem(404, "unknown_sku");
    }
    for _ in 0..2 {
        remove(&shop, &ada, "TEE").await;
        remove(&shop, &ada, "NOBODY").await;
        assert_eq!(skus(&list(&shop, &ada).await), ["MUG 2"]);
    }
    remove(&shop, &ada, "MUG%202").await;
    assert_eq!(list(&shop, &ada).await, [Value::Null; 0]);
}

#[tokio::test]
async fn what_is_gone_from_the_catalogue_is_shown_as_unavailable() {
    let shop = Shop::start().await;
    let products = [
        Product::single("tee", "TEE", "10.00", 5),
        Product::single("mug", "MUG", "4.00", 5),
    ];
    shop.stock_up(&products).await;
    let ada = shop.person("ada").await;
    for sku in ["TEE", "MUG"] {
        add(&shop, &ada, sku).await.expect(200);
    }
    // Off sale, as a product that is no longer published.
    let gone = GONE.to_owned();
    let import = shop.import(gone).await;
    assert_eq!(import["rows_failed"], 0, "{import}");
    // And one that the table does not know any more.
    let table = shop.stack().template.table["TableName"].clone();
    let key = json!({ "PK": { "S": "VARIANT#MUG" }, "SK": { "S": "VARIANT" } });
    shop.table("DeleteItem", &json!({ "TableName": table, "Key": key }))
        .await;
    let items = list(&shop, &ada).await;
    assert_eq!(skus(&items), ["MUG", "TEE"]);
    for entry in &items {
        assert_eq!(
            (&entry["for_sale"], &entry["available"]),
            (&json!(false), &json!(false)),
            "{entry}"
        );
        assert_eq!(entry.get("price"), None, "{entry}");
    }
    assert_eq!(items[0].get("title"), None);
    assert!(items[1]["title"].is_string());
    let refused = add(&shop, &ada, "TEE").await;
    refused.expect_problem(404, "unknown_sku");
    remove(&shop, &ada, "MUG").await;
    remove(&shop, &ada, "TEE").await;
    assert_eq!(list(&shop, &ada).await, [Value::Null; 0]);
}

#[tokio::test]
async fn a_wish_list_has_so_many_entries_and_concurrent_changes_lose_none() {
    let shop = Shop::start().await;
    let skus_of_shop: Vec<String> = (0..101).map(|number| format!("T{number}")).collect();
    let rows = skus_of_shop
        .iter()
        .map(|sku| format!("tee-{sku},Tee {sku},{sku},10.00\n"));
    let file = "Handle,Title,Variant SKU,Variant Price\n".to_owned() + &rows.collect::<String>();
    let import = shop.import(file).await;
    assert_eq!(import["rows_failed"], 0, "{import}");
    let ada = shop.person("ada").await;
    // Also the first ones, which find no list.
    for ten in skus_of_shop[..100].chunks(10) {
        let added = join_all(ten.iter().map(|sku| add(&shop, &ada, sku))).await;
        for added in added {
            added.expect(200);
        }
    }
    assert_eq!(list(&shop, &ada).await.len(), 100);
    let refused = add(&shop, &ada, "T100").await;
    refused.expect_problem(409, "wishlist_full");
    // One that is there is no matter of room.
    add(&shop, &ada, "T0").await.expect(200);
    join_all(["T1", "T2", "T3"].map(|sku| remove(&shop, &ada, sku))).await;
    add(&shop, &ada, "T100").await.expect(200);
    let items = list(&shop, &ada).await;
    assert_eq!(items.len(), 98);
    assert_eq!(skus(&items)[0], "T100");
}

#[tokio::test]
async fn a_wish_list_takes_its_owner_and_goes_with_the_account() {
    let shop = Shop::start().await;
    shop.stock_up(&[Product::single("tee", "TEE", "10.00", 5)])
        .await;
    for (method, path) in [
        ("GET", WISHLIST.to_owned()),
        ("PUT", format!("{WISHLIST}/TEE")),
        ("DELETE", format!("{WISHLIST}/TEE")),
    ] {
        let refused = shop.send(shop.request(method, &path)).await;
        refused.expect_problem(401, "unauthenticated");
        let request = shop.request(method, &path);
        let refused = shop.send(request.bearer_auth(&shop.staff_token)).await;
        refused.expect_problem(401, "unauthenticated");
    }
    let tokens = account(&shop, "ada@example.com").await;
    let path = format!("{WISHLIST}/TEE");
    with(&shop, &tokens, "PUT", &path, &Value::Null)
        .await
        .expect(200);
    let partition = format!("ACCOUNT#{}", account_of(&tokens));
    assert_ne!(item(&shop, &partition, "WISHLIST").await, Value::Null);
    let password = json!({ "password": PASSWORD });
    let deleted = with(&shop, &tokens, "DELETE", "/v1/me", &password).await;
    assert_eq!(deleted.status, 204, "{}", deleted.text);
    shop.eventually("the wish list is gone", async || {
        let list = item(&shop, &partition, "WISHLIST").await;
        list.is_null().then_some(())
    })
    .await;
}

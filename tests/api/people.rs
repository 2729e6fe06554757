//! People behind the shop's back: what their tokens say, and what tests change of their accounts in the table.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use domain::notifications::suppression::AddressHash;
use jiff::SignedDuration;
use serde_json::{Value, json};
use testkit::Shop;

use crate::accounts::access;

/// The permission of staff that [`promote`] makes.
pub(crate) const PERMISSION: &str = "orders:read";

/// Claims of an access token.
pub(crate) fn claims(tokens: &Value) -> Value {
    let payload = access(tokens).split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
}

/// Identifier of the account that tokens are of.
pub(crate) fn account_of(tokens: &Value) -> String {
    claims(tokens)["sub"].as_str().unwrap().to_owned()
}

/// Sets one attribute of an item.
pub(crate) async fn set(shop: &Shop, pk: &str, sk: &str, name: &str, value: Value) {
    let request = json!({
        "TableName": shop.stack().template.table["TableName"],
        "Key": { "PK": { "S": pk }, "SK": { "S": sk } },
        "UpdateExpression": "SET #name = :value",
        "ConditionExpression": "attribute_exists(PK)",
        "ExpressionAttributeNames": { "#name": name },
        "ExpressionAttributeValues": { ":value": value },
    });
    shop.table("UpdateItem", &request).await;
}

/// An item; null if there is none.
pub(crate) async fn item(shop: &Shop, pk: &str, sk: &str) -> Value {
    let request = json!({
        "TableName": shop.stack().template.table["TableName"],
        "Key": { "PK": { "S": pk }, "SK": { "S": sk } },
        "ConsistentRead": true,
    });
    shop.table("GetItem", &request).await["Item"].clone()
}

/// Makes a person one of staff.
pub(crate) async fn promote(shop: &Shop, email: &str, tokens: &Value) {
    let account = format!("ACCOUNT#{}", account_of(tokens));
    let permissions = json!({ "L": [{ "S": PERMISSION }] });
    let staff = json!({ "M": { "role": { "S": "clerk" }, "permissions": permissions } });
    set(shop, &account, "ACCOUNT", "staff", staff).await;
    let login = format!("LOGIN#{}", AddressHash::of(email));
    set(shop, &login, "LOGIN", "is_staff", json!({ "BOOL": true })).await;
}

/// Has the session of these tokens begun more than an hour ago.
pub(crate) async fn age(shop: &Shop, tokens: &Value) {
    let claims = claims(tokens);
    let account = format!("ACCOUNT#{}", claims["sub"].as_str().unwrap());
    let session = format!("SESSION#{}", claims["sid"].as_str().unwrap());
    let began = runtime::now() - SignedDuration::from_mins(61);
    let began = json!({ "S": began.to_string() });
    set(shop, &account, &session, "created_at", began).await;
}

/// Waits for a mail to an address that says this.
pub(crate) async fn told(shop: &Shop, email: &str, text: &str) {
    shop.eventually(&format!("{email} is told: {text}"), async || {
        let mails = shop.mails_to(email).await;
        let says = |mail: &Value| mail.to_string().contains(text);
        mails.iter().any(says).then_some(())
    })
    .await;
}

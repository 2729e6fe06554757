//! People who are signed in, without the endpoints that sign them in: their accounts and the key of their tokens are written
//! into the table.

use domain::{
    id::{AccountId, SessionId},
    identity::{AccessClaims, Secrets, SigningKey},
    notifications::suppression::AddressHash,
};
use runtime::sign_access_token;
use serde_json::{Value, json};

use crate::{Response, Shop};

/// Root of the keys of this shop.
const ROOT: &str = r#"{"version": 1, "root": "thirty-two-characters-or-more-for-tests"}"#;

/// Somebody with an account.
#[derive(Clone, Debug)]
pub struct Person {
    /// Identifier of the account.
    pub account: String,
    /// The account's verified address.
    pub email: String,
    /// An access token, valid for a quarter of an hour.
    pub token: String,
}

impl Shop {
    /// A person with an account and the verified address `<name>@example.com`, who is signed in. Of the same name the same
    /// person, with a new token.
    pub async fn person(&self, name: &str) -> Person {
        let key = self.signing_key.get_or_init(|| self.publish_key()).await;
        let account = AccountId::derived(&["person", name]);
        let email = format!("{name}@example.com");
        self.put_account(account, &email).await;
        let now = runtime::now();
        let session = SessionId::derived(&["session", name]);
        let claims = AccessClaims::issue(account, session, [], now);
        Person {
            account: account.to_string(),
            email,
            token: sign_access_token(&claims, key).unwrap(),
        }
    }

    /// Sends a `GET` request as a person.
    pub async fn get_as(&self, person: &Person, path: &str) -> Response {
        let request = self.request("GET", path);
        self.send(request.bearer_auth(&person.token)).await
    }

    /// Sends a request with a JSON body as a person.
    pub async fn call_as(
        &self,
        person: &Person,
        method: &str,
        path: &str,
        body: &Value,
    ) -> Response {
        let request = self.request(method, path).bearer_auth(&person.token);
        self.send(request.json(body)).await
    }

    /// Adds a public key to those of the control item, and ends the processes that do not know it: others would learn of it
    /// seconds later.
    async fn publish_key(&self) -> SigningKey {
        let now = runtime::now();
        let keys = Secrets::parse(ROOT).and_then(|secrets| secrets.signing_keys(now));
        let key = keys.unwrap().remove(0);
        let public = json!({ "M": {
            "id": { "S": key.id },
            "x": { "S": key.x },
            "published_at": { "S": now.to_string() },
        } });
        let update = json!({
            "TableName": self.table_name(),
            "Key": { "PK": { "S": "CONTROL" }, "SK": { "S": "CONTROL" } },
            "UpdateExpression": "SET token_keys = list_append(if_not_exists(token_keys, :none), :keys), \
                token_version = if_not_exists(token_version, :zero) + :one, \
                entity_type = :entity, schema_version = :one",
            "ExpressionAttributeValues": {
                ":none": { "L": [] },
                ":keys": { "L": [public] },
                ":zero": { "N": "0" },
                ":one": { "N": "1" },
                ":entity": { "S": "control" },
            },
        });
        self.table("UpdateItem", &update).await;
        self.stack().lambda.restart(None).await;
        key
    }

    /// Writes an account and its login as its verification does.
    async fn put_account(&self, account: AccountId, email: &str) {
        let now = runtime::now().to_string();
        let change = json!({ "M": {
            "kind": { "S": "verified" },
            "by": { "S": "shop" },
            "at": { "S": now },
        } });
        let item = json!({
            "PK": { "S": format!("ACCOUNT#{account}") },
            "SK": { "S": "ACCOUNT" },
            "entity_type": { "S": "account" },
            "schema_version": { "N": "1" },
            "id": { "S": account.to_string() },
            "email": { "S": email },
            "generation": { "N": "1" },
            "created_at": { "S": now },
            "version": { "N": "1" },
            "last_change": change,
            "trace_id": { "S": "test" },
        });
        let put = json!({ "TableName": self.table_name(), "Item": item });
        self.table("PutItem", &put).await;
        // Without a password, so that nobody signs in by it.
        let login = json!({
            "PK": { "S": format!("LOGIN#{}", AddressHash::of(email)) },
            "SK": { "S": "LOGIN" },
            "entity_type": { "S": "login" },
            "schema_version": { "N": "1" },
            "account": { "S": account.to_string() },
            "generation": { "N": "1" },
            "password_set_at": { "S": now },
        });
        let put = json!({ "TableName": self.table_name(), "Item": login });
        self.table("PutItem", &put).await;
    }

    fn table_name(&self) -> Value {
        self.stack().template.table["TableName"].clone()
    }
}

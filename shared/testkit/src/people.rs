//! People who are signed in, without the endpoints that sign them in: their accounts are written into the table, and their
//! tokens are signed with the shop's key.

use domain::{
    id::{AccountId, SessionId},
    identity::{AccessClaims, Permission, Secrets, SigningKey, TotpSecret},
    notifications::suppression::AddressHash,
};
use runtime::sign_access_token;
use serde_json::{Value, json};

use crate::{Response, Shop};

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

/// An authenticator app that somebody has typed this secret into.
///
/// # Panics
///
/// If it is not the Base32 text of a secret.
#[track_caller]
pub fn app_of(secret: &str) -> TotpSecret {
    const ALPHABET: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let groups = secret.as_bytes().chunks(8).map(|digits| {
        let value = |digit: &u8| ALPHABET.find(char::from(*digit)).unwrap() as u64;
        digits
            .iter()
            .fold(0_u64, |bits, it| (bits << 5) | value(it))
    });
    let bytes: Vec<u8> = groups
        .flat_map(|bits: u64| bits.to_be_bytes()[3..].to_vec())
        .collect();
    TotpSecret::new(bytes.try_into().unwrap())
}

impl Shop {
    /// A person with an account and the verified address `<name>@example.com`, who is signed in. Of the same name the same
    /// person, with a new token.
    pub async fn person(&self, name: &str) -> Person {
        let key = self.signing_key().await;
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

    /// Sends a request with an access token or an API key, and without a body if that is null.
    pub async fn call_with(&self, token: &str, method: &str, path: &str, body: &Value) -> Response {
        let request = self.request(method, path).bearer_auth(token);
        let request = match body {
            Value::Null => request,
            body => request.json(body),
        };
        self.send(request).await
    }

    /// An access token of somebody on the staff with these permissions, whose account does not exist.
    pub async fn staff_with(&self, permissions: impl IntoIterator<Item = Permission>) -> String {
        let account = AccountId::derived(&["staff"]);
        let session = SessionId::derived(&["staff"]);
        let claims = AccessClaims::issue(account, session, permissions, runtime::now());
        sign_access_token(&claims, self.signing_key().await).unwrap()
    }

    /// The key that signs the shop's access tokens now, from its root secret.
    pub async fn signing_key(&self) -> &SigningKey {
        let read = async || {
            let stack = self.stack();
            let name = &stack.template.secrets[0].name;
            let secret = stack.emulators.secret(name).await.unwrap();
            let secrets = Secrets::parse(&secret).unwrap();
            secrets.signing_keys(runtime::now()).unwrap().remove(0)
        };
        self.signing_key.get_or_init(read).await
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

//! Customers with accounts who are signed in, without the endpoints that sign them in: so what they call can be measured
//! alone. An account is known by its address.

use domain::{
    id::{AccountId, SessionId},
    identity::{AccessClaims, Secrets, SigningKey},
};
use local::outcome::Outcome;
use serde_json::{Value, json};

/// Root of the keys of the shop that is measured.
const ROOT: &str = r#"{"version": 1, "root": "thirty-two-characters-or-more-for-bench"}"#;

/// Signs tokens of customers.
pub(crate) struct People {
    key: SigningKey,
}

impl People {
    /// Nobody yet. The shop takes their tokens once it has [`People::control_item`].
    pub(crate) fn new() -> Outcome<Self> {
        let keys = Secrets::parse(ROOT)?.signing_keys(runtime::now())?;
        let key = keys.into_iter().next().ok_or("no key")?;
        Ok(Self { key })
    }

    /// The control item with the public key, of a shop that has none.
    pub(crate) fn control_item(&self) -> Value {
        let public = json!({ "M": {
            "id": { "S": self.key.id },
            "x": { "S": self.key.x },
            "published_at": { "S": runtime::now().to_string() },
        } });
        json!({
            "PK": { "S": "CONTROL" },
            "SK": { "S": "CONTROL" },
            "entity_type": { "S": "control" },
            "schema_version": { "N": "1" },
            "token_keys": { "L": [public] },
            "token_version": { "N": "1" },
        })
    }

    /// The header `Authorization` of an account's owner, with a new token.
    pub(crate) fn authorization(&self, email: &str) -> Outcome<String> {
        let session = SessionId::derived(&["bench", email]);
        let claims = AccessClaims::issue(account(email), session, [], runtime::now());
        let token = runtime::sign_access_token(&claims, &self.key)?;
        Ok(format!("Bearer {token}"))
    }
}

/// The item of an account with this verified address.
pub(crate) fn account_item(email: &str) -> Value {
    let (account, now) = (account(email).to_string(), runtime::now().to_string());
    let change = json!({ "M": {
        "kind": { "S": "verified" },
        "by": { "S": "shop" },
        "at": { "S": now },
    } });
    json!({
        "PK": { "S": format!("ACCOUNT#{account}") },
        "SK": { "S": "ACCOUNT" },
        "entity_type": { "S": "account" },
        "schema_version": { "N": "1" },
        "id": { "S": account },
        "email": { "S": email },
        "generation": { "N": "1" },
        "created_at": { "S": now },
        "version": { "N": "1" },
        "last_change": change,
        "trace_id": { "S": "bench" },
    })
}

fn account(email: &str) -> AccountId {
    AccountId::derived(&["bench", email])
}

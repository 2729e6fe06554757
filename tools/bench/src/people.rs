//! People with accounts, for the functions that know their caller.

use std::sync::atomic::{AtomicU32, Ordering};

use domain::{
    id::{EmailChangeId, Id, Kind, RegistrationId, ResetId},
    identity::{LinkPurpose, Secrets, TotpSecret},
    notifications::suppression::AddressHash,
};
use jiff::SignedDuration;
use local::outcome::Outcome;
use serde_json::{Value, json};

use crate::world::{World, http, text};

/// The password of everybody.
pub(crate) const PASSWORD: &str = "correct horse battery";

/// A person with an account.
pub(crate) struct Person {
    /// Address of the account.
    pub(crate) email: String,
    /// Access token.
    access: String,
    /// Refresh token.
    pub(crate) refresh: String,
}

impl Person {
    /// A request with this person's token.
    pub(crate) fn authorize(&self, mut event: Value) -> Value {
        event["headers"]["authorization"] = json!(format!("Bearer {}", self.access));
        event
    }

    /// A request by this person.
    pub(crate) fn request(
        &self,
        route: &str,
        path: &[(&str, &str)],
        body: Option<&Value>,
    ) -> Value {
        let token = format!("Bearer {}", self.access);
        http(route, path, &[("authorization", &token)], body)
    }
}

/// An address that nobody else has.
pub(crate) fn new_email() -> String {
    static PEOPLE: AtomicU32 = AtomicU32::new(0);
    let number = PEOPLE.fetch_add(1, Ordering::Relaxed);
    format!("person-{number:06}@example.com")
}

/// A request to register an address.
pub(crate) fn register(email: &str) -> Value {
    let body = json!({ "email": email, "password": PASSWORD });
    http("POST /v1/auth/register", &[], &[], Some(&body))
}

/// A request to sign in.
pub(crate) fn log_in(email: &str) -> Value {
    log_in_with(&json!({ "email": email, "password": PASSWORD }))
}

/// A request to sign in with this body.
pub(crate) fn log_in_with(body: &Value) -> Value {
    http("POST /v1/auth/login", &[], &[], Some(body))
}

/// A request for a link to set a new password.
pub(crate) fn ask_for_reset(email: &str) -> Value {
    let body = json!({ "email": email });
    http("POST /v1/auth/password-reset", &[], &[], Some(&body))
}

impl World {
    /// A person who has just signed in.
    pub(crate) async fn person(&self) -> Outcome<Person> {
        self.person_at(&new_email()).await
    }

    /// An account with this address.
    pub(crate) async fn account_at(&self, email: &str) -> Outcome {
        self.api("register-account", &register(email)).await?;
        self.api("verify-email", &self.verification(email).await?)
            .await?;
        Ok(())
    }

    /// A person with this address, who has just signed in.
    pub(crate) async fn person_at(&self, email: &str) -> Outcome<Person> {
        self.account_at(email).await?;
        let tokens = self.api("log-in", &log_in(email)).await?;
        Ok(Person {
            email: email.to_owned(),
            access: text(&tokens["access_token"]),
            refresh: text(&tokens["refresh_token"]),
        })
    }

    /// The request by which somebody signs in with password and authenticator app. It is valid for at least 30 seconds.
    pub(crate) async fn log_in_with_app(&self) -> Outcome<Value> {
        let person = self.person().await?;
        let start = person.request("POST /v1/me/totp", &[], None);
        let secret = text(&self.api("start-totp", &start).await?["secret"]);
        let app = app(&secret).ok_or("the secret of an app is not base 32")?;
        let body = json!({ "code": app.code_at(runtime::now()) });
        let confirm = person.request("POST /v1/me/totp/confirm", &[], Some(&body));
        self.api("confirm-totp", &confirm).await?;
        // The code of now is spent. The next one is accepted a step ahead.
        let code = app.code_at(runtime::now() + SignedDuration::from_secs(30));
        let body = json!({ "email": person.email, "password": PASSWORD, "code": code });
        Ok(log_in_with(&body))
    }

    /// Locks an account as the runbook does after a takeover: it has no password until its owner sets a new one.
    pub(crate) fn remove_password(&self, email: &str) -> Outcome {
        let table = &self.stack.template.table["TableName"];
        let hash = AddressHash::of(email);
        let scan = json!({
            "TableName": table,
            "FilterExpression": "entity_type = :login AND contains(PK, :hash)",
            "ExpressionAttributeValues": { ":login": { "S": "login" }, ":hash": { "S": hash.to_string() } },
        });
        let database = &self.stack.emulators.database;
        let found = serde_json::to_value(database.scan(serde_json::from_value(scan)?)?)?;
        let login = &found["Items"][0];
        let update = json!({
            "TableName": table,
            "Key": { "PK": login["PK"], "SK": login["SK"] },
            "UpdateExpression": "REMOVE password",
            "ConditionExpression": "attribute_exists(password)",
        });
        database.update_item(serde_json::from_value(update)?)?;
        Ok(())
    }

    /// The account of a new person.
    pub(crate) async fn account(&self) -> Outcome<String> {
        let person = self.person().await?;
        let request = person.request("GET /v1/me", &[], None);
        let me = self.api("get-me", &request).await?;
        Ok(text(&me["id"]))
    }

    /// The request that a registration's link makes.
    pub(crate) async fn verification(&self, email: &str) -> Outcome<Value> {
        let id: RegistrationId = self.request_of("registration", email).await?;
        let body = json!({ "token": self.token(LinkPurpose::Verify, id, email).await? });
        Ok(http("POST /v1/auth/verify", &[], &[], Some(&body)))
    }

    /// The request that a link to set a new password makes.
    pub(crate) async fn reset(&self, email: &str) -> Outcome<Value> {
        self.api("request-password-reset", &ask_for_reset(email))
            .await?;
        let id: ResetId = self.request_of("password_reset", email).await?;
        let token = self.token(LinkPurpose::Reset, id, email).await?;
        let body = json!({ "token": token, "password": "another horse battery" });
        let route = "POST /v1/auth/password-reset/confirm";
        Ok(http(route, &[], &[], Some(&body)))
    }

    /// The request that the link to a new address makes.
    pub(crate) async fn email_change(&self, person: &Person) -> Outcome<Value> {
        let email = new_email();
        let body = json!({ "email": email, "password": PASSWORD });
        let ask = person.request("POST /v1/me/email", &[], Some(&body));
        self.api("request-email-change", &ask).await?;
        let id: EmailChangeId = self.request_of("email_change", &email).await?;
        let token = self.token(LinkPurpose::ChangeEmail, id, &email).await?;
        let body = json!({ "token": token });
        Ok(http("POST /v1/auth/email/confirm", &[], &[], Some(&body)))
    }

    /// The id of the newest request of a kind for an address, from the table: only a mail has it.
    async fn request_of<K: Kind>(&self, entity: &str, email: &str) -> Outcome<Id<K>> {
        let table = self.stack.template.table["TableName"].clone();
        let scan = json!({
            "TableName": table,
            "FilterExpression": "entity_type = :entity AND (email = :email OR #new = :email)",
            "ExpressionAttributeNames": { "#new": "new" },
            "ExpressionAttributeValues": { ":entity": { "S": entity }, ":email": { "S": email } },
        });
        let found = self
            .stack
            .emulators
            .database
            .scan(serde_json::from_value(scan)?)?;
        let found = serde_json::to_value(found)?;
        let items = found["Items"].as_array().ok_or("a scan without items")?;
        let ids = items.iter().map(|item| text(&item["id"]["S"]));
        let id = ids.max().ok_or("the request is not in the table")?;
        Ok(id.parse()?)
    }

    async fn token<K: Kind>(
        &self,
        purpose: LinkPurpose,
        id: Id<K>,
        address: &str,
    ) -> Outcome<String> {
        let secret = self.stack.template.secrets.first().ok_or("no secret")?;
        let secret = self.stack.emulators.secret(&secret.name).await?;
        let keys = Secrets::parse(&secret)?.link_keys()?;
        let key = keys.first().ok_or("the secret has no root")?;
        Ok(key.token(purpose, id, address))
    }
}

/// The app that somebody has typed this secret into: 32 digits of base 32 (RFC 4648).
fn app(secret: &str) -> Option<TotpSecret> {
    let mut bytes = Vec::new();
    for digits in secret.as_bytes().chunks(8) {
        let mut bits = 0_u64;
        for digit in digits {
            let value = match digit {
                b'A'..=b'Z' => digit - b'A',
                b'2'..=b'7' => digit - b'2' + 26,
                _ => return None,
            };
            bits = (bits << 5) | u64::from(value);
        }
        // Eight digits are five bytes.
        bytes.extend_from_slice(&bits.to_be_bytes()[3..]);
    }
    Some(TotpSecret::new(bytes.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_app_has_the_secret_that_was_typed() {
        let secret = TotpSecret::new(*b"12345678901234567890");
        assert_eq!(app(&secret.base32()), Some(secret));
        assert_eq!(app("0"), None);
        assert_eq!(app("GEZDGNBV"), None);
    }
}

//! People with accounts, for the functions that know their caller.

use std::sync::atomic::{AtomicU32, Ordering};

use domain::{
    id::{EmailChangeId, Id, InvitationId, Kind, RegistrationId, ResetId},
    identity::{LinkPurpose, Secrets},
    notifications::suppression::AddressHash,
};
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

    /// Locks an account as the runbook does after a takeover: it has no password until its owner sets a new one.
    pub(crate) fn remove_password(&self, email: &str) -> Outcome {
        let table = &self.stack.template.table["TableName"];
        let hash = AddressHash::of(email);
        let scan = json!({
            "TableName": table,
            "FilterExpression": "entity_type = :login AND contains(PK, :hash)",
            "ExpressionAttributeValues": { ":login": { "S": "login" }, ":hash": { "S": hash.to_string() } },
        });
        let found = self.scan(scan)?;
        let login = found.first().ok_or("the login is not in the table")?;
        let update = json!({
            "TableName": table,
            "Key": { "PK": login["PK"], "SK": login["SK"] },
            "UpdateExpression": "REMOVE password",
            "ConditionExpression": "attribute_exists(password)",
        });
        let database = &self.stack.emulators.database;
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
        let id: RegistrationId = self.request_of("registration", email)?;
        let body = json!({ "token": self.token(LinkPurpose::Verify, id, email).await? });
        Ok(http("POST /v1/auth/verify", &[], &[], Some(&body)))
    }

    /// The request that a link to set a new password makes.
    pub(crate) async fn reset(&self, email: &str) -> Outcome<Value> {
        self.api("request-password-reset", &ask_for_reset(email))
            .await?;
        let id: ResetId = self.request_of("password_reset", email)?;
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
        let id: EmailChangeId = self.request_of("email_change", &email)?;
        let token = self.token(LinkPurpose::ChangeEmail, id, &email).await?;
        let body = json!({ "token": token });
        Ok(http("POST /v1/auth/email/confirm", &[], &[], Some(&body)))
    }

    /// The request that the link of an invitation makes, by somebody without an account.
    pub(crate) async fn acceptance(&self, email: &str) -> Outcome<Value> {
        let id: InvitationId = self.request_of("invitation", email)?;
        let token = self.token(LinkPurpose::Invite, id, email).await?;
        let body = json!({ "token": token, "password": PASSWORD, "name": "Ada Lovelace" });
        let route = "POST /v1/auth/invitations/accept";
        Ok(http(route, &[], &[], Some(&body)))
    }

    /// The id of the newest request of a kind for an address, from the table: only a mail has it.
    fn request_of<K: Kind>(&self, entity: &str, email: &str) -> Outcome<Id<K>> {
        let table = self.stack.template.table["TableName"].clone();
        let scan = json!({
            "TableName": table,
            "FilterExpression": "entity_type = :entity AND (email = :email OR #new = :email)",
            "ExpressionAttributeNames": { "#new": "new" },
            "ExpressionAttributeValues": { ":entity": { "S": entity }, ":email": { "S": email } },
        });
        let found = self.scan(scan)?;
        let ids = found.iter().map(|item| text(&item["id"]["S"]));
        let id = ids.max().ok_or("the request is not in the table")?;
        Ok(id.parse()?)
    }

    /// All items that a scan finds, page by page.
    fn scan(&self, mut scan: Value) -> Outcome<Vec<Value>> {
        let mut items = Vec::new();
        loop {
            let page = serde_json::from_value(scan.clone())?;
            let found = serde_json::to_value(self.stack.emulators.database.scan(page)?)?;
            items.extend(found["Items"].as_array().into_iter().flatten().cloned());
            match &found["LastEvaluatedKey"] {
                Value::Null => return Ok(items),
                last => scan["ExclusiveStartKey"] = last.clone(),
            }
        }
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

//! Requests with passkeys and authenticator apps, each by a person of its own who has just signed in.

use domain::identity::TotpSecret;
use jiff::SignedDuration;
use local::{authenticator::Authenticator, outcome::Outcome};
use serde_json::{Value, json};

use crate::{
    people::{PASSWORD, Person, log_in_with},
    world::{World, http, text},
};

const REGISTRATION: &str = "POST /v1/auth/passkeys/register/options";
const LOGIN: &str = "POST /v1/auth/passkeys/login/options";

/// A person with a passkey.
struct Owner {
    person: Person,
    device: Authenticator,
    /// The passkey's id in the shop.
    passkey: String,
}

impl Owner {
    fn request(&self, method: &str, body: Option<&Value>) -> Value {
        let route = format!("{method} /v1/me/passkeys/{{passkey_id}}");
        self.person
            .request(&route, &[("passkey_id", &self.passkey)], body)
    }
}

/// The request for the options to log in with a passkey.
pub(crate) fn passkey_login_options() -> Value {
    http(LOGIN, &[], &[], None)
}

impl World {
    /// The request for the options to make a passkey.
    pub(crate) async fn passkey_options(&self) -> Outcome<Value> {
        Ok(self.person().await?.request(REGISTRATION, &[], None))
    }

    /// The request that adds a first passkey.
    pub(crate) async fn new_passkey(&self) -> Outcome<Value> {
        let person = self.person().await?;
        let mut device = Authenticator::new(&self.stack.address)?;
        self.registration(&person, &mut device).await
    }

    /// The request that logs in with a passkey.
    pub(crate) async fn passkey_login(&self) -> Outcome<Value> {
        let mut owner = self.passkey_owner().await?;
        let options = self
            .api("start-passkey-login", &passkey_login_options())
            .await?;
        let body = json!({ "credential": owner.device.log_in(&options)? });
        Ok(http("POST /v1/auth/passkeys/login", &[], &[], Some(&body)))
    }

    /// The request for a person's only passkey.
    pub(crate) async fn passkeys_of_one(&self) -> Outcome<Value> {
        let owner = self.passkey_owner().await?;
        Ok(owner.person.request("GET /v1/me/passkeys", &[], None))
    }

    /// The request that names a passkey.
    pub(crate) async fn passkey_name(&self) -> Outcome<Value> {
        let body = json!({ "name": "My phone" });
        Ok(self.passkey_owner().await?.request("PATCH", Some(&body)))
    }

    /// The request that removes a person's only passkey.
    pub(crate) async fn passkey_removal(&self) -> Outcome<Value> {
        Ok(self.passkey_owner().await?.request("DELETE", None))
    }

    async fn passkey_owner(&self) -> Outcome<Owner> {
        let person = self.person().await?;
        let mut device = Authenticator::new(&self.stack.address)?;
        let request = self.registration(&person, &mut device).await?;
        let passkey = self.api("register-passkey", &request).await?;
        Ok(Owner {
            person,
            device,
            passkey: text(&passkey["id"]),
        })
    }

    async fn registration(&self, person: &Person, device: &mut Authenticator) -> Outcome<Value> {
        let options = person.request(REGISTRATION, &[], None);
        let options = self.api("start-passkey-registration", &options).await?;
        let body = json!({ "credential": device.register(&options)? });
        Ok(person.request("POST /v1/auth/passkeys/register", &[], Some(&body)))
    }

    /// The request by which somebody signs in with password and authenticator app. It is valid for at least 30 seconds.
    pub(crate) async fn log_in_with_app(&self) -> Outcome<Value> {
        // The code of now is spent. The next one is accepted a step ahead.
        self.log_in_with_code(30).await
    }

    /// The same with a code of five minutes ago, which no time makes right.
    pub(crate) async fn log_in_with_wrong_code(&self) -> Outcome<Value> {
        self.log_in_with_code(-300).await
    }

    /// The request by which somebody signs in with the code that their app shows so many seconds from now.
    async fn log_in_with_code(&self, seconds: i64) -> Outcome<Value> {
        let (person, app) = self.app_owner().await?;
        let code = app.code_at(runtime::now() + SignedDuration::from_secs(seconds));
        let body = json!({ "email": person.email, "password": PASSWORD, "code": code });
        Ok(log_in_with(&body))
    }

    /// The request for the secret of an authenticator app.
    pub(crate) async fn app_start(&self) -> Outcome<Value> {
        Ok(self.person().await?.request("POST /v1/me/totp", &[], None))
    }

    /// The request that confirms an authenticator app. It is valid for at least 30 seconds.
    pub(crate) async fn app_confirmation(&self) -> Outcome<Value> {
        let person = self.person().await?;
        Ok(self.confirmation(&person).await?.0)
    }

    /// The request that removes an authenticator app.
    pub(crate) async fn app_removal(&self) -> Outcome<Value> {
        let (person, _) = self.app_owner().await?;
        let body = json!({ "password": PASSWORD });
        Ok(person.request("DELETE /v1/me/totp", &[], Some(&body)))
    }

    async fn app_owner(&self) -> Outcome<(Person, TotpSecret)> {
        let person = self.person().await?;
        let (confirm, app) = self.confirmation(&person).await?;
        self.api("confirm-totp", &confirm).await?;
        Ok((person, app))
    }

    async fn confirmation(&self, person: &Person) -> Outcome<(Value, TotpSecret)> {
        let start = person.request("POST /v1/me/totp", &[], None);
        let secret = text(&self.api("start-totp", &start).await?["secret"]);
        let app = app(&secret).ok_or("the secret of an app is not base 32")?;
        let body = json!({ "code": app.code_at(runtime::now()) });
        let route = "POST /v1/me/totp/confirm";
        Ok((person.request(route, &[], Some(&body)), app))
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

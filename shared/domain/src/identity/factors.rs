//! Bodies and views of passkeys and second factors.

use std::cmp::Reverse;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    Passkey, RecoveryCodes, TotpSecret,
    api::SecretText,
    passkey::UNNAMED,
    webauthn::{AuthenticationResponse, RegistrationResponse},
};
use crate::{
    fault::{Code, FieldFault, Rejection},
    id::PasskeyId,
    text::FieldCheck,
    wire::Patch,
};

/// Longest name of a passkey, in characters.
const MAX_NAME: usize = 100;

/// Body of `POST /v1/auth/passkeys/register`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RegisterPasskeyBody {
    /// Name of the passkey for its owner, at most 100 characters.
    #[serde(default)]
    pub name: Option<String>,
    /// The browser's answer to the options: `credential.toJSON()`.
    #[serde(deserialize_with = "crate::wire::object")]
    #[schemars(with = "RegistrationResponse")]
    pub credential: RegistrationResponse,
}

/// Body of `POST /v1/auth/passkeys/login`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PasskeyLoginBody {
    /// Whether the tokens come as cookies, for a browser on a page of the shop.
    #[serde(default)]
    pub cookies: bool,
    /// The browser's answer to the options: `credential.toJSON()`.
    #[serde(deserialize_with = "crate::wire::object")]
    #[schemars(with = "AuthenticationResponse")]
    pub credential: AuthenticationResponse,
}

/// Body of `PATCH /v1/me/passkeys/{passkey_id}`: a JSON Merge Patch (RFC 7396).
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct PasskeyPatch {
    /// Name of the passkey, at most 100 characters; `null` removes it.
    pub name: Patch<String>,
}

/// Body of `POST /v1/me/totp/confirm`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ConfirmTotpBody {
    /// The code that the app shows: 6 digits.
    pub code: SecretText,
}

/// Body of `DELETE /v1/me/totp`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RemoveTotpBody {
    /// The password of the account.
    pub password: SecretText,
}

impl RegisterPasskeyBody {
    /// The name, checked; `None` if there is none.
    pub fn name(&self) -> Result<Option<String>, Rejection> {
        let mut check = FieldCheck::default();
        let name = check.optional_line("name", self.name.clone(), MAX_NAME);
        check.finish(name).map_err(Rejection::invalid)
    }
}

impl PasskeyPatch {
    /// The new name, checked; `None` if it stays.
    pub fn parse(&self) -> Result<Option<String>, Rejection> {
        let mut check = FieldCheck::default();
        let name = match &self.name {
            Patch::Keep => None,
            Patch::Reset => Some(UNNAMED.to_owned()),
            Patch::Set(name) => Some(check.line("name", name, MAX_NAME)),
        };
        check.finish(name).map_err(Rejection::invalid)
    }
}

/// A passkey as its owner sees it.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct PasskeyView {
    /// Identifier.
    pub id: PasskeyId,
    /// Name for its owner.
    pub name: String,
    /// Time at which it was added.
    #[schemars(with = "String")]
    pub created_at: Timestamp,
    /// Time of the last login with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub last_used_at: Option<Timestamp>,
    /// Whether it has been copied to other devices, so that it survives the loss of one.
    pub backed_up: bool,
}

/// All passkeys of an account.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct PasskeysView {
    /// The passkeys, the newest first.
    pub items: Vec<PasskeyView>,
}

/// The secret of an authenticator app, which is shown once.
#[derive(Clone, Serialize, JsonSchema)]
pub struct TotpView {
    /// The secret as somebody types it into an app: 32 digits of base 32.
    pub secret: String,
    /// The URI of a QR code for an app: `otpauth://totp/…`.
    pub uri: String,
}

/// The recovery codes of an account, which are shown once.
#[derive(Clone, Serialize, JsonSchema)]
pub struct RecoveryCodesView {
    /// The codes, each of which stands in for a code of the app once.
    pub recovery_codes: Vec<String>,
}

impl From<&Passkey> for PasskeyView {
    fn from(passkey: &Passkey) -> Self {
        Self {
            id: passkey.id,
            name: passkey.name.clone(),
            created_at: passkey.created_at,
            last_used_at: passkey.last_used_at,
            backed_up: passkey.backed_up,
        }
    }
}

impl PasskeysView {
    /// The passkeys of an account.
    pub fn of(passkeys: &[Passkey]) -> Self {
        let mut items: Vec<PasskeyView> = passkeys.iter().map(PasskeyView::from).collect();
        items.sort_by_key(|it| Reverse(it.created_at));
        Self { items }
    }
}

impl TotpView {
    /// The secret for the app of `address`, an account at `shop`.
    pub fn of(secret: &TotpSecret, shop: &str, address: &str) -> Self {
        Self {
            secret: secret.base32(),
            uri: secret.uri(shop, address),
        }
    }
}

impl From<RecoveryCodes> for RecoveryCodesView {
    fn from(codes: RecoveryCodes) -> Self {
        Self {
            recovery_codes: codes.shown,
        }
    }
}

/// The rejection of a passkey at a login, whatever the reason.
pub fn invalid_passkey() -> Rejection {
    Rejection::new(
        Code::InvalidCredentials,
        "The passkey was not accepted, or the account cannot be used; start again with new options.",
    )
}

/// The rejection of a passkey that is to be added, whatever the reason.
pub fn unusable_passkey() -> Rejection {
    Rejection::invalid(vec![FieldFault::new(
        "credential",
        "invalid",
        "Is not accepted; start again with new options.",
    )])
}

/// The rejection of a login by a right password alone.
pub fn second_factor_required() -> Rejection {
    Rejection::new(
        Code::SecondFactorRequired,
        "The account has a second factor; send also a code of the authenticator app, or a recovery code, as code.",
    )
}

/// The rejection of a change of the ways to sign in by a session that is not enough for that.
pub fn reauthentication_required() -> Rejection {
    Rejection::new(
        Code::ReauthenticationRequired,
        "This takes a login within the last hour, of staff with their second factor or a passkey; sign in again.",
    )
}

/// The rejection of a code that confirms no app.
pub fn wrong_code() -> Rejection {
    Rejection::invalid(vec![FieldFault::new(
        "code",
        "invalid",
        "Is not the code that the app shows now; check the device's clock.",
    )])
}

/// The rejection of what needs an authenticator app, without one.
pub fn no_app() -> Rejection {
    Rejection::new(
        Code::NotFound,
        "The account has no authenticator app to confirm or remove; add one first.",
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_answer_of_a_browser_is_nested_as_it_is() {
        let credential = json!({
            "id": "AQ", "rawId": "AQ", "type": "public-key",
            "clientExtensionResults": { "credProps": { "rk": true } },
            "authenticatorAttachment": "platform",
            "response": {
                "clientDataJSON": "e30", "attestationObject": "oA", "transports": ["internal"],
                "publicKeyAlgorithm": -7,
            },
        });
        let body = json!({ "name": " My   phone ", "credential": credential });
        let body: RegisterPasskeyBody = serde_json::from_value(body).unwrap();
        assert_eq!(body.name().unwrap().as_deref(), Some("My phone"));
        for wrong in [
            json!({}),
            json!({ "credential": null }),
            json!({ "credential": ["AQ", "AQ", "public-key", {}] }),
            json!({ "credential": credential, "rp": "example.org" }),
        ] {
            assert!(
                serde_json::from_value::<RegisterPasskeyBody>(wrong.clone()).is_err(),
                "{wrong}"
            );
            assert!(serde_json::from_value::<PasskeyLoginBody>(wrong).is_err());
        }
    }

    #[test]
    fn a_name_is_set_removed_or_kept() {
        let parse = |body: serde_json::Value| {
            let patch: PasskeyPatch = serde_json::from_value(body).unwrap();
            patch.parse()
        };
        assert_eq!(parse(json!({})), Ok(None));
        let named = parse(json!({ "name": " Phone " })).unwrap();
        assert_eq!(named.as_deref(), Some("Phone"));
        let unnamed = parse(json!({ "name": null })).unwrap();
        assert_eq!(unnamed.as_deref(), Some("Passkey"));
        for wrong in ["", "\u{200B}", "a\nb", &"x".repeat(101)] {
            let refused = parse(json!({ "name": wrong })).unwrap_err();
            assert_eq!(refused.code, Code::ValidationFailed, "{wrong:.9?}");
        }
    }
}

//! Options for the browser: the JSON that `PublicKeyCredential.parseCreationOptionsFromJSON` and `parseRequestOptionsFromJSON`
//! read.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Algorithm, Challenge, RelyingParty, challenge::TIMEOUT};

/// Options of a registration (`PublicKeyCredentialCreationOptionsJSON`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CreationOptions {
    /// The shop.
    pub rp: RelyingPartyEntity,
    /// The account.
    pub user: UserEntity,
    /// Challenge, in base64url.
    pub challenge: String,
    /// Algorithms, most preferred first.
    pub pub_key_cred_params: Vec<CredentialParameters>,
    /// Time for the answer, in milliseconds.
    pub timeout: u32,
    /// Credentials of the account: an authenticator that has one makes no other.
    pub exclude_credentials: Vec<CredentialDescriptor>,
    /// Demands on the authenticator.
    pub authenticator_selection: Selection,
    /// `none`: the model of the authenticator need not be proven.
    pub attestation: String,
}

/// Options of a login (`PublicKeyCredentialRequestOptionsJSON`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RequestOptions {
    /// Challenge, in base64url.
    pub challenge: String,
    /// Time for the answer, in milliseconds.
    pub timeout: u32,
    /// The shop's RP ID.
    pub rp_id: String,
    /// Empty: the authenticator shows the accounts that it has a passkey for.
    pub allow_credentials: Vec<CredentialDescriptor>,
    /// Whether the authenticator must check that its user is its owner.
    pub user_verification: UserVerification,
}

/// The shop, as an authenticator stores it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct RelyingPartyEntity {
    /// RP ID: a domain.
    pub id: String,
    /// Name for people.
    pub name: String,
}

/// The account, as an authenticator stores it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct UserEntity {
    /// User handle, in base64url. It says nothing of the person.
    pub id: String,
    /// Name that tells accounts apart, such as an address.
    pub name: String,
    /// Name for people.
    pub display_name: String,
}

/// An algorithm for a new key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct CredentialParameters {
    /// `public-key`.
    #[serde(rename = "type")]
    pub credential_type: CredentialType,
    /// Number in IANA's registry of COSE algorithms.
    pub alg: i64,
}

/// A credential that exists.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct CredentialDescriptor {
    /// `public-key`.
    #[serde(rename = "type")]
    pub credential_type: CredentialType,
    /// Its id, in base64url.
    pub id: String,
}

/// Demands on the authenticator of a registration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Selection {
    /// `required`: the credential can be found without its id.
    pub resident_key: String,
    /// The same for browsers of Level 1.
    pub require_resident_key: bool,
    /// Whether the authenticator must check that its user is its owner.
    pub user_verification: UserVerification,
}

/// The type of a credential. The standard knows one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum CredentialType {
    /// A key pair.
    #[serde(rename = "public-key")]
    PublicKey,
}

/// Whether the authenticator must check that its user is its owner, by a PIN or biometrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum UserVerification {
    /// An answer without it is refused.
    Required,
    /// An answer without it is accepted.
    Preferred,
}

/// The account that a passkey is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PasskeyUser<'a> {
    /// User handle: the account's id, which says nothing of the person.
    pub handle: &'a [u8; 16],
    /// Name that tells accounts apart, such as an address.
    pub name: &'a str,
    /// Name for people; empty if none is known.
    pub display_name: &'a str,
}

impl RelyingParty {
    /// Options of a registration. `exclude` has the ids of the account's credentials.
    pub fn creation_options(
        &self,
        challenge: &Challenge,
        user: &PasskeyUser<'_>,
        exclude: &[Vec<u8>],
        verification: UserVerification,
    ) -> CreationOptions {
        let parameters = Algorithm::OFFERED.map(|algorithm| CredentialParameters {
            credential_type: CredentialType::PublicKey,
            alg: algorithm.id(),
        });
        let excluded = exclude.iter().map(|id| CredentialDescriptor {
            credential_type: CredentialType::PublicKey,
            id: URL_SAFE_NO_PAD.encode(id),
        });
        CreationOptions {
            rp: RelyingPartyEntity {
                id: self.id.clone(),
                name: self.name.clone(),
            },
            user: UserEntity {
                id: URL_SAFE_NO_PAD.encode(user.handle),
                name: user.name.to_owned(),
                display_name: user.display_name.to_owned(),
            },
            challenge: challenge.to_string(),
            pub_key_cred_params: parameters.to_vec(),
            timeout: TIMEOUT,
            exclude_credentials: excluded.collect(),
            authenticator_selection: Selection {
                resident_key: "required".to_owned(),
                require_resident_key: true,
                user_verification: verification,
            },
            attestation: "none".to_owned(),
        }
    }

    /// Options of a login with any passkey of the shop.
    pub fn request_options(
        &self,
        challenge: &Challenge,
        verification: UserVerification,
    ) -> RequestOptions {
        RequestOptions {
            challenge: challenge.to_string(),
            timeout: TIMEOUT,
            rp_id: self.id.clone(),
            allow_credentials: Vec::new(),
            user_verification: verification,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn party() -> RelyingParty {
        RelyingParty {
            id: "example.org".to_owned(),
            name: "Example".to_owned(),
            origins: vec!["https://example.org".to_owned()],
        }
    }

    #[test]
    fn a_registration_asks_for_a_discoverable_credential() {
        let user = PasskeyUser {
            handle: &[0xFF; 16],
            name: "ada@example.com",
            display_name: "",
        };
        let options = party().creation_options(
            &Challenge::new([1; 32]),
            &user,
            &[vec![0xFB, 0xFF], vec![0]],
            UserVerification::Required,
        );
        assert_eq!(
            serde_json::to_value(options).unwrap(),
            json!({
                "rp": { "id": "example.org", "name": "Example" },
                "user": {
                    "id": "_____________________w",
                    "name": "ada@example.com",
                    "displayName": "",
                },
                "challenge": "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE",
                "pubKeyCredParams": [
                    { "type": "public-key", "alg": -8 },
                    { "type": "public-key", "alg": -7 },
                    { "type": "public-key", "alg": -257 },
                ],
                "timeout": 300_000,
                "excludeCredentials": [
                    { "type": "public-key", "id": "-_8" },
                    { "type": "public-key", "id": "AA" },
                ],
                "authenticatorSelection": {
                    "residentKey": "required",
                    "requireResidentKey": true,
                    "userVerification": "required",
                },
                "attestation": "none",
            })
        );
    }

    #[test]
    fn a_login_names_no_credential() {
        let options =
            party().request_options(&Challenge::new([1; 32]), UserVerification::Preferred);
        assert_eq!(
            serde_json::to_value(options).unwrap(),
            json!({
                "challenge": "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE",
                "timeout": 300_000,
                "rpId": "example.org",
                "allowCredentials": [],
                "userVerification": "preferred",
            })
        );
    }
}

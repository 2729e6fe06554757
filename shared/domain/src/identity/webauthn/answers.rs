//! Answers of the browser: the JSON of `credential.toJSON()`. Members that we do not need, such as
//! `clientExtensionResults`, are ignored: browsers add to them.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{
    Challenge, CredentialType, WebauthnError, authenticator::MAX_ID, client_data::ClientData,
    decode,
};

/// Answer to a registration's options (`RegistrationResponseJSON`).
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RegistrationResponse {
    /// Id of the new credential, in base64url.
    pub id: String,
    /// The same id.
    pub raw_id: String,
    /// `public-key`.
    #[serde(rename = "type")]
    pub credential_type: CredentialType,
    /// The credential.
    pub response: AttestationResponse,
}

/// A new credential (`AuthenticatorAttestationResponseJSON`).
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AttestationResponse {
    /// Client data, in base64url.
    #[serde(rename = "clientDataJSON")]
    pub client_data_json: String,
    /// The credential as its authenticator describes it, in base64url.
    pub attestation_object: String,
    /// Ways to reach the authenticator, such as `internal` or `usb`.
    #[serde(default)]
    pub transports: Vec<String>,
}

/// Answer to a login's options (`AuthenticationResponseJSON`).
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AuthenticationResponse {
    /// Id of the credential, in base64url.
    pub id: String,
    /// The same id.
    pub raw_id: String,
    /// `public-key`.
    #[serde(rename = "type")]
    pub credential_type: CredentialType,
    /// The proof.
    pub response: AssertionResponse,
}

/// Proof that somebody has a credential (`AuthenticatorAssertionResponseJSON`).
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AssertionResponse {
    /// Client data, in base64url.
    #[serde(rename = "clientDataJSON")]
    pub client_data_json: String,
    /// Authenticator data, in base64url.
    pub authenticator_data: String,
    /// Signature of both, in base64url.
    pub signature: String,
    /// The user handle of the account, in base64url.
    pub user_handle: Option<String>,
}

impl RegistrationResponse {
    /// The challenge that it names, before anything is verified: to find the one that was sent.
    pub fn challenge(&self) -> Result<Challenge, WebauthnError> {
        ClientData::read(&self.response.client_data_json)?.challenge()
    }

    /// Id of the credential, before anything is verified.
    pub fn credential_id(&self) -> Result<Vec<u8>, WebauthnError> {
        credential_id(&self.id, &self.raw_id)
    }
}

impl AuthenticationResponse {
    /// The challenge that it names, before anything is verified: to find the one that was sent.
    pub fn challenge(&self) -> Result<Challenge, WebauthnError> {
        ClientData::read(&self.response.client_data_json)?.challenge()
    }

    /// Id of the credential, before anything is verified: to find the one that is stored.
    pub fn credential_id(&self) -> Result<Vec<u8>, WebauthnError> {
        credential_id(&self.id, &self.raw_id)
    }
}

fn credential_id(id: &str, raw_id: &str) -> Result<Vec<u8>, WebauthnError> {
    let bytes = decode("rawId", raw_id, MAX_ID)?;
    match id == raw_id && !bytes.is_empty() {
        true => Ok(bytes),
        false => Err(WebauthnError::CredentialId),
    }
}

//! Login: verifies the answer to a login's options (section 7.2).

use super::{
    AuthenticationResponse, Challenge, PublicKey, RelyingParty, UserVerification, WebauthnError,
    authenticator::AuthenticatorData,
    client_data::{Ceremony, ClientData},
    decode,
};

/// Most bytes of authenticator data without a credential: 37, and extensions that were not asked for.
const MAX_DATA: usize = 2048;
/// Most bytes of a signature: RSA with 4096 bits.
const MAX_SIGNATURE: usize = 512;
/// Most bytes of a user handle.
const MAX_HANDLE: usize = 64;

/// A credential as it was stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredCredential {
    /// Id.
    pub id: Vec<u8>,
    /// User handle of its account.
    pub user_handle: [u8; 16],
    /// Public key.
    pub public_key: PublicKey,
    /// Signature counter of the last answer.
    pub counter: u32,
    /// Whether it may be copied to other devices.
    pub backup_eligible: bool,
}

/// A login that was verified: the new state of the credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Assertion {
    /// Signature counter, to be stored.
    pub counter: u32,
    /// Whether the authenticator checked that its user is its owner.
    pub user_verified: bool,
    /// Whether the credential has been copied to other devices, to be stored.
    pub backed_up: bool,
}

impl RelyingParty {
    /// Verifies the answer to the options with this challenge. `credential` is the stored one with the answer's id.
    pub fn verify_login(
        &self,
        answer: &AuthenticationResponse,
        challenge: &Challenge,
        credential: &StoredCredential,
        verification: UserVerification,
    ) -> Result<Assertion, WebauthnError> {
        if answer.credential_id()? != credential.id {
            return Err(WebauthnError::WrongCredential);
        }
        let response = &answer.response;
        if let Some(handle) = &response.user_handle
            && decode("userHandle", handle, MAX_HANDLE)? != credential.user_handle
        {
            return Err(WebauthnError::WrongAccount);
        }
        let client_data = ClientData::read(&response.client_data_json)?;
        client_data.check(Ceremony::Get, challenge, self)?;
        let bytes = decode("authenticatorData", &response.authenticator_data, MAX_DATA)?;
        let data = AuthenticatorData::read(&bytes)?;
        data.check(self, verification)?;
        // A credential belongs to registrations only (section 6.1).
        if data.attested.is_some() {
            return Err(WebauthnError::AuthenticatorData);
        }
        if data.backup_eligible() != credential.backup_eligible {
            return Err(WebauthnError::BackupEligibility);
        }
        let signature = decode("signature", &response.signature, MAX_SIGNATURE)?;
        let message = client_data.signed_with(&bytes);
        credential.public_key.verify(&message, &signature)?;
        // Last, as it accuses a key's owner: only a signature with the key shows that there is a copy.
        let counts = data.counter > 0 || credential.counter > 0;
        if counts && data.counter <= credential.counter {
            return Err(WebauthnError::ClonedCounter);
        }
        Ok(Assertion {
            counter: data.counter,
            user_verified: data.user_verified(),
            backed_up: data.backed_up(),
        })
    }
}

//! Passkeys: the relying party of Web Authentication Level 3 (W3C), without I/O (docs/adr/0028).
//!
//! Registration follows section 7.1, "Registering a New Credential", and login section 7.2, "Verifying an Authentication
//! Assertion". Credentials are discoverable, attestation is not asked for, and a page in a frame of another origin is
//! refused. Each input is bounded before it is decoded.

mod answers;
mod authenticator;
mod cbor;
mod challenge;
mod client_data;
mod error;
mod key;
mod login;
mod options;
mod register;
#[cfg(test)]
mod tests;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

pub use answers::{
    AssertionResponse, AttestationResponse, AuthenticationResponse, RegistrationResponse,
};
pub use challenge::Challenge;
pub use error::WebauthnError;
pub use key::{Algorithm, PublicKey};
pub use login::{Assertion, StoredCredential};
pub use options::{
    CreationOptions, CredentialDescriptor, CredentialParameters, CredentialType, PasskeyUser,
    RelyingPartyEntity, RequestOptions, Selection, UserEntity, UserVerification,
};
pub use register::NewCredential;

/// The site that passkeys belong to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RelyingParty {
    /// RP ID: the domain that passkeys are bound to, such as `example.org`. It cannot change later.
    pub id: String,
    /// Name of the shop, for people.
    pub name: String,
    /// Origins of the pages that may ask for a passkey, such as `https://shop.example.org`; compared as a whole.
    pub origins: Vec<String>,
}

/// Decodes base64url without padding into at most `max` bytes. The one encoding of each value is accepted, so that equal bytes
/// are equal texts.
fn decode(field: &'static str, text: &str, max: usize) -> Result<Vec<u8>, WebauthnError> {
    // Before decoding: a body may be large.
    if text.len() > (max * 4).div_ceil(3) {
        return Err(WebauthnError::TooLong(field));
    }
    URL_SAFE_NO_PAD
        .decode(text)
        .map_err(|_| WebauthnError::Encoding(field))
}

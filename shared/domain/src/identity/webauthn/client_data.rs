//! Client data: the part of an answer that the browser writes and the authenticator signs.

use ring::digest::{Digest, SHA256, digest};
use serde::{Deserialize, de::IgnoredAny};

use super::{Challenge, RelyingParty, WebauthnError, decode};

/// Most bytes of client data. Browsers write about 200, and may add members.
const MAX_BYTES: usize = 4096;

/// The two ceremonies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ceremony {
    /// Registration.
    Create,
    /// Login.
    Get,
}

/// The client data of an answer.
#[derive(Debug)]
pub(super) struct ClientData {
    members: Members,
    /// SHA-256 of the bytes as they were sent.
    hash: Digest,
}

/// Members of the JSON object. Others are ignored: the standard says that more may come.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Members {
    #[serde(rename = "type")]
    ceremony: String,
    challenge: String,
    origin: String,
    cross_origin: Option<bool>,
    top_origin: Option<IgnoredAny>,
}

impl Ceremony {
    const fn name(self) -> &'static str {
        match self {
            Self::Create => "webauthn.create",
            Self::Get => "webauthn.get",
        }
    }
}

impl ClientData {
    /// Reads `clientDataJSON`.
    pub(super) fn read(text: &str) -> Result<Self, WebauthnError> {
        let bytes = decode("clientDataJSON", text, MAX_BYTES)?;
        // The standard decodes as UTF-8, which drops a byte order mark.
        let json = bytes.strip_prefix("\u{FEFF}".as_bytes()).unwrap_or(&bytes);
        Ok(Self {
            members: serde_json::from_slice(json).map_err(|_| WebauthnError::ClientData)?,
            hash: digest(&SHA256, &bytes),
        })
    }

    /// The challenge that they name.
    pub(super) fn challenge(&self) -> Result<Challenge, WebauthnError> {
        self.members.challenge.parse()
    }

    /// The message that is signed: the authenticator data, and the hash of the client data.
    pub(super) fn signed_with(&self, authenticator_data: &[u8]) -> Vec<u8> {
        [authenticator_data, self.hash.as_ref()].concat()
    }

    /// Checks that they are of this ceremony, challenge and relying party.
    pub(super) fn check(
        &self,
        ceremony: Ceremony,
        challenge: &Challenge,
        party: &RelyingParty,
    ) -> Result<(), WebauthnError> {
        if self.members.ceremony != ceremony.name() {
            return Err(WebauthnError::WrongCeremony);
        }
        if self.challenge()? != *challenge {
            return Err(WebauthnError::WrongChallenge);
        }
        if !party.origins.contains(&self.members.origin) {
            return Err(WebauthnError::WrongOrigin);
        }
        if self.members.top_origin.is_some() {
            return Err(WebauthnError::TopOrigin);
        }
        match self.members.cross_origin {
            Some(true) => Err(WebauthnError::CrossOrigin),
            Some(false) | None => Ok(()),
        }
    }
}

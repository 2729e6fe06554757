//! Authenticator data (section 6.1): the part of an answer that the authenticator writes.

use ring::digest::{SHA256, digest};

use super::{
    RelyingParty, UserVerification, WebauthnError,
    cbor::{Cbor, Reader},
};

/// Most bytes of a credential's id (section 7.1).
pub(super) const MAX_ID: usize = 1023;

/// Flags, by their bits. The two others are reserved and ignored.
const USER_PRESENT: u8 = 0x01;
const USER_VERIFIED: u8 = 0x04;
const BACKUP_ELIGIBLE: u8 = 0x08;
const BACKED_UP: u8 = 0x10;
const ATTESTED: u8 = 0x40;
const EXTENSIONS: u8 = 0x80;

/// Statements of an authenticator about itself and its user.
#[derive(Debug)]
pub(super) struct AuthenticatorData<'a> {
    rp_id_hash: [u8; 32],
    flags: u8,
    /// Signature counter; 0 if it has none.
    pub(super) counter: u32,
    /// The new credential, at a registration.
    pub(super) attested: Option<AttestedCredential<'a>>,
}

/// A new credential.
#[derive(Debug)]
pub(super) struct AttestedCredential<'a> {
    /// Model of the authenticator; zeros if it does not say.
    pub(super) aaguid: [u8; 16],
    /// Id of the credential, 1 to 1,023 bytes.
    pub(super) id: &'a [u8],
    /// Its public key: a value in CBOR.
    pub(super) key: &'a [u8],
}

impl<'a> AuthenticatorData<'a> {
    /// Reads all of `bytes`. Extensions are read over: we ask for none, and a client may add some.
    pub(super) fn read(bytes: &'a [u8]) -> Result<Self, WebauthnError> {
        Self::parse(bytes).ok_or(WebauthnError::AuthenticatorData)
    }

    fn parse(bytes: &'a [u8]) -> Option<Self> {
        let mut reader = Reader::new(bytes);
        let rp_id_hash = reader.array()?;
        let [flags] = reader.array()?;
        let counter = u32::from_be_bytes(reader.array()?);
        let attested = match flags & ATTESTED {
            0 => None,
            _ => Some(AttestedCredential::parse(&mut reader)?),
        };
        if flags & EXTENSIONS != 0 && !matches!(reader.value()?, Cbor::Map(_)) {
            return None;
        }
        reader.rest().is_empty().then_some(Self {
            rp_id_hash,
            flags,
            counter,
            attested,
        })
    }

    /// Checks that they are of this relying party, and the flags that both ceremonies have.
    pub(super) fn check(
        &self,
        party: &RelyingParty,
        verification: UserVerification,
    ) -> Result<(), WebauthnError> {
        if digest(&SHA256, party.id.as_bytes()).as_ref() != self.rp_id_hash {
            return Err(WebauthnError::WrongRelyingParty);
        }
        if !self.has(USER_PRESENT) {
            return Err(WebauthnError::UserAbsent);
        }
        if verification == UserVerification::Required && !self.user_verified() {
            return Err(WebauthnError::UserNotVerified);
        }
        if self.backed_up() && !self.backup_eligible() {
            return Err(WebauthnError::BackupState);
        }
        Ok(())
    }

    /// Whether the authenticator checked that its user is its owner.
    pub(super) fn user_verified(&self) -> bool {
        self.has(USER_VERIFIED)
    }

    /// Whether the credential may be copied to other devices.
    pub(super) fn backup_eligible(&self) -> bool {
        self.has(BACKUP_ELIGIBLE)
    }

    /// Whether the credential has been copied.
    pub(super) fn backed_up(&self) -> bool {
        self.has(BACKED_UP)
    }

    fn has(&self, flag: u8) -> bool {
        self.flags & flag != 0
    }
}

impl<'a> AttestedCredential<'a> {
    fn parse(reader: &mut Reader<'a>) -> Option<Self> {
        let aaguid = reader.array()?;
        let length = usize::from(u16::from_be_bytes(reader.array()?));
        let id = reader.take(length)?;
        let key = reader.encoded()?;
        (1..=MAX_ID)
            .contains(&length)
            .then_some(Self { aaguid, id, key })
    }
}

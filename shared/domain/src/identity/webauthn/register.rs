//! Registration: verifies the answer to a registration's options (section 7.1).

use super::{
    Challenge, PublicKey, RegistrationResponse, RelyingParty, UserVerification, WebauthnError,
    authenticator::AuthenticatorData,
    cbor::{Cbor, Key, Map},
    client_data::{Ceremony, ClientData},
    decode,
};

/// Most bytes of an attestation object. The largest have certificates, which we refuse by name.
const MAX_OBJECT: usize = 16_384;
/// Transports that the standard knows (`AuthenticatorTransport`).
const TRANSPORTS: [&str; 6] = ["ble", "hybrid", "internal", "nfc", "smart-card", "usb"];
/// Attestation formats in IANA's registry that we do not accept.
const OTHER_FORMATS: [&str; 6] = [
    "android-key",
    "android-safetynet",
    "apple",
    "compound",
    "fido-u2f",
    "tpm",
];

/// A credential that was registered. Its id must not be stored for any account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewCredential {
    /// Id, 1 to 1,023 bytes.
    pub id: Vec<u8>,
    /// Public key.
    pub public_key: PublicKey,
    /// Signature counter; 0 if the authenticator has none.
    pub counter: u32,
    /// Whether the authenticator checked that its user is its owner.
    pub user_verified: bool,
    /// Whether the credential may be copied to other devices. This never changes.
    pub backup_eligible: bool,
    /// Whether it has been copied.
    pub backed_up: bool,
    /// Model of the authenticator, unproven; zeros if it does not say.
    pub aaguid: [u8; 16],
    /// Ways to reach the authenticator, as the browser says: names of the standard, sorted.
    pub transports: Vec<String>,
}

/// An attestation object: the authenticator data, and a statement about their origin. Other members are ignored.
struct AttestationObject<'a> {
    format: &'a str,
    /// `None` if it is not a map: that of the format `compound` is a list.
    statement: Option<Map<'a>>,
    authenticator_data: &'a [u8],
}

impl RelyingParty {
    /// Verifies the answer to the options with this challenge.
    pub fn verify_registration(
        &self,
        answer: &RegistrationResponse,
        challenge: &Challenge,
        verification: UserVerification,
    ) -> Result<NewCredential, WebauthnError> {
        let id = answer.credential_id()?;
        let response = &answer.response;
        let client_data = ClientData::read(&response.client_data_json)?;
        client_data.check(Ceremony::Create, challenge, self)?;
        let object = decode(
            "attestationObject",
            &response.attestation_object,
            MAX_OBJECT,
        )?;
        let object = AttestationObject::read(&object).ok_or(WebauthnError::AttestationObject)?;
        let data = AuthenticatorData::read(object.authenticator_data)?;
        data.check(self, verification)?;
        let credential = data.attested.as_ref();
        let credential = credential.ok_or(WebauthnError::CredentialMissing)?;
        if credential.id != id {
            return Err(WebauthnError::WrongCredential);
        }
        let public_key = PublicKey::from_cose(credential.key)?;
        object.verify(&public_key, &client_data)?;
        Ok(NewCredential {
            id,
            public_key,
            counter: data.counter,
            user_verified: data.user_verified(),
            backup_eligible: data.backup_eligible(),
            backed_up: data.backed_up(),
            aaguid: credential.aaguid,
            transports: known(&response.transports),
        })
    }
}

impl<'a> AttestationObject<'a> {
    fn read(bytes: &'a [u8]) -> Option<Self> {
        let mut map = Cbor::read(bytes)?.into_map()?;
        let Some(Cbor::Text(format)) = map.remove(&Key::Text("fmt")) else {
            return None;
        };
        Some(Self {
            format,
            statement: map.remove(&Key::Text("attStmt"))?.into_map(),
            authenticator_data: map.get(&Key::Text("authData"))?.as_bytes()?,
        })
    }

    /// Verifies the statement: none, or one by the new key itself.
    fn verify(&self, key: &PublicKey, client_data: &ClientData) -> Result<(), WebauthnError> {
        match (self.format, &self.statement) {
            ("none", Some(statement)) if statement.is_empty() => Ok(()),
            ("packed", Some(statement)) => self.verify_packed(statement, key, client_data),
            ("none" | "packed", _) => Err(WebauthnError::AttestationStatement),
            (other, _) => {
                let known = OTHER_FORMATS.into_iter().find(|format| *format == other);
                let format = known.unwrap_or("unregistered");
                Err(WebauthnError::AttestationFormat(format))
            }
        }
    }

    /// Verifies a packed statement (section 8.2): `alg` and `sig`, and no `x5c`.
    fn verify_packed(
        &self,
        statement: &Map,
        key: &PublicKey,
        client_data: &ClientData,
    ) -> Result<(), WebauthnError> {
        let member = |name| statement.get(&Key::Text(name));
        if member("x5c").is_some() {
            return Err(WebauthnError::AttestationCertificates);
        }
        let (Some(Cbor::Int(algorithm)), Some(Cbor::Bytes(signature)), 2) =
            (member("alg"), member("sig"), statement.len())
        else {
            return Err(WebauthnError::AttestationStatement);
        };
        if *algorithm != key.algorithm().id() {
            return Err(WebauthnError::AttestationStatement);
        }
        let message = client_data.signed_with(self.authenticator_data);
        key.verify(&message, signature)
    }
}

/// The transports that the standard knows. The browser says them, and nothing proves them.
fn known(transports: &[String]) -> Vec<String> {
    let told = |name: &&str| transports.iter().any(|transport| transport == name);
    let known = TRANSPORTS.into_iter().filter(told);
    known.map(str::to_owned).collect()
}

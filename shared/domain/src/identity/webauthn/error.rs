//! Reasons for which an answer of an authenticator is refused.

/// Why an answer is refused. For the log: a client learns only that the passkey was not accepted. No message has a value of
/// the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WebauthnError {
    /// A member is longer than any that an authenticator sends.
    #[error("{0} is too long")]
    TooLong(&'static str),
    /// A member is not base64url without padding.
    #[error("{0} is not base64url without padding")]
    Encoding(&'static str),
    /// `id` and `rawId` differ, or are empty.
    #[error("id and rawId are not the same identifier")]
    CredentialId,
    /// The client data are not JSON, or a member is missing, twice there or of a wrong type.
    #[error("clientDataJSON is malformed")]
    ClientData,
    /// The answer belongs to the other ceremony.
    #[error("the client data are of another ceremony")]
    WrongCeremony,
    /// The challenge is not the one that was sent.
    #[error("the client data have another challenge")]
    WrongChallenge,
    /// The page is not one of the relying party.
    #[error("the client data name an origin that is not in the list")]
    WrongOrigin,
    /// The page was in a frame of another site.
    #[error("the client data name a top origin")]
    TopOrigin,
    /// The page was in a frame of another origin.
    #[error("the client data come from a frame of another origin")]
    CrossOrigin,
    /// The attestation object is not the CBOR that it must be.
    #[error("attestationObject is malformed")]
    AttestationObject,
    /// The authenticator data are too short, too long or inconsistent with their flags.
    #[error("the authenticator data are malformed")]
    AuthenticatorData,
    /// The authenticator signed for another relying party.
    #[error("the authenticator data are of another relying party")]
    WrongRelyingParty,
    /// Nobody touched the authenticator.
    #[error("the user was not present")]
    UserAbsent,
    /// The authenticator did not check that its user is its owner, although this was required.
    #[error("the user was not verified")]
    UserNotVerified,
    /// The credential is backed up, but not eligible for it.
    #[error("the credential is backed up without being eligible for backup")]
    BackupState,
    /// The credential's eligibility for backup differs from the one at its registration.
    #[error("the credential's eligibility for backup has changed")]
    BackupEligibility,
    /// A registration without a credential.
    #[error("the authenticator data have no credential")]
    CredentialMissing,
    /// The answer is of another credential than the one that it names or that is stored.
    #[error("the answer is of another credential")]
    WrongCredential,
    /// The answer names another account than the credential's.
    #[error("the answer is of another account")]
    WrongAccount,
    /// The public key is not a COSE key with exactly the parameters of its algorithm.
    #[error("the public key is malformed")]
    Key,
    /// The public key is of an algorithm that was not offered.
    #[error("the public key is of an algorithm that was not offered")]
    UnsupportedAlgorithm,
    /// The attestation has another format than `none` or `packed`; its name, or `unregistered`.
    #[error("the attestation format {0} is not accepted")]
    AttestationFormat(&'static str),
    /// The attestation is signed by its maker's certificate, not by the credential.
    #[error("attestation with certificates is not accepted")]
    AttestationCertificates,
    /// The attestation statement does not have the members of its format.
    #[error("the attestation statement is malformed")]
    AttestationStatement,
    /// The signature was made by another key, or of other data.
    #[error("the signature is wrong")]
    Signature,
    /// The signature is right, but its counter is not higher than the last: the authenticator may have been cloned.
    #[error("the signature counter has not increased")]
    ClonedCounter,
}

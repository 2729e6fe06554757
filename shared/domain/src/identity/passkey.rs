//! Passkeys of accounts, and the challenges by which they are added and used.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::Timestamp;

use super::{
    Account,
    webauthn::{Challenge, NewCredential, PublicKey, StoredCredential, UserVerification},
};
use crate::{
    fault::{Code, Rejection},
    id::{AccountId, PasskeyId},
};

/// Most passkeys of an account.
const MAX_PASSKEYS: usize = 20;
/// Name of a passkey that its owner has not named.
pub(super) const UNNAMED: &str = "Passkey";

/// A passkey of an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Passkey {
    /// Identifier, which follows from the credential's.
    pub id: PasskeyId,
    /// The account.
    pub account: AccountId,
    /// Id of the credential, 1 to 1,023 bytes.
    pub credential: Vec<u8>,
    /// Public key.
    pub public_key: PublicKey,
    /// Signature counter of the last answer; 0 if the authenticator has none.
    pub counter: u32,
    /// Whether the authenticator has ever checked that its user is its owner, when it made the credential or at a login since.
    /// Only then it is a factor that its owner can be asked for.
    pub user_verified: bool,
    /// Whether it may be copied to other devices. This never changes.
    pub backup_eligible: bool,
    /// Whether it has been copied.
    pub backed_up: bool,
    /// Ways to reach the authenticator: names of the standard.
    pub transports: Vec<String>,
    /// Name for its owner.
    pub name: String,
    /// Time at which it was added.
    pub created_at: Timestamp,
    /// Time of the last login with it.
    pub last_used_at: Option<Timestamp>,
}

/// The ceremony that a challenge is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ceremony {
    /// Adds a passkey to this account.
    Registration(AccountId),
    /// Signs in with any passkey of the shop.
    Login,
}

/// A challenge that waits for its answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IssuedChallenge {
    /// The challenge.
    pub challenge: Challenge,
    /// What it is for.
    pub ceremony: Ceremony,
    /// Time at which it can no longer be answered.
    pub expires_at: Timestamp,
}

impl IssuedChallenge {
    /// A challenge of 32 random bytes, issued at `now`.
    pub fn new(random: [u8; 32], ceremony: Ceremony, now: Timestamp) -> Self {
        Self {
            challenge: Challenge::new(random),
            ceremony,
            expires_at: now + Challenge::LIFETIME,
        }
    }
}

impl Passkey {
    /// Identifier of the passkey with this credential: a credential belongs to one account.
    pub fn id_of(credential: &[u8]) -> PasskeyId {
        PasskeyId::derived(&[&URL_SAFE_NO_PAD.encode(credential)])
    }

    /// A credential that an account has just registered.
    pub fn new(
        account: AccountId,
        credential: NewCredential,
        name: Option<String>,
        now: Timestamp,
    ) -> Self {
        Self {
            id: Self::id_of(&credential.id),
            account,
            credential: credential.id,
            public_key: credential.public_key,
            counter: credential.counter,
            user_verified: credential.user_verified,
            backup_eligible: credential.backup_eligible,
            backed_up: credential.backed_up,
            transports: credential.transports,
            name: name.unwrap_or_else(|| UNNAMED.to_owned()),
            created_at: now,
            last_used_at: None,
        }
    }

    /// What the verifier of a login needs. The user handle is the account's id, which says nothing of the person.
    pub fn stored(&self) -> StoredCredential {
        StoredCredential {
            id: self.credential.clone(),
            user_handle: self.account.to_bytes(),
            public_key: self.public_key.clone(),
            counter: self.counter,
            backup_eligible: self.backup_eligible,
        }
    }

    /// Whether it is enough for its account, which may have joined the staff since the authenticator was asked.
    pub fn suits(&self, account: &Account) -> bool {
        self.user_verified || account.user_verification() != UserVerification::Required
    }

    /// Whether an account with these passkeys may have another one.
    pub fn another_fits(passkeys: &[Self]) -> Result<(), Rejection> {
        match passkeys.len() < MAX_PASSKEYS {
            true => Ok(()),
            false => Err(Rejection::new(
                Code::TooManyPasskeys,
                format!("An account has at most {MAX_PASSKEYS} passkeys; delete one first."),
            )),
        }
    }
}

impl Account {
    /// Whether authenticators must check that their user is its owner: those of staff must, as a passkey is all that a login
    /// takes.
    pub fn user_verification(&self) -> UserVerification {
        match self.staff {
            Some(_) => UserVerification::Required,
            None => UserVerification::Preferred,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        identity::{ChangeCause, StaffMember},
        trace::{Cause, TraceParent},
    };

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + second).unwrap()
    }

    fn passkey(credential: &[u8], name: Option<&str>) -> Passkey {
        let cose = [
            b"\xA4\x01\x01\x03\x27\x20\x06\x21\x58\x20".as_slice(),
            &[9; 32],
        ]
        .concat();
        let credential = NewCredential {
            id: credential.to_vec(),
            public_key: PublicKey::from_cose(&cose).unwrap(),
            counter: 7,
            user_verified: true,
            backup_eligible: true,
            backed_up: false,
            aaguid: [0; 16],
            transports: vec!["internal".to_owned()],
        };
        let account = AccountId::random([1; 16]);
        Passkey::new(account, credential, name.map(str::to_owned), at(0))
    }

    #[test]
    fn a_credential_is_one_passkey_whoever_has_it() {
        let (one, other) = (passkey(&[1, 2], None), passkey(&[1, 2, 0], Some("Phone")));
        assert_eq!(one.id, Passkey::id_of(&[1, 2]));
        assert_ne!(one.id, other.id);
        assert_eq!((&*one.name, &*other.name), ("Passkey", "Phone"));
        assert_eq!(one.stored().user_handle, [1; 16]);
        assert_eq!(one.stored().counter, 7);
    }

    /// Somebody may join the staff while a passkey is being added.
    #[test]
    fn only_a_verified_passkey_is_enough_for_staff() {
        let (email, by) = ("ada@example.com".to_owned(), "shop".to_owned());
        let cause = ChangeCause {
            by,
            from: None,
            now: at(0),
            cause: Cause {
                trace_id: "r",
                traceparent: TraceParent::begin("r"),
            },
        };
        let staff = StaffMember {
            role: "owner".to_owned(),
            permissions: Vec::new(),
        };
        let staff = Account::joining(AccountId::random([1; 16]), email, None, staff, &cause);
        let customer = Account {
            staff: None,
            ..staff.clone()
        };
        let verified = passkey(&[1], None);
        let other = Passkey {
            user_verified: false,
            ..verified.clone()
        };
        assert!(verified.suits(&staff) && verified.suits(&customer));
        assert!(!other.suits(&staff) && other.suits(&customer));
    }

    #[test]
    fn an_account_has_so_many_passkeys_and_no_more() {
        let passkeys = |count: u8| {
            (0..count)
                .map(|id| passkey(&[id], None))
                .collect::<Vec<_>>()
        };
        assert_eq!(Passkey::another_fits(&passkeys(19)), Ok(()));
        let refused = Passkey::another_fits(&passkeys(20)).unwrap_err();
        assert_eq!(refused.code, Code::TooManyPasskeys);
    }

    #[test]
    fn a_challenge_waits_as_long_as_the_browser_is_told() {
        let issued = IssuedChallenge::new([1; 32], Ceremony::Login, at(0));
        assert_eq!(issued.expires_at, at(300));
        assert_eq!(issued.challenge, Challenge::new([1; 32]));
    }
}

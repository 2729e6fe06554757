//! Accounts of customers and staff, how they sign in, and what they may do (docs/adr/0028).

mod account;
mod address;
pub mod api;
mod base32;
mod caller;
pub mod export;
pub mod factors;
mod link;
mod passkey;
mod password;
mod permission;
mod recovery;
mod refresh;
mod registration;
mod seal;
mod second_factor;
mod secrets;
mod session;
mod token;
mod totp;
pub mod webauthn;

pub use account::{Account, AccountChange, AccountChangeKind, ChangeCause, Login, StaffMember};
pub use address::{
    AddressBook, AddressBookView, BookEntry, BookEntryBody, BookEntryView, PutAddress,
};
pub use caller::Identity;
pub use link::{LinkKey, LinkPurpose, LinkToken};
pub use passkey::{Ceremony, IssuedChallenge, Passkey};
pub use password::{
    NewPassword, PasswordAttempt, PasswordCheck, PasswordHash, Peppers, UnusablePassword,
};
pub use permission::{Permission, Role};
pub use recovery::RecoveryCodes;
pub use refresh::{PresentedRefresh, RefreshOutcome, RefreshState, RefreshToken};
pub use registration::{EmailChange, PasswordReset, Registration};
pub use seal::{SealError, SealingKey};
pub use second_factor::{SecondFactor, WrongCodes};
pub use secrets::{Secrets, SigningKey, UnusableSecrets};
pub use session::{BegunSession, NewSession, Session};
pub use token::{
    AUDIENCE, AccessClaims, ISSUER, LEEWAY, LIFETIME, PublicKey, TOKEN_TYPE, TokenState, jwks,
};
pub use totp::TotpSecret;

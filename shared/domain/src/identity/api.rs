//! Bodies and views of accounts and sessions.

use std::fmt;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Account, LIFETIME, NewPassword, Session};
use crate::{
    fault::{Code, Rejection},
    id::{AccountId, SessionId},
    text::FieldCheck,
    wire::Patch,
};

/// Longest name of a person, in characters.
const MAX_NAME: usize = 100;

/// A text that must not be logged: a password, or a token.
#[derive(Clone, Default, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct SecretText(pub String);

impl fmt::Debug for SecretText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretText(…)")
    }
}

/// Body of `POST /v1/auth/register`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RegisterBody {
    /// Email address, which a mail confirms.
    pub email: String,
    /// Password of 8 to 256 characters.
    pub password: SecretText,
    /// Name of the person, at most 100 characters.
    #[serde(default)]
    pub name: Option<String>,
    /// Token of a solved challenge, if the shop asks for one (`challenge_required`); at most 2,048 bytes.
    #[serde(default)]
    pub challenge: Option<SecretText>,
}

/// A valid registration.
#[derive(Clone, Debug)]
pub struct Register {
    /// Address in canonical form.
    pub email: String,
    /// The password.
    pub password: NewPassword,
    /// Name of the person.
    pub name: Option<String>,
}

impl RegisterBody {
    /// Checks all fields. `is_known` tells whether attackers try a password first.
    pub fn parse(self, is_known: impl Fn(&str) -> bool) -> Result<Register, Rejection> {
        let mut check = FieldCheck::default();
        let email = check.email("email", &self.email);
        let name = check.optional_line("name", self.name, MAX_NAME);
        let password = NewPassword::parse("password", &self.password.0, is_known);
        let password = check.accept(password);
        match password {
            Some(password) => check
                .finish(Register {
                    email,
                    password,
                    name,
                })
                .map_err(Rejection::invalid),
            None => Err(Rejection::invalid(check.into_faults())),
        }
    }
}

/// Body of endpoints that take the token of a mail's link.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TokenBody {
    /// The token of the link, after `token=`.
    pub token: SecretText,
}

/// Body of `POST /v1/auth/login`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LoginBody {
    /// Email address of the account.
    pub email: String,
    /// Password.
    pub password: SecretText,
    /// A code of the authenticator app, or a recovery code, if the account has a second factor.
    #[serde(default)]
    pub code: Option<SecretText>,
    /// Token of a solved challenge, if the shop asks for one (`challenge_required`); at most 2,048 bytes.
    #[serde(default)]
    pub challenge: Option<SecretText>,
    /// Whether the tokens come as cookies, for a browser on a page of the shop.
    #[serde(default)]
    pub cookies: bool,
}

/// Body of `POST /v1/auth/refresh`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RefreshBody {
    /// The refresh token; absent if a cookie has it.
    #[serde(default)]
    pub refresh_token: Option<SecretText>,
}

/// Body of `POST /v1/auth/logout`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LogoutBody {
    /// Whether all sessions of the account end, and not this one alone.
    #[serde(default)]
    pub everywhere: bool,
}

/// Body of `POST /v1/auth/password-reset`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ResetBody {
    /// Email address of the account.
    pub email: String,
    /// Token of a solved challenge, if the shop asks for one (`challenge_required`); at most 2,048 bytes.
    #[serde(default)]
    pub challenge: Option<SecretText>,
}

/// Body of `POST /v1/auth/password-reset/confirm`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ConfirmResetBody {
    /// The token of the link, after `token=`.
    pub token: SecretText,
    /// The new password, of 8 to 256 characters.
    pub password: SecretText,
}

/// Body of `POST /v1/me/password`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangePasswordBody {
    /// The password until now.
    pub current_password: SecretText,
    /// The new one, of 8 to 256 characters.
    pub new_password: SecretText,
}

/// Body of `POST /v1/me/email`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeEmailBody {
    /// The new address, which a mail confirms.
    pub email: String,
    /// The password of the account.
    pub password: SecretText,
}

/// Body of `DELETE /v1/me`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DeleteAccountBody {
    /// The password of the account.
    pub password: SecretText,
}

/// Body of `PATCH /v1/me`: a JSON Merge Patch (RFC 7396).
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ProfilePatch {
    /// Name of the person, at most 100 characters; `null` removes it.
    pub name: Patch<String>,
    /// Whether the person agrees to get advertising by email.
    pub email_consent: Patch<bool>,
}

/// An email address alone, checked.
pub fn parse_email(text: &str) -> Result<String, Rejection> {
    let mut check = FieldCheck::default();
    let email = check.email("email", text);
    check.finish(email).map_err(Rejection::invalid)
}

impl ProfilePatch {
    /// The account's profile after the patch; the account itself if nothing differs.
    pub fn apply(self, account: &Account, now: Timestamp) -> Result<Account, Rejection> {
        let mut check = FieldCheck::default();
        let mut changed = account.clone();
        match self.name {
            Patch::Keep => {}
            Patch::Reset => changed.name = None,
            Patch::Set(name) => {
                changed.name = check.optional_line("name", Some(name), MAX_NAME);
            }
        }
        match self.email_consent {
            Patch::Keep => {}
            Patch::Reset | Patch::Set(false) => changed.email_consent = None,
            // The time of the first consent is the one that counts.
            Patch::Set(true) => {
                changed.email_consent = account.email_consent.or(Some(now));
            }
        }
        check.finish(changed).map_err(Rejection::invalid)
    }
}

/// Tokens of a session.
#[derive(Clone, Serialize, JsonSchema)]
pub struct TokensView {
    /// The access token; absent if a cookie has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub access_token: Option<String>,
    /// The refresh token, which is replaced by each refresh; absent if a cookie has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refresh_token: Option<String>,
    /// `Bearer`.
    pub token_type: &'static str,
    /// Seconds for which the access token is valid.
    pub expires_in: i64,
}

impl TokensView {
    /// Tokens in the body.
    pub fn of(access: String, refresh: String) -> Self {
        Self {
            access_token: Some(access),
            refresh_token: Some(refresh),
            ..Self::in_cookies()
        }
    }

    /// Tokens that come as cookies.
    pub fn in_cookies() -> Self {
        Self {
            access_token: None,
            refresh_token: None,
            token_type: "Bearer",
            expires_in: LIFETIME.as_secs(),
        }
    }
}

/// That a mail with a link is on its way, if there is anything to send.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
pub struct LinkSentView {
    /// Seconds for which the link works.
    pub expires_in: i64,
}

impl LinkSentView {
    /// A link that works until `expires_at`.
    pub fn until(expires_at: Timestamp, now: Timestamp) -> Self {
        Self {
            expires_in: expires_at.duration_since(now).as_secs(),
        }
    }
}

/// An account as its owner sees it.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct MeView {
    /// Identifier.
    pub id: AccountId,
    /// Email address.
    pub email: String,
    /// Name of the person.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Whether the person agrees to get advertising by email.
    pub email_consent: bool,
    /// Time at which the address was verified.
    #[schemars(with = "String")]
    pub created_at: Timestamp,
    /// What the person may do as staff.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub staff: Option<StaffView>,
}

/// What a person may do as staff.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct StaffView {
    /// Name of the role.
    pub role: String,
    /// Permissions of the role.
    pub permissions: Vec<&'static str>,
}

impl From<&Account> for MeView {
    fn from(account: &Account) -> Self {
        let permissions = account.permissions();
        Self {
            id: account.id,
            email: account.email.clone(),
            name: account.name.clone(),
            email_consent: account.email_consent.is_some(),
            created_at: account.created_at,
            staff: account.staff.as_ref().map(|staff| StaffView {
                role: staff.role.clone(),
                permissions: permissions.iter().map(|it| it.name()).collect(),
            }),
        }
    }
}

/// A device on which the owner is signed in.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct SessionView {
    /// Identifier.
    pub id: SessionId,
    /// What the browser or app says about itself.
    pub device: String,
    /// Time of the login.
    #[schemars(with = "String")]
    pub created_at: Timestamp,
    /// Time of the last refresh.
    #[schemars(with = "String")]
    pub refreshed_at: Timestamp,
    /// Time at which it ends unless it is refreshed.
    #[schemars(with = "String")]
    pub expires_at: Timestamp,
    /// Whether it is the one that asks.
    pub current: bool,
}

/// All sessions of an account.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct SessionsView {
    /// The sessions, the last login first.
    pub items: Vec<SessionView>,
}

impl SessionsView {
    /// The sessions of `account`, of which `current` asks.
    pub fn of(sessions: &[Session], account: &Account, current: SessionId) -> Self {
        let sessions = sessions.iter().filter(|it| it.is_of(account));
        let mut items: Vec<SessionView> = sessions
            .map(|session| SessionView {
                id: session.id,
                device: session.device.clone(),
                created_at: session.created_at,
                refreshed_at: session.tokens.rotated_at,
                expires_at: session.expires_at(),
                current: session.id == current,
            })
            .collect();
        items.sort_by_key(|it| std::cmp::Reverse(it.created_at));
        Self { items }
    }
}

/// The rejection of a login, whatever the reason.
pub fn invalid_credentials() -> Rejection {
    Rejection::new(
        Code::InvalidCredentials,
        "Email address or password is wrong, or the account cannot be used.",
    )
}

/// The rejection of a link that completes nothing, whatever the reason.
pub fn invalid_link() -> Rejection {
    Rejection::new(
        Code::InvalidLink,
        "The link is not valid, has been used or has expired; ask for a new one.",
    )
}

/// The rejection of a refresh token that was replaced before.
pub fn refresh_token_reused() -> Rejection {
    Rejection::new(
        Code::RefreshTokenReused,
        "The refresh token was used before, so its session has ended; sign in again.",
    )
}

//! Authentication: who may call an endpoint, and by what a caller proves to be somebody.
//!
//! | credential | sent as | verified |
//! | --- | --- | --- |
//! | access token of a person | bearer token, or cookie `__Host-session` | by its signature, with keys in memory |
//! | staff token signed by hand | bearer token | by its signature |
//! | API key (`stk_…`) | bearer token | by a hash in the table, remembered for seconds |
//! | token of an order | bearer token | by the endpoint, for which it is opaque |

mod access_token;
pub(crate) mod cookies;
mod crypto;
mod staff;

use std::future::Future;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use domain::{
    fault::{Code, Failure, Rejection},
    identity::{AccessClaims, Identity, Permission, TOKEN_TYPE},
    staff::API_KEY_PREFIX,
};
use jiff::Timestamp;
use serde::Deserialize;

pub use access_token::{TokenVerifier, sign_access_token};
pub use staff::{StaffClaims, TOKEN_AUDIENCE, sign_staff_token};

use crate::{environment::Environment, request::HttpRequest};
use cookies::{CookieRule, SESSION_COOKIE};
use staff::StaffCheck;

/// Who may call an endpoint. Each declares it; the OpenAPI document and docs/security.md show it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Anyone. Credentials are not looked at.
    Public,
    /// Anyone. If somebody is signed in, the endpoint learns who; a token that is not valid is rejected.
    Guest,
    /// The holder of a bearer token that the endpoint checks itself, or a person who is signed in, whose own it has to be.
    Token,
    /// A person who is signed in.
    Person,
    /// Staff with a permission: a person, a staff token or an API key.
    Staff(Permission),
}

impl Access {
    /// Whether callers are verified with the shop's keys, which the function then has to know.
    pub const fn is_verified(self) -> bool {
        !matches!(self, Self::Public)
    }
}

/// Verifies what takes more than a signature made by hand. `access::serve` provides it.
pub trait Authenticator: Send + Sync + 'static {
    /// Verifies an access token.
    fn person(
        &self,
        token: &str,
        now: Timestamp,
    ) -> impl Future<Output = Result<AccessClaims, Failure>> + Send;

    /// Verifies an API key and returns it with its scopes.
    fn api_key(
        &self,
        key: &str,
        now: Timestamp,
    ) -> impl Future<Output = Result<Identity, Failure>> + Send;
}

/// Verifies nobody, for endpoints that are public.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NoAuthenticator;

impl Authenticator for NoAuthenticator {
    async fn person(&self, _: &str, _: Timestamp) -> Result<AccessClaims, Failure> {
        Err(invalid().into())
    }

    async fn api_key(&self, _: &str, _: Timestamp) -> Result<Identity, Failure> {
        Err(invalid().into())
    }
}

/// Verifies the callers of one endpoint.
pub(crate) struct Callers<A> {
    authenticator: A,
    staff: StaffCheck,
    cookies: CookieRule,
}

impl<A: Authenticator> Callers<A> {
    /// Reads `STAFF_TOKEN_PUBLIC_KEY` and `STAFF_TOKEN_MAX_HOURS` for endpoints of staff, and `ALLOWED_ORIGINS` for
    /// those that take cookies.
    pub(crate) fn new(access: Access, authenticator: A, environment: &Environment) -> Self {
        let (public_key, max_hours) = match access {
            Access::Staff(_) => (
                environment.get("STAFF_TOKEN_PUBLIC_KEY"),
                environment.get("STAFF_TOKEN_MAX_HOURS"),
            ),
            Access::Public | Access::Guest | Access::Token | Access::Person => (None, None),
        };
        Self {
            authenticator,
            staff: StaffCheck::new(public_key, max_hours),
            cookies: CookieRule::new(environment.get("ALLOWED_ORIGINS")),
        }
    }

    /// The verified caller of a request, who may call an endpoint with this access.
    pub(crate) async fn authenticate(
        &self,
        access: Access,
        request: &HttpRequest,
        now: Timestamp,
    ) -> Result<Identity, Failure> {
        if !access.is_verified() {
            return Ok(Identity::Guest);
        }
        let authorization = request.header("authorization");
        let cookie = cookies::read(request.header("cookie"), SESSION_COOKIE)?;
        let identity = match (authorization, cookie) {
            (None, None) => match access {
                Access::Guest => Identity::Guest,
                _ => return Err(missing().into()),
            },
            (None, Some(token)) => {
                self.cookies.check(request)?;
                Identity::Person(self.authenticator.person(token, now).await?)
            }
            (Some(_), cookie) => {
                let token = bearer(authorization)?;
                let kind = TokenKind::of(token);
                if kind == TokenKind::Person && cookie.is_some() {
                    return Err(unauthenticated(
                        "Send one token: in the header Authorization or as a cookie.",
                    )
                    .into());
                }
                self.bearer(access, kind, token, now).await?
            }
        };
        permitted(access, &identity)?;
        Ok(identity)
    }

    /// Whether a page of the shop makes the request.
    pub(crate) fn own_page(&self, request: &HttpRequest) -> Result<(), Rejection> {
        self.cookies.check(request)
    }

    async fn bearer(
        &self,
        access: Access,
        kind: TokenKind,
        token: &str,
        now: Timestamp,
    ) -> Result<Identity, Failure> {
        match (kind, access) {
            (TokenKind::Person, _) => Ok(Identity::Person(
                self.authenticator.person(token, now).await?,
            )),
            (TokenKind::ApiKey, Access::Staff(_)) => self.authenticator.api_key(token, now).await,
            // Whatever it is, the endpoint compares it.
            (_, Access::Token) => Ok(Identity::Guest),
            (TokenKind::Other, Access::Staff(_)) => {
                let subject = self.staff.check(token)?.sub;
                Ok(Identity::StaffToken { subject })
            }
            _ => Err(invalid().into()),
        }
    }
}

/// Whether a verified caller may call an endpoint.
fn permitted(access: Access, identity: &Identity) -> Result<(), Rejection> {
    match access {
        Access::Staff(permission) if !identity.has(permission) => {
            let name = permission.name();
            Err(Rejection::new(
                Code::Forbidden,
                format!("This takes the permission {name}, which the caller does not have."),
            ))
        }
        Access::Public | Access::Guest | Access::Token | Access::Person | Access::Staff(_) => {
            Ok(())
        }
    }
}

/// Kinds of bearer tokens, told apart before they are verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum TokenKind {
    /// An access token: a JWT with the type `at+jwt`.
    Person,
    /// An API key.
    ApiKey,
    /// Anything else.
    Other,
}

impl TokenKind {
    fn of(token: &str) -> Self {
        /// The part of a JWT's header that tells.
        #[derive(Deserialize)]
        struct Header {
            typ: Option<String>,
        }
        if token.starts_with(API_KEY_PREFIX) {
            return Self::ApiKey;
        }
        // Headers are short; what is longer is none of ours.
        let header = token.split('.').next().filter(|it| it.len() < 512);
        let header = header.and_then(|it| URL_SAFE_NO_PAD.decode(it).ok());
        let header = header.and_then(|it| serde_json::from_slice::<Header>(&it).ok());
        match header.and_then(|it| it.typ) {
            Some(typ) if typ == TOKEN_TYPE => Self::Person,
            _ => Self::Other,
        }
    }
}

/// Extracts the token of an `Authorization: Bearer …` header.
pub(crate) fn bearer(authorization: Option<&str>) -> Result<&str, Rejection> {
    let (scheme, token) = authorization
        .and_then(|value| value.split_once(' '))
        .ok_or_else(missing)?;
    let token = token.trim();
    if scheme.eq_ignore_ascii_case("bearer") && !token.is_empty() {
        Ok(token)
    } else {
        Err(missing())
    }
}

fn missing() -> Rejection {
    unauthenticated("Send the header Authorization: Bearer <token>.")
}

/// The rejection of a token that is not valid, for whatever reason.
pub fn invalid() -> Rejection {
    unauthenticated("The token is not valid or has expired; get a new one.")
}

fn unauthenticated(detail: &str) -> Rejection {
    Rejection::new(Code::Unauthenticated, detail)
}

#[cfg(test)]
mod tests;
